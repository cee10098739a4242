import Gateway
import Rings
import Switching
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
///     0      1       2         4     6      8          12              24
///     ┌──────┬───────┬─────────┬─────┬──────┬──────────┬───────────────┬───────┐
///     │ kind │ zero  │ ingress │ NIC │ zero │ neighbour│ virtio header │ frame │   host byte order
///     └──────┴───────┴─────────┴─────┴──────┴──────────┴───────────────┴───────┘
///
/// Full: the packet is dropped and counted.
///
/// ## Threads
/// One writer, the worker; one reader, the slow path.
final class PacketQueue: Sendable {
  private static let headerSize = 12
  /// Bytes of the frame that an ICMP error may need: an Ethernet header and what fits 1500 bytes.
  private static let quoted = 1_514
  private let ring: ByteRing

  /// `capacity`: a power of two, at least twice the largest record.
  init(capacity: Int) { ring = ByteRing(capacity: capacity) }

  /// False when there is no room. Of a packet that at most an error answers only the beginning is kept.
  func push(
    _ kind: SlowPacket.Kind, _ frame: FrameBuffer?, ingress: PortIndex, nic: NICIndex, neighbour: Neighbour
  ) -> Bool {
    var count = frame?.writeCount ?? 0
    switch kind {
    case .timeExceeded, .noRoute, .tooBig: count = min(count, Self.quoted + VirtioNetHeader.size)
    case .local, .fragment, .resolve, .used: break
    }
    return unsafe ring.write(Self.headerSize &+ count) { record in
      unsafe record.storeBytes(of: kind.rawValue, as: UInt8.self)
      unsafe record.storeBytes(of: UInt16(truncatingIfNeeded: ingress.value), toByteOffset: 2, as: UInt16.self)
      unsafe record.storeBytes(of: UInt16(truncatingIfNeeded: nic.value), toByteOffset: 4, as: UInt16.self)
      unsafe record.storeBytes(of: Int32(truncatingIfNeeded: neighbour.index), toByteOffset: 8, as: Int32.self)
      if let frame, count > 0 {
        unsafe (record + Self.headerSize).copyMemory(from: frame.start, byteCount: count)
      }
      return true
    }
  }

  /// Asked by the reader.
  var isEmpty: Bool { ring.isEmpty }

  /// The next packet; nil when there is none.
  func pop() -> SlowPacket? {
    let packet = unsafe ring.peek { record in
      unsafe SlowPacket(
        kind: SlowPacket.Kind(rawValue: record[0])!,
        ingress: PortIndex(Int(record.load(fromByteOffset: 2, as: UInt16.self))),
        nic: NICIndex(Int(record.load(fromByteOffset: 4, as: UInt16.self))),
        neighbour: Neighbour(index: Int(record.load(fromByteOffset: 8, as: Int32.self))),
        bytes: Array(record[Self.headerSize...]))
    }
    if packet != nil { ring.drop() }
    return packet
  }
}
