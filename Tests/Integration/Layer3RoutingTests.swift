import Testing

/// Servers in layer 3 mode reach each other, the host and what is beyond it. What the kernels of their namespaces say is the evidence.
extension Integration {
  @Suite("Layer 3: routing") struct Layer3RoutingTests {
    static let uplink = ["198.19.255.1", "2001:db8:ffff:ffff::1"]

    @Test(
      "two servers ping each other by public and private IPv4 and by IPv6, and their gateways, in one facility or two",
      arguments: ["ewr1", "sjc1"])
    func ping(_ facility: String) throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let b = try lab.routed("b", facility: facility)
      try a.expectPings(b.all)
      try b.expectPings(a.all)
      for server in [a, b] {
        let addresses = server.addresses
        let gateways = [addresses.publicIPv4, addresses.privateIPv4, addresses.publicIPv6].map(\.gateway)
        try server.expectPings(gateways, "its gateways")
        try server.expectPings(Self.uplink, "the host")
      }
      // The host's side: by the routes that the daemon has set.
      let host = try lab.hostNamespace()
      for target in a.all + b.all { #expect(try host.ping(target, count: 2, []).lost == 0, "the host to \(target)") }
    }

    @Test(
      "traceroute shows just the gateway, of the target's kind, and the target: RFC 1812 4.3.2.4, RFC 4443 2.2")
    func traceroute() throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let b = try lab.routed("b", facility: "ams1")
      let addresses = a.addresses
      #expect(try a.namespace.traceroute(b.publicIPv4) == [addresses.publicIPv4.gateway, b.publicIPv4])
      #expect(try a.namespace.traceroute(b.privateIPv4) == [addresses.privateIPv4.gateway, b.privateIPv4])
      #expect(try a.namespace.traceroute(b.publicIPv6) == [addresses.publicIPv6.gateway, b.publicIPv6])
      for (host, gateway) in zip(Self.uplink, [addresses.publicIPv4.gateway, addresses.publicIPv6.gateway]) {
        #expect(try a.namespace.traceroute(host) == [gateway, host])
      }
      #expect(try lab.host?.traceroute(a.publicIPv4) == ["198.19.255.0", a.publicIPv4])
      #expect(try lab.host?.traceroute(a.publicIPv6) == ["2001:db8:ffff:ffff::", a.publicIPv6])
    }

    @Test("TCP arrives whole both ways, by IPv4 and IPv6, with offloads at both ends, at one and at none")
    func tcp() throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let b = try lab.routed("b", facility: "sjc1")
      let host = try lab.hostNamespace()
      for stage in ["offloads", "none at a", "none at all"] {
        for (from, to, address) in [
          (a.namespace, b.namespace, b.publicIPv4), (b.namespace, a.namespace, a.privateIPv4),
          (a.namespace, b.namespace, b.publicIPv6), (b.namespace, a.namespace, a.publicIPv6),
          (a.namespace, host, Self.uplink[0]), (host, a.namespace, a.publicIPv6),
        ] {
          let report = try TCPTransfer.send(5_000_000, from: from, to: address, in: to)
          #expect(report.right == 5_000_000, "to \(address), \(stage)")
        }
        let next = stage == "offloads" ? a : b
        try next.namespace.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
      }
    }

    @Test("by the host servers reach what is beyond it, and are reached from there; each hop is seen once")
    func beyond() throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let internet = try Internet(of: lab)
      try a.expectPings([Internet.ipv4, Internet.ipv6])
      for target in [a.publicIPv4, a.publicIPv6] {
        let ping = try internet.namespace.ping(target, count: 2, [])
        #expect(ping.lost == 0, "\(ping.text)")
      }
      let addresses = a.addresses
      #expect(
        try a.namespace.traceroute(Internet.ipv4) == [addresses.publicIPv4.gateway, Self.uplink[0], Internet.ipv4])
      #expect(
        try a.namespace.traceroute(Internet.ipv6) == [addresses.publicIPv6.gateway, Self.uplink[1], Internet.ipv6])
      #expect(
        try internet.namespace.traceroute(a.publicIPv4) == [Internet.hostIPv4, "198.19.255.0", a.publicIPv4])
      for (address, own) in [(Internet.ipv4, a.publicIPv4), (Internet.ipv6, a.publicIPv6)] {
        let report = try TCPTransfer.send(3_000_000, from: a.namespace, to: address, in: internet.namespace)
        #expect(report.right == 3_000_000)
        #expect(report.peer == own, "without masquerade it is seen as itself")
      }
    }

    @Test("an unassigned address of a pool is unreachable at the gateway, also from beyond, and never goes to the host")
    func unassigned() throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let internet = try Internet(of: lab)
      let watch = try Capture(on: "toprack0", in: lab.hostNamespace(), .arriving)
      for target in ["198.18.9.9", "10.64.9.9", "2001:db8::9:9"] {
        let ping = try a.namespace.ping(target, count: 1, [])
        #expect(ping.received == 0 && ping.text.contains("+1 errors"), "\(ping.text)")
      }
      for target in ["198.18.9.9", "2001:db8::9:9"] {
        let ping = try internet.namespace.ping(target, count: 1, [])
        #expect(ping.received == 0 && ping.text.contains("+1 errors"), "\(ping.text)")
      }
      // What arrives at the host from a is sentinels, and errors to whom asked by it.
      try a.expectPings([Self.uplink[0]])
      while let frame = try watch.next(until: .after(.zero)).flatMap({ Frame($0) }) {
        guard let packet = SeenPacket(frame) else { continue }
        #expect(!["198.18.9.9", "10.64.9.9", "2001:db8::9:9"].contains(packet.destination))
      }
    }

    @Test("with masquerade, what is beyond the host sees the host's address, and answers find the server")
    func masquerade() throws {
      let lab = try Lab(settings: "masquerade: true\n", withHost: true)
      let a = try lab.routed("a")
      let internet = try Internet(of: lab, knowsTheRack: false)
      try a.expectPings([Internet.ipv4, Internet.ipv6])
      for (address, seen) in [(Internet.ipv4, Internet.hostIPv4), (Internet.ipv6, Internet.hostIPv6)] {
        let report = try TCPTransfer.send(3_000_000, from: a.namespace, to: address, in: internet.namespace)
        #expect(report.right == 3_000_000)
        #expect(report.peer == seen)
      }
      // Between servers and the host nothing is hidden.
      let report = try TCPTransfer.send(1_000, from: a.namespace, to: Self.uplink[0], in: lab.hostNamespace())
      #expect(report.peer == a.publicIPv4)
    }

    @Test("in hybrid mode eth0 routes while eth1 carries a VLAN, and neither hears of the other")
    func hybrid() throws {
      let lab = try Lab(withHost: true)
      try lab.networks(100)
      let a = try lab.routed("a", .hybrid)
      let b = try lab.routed("b")
      try lab.toprack("port", "attach", "a", "eth1", "100")
      let member = try lab.individual("member", 100).eth0
      try a.expectPings(b.all + Self.uplink)
      let out = Frame(to: .broadcast, from: a.machine.eth1.mac, "by eth1")
      try a.machine.eth1.send(out)
      try member.expect(out)
      let back = Frame(to: .broadcast, from: member.mac, "to eth1")
      try member.send(back)
      try a.machine.eth1.expect(back)
      #expect(try a.machine.eth0.next(within: .zero) == nil)
      while let frame = try member.next(until: .after(.zero), where: { _ in true }) {
        #expect(SeenPacket(frame) == nil, "nothing routed in the VLAN: \(frame)")
      }
    }

    @Test("a bond of both NICs, with LACP of Open vSwitch, routes; and goes on routing by one when the other is down")
    func bond() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n", withHost: true)
      let machine = try lab.machine("a")
      let b = try lab.routed("b")
      try b.namespace.stopOffloads("eth0")
      let ovs = try OpenVSwitch(in: lab, on: machine)
      try ovs.addBond()
      _ = try ovs.addInterface("r0", vlan: nil)
      #expect(try lab.poll { try lab.aggregated("a") == ["eth0", "eth1"] && ovs.enabled() == ["eth0", "eth1"] })
      let a = try lab.configured(machine, on: "r0")
      try a.expectPings(b.all)
      try b.expectPings(a.all)
      let report = try TCPTransfer.send(1_000_000, from: b.namespace, to: a.publicIPv4, in: a.namespace)
      #expect(report.right == 1_000_000)
      for (nic, rest) in [(machine.eth0, "eth1"), (machine.eth1, "eth0")] {
        try nic.takeDown()
        #expect(try lab.poll { try lab.aggregated("a") == [rest] && ovs.enabled() == [rest] })
        try b.expectPings(a.all, "with \(nic.name) down")
        try nic.bringUp()
        #expect(try lab.poll { try lab.aggregated("a") == ["eth0", "eth1"] && ovs.enabled() == ["eth0", "eth1"] })
      }
    }
  }
}
