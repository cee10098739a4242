public import Net

/// A route that a server's operating system needs.
public struct GuestRoute: Hashable, Sendable {
  /// `nil`: the default route.
  public var destination: IPPrefix?
  public var gateway: String
  /// 4 or 6.
  public var family: Int

  public init(destination: IPPrefix? = nil, gateway: String, family: Int) {
    (self.destination, self.gateway, self.family) = (destination, gateway, family)
  }
}

extension Rack {
  /// The private addresses by the private gateway, everything else by the public one, or by the private one where there
  /// is no other. Empty in layer 2.
  public func guestRoutes(of server: Server) -> [GuestRoute] {
    var routes: [GuestRoute] = []
    let (privateV4, publicV4) = (server.address(.privateIPv4), server.address(.publicIPv4))
    if let privateV4, publicV4 != nil {
      routes += addressPlan.privateRoutes.map { GuestRoute(destination: $0, gateway: privateV4.gateway, family: 4) }
    }
    if let address = publicV4 ?? privateV4 { routes.append(GuestRoute(gateway: address.gateway, family: 4)) }
    if let address = server.address(.publicIPv6) { routes.append(GuestRoute(gateway: address.gateway, family: 6)) }
    return routes
  }
}
