/// One frame in batch memory: where its virtio-net header starts and how long it is. A view, not an owner.
///
///     start − 4        start          start + 12                        start + 12 + count
///     ┌────────────────┬──────────────┬─────────────────────────────────┐
///     │ room for a tag │ virtio header│ frame: addresses, [tag], type … │
///     └────────────────┴──────────────┴─────────────────────────────────┘
///
/// A tag is put in or taken out by moving the 24 bytes before it (virtio header and two addresses); the payload stays
/// where it is, whatever its size. Source of the tag's place: IEEE 802.1Q-2018 9.2.
///
/// ## Invariants
/// Whoever makes a `FrameBuffer` promises `headroom` writable bytes before `start` and `12 + count` from it, for as
/// long as the value is used.
@safe public struct FrameBuffer: BitwiseCopyable {
  /// First byte of the virtio-net header.
  public var start: UnsafeMutableRawPointer
  /// Bytes of the frame, without the virtio-net header.
  public var count: Int

  /// Bytes that must be writable before `start`.
  public static let headroom = FrameHeader.tagSize
  /// Virtio header and the two addresses: what moves when a tag comes or goes.
  @usableFromInline static let moved = VirtioNetHeader.size + 12

  @unsafe @inlinable public init(start: UnsafeMutableRawPointer, count: Int) {
    unsafe self.start = unsafe start
    self.count = count
  }

  /// First byte of the frame, the destination address.
  @inlinable var frame: UnsafeRawPointer { unsafe UnsafeRawPointer(start + VirtioNetHeader.size) }

  /// Bytes to hand to the kernel: virtio header and frame.
  @inlinable public var writeCount: Int { count &+ VirtioNetHeader.size }

  /// What a frame to the slow protocols address says.
  public func decodeSlowProtocol() -> SlowProtocolPDU { unsafe SlowProtocolPDU.decode(frame, count: count) }

  @inline(always) @inlinable public func decode() -> FrameHeader.Decoded {
    unsafe FrameHeader.decode(frame, count: count)
  }

  /// What an MTU has to hold for this frame, none of whose tags counts; see `VirtioNetHeader.packetSize`. `header` is
  /// the frame's own, decoded.
  @inline(always) @inlinable public func packetSize(_ header: FrameHeader) -> Int {
    var linkHeader = header.isTagged ? FrameHeader.size + FrameHeader.tagSize : FrameHeader.size
    if FlowHash.isTag(header.etherType) { linkHeader = linkHeaderSize(header) }
    return unsafe VirtioNetHeader.packetSize(
      UnsafeRawPointer(start), frame: frame, count: count, linkHeader: linkHeader)
  }

  /// Puts a C-tag with the control field `tagControl` behind the addresses of an untagged frame.
  @inline(always) @inlinable public mutating func pushTag(_ tagControl: UInt16) {
    unsafe Self.move(from: start, to: start - FrameHeader.tagSize)
    unsafe start -= FrameHeader.tagSize
    count &+= FrameHeader.tagSize
    unsafe start.storeBigEndian16(EtherType.customerTag, at: Self.moved)
    unsafe start.storeBigEndian16(tagControl, at: Self.moved + 2)
    unsafe VirtioNetHeader.shift(start, by: FrameHeader.tagSize)
  }

  /// Takes the outer C-tag out of a tagged frame (which decoding has shown to be at least 18 bytes).
  @inline(always) @inlinable public mutating func popTag() {
    unsafe Self.move(from: start, to: start + FrameHeader.tagSize)
    unsafe start += FrameHeader.tagSize
    count &-= FrameHeader.tagSize
    unsafe VirtioNetHeader.shift(start, by: -FrameHeader.tagSize)
  }

  /// Gives the outer C-tag of a tagged frame the control field `tagControl`.
  @inline(always) @inlinable public func rewriteTag(_ tagControl: UInt16) {
    unsafe start.storeBigEndian16(tagControl, at: Self.moved + 2)
  }

  /// The frame in the form that `tagControl` asks for (negative: untagged), edited in place. `header`: its own,
  /// decoded.
  @inline(always) @inlinable public func withTag(_ tagControl: Int32, _ header: FrameHeader) -> FrameBuffer {
    var frame = self
    let wanted = UInt16(truncatingIfNeeded: tagControl)
    if tagControl < 0 {
      if header.isTagged { frame.popTag() }
    } else if !header.isTagged {
      frame.pushTag(wanted)
    } else if header.tagControl != wanted {
      frame.rewriteTag(wanted)
    }
    return frame
  }

  /// Moves the 24 bytes as three words that are all read before the first is written, so overlap does not matter.
  @unsafe @inline(always) @inlinable
  static func move(from source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer) {
    let a = unsafe source.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
    let b = unsafe source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let c = unsafe source.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    unsafe target.storeBytes(of: a, as: UInt64.self)
    unsafe target.storeBytes(of: b, toByteOffset: 8, as: UInt64.self)
    unsafe target.storeBytes(of: c, toByteOffset: 16, as: UInt64.self)
  }

  // MARK: Second image

  /// Bytes that `makeImage` needs at most: the moved part and a tag.
  public static let imageHeaderSize = moved + FrameHeader.tagSize

  /// Another form of the frame, made without touching it: a header of its own at `scratch`, then the frame's payload.
  ///
  /// `tagControl`: the tag that the image carries; `nil` makes it untagged. `header` is the frame's own, decoded.
  /// `scratch` has room for `imageHeaderSize` bytes and lives as long as the image.
  @unsafe @inlinable
  public func makeImage(_ tagControl: UInt16?, of header: FrameHeader, in scratch: UnsafeMutableRawPointer)
    -> FrameImage
  {
    unsafe Self.move(from: start, to: scratch)
    var headerCount = Self.moved
    if let tagControl {
      unsafe scratch.storeBigEndian16(EtherType.customerTag, at: Self.moved)
      unsafe scratch.storeBigEndian16(tagControl, at: Self.moved + 2)
      headerCount += FrameHeader.tagSize
    }
    let skipped = Self.moved + (header.isTagged ? FrameHeader.tagSize : 0)
    if headerCount != skipped { unsafe VirtioNetHeader.shift(scratch, by: headerCount - skipped) }
    return unsafe FrameImage(
      header: scratch, headerCount: headerCount, payload: start + skipped, payloadCount: writeCount - skipped)
  }
}

/// A frame in two pieces, for a gathering write: its first `headerCount` bytes, virtio header included, and the rest.
@safe public struct FrameImage: BitwiseCopyable {
  public let header: UnsafeMutableRawPointer
  public let headerCount: Int
  public let payload: UnsafeMutableRawPointer
  public let payloadCount: Int

  @inlinable init(
    header: UnsafeMutableRawPointer, headerCount: Int, payload: UnsafeMutableRawPointer, payloadCount: Int
  ) {
    unsafe self.header = unsafe header
    self.headerCount = headerCount
    unsafe self.payload = unsafe payload
    self.payloadCount = payloadCount
  }

  /// Bytes of the frame, without the virtio-net header.
  @inlinable public var count: Int { headerCount + payloadCount - VirtioNetHeader.size }
}
