// Gathers what is known of two servers for a diagnosis.

import Checks
import Control
import Diagnosis
import Guest
import Host
import MachineHost
import Net
import Rack
import Switching
import Wire

/// Two servers that somebody asks about, as the caller sees them.
struct Inquiry: Sendable {
  /// One of the two, as it was named.
  struct Subject: Sendable {
    var server: Server
    /// The one port that is meant.
    var port: PortName?
    /// The address that it was named by.
    var address: IPAddress?
  }

  /// How far back drops are looked at.
  static let seconds = 300
  /// How long frames are listened to.
  static let attention = Duration.milliseconds(600)
  /// Servers in whose namespaces an address is looked for.
  private static let searchLimit = 256

  let call: Call
  let probes: Probes
  let view: View
  let from: Subject
  let to: Subject

  /// Throws 404 and 422 for what cannot be asked.
  init(call: Call, probes: Probes) async throws {
    (self.call, self.probes) = (call, probes)
    view = await call.view()
    func subject(_ name: String, _ view: View) throws -> Subject {
      let what = "a server, SERVER:PORT or an address"
      return try Self.subject(try call.arguments.required(name, what) { try call.arguments.string($0) }, view)
    }
    from = try subject("from", view)
    to = try subject("to", view)
    guard from.server.id != to.server.id else {
      throw APIError.invalid("from and to are both \(from.server.hostname): valid are two servers")
    }
  }

  private static func subject(_ text: String, _ view: View) throws -> Subject {
    if let address = IPAddress(text) { return try holder(of: address, view) }
    let (word, port) = PortReference.split(text)
    guard let port else { return Subject(server: try view.known(serverNamed: text)) }
    let server = try view.known(serverNamed: word)
    guard let name = server.port(named: port) else {
      throw APIError.unknown(
        "\(server.hostname) has no port \(Arguments.shown(.string(port))); valid are bond0, eth0 and eth1")
    }
    return Subject(server: server, port: name)
  }

  /// Whose address it is: by the rack, and else by what is set in the servers' namespaces.
  private static func holder(of address: IPAddress, _ view: View) throws -> Subject {
    let servers = view.servers.sorted { $0.hostname < $1.hostname }
    if let owner = servers.first(where: { server in
      server.addresses.contains { $0.host.contains(address) } || server.blocks.contains { $0.block.contains(address) }
    }) {
      return Subject(server: owner, address: address)
    }
    for server in servers.lazy.filter({ $0.place.namespace != nil }).prefix(searchLimit) {
      let known = (try? Addresses.list(in: server.place.namespace)) ?? []
      if known.contains(where: { $0.address == address }) { return Subject(server: server, address: address) }
    }
    throw APIError.unknown(
      "no server has the address \(address), as far as can be seen: give the server, or a port as web1:eth0")
  }

  // MARK: Facts

  func facts() async -> DiagnosisFacts {
    async let first = end(from)
    async let second = end(to)
    let ends = (await first, await second)
    var facts = DiagnosisFacts(from: ends.0, to: ends.1, ways: [])
    let heard = await call.listen(to: [from.server, to.server], for: Self.attention)
    for network in commonNetworks() {
      facts.ways.append(await way(in: network, facts, heard))
    }
    if let way = await routedWay(facts) { facts.ways.append(way) }
    facts.candidates = candidates(facts)
    return facts
  }

  private func name(_ server: Server) -> String {
    guard view.servers(named: server.hostname).count > 1 else { return server.hostname }
    return "\(view[server.project]?.name ?? "")/\(server.hostname)"
  }

  private func end(_ subject: Subject) async -> DiagnosisFacts.End {
    let server = subject.server
    var end = DiagnosisFacts.End(
      name(server), project: view[server.project]?.name ?? "", facility: server.facility)
    end.port = subject.port
    (end.isPoweredOn, end.asked) = (server.isPoweredOn, subject.address)
    (end.members, end.isRouted) = (server.members, server.isRouted(.bond0) && !server.members.isEmpty)
    end.isStatic = Catalogue.plan(server.plan)?.bondingMode == .balanceTLB
    end.addresses = server.addresses.map(\.host) + server.blocks.map(\.block)
    end.attached = Set(ports(of: subject).flatMap { server[$0].networks }.compactMap { view[$0]?.vxlan })
    let lacp = await call.lacp(of: server)
    for (nic, status) in await call.counters(of: server) {
      end.nics[nic] = self.nic(nic, status, lacp.first { $0.port == nic }, server)
    }
    for neighbour in await call.neighbours(of: server) {
      if let address = IPAddress(neighbour.address) { end.neighbours[address] = neighbour.state }
    }
    end.drops = await call.recentDrops(of: server, seconds: Self.seconds).map { sighting in
      let glance = FrameGlance(sighting.bytes)
      return DiagnosisFacts.Drop(
        sighting.nic, sighting.reason?.name ?? "", vlan: glance.vlan, source: glance.source, sender: glance.sender)
    }
    end.seen = await inside(server, end)
    return end
  }

  private func nic(
    _ name: PortName, _ status: NICStatus, _ member: LACPMember?, _ server: Server
  ) -> DiagnosisFacts.NIC {
    var nic = DiagnosisFacts.NIC()
    (nic.mac, nic.interface) = (server[name].mac, status.interface)
    (nic.isLinkUp, nic.carries, nic.mtu) = (status.linkUp, status.carries, status.mtu)
    (nic.storms, nic.shut) = (status.storms, status.shut?.text)
    (nic.hasPartner, nic.problem) = (member?.partner != nil && member?.fallback != true, member?.problem)
    (nic.removed, nic.impairment) = (LinkFacts.removed(name, server), LinkFacts.impairment(name, server))
    return nic
  }

  /// What its own system has; nil: nobody can look, or this caller may not.
  private func inside(_ server: Server, _ end: DiagnosisFacts.End) async -> DiagnosisFacts.Inside? {
    guard let origin = try? await probes.origin(of: server, call) else { return nil }
    let task = Task.detached { try? NamespaceLook(at: origin.namespace) }
    guard let look = await task.value else { return nil }
    // On the host there is much that is not the server's.
    let own = Set(end.nics.values.map(\.interface))
    let links = look.network.links.filter { link in
      origin.namespace != nil || own.contains(link.name) || link.parent.map(own.contains) == true
    }
    let interfaces = links.map { link in
      var interface = DiagnosisFacts.Inside.Interface(link.name)
      (interface.isUp, interface.mtu, interface.mac) = (link.isUp, link.mtu, link.mac.flatMap { MACAddress($0) })
      (interface.master, interface.parent, interface.vlan) = (link.master, link.parent, link.vlan)
      interface.addresses = link.addresses.compactMap { address in
        IPAddress(address.text.prefix { $0 != "/" }).flatMap { $0.isLinkLocal ? nil : $0 }
      }
      return interface
    }
    return DiagnosisFacts.Inside(interfaces, unanswered: look.unanswered)
  }

  // MARK: Ways

  private func ports(of subject: Subject) -> [PortName] {
    if let port = subject.port { return subject.server[port].bonded && port != .bond0 ? [.bond0] : [port] }
    return PortName.allCases
  }

  /// Networks that both have on a port that is meant. What was asked for by an address of the rack is routed.
  private func commonNetworks() -> [(network: VirtualNetwork, from: PortName, to: PortName)] {
    guard !isRackAddress(from), !isRackAddress(to) else { return [] }
    func networks(_ subject: Subject) -> [NetworkID: PortName] {
      var found: [NetworkID: PortName] = [:]
      for port in ports(of: subject) where port != .bond0 || subject.server.bond0.bonded {
        for network in subject.server[port].networks { found[network] = port }
      }
      return found
    }
    let (first, second) = (networks(from), networks(to))
    return first.compactMap { id, port in
      guard let other = second[id], let network = view[id] else { return nil }
      return (network, port, other)
    }.sorted { $0.network.vxlan < $1.network.vxlan }
  }

  private func isRackAddress(_ subject: Subject) -> Bool {
    guard let address = subject.address else { return false }
    let server = subject.server
    return server.addresses.contains { $0.host.contains(address) }
      || server.blocks.contains { $0.block.contains(address) }
  }

  private func way(
    in common: (network: VirtualNetwork, from: PortName, to: PortName), _ facts: DiagnosisFacts,
    _ heard: [ServerID: [Sighting]]
  ) async -> DiagnosisFacts.Way {
    let number = common.network.vxlan
    let stations = await stations(in: common.network)
    var sides: [DiagnosisFacts.Side] = []
    for (subject, port, end) in [(from, common.from, facts.from), (to, common.to, facts.to)] {
      let server = subject.server
      var side = DiagnosisFacts.Side(port, isTagged: server.form(of: common.network.id, on: port).isTagged)
      side.isAlone = server[port].networks.count == 1
      for station in stations where station.server == server.id && station.port == port {
        side.stations[station.mac] = station.moves
      }
      let nics = port == .bond0 ? server.members : [port]
      let own = Set(nics.compactMap { server[$0].mac } + insideMACs(end, nics))
      for station in stations where own.contains(station.mac) && station.server != server.id {
        side.elsewhere[station.mac] = "\(station.hostname) \(station.port.rawValue)"
      }
      for sighting in heard[server.id] ?? [] where nics.contains(sighting.nic) && sighting.reason == nil {
        let glance = FrameGlance(sighting.bytes)
        guard let source = glance.source, let destination = glance.destination, !destination.isReserved else {
          continue
        }
        if glance.vlan == number { side.sentTagged.insert(source) }
        if !side.isTagged, glance.vlan ?? 0 == 0 { side.sentUntagged.insert(source) }
      }
      sides.append(side)
    }
    var way = DiagnosisFacts.Way(.network(number), from: sides[0], to: sides[1])
    let target = (mac(of: to.server, sides[1]), mac(of: from.server, sides[0]))
    (way.from.fate, way.from.path) = await fate(number, from.server, sides[0], to: target.0, to.server, sides[1])
    (way.to.fate, way.to.path) = await fate(number, to.server, sides[1], to: target.1, from.server, sides[0])
    return way
  }

  /// Those of one network. A huge one is read as far as it can be in a few pieces.
  private func stations(in network: VirtualNetwork) async -> [Station] {
    var (found, bookmark, pieces) = ([Station](), StationBookmark(), 0)
    while pieces < 64, let piece = try? await call.stations(of: nil, vxlan: network.vxlan, from: bookmark) {
      found += piece.stations
      guard let next = piece.next else { break }
      (bookmark, pieces) = (next, pieces + 1)
    }
    return found.filter { $0.network == network.id }
  }

  private func insideMACs(_ end: DiagnosisFacts.End, _ nics: [PortName]) -> [MACAddress] {
    let names = nics.compactMap { end.nics[$0]?.interface }
    return (end.seen?.interfaces ?? []).filter { names.contains($0.name) }.compactMap(\.mac)
  }

  private func mac(of server: Server, _ side: DiagnosisFacts.Side) -> MACAddress? {
    let own = side.port == .bond0 ? server.members.first : side.port
    return side.stations.keys.min { $0.value < $1.value } ?? own.flatMap { server[$0].mac }
  }

  /// What the switch would do with a frame, as the reason of its drop and as a line.
  private func fate(
    _ number: Int, _ server: Server, _ side: DiagnosisFacts.Side, to target: MACAddress?, _ other: Server,
    _ otherSide: DiagnosisFacts.Side
  ) async -> (String?, String) {
    guard let source = mac(of: server, side), let target else { return (nil, "") }
    let recipe = FrameRecipe(to: target, from: source, vlan: side.isTagged ? UInt16(number) : nil)
    let form = { (side: DiagnosisFacts.Side) in side.isTagged ? "tagged" : "untagged" }
    let beginning = "\(name(server)) \(side.port.rawValue) (\(form(side))) -> VLAN \(number) -> "
    return await fate(
      recipe.bytes, server, side.port, beginning, "\(name(other)) \(otherSide.port.rawValue) (\(form(otherSide)))")
  }

  private func fate(
    _ frame: [UInt8], _ server: Server, _ port: PortName, _ beginning: String, _ end: String
  ) async -> (String?, String) {
    guard let trace = await call.trace(frame, from: server, by: port) else { return (nil, "") }
    guard let reason = trace.reason else { return (nil, beginning + end) }
    return (reason.name, "\(beginning)dropped: \(reason.name)")
  }

  /// By the gateway, where both are routed.
  private func routedWay(_ facts: DiagnosisFacts) async -> DiagnosisFacts.Way? {
    guard facts.from.isRouted, facts.to.isRouted, ports(of: from).contains(.bond0), ports(of: to).contains(.bond0),
      from.address == nil || isRackAddress(from), to.address == nil || isRackAddress(to)
    else { return nil }
    let side = DiagnosisFacts.Side(.bond0, isTagged: false)
    var way = DiagnosisFacts.Way(.routed, from: side, to: side)
    (way.from.fate, way.from.path) = await routedFate(from, to)
    (way.to.fate, way.to.path) = await routedFate(to, from)
    return way
  }

  private func routedFate(_ subject: Subject, _ other: Subject) async -> (String?, String) {
    func address(_ subject: Subject, isV4: Bool) -> IPAddress? {
      subject.address ?? subject.server.addresses.map(\.host.base).first { $0.isV4 == isV4 }
    }
    let isV4 = (subject.address ?? other.address)?.isV4 ?? true
    guard let source = address(subject, isV4: isV4), let target = address(other, isV4: isV4),
      source.isV4 == target.isV4,
      let mac = subject.server.members.first.flatMap({ subject.server[$0].mac }), let gateway = call.gatewayMAC
    else { return (nil, "") }
    let recipe = FrameRecipe(to: gateway, from: mac, FrameRecipe.Packet(from: source, to: target))
    return await fate(
      recipe.bytes, subject.server, .bond0, "\(name(subject.server)) bond0 (\(source)) -> gateway -> ",
      "\(name(other.server)) bond0 (\(target))")
  }

  // MARK: What could be

  /// Networks that could be on both, those that one of them has first.
  private func candidates(_ facts: DiagnosisFacts) -> [Int] {
    guard from.server.project == to.server.project else { return [] }
    let fitting = view.networks.filter { network in
      network.project == from.server.project && network.place.reaches(facility: from.server.facility)
        && network.place.reaches(facility: to.server.facility)
    }
    func isOn(_ network: VirtualNetwork) -> Bool {
      (ports(of: from).flatMap { from.server[$0].networks } + ports(of: to).flatMap { to.server[$0].networks })
        .contains(network.id)
    }
    return fitting.sorted { (isOn($0) ? 0 : 1, $0.vxlan) < (isOn($1) ? 0 : 1, $1.vxlan) }.map(\.vxlan)
  }
}
