package import Gateway
package import Net
package import Rack
package import Switching

/// The rack's routed interfaces in the gateway's terms: what stays the same for the life of the daemon, and from it and
/// a server the server's interface.
package struct RoutingPlan: Sendable {
  /// The gateway's own MAC address, on every link.
  package var mac: MACAddress
  /// The uplink's port, by facility; none where a facility has no way out.
  package var exits: [String: PortIndex] = [:]
  /// What DHCP hands out beside the address.
  package var dns: [IPAddress] = []
  package var nextServer: IPAddress?
  package var bootFile: String?
  package var ipxeBootFile: String?
  /// Where servers get their userdata; none without a metadata service.
  package var userdataURL: String?
  package var leaseSeconds: UInt32 = 86_400

  package init(
    mac: MACAddress, exits: [String: PortIndex] = [:], dns: [IPAddress] = [], nextServer: IPAddress? = nil,
    bootFile: String? = nil, ipxeBootFile: String? = nil, userdataURL: String? = nil, leaseSeconds: UInt32 = 86_400
  ) {
    (self.mac, self.exits, self.dns, self.nextServer) = (mac, exits, dns, nextServer)
    (self.bootFile, self.ipxeBootFile) = (bootFile, ipxeBootFile)
    (self.userdataURL, self.leaseSeconds) = (userdataURL, leaseSeconds)
  }

  /// bond0 as a routed interface.
  package func interface(of server: Server) -> RoutedInterface {
    let links = server.addresses.map { address in
      RoutedInterface.Link(
        gateway: address.network.base, host: address.host.base, isPublic: address.kind.isPublic)
    }
    let way = server.addresses.firstIndex { $0.kind == .publicIPv4 }
    return RoutedInterface(
      kind: .server, mac: mac, mtu: server.mtu, links: links,
      blocks: way.map { link in server.blocks.map { RoutedInterface.Block(prefix: $0.block, link: link) } }
        ?? [],
      exit: exits[server.facility],
      boot: boot(server.bootOptions))
  }

  private func boot(_ options: BootOptions) -> RoutedInterface.Boot {
    let script: String? =
      switch options.script {
      case .none: nil
      case .url(let url): url
      case .userdata: userdataURL
      }
    // Whoever has the script is likely to have iPXE, too.
    let next = nextServer ?? (options.script == .userdata ? nil : script.flatMap(IPAddress.init(hostOf:)))
    return RoutedInterface.Boot(
      hostname: options.hostname, dns: dns, nextServer: next, filename: bootFile, script: script,
      ipxeFile: ipxeBootFile, leaseSeconds: leaseSeconds)
  }
}

extension MACAddress {
  /// The gateway's address on all links of a rack: the same for as long as the rack's state lives, so that a restart
  /// changes nothing for servers that know it; and another one than that of LACP.
  package init(gatewayOf rack: MACAddress) { self.init(rack.value ^ 0x0400_0000_0000) }
}

extension IPAddress {
  /// The host of a URL, when that is an IPv4 address.
  fileprivate init?(hostOf url: String) {
    guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
    let host = url[start...].prefix { !"/:?#".contains($0) }
    guard let address = IPAddress(host), address.isV4 else { return nil }
    self = address
  }
}
