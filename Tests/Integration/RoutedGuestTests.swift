import Testing

/// A whole Linux with the bonding driver is a layer3 server. Run by `scripts/test --vm`, which builds the guest.
extension Integration {
  @Suite("A routed virtual machine", .enabled(if: Guest.image != nil, "TOPRACK_GUEST is not set"))
  struct RoutedGuestTests {
    /// A guest without any configuration, and a neighbour in a namespace that has its own.
    private static func rack(_ mode: Mode? = nil) throws -> (lab: Lab, web1: Machine, guest: Guest, web2: Tenant) {
      let lab = try Lab(settings: "lacp-rate: fast\n", withHost: true)
      let web1 = try lab.machine("web1", mode)
      let web2 = try Tenant(in: lab, "web2", mode)
      try web2.configure()
      let guest = try Guest(in: lab, on: web1)
      // The guest of the other suites is silent.
      try guest.run("for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 >$file; done")
      return (lab, web1, guest, web2)
    }

    private static func expectPings(_ guest: Guest, _ addresses: String...) throws {
      for address in addresses {
        let (status, output) = try guest.attempt("ping -n -c 3 -i 0.2 -W 5 \(address)")
        #expect(status == 0 && !output.contains("DUP"), "ping \(address): \(output)")
      }
    }

    @Test("network-config with the bond in 802.3ad, typed: both links join, and gateway, host and neighbour answer")
    func bondTyped() throws {
      let (lab, _, guest, web2) = try Self.rack()
      let text = try lab.toprack("server", "network-config", "web1")
      #expect(text.contains("type bond mode 802.3ad"), "\(text)")
      for round in 1...2 {
        let typed = try guest.attempt(text)
        #expect(typed.status == 0, "round \(round): \(typed.output)")
        #expect(try lab.poll(for: .seconds(15)) { try lab.aggregated("web1") == ["eth0", "eth1"] }, "round \(round)")
        let entries = try lab.toprack.json("server", "show", "web1")["ip_addresses"].array ?? []
        for gateway in entries.compactMap({ $0["gateway"].string }) { try Self.expectPings(guest, gateway) }
        let other = try web2.addresses()
        try Self.expectPings(guest, other.public.host, other.private.host, other.ipv6.host, "198.19.255.1")
        for address in entries.compactMap({ $0["address"].string }) { try web2.pings(address) }
      }
      // Either link alone carries it.
      for (number, rest) in [(0, "eth1"), (1, "eth0")] {
        try guest.setLink(number, up: false)
        #expect(try lab.poll(for: .seconds(15)) { try lab.aggregated("web1") == [rest] })
        try Self.expectPings(guest, try web2.addresses().public.host)
        try guest.setLink(number, up: true)
        #expect(try lab.poll(for: .seconds(15)) { try lab.aggregated("web1") == ["eth0", "eth1"] })
      }
      let speed = try guest.transfer(to: try web2.addresses().public.host, in: web2.namespace)
      print("TCP from the guest over its bond and the gateway: \(speed / 1_000_000) Mbit/s")
      #expect(speed > 10_000_000)
    }

    @Test("udhcpc over the bond: the public address, and the neighbour answers")
    func dhcpOverBond() throws {
      let (lab, _, guest, web2) = try Self.rack()
      try guest.run(
        """
        ip link add bond0 type bond mode 802.3ad miimon 100 lacp_rate fast
        ip link set eth0 master bond0
        ip link set eth1 master bond0
        ip link set bond0 up
        cat >/tmp/lease <<'END'
        #!/bin/sh
        [ "$1" = bound ] || exit 0
        ip address add $ip/$mask dev $interface
        ip route add default via $router dev $interface
        END
        chmod +x /tmp/lease
        """)
      #expect(try lab.poll(for: .seconds(15)) { try lab.aggregated("web1") == ["eth0", "eth1"] })
      try guest.run("udhcpc -n -q -t 10 -T 1 -i bond0 -s /tmp/lease")
      let entries = try lab.toprack.json("server", "show", "web1")["ip_addresses"].array ?? []
      let own = try #require(entries.first?["address"].string)
      #expect(try guest.run("ip address show bond0").contains("inet \(own)/31"))
      try Self.expectPings(guest, try web2.addresses().public.host)
    }

    @Test("hybrid, typed with two VLANs: eth0 is routed alone, VLAN subinterfaces of eth1 reach the neighbour's")
    func hybridTyped() throws {
      let (lab, _, guest, web2) = try Self.rack(.hybrid)
      try lab.networks(1001, 1002)
      for vlan in ["1001", "1002"] { try lab.toprack("port", "attach", "web1", "eth1", vlan) }
      try lab.toprack("port", "attach", "web2", "eth1", "1002")
      try web2.configure()
      try web2.shell("ip address add 10.200.2.2/24 dev eth1")
      let typed = try guest.attempt(try lab.toprack("server", "network-config", "web1"))
      #expect(typed.status == 0, "\(typed.output)")
      try guest.run("ip address add 10.200.2.1/24 dev eth1.1002")
      let other = try web2.addresses()
      try Self.expectPings(guest, other.public.host, other.private.host, other.ipv6.host, "10.200.2.2")
    }
  }
}
