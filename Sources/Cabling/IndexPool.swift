/// Small integers given out and taken back, each used again as late as possible, so that something which still names an
/// old use (a counter read, a log line) does not meet a new one.
struct IndexPool {
  private let range: Range<Int>
  private var fresh: Int
  /// Taken back, oldest first.
  private var resting: [Int] = []
  private var first = 0

  init(_ range: Range<Int>) {
    self.range = range
    fresh = range.lowerBound
  }

  /// One that was never used; when there is none, the one that rests longest; `nil` when all are in use.
  mutating func take() -> Int? {
    if fresh < range.upperBound {
      defer { fresh += 1 }
      return fresh
    }
    guard first < resting.count else { return nil }
    defer {
      first += 1
      if first > 1024, first * 2 > resting.count {
        resting.removeFirst(first)
        first = 0
      }
    }
    return resting[first]
  }

  mutating func giveBack(_ index: Int) { resting.append(index) }
}
