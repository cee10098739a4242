import Ports
import Rings
import Switching
import Wire

/// The slow path as a worker sees it. The queues are this worker's own, since each has one producer; the mailbox is everybody's.
struct SlowPathInbox: Sendable {
  let queue: Ring<SlowEntry>
  let packets: PacketQueues
  let mailbox: Mailbox<SlowLetter>
  let waker: Waker
}

/// LACPDUs and markers on their way from the worker to the slow path, decoded.
///
/// Full: the frame is dropped and counted. Nothing else shares the ring, so no other traffic can fill it, and `SlowLimit`
/// keeps one NIC from doing so.
struct SlowEntry: BitwiseCopyable, Sendable {
  let nic: UInt16
  let pdu: SlowProtocolPDU

  static func ring() -> Ring<SlowEntry> { Ring(capacity: 4_096, filling: SlowEntry(nic: 0, pdu: .unknown)) }
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
