import Net

/// When router advertisements go to all nodes of one link.
///
/// ## How it works
/// A value without clock: `start`, `solicited` and `tick` take the time, `deadline` says when `tick` is due, and a `true` of `tick`
/// means: send one now. Solicitations that come while one is due anyway are answered by that one.
///
/// Source: RFC 4861 6.2.1 (intervals), 6.2.4 (unsolicited), 6.2.6 (solicited).
struct RouterAdvertiser: Equatable, Sendable {
  /// 6.2.1: MinRtrAdvInterval, MaxRtrAdvInterval.
  static let interval: ClosedRange<Instant> = 200_000...600_000
  /// 6.2.1: AdvDefaultLifetime, three times the longest interval.
  static let lifetime: UInt16 = 1_800
  /// 10: MAX_INITIAL_RTR_ADVERTISEMENTS, MAX_INITIAL_RTR_ADVERT_INTERVAL.
  static let initialCount = 3
  static let initialInterval: Instant = 16_000
  /// 10: MIN_DELAY_BETWEEN_RAS.
  static let leastInterval: Instant = 3_000
  /// 10: MAX_RA_DELAY_TIME.
  static let delay: ClosedRange<Instant> = 0...500

  /// When the next one is due; nil: this interface does not advertise.
  private(set) var deadline: Instant?
  private var sent = 0
  private var last: Instant?

  var isAdvertising: Bool { deadline != nil }

  /// The link is up and has a router.
  mutating func start(at now: Instant, _ random: inout SeededGenerator) {
    guard deadline == nil else { return }
    sent = 0
    deadline = soon(now, &random)
  }

  /// The link is down, or has no router any more.
  mutating func stop() { deadline = nil }

  /// Somebody without an address asked.
  mutating func solicited(at now: Instant, _ random: inout SeededGenerator) {
    guard let due = deadline else { return }
    deadline = min(due, soon(now, &random))
  }

  /// Whether one is to be sent now.
  mutating func tick(at now: Instant, _ random: inout SeededGenerator) -> Bool {
    guard let due = deadline, due <= now else { return false }
    sent = min(sent + 1, Self.initialCount)
    last = now
    let wait = Instant.random(in: Self.interval, using: &random)
    deadline = now + (sent < Self.initialCount ? min(wait, Self.initialInterval) : wait)
    return true
  }

  /// At a random moment of the next half second, and not too soon after the last one.
  private func soon(_ now: Instant, _ random: inout SeededGenerator) -> Instant {
    max(now, last.map { $0 + Self.leastInterval } ?? 0) + Instant.random(in: Self.delay, using: &random)
  }
}
