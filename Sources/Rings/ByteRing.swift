import Synchronization

/// Records of any length on their way from one thread to another: a ring of bytes.
///
///     ┌────────┬──────────┬────────┬──────────┬─────────────┐
///     │ length │ record … │ length │ record … │ 0 = go back │   each begins at a multiple of 8
///     └────────┴──────────┴────────┴──────────┴─────────────┘
///
/// A record lies in one piece; what is left at the end is skipped when the next one does not fit there. Full: the
/// record is not written and counted in `lost`; the writer never waits. A record of less than half the capacity always
/// fits into a ring that is empty; one has at least a byte.
///
/// ## Threads
/// One writer, one reader. `tail` is published with release by the one and read with acquire by the other, `head` the
/// other way round. Both only grow; a place is the number modulo the capacity.
@safe public final class ByteRing: Sendable {
  private static let lengthSize = 8
  nonisolated(unsafe) private let memory: UnsafeMutableRawPointer
  /// Bytes; a power of two.
  public let capacity: Int
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)
  private let losses = Atomic<UInt64>(0)

  /// - Precondition: `capacity` is a power of two, 64 or more.
  public init(capacity: Int) {
    precondition(capacity >= 64 && capacity & (capacity - 1) == 0, "a capacity that is no power of two")
    self.capacity = capacity
    unsafe memory = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  /// Records for which there was no room.
  public var lost: UInt64 { losses.load(ordering: .relaxed) }

  // MARK: The writer's side

  /// Writes one record of `size` bytes, which `fill` puts into the memory that it gets: all of them. Where `fill` says
  /// false, there is no record. False: no room.
  @unsafe @inline(__always) @discardableResult
  public func write(_ size: Int, _ fill: (UnsafeMutableRawPointer) -> Bool) -> Bool {
    assert(size > 0, "a record without a byte")
    let needed = (size &+ Self.lengthSize &+ 7) & ~7
    let end = tail.load(ordering: .relaxed)
    let place = end & (capacity &- 1)
    let isWrapped = place &+ needed > capacity
    let skipped = isWrapped ? capacity &- place : 0
    guard needed <= capacity, end &+ skipped &+ needed &- head.load(ordering: .acquiring) <= capacity else {
      losses.store(losses.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
      return false
    }
    let start = isWrapped ? 0 : place
    guard unsafe fill(memory + start + Self.lengthSize) else { return true }
    unsafe memory.storeBytes(of: size, toByteOffset: start, as: Int.self)
    if isWrapped { unsafe memory.storeBytes(of: 0, toByteOffset: place, as: Int.self) }
    tail.store(end &+ skipped &+ needed, ordering: .releasing)
    return true
  }

  // MARK: The reader's side

  public var isEmpty: Bool { head.load(ordering: .relaxed) == tail.load(ordering: .acquiring) }

  /// Looks at the oldest record without taking it; nil: there is none.
  @unsafe public func peek<Result>(_ look: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard let (start, size) = front() else { return nil }
    return unsafe look(UnsafeRawBufferPointer(start: memory + start + Self.lengthSize, count: size))
  }

  /// Ends the oldest record.
  public func drop() {
    guard let (_, size) = front() else { return }
    let first = head.load(ordering: .relaxed)
    head.store(first &+ (size &+ Self.lengthSize &+ 7) & ~7, ordering: .releasing)
  }

  private func front() -> (start: Int, size: Int)? {
    while true {
      let first = head.load(ordering: .relaxed)
      guard first != tail.load(ordering: .acquiring) else { return nil }
      let place = first & (capacity - 1)
      let size = unsafe memory.load(fromByteOffset: place, as: Int.self)
      if size > 0 { return (place, size) }
      head.store(first &+ capacity &- place, ordering: .releasing)
    }
  }
}
