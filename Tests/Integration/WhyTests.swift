import Foundation
import Testing

/// `toprack why` on real NICs: each classic mistake is made, and it alone is found.
extension Integration {
  @Suite("Why two servers do not reach each other") struct WhyTests {
    struct Answer {
      let status: Int32
      /// In their order, each once.
      let causes: [String]
      let report: JSON
      let text: String
    }

    private static func why(_ lab: Lab, _ from: String, _ to: String) throws -> Answer {
      let finished = try lab.toprack.attempt(["why", from, to, "--json"])
      guard finished.status < 2 else {
        return Answer(status: finished.status, causes: [], report: try JSON(Data("{}".utf8)), text: finished.errors)
      }
      let report = try JSON(finished.output)
      var causes: [String] = []
      for finding in report["findings"].array ?? [] {
        let cause = finding["cause"].string ?? "?"
        if !causes.contains(cause) { causes.append(cause) }
        #expect(finding["cure"].string?.isEmpty == false && finding["text"].string?.isEmpty == false)
      }
      #expect(report["ok"].bool == causes.isEmpty && (finished.status == 0) == causes.isEmpty)
      return Answer(status: finished.status, causes: causes, report: report, text: finished.text)
    }

    private static func expect(
      _ causes: String..., in lab: Lab, _ from: String = "web1", _ to: String = "web2",
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      for (from, to) in [(from, to), (to, from)] {
        let answer = try why(lab, from, to)
        #expect(answer.causes == causes, "\(from) \(to): \(answer.text)", sourceLocation: sourceLocation)
      }
    }

    /// web1 and web2 in VLAN 1001, untagged on eth0, with 10.0.1.1 and 10.0.1.2.
    private struct Pair {
      let lab: Lab
      let web1: Machine
      let web2: Machine

      init(settings: String? = nil, second: [Int] = [1001]) throws {
        lab = try Lab(settings: settings)
        try lab.networks(1001, 1002)
        web1 = try lab.individual("web1", 1001)
        web2 = try lab.machine("web2", .layer2Individual, vlans: second.map { ("eth0", $0) })
        for (machine, number) in [(web1, 1), (web2, 2)] {
          try machine.namespace.run("ip", "address", "add", "10.0.1.\(number)/24", "dev", "eth0")
        }
      }

      /// Sends some pings, whatever becomes of them.
      func ping() throws {
        _ = try web1.namespace.ping("10.0.1.2", count: 2, [])
        _ = try web2.namespace.ping("10.0.1.1", count: 2, [])
      }
    }

    @Test("all is well, by servers, ports and addresses, and the path is drawn both ways")
    func well() throws {
      let pair = try Pair()
      try pair.ping()
      for (from, to) in [("web1", "web2"), ("web1:eth0", "web2:eth0"), ("web1", "10.0.1.2"), ("10.0.1.1", "10.0.1.2")] {
        let answer = try Self.why(pair.lab, from, to)
        #expect(answer.causes == [], "\(from) \(to): \(answer.text)")
        let path = (answer.report["path"].array ?? []).compactMap(\.string)
        #expect(
          path == [
            "web1 eth0 (untagged) -> VLAN 1001 -> web2 eth0 (untagged)",
            "web2 eth0 (untagged) -> VLAN 1001 -> web1 eth0 (untagged)",
          ])
      }
      let text = try pair.lab.toprack("why", "web1", "web2")
      #expect(text.hasPrefix("nothing is wrong"))
    }

    @Test("a wrong question is status 2, and says what is wrong with it")
    func wrongQuestions() throws {
      let pair = try Pair()
      for (from, to, words) in [
        ("web1", "web3", "there is no server"), ("web1", "web1:eth1", "two servers"),
        ("web1", "10.9.9.9", "no server has"),
        ("web1:eth7", "web2", "no port"),
      ] {
        let answer = try Self.why(pair.lab, from, to)
        #expect(answer.status == 2 && answer.text.contains(words), "\(answer.text)")
      }
    }

    @Test("no VLAN in common, on the servers and on a port")
    func noCommonNetwork() throws {
      let pair = try Pair(second: [1002])
      try Self.expect("no-common-network", in: pair.lab)
      try pair.lab.toprack("port", "attach", "web2", "eth1", "1001")
      try Self.expect("no-common-network", in: pair.lab, "web1:eth0", "web2:eth0")
    }

    @Test("untagged against tagged: dropped, and found by the drop and by the address")
    func untaggedIntoTagged() throws {
      let pair = try Pair(second: [1001, 1002])
      try pair.ping()
      try Self.expect("tag-mismatch", in: pair.lab)
      // The cure that it names.
      try pair.lab.toprack("port", "native", "web2", "eth0", "1001")
      try pair.ping()
      try Self.expect(in: pair.lab)
    }

    @Test("tagged against untagged: no drop, and found on the wire")
    func taggedIntoUntagged() throws {
      let pair = try Pair()
      let stream = try PacedStream(
        "tagged", from: pair.web2.eth0, tags: [.c(1001)], to: pair.web1.eth0.mac, watching: [])
      stream.start()
      stream.goOn()
      try Self.expect("tag-mismatch", in: pair.lab)
      try stream.stop()
    }

    @Test("the VLAN interface is missing in the server")
    func vlanInterfaceMissing() throws {
      let pair = try Pair(second: [1001, 1002])
      try pair.web2.namespace.run("ip", "address", "flush", "dev", "eth0")
      try Self.expect("vlan-interface-missing", in: pair.lab)
    }

    @Test("a NIC that is down, and a server that is switched off")
    func down() throws {
      let pair = try Pair()
      try pair.ping()
      try pair.web2.eth0.takeDown()
      #expect(try pair.lab.poll { try pair.lab.toprack.json("port", "show", "web2", "eth0")["link_up"].bool == false })
      try Self.expect("nic-down", in: pair.lab)
      try pair.web2.eth0.bringUp()
      #expect(try pair.lab.poll { try pair.lab.toprack.json("port", "show", "web2", "eth0")["link_up"].bool == true })
      try pair.ping()
      try Self.expect(in: pair.lab)
      try pair.lab.toprack("server", "power", "web2", "off")
      try Self.expect("powered-off", in: pair.lab)
    }

    @Test("a link that was set down or impaired on purpose is named as that")
    func onPurpose() throws {
      let pair = try Pair()
      try pair.lab.toprack("link", "set", "web2:eth0", "--loss", "100%")
      try pair.ping()
      let impaired = try Self.why(pair.lab, "web1", "web2")
      #expect(impaired.status == 1 && impaired.causes.contains("impaired"), "\(impaired.text)")
      try pair.lab.toprack("link", "set", "web2:eth0", "--clear", "--down")
      let removed = try Self.why(pair.lab, "web1", "web2")
      #expect(removed.causes.first == "link-removed", "\(removed.text)")
    }

    @Test("a trace says where a frame goes, in which form, and by which rule it goes no further; nothing is counted")
    func trace() throws {
      let pair = try Pair(second: [1001, 1002])
      let before = try pair.lab.toprack.json("port", "show", "web1", "eth0")["counters"]
      let there = try pair.lab.toprack.json("trace", "--in", "web1:eth0", "--dst", "ff:ff:ff:ff:ff:ff")
      #expect(there["verdict"].string == "flood")
      #expect(there["egress"].array?.map { $0["server"].string } == ["web2"])
      #expect(there["egress"].array?.map { $0["tag"].int } == [1001])
      #expect(there["steps"].array?.isEmpty == false)
      let back = try pair.lab.toprack.json("trace", "--in", "web2:eth0", "--dst", "ff:ff:ff:ff:ff:ff")
      #expect(back["verdict"].string == "drop" && back["reason"].string == "untagged-not-allowed")
      #expect(back["advice"].string?.isEmpty == false)
      let tagged = try pair.lab.toprack.json(
        "trace", "--in", "web2:eth0", "--vlan", "1001", "--dst", "ff:ff:ff:ff:ff:ff", "--ip-src", "10.0.1.2",
        "--ip-dst", "10.0.1.1", "--proto", "icmp")
      #expect(tagged["egress"].array?.map { $0["tag"].int } == [nil])
      #expect(try pair.lab.toprack.json("port", "show", "web1", "eth0")["counters"] == before)
      #expect(try pair.lab.toprack.attempt(["trace", "--in", "web3:eth0", "--dst", "ff:ff:ff:ff:ff:ff"]).status != 0)
    }

    @Test("sizes of packets that differ")
    func mtu() throws {
      let pair = try Pair()
      try pair.ping()
      try pair.web1.namespace.run("ip", "link", "set", "eth0", "mtu", "9000")
      #expect(try pair.lab.poll { try Self.why(pair.lab, "web1", "web2").causes == ["mtu"] })
      try Self.expect("mtu", in: pair.lab)
    }

    @Test("a server without an address, and one that does not answer ARP")
    func silent() throws {
      let pair = try Pair()
      try pair.ping()
      try pair.web2.namespace.run("ip", "address", "flush", "dev", "eth0")
      try Self.expect("neighbour-silent", in: pair.lab)
      try pair.web2.namespace.run("ip", "address", "add", "10.0.1.2/24", "dev", "eth0")
      try pair.web2.namespace.run("sh", "-c", "echo 8 > /proc/sys/net/ipv4/conf/all/arp_ignore")
      try pair.web1.namespace.run("ip", "neigh", "flush", "all")
      _ = try pair.web1.namespace.ping("10.0.1.2", count: 3, [])
      try Self.expect("neighbour-silent", in: pair.lab)
    }

    @Test("the same MAC address twice")
    func duplicate() throws {
      let pair = try Pair()
      try pair.web2.namespace.run("ip", "link", "set", "eth0", "address", "\(pair.web1.eth0.mac)")
      for _ in 0..<5 {
        for nic in [pair.web1.eth0, pair.web2.eth0] {
          try nic.send(Frame(to: .broadcast, from: pair.web1.eth0.mac, "here I am"))
        }
      }
      try Self.expect("duplicate-mac", in: pair.lab)
    }

    @Test("a storm")
    func storm() throws {
      let pair = try Pair(settings: "storm-limit: 100\n")
      try pair.ping()
      for number in 0..<3_000 {
        try pair.web1.eth0.send(Frame(to: .broadcast, from: pair.web1.eth0.mac, "storm \(number)"))
      }
      #expect(try pair.lab.poll { try pair.lab.toprack.json("port", "show", "web1", "eth0")["storm"].bool == true })
      try Self.expect("storm", in: pair.lab)
    }

    @Test("a loop that the guard has shut")
    func loop() throws {
      let lab = try Lab()
      try lab.networks(1001)
      let web1 = try lab.individual("web1", 1001)
      let web2 = try lab.machine("web2", .layer2Individual, vlans: [("eth0", 1001), ("eth1", 1001)])
      try web2.namespace.run("ip", "link", "add", "br0", "type", "bridge")
      try web2.namespace.silence()
      for nic in ["eth0", "eth1"] { try web2.namespace.run("ip", "link", "set", nic, "master", "br0") }
      try web2.namespace.run("ip", "link", "set", "br0", "up")
      let isShut = try lab.poll {
        try web1.eth0.send(Frame(to: .broadcast, from: web1.eth0.mac, "round and round"))
        return try lab.toprack.json("port", "show", "web2", "eth1")["shut"]["reason"].string != nil
      }
      #expect(isShut)
      #expect(try Self.why(lab, "web1", "web2:eth1").causes.first == "loop")
    }

    @Test("facilities and projects that share no VLAN")
    func apart() throws {
      let lab = try Lab()
      try lab.networks(1001)
      try lab.networks(1001, facility: "sjc1")
      _ = try lab.individual("web1", 1001)
      _ = try lab.individual("web2", 1001, facility: "sjc1")
      try Self.expect("other-facility", in: lab)
      try lab.toprack("project", "create", "shop")
      let namespace = lab.namespace("web3")
      try lab.toprack("server", "create", "web3", "--netns=\(namespace.name)", "--project", "shop")
      try lab.toprack("server", "mode", "web3", "layer2-individual")
      try Self.expect("other-project", in: lab, "web1", "web3")
      let token = try lab.toprack("token", "create", "t", "--project", "shop", "--quiet")
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let foreign = try lab.toprack.attempt(["--token", token, "why", "web3", "web1"])
      #expect(foreign.status == 2 && !foreign.errors.contains("10.0"), "\(foreign.errors)")
    }

    @Test("a bond without a partner")
    func bondWithoutPartner() throws {
      let lab = try Lab()
      try lab.networks(1001)
      _ = try lab.individual("web1", 1001)
      _ = try lab.machine("web2", .layer2Bonded, vlans: [("bond0", 1001)])
      #expect(try lab.poll { try Self.why(lab, "web1", "web2").causes.contains("bond-no-partner") })
    }

    @Test("a bond that carries by one member, and one that is whole")
    func bondOfOne() throws {
      let trunk = try BondedTrunk()
      _ = try trunk.peer.namespace.ping("10.0.1.1", count: 2, [])
      _ = try trunk.peer.namespace.ping("10.0.2.1", count: 2, [])
      try Self.expect(in: trunk.lab, "web1", "peer")
      try trunk.web1.eth1.takeDown()
      try trunk.expectBond(["eth0"])
      try Self.expect("bond-one-member", in: trunk.lab, "web1", "peer")
    }

    @Test("sources that are not the server's own, and a server that does not answer the gateway")
    func routed() throws {
      let lab = try Lab(withHost: true)
      let web1 = try lab.routed("web1")
      let web2 = try lab.routed("web2")
      #expect(try web1.pings(web2.addresses.publicIPv4.address))
      // Nobody speaks LACP in these two.
      try Self.expect("bond-no-partner", in: lab)
      try web1.namespace.run("ip", "address", "add", "10.9.9.9/32", "dev", "eth0")
      _ = try web1.namespace.ping(web2.addresses.publicIPv4.address, count: 1, ["-I", "10.9.9.9"])
      try Self.expect("spoofed-source", "bond-no-partner", in: lab)
      try web1.namespace.run("ip", "address", "delete", "10.9.9.9/32", "dev", "eth0")
      let silent = try lab.machine("web3")
      _ = silent
      let target = try #require(RoutedServer.Addresses(try lab.toprack.json("server", "show", "web3")))
      _ = try web2.namespace.ping(target.publicIPv4.address, count: 3, [])
      try Self.expect("neighbour-silent", "bond-no-partner", in: lab, "web2", target.publicIPv4.address)
    }
  }
}
