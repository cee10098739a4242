// How much each caller may ask: a token bucket for each.

import Synchronization

/// Buckets by caller. Each holds `burst` requests and gets `rate` a second.
///
/// Memory is bounded: a bucket that is full again is as good as none, so it is dropped when there are many; should
/// there be too many that are not, newcomers share one. It is looked for such buckets once in `sweepInterval`: a crowd
/// of newcomers must not cost a look at all of them each.
///
/// Threads: safe to share.
final class RateLimiter: Sendable {
  enum Caller: Hashable, Sendable {
    case named(String)
    /// All for whom there is no room.
    case crowd
  }

  /// What there is left, in requests and whole seconds.
  struct Level: Hashable, Sendable {
    let limit: Int
    let remaining: Int
    /// Until the bucket is full again.
    let reset: Int
    /// Until the next request is granted; `nil`: this one is.
    let retry: Int?
  }

  private struct Bucket {
    var requests: Double
    /// When that was so.
    var time: Duration
  }

  static let bucketLimit = 4096
  static let sweepInterval = Duration.seconds(1)

  private let rate: Double
  private let burst: Double
  private let now: @Sendable () -> Duration
  private let state = Mutex(State())

  private struct State {
    var buckets: [Caller: Bucket] = [:]
    var lastSweep: Duration?
  }

  /// - Parameters:
  ///   - rate: requests a second, at least 1.
  ///   - now: time on a clock that never goes back.
  convenience init(rate: Int, burst: Int, now: @escaping @Sendable () -> Duration = RateLimiter.monotonic()) {
    self.init(every: .seconds(1) / rate, burst: burst, now: now)
  }

  /// - Parameter interval: from one new request to the next, more than 0.
  init(every interval: Duration, burst: Int, now: @escaping @Sendable () -> Duration = RateLimiter.monotonic()) {
    (rate, self.burst, self.now) = (.seconds(1) / interval, Double(burst), now)
  }

  static func monotonic() -> @Sendable () -> Duration {
    let start = ContinuousClock.now
    return { ContinuousClock.now - start }
  }

  /// Takes one request out of the caller's bucket, if there is one.
  func take(_ name: String) -> Level {
    let time = now()
    return state.withLock { state in
      let caller = place(for: .named(name), in: &state, at: time)
      var bucket = refilled(state.buckets[caller] ?? Bucket(requests: burst, time: time), at: time)
      let isGranted = bucket.requests >= 1
      if isGranted { bucket.requests -= 1 }
      state.buckets[caller] = bucket
      return Level(
        limit: Int(burst), remaining: Int(bucket.requests), reset: Int(((burst - bucket.requests) / rate).rounded(.up)),
        retry: isGranted ? nil : max(1, Int(((1 - bucket.requests) / rate).rounded(.up))))
    }
  }

  private func place(for caller: Caller, in state: inout State, at time: Duration) -> Caller {
    guard state.buckets[caller] == nil, state.buckets.count >= Self.bucketLimit else { return caller }
    guard state.lastSweep.map({ time - $0 >= Self.sweepInterval }) ?? true else { return .crowd }
    state.lastSweep = time
    state.buckets = state.buckets.filter { refilled($0.value, at: time).requests < burst }
    return state.buckets.count < Self.bucketLimit ? caller : .crowd
  }

  private func refilled(_ bucket: Bucket, at time: Duration) -> Bucket {
    Bucket(requests: min(burst, bucket.requests + (time - bucket.time) / .seconds(1) * rate), time: time)
  }
}
