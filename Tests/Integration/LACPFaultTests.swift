import Testing

/// Mistakes that people make with bonds: the switch stays sane, and says what is wrong.
extension Integration {
  @Suite("LACP: wrong cabling and silent partners") struct LACPFaultTests {
    @Test("a link without LACPDUs: `lacp show` asks for mode 802.3ad and for speed and duplex of virtio NICs")
    func nobodyThere() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      let web1 = try lab.machine("web1", .layer2Bonded)
      try web1.eth1.takeDown()
      let sentence =
        "web1 eth0: link up, no LACPDU heard; is the server's bond in mode 802.3ad? "
        + "virtio NICs need speed=10000,duplex=full"
      #expect(try lab.poll(for: .seconds(15)) { try lab.toprack("lacp", "show", "web1").contains(sentence) })
      #expect(try !lab.toprack("lacp", "show", "web1").contains("web1 eth1: link up"))
      let members = try lab.lacp("web1")
      #expect(members["eth0"]?.problem != nil)
      #expect(members["eth0"]?.partnerSystem == nil)
      #expect(members["eth1"]?.problem == nil)
      // All servers, when none is named.
      #expect(try lab.toprack("lacp", "show").contains(sentence))
      let unknown = try lab.toprack.attempt(["lacp", "show", "nobody"])
      #expect(unknown.status == 1)
      #expect(unknown.errors.contains("nobody"))
    }

    @Test("two machines on one server's NICs: one link is taken, the other is refused with a reason, never both")
    func twoPartners() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      try lab.networks(1001)
      let web1 = try lab.machine("web1", .layer2Bonded, vlans: [("bond0", 1001)])
      let ovs = try OpenVSwitch(in: lab, on: web1)
      try ovs.addBridge("br1")
      // Each with a second link that is not plugged in: with one alone Open vSwitch calls it individual.
      for spare in ["spare0", "spare1"] {
        try web1.namespace.run("ip", "tuntap", "add", "dev", spare, "mode", "tap")
        try web1.namespace.run("ip", "link", "set", spare, "up")
      }
      try ovs.addBond("bond0", of: ["eth0", "spare0"], to: "br0")
      try ovs.addBond("bond1", of: ["eth1", "spare1"], to: "br1")
      let refused = try lab.poll {
        let members = try lab.lacp("web1")
        #expect(members.values.filter(\.isUp).count <= 1, "never an aggregate of two systems")
        return members.values.contains { $0.problem?.contains("are two servers cabled into one bond?") == true }
      }
      #expect(refused)
      #expect(try lab.poll { try lab.aggregated("web1").count == 1 })
      let bad = try lab.lacp("web1").values.first { $0.problem != nil }
      #expect(bad?.isUp == false)
      #expect(bad?.partnerSystem != nil)
    }

    @Test("a partner that calls its links individual gets one of them, and the other one a reason")
    func individualPartner() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      try lab.networks(1001)
      let web1 = try lab.machine("web1", .layer2Bonded, vlans: [("bond0", 1001)])
      let ovs = try OpenVSwitch(in: lab, on: web1)
      try ovs.addBond(of: ["eth0"])
      try ovs.addBond(of: ["eth1"])
      let settled = try lab.poll {
        let members = try lab.lacp("web1").values
        #expect(members.filter(\.isUp).count <= 1, "one port carries by one link")
        return members.filter { $0.problem?.contains("says that the link is individual") == true }.count == 2
          && members.filter(\.isUp).count == 1
      }
      let members = try lab.lacp("web1")
      #expect(settled, "\(members)")
    }

    @Test("one machine with a NIC of each of two servers in one bond: two bonds here, one link carries at most in each")
    func oneMachineTwoServers() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      try lab.networks(1001)
      let web1 = try lab.machine("web1", .layer2Bonded, vlans: [("bond0", 1001)])
      let web2 = try lab.machine("web2", .layer2Bonded, vlans: [("bond0", 1001)])
      // web2's second NIC goes into web1's machine.
      try web2.namespace.run("ip", "link", "set", "eth1", "netns", web1.namespace.name, "name", "foreign1")
      try web1.namespace.silence()
      try web1.namespace.run("ip", "link", "set", "foreign1", "up")
      let ovs = try OpenVSwitch(in: lab, on: web1)
      try ovs.addBond(of: ["eth0", "foreign1"])
      #expect(try lab.poll { try ovs.members().values.contains { $0.isEnabled } })
      let keys = try Set(ovs.members().values.map(\.partnerKey))
      #expect(keys.count == 2, "a key of its own for each server: the machine can tell")
      // Open vSwitch takes one of them. Both say what is wrong.
      var problems: [String: String] = [:]
      let explained = try lab.poll {
        #expect(try ovs.enabled().count <= 1)
        for name in ["web1", "web2"] {
          for member in try lab.lacp(name).values where member.partnerSystem != nil {
            problems["\(name) \(member.port)"] = member.problem
          }
        }
        return problems.values.filter { $0.contains("are NICs of two servers in one bond?") }.count == 2
      }
      #expect(explained, "\(problems)")
      #expect(problems["web1 eth0"]?.contains("also on web2 eth1") == true, "\(problems)")
      #expect(problems["web2 eth1"]?.contains("also on web1 eth0") == true, "\(problems)")
    }

    @Test("a partner that another project has, too, is nobody's problem")
    func sameNameElsewhere() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      try lab.toprack("project", "create", "other")
      let web1 = try lab.machine("web1", .layer2Bonded)
      let namespace = lab.namespace("web2")
      try lab.toprack("server", "create", "web2", "--project", "other", "--netns=\(namespace.name)")
      try lab.toprack("server", "mode", "web2", "layer2-bonded")
      let web2 = try Machine(
        in: lab, name: "web2", namespace: namespace, device: lab.toprack.json("server", "show", "web2"))
      // Each has a partner of the same system and key: whoever sends can write what it likes.
      try namespace.silence()
      let switches = try [web1, web2].map { machine in
        let ovs = try OpenVSwitch(in: lab, on: machine)
        try ovs.addBond()
        try ovs.configure(
          "set", "port", "bond0", "other_config:lacp-system-id=02:00:5e:10:00:01", "--", "set", "interface", "eth0",
          "other_config:lacp-aggregation-key=7", "--", "set", "interface", "eth1",
          "other_config:lacp-aggregation-key=7")
        return ovs
      }
      defer { withExtendedLifetime(switches) {} }
      let both = try lab.poll {
        try ["web1", "web2"].allSatisfy {
          let members = try lab.lacp($0).values
          return members.count == 2 && members.allSatisfy { $0.isUp && $0.partnerSystem == "02:00:5e:10:00:01" }
        }
      }
      let members = try ["web1", "web2"].flatMap { try lab.lacp($0).values }
      #expect(both && Set(members.map(\.partnerKey)).count == 1, "\(members)")
      #expect(members.allSatisfy { $0.problem == nil }, "\(members)")
    }

    @Test("a NIC whose frames come back to it is not bonded, and the reason says so")
    func loopback() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      let web1 = try lab.machine("web1", .layer2Bonded)
      try web1.namespace.run(
        "nft",
        "add table netdev plug; "
          + "add chain netdev plug in { type filter hook ingress device eth0 priority 0; }; "
          + "add rule netdev plug in fwd to eth0")
      try expectLoop(lab, on: ["eth0"])
    }

    @Test("a server's two NICs cabled to each other are not bonded, and the reason says so")
    func crossover() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      let web1 = try lab.machine("web1", .layer2Bonded)
      try web1.namespace.run(
        "nft",
        "add table netdev cable; "
          + "add chain netdev cable a { type filter hook ingress device eth0 priority 0; }; "
          + "add chain netdev cable b { type filter hook ingress device eth1 priority 0; }; "
          + "add rule netdev cable a fwd to eth1; add rule netdev cable b fwd to eth0")
      try expectLoop(lab, on: ["eth0", "eth1"])
    }

    private func expectLoop(_ lab: Lab, on nics: Set<String>) throws {
      var looped: Set<String> = []
      let found = try lab.poll {
        let members = try lab.lacp("web1")
        #expect(members.values.allSatisfy { !$0.isUp })
        looped = Set(members.filter { $0.value.problem?.contains("hears its own LACPDUs") == true }.keys)
        return looped == nics
      }
      #expect(found, "\(looped)")
    }
  }
}
