import Net

/// Churn detection machine: an end of the link that is not in sync for 60 s has a problem that it does not solve itself.
///
/// One of them watches the actor's Synchronization, another the partner's. Each is at rest (in its MONITOR state, without
/// a timer) while there is no partner to agree with; the standard has it at rest only while the link is down, because
/// there a link without a partner attaches as an individual, which here the bond's fallback does instead.
/// Source: IEEE 802.1AX-2014 6.4.17.
struct ChurnDetector: Equatable, Sendable, BitwiseCopyable {
  enum State: Equatable, Sendable, BitwiseCopyable {
    /// CHURN_MONITOR; `nil`: at rest.
    case monitor(until: Instant?)
    case noChurn
    case churn

    /// As the standard writes it, without the ACTOR_ or PARTNER_ before it.
    var name: String {
      switch self {
      case .monitor: "CHURN_MONITOR"
      case .noChurn: "NO_CHURN"
      case .churn: "CHURN"
      }
    }
  }

  private(set) var state: State = .monitor(until: nil)
  /// How often churn was found.
  private(set) var count: UInt64 = 0

  init() {}
  /// A detector in the middle of its life.
  init(_ state: State) { self.state = state }

  /// When the next step is due although nothing happened; `nil`: never.
  var deadline: Instant? {
    if case .monitor(let until) = state { until } else { nil }
  }

  /// Takes all transitions that are due. `watching`: the link is up and a partner is known.
  mutating func update(watching: Bool, inSync: Bool, at now: Instant) {
    if !watching {
      state = .monitor(until: nil)
      return
    }
    switch state {
    case .monitor(nil): state = inSync ? .noChurn : .monitor(until: now + Timing.churnDetection)
    case .monitor(let until?):
      if inSync {
        state = .noChurn
      } else if until <= now {
        state = .churn
        count += 1
      }
    case .noChurn: if !inSync { state = .monitor(until: now + Timing.churnDetection) }
    case .churn: if inSync { state = .noChurn }
    }
  }
}
