import Net

/// How often a NIC that somebody deletes is made again: at once the first time, then after a pause that doubles from 1
/// s to 60 s as long as it goes on.
struct HealingPace: Hashable, Sendable {
  static let shortest: Instant = 1_000
  static let longest: Instant = 60_000

  private var pause: Instant = 0
  private var next: Instant = 0
  private var nextAsked: Instant = 0

  /// Whether it may be made again for somebody who waits, which counts: once in the shortest pause, so that nobody who
  /// asks again and again keeps others from their turn.
  mutating func mayAsk(at now: Instant) -> Bool {
    guard now >= nextAsked else { return false }
    nextAsked = now + Self.shortest
    return true
  }

  /// 0: it may be made again now, which counts. Else how long to wait.
  mutating func wait(at now: Instant) -> Instant {
    guard now >= next else { return next - now }
    // Whole for longer than the last pause and a minute: whatever it was is over.
    pause = pause == 0 || now - next > Self.longest ? Self.shortest : min(2 * pause, Self.longest)
    next = now + pause
    return 0
  }
}

/// How many events one NIC can cause: some at once, then one in ten seconds. What is left out is seen in the status all
/// the same.
struct EventPace: Hashable, Sendable {
  static let burst = 10
  static let interval: Instant = 10_000

  private var left = burst
  private var since: Instant = 0

  mutating func allows(at now: Instant) -> Bool {
    if left == Self.burst { since = now }
    let earned = Int((now - since) / Self.interval)
    if earned > 0 {
      left = min(Self.burst, left + earned)
      since += Instant(earned) * Self.interval
    }
    guard left > 0 else { return false }
    if left == Self.burst { since = now }
    left -= 1
    return true
  }
}
