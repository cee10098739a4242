import Testing

extension Integration {
  @Suite("Learning") struct LearningTests {
    let lab: Lab
    let a: NIC, b: NIC, c: NIC

    init() throws {
      lab = try Lab()
      try lab.networks(100)
      a = try lab.individual("a", 100).eth0
      b = try lab.individual("b", 100).eth0
      c = try lab.individual("c", 100).eth0
    }

    @Test("a frame to a station that nobody heard goes to every other port of the VLAN, and not back")
    func unknownDestination() throws {
      let frame = Frame(to: .station(9), from: a.mac, "unknown destination")
      try a.send(frame)
      try b.expect(frame)
      try c.expect(frame)
      try a.expectNothing(sentinelFrom: b, "by reflection")
    }

    @Test("broadcast and multicast go to every other port, and not back", arguments: [MAC.broadcast, .group(1)])
    func groupDestination(_ destination: MAC) throws {
      let frame = Frame(to: destination, from: a.mac, "to a group")
      try a.send(frame)
      try b.expect(frame)
      try c.expect(frame)
      try a.expectNothing(sentinelFrom: b, "by reflection")
    }

    @Test("a station that was heard is reached on its port alone")
    func knownDestination() throws {
      let hello = Frame(to: .broadcast, from: b.mac, "here I am")
      try b.send(hello)
      try a.expect(hello)
      try c.expect(hello)

      let frame = Frame(to: b.mac, from: a.mac, "to b alone")
      try a.send(frame)
      try b.expect(frame)
      try c.expectNothing(sentinelFrom: a)
    }

    @Test("fdb show names facility, VLAN, station, server, port and age")
    func stationList() throws {
      let frame = Frame(to: .broadcast, from: .station(7), "list me")
      try a.send(frame)
      try b.expect(frame)
      let list = try #require(try lab.toprack.json("fdb", "show").array)
      let entry = try #require(list.first { $0["mac"].string == MAC.station(7).description })
      #expect(entry["facility"].string == "ewr1")
      #expect(entry["vxlan"].int == 100)
      #expect(entry["server"].string == "a")
      #expect(entry["port"].string == "eth0")
      #expect((0...5).contains(entry["age_s"].int ?? -1))

      let page = try HTTPAnswer("GET", "/toprack/fdb?per_page=1&server=a", socket: lab.daemon.socket).json
      #expect(page["meta"]["total"].int == list.count { $0["server"].string == "a" })
      #expect(page["stations"][0]["server"].string == "a")
    }

    @Test("a station that moves is reached on its new port from its first frame there")
    func stationMove() throws {
      let mover = MAC.station(7)
      let before = Frame(to: .broadcast, from: mover, "behind a")
      try a.send(before)
      try b.expect(before)
      try c.expect(before)

      let after = Frame(to: .broadcast, from: mover, "behind b")
      try b.send(after)
      try a.expect(after)
      try c.expect(after)

      let frame = Frame(to: mover, from: c.mac, "follow it")
      try c.send(frame)
      try b.expect(frame)
      try a.expectNothing(sentinelFrom: c)
      #expect(try lab.stations()["ewr1 100 \(mover)"] == "b eth0")
    }

    @Test("a frame for a station behind the port that it came in by is dropped and counted same-port")
    func samePort() throws {
      let hello = Frame(to: .broadcast, from: .station(7), "a neighbour on a's own side")
      try a.send(hello)
      try b.expect(hello)
      try c.expect(hello)
      try lab.expectDrops("same-port", at: a) {
        try a.send(Frame(to: .station(7), from: a.mac, "between two stations behind a"))
      }
      try a.expectNothing(sentinelFrom: b)
      try b.expectNothing(sentinelFrom: c)
      try c.expectNothing(sentinelFrom: b)
    }

    @Test(
      "a group or zero source address is dropped as invalid-source and never learned",
      arguments: [
        MAC(0x0100_5E00_0001), .broadcast, MAC(0),
      ])
    func invalidSource(_ source: MAC) throws {
      try lab.expectDrops("invalid-source", at: a) {
        try a.send(Frame(to: .broadcast, from: source, "from nobody"))
      }
      try b.expectNothing(sentinelFrom: a)
      #expect(try lab.stations().keys.contains { $0.hasSuffix(source.description) } == false)
    }

    @Test("a station that was silent for the ageing time is forgotten, one that speaks is not")
    func ageing() throws {
      let silent = MAC.station(7)
      let frame = Frame(to: .broadcast, from: silent, "my last word")
      try a.send(frame)
      try b.expect(frame)
      try c.expect(frame)
      try lab.toprack("set", "aging", "4")
      #expect(try lab.stations()["ewr1 100 \(silent)"] == "a eth0", "it spoke less than 4 s ago")

      var beats = 0
      let forgotten = try lab.poll(for: .seconds(40)) {
        beats += 1
        let beat = Frame(to: silent, from: c.mac, "beat \(beats)")
        try c.send(beat)
        try a.expect(beat, "a known station or a flood: either way it arrives")
        let stations = try lab.stations()
        #expect(stations["ewr1 100 \(c.mac)"] == "c eth0", "c speaks all the time")
        return stations["ewr1 100 \(silent)"] == nil
      }
      #expect(forgotten, "a frame to a station does not keep it alive")

      while try b.next(within: .zero) != nil {}
      let flooded = Frame(to: silent, from: c.mac, "who knows it?")
      try c.send(flooded)
      try a.expect(flooded)
      try b.expect(flooded, "flooded again")
    }

    @Test("fdb flush forgets what is asked for and nothing else, and says how much")
    func flush() throws {
      for (nic, station) in [(a, 1), (b, 2), (c, 3)] {
        try nic.send(Frame(to: .broadcast, from: .station(station), "station \(station)"))
      }
      #expect(try lab.poll { try lab.stations().count == 3 })
      let text = try lab.toprack("fdb", "flush", "--server", "a")
      #expect(text.contains("1"), "\(text)")
      #expect(try Set(lab.stations().values) == ["b eth0", "c eth0"])
      #expect(try Set(lab.stations(["--server", "b"]).values) == ["b eth0"])
      try lab.toprack("fdb", "flush", "--vxlan", "100")
      #expect(try lab.stations().isEmpty)
    }

    @Test("a station is forgotten when its port leaves the VLAN")
    func detachForgets() throws {
      let hello = Frame(to: .broadcast, from: b.mac, "b was here")
      try b.send(hello)
      try a.expect(hello)
      try c.expect(hello)
      try lab.toprack("port", "detach", "b", "eth0", "100")
      #expect(try lab.stations().isEmpty)
      let frame = Frame(to: b.mac, from: a.mac, "to b, who left")
      try a.send(frame)
      try c.expect(frame, "flooded, as b is unknown now")
      try lab.toprack("port", "attach", "b", "eth0", "100")
      try b.expectNothing(sentinelFrom: a, "while it was away")
    }
  }
}
