// How long things of one kind took: how many, their sum, and how many took no longer than each of a few bounds. A
// value of fixed size, as a histogram of Prometheus has it.

/// Durations, counted by bound.
public struct DurationHistogram: Hashable, Sendable {
  /// Nanoseconds, rising. What takes longer than the last is in `count` alone.
  public static let bounds: [Int64] = [
    500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
    2_500_000_000,
  ]

  /// How many took longer than the bound before and no longer than this one.
  private var counts = [UInt64](repeating: 0, count: bounds.count)
  public private(set) var count: UInt64 = 0
  public private(set) var sum = Duration.zero

  public init() {}

  public mutating func add(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    if let place = Self.bounds.firstIndex(where: { nanoseconds <= $0 }) { counts[place] += 1 }
    count += 1
    sum += duration
  }

  /// For each bound how many took no longer.
  public var cumulative: [UInt64] {
    var sum: UInt64 = 0
    return counts.map { count in
      sum += count
      return sum
    }
  }
}
