import Testing

/// What `toprack server network-config` prints, typed into the server as it is.
extension Integration {
  @Suite("Network configuration, typed") struct NetworkConfigTests {
    /// Whether the kernel that runs the tests has the driver 8021q.
    private static func hasVLANs(_ tenant: Tenant) throws -> Bool {
      let made = try tenant.attempt("ip link add link lo name probe type vlan id 5 && ip link delete probe")
      return made.status == 0
    }

    @Test("layer3: the gateways, the host and the other server's three addresses answer, each kind from its own kind")
    func layer3() throws {
      let lab = try Lab(withHost: true)
      let web1 = try Tenant(in: lab, "web1")
      let web2 = try Tenant(in: lab, "web2")
      try web1.configure()
      try web2.configure()
      let own = try web1.addresses()
      let other = try web2.addresses()
      try web1.pings(own.public.gateway, own.private.gateway, own.ipv6.gateway)
      try web1.pings(other.public.host, other.private.host, other.ipv6.host)
      try web1.pings("198.19.255.1", "2001:db8:ffff:ffff::1")
      // The private route: private addresses are spoken to from the private address.
      #expect(try web1.shell("ip route get \(other.private.host)").contains("src \(own.private.host)"))
      #expect(try web1.shell("ip route get \(other.public.host)").contains("src \(own.public.host)"))
    }

    @Test("an elastic block, typed in, answers another server and the host; given to another server, there")
    func elastic() throws {
      let lab = try Lab(withHost: true)
      let servers = try ["web1", "web2", "web3"].map { try Tenant(in: lab, $0) }
      try lab.toprack("ip", "reserve", "--size", "31")
      for owner in servers[..<2] {
        try lab.toprack("ip", "assign", owner.name, "198.18.24.0/31")
        for server in servers { try server.configure() }
        try servers[2].pings("198.18.24.0", "198.18.24.1")
        try runSuccessfully(["ip", "netns", "exec", lab.host!.name, "ping", "-c1", "-W5", "198.18.24.1"])
        let holders = try servers.filter { try $0.kernelAddresses().contains("198.18.24.1/32") }.map(\.name)
        #expect(holders == [owner.name])
        try lab.toprack("ip", "unassign", "198.18.24.0/31")
      }
      for server in servers { try server.configure() }
      #expect(try servers[2].attempt("ping -n -c 1 -W 1 198.18.24.1").status == 1)
    }

    @Test(
      "hybrid: the layer-3 half on eth0 works while eth1 is in VLANs, one untagged or two tagged", arguments: [1, 2])
    func hybrid(_ count: Int) throws {
      let lab = try Lab(withHost: true)
      let vlans = Array([1001, 1002].prefix(count))
      for vlan in vlans { try lab.networks(vlan) }
      let web1 = try Tenant(in: lab, "web1", .hybrid)
      let web2 = try Tenant(in: lab, "web2", .hybrid)
      for server in [web1, web2] {
        for vlan in vlans { try lab.toprack("port", "attach", server.name, "eth1", "\(vlan)") }
      }
      let text = try lab.toprack("server", "network-config", "web1", "--no-bond")
      // One VLAN is untagged, and so has no subinterface.
      for vlan in vlans {
        let line = "ip link add link eth1 name eth1.\(vlan) mtu 1500 type vlan id \(vlan)\n"
        #expect(text.contains(line) == (count > 1), "\(text)")
      }
      #expect(text.contains("ip link set eth1 mtu 1500 up"), "\(text)")

      let typesVLANs = try count == 1 || Self.hasVLANs(web1)
      for (number, server) in [web1, web2].enumerated() {
        if typesVLANs {
          try server.configure()
        } else {
          // This kernel has no 8021q: the rest of it.
          let lines = try lab.toprack("server", "network-config", server.name, "--no-bond").split(separator: "\n")
          let rest = lines.filter { line in !vlans.contains { line.contains("eth1.\($0)") } && !line.contains("bond0") }
          try server.shell(rest.joined(separator: "\n"))
        }
        let names = count == 1 ? ["eth1"] : vlans.map { "eth1.\($0)" }
        for (vlan, name) in names.enumerated() where typesVLANs {
          try server.shell("ip address add 10.200.\(vlan).\(number + 1)/24 dev \(name)")
        }
      }
      let own = try web1.addresses()
      let other = try web2.addresses()
      try web1.pings(own.public.gateway, other.public.host, other.private.host, other.ipv6.host)
      for vlan in vlans.indices where typesVLANs { try web1.pings("10.200.\(vlan).2") }
    }

    @Test(
      "layer 2: no address is left from before, and the untagged VLAN works, on one NIC or on the bond",
      arguments: [Mode.layer2Individual, .layer2Bonded])
    func layer2(_ mode: Mode) throws {
      let lab = try Lab(withHost: true)
      try lab.networks(1001)
      let servers = try ["web1", "web2"].map { try Tenant(in: lab, $0) }
      for (number, server) in servers.enumerated() {
        try server.configure()
        #expect(try server.kernelAddresses().contains { $0.hasPrefix("198.18.") })
        try lab.toprack("server", "mode", server.name, mode.rawValue)
        let port = mode == .layer2Bonded ? "bond0" : "eth0"
        try lab.toprack("port", "attach", server.name, port, "1001")
        try server.configure()
        #expect(try server.kernelAddresses().allSatisfy { $0.hasPrefix("fe80:") }, "\(server.name)")
        #expect(try server.shell("ip route").isEmpty)
        try server.shell("ip address add 10.200.0.\(number + 1)/24 dev eth0")
      }
      try servers[0].pings("10.200.0.2")
    }
  }
}
