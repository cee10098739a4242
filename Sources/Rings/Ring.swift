import Synchronization

/// Plain values on their way from one thread to another.
///
/// Full: the value is not taken; the writer never waits.
///
/// ## Threads
/// One writer, one reader. `tail` is published with release by the one and read with acquire by the other, `head` the
/// other way round.
@safe public final class Ring<Element: BitwiseCopyable & Sendable>: Sendable {
  nonisolated(unsafe) private let elements: UnsafeMutablePointer<Element>
  /// A power of two.
  public let capacity: Int
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  /// `filling`: any value, which is never read.
  /// - Precondition: `capacity` is a power of two.
  public init(capacity: Int, filling: Element) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a capacity that is no power of two")
    self.capacity = capacity
    unsafe elements = .allocate(capacity: capacity)
    unsafe elements.initialize(repeating: filling, count: capacity)
  }

  deinit { unsafe elements.deallocate() }

  // MARK: The writer's side

  /// How many wait; by now there may be fewer.
  public var count: Int { tail.load(ordering: .relaxed) &- head.load(ordering: .acquiring) }

  /// False: there is no room.
  @inline(__always)
  public func push(_ element: Element) -> Bool {
    let end = tail.load(ordering: .relaxed)
    guard end &- head.load(ordering: .acquiring) < capacity else { return false }
    unsafe elements[end & (capacity &- 1)] = element
    tail.store(end &+ 1, ordering: .releasing)
    return true
  }

  // MARK: The reader's side

  /// Nil: there is none.
  @inline(__always)
  public func pop() -> Element? {
    let first = head.load(ordering: .relaxed)
    guard first != tail.load(ordering: .acquiring) else { return nil }
    let element = unsafe elements[first & (capacity &- 1)]
    head.store(first &+ 1, ordering: .releasing)
    return element
  }
}
