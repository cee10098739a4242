public import Switching
import Synchronization

/// One frame that went no further.
public struct DropRecord: Sendable, Equatable {
  /// Its bytes as far as they were kept, 96 at most; none where the frame itself was not at hand.
  public var frame: SeenFrame
  /// Which of its log's drops it is: grows by one with each.
  public var number: UInt64

  public var reason: DropReason { frame.reason ?? .noPort }
}

/// The last 4096 frames that one thread has dropped. Always on.
///
/// ## How it works
/// A ring of places of 128 bytes: the head of a seen frame, and its first 96 bytes. The writer overwrites the oldest. A
/// place has a number of its own: odd while it is written, twice the drop's number when it is whole. A reader copies
/// the place, looks at the number again, and leaves out what was overwritten meanwhile.
///
/// ## Threads
/// One writer, any number of readers; nobody waits.
@safe public final class DropLog: Sendable {
  public static let capacity = 4_096
  /// Bytes of a frame that are kept.
  public static let kept = 96
  private static let stride = SeenLayout.head + kept
  nonisolated(unsafe) private let places: UnsafeMutableRawPointer
  nonisolated(unsafe) private let numbers: UnsafeMutablePointer<Atomic<UInt64>>
  /// How many there were.
  private let count = Atomic<UInt64>(0)

  public init() {
    unsafe places = .allocate(byteCount: Self.capacity * Self.stride, alignment: 64)
    unsafe places.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity * Self.stride)
    unsafe numbers = .allocate(capacity: Self.capacity)
    for index in 0..<Self.capacity { unsafe (numbers + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe numbers.deinitialize(count: Self.capacity)
    unsafe numbers.deallocate()
    unsafe places.deallocate()
  }

  /// Drops since the start.
  public var total: UInt64 { count.load(ordering: .acquiring) }

  // MARK: The writer's side

  /// Notes a drop. `bytes`: nil where the frame is not at hand; `length` is then its length, if that is known.
  @inline(__always)
  func note(
    _ bytes: FrameBytes?, length: Int, nic: NICIndex, isOutgoing: Bool, reason: DropReason, at time: UInt64
  ) {
    let number = count.load(ordering: .relaxed) &+ 1
    let index = Int(truncatingIfNeeded: number) & (Self.capacity &- 1)
    let place = unsafe places + index &* Self.stride
    let kept = bytes.map { min($0.count, Self.kept) } ?? 0
    unsafe numbers[index].store(number &* 2 &- 1, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    unsafe SeenLayout.store(
      time: time, length: bytes?.count ?? length, kept: kept, nic: nic, isOutgoing: isOutgoing, reason: reason,
      to: place)
    if let bytes { unsafe bytes.copy(kept, to: place + (SeenLayout.head - 12)) }
    unsafe numbers[index].store(number &* 2, ordering: .releasing)
    count.store(number, ordering: .releasing)
  }

  // MARK: The readers' side

  /// What a look at the log has found.
  public struct Reading: Sendable, Equatable {
    /// Those that are still here, oldest first.
    public var records: [DropRecord]
    /// The number of the newest: where the next look goes on.
    public var last: UInt64
    /// How many there were that are not here any more.
    public var overwritten: UInt64
  }

  /// The drops after number `last`. `last`, each of `records` and `overwritten` add up: nothing is missed unsaid, and
  /// nothing told twice.
  public func read(after last: UInt64 = 0) -> Reading {
    let end = total
    guard last < end else { return Reading(records: [], last: end, overwritten: 0) }
    let oldest = end > UInt64(Self.capacity) ? end - UInt64(Self.capacity) : 0
    let records = (max(last, oldest) + 1...end).compactMap(record)
    return Reading(records: records, last: end, overwritten: end - last - UInt64(records.count))
  }

  /// The drops after number `last` that are still here, oldest first.
  public func records(after last: UInt64 = 0) -> [DropRecord] { read(after: last).records }

  private func record(_ number: UInt64) -> DropRecord? {
    let index = Int(truncatingIfNeeded: number) & (Self.capacity - 1)
    guard unsafe numbers[index].load(ordering: .acquiring) == number * 2 else { return nil }
    let copy = unsafe Array(UnsafeRawBufferPointer(start: places + index * Self.stride, count: Self.stride))
    atomicMemoryFence(ordering: .acquiring)
    guard unsafe numbers[index].load(ordering: .relaxed) == number * 2 else { return nil }
    return unsafe copy.withUnsafeBytes {
      unsafe DropRecord(frame: SeenLayout.load($0.baseAddress!), number: number)
    }
  }
}
