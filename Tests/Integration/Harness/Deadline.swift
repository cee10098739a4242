/// A point in time by which something must have happened.
///
/// Tests wait for events and use a deadline only to fail instead of hanging; no test passes because time went by.
struct Deadline: Sendable {
  private let instant: ContinuousClock.Instant

  static func after(_ duration: Duration) -> Deadline { Deadline(instant: .now.advanced(by: duration)) }

  var hasPassed: Bool { ContinuousClock.now >= instant }

  /// What is left, in the form that poll(2) takes: whole milliseconds, rounded up, never negative.
  var milliseconds: Int32 {
    let left = ContinuousClock.now.duration(to: instant)
    guard left > .zero else { return 0 }
    let (seconds, attoseconds) = left.components
    return Int32(clamping: seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}

/// Something the surroundings of a test refused: the test cannot say anything about the switch.
struct HarnessError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
