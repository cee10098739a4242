import Testing

extension Integration {
  @Suite("Network modes as the API shows them") struct ModeTests {
    /// What a client reads of a server: bond0's word, who is bonded, and how many addresses it has.
    struct Shown: Equatable {
      let networkType: String
      let bonded: [String: Bool]
      let addresses: Set<String>
      init(_ device: JSON) {
        let ports = device["network_ports"].array ?? []
        networkType = ports.first { $0["name"].string == "bond0" }?["network_type"].string ?? "?"
        bonded = Dictionary(
          ports.map { ($0["name"].string ?? "?", $0["data"]["bonded"].bool ?? false) }, uniquingKeysWith: { $1 })
        addresses = Set((device["ip_addresses"].array ?? []).compactMap { $0["address"].string })
      }
    }

    @Test("every mode is reached from every other, and shows as clients derive it")
    func allConversions() throws {
      let lab = try Lab()
      try lab.toprack("server", "create", "web1", "--netns=\(lab.namespace("web1").name)")
      var before = Shown(try lab.toprack.json("server", "show", "web1"))
      #expect(before.networkType == "layer3")
      #expect(before.addresses.count == 3)
      var everHad = before.addresses
      // A walk over all twelve conversions.
      let walk: [Mode] = [
        .hybrid, .layer3, .layer2Bonded, .layer3, .layer2Individual, .layer3, .hybrid, .layer2Bonded, .hybrid,
        .layer2Individual, .hybrid, .layer2Bonded, .layer2Individual, .layer2Bonded, .layer3,
      ]
      for mode in walk {
        try lab.toprack("server", "mode", "web1", mode.rawValue)
        let after = Shown(try lab.toprack.json("server", "show", "web1"))
        #expect(after.networkType == mode.rawValue)
        #expect(
          after.bonded == [
            "bond0": mode != .layer2Individual, "eth0": mode != .layer2Individual,
            "eth1": mode == .layer3 || mode == .layer2Bonded,
          ], "\(mode)")
        switch (before.addresses.isEmpty, mode) {
        case (_, .layer2Bonded), (_, .layer2Individual):
          #expect(after.addresses.isEmpty, "\(mode) releases addresses")
        case (false, .layer3), (false, .hybrid):
          #expect(after.addresses == before.addresses, "between layer3 and hybrid the addresses stay")
        case (true, .layer3), (true, .hybrid):
          #expect(after.addresses.count == 3)
          #expect(after.addresses.isDisjoint(with: everHad), "new addresses, none that it had before")
          everHad.formUnion(after.addresses)
        }
        before = after
      }
    }

    @Test("the mode that a server is in already is no change and no error")
    func sameMode() throws {
      let lab = try Lab()
      try lab.toprack("server", "create", "web1", "--netns=\(lab.namespace("web1").name)")
      let before = try lab.configuration()
      try lab.toprack("server", "mode", "web1", "layer3")
      #expect(try lab.configuration() == before)
    }

    @Test("NICs start down at MTU 1500 with the MACs that the API shows, and keep index and MAC in every mode")
    func nicsStay() throws {
      let lab = try Lab()
      let namespace = lab.namespace("web1")
      try lab.toprack("server", "create", "web1", "--netns=\(namespace.name)")
      let device = try lab.toprack.json("server", "show", "web1")
      let macs = (device["network_ports"].array ?? []).compactMap { $0["data"]["mac"].string }
      let born = try Interface.list(in: namespace)
      #expect(born.map(\.name).sorted() == ["eth0", "eth1"])
      #expect(born.sorted { $0.name < $1.name }.map(\.mac) == macs)
      #expect(born.allSatisfy { !$0.isUp && $0.mtu == 1500 })
      for mode in Mode.allCases {
        try lab.toprack("server", "mode", "web1", mode.rawValue)
        #expect(try Interface.list(in: namespace) == born)
      }
    }

    @Test(
      "plans limit the modes: t1 and c1 stay in layer3, x1 is born hybrid and stays so",
      arguments: [
        ("t1.small.x86", "layer3"), ("c1.small.x86", "layer3"), ("x1.small.x86", "hybrid"),
      ])
    func plans(_ plan: String, _ born: String) throws {
      let lab = try Lab()
      try lab.toprack("server", "create", "web1", "--plan", plan, "--netns=\(lab.namespace("web1").name)")
      let before = try lab.configuration()
      #expect(Shown(try lab.toprack.json("server", "show", "web1")).networkType == born)
      for mode in Mode.allCases
      where mode == .layer2Bonded || mode == .layer2Individual || (born == "layer3" && mode == .hybrid) {
        let refused = try lab.toprack.attempt(["server", "mode", "web1", mode.rawValue])
        #expect(refused.status == 1)
        #expect(refused.errors.contains(plan), "\(refused.errors)")
      }
      #expect(try lab.configuration() == before)
    }

    @Test("a server on the host has NAME-eth0 and NAME-eth1; a long name becomes an altname")
    func hostInterfaces() throws {
      let lab = try Lab()
      let short = lab.hostname("trt")
      let long = lab.hostname("a-very-long-server-name-")
      try lab.toprack("server", "create", short)
      try lab.toprack("server", "create", long)
      var interfaces = try Interface.list()
      for nic in ["eth0", "eth1"] {
        #expect(interfaces.contains { $0.name == "\(short)-\(nic)" })
        let named = interfaces.first { $0.alternativeNames.contains("\(long)-\(nic)") }
        #expect((named?.name.utf8.count ?? 16) <= 15)
        #expect(named?.mtu == 1500)
      }
      try lab.toprack("server", "delete", short)
      try lab.toprack("server", "delete", long)
      interfaces = try Interface.list()
      #expect(!interfaces.contains { $0.name.hasPrefix(short) || $0.alternativeNames.contains { $0.hasPrefix(long) } })
    }

    @Test("a namespace that was there before stays when its server goes, one that was made goes with it")
    func namespaces() throws {
      let lab = try Lab()
      let given = lab.namespace("given")
      let made = lab.namespace("made")
      try given.create()
      try lab.toprack("server", "create", "web1", "--netns=\(given.name)")
      try lab.toprack("server", "create", "web2", "--netns=\(made.name)")
      #expect(made.exists)
      try lab.toprack("server", "delete", "web1")
      try lab.toprack("server", "delete", "web2")
      #expect(given.exists)
      #expect(try Interface.list(in: given).isEmpty)
      #expect(!made.exists)
    }

    @Test("a server whose namespace was deleted under it can still be deleted, and the others go on")
    func vanishedNamespace() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      try lab.toprack("server", "create", "gone", "--netns=\(lab.namespace("gone").name)")
      try lab.namespace("gone").remove()
      try lab.toprack("server", "delete", "gone")
      let frame = Frame(to: .broadcast, from: a.mac, "life goes on")
      try a.send(frame)
      try b.expect(frame)
    }
  }
}
