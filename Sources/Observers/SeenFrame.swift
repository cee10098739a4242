public import Switching
public import Wire

/// One frame as a thread of the forwarding plane has seen it.
public struct SeenFrame: Sendable, Equatable {
  /// Nanoseconds since 1970, by the clock of the host. The frames of one batch have one time.
  public var time: UInt64
  public var nic: NICIndex
  /// The switch's view: false: from the server into the switch.
  public var isOutgoing: Bool
  /// Why it went no further; nil: it did.
  public var reason: DropReason?
  /// Bytes of the whole frame, tags as on the wire, without the virtio header.
  public var length: Int
  /// The virtio header that came with it: what of checksum and segmentation is still to be done. 12 bytes.
  public var offload: [UInt8]
  /// The frame from its destination address on, as much as was kept.
  public var bytes: [UInt8]

  public init(
    time: UInt64, nic: NICIndex, isOutgoing: Bool, reason: DropReason?, length: Int, offload: [UInt8], bytes: [UInt8]
  ) {
    (self.time, self.nic, self.isOutgoing, self.reason) = (time, nic, isOutgoing, reason)
    (self.length, self.offload, self.bytes) = (length, offload, bytes)
  }
}

/// How a seen frame lies in memory: this head, then the bytes that were kept. Host byte order.
///
///     0      8       12       16    18         19       20            32
///     ┌──────┬────────┬───────┬─────┬──────────┬────────┬─────────────┬─────────┐
///     │ time │ length │ kept  │ NIC │ outgoing │ reason │ virtio head │ bytes … │
///     └──────┴────────┴───────┴─────┴──────────┴────────┴─────────────┴─────────┘
///
/// `reason`: 255: none.
@usableFromInline enum SeenLayout {
  static let head = 32
  static let noReason: UInt8 = 255

  /// Writes the head.
  @unsafe @inline(__always)
  static func store(
    time: UInt64, length: Int, kept: Int, nic: NICIndex, isOutgoing: Bool, reason: DropReason?,
    to memory: UnsafeMutableRawPointer
  ) {
    unsafe memory.storeBytes(of: time, as: UInt64.self)
    unsafe memory.storeBytes(of: UInt32(truncatingIfNeeded: length), toByteOffset: 8, as: UInt32.self)
    unsafe memory.storeBytes(of: UInt32(truncatingIfNeeded: kept), toByteOffset: 12, as: UInt32.self)
    unsafe memory.storeBytes(of: UInt16(truncatingIfNeeded: nic.value), toByteOffset: 16, as: UInt16.self)
    unsafe memory.storeBytes(of: isOutgoing ? 1 : 0, toByteOffset: 18, as: UInt8.self)
    unsafe memory.storeBytes(of: reason?.rawValue ?? noReason, toByteOffset: 19, as: UInt8.self)
  }

  @unsafe static func time(_ memory: UnsafeRawPointer) -> UInt64 { unsafe memory.load(as: UInt64.self) }

  @unsafe static func load(_ memory: UnsafeRawPointer) -> SeenFrame {
    let kept = unsafe Int(memory.load(fromByteOffset: 12, as: UInt32.self))
    let reason = unsafe memory.load(fromByteOffset: 19, as: UInt8.self)
    return unsafe SeenFrame(
      time: memory.load(as: UInt64.self), nic: NICIndex(Int(memory.load(fromByteOffset: 16, as: UInt16.self))),
      isOutgoing: memory.load(fromByteOffset: 18, as: UInt8.self) != 0,
      reason: reason == noReason ? nil : DropReason(rawValue: reason),
      length: Int(memory.load(fromByteOffset: 8, as: UInt32.self)),
      offload: Array(UnsafeRawBufferPointer(start: memory + 20, count: VirtioNetHeader.size)),
      bytes: Array(UnsafeRawBufferPointer(start: memory + head, count: kept)))
  }
}

/// Where the bytes of a frame are: in one piece behind its virtio header, or in two, as a gathering write has them.
///
/// A view: whoever makes one promises that the memory is there while it is used.
@safe public struct FrameBytes: BitwiseCopyable {
  let first: UnsafeRawPointer
  let firstCount: Int
  let second: UnsafeRawPointer?
  let secondCount: Int

  /// `first` begins with the virtio header, which lies in it whole, with the two addresses.
  @unsafe public init(
    _ first: UnsafeRawPointer, count firstCount: Int, then second: UnsafeRawPointer? = nil, count secondCount: Int = 0
  ) {
    unsafe self.first = unsafe first
    self.firstCount = firstCount
    unsafe self.second = unsafe second
    self.secondCount = secondCount
  }

  @unsafe public init(_ first: UnsafeRawBufferPointer, then second: UnsafeRawBufferPointer?) {
    unsafe self.init(
      first.baseAddress!, count: first.count, then: second?.baseAddress, count: second?.count ?? 0)
  }

  public init(_ frame: FrameBuffer) {
    unsafe self.init(frame.start, count: frame.writeCount)
  }

  /// Bytes of the frame, without the virtio header.
  public var count: Int { firstCount &+ secondCount &- VirtioNetHeader.size }

  /// The control field of the outer C-tag; nil: it has none.
  public var tagControl: UInt16? {
    let tag = VirtioNetHeader.size + 12
    // An image with a tag has it in its first piece.
    guard firstCount >= tag + 4,
      unsafe UInt16(bigEndian: first.loadUnaligned(fromByteOffset: tag, as: UInt16.self))
        == FrameHeader.tagProtocol
    else { return nil }
    return unsafe UInt16(bigEndian: first.loadUnaligned(fromByteOffset: tag + 2, as: UInt16.self))
  }

  /// Whether it lies in one piece.
  var isWhole: Bool { unsafe second == nil }

  /// The first byte of the frame where it lies in one piece.
  @unsafe var whole: UnsafeRawPointer? { unsafe isWhole ? first + VirtioNetHeader.size : nil }

  /// Copies the virtio header and the first `kept` bytes of the frame, one behind the other.
  @unsafe @inline(__always)
  func copy(_ kept: Int, to target: UnsafeMutableRawPointer) {
    let wanted = kept &+ VirtioNetHeader.size
    let fromFirst = min(wanted, firstCount)
    unsafe target.copyMemory(from: first, byteCount: fromFirst)
    guard wanted > fromFirst, let second = unsafe second else { return }
    unsafe (target + fromFirst).copyMemory(from: second, byteCount: wanted &- fromFirst)
  }
}
