/// Frames that leave later, in the order of their times; of one time in the order of arrival.
///
/// ## How it works
/// A binary heap of what a frame is to the caller, a small number such as its place in a pool, and when it leaves. Both
/// the number of frames and their bytes are bounded, whoever delays whatever by whatever time. Frames of many links may
/// be in one line.
///
/// ## Invariants
/// 1. No entry is before its parent.
/// 2. `bytes` is the sum of all entries, and at most the bound.
/// 3. Memory is fixed by `init`; nothing else allocates. Putting in and taking out cost O(log n).
///
/// ## Threads
/// One owner, the worker that sends what leaves.
@safe public struct DelayLine: ~Copyable {
  public struct Entry: BitwiseCopyable, Sendable {
    /// What the caller knows it by.
    public var frame: Int32
    /// Whose it is, to the caller.
    public var owner: Int32
    public var bytes: UInt32
    public var release: UInt64
    fileprivate var order: UInt64

    fileprivate func isBefore(_ other: Entry) -> Bool {
      release != other.release ? release < other.release : order < other.order
    }
  }

  private let heap: UnsafeMutablePointer<Entry>
  public let capacity: Int
  public let bytesLimit: Int
  public private(set) var count = 0
  public private(set) var bytes = 0
  private var arrivals: UInt64 = 0

  public init(capacity: Int, bytes: Int) {
    (self.capacity, bytesLimit) = (capacity, bytes)
    unsafe heap = .allocate(capacity: capacity)
  }

  deinit { unsafe heap.deallocate() }

  public var isEmpty: Bool { count == 0 }

  /// When the next one leaves; `nil`: none is there.
  public var deadline: UInt64? { count > 0 ? unsafe heap[0].release : nil }

  /// False: the line is full, and the frame is not in it.
  public mutating func put(_ frame: Int32, of owner: Int32 = 0, bytes size: Int, release: UInt64) -> Bool {
    guard count < capacity, bytes &+ size <= bytesLimit else { return false }
    arrivals &+= 1
    rise(Entry(frame: frame, owner: owner, bytes: UInt32(size), release: release, order: arrivals), from: count)
    count &+= 1
    bytes &+= size
    return true
  }

  /// The next one that leaves at `now` or before; ask until there is none.
  public mutating func take(at now: UInt64) -> Entry? {
    guard count > 0, unsafe heap[0].release <= now else { return nil }
    return remove(at: 0)
  }

  /// One of `owner`, whenever it leaves: its link ends. Costs O(n) for each.
  public mutating func take(of owner: Int32) -> Entry? {
    for place in 0..<count where unsafe heap[place].owner == owner { return remove(at: place) }
    return nil
  }

  private mutating func remove(at place: Int) -> Entry {
    let entry = unsafe heap[place]
    count &-= 1
    bytes &-= Int(entry.bytes)
    if place < count {
      let last = unsafe heap[count]
      // From the middle it may have to go either way.
      if place > 0, unsafe last.isBefore(heap[(place &- 1) / 2]) {
        rise(last, from: place)
      } else {
        sink(last, from: place)
      }
    }
    return entry
  }

  private func rise(_ entry: Entry, from start: Int) {
    var place = start
    while place > 0 {
      let parent = (place &- 1) / 2
      guard unsafe entry.isBefore(heap[parent]) else { break }
      unsafe heap[place] = heap[parent]
      place = parent
    }
    unsafe heap[place] = entry
  }

  private func sink(_ entry: Entry, from start: Int) {
    var place = start
    while true {
      var child = 2 &* place &+ 1
      guard child < count else { break }
      if child &+ 1 < count, unsafe heap[child &+ 1].isBefore(heap[child]) { child &+= 1 }
      guard unsafe heap[child].isBefore(entry) else { break }
      unsafe heap[place] = heap[child]
      place = child
    }
    unsafe heap[place] = entry
  }
}
