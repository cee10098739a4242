import Testing

extension Integration {
  @Suite("Mirrors") struct MirrorTests {
    /// What the mirror `name` has sent.
    private static func sent(_ lab: Lab, _ name: String = "look") throws -> Int? {
      try list(lab).first { $0["name"].string == name }?["sent"].int
    }

    private static func list(_ lab: Lab) throws -> [JSON] { try lab.toprack.json("mirror", "list").array ?? [] }

    @Test("a port's frames come to the end as they are on its wire, and it is so after a restart")
    func port() throws {
      let lab = try Lab()
      try lab.networks(1001, 1002)
      let a = try lab.individual("a", 1001, 1002).eth0
      let b = try lab.individual("b", 1001).eth0
      let probe = try lab.individual("probe", 1001)
      try lab.toprack("mirror", "add", "look", "--from", "a:eth0", "--to", "probe:eth1")
      for round in 0..<2 {
        let tagged = Frame(to: .broadcast, from: a.mac, tags: [.c(1001, priority: 3)], "in \(round)")
        try a.send(tagged)
        try probe.eth1.expect(tagged)
        try b.expect(Frame(to: .broadcast, from: a.mac, "in \(round)"))
        try probe.eth0.expect(Frame(to: .broadcast, from: a.mac, "in \(round)"))
        try b.send(Frame(to: a.mac, from: b.mac, "out \(round)", size: 1_400))
        let out = Frame(to: a.mac, from: b.mac, tags: [.c(1001)], "out \(round)", size: 1_404)
        try a.expect(out)
        try probe.eth1.expect(out)
        // Of a network that nobody else has here: it was dropped by nobody, and went to nobody.
        try a.send(Frame(to: b.mac, from: a.mac, tags: [.c(1002)], "alone \(round)"))
        try probe.eth1.expect(Frame(to: b.mac, from: a.mac, tags: [.c(1002)], "alone \(round)"))
        #expect(try lab.poll { try Self.sent(lab) ?? 0 >= 3 })
        // Never back into the switch.
        try lab.expectDrops("no-vlan", at: probe.eth1) {
          try probe.eth1.send(Frame(to: .broadcast, from: probe.eth1.mac, "back \(round)"))
        }
        try a.expectNothing(sentinelFrom: b)
        #expect(try lab.verify().status == 0)
        guard round == 0 else { break }
        #expect(try lab.daemon.stop() == 0)
        try lab.daemon.start()
      }

      try lab.toprack("port", "detach", "probe", "eth0", "1001")
      for command in [
        ["port", "attach", "probe", "eth1", "1001"], ["server", "mode", "probe", "layer2-bonded"],
      ] {
        let refused = try lab.toprack.attempt(command)
        #expect(refused.status == 1 && refused.errors.contains("is the end of mirror \"look\""), "\(refused.errors)")
      }
      try lab.toprack("server", "delete", "a")
      #expect(try Self.list(lab).isEmpty)
      #expect(try lab.events().contains { $0["body"].string == "mirror look removed" })
      try lab.toprack("port", "attach", "probe", "eth1", "1002")
    }

    @Test("a network's frames come once to an interface of the host, with its number, and a filter chooses")
    func network() throws {
      let lab = try Lab(withHost: true)
      let host = try #require(lab.host)
      try host.run("ip", "link", "add", "mon0", "type", "veth", "peer", "name", "mon1")
      for name in ["mon0", "mon1"] { try host.run("ip", "link", "set", name, "up") }
      let capture = try Capture(on: "mon1", in: host)
      func next() throws -> Frame? {
        while let bytes = try capture.next(until: .after(.seconds(5))) {
          if let frame = Frame(bytes), frame.etherType == Frame.experiment1 { return frame }
        }
        return nil
      }
      try lab.networks(1001, 1002)
      let a = try lab.individual("a", 1001).eth0
      let b = try lab.individual("b", 1001, 1002).eth0
      let c = try lab.individual("c", 1001).eth0
      try lab.toprack("mirror", "add", "look", "--from", "vxlan:1001", "--to", "mon0")
      try a.send(Frame(to: .broadcast, from: a.mac, "untagged"))
      #expect(try next() == Frame(to: .broadcast, from: a.mac, tags: [.c(1001)], "untagged"))
      try b.send(Frame(to: .broadcast, from: b.mac, tags: [.c(1002)], "of another network"))
      try b.send(Frame(to: a.mac, from: b.mac, tags: [.c(1001, priority: 5)], "tagged"))
      #expect(try next() == Frame(to: a.mac, from: b.mac, tags: [.c(1001, priority: 5)], "tagged"))
      try c.send(Frame(to: b.mac, from: c.mac, "longest", size: 1_514))
      #expect(try next() == Frame(to: b.mac, from: c.mac, tags: [.c(1001)], "longest", size: 1_518))
      #expect(try lab.poll { try Self.sent(lab) ?? 0 >= 3 })

      // The interface goes and comes back.
      try host.run("ip", "link", "del", "mon0")
      try a.send(Frame(to: .broadcast, from: a.mac, "lost"))
      #expect(try lab.poll { try Self.list(lab).first?["lost"].int ?? 0 > 0 })
      #expect(
        try lab.poll {
          try a.send(Frame(to: .broadcast, from: a.mac, "lost"))
          return try lab.toprack("mirror", "list").contains("mon0")
            && lab.toprack("status").contains("mirror look of vxlan:1001 to mon0 sends nothing")
        })
      try lab.toprack("mirror", "remove", "look")
      #expect(try Self.list(lab).isEmpty)

      try host.run("ip", "link", "add", "mon0", "type", "veth", "peer", "name", "mon1")
      for name in ["mon0", "mon1"] { try host.run("ip", "link", "set", name, "up") }
      let second = try Capture(on: "mon1", in: host)
      try lab.toprack(
        "mirror", "add", "look", "--from", "b:eth0", "--direction", "in", "--filter",
        "ether src \(b.mac) and vlan 1002",
        "--to", "mon0")
      try b.send(Frame(to: a.mac, from: b.mac, tags: [.c(1001)], "not wanted"))
      try b.send(Frame(to: a.mac, from: b.mac, tags: [.c(1002)], "wanted"))
      var seen: Frame?
      while seen?.etherType != Frame.experiment1, let bytes = try second.next(until: .after(.seconds(5))) {
        seen = Frame(bytes)
      }
      #expect(seen == Frame(to: a.mac, from: b.mac, tags: [.c(1002)], "wanted"))

      let bad = [
        (["--from", "a:eth0", "--to", "none0"], "device \"none0\" does not exist"),
        (["--from", "a:eth0", "--to", "lo"], "is no Ethernet interface"),
        (["--from", "a:eth0", "--to", "toprack0"], "is a NIC of the rack"),
        (["--from", "a:eth0", "--to", "c:eth1", "--filter", "nonsense("], "filter \"nonsense(\" is not valid"),
        (["--from", "a", "--to", "mon0"], "valid are SERVER:PORT"),
        (["--from", "vxlan:1003", "--to", "mon0"], "there is no virtual network 1003"),
      ]
      for (options, words) in bad {
        let refused = try lab.toprack.attempt(["mirror", "add", "bad"] + options)
        #expect(refused.status == 1 && refused.errors.contains(words), "\(options): \(refused.errors)")
      }
    }
  }
}
