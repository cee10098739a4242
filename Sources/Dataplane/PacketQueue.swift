import Gateway
import Switching
import Synchronization
import Wire

/// The worker's packets for the gateway, a queue for each class, so that no class can fill another's.
struct PacketQueues: Sendable {
  private let link = PacketQueue(capacity: 1 << 18)
  private let local = PacketQueue(capacity: 1 << 20)
  private let error = PacketQueue(capacity: 1 << 19)
  private let transit = PacketQueue(capacity: 1 << 22)

  subscript(queue: SlowClass) -> PacketQueue {
    switch queue {
    case .link: link
    case .local: local
    case .error: error
    case .transit: transit
    }
  }
}

/// Whole packets on their way from the worker to the slow path: a ring of bytes, with a record for each packet.
///
///     0       4      5       6         8     10          12         16                28
///     ┌───────┬──────┬───────┬─────────┬─────┬───────────┬──────────┬─────────────────┬───────┬──────────────────┐
///     │ count │ kind │ zero  │ ingress │ NIC │ zero      │ neighbour│ virtio header   │ frame │ to a multiple of │
///     │       │      │       │ port    │     │           │          │ (count bytes with the frame) │ 16 bytes      │
///     └───────┴──────┴───────┴─────────┴─────┴───────────┴──────────┴─────────────────┴───────┴──────────────────┘
///
/// All in host order. A record is never split: one that does not fit before the ring's end is written at its start, and a record with
/// count −1 says so. Full: the packet is dropped and counted.
///
/// ## Threads
/// One producer, the worker; one consumer, the slow path. `tail` is published with release by the one and read with acquire
/// by the other, `head` the other way round.
@safe final class PacketQueue: Sendable {
  private static let headerSize = 16
  /// Bytes of the frame that an ICMP error may need: an Ethernet header and what fits 1500 bytes.
  private static let quoted = 1_514

  nonisolated(unsafe) private let bytes: UnsafeMutableRawPointer
  private let capacity: Int
  /// Bytes taken and bytes put since the start.
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  /// `capacity`: a power of two, at least twice the largest record.
  init(capacity: Int) {
    self.capacity = capacity
    unsafe bytes = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { unsafe bytes.deallocate() }

  /// False when there is no room. Of a packet that at most an error answers only the beginning is kept.
  func push(
    _ kind: SlowPacket.Kind, _ frame: FrameBuffer?, ingress: PortIndex, nic: NICIndex, neighbour: Neighbour
  ) -> Bool {
    var count = frame?.writeCount ?? 0
    switch kind {
    case .timeExceeded, .noRoute, .tooBig: count = min(count, Self.quoted + VirtioNetHeader.size)
    case .local, .fragment, .resolve, .used: break
    }
    let size = (Self.headerSize + count + 15) & ~15
    var end = tail.load(ordering: .relaxed)
    let toEnd = capacity - end & (capacity - 1)
    let needed = size <= toEnd ? size : toEnd + size
    guard end &- head.load(ordering: .acquiring) &+ needed <= capacity else { return false }
    if size > toEnd {
      unsafe place(end).storeBytes(of: -1, as: Int32.self)
      end &+= toEnd
    }
    let record = unsafe place(end)
    unsafe record.storeBytes(of: Int32(count), as: Int32.self)
    unsafe record.storeBytes(of: kind.rawValue, toByteOffset: 4, as: UInt8.self)
    unsafe record.storeBytes(of: UInt16(truncatingIfNeeded: ingress.value), toByteOffset: 6, as: UInt16.self)
    unsafe record.storeBytes(of: UInt16(truncatingIfNeeded: nic.value), toByteOffset: 8, as: UInt16.self)
    unsafe record.storeBytes(of: Int32(truncatingIfNeeded: neighbour.index), toByteOffset: 12, as: Int32.self)
    if let frame, count > 0 {
      unsafe (record + Self.headerSize).copyMemory(from: frame.start, byteCount: count)
    }
    tail.store(end &+ size, ordering: .releasing)
    return true
  }

  /// Asked by the consumer.
  var isEmpty: Bool { head.load(ordering: .relaxed) == tail.load(ordering: .acquiring) }

  /// The next packet; nil when there is none.
  func pop() -> SlowPacket? {
    var first = head.load(ordering: .relaxed)
    guard first != tail.load(ordering: .acquiring) else { return nil }
    if unsafe place(first).load(as: Int32.self) < 0 { first &+= capacity - first & (capacity - 1) }
    let record = unsafe place(first)
    let count = unsafe Int(record.load(as: Int32.self))
    let packet = unsafe SlowPacket(
      kind: SlowPacket.Kind(rawValue: record.load(fromByteOffset: 4, as: UInt8.self))!,
      ingress: PortIndex(Int(record.load(fromByteOffset: 6, as: UInt16.self))),
      nic: NICIndex(Int(record.load(fromByteOffset: 8, as: UInt16.self))),
      neighbour: Neighbour(index: Int(record.load(fromByteOffset: 12, as: Int32.self))),
      bytes: Array(UnsafeRawBufferPointer(start: record + Self.headerSize, count: count)))
    head.store(first &+ (Self.headerSize + count + 15) & ~15, ordering: .releasing)
    return packet
  }

  private func place(_ position: Int) -> UnsafeMutableRawPointer { unsafe bytes + position & (capacity - 1) }
}
