import Testing

@testable import LinkAggregation

/// One step of the periodic transmission machine at time 50 000.
struct PeriodicVector: Sendable, CustomTestStringConvertible {
  typealias State = PeriodicMachine.State
  let from: State
  let enabled: Bool
  let short: Bool
  let want: State?
  var testDescription: String {
    "from \(from), \(enabled ? "on" : "off"), partner \(short ? "short" : "long"): \(want?.name ?? "stays")"
  }

  static let fast = State.fastPeriodic(until: 51_000)
  static let slow = State.slowPeriodic(until: 80_000)
  static let all = [
    PeriodicVector(from: .noPeriodic, enabled: false, short: true, want: nil),
    PeriodicVector(from: .noPeriodic, enabled: true, short: true, want: fast),
    PeriodicVector(from: .noPeriodic, enabled: true, short: false, want: fast),
    PeriodicVector(from: .fastPeriodic(until: 50_001), enabled: true, short: true, want: nil),
    PeriodicVector(from: .fastPeriodic(until: 50_000), enabled: true, short: true, want: .periodicTx),
    PeriodicVector(from: .fastPeriodic(until: 50_001), enabled: true, short: false, want: slow),
    PeriodicVector(from: .fastPeriodic(until: 50_001), enabled: false, short: true, want: .noPeriodic),
    PeriodicVector(from: .slowPeriodic(until: 50_001), enabled: true, short: false, want: nil),
    PeriodicVector(from: .slowPeriodic(until: 50_000), enabled: true, short: false, want: .periodicTx),
    PeriodicVector(from: .slowPeriodic(until: 50_001), enabled: true, short: true, want: .periodicTx),
    PeriodicVector(from: .slowPeriodic(until: 50_001), enabled: false, short: false, want: .noPeriodic),
    PeriodicVector(from: .periodicTx, enabled: true, short: true, want: fast),
    PeriodicVector(from: .periodicTx, enabled: true, short: false, want: slow),
    PeriodicVector(from: .periodicTx, enabled: false, short: true, want: .noPeriodic),
  ]
}

@Suite("Periodic transmission machine, 802.1AX-2014 6.4.13") struct PeriodicMachineTests {
  @Test("takes the transition of the standard", arguments: PeriodicVector.all)
  func step(_ vector: PeriodicVector) {
    var machine = PeriodicMachine(vector.from)
    let conditions = PeriodicMachine.Conditions(enabled: vector.enabled, partnerShortTimeout: vector.short)
    #expect(machine.step(conditions, at: 50_000) == vector.want)
    #expect(machine.state == vector.want ?? vector.from)
  }
}
