import Testing

extension Integration {
  /// Machines without bonding: before a LACP partner is heard, one link of a bond works as a single link would.
  @Suite("Bonds and modes on the wire") struct BondTests {
    @Test("layer2-bonded carries by eth0; eth1 is standby, gets nothing, and what it sends is counted")
    func fallback() throws {
      let lab = try Lab()
      try lab.networks(100)
      let bonded = try lab.machine("bonded", .layer2Bonded, vlans: [("bond0", 100)])
      let a = try lab.individual("a", 100).eth0

      let up = Frame(to: .broadcast, from: bonded.eth0.mac, "by the carrying link")
      try bonded.eth0.send(up)
      try a.expect(up)
      let flood = Frame(to: .broadcast, from: a.mac, "a flood reaches a bond once")
      try a.send(flood)
      try bonded.eth0.expect(flood)
      let unicast = Frame(to: bonded.eth0.mac, from: a.mac, "unicast to the bond")
      try a.send(unicast)
      try bonded.eth0.expect(unicast)
      try bonded.eth0.expectNothing(sentinelFrom: a, "twice")

      try lab.expectDrops("bond-standby", at: bonded.eth1) {
        try bonded.eth1.send(Frame(to: .broadcast, from: bonded.eth1.mac, "by the standby link"))
      }
      try a.expectNothing(sentinelFrom: bonded.eth0)
      #expect(try bonded.eth1.next(within: .zero) == nil, "the standby link heard nothing of all that")
      #expect(try lab.stations()["ewr1 100 \(bonded.eth0.mac)"] == "bonded bond0")
    }

    @Test("the other link carries on when one goes down, also when that is up again; the server is followed back")
    func failover() throws {
      let lab = try Lab()
      try lab.networks(100)
      let bonded = try lab.machine("bonded", .layer2Bonded, vlans: [("bond0", 100)])
      let a = try lab.individual("a", 100).eth0
      func arrival(at nic: NIC, _ text: String) throws -> Bool {
        var attempt = 0
        return try lab.poll(for: .seconds(5)) {
          attempt += 1
          let frame = Frame(to: .broadcast, from: a.mac, "\(text) \(attempt)")
          try a.send(frame)
          return try nic.next(until: .after(.milliseconds(20))) { $0.payload.starts(with: Array(text.utf8)) } != nil
        }
      }
      #expect(try arrival(at: bonded.eth0, "first"))
      try bonded.eth0.takeDown()
      #expect(try arrival(at: bonded.eth1, "second"))
      let back = Frame(to: .broadcast, from: bonded.eth1.mac, "from the other link")
      try bonded.eth1.send(back)
      try a.expect(back)
      #expect(try lab.stations()["ewr1 100 \(bonded.eth1.mac)"] == "bonded bond0")
      try bonded.eth0.bringUp()
      #expect(try lab.poll { try lab.lacp("bonded")["eth0"]?.isLinkUp == true })
      #expect(try arrival(at: bonded.eth1, "third"))
      #expect(try lab.lacp("bonded")["eth1"]?.isFallback == true)
      // Its address is heard on eth0 alone: the first frame that counts is taken.
      var attempt = 0
      #expect(
        try lab.poll(for: .seconds(5)) {
          attempt += 1
          let frame = Frame(to: .broadcast, from: bonded.eth1.mac, "from eth0 again, \(attempt)")
          try bonded.eth0.send(frame)
          return try a.next(until: .after(.milliseconds(20))) { $0 == frame } != nil
        })
      #expect(try arrival(at: bonded.eth0, "fourth"))
      while try bonded.eth1.next(within: .zero) != nil {}
      let frame = Frame(to: .broadcast, from: a.mac, "once, by eth0")
      try a.send(frame)
      #expect(try bonded.eth0.next(until: .after(.seconds(5))) { $0 == frame } == frame)
      #expect(try bonded.eth1.next(within: .zero) == nil)
    }

    @Test("two VLANs on a bond are tagged")
    func taggedBond() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let bonded = try lab.machine("bonded", .layer2Bonded, vlans: [("bond0", 100), ("bond0", 200)])
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 200).eth0
      let frame = Frame(to: .broadcast, from: bonded.eth0.mac, tags: [.c(200)], "VLAN 200")
      try bonded.eth0.send(frame)
      try b.expect(frame.with(tags: []))
      let answer = Frame(to: bonded.eth0.mac, from: a.mac, "VLAN 100")
      try a.send(answer)
      try bonded.eth0.expect(answer.with(tags: [.c(100)]))
      try a.expectNothing(sentinelFrom: bonded.eth0, tags: [.c(100)])
    }

    @Test("a layer3 port carries IP and nothing else: the rest is dropped, each kind with its reason")
    func layer3() throws {
      let lab = try Lab()
      let routed = try lab.machine("routed")
      try lab.expectDrops("unknown-protocol", at: routed.eth0) {
        try routed.eth0.send(Frame(to: .broadcast, from: routed.eth0.mac, "to the gateway"))
      }
      try lab.expectDrops("not-for-gateway", at: routed.eth0) {
        try routed.eth0.send(Frame(to: .station(1), from: routed.eth0.mac, "to somebody else"))
      }
      try lab.expectDrops("vlan-not-allowed", at: routed.eth0) {
        try routed.eth0.send(Frame(to: .broadcast, from: routed.eth0.mac, tags: [.c(100)], "with a tag"))
      }
      #expect(try routed.eth1.next(within: .zero) == nil)
    }

    @Test("hybrid: eth1 carries the VLAN, eth0 stays routed")
    func hybrid() throws {
      let lab = try Lab()
      try lab.networks(100)
      let hybrid = try lab.machine("hybrid", .hybrid, vlans: [("eth1", 100)])
      let a = try lab.individual("a", 100).eth0
      let frame = Frame(to: .broadcast, from: hybrid.eth1.mac, "out of the bond")
      try hybrid.eth1.send(frame)
      try a.expect(frame)
      let answer = Frame(to: .broadcast, from: a.mac, "back to eth1")
      try a.send(answer)
      try hybrid.eth1.expect(answer)
      try lab.expectDrops("unknown-protocol", at: hybrid.eth0) {
        try hybrid.eth0.send(Frame(to: .broadcast, from: hybrid.eth0.mac, "to the gateway"))
      }
      try a.expectNothing(sentinelFrom: hybrid.eth1)
      #expect(try hybrid.eth0.next(within: .zero) == nil, "the routed port heard nothing of the VLAN")
    }

    @Test("layer2-individual: eth0 and eth1 are two ports with VLANs of their own")
    func individual() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let both = try lab.machine("both", .layer2Individual, vlans: [("eth0", 100), ("eth1", 200)])
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 200).eth0
      let first = Frame(to: .broadcast, from: both.eth0.mac, "eth0")
      try both.eth0.send(first)
      try a.expect(first)
      let second = Frame(to: .broadcast, from: both.eth1.mac, "eth1")
      try both.eth1.send(second)
      try b.expect(second)
      try both.eth0.expectNothing(sentinelFrom: a)
      try both.eth1.expectNothing(sentinelFrom: b)
    }

    @Test("a port without a VLAN is dark: it hears nothing, and what it sends is counted no-vlan")
    func dark() throws {
      let lab = try Lab()
      try lab.networks(100)
      let dark = try lab.machine("dark", .layer2Individual)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      for tags in [[], [Frame.Tag.c(100)], [.c(0)]] {
        try lab.expectDrops("no-vlan", at: dark.eth0) {
          try dark.eth0.send(Frame(to: .broadcast, from: dark.eth0.mac, tags: tags, "into the dark"))
        }
      }
      let frame = Frame(to: .broadcast, from: a.mac, "not for you")
      try a.send(frame)
      try b.expect(frame)
      try a.expectNothing(sentinelFrom: b)
      #expect(try dark.eth0.next(within: .zero) == nil)
    }
  }
}
