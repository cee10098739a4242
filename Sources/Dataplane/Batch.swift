public import Ports
public import Switching
public import Wire

/// The frames of a batch between two looks at them: each is decoded once, and the part of the station table that it needs is on its way from
/// memory while the others are decoded. So a table that is larger than the caches costs one trip to memory a batch, not one a frame.
///
/// Public for the benchmark of the forwarding core.
///
/// ## Threads
/// The worker's.
@safe public struct Batch: ~Copyable {
  public struct Entry: BitwiseCopyable {
    /// Nil: nothing came in this place.
    public var frame: FrameBuffer?
    public var decoded = FrameHeader.Decoded.fault(.runt)
    public var passage = Passage()
    @inlinable init(frame: FrameBuffer? = nil) { self.frame = frame }
  }

  @usableFromInline let entries: UnsafeMutablePointer<Entry>
  @usableFromInline var prefetcher = Prefetcher(capacity: 4 * TAPDriver.batchLimit)

  public init() {
    unsafe entries = .allocate(capacity: TAPDriver.batchLimit)
    unsafe entries.initialize(repeating: Entry(), count: TAPDriver.batchLimit)
  }

  deinit { unsafe entries.deallocate() }

  /// Looks at the frame in place `index` for the first time.
  @inline(always) @inlinable
  public mutating func note(_ frame: FrameBuffer?, at index: Int, from nic: NICIndex, _ plane: borrowing Switch) {
    var entry = Entry(frame: frame)
    if let frame {
      entry.decoded = frame.decode()
      if case .header(let header) = entry.decoded {
        entry.passage = plane.look(header, from: nic)
        if entry.passage.source.isKnown { note(entry.passage.source, plane) }
        if entry.passage.destination.isKnown { note(entry.passage.destination, plane) }
      }
    }
    unsafe entries[index] = entry
  }

  @inline(always) @inlinable
  mutating func note(_ buckets: StationTable.Buckets, _ plane: borrowing Switch) {
    let lines = unsafe plane.stations.lines(of: buckets)
    unsafe prefetcher.note(lines.0)
    unsafe prefetcher.note(lines.1)
  }

  /// Begins to load what the frames that were noted need.
  public mutating func prefetch() { prefetcher.fetch() }

  @inline(always) @inlinable
  public subscript(index: Int) -> Entry { unsafe entries[index] }
}
