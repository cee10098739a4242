import Testing

@testable import LinkAggregation

/// One step of the mux machine at time 10 000.
struct MuxVector: Sendable, CustomTestStringConvertible {
  typealias State = MuxMachine.State
  let from: State
  let when: String
  let conditions: MuxMachine.Conditions
  let want: State?
  var testDescription: String { "from \(from.name), \(when): \(want?.name ?? "stays")" }

  static func conditions(
    _ selected: Bool, complete: Bool = false, inSync: Bool = false, collecting: Bool = false
  ) -> MuxMachine.Conditions {
    .init(selected: selected, complete: complete, partnerInSync: inSync, partnerCollecting: collecting)
  }

  static let all = [
    MuxVector(from: .detached, when: "unselected", conditions: conditions(false, inSync: true), want: nil),
    MuxVector(from: .detached, when: "selected", conditions: conditions(true), want: .waiting(until: 12_000)),
    MuxVector(
      from: .waiting(until: 10_001), when: "before its time", conditions: conditions(true, inSync: true), want: nil),
    MuxVector(from: .waiting(until: 10_000), when: "at its time", conditions: conditions(true), want: .attached),
    MuxVector(
      from: .waiting(until: 10_001), when: "nobody left to wait for", conditions: conditions(true, complete: true),
      want: .attached),
    MuxVector(
      from: .waiting(until: 10_000), when: "unselected at its time", conditions: conditions(false, complete: true),
      want: .detached),
    MuxVector(from: .attached, when: "partner out of sync", conditions: conditions(true, collecting: true), want: nil),
    MuxVector(
      from: .attached, when: "partner in sync", conditions: conditions(true, inSync: true),
      want: .collectingDistributing),
    MuxVector(
      from: .attached, when: "unselected, partner in sync", conditions: conditions(false, inSync: true), want: .detached
    ),
    MuxVector(
      from: .collectingDistributing, when: "all well", conditions: conditions(true, inSync: true), want: nil),
    MuxVector(
      from: .collectingDistributing, when: "partner out of sync", conditions: conditions(true, collecting: true),
      want: .attached),
    MuxVector(
      from: .collectingDistributing, when: "unselected", conditions: conditions(false, inSync: true, collecting: true),
      want: .attached),
  ]
}

@Suite("Mux machine, coupled control, 802.1AX-2014 6.4.15") struct MuxMachineTests {
  @Test("takes the transition of the standard", arguments: MuxVector.all)
  func step(_ vector: MuxVector) {
    var machine = MuxMachine(vector.from)
    #expect(machine.step(vector.conditions, at: 10_000) == vector.want.map { .entered($0) })
    #expect(machine.state == vector.want ?? vector.from)
    #expect(!machine.isDistributing)
  }

  @Test("collects with the state, distributes when the partner collects, and stops when it no longer does")
  func distribution() {
    var machine = MuxMachine(.attached)
    #expect(machine.step(MuxVector.conditions(true, inSync: true), at: 0) == .entered(.collectingDistributing))
    #expect(machine.isCollecting && !machine.isDistributing)
    #expect(machine.step(MuxVector.conditions(true, inSync: true, collecting: true), at: 0) == .distribution)
    #expect(machine.isCollecting && machine.isDistributing)
    #expect(machine.step(MuxVector.conditions(true, inSync: true, collecting: true), at: 0) == nil)
    #expect(machine.step(MuxVector.conditions(true, inSync: true), at: 0) == .distribution)
    #expect(machine.isCollecting && !machine.isDistributing)
  }

  @Test("stops distributing in the step that leaves the state")
  func leaving() {
    var machine = MuxMachine(.collectingDistributing, distributing: true)
    #expect(machine.step(MuxVector.conditions(false, inSync: true, collecting: true), at: 0) == .entered(.attached))
    #expect(!machine.isCollecting && !machine.isDistributing && machine.isInSync)
    #expect(machine.step(MuxVector.conditions(false, inSync: true, collecting: true), at: 0) == .entered(.detached))
    #expect(!machine.isInSync)
  }
}
