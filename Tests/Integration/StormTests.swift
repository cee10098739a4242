import Testing

extension Integration {
  @Suite("Storms") struct StormTests {
    /// Three machines in VLAN 100 and a limit.
    private struct Rig {
      let lab: Lab
      let a: NIC, b: NIC, c: NIC

      init(_ settings: String) throws {
        lab = try Lab(settings: settings)
        try lab.networks(100)
        (a, b, c) = (
          try lab.individual("a", 100).eth0, try lab.individual("b", 100).eth0, try lab.individual("c", 100).eth0
        )
      }

      func sent(to nic: NIC) throws -> Int {
        try lab.toprack.json("port", "show", nic.machine, nic.port)["tx_packets"].int ?? 0
      }

      func received(from nic: NIC) throws -> Int {
        try lab.toprack.json("port", "show", nic.machine, nic.port)["rx_packets"].int ?? 0
      }

      /// Sends `count` frames to `destination` and waits until the switch has taken them.
      func send(_ count: Int, to destination: MAC) throws {
        let before = try received(from: a)
        for number in 0..<count { try a.send(Frame(to: destination, from: a.mac, "storm \(number)")) }
        try #require(try lab.poll { try received(from: a) == before + count })
      }
    }

    @Test(
      "broadcasts, multicasts and frames to unknown stations pass as the limit says, and each other one is counted",
      arguments: [MAC.broadcast, .group(1), .station(9)])
    func limit(_ destination: MAC) throws {
      let rig = try Rig("storm-limit: 100\n")
      try rig.send(5_000, to: destination)
      let passed = try rig.sent(to: rig.b)
      let dropped = try rig.lab.drops(rig.a)["storm"] ?? 0
      #expect(passed + dropped == 5_000)
      #expect(passed >= 100 && dropped > 0)
      #expect(try rig.sent(to: rig.c) == passed)
      let events = try rig.lab.events()
      #expect(events.contains { $0["type"].string == "port.storm" && $0["body"].string?.contains("eth0 of a") == true })
      let problems = try rig.lab.toprack.json("status")["problems"].array ?? []
      #expect(problems.contains { $0.string?.contains("eth0 of a sends more than 100 broadcasts") == true })
      #expect(try rig.lab.toprack.json("port", "show", "a", "eth0")["storm"].bool == true)

      // Frames that have one receiver do not count.
      let hello = Frame(to: rig.a.mac, from: rig.b.mac, "here I am")
      // Its capture is full of what it sent itself.
      while try rig.a.next(within: .zero) != nil {}
      try rig.b.send(hello)
      #expect(try rig.a.next(until: .after(.seconds(5))) { $0 == hello } != nil)
      while try rig.b.next(within: .zero) != nil {}
      let stream = try FrameStream(from: rig.a, to: rig.b)
      let isOver = try rig.lab.poll(for: .seconds(40)) {
        let events = try rig.lab.events()
        return events.contains { $0["type"].string == "port.clear" }
      }
      #expect(isOver)
      let report = try stream.stop()
      #expect(report.fault == nil && report.received > 500)
      #expect(try rig.lab.toprack.json("status")["problems"].array?.isEmpty == true)
    }

    @Test("without a limit, and by the default one, a burst passes whole", arguments: ["storm-limit: 0\n", ""])
    func unlimited(_ settings: String) throws {
      let rig = try Rig(settings)
      let limit = try rig.lab.toprack.json("status")["storm_limit"].int
      #expect(limit == (settings.isEmpty ? 50_000 : 0))
      try rig.send(4_000, to: .broadcast)
      #expect(try rig.lab.drops(rig.a)["storm"] == nil)
      #expect(try rig.lab.poll { try rig.sent(to: rig.b) >= 4_000 })
    }
  }
}
