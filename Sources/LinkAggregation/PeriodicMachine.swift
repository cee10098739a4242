import Net

/// Periodic transmission machine of one port: when is an LACPDU due although nothing has changed.
///
/// The *partner's* Timeout bit decides: short, and it wants one each second; long, each 30 s. A change from long to short
/// sends at once. Source: IEEE 802.1AX-2014 6.4.13; states keep its names.
struct PeriodicMachine: Equatable, Sendable, BitwiseCopyable {
  enum State: Equatable, Sendable, BitwiseCopyable {
    case noPeriodic
    case fastPeriodic(until: Instant)
    case slowPeriodic(until: Instant)
    case periodicTx

    /// As the standard writes it.
    var name: String {
      switch self {
      case .noPeriodic: "NO_PERIODIC"
      case .fastPeriodic: "FAST_PERIODIC"
      case .slowPeriodic: "SLOW_PERIODIC"
      case .periodicTx: "PERIODIC_TX"
      }
    }
  }

  /// What the machine looks at, beside the time.
  struct Conditions: Equatable, Sendable, BitwiseCopyable {
    /// port_enabled and LACP_Enabled and one of the two ends active.
    var enabled: Bool
    /// Partner_Oper_Port_State.LACP_Timeout is Short.
    var partnerShortTimeout: Bool
  }

  private(set) var state: State = .noPeriodic

  init() {}
  /// A machine in the middle of its life.
  init(_ state: State) { self.state = state }

  /// When the next step is due although nothing happened; `nil`: never.
  var deadline: Instant? {
    switch state {
    case .fastPeriodic(let until), .slowPeriodic(let until): until
    case .noPeriodic, .periodicTx: nil
    }
  }

  /// Takes at most one transition. Returns the state that was entered: on PERIODIC_TX an LACPDU is due (NTT).
  mutating func step(_ conditions: Conditions, at now: Instant) -> State? {
    guard let next = next(conditions, at: now) else { return nil }
    state = next
    return next
  }

  private func next(_ conditions: Conditions, at now: Instant) -> State? {
    if !conditions.enabled { return state == .noPeriodic ? nil : .noPeriodic }
    switch state {
    case .noPeriodic: return .fastPeriodic(until: now + Timing.fastPeriod)
    case .fastPeriodic(let until):
      if until <= now { return .periodicTx }
      return conditions.partnerShortTimeout ? nil : .slowPeriodic(until: now + Timing.slowPeriod)
    case .slowPeriodic(let until): return conditions.partnerShortTimeout || until <= now ? .periodicTx : nil
    case .periodicTx:
      return conditions.partnerShortTimeout
        ? .fastPeriodic(until: now + Timing.fastPeriod) : .slowPeriodic(until: now + Timing.slowPeriod)
    }
  }
}
