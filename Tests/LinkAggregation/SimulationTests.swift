import LinkAggregation
import Net
import Testing

@Suite("Bond and a Linux server, over links that lose and delay") struct SimulationTests {
  static func server(fast: Bool, active: Bool = true) -> LinuxPartner {
    LinuxPartner(system: [0x52, 0x54, 0, 0, 0, 1], fast: fast, active: active)
  }

  /// Milliseconds until both ends carry by both links, in steps of 50; `nil`: not within `limit`.
  static func timeToWhole(_ simulation: inout Simulation, limit: Instant) -> Instant? {
    let start = simulation.now
    while !simulation.isWhole {
      if simulation.now - start >= limit { return nil }
      simulation.run(for: 50)
    }
    return simulation.now - start
  }

  @Test("forms within 3 s at fast rate, and at slow rate too when nothing is lost", arguments: [true, false])
  func forms(_ fast: Bool) {
    for seed in 0..<UInt64(20) {
      var simulation = Simulation(seed: seed, fast: fast, server: Self.server(fast: fast))
      simulation.delay = 20
      simulation.run(for: Instant(seed) * 37)
      for link in 0...1 { simulation.setLink(link, up: true) }
      let time = Self.timeToWhole(&simulation, limit: 3_000)
      #expect(time != nil, "seed \(seed)")
    }
  }

  @Test("forms with a passive server that only answers")
  func passive() {
    var simulation = Simulation(seed: 1, fast: true, server: Self.server(fast: true, active: false))
    for link in 0...1 { simulation.setLink(link, up: true) }
    #expect(Self.timeToWhole(&simulation, limit: 4_000) != nil)
  }

  @Test("each end obeys the other's rate", arguments: [(true, false), (false, true)])
  func mixedRates(_ bondFast: Bool, _ serverFast: Bool) {
    var simulation = Simulation(seed: 1, fast: bondFast, server: Self.server(fast: serverFast))
    for link in 0...1 { simulation.setLink(link, up: true) }
    #expect(Self.timeToWhole(&simulation, limit: 4_000) != nil)
    let before = simulation.bond.snapshot(at: simulation.now)[0].counters
    simulation.run(for: 300_000)
    let after = simulation.bond.snapshot(at: simulation.now)[0].counters
    #expect(simulation.isWhole)
    #expect(after.lacpdusSent - before.lacpdusSent == (serverFast ? 300 : 10))
    #expect((after.lacpdusReceived - before.lacpdusReceived) / 10 == (bondFast ? 30 : 1))
  }

  @Test("a link loss moves everything to the other within the event, and the link rejoins without disturbing it")
  func takeover() {
    for seed in 0..<UInt64(20) {
      var simulation = Simulation(seed: seed, fast: true, server: Self.server(fast: true))
      for link in 0...1 { simulation.setLink(link, up: true) }
      simulation.run(for: 10_000 + Instant(seed) * 131)
      #expect(simulation.isWhole)
      let lost = Int(seed % 2)
      simulation.setLink(lost, up: false)
      #expect(simulation.bond.carriage == Bench.aggregate(1 - lost))
      simulation.run(for: 5_000)
      simulation.setLink(lost, up: true)
      let start = simulation.now
      while !simulation.isWhole, simulation.now < start + 5_000 {
        #expect(simulation.bond.carriage.distributing.contains(member: 1 - lost))
        simulation.run(for: 20)
      }
      #expect(simulation.isWhole, "seed \(seed)")
    }
  }

  @Test("a member taken out is left by the server within a second, put back it joins; the other never stops")
  func hybrid() {
    var simulation = Simulation(seed: 5, fast: false, server: Self.server(fast: false))
    for link in 0...1 { simulation.setLink(link, up: true) }
    simulation.run(for: 10_000)
    #expect(simulation.isWhole)
    simulation.setMember(1, false)
    #expect(simulation.bond.carriage == Bench.aggregate(0))
    simulation.run(for: 1_000)
    #expect(!simulation.server.isCarrying(1))
    #expect(simulation.server.isCarrying(0))
    for _ in 0..<200 {
      simulation.run(for: 1_000)
      #expect(simulation.bond.carriage == Bench.aggregate(0))
      #expect(simulation.server.isCarrying(0))
    }
    simulation.setMember(1, true)
    let time = Self.timeToWhole(&simulation, limit: 35_000)
    #expect(time != nil)
  }

  @Test("a server that reboots without losing carrier is taken in again")
  func reboot() {
    var simulation = Simulation(seed: 3, fast: true, server: Self.server(fast: true))
    for link in 0...1 { simulation.setLink(link, up: true) }
    simulation.run(for: 10_000)
    simulation.reboot()
    #expect(Self.timeToWhole(&simulation, limit: 6_000) != nil)
  }

  @Test(
    "whatever happens, the invariants hold, and both ends agree soon after the loss has stopped", arguments: 0..<60,
    [true, false])
  func chaos(_ seed: Int, _ fast: Bool) {
    var simulation = Simulation(seed: UInt64(seed), fast: fast, server: Self.server(fast: fast))
    simulation.loss = 10 + seed % 6 * 10
    simulation.delay = Instant(1 + seed % 4 * 300)
    simulation.answerDelay = [0, 3, 40, 400][seed % 4]
    for _ in 0..<60 {
      let link = simulation.number(0..<2)
      switch simulation.number(0..<10) {
      case 0...4: simulation.setLink(link, up: !simulation.isUp[link])
      case 5: simulation.setMember(link, !simulation.isMember[link])
      case 6: simulation.reboot()
      case 7: simulation.server.key = simulation.server.key == 15 ? 16 : 15
      default: break
      }
      simulation.run(for: Instant(simulation.number(1..<(fast ? 9_000 : 100_000))))
    }
    for link in 0...1 {
      if !simulation.isMember[link] { simulation.setMember(link, true) }
      if !simulation.isUp[link] { simulation.setLink(link, up: true) }
    }
    simulation.loss = 0
    simulation.delay = 5
    simulation.answerDelay = min(simulation.answerDelay, 5)
    // One period until either end is heard, one more for what it had wrong, two seconds of waiting, and the limit of
    // three LACPDUs in a second.
    let period: Instant = fast ? 1_000 : 30_000
    let time = Self.timeToWhole(&simulation, limit: 2 * period + 2_000 + 1_000)
    #expect(time != nil, "seed \(seed): \(simulation.bond.snapshot(at: simulation.now)) \(simulation.server)")
    simulation.run(for: 200_000)
    #expect(simulation.isWhole)
  }
}
