import Glibc
import Synchronization

/// How much of the time that a test has measured was the machine's, and not the switch's.
///
/// A thread sleeps for five milliseconds, again and again, and notes by how much longer it slept: that long nobody who
/// waited had a core. What the product promises (a failover within 50 ms, a stop within two seconds) is judged without
/// it, so on a quiet machine strictly, and on a busy one by what it could do.
enum Pace {
  private struct Notes {
    var late: [(at: ContinuousClock.Instant, by: Duration)] = []
  }
  private static let notes = Mutex(Notes())
  private static let period = Duration.milliseconds(5)
  private static let memory = Duration.seconds(180)

  private static let witness: Void = {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        while true {
          let began = ContinuousClock.now
          usleep(5_000)
          Pace.note(began.duration(to: .now) - Pace.period)
        }
      }, nil)
    pthread_detach(thread)
  }()

  /// To be called before anything is measured.
  static func watch() { witness }

  /// Whether `time`, which ended within the last `window`, is less than `limit` without the time in which the machine
  /// was busy otherwise.
  static func allows(_ time: Duration, under limit: Duration, over window: Duration = .seconds(10)) -> Bool {
    let since = ContinuousClock.now - max(time, window)
    let taken = notes.withLock { $0.late.filter { $0.at >= since }.reduce(.zero) { $0 + $1.by } }
    return time < limit + taken
  }

  private static func note(_ late: Duration) {
    // A wake-up takes some tenths of a millisecond anyway.
    guard late > .milliseconds(1) else { return }
    let now = ContinuousClock.now
    notes.withLock { notes in
      notes.late.append((now, late))
      if let first = notes.late.first, first.at < now - memory * 2 { notes.late.removeAll { $0.at < now - memory } }
    }
  }
}
