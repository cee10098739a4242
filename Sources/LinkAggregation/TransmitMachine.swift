import Net

/// Transmit machine of one port: an LACPDU goes out when there is need to (NTT), but not more than three in a second.
///
/// The times of the last three are kept, so that the limit holds in every second and not only in those that the clock
/// counts. One that has to wait goes out with what is true then. Source: IEEE 802.1AX-2014 6.4.16.
struct TransmitMachine: Equatable, Sendable, BitwiseCopyable {
  static let limit = 3

  /// NTT.
  private(set) var isNeeded = false
  private var budget = Budget()

  init() {}

  mutating func request() { isNeeded = true }
  /// Without link or LACP nothing is sent, and nothing remembered.
  mutating func cancel() { isNeeded = false }

  /// From when on the needed LACPDU may go; `nil`: none is needed.
  var deadline: Instant? { isNeeded ? budget.opens : nil }

  /// Whether to send now; the sending then is noted.
  mutating func take(at now: Instant) -> Bool {
    guard isNeeded, budget.take(at: now) else { return false }
    isNeeded = false
    return true
  }

  /// Three in any second. Markers are answered at the same rate, which keeps both together under the ten in a second that
  /// slow protocols may send (IEEE 802.3-2018 57A.2).
  struct Budget: Equatable, Sendable, BitwiseCopyable {
    /// When each of the last three falls out of its second, the oldest first.
    private var first: Instant = 0
    private var second: Instant = 0
    private var third: Instant = 0

    /// From when on one more may go.
    var opens: Instant { first }

    mutating func take(at now: Instant) -> Bool {
      guard first <= now else { return false }
      first = second
      second = third
      third = now + Timing.fastPeriod
      return true
    }
  }
}
