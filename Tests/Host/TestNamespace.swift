import Glibc
import Host
import Ports

/// Whether namespaces and interfaces can be made here.
let canMakeInterfaces = unsafe geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0

/// A network namespace for one test; nothing outside of it is touched.
final class TestNamespace {
  let name = "trp\(String(UInt32.random(in: 0x10_0000...0xFF_FFFF), radix: 16))"

  init() throws { try NetworkNamespaces.create(name, alias: "toprack test") }
  deinit { try? NetworkNamespaces.remove(name) }

  /// A TAP in there, up; gone with the namespace.
  func makeTAP(_ device: String) throws {
    taps.append(HeldTAP(try TAP.open(device, in: name)))
    try Links.setUp(device, true, in: name)
  }
  private var taps: [HeldTAP] = []

  func index(_ device: String) throws -> Int {
    for link in try Links.list(in: name) where link.name == device { return link.index }
    throw PortsFault(errno: ENODEV, message: "no \(device)")
  }
}

/// A TAP in a list.
private final class HeldTAP {
  private let tap: TAP
  init(_ tap: consuming TAP) { self.tap = tap }
}
