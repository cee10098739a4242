package import Net
package import Ports
package import Switching

/// Where the metadata service listens: 169.254.169.254 on a link of its own to the gateway.
///
/// ## How it works
/// The address is on a TAP in a network namespace that has no name (`PrivateNamespace`), because on the host it would
/// be anybody's: clouds and other programs use the same one. The gateway sends there what servers send to
/// 169.254.169.254, with the source as it is, and has the even answer, 169.254.169.255, by which everything goes back.
/// Between the two it is plain Ethernet with ARP.
///
/// All of it is gone with the process.
package struct MetadataLink: ~Copyable, Sendable {
  package static let device = "meta0"
  /// The service's.
  package static let address = IPAddress(v4: 169 << 24 | 254 << 16 | 169 << 8 | 254)
  /// The gateway's on this link.
  package static let gateway = IPAddress(v4: 169 << 24 | 254 << 16 | 169 << 8 | 255)
  package static let defaultMAC = MACAddress(0x02_00_A9_FE_A9_FE)

  package let mac: MACAddress
  private let namespace: PrivateNamespace

  /// Makes the link and attaches it to the forwarding plane as `nic`. Needs CAP_SYS_ADMIN.
  package static func open(
    as nic: NICIndex, of plane: any NICPlane, mac: MACAddress = defaultMAC, mtu: Int = 1500
  ) async throws(PortsFault) -> MetadataLink {
    let namespace = try PrivateNamespace()
    let tap = try namespace.openTAP(device, mac: mac, mtu: mtu)
    guard let link = try namespace.links().first(where: { $0.name == device }) else {
      throw PortsFault(errno: 19, message: "\(device) of the metadata service is gone")
    }
    // Nobody speaks IPv6 here. Where /proc/sys is closed, the gateway drops what the kernel says of itself.
    try? namespace.setSysctl(.ipv6, device, "disable_ipv6", "1")
    try namespace.setAddress(address, of: IPPrefix(address, length: 31), on: link.index)
    try namespace.setUp(device)
    try namespace.addRoute(
      Route(to: IPPrefix(v4: 0, length: 0), via: gateway, interface: link.index, owner: Uplinks.routeOwner))
    try await plane.attach(tap, as: nic, mtu: mtu)
    return MetadataLink(mac: mac, namespace: namespace)
  }

  private init(mac: MACAddress, namespace: consuming PrivateNamespace) {
    self.mac = mac
    self.namespace = namespace
  }

  /// A socket that listens at the address. The caller owns it; the namespace lives as long as it does.
  ///
  /// A port below 1024 needs CAP_NET_BIND_SERVICE.
  package borrowing func listen(port: UInt16 = 80) throws(PortsFault) -> Int32 {
    try namespace.listen(at: Self.address, port: port)
  }
}
