import Net
import Ports
import Wire

/// Whether a rack's blocks are free on this host.
///
/// A route of the host that overlaps a pool would either be taken over by ours or hide servers. So would an address.
/// Routes that leave open where a packet goes are no clash: the default route, also in pieces (0.0.0.0/1 and
/// 128.0.0.0/1, as VPNs set it), and a refusal (`unreachable`, `blackhole`) of a larger block.
struct UplinkClash {
  /// What the blocks are checked against. Interfaces of the rack's own uplinks do not count.
  struct Host {
    var routes: [Route]
    var addresses: [InterfaceAddress]
    var devices: [Int: Device]

    struct Device {
      let name: String
      /// The rack whose uplink it is, when it is another's.
      let rack: String?
    }
  }

  let host: Host

  /// Names the first thing of the host that overlaps `prefix`, as a sentence goes on after "overlaps"; `nil` when it is
  /// free.
  func text(for prefix: IPPrefix) -> String? {
    let routes = host.routes.filter { counts($0, against: prefix) }
    if let route = routes.first(where: { $0.table == .main }) { return text(route) }
    if let address = host.addresses.first(where: { $0.prefix.overlaps(prefix) || prefix.contains($0.address) }) {
      return "the host's address \(address) on \(device(address.interface) ?? "an interface")"
    }
    return routes.first.map(text)
  }

  private func counts(_ route: Route, against prefix: IPPrefix) -> Bool {
    guard route.destination.overlaps(prefix) else { return false }
    switch route.kind {
    case .unicast, .local, .broadcast, .anycast: return !isDefault(route.destination)
    case .multicast: return false
    case .blackhole, .unreachable, .prohibit, .other: return prefix.contains(route.destination)
    }
  }

  private func isDefault(_ destination: IPPrefix) -> Bool {
    destination.length <= (destination.isV4 ? 1 : 4)
  }

  private func text(_ route: Route) -> String {
    "the host's route \(route.text(device: device(route.interface)))"
  }

  private func device(_ index: Int) -> String? {
    host.devices[index].map { $0.name + ($0.rack.map { ", the uplink of rack \($0)" } ?? "") }
  }
}
