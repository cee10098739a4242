import Testing

/// Cables that are pulled by `link set --down`, and switches of a facility that fail, on real NICs.
extension Integration {
  @Suite("Links") struct LinkTests {
    /// Whether eth0 and eth1 have carrier, as the machine sees it; the kernel tells a moment later.
    private static func carrier(of machine: Machine) throws -> [Bool] {
      let links = try JSON(runSuccessfully(["ip", "-n", machine.namespace.name, "-j", "link", "show"]).output)
      return ["eth0", "eth1"].compactMap { name in
        (links.array ?? []).first { $0["ifname"].string == name }.map { link in
          !(link["flags"].array ?? []).contains { $0.string == "NO-CARRIER" }
        }
      }
    }

    @Test("a link that is set down takes the carrier of its NIC alone, also over a restart, and nothing reaches it")
    func down() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.machine("a", .layer2Individual, vlans: [("eth0", 100), ("eth1", 200)])
      let b = try lab.machine("b", .layer2Individual, vlans: [("eth0", 100), ("eth1", 200)])
      #expect(try a.reaches(b))
      #expect(try lab.toprack("link", "set", "a:eth0", "--down").contains("a eth0: down"))
      #expect(try lab.poll { try Self.carrier(of: a) == [false, true] })
      #expect(try Self.carrier(of: b) == [true, true])
      let shown = try lab.toprack.json("link", "show", "a:eth0")
      #expect(shown.array?.map { $0["state"].string } == ["down", "down"])
      #expect(try lab.toprack.json("port", "show", "a", "eth0")["link_up"].bool == false)

      func attempt(_ text: String) throws {
        try lab.expectDrops("no-receiver", at: b.eth0, text) {
          try b.eth0.send(Frame(to: .broadcast, from: b.eth0.mac, text))
        }
      }
      try attempt("while it is down")
      let other = Frame(to: .broadcast, from: a.eth1.mac, "by the other")
      try a.eth1.send(other)
      try b.eth1.expect(other)

      lab.daemon.kill()
      try lab.daemon.start()
      #expect(try lab.poll { try Self.carrier(of: a) == [false, true] })
      #expect(try lab.poll { try lab.toprack.json("port", "show", "b", "eth0")["link_up"].bool == true })
      try attempt("while it is down after a restart")
      let verified = try lab.toprack.attempt(["verify"])
      print("verify: \(verified.status)")

      try lab.toprack("link", "set", "a:eth0", "--up")
      #expect(try lab.poll { try Self.carrier(of: a) == [true, true] })
      let back = Frame(to: .broadcast, from: a.eth0.mac, "up again")
      #expect(try lab.poll { try lab.toprack.json("port", "show", "a", "eth0")["link_up"].bool == true })
      try a.eth0.send(back)
      try b.eth0.expect(back)
    }

    @Test("loss, delay, doubles and corruption are on the wire, each way by itself, and gone when they are cleared")
    func impaired() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.machine("a", .layer2Individual, vlans: [("eth0", 100)])
      let b = try lab.machine("b", .layer2Individual, vlans: [("eth0", 100)])
      let c = try lab.machine("c", .layer2Individual, vlans: [("eth0", 100)])
      #expect(try a.reaches(b))
      #expect(try lab.poll { try lab.toprack.json("port", "show", "c", "eth0")["link_up"].bool == true })
      // What was sent to find out whether machines are there is passed over.
      func hears(_ nic: NIC, _ frame: Frame) throws -> Bool {
        try nic.next(until: .after(.seconds(5))) { $0 == frame } != nil
      }
      func frame(_ text: String) -> Frame { Frame(to: .broadcast, from: a.eth0.mac, text) }

      try lab.toprack("link", "set", "b:eth0", "--to-server", "--loss", "100%")
      try lab.expectDrops("impaired", at: b.eth0, "lost to b") { try a.eth0.send(frame("lost to b")) }
      #expect(try hears(c.eth0, frame("lost to b")))

      // The way back is another one.
      try lab.toprack("link", "set", "b:eth0", "--clear")
      try lab.toprack("link", "set", "a:eth0", "--from-server", "--loss", "100%")
      try lab.expectDrops("impaired", at: a.eth0, "lost from a") { try a.eth0.send(frame("lost from a")) }
      let answer = Frame(to: .broadcast, from: b.eth0.mac, "towards a")
      try b.eth0.send(answer)
      #expect(try hears(a.eth0, answer))
      try lab.toprack("link", "set", "a:eth0", "--loss", "0%")

      // As it was set after a restart.
      try lab.toprack("link", "set", "b:eth0", "--to-server", "--delay", "300ms", "--duplicate", "100%")
      lab.daemon.kill()
      try lab.daemon.start()
      #expect(try lab.poll { try lab.toprack.json("port", "show", "b", "eth0")["link_up"].bool == true })
      let clock = ContinuousClock()
      let start = clock.now
      try a.eth0.send(frame("late and twice"))
      #expect(try hears(b.eth0, frame("late and twice")))
      #expect(clock.now - start >= .milliseconds(300))
      #expect(try hears(b.eth0, frame("late and twice")))

      try lab.toprack("link", "set", "b:eth0", "--clear")
      #expect(try lab.toprack.json("link", "show").array?.isEmpty == true)
      try a.eth0.send(frame("as usual"))
      #expect(try hears(b.eth0, frame("as usual")))
    }

    @Test(
      "a switch that fails takes one NIC of each server of its facility, and of those that come; healed, all are back")
    func facility() throws {
      let lab = try Lab()
      let (a, b) = (try lab.machine("a"), try lab.machine("b", facility: "sjc1"))
      try lab.toprack("link", "set", "a:eth1", "--down")
      try lab.toprack("facility", "fail", "ewr1", "--switch", "a")
      #expect(try lab.poll { try Self.carrier(of: a) == [false, false] })
      #expect(try Self.carrier(of: b) == [true, true])
      let c = try lab.machine("c")
      #expect(try lab.poll { try Self.carrier(of: c) == [false, true] })
      lab.daemon.kill()
      try lab.daemon.start()
      #expect(try lab.poll { try Self.carrier(of: c) == [false, true] })

      let healed = try lab.toprack.json("facility", "heal", "ewr1")
      #expect(healed["changed"].bool == true)
      #expect(try lab.poll { try Self.carrier(of: a) == [true, false] }, "what was set by itself stays")
      #expect(try lab.poll { try Self.carrier(of: c) == [true, true] })
    }

    @Test("when one of two switches dies the bond goes on by the other, which is said with its time, and comes back")
    func bond() throws {
      let trunk = try BondedTrunk()
      try trunk.announce()
      let lab = trunk.lab
      let fail = try lab.toprack("facility", "fail", "ewr1", "--switch", "a")
      print(fail)
      #expect(fail.contains("bond0 of web1 moved to eth1 after"))
      try trunk.expectBond(["eth1"])
      let forth = Frame(to: trunk.inside1001.mac, from: trunk.peer.eth0.mac, "no switch a")
      // peer's eth0 is on the switch that has died, too: its eth1 is in the other network.
      let other = Frame(to: trunk.inside1002.mac, from: trunk.peer.eth1.mac, "by switch b")
      _ = trunk.peer.eth0.trySend(forth.bytes)
      try trunk.peer.eth1.send(other)
      try trunk.inside1002.expect(other)

      let heal = try lab.toprack.json("facility", "heal", "ewr1", "--switch", "a")
      print(heal["bonds"].array?.compactMap { $0["text"].string } ?? [])
      let move = try #require(heal["bonds"].array?.first { $0["server"].string == "web1" })
      #expect(move["nic"].string == "eth0" && move["ms"].int != nil)
      try trunk.expectBond(["eth0", "eth1"])
    }
  }
}
