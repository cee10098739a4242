import Glibc
import Rings
public import Switching
import Wire

/// Those who look at the frames of one thread: watches, and the drop log.
///
/// ## How it works
/// Whoever ends a frame tells `arrived` (it has come in, and goes on), `left` (it was written), `droppedIncoming` or
/// `droppedOutgoing`. A drop is always written to the log. For watches there are sixteen bits for each NIC and
/// direction, so that a frame that nobody wants costs one look at `isWatching` or at its NIC's bits.
///
/// Times are read from the clock once a batch, by the first who needs it: `newBatch` forgets it.
///
/// ## Invariants
/// 1. `isWatching` exactly while there is a watch.
/// 2. A bit is set only where there is a watch of that place.
///
/// ## Threads
/// The thread whose frames they are. `DropLog` and `FrameWatch` have their readers elsewhere.
@safe public struct Observers: ~Copyable {
  private let incoming: UnsafeMutablePointer<UInt16>
  private let outgoing: UnsafeMutablePointer<UInt16>
  private let nicLimit: Int
  /// Which of the rings of a watch is this thread's.
  private let index: Int
  private let log: DropLog
  private var watches = [FrameWatch?](repeating: nil, count: FrameWatch.places)
  /// Whether anybody looks at frames that go on.
  public private(set) var isWatching = false
  /// 0: not read in this batch.
  private var time: UInt64 = 0

  public init(nics: Int, index: Int, log: DropLog) {
    (nicLimit, self.index, self.log) = (nics, index, log)
    unsafe incoming = .allocate(capacity: nics)
    unsafe incoming.initialize(repeating: 0, count: nics)
    unsafe outgoing = .allocate(capacity: nics)
    unsafe outgoing.initialize(repeating: 0, count: nics)
  }

  deinit {
    unsafe incoming.deallocate()
    unsafe outgoing.deallocate()
  }

  // MARK: Changes

  /// `watch` looks on, as number `place`, at NICs `nics`; nil: it looks no more.
  public mutating func set(_ watch: FrameWatch?, at place: Int, nics: WatchOrder.NICs = .all) {
    let bit = UInt16(1) << UInt16(place)
    watches[place] = watch
    for nic in 0..<nicLimit {
      let isWanted =
        switch nics {
        case .all: true
        case .these(let these): these.contains(NICIndex(nic))
        }
      let directions = isWanted ? watch?.order.directions ?? [] : []
      unsafe incoming[nic] = directions.contains(.incoming) ? incoming[nic] | bit : incoming[nic] & ~bit
      unsafe outgoing[nic] = directions.contains(.outgoing) ? outgoing[nic] | bit : outgoing[nic] & ~bit
    }
    isWatching = watches.contains { $0 != nil }
  }

  // MARK: Frames

  /// The next frames have times of their own.
  @inline(__always) public mutating func newBatch() { time = 0 }

  @inline(__always) private mutating func now() -> UInt64 {
    if time == 0 {
      var now = timespec()
      unsafe clock_gettime(CLOCK_REALTIME, &now)
      time = UInt64(clamping: now.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: now.tv_nsec)
    }
    return time
  }

  /// A frame has come in by `nic` and goes on. Called while `isWatching` only. `domain`: nil: in none. `fate`: why the
  /// slow path, to which it goes, will drop it.
  public mutating func arrived(_ frame: FrameBytes, by nic: NICIndex, domain: DomainIndex?, fate: DropReason? = nil) {
    let bits = unsafe incoming[nic.value]
    if bits != 0 { record(frame, bits, nic, isOutgoing: false, reason: fate, domain) }
  }

  /// A frame was written to `nic`. Called while `isWatching` only.
  public mutating func left(_ frame: FrameBytes, by nic: NICIndex, domain: DomainIndex?) {
    let bits = unsafe outgoing[nic.value]
    if bits != 0 { record(frame, bits, nic, isOutgoing: true, reason: nil, domain) }
  }

  /// A frame that came in by `nic` goes no further.
  @inline(__always)
  public mutating func droppedIncoming(
    _ frame: FrameBytes?, by nic: NICIndex, _ reason: DropReason, domain: DomainIndex? = nil
  ) {
    logOnly(frame, nic, isOutgoing: false, reason)
    guard isWatching, let frame else { return }
    let bits = unsafe incoming[nic.value]
    if bits != 0 { record(frame, bits, nic, isOutgoing: false, reason: reason, domain) }
  }

  /// A frame for `nic` was not given to it.
  @inline(__always)
  public mutating func droppedOutgoing(
    _ frame: FrameBytes?, by nic: NICIndex, _ reason: DropReason, domain: DomainIndex? = nil
  ) {
    logOnly(frame, nic, isOutgoing: true, reason)
    guard isWatching, let frame else { return }
    let bits = unsafe outgoing[nic.value]
    if bits != 0 { record(frame, bits, nic, isOutgoing: true, reason: reason, domain) }
  }

  /// A drop whose frame was seen before, or is not at hand: the log has it, watches have not.
  @inline(__always)
  public mutating func logOnly(_ frame: FrameBytes?, _ nic: NICIndex, isOutgoing: Bool, _ reason: DropReason) {
    log.note(frame, length: 0, nic: nic, isOutgoing: isOutgoing, reason: reason, at: now())
  }

  @inline(never)
  private mutating func record(
    _ frame: FrameBytes, _ bits: UInt16, _ nic: NICIndex, isOutgoing: Bool, reason: DropReason?, _ domain: DomainIndex?
  ) {
    let time = now()
    for (place, watch) in watches.enumerated() where bits & (1 << UInt16(place)) != 0 {
      guard let watch else { continue }
      let order = watch.order
      if reason != nil, isOutgoing, !order.drops { continue }
      // A drop that is in no domain: the NICs of the order are those that carry it.
      if let wanted = order.domain, domain != wanted, reason == nil || domain != nil || !order.strayDrops { continue }
      write(frame, to: watch.rings[index], order, nic, isOutgoing: isOutgoing, order.drops ? reason : nil, time)
    }
  }

  private func write(
    _ frame: FrameBytes, to ring: ByteRing, _ order: WatchOrder, _ nic: NICIndex, isOutgoing: Bool,
    _ reason: DropReason?, _ time: UInt64
  ) {
    let length = frame.count
    let kept = min(length, order.snapLength)
    // A frame in two pieces is put together first, in the place of its record.
    if let filter = order.filter, let whole = unsafe frame.whole {
      guard unsafe filter.matches(whole, kept: length, length: length) else { return }
    }
    let room = frame.isWhole || order.filter == nil ? kept : length
    unsafe ring.write(SeenLayout.head &+ room) { memory in
      unsafe SeenLayout.store(
        time: time, length: length, kept: kept, nic: nic, isOutgoing: isOutgoing, reason: reason, to: memory)
      unsafe frame.copy(room, to: memory + (SeenLayout.head - VirtioNetHeader.size))
      guard !frame.isWhole, let filter = order.filter else { return true }
      return unsafe filter.matches(memory + SeenLayout.head, kept: length, length: length)
    }
  }
}
