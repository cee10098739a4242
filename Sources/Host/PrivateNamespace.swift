import CHost
import Glibc
public import Net
public import Ports

/// A network namespace without a name, for something of the daemon's own that must not meet the host's network.
///
/// ## How it works
/// A thread unshares and ends; the namespace lives on in the descriptor, and in the sockets and TAPs that are opened in
/// it: each of these belongs to it for good, whichever thread uses it. When the process ends, however that is, all of
/// it is gone. Nobody finds the namespace in /run/netns; `nsenter --net=/proc/PID/fd/N` does.
///
/// Needs CAP_SYS_ADMIN. `lo` is up.
public struct PrivateNamespace: ~Copyable, Sendable {
  let descriptor: Int32

  public init() throws(PortsFault) {
    let made = Int32(try PortsFault.check(chost_netns_private(), "making a private network namespace"))
    do throws(PortsFault) {
      try Links.setUp("lo", true, descriptor: made)
    } catch {
      close(made)
      throw error
    }
    descriptor = made
  }

  deinit { close(descriptor) }

  /// A TAP that ends with its descriptor. It is down.
  public borrowing func openTAP(_ name: String, mac: MACAddress? = nil, mtu: Int? = nil) throws(PortsFault) -> TAP {
    let tap = try TAP.open(name, descriptor: descriptor)
    try Links.configure(name, descriptor: descriptor, mac: mac, mtu: mtu)
    return tap
  }

  public borrowing func links() throws(PortsFault) -> [Link] { try Links.list(descriptor: descriptor) }

  public borrowing func setUp(_ interface: String) throws(PortsFault) {
    try Links.setUp(interface, true, descriptor: descriptor)
  }

  public borrowing func setAddress(
    _ address: IPAddress, of prefix: IPPrefix, on interface: Int
  ) throws(PortsFault) {
    try Addresses.set(address, of: prefix, on: interface, descriptor: descriptor)
  }

  public borrowing func addRoute(_ route: Route) throws(PortsFault) {
    try Routes.change(CHOST_ROUTE_ADD, route, descriptor: descriptor, "adding")
  }

  /// Writes `value` to net/`family`/conf/`interface`/`key`.
  public borrowing func setSysctl(
    _ family: NetworkSysctl.Family, _ interface: String, _ key: String, _ value: String
  ) throws(PortsFault) {
    try NetworkSysctl.set(family, interface, key, value, descriptor: descriptor)
  }

  /// A TCP socket that listens in here at the IPv4 `address`, non-blocking. The caller owns it.
  ///
  /// A port below 1024 needs CAP_NET_BIND_SERVICE, in here too.
  public borrowing func listen(at address: IPAddress, port: UInt16, backlog: Int = 128) throws(PortsFault) -> Int32 {
    precondition(address.isV4, "\(address) is not an IPv4 address")
    return Int32(
      try PortsFault.check(
        chost_listen(descriptor, address.v4, port, Int32(backlog)), "listening at \(address) port \(port)"))
  }
}
