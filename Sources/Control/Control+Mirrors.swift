import Cabling
import Dataplane
import Glibc
import Net
import Observers
import Ports
public import Rack
import Switching

/// What a mirror has done since the daemon's start, or since it was made.
public struct MirrorStatus: Hashable, Sendable {
  /// Frames that its end has taken.
  public var sent: UInt64
  /// Frames that found no room, or that its end did not take.
  public var lost: UInt64
  /// Why its end takes nothing; nil: it does.
  public var fault: String?

  public init(sent: UInt64 = 0, lost: UInt64 = 0, fault: String? = nil) {
    (self.sent, self.lost, self.fault) = (sent, lost, fault)
  }
}

/// Mirrors on the wire. After each change, what the records ask for is compared with what runs, and the forwarding plane
/// makes the difference: so a mirror follows its NICs to wherever they are made anew.
extension Control {
  /// Those that run.
  public func mirrorStatus() -> [MirrorID: MirrorStatus] {
    Dictionary(
      uniqueKeysWithValues: dataplane.mirrorReports().compactMap { name, report in
        MirrorID(name).map { ($0, MirrorStatus(sent: report.sent, lost: report.lost, fault: report.fault)) }
      })
  }

  /// Throws for a mirror that cannot be, as the rack cannot know: its filter is none, its device is not there.
  func mustMirror(_ command: Command) throws(Refusal) {
    guard case .createMirror(let request) = command else { return }
    if let filter = request.filter, !filter.isEmpty {
      do throws(FilterFault) { _ = try FrameFilter(filter) } catch {
        throw .invalid(
          "filter \(filter.quoted) is not valid: \(error); valid is what tcpdump takes, see pcap-filter(7)")
      }
    }
    guard case .device(let name) = request.end else { return }
    do throws(PortsFault) { _ = try dataplane.outlet(to: name) } catch {
      let rule = "a mirror's end is an Ethernet interface of the network namespace of toprackd, or SERVER:PORT"
      switch error.errno {
      case ENODEV: throw .invalid("device \(name.quoted) does not exist; \(rule)")
      case EMEDIUMTYPE: throw .invalid("device \(name.quoted) is no Ethernet interface; \(rule)")
      case EINVAL:
        throw .invalid(
          "device \(name.quoted) is a NIC of the rack, and what is sent there comes into the switch; \(rule)")
      default: throw .invalid("device \(name.quoted) cannot be used: \(error.message); \(rule)")
      }
    }
  }

  /// Has the mirrors of `rack` run, as its NICs and networks are now, and no others.
  func followMirrors(of rack: Rack) async {
    guard !rack.mirrors.isEmpty || hasMirrors else { return }
    hasMirrors = !rack.mirrors.isEmpty
    var wanted: [String: MirrorOrder] = [:]
    for mirror in rack.mirrors.values { wanted["\(mirror.id)"] = order(of: mirror, rack) }
    await dataplane.setMirrors(wanted)
  }

  private func order(of mirror: Mirror, _ rack: Rack) -> MirrorOrder {
    var order = MirrorOrder(nics: .these([]), end: end(of: mirror, rack))
    order.directions =
      switch mirror.direction {
      case .in: .incoming
      case .out: .outgoing
      case .both: .both
      }
    switch mirror.source {
    case .port:
      let nics = rack.sourceNICs(of: mirror).compactMap { place in
        wires.slotOf[place.server].map { Wires.nic(place.nic, slot: $0) }
      }
      order.nics = .these(Set(nics))
    case .network(let id):
      order.tag = rack.networks[id]?.vid
      if let domain = wires.domainOf[id] { (order.nics, order.domain) = (.all, domain) }
    }
    guard let filter = mirror.filter else { return order }
    do throws(FilterFault) { order.filter = try FrameFilter(filter) } catch {
      // It was valid when the mirror was made.
      (order.nics, order.end) = (.these([]), .nowhere("its filter is not valid any more: \(error)"))
    }
    return order
  }

  private func end(of mirror: Mirror, _ rack: Rack) -> MirrorOrder.End {
    switch mirror.end {
    case .device(let name): return .device(name)
    case .port(let id):
      guard let (server, port) = rack.port(id), let slot = wires.slotOf[server.id] else {
        return .nowhere("its NIC is not there")
      }
      // What is written to a NIC comes in there also without carrier.
      guard server.hasCarrier(port.name) else {
        return .nowhere("\(port.name.rawValue) of \(server.hostname) has no carrier")
      }
      return .nic(Wires.nic(port.name, slot: slot))
    }
  }

  /// Of those whose end takes nothing.
  func mirrorProblems() -> [Problem] {
    mirrorStatus().compactMap { id, status -> Problem? in
      guard let mirror = rack.mirrors[id], let fault = status.fault else { return nil }
      var server: ServerID?
      if case .port(let end) = mirror.end { server = rack.port(end)?.server.id }
      return Problem(
        kind: "mirror", server: server,
        text:
          "mirror \(mirror.name) of \(rack.words(of: mirror.source)) to \(rack.words(of: mirror.end)) sends nothing: "
          + fault)
    }
  }
}
