import Net
import Testing
import Wire

@testable import Gateway

@Suite("Neighbour machine, RFC 4861 7.3 and Appendix C") struct NeighbourMachineTests {
  static let mac = MACAddress(0x0200_0000_0011)
  static let new = MACAddress(0x0200_0000_0099)
  static let reachableTime: UInt64 = 30_000

  /// A machine in the state of the name.
  static func machine(_ state: NeighbourReport.State?) -> NeighbourMachine {
    var machine = NeighbourMachine()
    func handle(_ event: NeighbourMachine.Event, _ now: UInt64) {
      _ = machine.handle(event, at: now, reachableTime: reachableTime)
    }
    switch state {
    case nil: break
    case .incomplete: handle(.packet, 0)
    case .failed:
      handle(.packet, 0)
      for second in 1...3 as ClosedRange<UInt64> { handle(.tick, second * 1_000) }
    case .reachable:
      handle(.packet, 0)
      handle(.advertised(mac, solicited: true, override: true), 0)
    case .stale: handle(.heard(mac), 0)
    case .delay:
      handle(.heard(mac), 0)
      handle(.used, 0)
    case .probe:
      handle(.heard(mac), 0)
      handle(.used, 0)
      handle(.tick, 5_000)
    }
    return machine
  }

  static func step(
    _ state: NeighbourReport.State?, _ event: NeighbourMachine.Event, at now: UInt64 = 100
  ) -> (NeighbourMachine, NeighbourMachine.Effects) {
    var machine = machine(state)
    let effects = machine.handle(event, at: now, reachableTime: reachableTime)
    return (machine, effects)
  }

  func expect(
    _ from: NeighbourReport.State?, _ event: NeighbourMachine.Event, at now: UInt64 = 100,
    becomes state: NeighbourMachine.State, _ effects: NeighbourMachine.Effects = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let (machine, found) = Self.step(from, event, at: now)
    #expect(machine.state == state, sourceLocation: sourceLocation)
    #expect(found == effects, sourceLocation: sourceLocation)
  }

  @Test("absent to INCOMPLETE when there is a packet: everybody is asked")
  func absentPacket() { expect(nil, .packet, becomes: .incomplete(solicited: 1, next: 1_100), .solicit) }

  @Test("absent to STALE when it is heard, 7.2.3")
  func absentHeard() { expect(nil, .heard(Self.mac), becomes: .stale(Self.mac), .resolved) }

  @Test("absent stays absent when it announces itself or advertises: nothing is created, 7.2.5")
  func absentAnnounced() {
    expect(nil, .announced(Self.mac), becomes: .absent)
    expect(nil, .advertised(Self.mac, solicited: true, override: true), becomes: .absent)
    expect(nil, .used, becomes: .absent)
    expect(nil, .tick, becomes: .absent)
  }

  @Test("INCOMPLETE asks three times, one second apart, and fails one second after the third, 7.2.2")
  func incompleteTimes() {
    var machine = Self.machine(.incomplete)
    #expect(machine.deadline == 1_000)
    #expect(machine.handle(.tick, at: 999, reachableTime: 0) == [])
    #expect(machine.handle(.tick, at: 1_000, reachableTime: 0) == .solicit)
    #expect(machine.handle(.tick, at: 2_000, reachableTime: 0) == .solicit)
    #expect(machine.handle(.tick, at: 2_999, reachableTime: 0) == [])
    #expect(machine.handle(.tick, at: 3_000, reachableTime: 0) == .failed)
    #expect(machine.state == .failed(until: 4_000))
  }

  @Test("INCOMPLETE stays when there is another packet, and asks no more often")
  func incompletePacket() { expect(.incomplete, .packet, becomes: .incomplete(solicited: 1, next: 1_000)) }

  @Test("INCOMPLETE to REACHABLE when a solicited answer comes, with and without override, 7.2.5")
  func incompleteSolicited() {
    for override in [false, true] {
      expect(
        .incomplete, .advertised(Self.mac, solicited: true, override: override),
        becomes: .reachable(Self.mac, until: 30_100), .resolved)
    }
  }

  @Test("INCOMPLETE to STALE when an unsolicited advertisement comes, 7.2.5")
  func incompleteUnsolicited() {
    expect(
      .incomplete, .advertised(Self.mac, solicited: false, override: false), becomes: .stale(Self.mac), .resolved)
  }

  @Test("INCOMPLETE stays when an advertisement has no link-layer address, 7.2.5")
  func incompleteNoAddress() {
    expect(
      .incomplete, .advertised(nil, solicited: true, override: true), becomes: .incomplete(solicited: 1, next: 1_000))
  }

  @Test("INCOMPLETE to STALE when it asks us, or announces itself, meanwhile, 7.2.3")
  func incompleteHeard() {
    expect(.incomplete, .heard(Self.mac), becomes: .stale(Self.mac), .resolved)
    expect(.incomplete, .announced(Self.mac), becomes: .stale(Self.mac), .resolved)
  }

  @Test("failed refuses packets for a second, then asks again")
  func failedPacket() {
    expect(.failed, .packet, at: 3_999, becomes: .failed(until: 4_000), .failed)
    expect(.failed, .packet, at: 4_000, becomes: .incomplete(solicited: 1, next: 5_000), .solicit)
    expect(.failed, .tick, at: 3_999, becomes: .failed(until: 4_000))
    expect(.failed, .tick, at: 4_000, becomes: .absent)
  }

  @Test("failed to STALE when it is heard after all, and not by an advertisement that nobody asked for")
  func failedHeard() {
    expect(.failed, .heard(Self.mac), at: 3_100, becomes: .stale(Self.mac), .resolved)
    expect(.failed, .announced(Self.mac), at: 3_100, becomes: .failed(until: 4_000))
    expect(
      .failed, .advertised(Self.mac, solicited: false, override: true), at: 3_100, becomes: .failed(until: 4_000))
  }

  @Test("REACHABLE to STALE when ReachableTime is over, 7.3.3")
  func reachableTimeout() {
    expect(.reachable, .tick, at: 29_999, becomes: .reachable(Self.mac, until: 30_000))
    expect(.reachable, .tick, at: 30_000, becomes: .stale(Self.mac))
  }

  @Test("REACHABLE stays when it is used or heard at the same address: that confirms nothing, 7.3.1")
  func reachableUsed() {
    for event in [.packet, .used, .heard(Self.mac), .announced(Self.mac)] as [NeighbourMachine.Event] {
      expect(.reachable, event, becomes: .reachable(Self.mac, until: 30_000))
    }
  }

  @Test("REACHABLE to STALE with the new address when it is heard at another, 7.2.3")
  func reachableMoved() {
    expect(.reachable, .heard(Self.new), becomes: .stale(Self.new))
    expect(.reachable, .announced(Self.new), becomes: .stale(Self.new))
  }

  @Test("REACHABLE to STALE with the old address when another is advertised without override, 7.2.5")
  func reachableNoOverride() {
    for solicited in [false, true] {
      expect(
        .reachable, .advertised(Self.new, solicited: solicited, override: false), becomes: .stale(Self.mac))
    }
  }

  @Test(
    "STALE, DELAY and PROBE stay as they are when another address is advertised without override, 7.2.5",
    arguments: [.stale, .delay, .probe] as [NeighbourReport.State])
  func othersNoOverride(state: NeighbourReport.State) {
    expect(
      state, .advertised(Self.new, solicited: true, override: false), becomes: Self.machine(state).state)
  }

  @Test(
    "REACHABLE, STALE, DELAY and PROBE to REACHABLE when an answer confirms them, with or without address, 7.2.5",
    arguments: [.reachable, .stale, .delay, .probe] as [NeighbourReport.State])
  func confirmed(state: NeighbourReport.State) {
    for (mac, override) in [(Self.mac, true), (Self.mac, false), (nil, true), (nil, false)] as [(MACAddress?, Bool)] {
      expect(
        state, .advertised(mac, solicited: true, override: override), becomes: .reachable(Self.mac, until: 30_100))
    }
    expect(
      state, .advertised(Self.new, solicited: true, override: true), becomes: .reachable(Self.new, until: 30_100))
  }

  @Test(
    "REACHABLE, STALE, DELAY and PROBE to STALE when another address is advertised, overriding and unsolicited, 7.2.5",
    arguments: [.reachable, .stale, .delay, .probe] as [NeighbourReport.State])
  func overridden(state: NeighbourReport.State) {
    expect(state, .advertised(Self.new, solicited: false, override: true), becomes: .stale(Self.new))
    expect(
      state, .advertised(Self.mac, solicited: false, override: true), becomes: Self.machine(state).state)
  }

  @Test("STALE to DELAY when it is used, by the worker or by us, 7.3.3")
  func staleUsed() {
    for event in [.used, .packet] as [NeighbourMachine.Event] {
      expect(.stale, event, becomes: .delay(Self.mac, until: 5_100))
    }
    #expect(Self.machine(.stale).deadline == nil)
  }

  @Test("DELAY to PROBE after five seconds: it is asked itself, 7.3.3")
  func delayTimeout() {
    expect(.delay, .tick, at: 4_999, becomes: .delay(Self.mac, until: 5_000))
    expect(.delay, .tick, at: 5_000, becomes: .probe(Self.mac, solicited: 1, next: 6_000), .solicit)
    expect(.delay, .used, becomes: .delay(Self.mac, until: 5_000))
  }

  @Test(
    "DELAY and PROBE to STALE when it is heard at another address",
    arguments: [.delay, .probe] as [NeighbourReport.State])
  func probeMoved(state: NeighbourReport.State) {
    expect(state, .heard(Self.new), becomes: .stale(Self.new))
    expect(state, .heard(Self.mac), becomes: Self.machine(state).state)
  }

  @Test("PROBE asks three times, one second apart, and ends in absent, 7.3.3")
  func probeTimes() {
    var machine = Self.machine(.probe)
    #expect(machine.mac == Self.mac)
    #expect(machine.handle(.tick, at: 6_000, reachableTime: 0) == .solicit)
    #expect(machine.handle(.packet, at: 6_500, reachableTime: 0) == [])
    #expect(machine.handle(.tick, at: 7_000, reachableTime: 0) == .solicit)
    #expect(machine.mac == Self.mac)
    #expect(machine.handle(.tick, at: 8_000, reachableTime: 0) == .failed)
    #expect(machine.state == .absent)
    #expect(machine.mac == nil)
  }

  @Test("the deadline is always ahead: a tick at it makes progress", arguments: 0..<20)
  func progress(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var machine = NeighbourMachine()
    var now: UInt64 = 0
    for _ in 0..<2_000 {
      let mac = Bool.random(using: &random) ? Self.mac : Self.new
      let events: [NeighbourMachine.Event] = [
        .packet, .used, .heard(mac), .announced(mac), .tick,
        .advertised(mac, solicited: .random(using: &random), override: .random(using: &random)),
        .advertised(nil, solicited: .random(using: &random), override: .random(using: &random)),
      ]
      _ = machine.handle(events[Int.random(in: 0..<events.count, using: &random)], at: now, reachableTime: 15_000)
      if let deadline = machine.deadline, deadline <= now {
        _ = machine.handle(.tick, at: now, reachableTime: 15_000)
        #expect(machine.deadline.map { $0 > now } ?? true)
      }
      now += UInt64.random(in: 0...4_000, using: &random)
    }
  }
}
