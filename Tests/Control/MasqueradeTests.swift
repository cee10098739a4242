import Control
import Dataplane
import Foundation
import Glibc
import Net
import Switching
import Testing
import Wire

@testable import Host

@Suite("Masquerade") struct MasqueradeRuleTests {
  private let pools = [
    IPPrefix(v4: 198 << 24 | 18 << 16, length: 19), IPPrefix(v4: 198 << 24 | 18 << 16 | 32 << 8, length: 19),
    IPPrefix(v4: 10 << 24 | 64 << 16, length: 16), IPPrefix(IPAddress(high: 0x2001_0db8 << 32, low: 0), length: 36),
  ]

  @Test("the rules replace the table as a whole, with the pools joined")
  func rules() {
    #expect(
      Masquerade.rules(table: "toprack_0a1b2c3d", pools: pools, uplinks: ["toprack0"]) == """
        add table inet toprack_0a1b2c3d
        delete table inet toprack_0a1b2c3d
        table inet toprack_0a1b2c3d {
          chain postrouting {
            type nat hook postrouting priority 100; policy accept;
            oifname != { "toprack0" } ip saddr { 10.64.0.0/16, 198.18.0.0/18 } masquerade
            oifname != { "toprack0" } ip6 saddr { 2001:db8::/36 } masquerade
          }
        }

        """)
  }

  @Test("a name that would mean something to nft is refused", arguments: ["a\"b", "a b", "a*", "", "a\n"])
  func names(_ name: String) {
    #expect(Masquerade.rules(table: "t", pools: pools, uplinks: [name]) == nil)
  }

  @Test(
    "the table is made, replaced and removed, others' stay, and status names what the host lacks",
    .enabled(if: canMakeInterfaces && SystemProgram(named: "nft") != nil, "needs root and nft"))
  func applies() async throws {
    let namespace = "trm\(String(UInt32.random(in: 0x10_0000...0xFF_FFFF), radix: 16))"
    try NetworkNamespaces.create(namespace, alias: "toprack test")
    defer { try? NetworkNamespaces.remove(namespace) }
    let nft = try #require(SystemProgram(named: "nft"))
    func ruleset() throws -> String { try nft.run(["list", "ruleset"], in: namespace).output }
    _ = try nft.run(["add", "table", "inet", "foreign"], in: namespace)

    let rack = UUID()
    let masquerade = Masquerade(rack: rack, namespace: namespace)
    #expect(await masquerade.problems() == [])
    for name in ["toprack0", "up1"] {
      try await masquerade.apply(pools: pools, uplinks: [name])
      let text = try ruleset()
      #expect(text.contains("oifname != \"\(name)\" ip saddr { 10.64.0.0/16, 198.18.0.0/18 } masquerade"), "\(text)")
      #expect(text.contains("oifname != \"\(name)\" ip6 saddr 2001:db8::/36 masquerade"), "\(text)")
      #expect(text.split(separator: "masquerade").count == 3, "\(text)")
    }
    #expect(
      await masquerade.problems() == [
        "servers reach the host but not beyond by IPv4, which the host does not forward: sysctl -w net.ipv4.ip_forward=1",
        "servers reach the host but not beyond by IPv6, which the host does not forward: "
          + "sysctl -w net.ipv6.conf.all.forwarding=1",
      ])
    try run(
      "ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    #expect(await masquerade.problems() == [])
    _ = try nft.run(["flush", "ruleset"], in: namespace)
    #expect(await masquerade.problems().first?.contains("somebody removed the nftables table") == true)

    _ = try nft.run(["add", "table", "inet", "foreign"], in: namespace)
    try await masquerade.apply(pools: pools, uplinks: ["toprack0"])
    await masquerade.remove()
    await masquerade.remove()
    let tables = try nft.run(["list", "tables"], in: namespace).output
    #expect(tables == "table inet foreign\n")
    #expect(await masquerade.problems() == [])
  }
}

@Suite("The metadata service's link", .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct MetadataLinkTests {
  @Test("it is attached, listens at port 80, and nothing of it is on the host")
  func opens() async throws {
    let dataplane = try Dataplane(Dataplane.Configuration())
    let link = try await MetadataLink.open(as: NICIndex(11), of: dataplane)
    #expect(dataplane.isLinkUp(NICIndex(11)))
    #expect(link.mac.description == "02:00:a9:fe:a9:fe")
    let listener = try link.listen()
    #expect(try !Links.list(in: nil).contains { $0.name == MetadataLink.device })
    #expect(try !Addresses.list(in: nil).contains { $0.address == MetadataLink.address })
    // A second one, of another rack, does not meet it.
    let other = try await MetadataLink.open(as: NICIndex(12), of: dataplane)
    close(try other.listen())
    close(listener)
    await dataplane.stop()
  }
}
