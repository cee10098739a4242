import Glibc
import Net
import Ports
import Testing
import Wire

@testable import Host

private func v4(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32) -> IPAddress {
  IPAddress(v4: a << 24 | b << 16 | c << 8 | d)
}
private func v6(_ high: UInt64, _ low: UInt64) -> IPAddress { IPAddress(high: high, low: low) }

@Suite("Addresses and routes over rtnetlink", .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct NetlinkTests {
  let namespace: TestNamespace
  init() throws { namespace = try TestNamespace() }

  private let pair4 = IPPrefix(v4(198, 19, 255, 254), length: 31)
  private let pair6 = IPPrefix(v6(0x2001_0db8_ffff_ffff, 0xFFFF_FFFF_FFFF_FFFE), length: 127)
  private let host6 = v6(0x2001_0db8_ffff_ffff, 0xFFFF_FFFF_FFFF_FFFF)

  private func addresses(_ interface: Int) throws -> Set<String> {
    Set(
      try Addresses.list(in: namespace.name).filter { $0.interface == interface && !$0.isLinkLocal }
        .map(\.description))
  }

  @Test("an address of either family is set, stays when it is set again, and is removed")
  func address() throws {
    try namespace.makeTAP("t0")
    let interface = try namespace.index("t0")
    for _ in 0..<2 {
      try Addresses.set(v4(198, 19, 255, 255), of: pair4, on: interface, in: namespace.name)
      try Addresses.set(host6, of: pair6, on: interface, in: namespace.name)
    }
    #expect(
      try addresses(interface) == ["198.19.255.255/31", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/127"])
    let listed = try Addresses.list(in: namespace.name).filter { $0.interface == interface }
    #expect(listed.first { $0.address.isV4 }?.prefix == pair4)
    #expect(listed.contains { $0.isLinkLocal && $0.prefix.description == "fe80::/64" })
    for address in listed where address.prefix == pair4 { try Addresses.remove(address, in: namespace.name) }
    #expect(try addresses(interface) == ["2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/127"])
    #expect(try Addresses.list(in: namespace.name).contains { $0.description == "127.0.0.1/8" } == false, "lo is down")
  }

  @Test("an interface is found by its name and by an alternative one, and none is no error")
  func find() throws {
    try namespace.makeTAP("t0")
    try Links.configure("t0", in: namespace.name, alias: "the alias", alternativeName: "other0")
    let space = try NetworkNamespaces.handle(of: namespace.name)
    for name in ["t0", "other0"] {
      let link = try Links.find(name, in: space)
      #expect(link?.name == "t0" && link?.alias == "the alias" && link?.alternativeName == "other0", "\(name)")
    }
    #expect(try Links.find("t1", in: space) == nil)
  }

  @Test("an address on an interface that is not there is an error that names the address")
  func noInterface() throws {
    let error = #expect(throws: PortsFault.self) {
      try Addresses.set(v4(198, 19, 255, 255), of: pair4, on: 4711, in: namespace.name)
    }
    #expect(error?.errno == ENODEV)
    #expect(error?.message == "setting address 198.19.255.255: No such device")
  }

  @Test("routes are added, listed with owner, gateway, source and device, and removed; a second one is refused")
  func routes() throws {
    try namespace.makeTAP("t0")
    let interface = try namespace.index("t0")
    try Addresses.set(v4(198, 19, 255, 255), of: pair4, on: interface, in: namespace.name)
    try Addresses.set(host6, of: pair6, on: interface, in: namespace.name)
    let wanted = [
      Route(
        to: IPPrefix(v4: 198 << 24 | 18 << 16, length: 16), via: v4(198, 19, 255, 254), interface: interface,
        source: v4(198, 19, 255, 255), owner: 84),
      Route(
        to: IPPrefix(v6(0x2001_0db8_0000_0000, 0), length: 33), via: pair6.base, interface: interface, source: host6,
        owner: 84),
      Route(to: IPPrefix(v4: 10 << 24 | 64 << 16, length: 12), interface: interface, owner: 84),
      Route(to: IPPrefix(v4: 0, length: 0), via: v4(198, 19, 255, 254), interface: interface, owner: 3),
      Route(to: IPPrefix(v6(0, 0), length: 0), via: pair6.base, interface: interface, owner: 3),
    ]
    for route in wanted { try Routes.add(route, in: namespace.name) }
    func listed() throws -> [Route] {
      try Routes.list(in: namespace.name).filter { $0.table == .main && $0.interface == interface }
    }
    for route in wanted {
      let found = try #require(try listed().first { $0.destination == route.destination }, "\(route)")
      #expect(found.gateway == route.gateway)
      #expect(found.source == route.source)
      #expect(found.owner == route.owner)
      #expect(found.kind == .unicast)
      #expect(throws: PortsFault.self) { try Routes.add(route, in: namespace.name) }
      try Routes.replace(route, in: namespace.name)
    }
    #expect(wanted[0].text(device: "t0") == "198.18.0.0/16 via 198.19.255.254 dev t0")
    for route in wanted { try Routes.remove(route, in: namespace.name) }
    #expect(try !listed().contains { $0.owner == 84 || $0.owner == 3 })
    let gone = #expect(throws: PortsFault.self) { try Routes.remove(wanted[0], in: namespace.name) }
    #expect(gone?.errno == ESRCH)
    #expect(try Routes.list(in: namespace.name).contains { $0.kind == .local && $0.table == .local })
  }

  @Test("a gateway off the link is taken when the route says so")
  func onLink() throws {
    try namespace.makeTAP("t0")
    var route = Route(
      to: IPPrefix(v4: 10 << 24, length: 8), via: v4(192, 0, 2, 1), interface: try namespace.index("t0"), owner: 84)
    #expect(throws: PortsFault.self) { try Routes.add(route, in: namespace.name) }
    // Linux takes no gateway at all while the table local is empty.
    try Links.setUp("lo", true, in: namespace.name)
    route.isOnLink = true
    try Routes.add(route, in: namespace.name)
  }

  @Test("a thousand routes are listed whole")
  func many() throws {
    try namespace.makeTAP("t0")
    let interface = try namespace.index("t0")
    for number in 0..<1000 {
      try Routes.add(
        Route(to: IPPrefix(v4: 10 << 24 | UInt32(number) << 8, length: 24), interface: interface, owner: 84),
        in: namespace.name)
    }
    #expect(try Routes.list(in: namespace.name).count { $0.owner == 84 } == 1000)
  }

  @Test("a setting of an interface is written in its own namespace, and an odd name is refused")
  func sysctl() throws {
    try namespace.makeTAP("t0")
    try NetworkSysctl.set(.ipv6, "t0", "accept_ra", "0", in: namespace.name)
    #expect(throws: PortsFault.self) { try NetworkSysctl.set(.ipv6, "t0", "accept_ra", "0", in: nil) }
    #expect(throws: PortsFault.self) { try NetworkSysctl.set(.ipv6, "../x", "accept_ra", "0", in: nil) }
  }

  @Test("IP addresses cross the C functions unchanged")
  func octets() {
    for address in [v4(1, 2, 3, 4), v6(0x2001_0db8_0102_0304, 0x0506_0708_090a_0b0c), v6(0, 1)] {
      #expect(unsafe IPAddress(octets: address.octetTuple) == address)
      #expect(address.octets.count == 16)
    }
    #expect(v4(1, 2, 3, 4).octets == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4])
  }
}

@Suite("A private namespace", .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct PrivateNamespaceTests {
  @Test("has lo, a TAP that can be configured, and a socket that listens in there and nowhere else")
  func listens() throws {
    let host = try Links.list(in: nil).map(\.name)
    let namespace = try PrivateNamespace()
    let mac = try #require(MACAddress("02:00:00:00:00:fe"))
    let tap = try namespace.openTAP("meta0", mac: mac, mtu: 1400)
    try namespace.setUp("meta0")
    let links = try namespace.links()
    #expect(links.map(\.name) == ["lo", "meta0"])
    #expect(links.map(\.isUp) == [true, true])
    #expect(links[1].mac == mac && links[1].mtu == 1400)
    let pair = IPPrefix(v4(169, 254, 169, 254), length: 31)
    try namespace.setAddress(v4(169, 254, 169, 254), of: pair, on: links[1].index)
    try namespace.addRoute(
      Route(to: IPPrefix(v4: 0, length: 0), via: v4(169, 254, 169, 255), interface: links[1].index, owner: 84))
    #expect(try Links.list(in: nil).map(\.name) == host, "nothing of it is in the host's namespace")

    let listener = try namespace.listen(at: v4(169, 254, 169, 254), port: 80)
    defer { close(listener) }
    #expect(
      Self.fault { () throws(PortsFault) in try namespace.listen(at: v4(169, 254, 169, 254), port: 80) } == EADDRINUSE)
    // A second one is another world.
    let other = try PrivateNamespace()
    #expect(
      Self.fault { () throws(PortsFault) in try other.listen(at: v4(169, 254, 169, 254), port: 80) } == EADDRNOTAVAIL)
    close(try other.listen(at: v4(127, 0, 0, 1), port: 80))
    let isUp = tap.isUp()
    #expect(isUp)
  }

  private static func fault(_ body: () throws(PortsFault) -> Int32) -> Int32? {
    do throws(PortsFault) {
      close(try body())
      return nil
    } catch {
      return error.errno
    }
  }
}
