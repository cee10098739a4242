/// What is wrong with one direction of a link, as it is set: a value without a state.
///
/// Times are nanoseconds, the rate is in bits a second. Nothing is set in a new one.
public struct Impairment: Hashable, Sendable, BitwiseCopyable {
  /// Of all frames, those that are lost.
  public var loss = Fraction.zero
  /// Of those that pass, those that come twice.
  public var duplicate = Fraction.zero
  /// Of those that pass, those that leave out of order.
  public var reorder = Fraction.zero
  /// Of those that pass, those of which one byte is changed.
  public var corrupt = Fraction.zero
  public var delay: UInt64 = 0
  /// Frames are delayed by up to so much more or less, each by itself; so it may reorder them.
  public var jitter: UInt64 = 0
  /// 0: as much as comes.
  public var rate: UInt64 = 0
  /// How long a frame may wait for the rate; one that would wait longer is dropped.
  public var queue = Self.defaultQueue
  /// What decides the random numbers. `nil`: nobody has chosen one, and they are others each time.
  public var seed: UInt64?
  /// How often the sequence of random numbers was begun anew; only that it is another one matters.
  public var series: UInt32 = 0

  public init() {}

  public static let defaultQueue: UInt64 = 50_000_000
  /// Of delay and jitter. The frames that wait meanwhile are in memory.
  public static let times: ClosedRange<UInt64> = 0...10_000_000_000
  public static let rates: ClosedRange<UInt64> = 1_000...1_000_000_000_000
  public static let queues: ClosedRange<UInt64> = 1_000_000...10_000_000_000
  /// What a number in JSON holds exactly.
  public static let seeds: ClosedRange<UInt64> = 0...9_007_199_254_740_991

  /// Nothing happens to a frame. A seed and a queue alone do nothing.
  public var isNothing: Bool {
    loss == .zero && duplicate == .zero && reorder == .zero && corrupt == .zero && delay == 0 && jitter == 0
      && rate == 0
  }

  /// Whether all values are in their ranges.
  public var isValid: Bool {
    Self.times.contains(delay) && Self.times.contains(jitter) && (rate == 0 || Self.rates.contains(rate))
      && Self.queues.contains(queue) && (seed.map(Self.seeds.contains) ?? true)
  }
}
