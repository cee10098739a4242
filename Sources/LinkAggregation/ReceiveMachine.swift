import Net

/// Receive machine of one port: how fresh is what we know of the partner.
///
///     INITIALIZE ─▶ PORT_DISABLED ──link up──▶ EXPIRED ──3 s──▶ DEFAULTED
///                      ▲   │ LACP off             │  ▲               │
///             link down│   ▼                LACPDU│  │ 3 s or 90 s   │ LACPDU
///              (any)       LACP_DISABLED          ▼  │ of silence    ▼
///                                                 CURRENT ◀──────────┘
///
/// The machine decides which state is next; the port does what the standard has it do on entry. Timers live in the
/// states that need them. Source: IEEE 802.1AX-2014 6.4.12; states keep its names.
struct ReceiveMachine: Equatable, Sendable, BitwiseCopyable {
  enum State: Equatable, Sendable, BitwiseCopyable {
    case initialize
    case portDisabled
    case lacpDisabled
    case expired(until: Instant)
    case defaulted
    case current(until: Instant)

    /// As the standard writes it.
    var name: String {
      switch self {
      case .initialize: "INITIALIZE"
      case .portDisabled: "PORT_DISABLED"
      case .lacpDisabled: "LACP_DISABLED"
      case .expired: "EXPIRED"
      case .defaulted: "DEFAULTED"
      case .current: "CURRENT"
      }
    }
  }

  /// What the machine looks at, beside the time.
  struct Conditions: Equatable, Sendable, BitwiseCopyable {
    /// port_enabled: the link is up.
    var portEnabled: Bool
    /// LACP_Enabled.
    var lacpEnabled = true
    /// port_moved: the partner's port that we remember was heard on another of our ports.
    var portMoved = false
    /// An LACPDU came; only for the first step after it.
    var received = false
    /// Actor_Oper_Port_State.LACP_Timeout is Short.
    var shortTimeout: Bool
  }

  /// The state after BEGIN; its entry is the port's initializer.
  private(set) var state: State = .initialize

  init() {}
  /// A machine in the middle of its life.
  init(_ state: State) { self.state = state }

  /// Gives a partner that is current until `limit` at most: somebody else may have its place.
  mutating func hurry(until limit: Instant) {
    if case .current(let until) = state { state = .current(until: min(until, limit)) }
  }

  /// When the next step is due although nothing happened; `nil`: never.
  var deadline: Instant? {
    switch state {
    case .expired(let until), .current(let until): until
    case .initialize, .portDisabled, .lacpDisabled, .defaulted: nil
    }
  }

  /// Takes at most one transition. Returns the state that was entered (CURRENT also out of CURRENT), `nil` when there
  /// was none; the caller acts on it and asks again, without `received`.
  mutating func step(_ conditions: Conditions, at now: Instant) -> State? {
    guard let next = next(conditions, at: now) else { return nil }
    state = next
    return next
  }

  private func next(_ conditions: Conditions, at now: Instant) -> State? {
    if state == .initialize { return .portDisabled }
    if !conditions.portEnabled {
      guard state == .portDisabled else { return .portDisabled }
      return conditions.portMoved ? .initialize : nil
    }
    switch state {
    case .initialize: return .portDisabled
    case .portDisabled:
      return conditions.lacpEnabled ? .expired(until: now + Timing.shortTimeout) : .lacpDisabled
    case .lacpDisabled: return conditions.lacpEnabled ? .portDisabled : nil
    case .expired, .defaulted, .current:
      // The standard changes LACP_Enabled by management only, and starts over.
      if !conditions.lacpEnabled { return .initialize }
      if conditions.received {
        return .current(until: now + (conditions.shortTimeout ? Timing.shortTimeout : Timing.longTimeout))
      }
      return silent(at: now)
    }
  }

  /// What the end of a timer leads to.
  private func silent(at now: Instant) -> State? {
    switch state {
    case .current(let until) where until <= now: .expired(until: now + Timing.shortTimeout)
    case .expired(let until) where until <= now: .defaulted
    case .current, .expired, .initialize, .portDisabled, .lacpDisabled, .defaulted: nil
    }
  }
}
