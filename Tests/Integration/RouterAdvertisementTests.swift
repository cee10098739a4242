import Foundation
import Testing

/// What the gateway offers by itself, taken by those who know nothing but that: the kernel's IPv6, and systemd-networkd.
extension Integration {
  @Suite("Layer 3: router advertisements, and systemd-networkd") struct RouterAdvertisementTests {
    /// Routes of a family by which packets for everywhere go.
    private static func defaultRoutes(_ namespace: NetworkNamespace, _ family: String) throws -> [String] {
      let text = try runSuccessfully(["ip", "-n", namespace.name, family, "route", "show", "default"]).text
      return text.split(separator: "\n").map(String.init)
    }

    @Test(
      "the kernel takes its default route from the advertisement, RFC 4861 6.3.4, and no address; its end takes it away"
    )
    func kernel() throws {
      let lab = try Lab()
      let machine = try lab.machine("a")
      let b = try lab.routed("b", facility: "sjc1")
      let addresses = try #require(RoutedServer.Addresses(lab.toprack.json("server", "show", "a")))
      let namespace = machine.namespace
      try namespace.run(
        "sh", "-ec",
        """
        echo 0 > /proc/sys/net/ipv6/conf/eth0/dad_transmits
        echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6
        ip -6 address add \(addresses.publicIPv6.address)/128 dev eth0 nodad
        """)
      // The kernel solicits as soon as it has a link-local address.
      var routes: [String] = []
      #expect(
        try lab.poll {
          routes = try Self.defaultRoutes(namespace, "-6")
          return !routes.isEmpty
        })
      #expect(
        routes.count == 1 && routes.allSatisfy { $0.contains("via fe80::") && $0.contains("proto ra") }, "\(routes)")
      #expect(try namespace.ping(b.publicIPv6, count: 2, []).lost == 0)
      #expect(try namespace.traceroute(b.publicIPv6) == [addresses.publicIPv6.gateway, b.publicIPv6])
      let own = try runSuccessfully(["ip", "-n", namespace.name, "-6", "-brief", "address", "show", "eth0"]).text
      #expect(own.components(separatedBy: "2001:db8").count == 2, "no other address was made: \(own)")

      try lab.toprack("server", "mode", "a", "layer2-bonded")
      #expect(try lab.poll { try Self.defaultRoutes(namespace, "-6").isEmpty }, "lifetime 0: RFC 4861 6.3.5")
    }

    @Test("systemd-networkd gets address, routes and hostname by DHCP, its IPv6 router by advertisement, and both work")
    func networkd() throws {
      let lab = try Lab(settings: "dns: [203.0.113.53]\n", withHost: true)
      let machine = try lab.machine("a")
      let b = try lab.routed("b", facility: "sjc1")
      let addresses = try #require(RoutedServer.Addresses(lab.toprack.json("server", "show", "a")))
      let namespace = machine.namespace
      try namespace.run(
        "sh", "-c", "for f in default eth0; do echo 0 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done")
      let network = "\(lab.daemon.directory)/eth0.network"
      try """
      [Match]
      Name=eth0
      [Network]
      DHCP=ipv4
      IPv6AcceptRA=yes
      Address=\(addresses.publicIPv6.address)/128
      """.write(toFile: network, atomically: true, encoding: .utf8)
      // Its directories are its own; with /sys read-only it does not wait for udev, as in a container.
      let networkd = try ChildProcess([
        "ip", "netns", "exec", namespace.name, "unshare", "--uts", "sh", "-ec",
        """
        mount -t tmpfs none /run
        mkdir -p /run/systemd/netif /run/systemd/network
        chown systemd-network:systemd-network /run/systemd/netif
        cp \(network) /run/systemd/network/
        mount -o remount,bind,ro /sys
        exec env SYSTEMD_LOG_TARGET=console /lib/systemd/systemd-networkd
        """,
      ])
      var log: String { String(decoding: networkd.standardError + networkd.standardOutput, as: UTF8.self) }
      let isThere = try lab.poll(for: .seconds(20)) {
        // A tentative address cannot be sent from yet: RFC 4862 5.4.
        try Self.defaultRoutes(namespace, "-4").count == 1 && Self.defaultRoutes(namespace, "-6").count == 1
          && !runSuccessfully(["ip", "-n", namespace.name, "-6", "address", "show", "eth0"]).text.contains("tentative")
      }
      try #require(isThere, "\(log)")
      let (public4, public6) = (addresses.publicIPv4, addresses.publicIPv6)
      let own = try runSuccessfully(["ip", "-n", namespace.name, "address", "show", "eth0"]).text
      #expect(own.contains("inet \(public4.address)/3") && own.contains("mtu 1500"), "\(own)")
      let routes = try Self.defaultRoutes(namespace, "-4")
      #expect(routes[0].contains("via \(public4.gateway) dev eth0 proto dhcp src \(public4.address)"), "\(routes)")
      #expect(try Self.defaultRoutes(namespace, "-6")[0].contains("via fe80::"))
      for target in [public4.gateway, b.publicIPv4, Layer3RoutingTests.uplink[0], b.publicIPv6, public6.gateway] {
        let ping = try namespace.ping(target, count: 2, [])
        #expect(ping.lost == 0, "\(target): \(ping.text)\(log)")
      }
      let lease = try runSuccessfully([
        "nsenter", "--target", "\(networkd.pid)", "--mount", "sh", "-c", "cat /run/systemd/netif/leases/*",
      ]).text
      for line in ["HOSTNAME=a", "DNS=203.0.113.53", "SERVER_ADDRESS=\(public4.gateway)"] {
        #expect(lease.contains("\(line)\n"), "\(lease)")
      }
      // It gives its lease back when it ends; the server keeps its addresses.
      networkd.signal(15)
      #expect(networkd.wait(until: .after(.seconds(10))) != nil)
      #expect(try lab.addresses("a") == addresses.all)
    }
  }
}
