import Cabling
import Dataplane
import Gateway
import Net
public import Rack
import Switching
import Wire

extension Control {
  /// What would become of `frame` if `server` gave it now by `port`. Of a bond the member that carries is taken.
  ///
  /// `viewer`: nil names everything; else servers of other projects have no name. Nil: the port has no NIC here now.
  public func trace(
    _ frame: [UInt8], from server: ServerID, by port: PortName, for viewer: ProjectID?
  ) async -> RackTrace? {
    guard let slot = wires.slotOf[server], let owner = rack.servers[server] else { return nil }
    var first: [RackTrace.Step] = []
    var name = port
    if port == .bond0 {
      guard let member = await carrier(of: owner, slot: slot) else { return nil }
      name = member.nic
      first = [RackTrace.Step(.member, member.text)]
    }
    guard let trace = await dataplane.trace(frame, from: Wires.nic(name, slot: slot)) else { return nil }
    let words = TraceWords(rack: rack, wires: wires, own: gateway.names, viewer: viewer)
    return words.trace(trace, first, by: name, of: owner)
  }

  /// The member of a bond by which frames are taken and sent; where none is, the first whose link is up.
  private func carrier(of server: Server, slot: Int) async -> (nic: PortName, text: String)? {
    let members = server.members.filter { host.locations[server.id]?[$0] != nil }
    for nic in members where await dataplane.carries(Wires.nic(nic, slot: slot)) {
      return (nic, "\(nic.rawValue) carries the frames of \(server.hostname) bond0: it is taken to come in by it")
    }
    let up = members.first { dataplane.isLinkUp(Wires.nic($0, slot: slot)) }
    return (up ?? members.first).map {
      ($0, "no member of \(server.hostname) bond0 carries frames now: \($0) is taken")
    }
  }
}

/// A trace in words: a function of the trace and the rack.
struct TraceWords {
  let rack: Rack
  let wires: Wires
  let own: [PortIndex: String]
  let viewer: ProjectID?

  func trace(
    _ trace: FrameTrace, _ first: [RackTrace.Step], by nic: PortName, of server: Server
  ) -> RackTrace {
    var result = RackTrace(verdict: .drop, reason: nil, steps: first, egress: [], droppedAt: nil, nic: nic)
    var place: RackTrace.DroppedAt? = RackTrace.DroppedAt(server: server.id, nic: nic)
    for step in trace.steps {
      result.steps += words(step, by: nic, of: server)
      if case .lost(let other, _) = step, case .drop = trace.verdict {
        place = wires.owner(of: other).flatMap {
          sees($0.server) ? RackTrace.DroppedAt(server: $0.server, nic: $0.nic) : nil
        }
      }
    }
    for egress in trace.egress {
      let receiver = receiver(of: egress.nic)
      let tag = egress.tagControl.map { Int($0 & 0xFFF) }
      result.egress.append(RackTrace.Egress(receiver, tag: tag))
      result.steps.append(
        RackTrace.Step(
          .egress, "it leaves by \(text(of: receiver)), \(tag.map { "tagged with VLAN \($0)" } ?? "untagged")"))
    }
    switch trace.verdict {
    case .forward: result.verdict = .forward
    case .flood: result.verdict = .flood
    case .route: result.verdict = .route
    case .local: result.verdict = .local
    case .drop(let reason):
      (result.verdict, result.reason, result.droppedAt) = (.drop, reason, place)
      if result.steps.last?.name != .drop {
        result.steps.append(RackTrace.Step(.drop, "it is dropped: \(reason.name)"))
      }
    }
    return result
  }

  // MARK: Steps

  private func words(_ step: FrameTrace.Step, by nic: PortName, of server: Server) -> [RackTrace.Step] {
    let place = "\(server.hostname) \(nic.rawValue)"
    func one(_ name: RackTrace.Step.Name, _ text: String) -> [RackTrace.Step] { [RackTrace.Step(name, text)] }
    switch step {
    case .header(let header): return one(.header, Self.words(header))
    case .unreadable(let reason): return one(.drop, "it is no frame that a switch can work with: \(reason.name)")
    case .port(let port, let role, let isShut): return one(.port, words(port, role, isShut, nic, server))
    case .noPort: return one(.port, "\(place) belongs to no port that is on the wire")
    case .bond(let isHeard):
      return one(
        .bond, isHeard ? "the bond takes frames by \(nic.rawValue)" : "the bond takes no frames by \(nic.rawValue) now")
    case .refused(let reason): return one(.drop, "it is refused at \(place): \(reason.name)")
    case .slowProtocol: return one(.lookup, "LACP or a marker: it is for the switch's own end of the bond")
    case .domain(let domain, let byTag):
      return one(
        .domain,
        "it is in VLAN \(number(of: domain)), \(byTag ? "as its tag says" : "the one that is untagged on the port")")
    case .source(let known): return one(.learning, learning(known, by: nic, of: server))
    case .group: return one(.lookup, "the destination is a group: all others of the VLAN get it")
    case .destination(let port):
      return one(
        .lookup,
        port.map { "the destination was heard on \(text(of: $0)) last" }
          ?? "nobody has heard the destination: all others of the VLAN get it")
    case .member(let port, let nic):
      return one(.egress, "of \(text(of: port)) \(Wires.name(of: nic).rawValue) carries this conversation")
    case .routed(let verdict): return one(.routing, Self.words(verdict))
    case .nextHop(let port): return one(.routing, "the next hop is behind \(text(of: port))")
    case .lost(let nic, let reason):
      return one(.drop, "\(text(of: receiver(of: nic))) does not get it: \(reason.name)")
    }
  }

  private static func words(_ header: FrameHeader) -> String {
    let tag =
      !header.isTagged ? "untagged" : header.vid == 0 ? "with a priority tag" : "tagged with VLAN \(header.vid)"
    let type = String(header.etherType, radix: 16)
    return "from \(header.source) to \(header.destination), \(tag), EtherType 0x"
      + String(repeating: "0", count: max(0, 4 - type.count)) + type
  }

  private func words(
    _ port: PortIndex, _ role: PortState.Role, _ isShut: Bool, _ nic: PortName, _ server: Server
  ) -> String {
    let name: PortName = server[nic].bonded ? .bond0 : nic
    let networks = server[name].networks.compactMap { id in
      rack.networks[id].map { ($0.vxlan, server.form(of: id, on: name)) }
    }
    .sorted { $0.0 < $1.0 }
    let list = networks.map { "VLAN \($0.0) \($0.1.isTagged ? "tagged" : "untagged")" }.joined(separator: ", ")
    let beginning = "\(server.hostname) \(name.rawValue) "
    let what =
      switch role {
      case .dark: "has no VLAN"
      case .switched: "has \(list)"
      case .routed: "is routed" + (list.isEmpty ? "" : ", and has \(list)")
      }
    return beginning + what + (isShut ? "; the loop guard has shut it" : "")
  }

  private func learning(_ known: PortIndex?, by nic: PortName, of server: Server) -> String {
    guard let known else { return "the source would be learned here: nobody has heard it yet" }
    let own: PortName = server[nic].bonded ? .bond0 : nic
    let owner = wires.owner(of: known)
    if owner?.server == server.id, owner?.port == own { return "the source is known to be here" }
    return "the source would be learned here: it was heard on \(text(of: known)) last"
  }

  private static func words(_ verdict: RouteVerdict) -> String {
    switch verdict {
    case .drop(let reason): "the gateway refuses it: \(reason.name)"
    case .forward: "the gateway sends it on to a neighbour that it knows"
    case .slow(.resolve, _, _): "the gateway sends it on when the neighbour has told its MAC address"
    case .slow(.fragment, _, _): "the gateway cuts it into fragments and sends them on"
    case .slow(.timeExceeded, _, _): "its time to live ends at the gateway, which tells the sender"
    case .slow(.noRoute, _, _): "nobody has the destination; the gateway tells the sender"
    case .slow(.tooBig, _, _): "the next link takes no packet of that size; the gateway tells the sender"
    case .slow: "it is for the gateway itself"
    }
  }

  // MARK: Names

  private func sees(_ server: ServerID) -> Bool { viewer == nil || rack.servers[server]?.project == viewer }

  private func number(of domain: DomainIndex) -> String {
    wires.network(of: domain).flatMap { rack.networks[$0] }.map { "\($0.vxlan)" } ?? "?"
  }

  private func text(of port: PortIndex) -> String {
    if let owner = wires.owner(of: port), let server = rack.servers[owner.server] {
      return sees(server.id) ? "\(server.hostname) \(owner.port.rawValue)" : Self.hidden
    }
    return own[port].map { "uplink \($0)" } ?? "port \(port.value)"
  }

  private static let hidden = "a server of another project"

  private func receiver(of nic: NICIndex) -> RackTrace.Egress.Receiver {
    if let owner = wires.owner(of: nic), let server = rack.servers[owner.server] {
      guard sees(server.id) else { return .hidden }
      let port: PortName = server[owner.nic].bonded ? .bond0 : owner.nic
      return .server(server.id, hostname: server.hostname, port: port, nic: owner.nic)
    }
    for number in 0..<Wires.ownLimit where wires.own(number).nic == nic {
      if let name = own[wires.own(number).port] { return .own(name) }
    }
    return .own("nic \(nic.value)")
  }

  private func text(of receiver: RackTrace.Egress.Receiver) -> String {
    switch receiver {
    case .server(_, let hostname, port: _, let nic): "\(hostname) \(nic.rawValue)"
    case .own(let name): name
    case .hidden: Self.hidden
    }
  }
}
