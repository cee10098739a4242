import Net
import Testing

@testable import LinkAggregation

/// One step of the receive machine at time 10 000.
struct ReceiveVector: Sendable, CustomTestStringConvertible {
  typealias State = ReceiveMachine.State
  let from: State
  let when: String
  let conditions: ReceiveMachine.Conditions
  let want: State?
  var testDescription: String { "from \(from.name), \(when): \(want?.name ?? "stays")" }

  static let now: Instant = 10_000
  static let enabled: [State] = [
    .expired(until: 10_001), .defaulted, .current(until: 10_001),
  ]
  static let all: [ReceiveVector] =
    [
      ReceiveVector(
        from: .initialize, when: "unconditionally", conditions: .init(portEnabled: true, shortTimeout: false),
        want: .portDisabled),
      ReceiveVector(
        from: .portDisabled, when: "link down", conditions: .init(portEnabled: false, shortTimeout: false), want: nil),
      ReceiveVector(
        from: .portDisabled, when: "an LACPDU on a dead link",
        conditions: .init(portEnabled: false, received: true, shortTimeout: false), want: nil),
      ReceiveVector(
        from: .portDisabled, when: "the partner moved",
        conditions: .init(portEnabled: false, portMoved: true, shortTimeout: false), want: .initialize),
      ReceiveVector(
        from: .portDisabled, when: "link up, LACP on", conditions: .init(portEnabled: true, shortTimeout: false),
        want: .expired(until: 13_000)),
      ReceiveVector(
        from: .portDisabled, when: "link up, LACP off",
        conditions: .init(portEnabled: true, lacpEnabled: false, shortTimeout: false), want: .lacpDisabled),
      ReceiveVector(
        from: .lacpDisabled, when: "LACP off",
        conditions: .init(portEnabled: true, lacpEnabled: false, shortTimeout: false),
        want: nil),
      ReceiveVector(
        from: .lacpDisabled, when: "an LACPDU, LACP off",
        conditions: .init(portEnabled: true, lacpEnabled: false, received: true, shortTimeout: false), want: nil),
      ReceiveVector(
        from: .lacpDisabled, when: "LACP on", conditions: .init(portEnabled: true, shortTimeout: false),
        want: .portDisabled),
      ReceiveVector(
        from: .lacpDisabled, when: "link down",
        conditions: .init(portEnabled: false, lacpEnabled: false, shortTimeout: false),
        want: .portDisabled),
      ReceiveVector(
        from: .current(until: 10_001), when: "a millisecond before the timeout",
        conditions: .init(portEnabled: true, shortTimeout: true), want: nil),
      ReceiveVector(
        from: .current(until: 10_000), when: "at the timeout",
        conditions: .init(portEnabled: true, shortTimeout: false),
        want: .expired(until: 13_000)),
      ReceiveVector(
        from: .expired(until: 10_001), when: "a millisecond before the timeout",
        conditions: .init(portEnabled: true, shortTimeout: false), want: nil),
      ReceiveVector(
        from: .expired(until: 10_000), when: "at the timeout",
        conditions: .init(portEnabled: true, shortTimeout: false),
        want: .defaulted),
      ReceiveVector(
        from: .expired(until: 10_000), when: "an LACPDU at the timeout",
        conditions: .init(portEnabled: true, received: true, shortTimeout: true), want: .current(until: 13_000)),
      ReceiveVector(
        from: .defaulted, when: "silence", conditions: .init(portEnabled: true, shortTimeout: true), want: nil),
    ]
    + enabled.flatMap { state in
      [
        ReceiveVector(
          from: state, when: "an LACPDU, short timeout",
          conditions: .init(portEnabled: true, received: true, shortTimeout: true), want: .current(until: 13_000)),
        ReceiveVector(
          from: state, when: "an LACPDU, long timeout",
          conditions: .init(portEnabled: true, received: true, shortTimeout: false), want: .current(until: 100_000)),
        ReceiveVector(
          from: state, when: "link down", conditions: .init(portEnabled: false, shortTimeout: false),
          want: .portDisabled),
        ReceiveVector(
          from: state, when: "link down and an LACPDU",
          conditions: .init(portEnabled: false, received: true, shortTimeout: false), want: .portDisabled),
        ReceiveVector(
          from: state, when: "LACP off", conditions: .init(portEnabled: true, lacpEnabled: false, shortTimeout: false),
          want: .initialize),
      ]
    }
}

@Suite("Receive machine, 802.1AX-2014 6.4.12") struct ReceiveMachineTests {
  @Test("takes the transition of the standard", arguments: ReceiveVector.all)
  func step(_ vector: ReceiveVector) {
    var machine = ReceiveMachine(vector.from)
    #expect(machine.step(vector.conditions, at: ReceiveVector.now) == vector.want)
    #expect(machine.state == vector.want ?? vector.from)
  }

  @Test(
    "a silent partner is expired after 90 s, or 3 s, and defaulted 3 s later",
    arguments: [(false, 90_000), (true, 3_000)])
  func silence(_ short: Bool, _ timeout: Instant) {
    var machine = ReceiveMachine(.defaulted)
    let quiet = ReceiveMachine.Conditions(portEnabled: true, shortTimeout: short)
    var heard = quiet
    heard.received = true
    #expect(machine.step(heard, at: 10) == .current(until: 10 + timeout))
    #expect(machine.deadline == 10 + timeout)
    #expect(machine.step(quiet, at: 9 + timeout) == nil)
    #expect(machine.step(quiet, at: 10 + timeout) == .expired(until: 3_010 + timeout))
    #expect(machine.step(quiet, at: 3_009 + timeout) == nil)
    #expect(machine.step(quiet, at: 3_010 + timeout) == .defaulted)
    #expect(machine.deadline == nil)
  }
}
