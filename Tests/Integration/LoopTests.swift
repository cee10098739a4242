import Testing

/// A rack of two tenants: a server of the one has both NICs in one VLAN, and can be made to loop.
private final class LoopRig {
  let lab: Lab
  let looping: Machine
  let other: NIC, another: NIC
  let sender: NIC

  /// `looping` has both NICs in VLAN 100, where `sender` is; `other` and `another` are another tenant's, in a VLAN of
  /// that number.
  init(workers: Int = 1) throws {
    lab = try Lab(options: ["--workers", "\(workers)"])
    try lab.networks(100)
    looping = try lab.machine("s", .layer2Individual, vlans: [("eth0", 100), ("eth1", 100)])
    sender = try lab.individual("x", 100).eth0
    try lab.networks(200)
    other = try lab.individual("p", 200).eth0
    another = try lab.individual("q", 200).eth0
  }

  /// Joins the looping machine's NICs; the first broadcast goes round.
  func close() throws {
    try looping.namespace.run("ip", "link", "add", "br0", "type", "bridge")
    try looping.namespace.silence()
    for nic in ["eth0", "eth1"] { try looping.namespace.run("ip", "link", "set", nic, "master", "br0") }
    try looping.namespace.run("ip", "link", "set", "br0", "up")
  }

  func open() throws { try looping.namespace.run("ip", "link", "delete", "br0") }

  func events() throws -> [(type: String, body: String)] {
    try lab.events().map { ($0["type"].string ?? "?", $0["body"].string ?? "?") }
  }

  func count(_ type: String) throws -> Int { try events().filter { $0.type == type }.count }

  func problems() throws -> [String] {
    (try lab.toprack.json("status")["problems"].array ?? []).compactMap(\.string)
  }

  func shut(_ port: String = "eth1") throws -> JSON { try lab.toprack.json("port", "show", "s", port)["shut"] }

  /// A bridge forwards only once it has learned or its ports are in their state; so a broadcast may have to be sent
  /// again.
  func loop() throws {
    try close()
    let isShut = try lab.poll(for: .seconds(20)) {
      try sender.send(Frame(to: .broadcast, from: sender.mac, "round and round"))
      return try shut()["reason"].string != nil
    }
    let events = try events()
    try #require(isShut, "\(events)")
  }
}

extension Integration {
  @Suite("Loops") struct LoopTests {
    @Test(
      "a broadcast into a server that bridges its NICs soon ends, is told of, and costs the other tenant no frame",
      arguments: [1, 2])
    func oneServer(workers: Int) throws {
      let rig = try LoopRig(workers: workers)
      let stream = try FrameStream(from: rig.other, to: rig.another)
      try rig.loop()
      let before = try rig.lab.toprack.json("port", "show", "s", "eth1")
      // What is still on its way, and then no more than single frames.
      let isQuiet = try rig.lab.poll {
        let first = try rig.lab.toprack.json("port", "show", "s", "eth0")["rx_packets"].int ?? 0
        let second = try rig.lab.toprack.json("port", "show", "s", "eth0")["rx_packets"].int ?? 0
        return second - first <= 2
      }
      #expect(isQuiet)
      #expect(before["shut"]["until"].string != nil && before["shut"]["times"].int == 1)
      #expect(try rig.lab.drops(rig.looping.eth1)["loop-guard"] ?? 0 > 0)
      #expect(try rig.count("port.loop") == 1)
      #expect(try rig.events().first { $0.type == "port.loop" }?.body.contains("eth1 of s is shut for 10 s") == true)
      let problem = try rig.problems().first { $0.contains("eth1 of s is shut until") }
      #expect(problem?.contains("port reopen s eth1") == true)
      #expect(try rig.lab.toprack("port", "show", "s").contains("up, shut"))
      #expect(try rig.lab.toprack("status").contains("eth1 of s is shut"))
      #expect(try rig.lab.verify().status == 0, "a shut port is what it should be")
      let report = try stream.stop()
      #expect(report.fault == nil && report.received > 0)

      // The bridge goes, and the port comes back by itself.
      try rig.open()
      let isOpen = try rig.lab.poll(for: .seconds(60)) { try rig.count("port.clear") >= 1 }
      #expect(isOpen)
      #expect(try rig.shut() == .null)
      #expect(try rig.problems().isEmpty)
      let frame = Frame(to: .broadcast, from: rig.sender.mac, "after the loop")
      let heard = try rig.lab.poll {
        try rig.sender.send(frame)
        return try rig.looping.eth1.next(until: .after(.milliseconds(300))) { $0 == frame } != nil
      }
      #expect(heard)
      let back = Frame(to: .broadcast, from: rig.looping.eth1.mac, "and back")
      // Its capture is full of what it sent itself.
      while try rig.sender.next(within: .zero) != nil {}
      try rig.looping.eth1.send(back)
      #expect(try rig.sender.next(until: .after(.seconds(5))) { $0 == back } != nil)
    }

    @Test("a port that was shut is opened by hand, shut again while it loops, and refuses when it is open")
    func byHand() throws {
      let rig = try LoopRig()
      let refused = try rig.lab.toprack.attempt(["port", "reopen", "s", "eth1"])
      #expect(refused.status == 1 && refused.errors.contains("eth1 of s is not shut"))
      try rig.loop()
      try rig.lab.toprack("port", "reopen", "s", "eth1")
      let again = try rig.lab.poll(for: .seconds(20)) {
        try rig.sender.send(Frame(to: .broadcast, from: rig.sender.mac, "round and round"))
        return try rig.shut()["times"].int == 2
      }
      #expect(again)
      try rig.open()
      #expect(try rig.lab.toprack("port", "reopen", "s", "eth1") == "s eth1: open\n")
      #expect(try rig.problems().isEmpty)
    }

    @Test("a server that is shut can change its VLANs and mode, which opens it, and be deleted with its problem")
    func changes() throws {
      let rig = try LoopRig()
      try rig.loop()
      try rig.lab.toprack("port", "detach", "s", "eth1", "100")
      #expect(try rig.lab.poll { try rig.problems().isEmpty }, "opened, since nothing can loop there")
      #expect(try rig.shut() == .null)
      try rig.lab.toprack("port", "detach", "s", "eth0", "100")
      try rig.lab.toprack("server", "mode", "s", "layer2-bonded")
      try rig.open()
      try rig.lab.toprack("server", "mode", "s", "layer2-individual")
      for port in ["eth0", "eth1"] { try rig.lab.toprack("port", "attach", "s", port, "100") }
      try rig.loop()
      #expect(try !rig.problems().isEmpty)
      try rig.lab.toprack("server", "delete", "s")
      #expect(try rig.lab.poll { try rig.problems().isEmpty })
      let frame = Frame(to: .broadcast, from: rig.other.mac, "others go on")
      try rig.other.send(frame)
      try rig.another.expect(frame)
    }

    @Test("nobody shuts another's port: not by a probe that was changed or kept, nor by sending with another's address")
    func hostile() throws {
      let rig = try LoopRig()
      // The victim sends much, so that it is loud; the attacker is in its VLAN and sees probes, those to itself.
      let (victim, attacker) = (rig.sender, rig.looping.eth0)
      var probes: [Frame] = []
      var number = 0
      func beLoud() throws {
        for _ in 0..<1_500 {
          number += 1
          try victim.send(Frame(to: .broadcast, from: victim.mac, "multicast \(number)"))
        }
      }
      let seen = try rig.lab.poll(for: .seconds(20)) {
        try beLoud()
        while let frame = try attacker.next(until: .after(.milliseconds(50)), where: { $0.etherType == 0x9000 }) {
          probes.append(frame)
        }
        return !probes.isEmpty
      }
      try #require(seen, "a loud NIC makes the switch probe")
      for probe in probes.prefix(4) {
        for byte in [10, 17, 18, 25] {
          var forged = probe
          forged.payload[byte] ^= 1
          try attacker.send(forged)
          #expect(try victim.next(until: .after(.seconds(5))) { $0 == forged } != nil, "it is a frame like any other")
        }
        try attacker.send(probe)
        try rig.looping.eth1.send(probe)
      }
      for round in 0..<3_000 {
        try attacker.send(Frame(to: .broadcast, from: victim.mac, "I am the victim \(round)"))
        try victim.send(Frame(to: .broadcast, from: victim.mac, "no, I am \(round)"))
      }
      let told = try rig.lab.poll {
        try rig.events().contains { $0.type == "station.moves" && $0.body.contains("\(victim.mac)") }
      }
      #expect(told)
      #expect(try rig.lab.toprack.json("port", "show", "x", "eth0")["shut"] == .null)
      #expect(try rig.lab.drops(victim)["loop-guard"] == nil)
      let station = try rig.lab.toprack.json("fdb", "show").array?.first { $0["mac"].string == "\(victim.mac)" }
      #expect(station?["moves"].int ?? 0 > 100)
      #expect(try rig.lab.toprack("fdb", "show").contains("MOVES"))
      #expect(try rig.lab.toprack.json("status")["station_moves"].int ?? 0 > 100)
    }
  }
}
