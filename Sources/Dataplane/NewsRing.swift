import Switching
import Synchronization

/// Stations that one worker tells another of: a ring of plain values.
///
/// Full: what comes is lost, which `StationTable+News.swift` makes good.
///
/// ## Threads
/// One producer and one consumer, both workers. `tail` is published with release by the one and read with acquire by the other, `head` the
/// other way round.
@safe final class NewsRing: Sendable {
  static let capacity = 8_192
  nonisolated(unsafe) private let entries: UnsafeMutablePointer<StationNews>
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  init() {
    unsafe entries = .allocate(capacity: Self.capacity)
    unsafe entries.initialize(repeating: StationNews(), count: Self.capacity)
  }

  deinit { unsafe entries.deallocate() }

  /// Whether the consumer should have a look now: the ring has become half full, or is full.
  func push(_ news: StationNews) -> Bool {
    let end = tail.load(ordering: .relaxed)
    let filled = end &- head.load(ordering: .acquiring)
    guard filled < Self.capacity else { return true }
    unsafe entries[end & (Self.capacity - 1)] = news
    tail.store(end &+ 1, ordering: .releasing)
    return filled == Self.capacity / 2
  }

  func pop() -> StationNews? {
    let first = head.load(ordering: .relaxed)
    guard first != tail.load(ordering: .acquiring) else { return nil }
    let news = unsafe entries[first & (Self.capacity - 1)]
    head.store(first &+ 1, ordering: .releasing)
    return news
  }
}
