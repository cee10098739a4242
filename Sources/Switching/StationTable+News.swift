import Wire

/// What one worker tells the others about a station, so that each of them finds it: 16 bytes, a plain value.
public struct StationNews: Equatable, Sendable, BitwiseCopyable {
  /// As in the table: domain in bits 63-48, address in 47-0.
  var key: UInt64 = 0
  /// Second of the clock that the workers share.
  var heard: UInt32 = 0
  var port: UInt16 = 0
  /// The station is new, or has moved: this holds whatever the receiver has heard itself. Otherwise it is only still
  /// there.
  var isEvent = false

  public init() {}

  init(_ key: UInt64, _ port: UInt16, _ heard: UInt32, isEvent: Bool) {
    (self.key, self.port, self.heard, self.isEvent) = (key, port, heard, isEvent)
  }
}

/// News that wait to be taken: those of a batch, or of a piece of `expire`. Fixed room; what does not fit is lost, and
/// made good by the next pass of `expire`.
@safe struct NewsBuffer: ~Copyable {
  /// More than a batch of frames can make, and then some.
  static let capacity = 256
  private let entries: UnsafeMutablePointer<StationNews>?
  private var first = 0
  private var count = 0

  init(isWanted: Bool) {
    unsafe entries = isWanted ? .allocate(capacity: Self.capacity) : nil
  }
  deinit { unsafe entries?.deallocate() }

  var hasRoom: Bool { count < Self.capacity }

  mutating func note(_ key: UInt64, _ place: UInt32, _ heard: UInt32, isEvent: Bool) {
    guard let entries = unsafe entries, hasRoom else { return }
    unsafe entries[count] = StationNews(key, UInt16(truncatingIfNeeded: place), heard, isEvent: isEvent)
    count += 1
  }

  mutating func take() -> StationNews? {
    guard first < count else {
      (first, count) = (0, 0)
      return nil
    }
    defer { first += 1 }
    return unsafe entries?[first]
  }
}

/// Several tables that know the same stations.
///
/// ## How it works
/// What is learned or has moved is told at once (`isEvent`), and every station that is still there once in each pass of
/// `expire`, with the time when it was last heard. So news may get lost (a full ring) or come late: the next pass mends
/// it. A told station that is not told of any more goes after the aging time and `newsPatience`; a worker that hears a
/// station itself believes its own ears, unless the news are of an event or younger.
///
/// ## Invariants
/// A port belongs to one worker, so two workers do not hear one station on one port.
extension StationTable {
  /// Seconds by which news of a station that is still there can be late: two passes of `expire`.
  @usableFromInline static var newsPatience: UInt32 { 32 }

  /// The next thing that the other workers have to be told, in the order of events. Nil: nothing more, and there is
  /// room again.
  public mutating func nextNews() -> StationNews? { news.take() }

  /// Takes in what another worker has told.
  mutating func hear(_ told: StationNews, at now: UInt32) {
    let place = UInt32(told.port) | Slot.told
    guard let index = find(told.key, in: buckets(of: told.key)) else {
      guard now &- told.heard <= aging else { return }
      // Who had to go, or found no place, is counted by the worker that has heard the newcomer.
      let before = (evicted, refused)
      _ = insert(told.key, place, heard: told.heard, at: now)
      (evicted, refused) = before
      return
    }
    let slot = unsafe slots[index]
    guard told.isEvent || Int32(bitPattern: told.heard &- slot.heard) >= (slot.isTold ? 0 : 1) else { return }
    if slot.here != place { setPlace(index, place) }
    unsafe slots[index].heard = told.heard
  }
}
