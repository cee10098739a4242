import Gateway
import Switching

/// What fits the routed interfaces: the MTU of each port's NICs, as their own systems have set it.
///
/// Control says what an interface is, its NICs say how large its packets may be. Of a bond the smaller of the members
/// that are up counts, since a conversation may go by either. A change is a new value for the gateway, which keeps its
/// neighbours and advertises the new MTU at once.
struct RoutedMTUs {
  var ofNIC: [NICIndex: Int] = [:]
  /// Of each routed port.
  var members: [PortIndex: [NICIndex]] = [:]
  /// As Control has said them.
  var interfaces: [PortIndex: RoutedInterface] = [:]

  /// What the gateway is to be told of the interface `port`; nil: there is none. `up`: NICs whose link is up.
  func fitted(_ port: PortIndex, up: Set<NICIndex>) -> RoutedInterface? {
    guard var interface = interfaces[port] else { return nil }
    let members = members[port, default: []]
    let carrying = members.filter(up.contains)
    if let least = (carrying.isEmpty ? members : carrying).compactMap({ ofNIC[$0] }).min() { interface.mtu = least }
    return interface
  }
}

extension SlowPath {
  mutating func setMTU(_ mtu: Int?, of nic: NICIndex, at now: UInt64) {
    routed.mtus.ofNIC[nic] = mtu.map { min($0, Switch.mtuLimit) }
    refit(portOf: nic, at: now)
  }

  mutating func refit(portOf nic: NICIndex, at now: UInt64) {
    for (port, members) in routed.mtus.members where members.contains(nic) { refit(port, at: now) }
  }

  /// To be called when the members of `port`, or those that are up, may be others.
  mutating func refit(_ port: PortIndex, at now: UInt64) {
    guard let interface = routed.mtus.fitted(port, up: up) else { return }
    routed.gateway.set(interface, as: port, at: now)
    sendOutputs()
  }
}
