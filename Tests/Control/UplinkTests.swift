import Control
import Dataplane
import Foundation
import Glibc
import Logging
import Net
import Ports
import Switching
import Testing
import Wire

@testable import Host

private func v4(_ text: String, _ length: Int) -> IPPrefix { IPPrefix(IPAddress(text)!, length: length) }
private func v6(_ high: UInt64, _ length: Int) -> IPPrefix { IPPrefix(IPAddress(high: high, low: 0), length: length) }

@Suite("Clashes with the host") struct UplinkClashTests {
  private func clash(_ routes: [Route] = [], _ addresses: [InterfaceAddress] = []) -> UplinkClash {
    UplinkClash(
      host: .init(
        routes: routes, addresses: addresses,
        devices: [2: .init(name: "eth0", rack: nil), 3: .init(name: "toprack0", rack: "R")]))
  }
  private let pool = v4("198.18.0.0", 19)

  @Test("a route of the host is named, larger, smaller or the same")
  func routes() {
    for (prefix, text) in [
      (v4("198.18.0.0", 16), "198.18.0.0/16"), (v4("198.18.0.0", 19), "198.18.0.0/19"),
      (v4("198.18.7.7", 32), "198.18.7.7/32"),
    ] {
      let route = Route(to: prefix, via: v4("10.0.0.1", 32).base, interface: 2, owner: 4)
      #expect(clash([route]).text(for: pool) == "the host's route \(text) via 10.0.0.1 dev eth0")
    }
    let other = Route(to: v4("198.18.32.0", 19), interface: 2, owner: 4)
    #expect(clash([other]).text(for: pool) == nil)
    let rival = Route(to: pool, via: v4("198.19.0.0", 32).base, interface: 3, owner: 84)
    #expect(
      clash([rival]).text(for: pool)
        == "the host's route 198.18.0.0/19 via 198.19.0.0 dev toprack0, the uplink of rack R")
  }

  @Test("default routes are no clash, whole or in pieces, nor is the other family's")
  func defaults() {
    for prefix in [v4("0.0.0.0", 0), v4("128.0.0.0", 1), v6(0, 0), v6(0x2000 << 48, 3), v6(0, 96)] {
      let route = Route(to: prefix, interface: 2, owner: 4)
      #expect(clash([route]).text(for: pool) == nil)
      if prefix.length < 96 { #expect(clash([route]).text(for: v6(0x2001_0db8 << 32, 36)) == nil) }
    }
  }
}

/// A host of its own for each test: a namespace, and a forwarding plane to attach to.
private final class Host {
  let namespace = "tru\(String(UInt32.random(in: 0x10_0000...0xFF_FFFF), radix: 16))"
  let rack = UUID()
  var dataplane: Dataplane

  init() throws {
    try NetworkNamespaces.create(namespace, alias: "toprack test")
    try Links.setUp("lo", true, in: namespace)
    dataplane = try Dataplane(Dataplane.Configuration())
  }
  deinit { try? NetworkNamespaces.remove(namespace) }

  func ip(_ words: String...) throws {
    try run(["ip", "-n", namespace] + words)
  }

  func uplinks(of rack: UUID? = nil) -> Uplinks {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return Uplinks(rack: rack ?? self.rack, plane: dataplane, logger: logger, namespace: namespace)
  }

  /// Ends what holds the interfaces, as a kill does.
  func restart() async throws {
    await dataplane.stop()
    dataplane = try Dataplane(Dataplane.Configuration())
  }

  func routes() throws -> [String] {
    try Routes.list(in: namespace).filter { $0.owner == Uplinks.routeOwner }.map { $0.text(device: nil) }.sorted()
  }
  func addresses(_ device: String) throws -> Set<String> {
    let index = try Links.list(in: namespace).first { $0.name == device }?.index
    return Set(
      try Addresses.list(in: namespace).filter { $0.interface == index && !$0.isLinkLocal }.map(\.description))
  }
  func link(_ device: String) throws -> Link? { try Links.list(in: namespace).first { $0.name == device } }
}

private func request(_ name: String = "toprack0") -> UplinkRequest {
  UplinkRequest(
    name: name, nic: NICIndex(10), ipv4: v4("198.19.255.254", 31),
    ipv6: IPPrefix(IPAddress(high: 0x2001_0db8_ffff_ffff, low: 0xFFFF_FFFF_FFFF_FFFE), length: 127),
    pools: [
      .init(kind: "public-ipv4", facility: "ewr1", prefix: v4("198.18.0.0", 19)),
      .init(kind: "public-ipv4", facility: "sjc1", prefix: v4("198.18.32.0", 19)),
      .init(kind: "private-ipv4", facility: "ewr1", prefix: v4("10.64.0.0", 16)),
      .init(kind: "public-ipv6", facility: "ewr1", prefix: v6(0x2001_0db8 << 32, 36)),
    ])
}

@Suite("Uplinks", .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct UplinkTests {
  private let host: Host
  init() throws { host = try Host() }

  private static let routes = [
    "10.64.0.0/16 via 198.19.255.254", "198.18.0.0/18 via 198.19.255.254",
    "2001:db8::/36 via 2001:db8:ffff:ffff:ffff:ffff:ffff:fffe",
  ]

  private func refusal(_ request: UplinkRequest, of rack: UUID? = nil) async -> String? {
    do {
      _ = try await host.uplinks(of: rack).open([request])
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test("an uplink is up, with its addresses, the pools' routes joined, and this rack's mark")
  func makes() async throws {
    let uplinks = host.uplinks()
    let open = try #require(try await uplinks.open([request()]).first)
    let link = try #require(try host.link("toprack0"))
    #expect(link.isUp && link.isTAP && link.mtu == 1500)
    #expect(link.alias == "toprack \(host.rack.uuidString.lowercased()) uplink")
    #expect(open.mac == link.mac)
    #expect(open.ipv4?.gateway.description == "198.19.255.254")
    #expect(open.ipv4?.host.description == "198.19.255.255")
    #expect(open.ipv6?.host.description == "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
    #expect(
      try host.addresses("toprack0") == ["198.19.255.255/31", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/127"])
    #expect(try host.routes() == Self.routes)
    #expect(await uplinks.problems() == [])
    #expect(host.dataplane.isLinkUp(NICIndex(10)))
    await host.dataplane.stop()
  }

  @Test("it outlives the daemon, is adopted with other wishes, and nothing of the old ones is left")
  func adopts() async throws {
    _ = try await host.uplinks().open([request()])
    let index = try host.link("toprack0")?.index
    try await host.restart()
    #expect(try host.routes() == Self.routes, "a kill changes nothing")
    try host.ip("route", "add", "203.0.113.0/24", "via", "198.19.255.254")
    var other = request()
    other.ipv4 = v4("192.0.2.2", 31)
    other.ipv6 = nil
    other.mtu = 9000
    other.pools = [.init(kind: "public-ipv4", facility: "ewr1", prefix: v4("198.18.0.0", 19))]
    _ = try await host.uplinks().open([other])
    #expect(try host.link("toprack0")?.index == index)
    #expect(try host.link("toprack0")?.mtu == 9000)
    #expect(try host.addresses("toprack0") == ["192.0.2.3/31"])
    #expect(try host.routes() == ["198.18.0.0/19 via 192.0.2.2"])
    await host.dataplane.stop()
  }

  @Test("one that is not wanted any more is removed, and its routes with it; another rack's stays")
  func removes() async throws {
    _ = try await host.uplinks().open([request()])
    try host.ip("tuntap", "add", "foreign", "mode", "tap")
    try host.ip("link", "set", "foreign", "alias", "toprack \(UUID().uuidString.lowercased()) uplink")
    try await host.restart()
    #expect(try await host.uplinks().open([]) == [])
    #expect(try host.link("toprack0") == nil)
    #expect(try host.routes() == [])
    #expect(try host.link("foreign") != nil)
    await host.dataplane.stop()
  }

  @Test("a renamed setting makes the new one and removes the old one, whose routes are no clash")
  func renames() async throws {
    _ = try await host.uplinks().open([request()])
    try await host.restart()
    _ = try await host.uplinks().open([request("up1")])
    #expect(try host.link("toprack0") == nil)
    #expect(try host.link("up1")?.isUp == true)
    #expect(try host.routes() == Self.routes)
    await host.dataplane.stop()
  }

  @Test("a name that is somebody else's is refused, with what to do, and nothing is touched")
  func names() async throws {
    try host.ip("tuntap", "add", "toprack0", "mode", "tap")
    #expect(
      await refusal(request())
        == "interface toprack0 in network namespace \(host.namespace) exists already and is not Toprack's: remove or "
        + "rename it, or choose another name with --uplink NAME, or none")
    #expect(try host.addresses("toprack0") == [])
    let rack = UUID().uuidString.lowercased()
    try host.ip("link", "set", "toprack0", "alias", "toprack \(rack) uplink")
    #expect(await refusal(request())?.hasPrefix("interface toprack0 is the uplink of rack \(rack): choose") == true)
    #expect(try host.routes() == [])
    await host.dataplane.stop()
  }

  @Test("another rack's uplink with the same pools is a clash that names the rack")
  func rivals() async throws {
    _ = try await host.uplinks().open([request()])
    let text = await refusal(request("up1"), of: UUID())
    #expect(
      text?.contains(
        "the block of uplink up1, 198.19.255.254/31, overlaps the host's route 198.19.255.254/31 dev toprack0, the uplink "
          + "of rack \(host.rack.uuidString.lowercased())") == true, "\(text ?? "")")
    #expect(try host.link("up1") == nil)
    await host.dataplane.stop()
  }

  @Test("a route or an address of the host in a pool is refused by name, before anything is made")
  func clashes() async throws {
    try host.ip("link", "add", "eth9", "type", "veth", "peer", "name", "p9")
    try host.ip("link", "set", "eth9", "up")
    try host.ip("addr", "add", "10.0.0.2/24", "dev", "eth9")
    try host.ip("route", "add", "default", "via", "10.0.0.1")
    try host.ip("route", "add", "198.18.0.0/16", "via", "10.0.0.1")
    #expect(
      await refusal(request())
        == "pool public-ipv4 of ewr1, 198.18.0.0/19, overlaps the host's route 198.18.0.0/16 via 10.0.0.1 dev eth9: "
        + "choose another range with pools.ewr1.public-ipv4 in the settings")
    try host.ip("route", "del", "198.18.0.0/16")

    // Of an interface that is down there are no routes, but an address all the same.
    try host.ip("link", "add", "eth8", "type", "veth", "peer", "name", "p8")
    try host.ip("addr", "add", "10.64.3.1/24", "dev", "eth8")
    #expect(
      await refusal(request())
        == "pool private-ipv4 of ewr1, 10.64.0.0/16, overlaps the host's address 10.64.3.1/24 on eth8: choose another "
        + "range with pools.ewr1.private-ipv4 in the settings")
    try host.ip("link", "del", "eth8")

    try host.ip("route", "add", "local", "198.18.40.0/24", "dev", "lo")
    #expect(await refusal(request())?.contains("overlaps the host's route local 198.18.40.0/24 dev lo") == true)
    try host.ip("route", "del", "local", "198.18.40.0/24", "dev", "lo")

    try host.ip("route", "add", "2001:db8:0:1::/64", "dev", "eth9")
    #expect(await refusal(request())?.contains("pool public-ipv6 of ewr1, 2001:db8::/36, overlaps") == true)
    try host.ip("route", "del", "2001:db8:0:1::/64", "dev", "eth9")
    #expect(try host.link("toprack0") == nil)

    // What leaves open where a packet goes is no clash.
    try host.ip("route", "add", "unreachable", "10.0.0.0/8")
    try host.ip("route", "add", "0.0.0.0/1", "via", "10.0.0.1")
    #expect(await refusal(request()) == nil)
    await host.dataplane.stop()
  }

  @Test("an uplink that another process holds is refused after a while")
  func held() async throws {
    _ = try await host.uplinks().open([request()])
    try await host.restart()
    var holder: TAPHolder?
    for _ in 0..<300 where holder == nil {
      holder = try? TAPHolder("toprack0", in: host.namespace)
      usleep(10_000)
    }
    let text = await refusal(request())
    #expect(text?.contains("toprack0") == true && text?.contains("another process holds it") == true, "\(text ?? "")")
    _ = consume holder
    await host.dataplane.stop()
  }

  @Test("status says what somebody did to it")
  func problems() async throws {
    let uplinks = host.uplinks()
    _ = try await uplinks.open([request()])
    try host.ip("route", "del", "198.18.0.0/18")
    #expect(
      await uplinks.problems() == [
        "uplink toprack0 lacks the route 198.18.0.0/18 via 198.19.255.254: restart toprackd, which sets it"
      ])
    try host.ip("link", "add", "eth9", "type", "veth", "peer", "name", "p9")
    try host.ip("addr", "add", "10.64.3.1/24", "dev", "eth9")
    #expect(
      await uplinks.problems().last
        == "since the start: pool private-ipv4 of ewr1, 10.64.0.0/16, overlaps the host's address 10.64.3.1/24 on eth9: "
        + "choose another range with pools.ewr1.private-ipv4 in the settings")
    try host.ip("link", "set", "toprack0", "down")
    #expect(await uplinks.problems().first?.hasPrefix("uplink toprack0 is down") == true)
    try host.ip("link", "del", "toprack0")
    #expect(await uplinks.problems().first?.hasPrefix("uplink toprack0 is gone") == true)
    await host.dataplane.stop()
  }

  @Test("where IPv6 is off by default, it is switched on for the uplink alone")
  func noIPv6() async throws {
    try host.ip("link", "add", "eth9", "type", "veth", "peer", "name", "p9")
    try NetworkSysctl.set(.ipv6, "default", "disable_ipv6", "1", in: host.namespace)
    let open = try #require(try await host.uplinks().open([request()]).first)
    #expect(open.ipv6 != nil)
    #expect(open.problems == [])
    await host.dataplane.stop()
  }
}
