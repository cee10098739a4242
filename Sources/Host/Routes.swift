import CHost
public import Net
public import Ports

/// A route of a host.
public struct Route: Hashable, Sendable {
  public enum Table: UInt32, Sendable {
    case main = 254
    case local = 255
  }
  /// What becomes of a packet; values of linux/rtnetlink.h.
  public enum Kind: Hashable, Sendable {
    case unicast, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit
    case other(UInt8)
  }

  public var destination: IPPrefix
  /// `nil`: the destination is on the link.
  public var gateway: IPAddress?
  /// Index of the interface; 0 when it has none.
  public var interface: Int
  /// The address that the host itself sends from.
  public var source: IPAddress?
  /// Who made it: a number of linux/rtnetlink.h, or one of one's own.
  public var owner: UInt8
  /// 0: the kernel's default.
  public var metric = 0
  /// The gateway need not be in a block of the interface. Not known of routes that were listed.
  public var isOnLink = false
  public private(set) var kind = Kind.unicast
  public private(set) var table = Table.main

  public init(
    to destination: IPPrefix, via gateway: IPAddress? = nil, interface: Int, source: IPAddress? = nil, owner: UInt8
  ) {
    (self.destination, self.gateway, self.interface) = (destination, gateway, interface)
    (self.source, self.owner) = (source, owner)
  }

  /// As ip-route(8) words it: `198.18.0.0/16 via 10.0.0.1 dev eth0`. `device`: the interface's name.
  public func text(device: String?) -> String {
    let word = kind == .unicast ? "" : "\(kind.word) "
    return word + "\(destination)" + (gateway.map { " via \($0)" } ?? "") + (device.map { " dev \($0)" } ?? "")
  }
}

/// Routes of the tables main and local, over rtnetlink. `namespace` nil is the process's own.
public enum Routes {
  public static func list(in namespace: String?) throws(PortsFault) -> [Route] {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) -> [Route] in
      var raw = [chost_route](repeating: chost_route(), count: 256)
      while true {
        let capacity = Int32(raw.count)
        let found = try PortsFault.check(
          unsafe chost_route_list(descriptor, &raw, capacity),
          "listing routes" + (namespace.map { " of namespace \($0)" } ?? ""))
        if found <= raw.count { return raw[..<found].map(Route.init) }
        raw = [chost_route](repeating: chost_route(), count: found + 256)
      }
    }
  }

  /// Adds `route` to the table main. Throws EEXIST when there is one to that destination with that metric.
  public static func add(_ route: Route, in namespace: String?) throws(PortsFault) {
    try change(CHOST_ROUTE_ADD, route, in: namespace, "adding")
  }

  /// Adds `route`, in the place of one to that destination with that metric, whoever made it.
  public static func replace(_ route: Route, in namespace: String?) throws(PortsFault) {
    try change(CHOST_ROUTE_REPLACE, route, in: namespace, "setting")
  }

  /// Removes the route that agrees in everything but the source. Throws ESRCH when there is none.
  public static func remove(_ route: Route, in namespace: String?) throws(PortsFault) {
    try change(CHOST_ROUTE_REMOVE, route, in: namespace, "removing")
  }

  private static func change(
    _ verb: chost_route_verb, _ route: Route, in namespace: String?, _ what: String
  ) throws(PortsFault) {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) in
      try change(verb, route, descriptor: descriptor, what)
    }
  }

  static func change(
    _ verb: chost_route_verb, _ route: Route, descriptor: Int32, _ what: String
  ) throws(PortsFault) {
    var raw = chost_route()
    raw.interface = Int32(route.interface)
    raw.metric = UInt32(route.metric)
    raw.protocol = route.owner
    raw.length = UInt8(route.destination.depth)
    raw.is_onlink = route.isOnLink ? 1 : 0
    raw.destination = unsafe route.destination.base.octetTuple
    if let gateway = route.gateway {
      raw.has_gateway = 1
      raw.gateway = unsafe gateway.octetTuple
    }
    if let source = route.source {
      raw.has_source = 1
      raw.source = unsafe source.octetTuple
    }
    try PortsFault.check(
      unsafe chost_route_change(descriptor, verb, &raw), "\(what) the route \(route.text(device: nil))")
  }
}

extension Route {
  init(_ raw: chost_route) {
    destination = IPPrefix(unsafe IPAddress(octets: raw.destination), depth: Int(raw.length))
    gateway = raw.has_gateway != 0 ? unsafe IPAddress(octets: raw.gateway) : nil
    interface = Int(raw.interface)
    source = raw.has_source != 0 ? unsafe IPAddress(octets: raw.source) : nil
    owner = raw.protocol
    metric = Int(raw.metric)
    kind = Kind(raw.type)
    table = Table(rawValue: raw.table) ?? .main
  }
}

extension Route.Kind {
  fileprivate init(_ type: UInt8) {
    self =
      switch type {
      case 1: .unicast
      case 2: .local
      case 3: .broadcast
      case 4: .anycast
      case 5: .multicast
      case 6: .blackhole
      case 7: .unreachable
      case 8: .prohibit
      default: .other(type)
      }
  }

  fileprivate var word: String {
    if case .other(let type) = self { return "type \(type)" }
    return "\(self)"
  }
}
