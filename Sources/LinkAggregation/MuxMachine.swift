import Net

/// Mux machine of one port, with coupled control: is the link part of the aggregate, and do frames cross it.
///
///     DETACHED ──selected──▶ WAITING ──ready──▶ ATTACHED ──partner in sync──▶ COLLECTING_DISTRIBUTING
///         ▲                     │                │    ▲                                │
///         └─────not selected────┴────────────────┘    └─partner out of sync, unselected┘
///
/// Coupled control has one state where independent control has COLLECTING and DISTRIBUTING, and lets both begin
/// together. Here collecting begins with the state, and distributing inside it as soon as the partner says that it
/// collects and has had time to hear that we are in sync, so that the first frames are not sent to a closed door. A
/// partner with coupled control opens on our Synchronization alone, so nobody waits for the other forever; and as it
/// sends at once, the bond takes its frames from ATTACHED on (`Member.isOpen`), although nothing says so on the wire.
/// Source: IEEE 802.1AX-2014 6.4.15; states keep its names.
struct MuxMachine: Equatable, Sendable, BitwiseCopyable {
  enum State: Equatable, Sendable, BitwiseCopyable {
    case detached
    case waiting(until: Instant)
    case attached
    case collectingDistributing

    /// As the standard writes it.
    var name: String {
      switch self {
      case .detached: "DETACHED"
      case .waiting: "WAITING"
      case .attached: "ATTACHED"
      case .collectingDistributing: "COLLECTING_DISTRIBUTING"
      }
    }
  }

  /// What the machine looks at, beside the time.
  struct Conditions: Equatable, Sendable, BitwiseCopyable {
    /// Selected is SELECTED; STANDBY does not occur, a bond can use all its links.
    var selected: Bool
    /// Nobody is left who could still join: waiting is over before its time.
    var complete: Bool
    /// Partner_Oper_Port_State.Synchronization, and .Collecting once it counts (`Member.noteSent`).
    var partnerInSync: Bool
    var partnerCollecting: Bool
  }

  private(set) var state: State = .detached
  /// Frames may be sent by the link. Only in COLLECTING_DISTRIBUTING.
  private(set) var isDistributing = false
  /// Frames that come by the link are taken.
  var isCollecting: Bool { state == .collectingDistributing }
  /// Actor_Oper_Port_State.Synchronization.
  var isInSync: Bool { state == .attached || state == .collectingDistributing }

  init() {}
  /// A machine in the middle of its life.
  init(_ state: State, distributing: Bool = false) {
    self.state = state
    isDistributing = distributing
  }

  /// When the next step is due although nothing happened; `nil`: never.
  var deadline: Instant? {
    if case .waiting(let until) = state { until } else { nil }
  }

  enum Step: Equatable, Sendable, BitwiseCopyable {
    /// A state was entered.
    case entered(State)
    /// Distribution began or ended inside COLLECTING_DISTRIBUTING.
    case distribution
  }

  /// Takes at most one transition; `nil` when there was none. Every step but the one into WAITING changes what the
  /// partner has to know (NTT).
  mutating func step(_ conditions: Conditions, at now: Instant) -> Step? {
    if let next = next(conditions, at: now) {
      state = next
      isDistributing = next == .collectingDistributing && conditions.partnerCollecting
      return .entered(next)
    }
    guard isCollecting, isDistributing != conditions.partnerCollecting else { return nil }
    isDistributing = conditions.partnerCollecting
    return .distribution
  }

  private func next(_ conditions: Conditions, at now: Instant) -> State? {
    switch state {
    case .detached: conditions.selected ? .waiting(until: now + Timing.aggregateWait) : nil
    case .waiting(let until):
      if !conditions.selected { .detached } else { until <= now || conditions.complete ? .attached : nil }
    case .attached:
      if !conditions.selected { .detached } else { conditions.partnerInSync ? .collectingDistributing : nil }
    case .collectingDistributing: conditions.selected && conditions.partnerInSync ? nil : .attached
    }
  }
}
