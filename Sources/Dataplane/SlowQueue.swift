import Ports
import Switching
import Synchronization
import Wire

/// The slow path as a worker sees it. The queues are this worker's own, since each has one producer; the mailbox is everybody's.
struct SlowPathInbox: Sendable {
  let queue: SlowQueue
  let packets: PacketQueues
  let mailbox: Mailbox<SlowLetter>
  let waker: Waker
}

/// LACPDUs and markers on their way from the worker to the slow path: a ring of decoded values.
///
/// Full: the frame is dropped and counted. Nothing else shares the ring, so no other traffic can fill it, and `SlowLimit`
/// keeps one NIC from doing so.
///
/// ## Threads
/// One producer, the worker; one consumer, the slow path. `tail` is published with release by the one and read with acquire
/// by the other, `head` the other way round.
@safe final class SlowQueue: Sendable {
  struct Entry: BitwiseCopyable, Sendable {
    let nic: UInt16
    let pdu: SlowProtocolPDU
  }

  static let capacity = 4_096
  nonisolated(unsafe) private let entries: UnsafeMutablePointer<Entry>
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  init() {
    unsafe entries = .allocate(capacity: Self.capacity)
    unsafe entries.initialize(repeating: Entry(nic: 0, pdu: .unknown), count: Self.capacity)
  }

  deinit { unsafe entries.deallocate() }

  /// False when there is no room.
  func push(_ nic: NICIndex, _ pdu: SlowProtocolPDU) -> Bool {
    let end = tail.load(ordering: .relaxed)
    guard end &- head.load(ordering: .acquiring) < Self.capacity else { return false }
    unsafe entries[end & (Self.capacity - 1)] = Entry(nic: UInt16(nic.value), pdu: pdu)
    tail.store(end &+ 1, ordering: .releasing)
    return true
  }

  func pop() -> Entry? {
    let first = head.load(ordering: .relaxed)
    guard first != tail.load(ordering: .acquiring) else { return nil }
    let entry = unsafe entries[first & (Self.capacity - 1)]
    head.store(first &+ 1, ordering: .releasing)
    return entry
  }
}

/// So many frames of a kind in each second from each NIC; what is more is not heard.
///
/// ## Threads
/// The worker's.
@safe struct SlowLimit: ~Copyable {
  /// Slow protocols: IEEE 802.3-2018 57A.2.
  static let slowProtocols: UInt16 = 10
  private let perSecond: UInt16
  private let seconds: UnsafeMutablePointer<UInt32>
  private let counts: UnsafeMutablePointer<UInt16>

  init(nics: Int, perSecond: UInt16) {
    self.perSecond = perSecond
    unsafe seconds = .allocate(capacity: nics)
    unsafe seconds.initialize(repeating: 0, count: nics)
    unsafe counts = .allocate(capacity: nics)
    unsafe counts.initialize(repeating: 0, count: nics)
  }

  deinit {
    unsafe seconds.deallocate()
    unsafe counts.deallocate()
  }

  /// `now`: the second.
  mutating func allows(_ nic: NICIndex, at now: UInt32) -> Bool {
    if unsafe seconds[nic.value] != now {
      unsafe seconds[nic.value] = now
      unsafe counts[nic.value] = 0
    }
    guard unsafe counts[nic.value] < perSecond else { return false }
    unsafe counts[nic.value] &+= 1
    return true
  }
}
