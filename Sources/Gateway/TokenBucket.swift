/// How many of something may be done: `rate` in a second, and `burst` at once after a rest.
///
/// Source: RFC 4443 2.4(f), which asks for this form, so that a traceroute gets all its answers.
struct TokenBucket: Equatable, Sendable {
  private let rate: UInt64
  private let capacity: UInt64
  /// Thousandths of a token: what a millisecond earns is `rate`.
  private var credit: UInt64
  private var counted: UInt64

  /// Full. `rate`: per second.
  init(rate: UInt64, burst: UInt64, at now: UInt64) {
    (self.rate, capacity, credit, counted) = (rate, burst * 1_000, burst * 1_000, now)
  }

  /// Whether there is a token, and what is earned until `now` counted. Takes none.
  mutating func hasToken(at now: UInt64) -> Bool {
    if now > counted {
      let (earned, isMuch) = (now - counted).multipliedReportingOverflow(by: rate)
      credit = isMuch || earned >= capacity - credit ? capacity : credit + earned
      counted = now
    }
    return credit >= 1_000
  }

  /// Takes a token, or so many, if they are there.
  mutating func take(_ count: Int = 1, at now: UInt64) -> Bool {
    let wanted = 1_000 * UInt64(count)
    guard hasToken(at: now), credit >= wanted else { return false }
    credit -= wanted
    return true
  }
}
