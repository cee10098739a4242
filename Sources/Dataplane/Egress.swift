import Observers
import Ports
import Switching
import Wire

/// Where frames end: the one place of a worker that gives them away or drops them, and so the one that counts them and
/// tells those who look.
///
/// ## How it works
/// Each frame of a batch is told here once as one that has come in: `take`, it goes on, or `drop(_:from:)`, it goes no
/// further. Its way out are any number of `send`s, which are only noted; `flush` writes what was noted. Then each write
/// is one result, for which the worker says `sent` or `lost`, or has it written once more for the other member of a
/// bond. What a receiver cannot have at all is a `drop(_:for:)`.
///
/// While nobody looks, that costs one test a frame; the log of drops costs a dropped frame a copy of 96 bytes.
///
/// ## Invariants
/// 1. A frame is told as it came in before anything of it is edited, and a write as it was written.
/// 2. Nothing is counted elsewhere, but frames received.
///
/// ## Threads
/// The worker's.
struct Egress: ~Copyable {
  var driver: TAPDriver
  let counters: CounterTable
  var observers: Observers
  private var receivers: ReceiverWatch
  private let guardMailbox: Mailbox<GuardLetter>
  /// Writes of the batch at hand, and their bytes.
  private(set) var written = (count: 0, bytes: 0)

  init(
    driver: consuming TAPDriver, counters: CounterTable, observers: consuming Observers, nics: Int,
    guardMailbox: Mailbox<GuardLetter>
  ) {
    self.driver = driver
    self.counters = counters
    self.observers = observers
    receivers = ReceiverWatch(nics: nics)
    self.guardMailbox = guardMailbox
  }

  // MARK: A batch

  @inline(__always)
  mutating func begin() {
    written = (0, 0)
    observers.newBatch()
  }

  /// The batch took so long that single receivers may be slow.
  mutating func suspectReceivers(at now: Nanoseconds) { receivers.arm(at: now, reading: Clock.threadNanoseconds()) }

  /// Once a second.
  mutating func expire(at now: Nanoseconds) { receivers.expire(at: now) }

  /// What the thread has done since is not writing.
  mutating func skipReading() {
    if receivers.isArmed { _ = receivers.read(Clock.threadNanoseconds()) }
  }

  /// `nic` is another interface from now on.
  mutating func reset(_ nic: NICIndex) {
    counters.reset(nic)
    receivers.forget(nic)
  }

  // MARK: In

  /// The frame has come in by `nic`, and goes on. `domain`: nil where it is routed, or for the slow path. `fate`: why the
  /// slow path will drop it, and count it.
  @inline(__always)
  mutating func take(
    _ frame: FrameBuffer, from nic: NICIndex, in domain: DomainIndex? = nil, fate: DropReason? = nil
  ) {
    if observers.isWatching { observers.arrived(FrameBytes(frame), by: nic, domain: domain, fate: fate) }
  }

  /// The frame has come in by `nic`, and goes no further.
  @inline(__always)
  mutating func drop(
    _ frame: FrameBuffer, from nic: NICIndex, _ reason: DropReason, in domain: DomainIndex? = nil
  ) {
    counters.dropped(nic, reason)
    observers.droppedIncoming(FrameBytes(frame), by: nic, reason, domain: domain)
  }

  /// A frame that came in by `nic`, and was told as one that goes on, does not, or not to everybody.
  mutating func forget(_ frame: FrameBuffer, _ nic: NICIndex, _ reason: DropReason) {
    counters.dropped(nic, reason)
    observers.logOnly(FrameBytes(frame), nic, isOutgoing: false, reason)
  }

  // MARK: Out

  /// `nic` would have had the frame, and cannot.
  @inline(__always)
  mutating func drop(
    _ frame: FrameBuffer, for nic: NICIndex, _ reason: DropReason, in domain: DomainIndex? = nil
  ) {
    counters.dropped(nic, reason)
    observers.droppedOutgoing(FrameBytes(frame), by: nic, reason, domain: domain)
  }

  /// Whether what was noted has to be written before the next `send`.
  @inline(__always) var isFull: Bool { driver.isFull }

  /// Notes that the frame goes to `nic`, as it stands in memory.
  @inline(__always)
  mutating func send(_ frame: FrameBuffer, to nic: NICIndex) { driver.send(frame, to: nic.value) }

  @inline(__always)
  mutating func send(_ image: ImageHandle, to nic: NICIndex) { driver.send(image, to: nic.value) }

  // MARK: Results

  /// Writes what was noted; where a receiver may be slow, with an eye on the time. Returns how many results there are.
  @inline(__always)
  mutating func flush() -> Int {
    let count = receivers.isArmed ? flushTimed() : driver.flush()
    written.count &+= count
    return count
  }

  /// Result `index` is a frame that its NIC has.
  @inline(__always)
  mutating func sent(_ index: Int, _ result: SendResult, _ plane: borrowing Switch) {
    written.bytes &+= result.byteCount
    let nic = NICIndex(result.nic)
    counters.sent(nic, bytes: result.byteCount)
    if observers.isWatching {
      let bytes = bytes(of: index)
      observers.left(bytes, by: nic, domain: plane.domain(leavingBy: nic, tagControl: bytes.tagControl))
    }
  }

  /// Result `index` is a frame that its NIC has not, and nobody in its stead.
  mutating func lost(_ index: Int, _ nic: NICIndex, _ reason: DropReason, _ plane: borrowing Switch) {
    counters.dropped(nic, reason)
    let bytes = bytes(of: index)
    observers.droppedOutgoing(
      bytes, by: nic, reason, domain: plane.domain(leavingBy: nic, tagControl: bytes.tagControl))
  }

  private func bytes(of index: Int) -> FrameBytes {
    let pieces = unsafe driver.written(index)
    return unsafe FrameBytes(pieces.first, then: pieces.second)
  }

  private mutating func flushTimed() -> Int {
    let noted = driver.notedCount
    guard noted > 0 else {
      // Frames that were dropped have taken their time, too.
      _ = receivers.read(Clock.threadNanoseconds())
      return 0
    }
    let isAnyWatched = (0..<noted).contains { receivers.isWatched(NICIndex(driver.notedNIC($0))) }
    // What single writes have taken is theirs, and not the others'.
    let (count, timed) = isAnyWatched ? flushOneByOne() : (driver.flush(), 0)
    let spent = receivers.read(Clock.threadNanoseconds())
    var bytes = 0
    for index in 0..<count { bytes &+= driver.result(index).byteCount }
    if spent > timed, ReceiverWatch.isLong(spent &- timed, writes: count, bytes: bytes) {
      let now = Clock.nanoseconds()
      for index in 0..<count { receivers.suspect(NICIndex(driver.result(index).nic), at: now) }
    }
    return count
  }

  /// Returns how many results there are, and the time of the writes that were timed.
  private mutating func flushOneByOne() -> (count: Int, timed: UInt64) {
    var timed: UInt64 = 0
    for index in 0..<driver.notedCount {
      let nic = NICIndex(driver.notedNIC(index))
      guard receivers.isWatched(nic) else {
        driver.write(index)
        continue
      }
      guard !receivers.isSilent(nic, at: Clock.nanoseconds()) else {
        driver.refuse(index)
        continue
      }
      let before = Clock.threadNanoseconds()
      driver.write(index)
      let spent = Clock.threadNanoseconds() &- before
      timed &+= spent
      let bytes = driver.notedByteCount(index)
      if let news = receivers.charge(nic, spent: spent, bytes: bytes, at: Clock.nanoseconds()) {
        guardMailbox.post(.slow(news))
      }
    }
    return (driver.endWrites(), timed)
  }
}
