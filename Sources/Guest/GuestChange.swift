import Rack

/// The way from what is in a namespace to what is wanted: lines for `ip -batch`, in order. Nothing when all is so, so
/// the same can be asked again and again. Pure.
///
/// ## What is ours
/// Only what Toprack made is taken away, and the kernel remembers what that is: bonds and VLANs have an alias,
/// addresses and routes a metric of ours, and routes a protocol. Whatever else is there stays, and where it is in the
/// way that is a fault, and nothing at all is done. NICs are the server's: they are set up, put into the bond and taken
/// out of it.
///
/// A default route has that metric, too, so one that a container engine has set comes first; `remarks` says so.
public struct GuestChange: Hashable, Sendable {
  /// "tr" as a number: no other program is likely to take it.
  public static let metric = 0x7472
  /// Likewise, of `rt_protos`.
  public static let routeProtocol = "116"

  public private(set) var lines: [String] = []
  /// Why nothing can be done.
  public private(set) var faults: [String] = []
  public var isEmpty: Bool { lines.isEmpty && faults.isEmpty }

  private var links: [String: SeenNetwork.Link]
  private let mark: String

  /// - Parameters:
  ///   - mark: the alias of what is made for this server.
  ///   - nics: what the server's NICs are called.
  public init(from seen: SeenNetwork, to wanted: GuestNetwork, mark: String, nics: [String]) {
    self.mark = mark
    links = Dictionary(seen.links.map { ($0.name, $0) }) { first, _ in first }
    find(faultsOf: wanted)
    guard faults.isEmpty else { return }
    removeRoutes(seen, wanted)
    removeLinks(seen, wanted)
    removeAddresses(seen, wanted, nics)
    if !wanted.interfaces.isEmpty, links["lo"]?.isUp == false { lines.append("link set dev lo up") }
    for interface in wanted.interfaces { make(interface) }
    for interface in wanted.interfaces { join(interface) }
    // Once its NICs are in it.
    for interface in wanted.interfaces { set(interface) }
    addRoutes(seen, wanted)
  }

  // MARK: What is in the way

  private mutating func find(faultsOf wanted: GuestNetwork) {
    for interface in wanted.interfaces {
      let link = links[interface.name]
      if interface.kind == .nic, link == nil { faults.append("\(interface.name) is not there") }
      if interface.kind.isMade, let link, link.alias != mark {
        faults.append("\(interface.name) is there already and was not made by Toprack: remove or rename it")
      }
      if interface.kind == .nic, let master = link?.master, master != interface.master, links[master]?.alias != mark {
        faults.append("\(interface.name) is in \(master), which was not made by Toprack: take it out")
      }
    }
  }

  // MARK: What goes

  private mutating func removeRoutes(_ seen: SeenNetwork, _ wanted: GuestNetwork) {
    for route in seen.routes where Self.isOurs(route) {
      let isWanted = route.device.flatMap { wanted[$0] }?.routes.contains { $0.isSame(as: route) } ?? false
      guard !isWanted, let gateway = route.gateway, let device = route.device else { continue }
      lines.append(
        "route del \(route.destination) via \(gateway) dev \(device) proto \(Self.routeProtocol) metric \(Self.metric)")
    }
  }

  private mutating func removeLinks(_ seen: SeenNetwork, _ wanted: GuestNetwork) {
    for link in seen.links where link.alias == mark && wanted[link.name].map({ !$0.kind.isSame(as: link) }) ?? true {
      guard links[link.name] != nil else { continue }
      lines.append("link delete dev \(link.name)")
      links[link.name] = nil
      for (name, other) in links {
        if other.parent == link.name { links[name] = nil }
        // The kernel takes the NICs of a bond that goes down.
        if other.master == link.name { (links[name]!.master, links[name]!.isUp) = (nil, false) }
      }
    }
  }

  private mutating func removeAddresses(_ seen: SeenNetwork, _ wanted: GuestNetwork, _ nics: [String]) {
    for name in nics + seen.links.filter({ $0.alias == mark }).map(\.name) {
      for address in links[name]?.addresses ?? []
      where address.metric == Self.metric && wanted[name]?.addresses.contains(address.text) != true {
        lines.append("address del \(address.text) dev \(name)")
      }
    }
  }

  // MARK: What comes

  private mutating func make(_ interface: GuestNetwork.Interface) {
    guard interface.kind.isMade, links[interface.name] == nil else { return }
    var words = ["link", "add"]
    if case .vlan(_, on: let parent) = interface.kind { words += ["link", parent] }
    words += ["name", interface.name]
    if let mac = interface.mac { words += ["address", mac] }
    if let mtu = interface.mtu { words += ["mtu", "\(mtu)"] }
    switch interface.kind {
    case .nic: break
    case .bond(let mode):
      words += ["type", "bond", "mode", mode.name, "miimon", "100"]
      if mode == .lacp { words += ["lacp_rate", "fast", "xmit_hash_policy", "layer3+4"] }
    case .vlan(let number, on: _): words += ["type", "vlan", "id", "\(number)"]
    }
    lines += [words.joined(separator: " "), "link set dev \(interface.name) alias \"\(mark)\""]
    var link = SeenNetwork.Link(name: interface.name)
    link.mtu = interface.mtu ?? link.mtu
    links[interface.name] = link
  }

  /// Puts a NIC into its bond, which takes only what is down, and takes it out of another.
  private mutating func join(_ interface: GuestNetwork.Interface) {
    guard interface.kind == .nic, let link = links[interface.name], link.master != interface.master else { return }
    if link.master != nil { lines.append("link set dev \(interface.name) nomaster") }
    links[interface.name]!.isUp = false
    guard let master = interface.master else { return }
    lines.append("link set dev \(interface.name) down")
    lines.append("link set dev \(interface.name) master \(master)")
  }

  private mutating func set(_ interface: GuestNetwork.Interface) {
    guard let link = links[interface.name] else { return }
    if let mtu = interface.mtu, link.mtu != mtu { lines.append("link set dev \(interface.name) mtu \(mtu)") }
    if link.isUp != interface.isUp {
      lines.append("link set dev \(interface.name) \(interface.isUp ? "up" : "down")")
    }
    for address in interface.addresses where !link.addresses.contains(where: { $0.text == address }) {
      // Nobody else can have it, so there is no need to wait until that is known.
      let flags = address.contains(":") ? " nodad" : ""
      lines.append("address add \(address) dev \(interface.name) metric \(Self.metric)\(flags)")
    }
  }

  private mutating func addRoutes(_ seen: SeenNetwork, _ wanted: GuestNetwork) {
    for interface in wanted.interfaces {
      for route in interface.routes {
        let isThere = seen.routes.contains {
          $0.device == interface.name && Self.isOurs($0) && route.isSame(as: $0)
        }
        if isThere { continue }
        lines.append(
          "route add \(route.destination) via \(route.gateway) dev \(interface.name) proto \(Self.routeProtocol) "
            + "metric \(Self.metric)")
      }
    }
  }

  private static func isOurs(_ route: SeenNetwork.Route) -> Bool {
    route.protocol == routeProtocol && route.metric == metric
  }

  /// What somebody else has set up that comes before ours. What a router advertises on one of the interfaces is no
  /// such thing: it is the rack's own gateway.
  public static func remarks(on seen: SeenNetwork, _ wanted: GuestNetwork) -> [String] {
    let own = Set(wanted.interfaces.map(\.name))
    let defaults = wanted.interfaces.flatMap(\.routes).filter(\.isDefault)
    return defaults.compactMap { route in
      let other = seen.routes.first { other in
        other.destination == route.destination && !isOurs(other) && other.metric < metric
          && other.isIPv6 == route.gateway.contains(":")
          && !(other.protocol == "ra" && other.device.map(own.contains) ?? false)
      }
      guard let other, let device = other.device else { return nil }
      let family = other.isIPv6 ? "IPv6" : "IPv4"
      return "the default route of \(family) by \(device) is not Toprack's and comes first"
    }
  }
}

extension GuestNetwork.Route {
  fileprivate func isSame(as seen: SeenNetwork.Route) -> Bool {
    destination == seen.destination && gateway == seen.gateway
  }
}

extension GuestNetwork.Kind {
  fileprivate func isSame(as link: SeenNetwork.Link) -> Bool {
    switch self {
    case .nic: false
    case .bond(let mode): link.kind == "bond" && link.bondMode == mode.name
    case .vlan(let number, on: let parent): link.kind == "vlan" && link.vlan == number && link.parent == parent
    }
  }
}
