/// The 12 bytes before each frame on a TAP with IFF_VNET_HDR: what of checksum and segmentation is still to be done.
///
///     0       1          2         4          6            8             10            12
///     ┌───────┬──────────┬─────────┬──────────┬────────────┬─────────────┬─────────────┐
///     │ flags │ gso type │ hdr_len │ gso_size │ csum_start │ csum_offset │ num_buffers │   host byte order
///     └───────┴──────────┴─────────┴──────────┴────────────┴─────────────┴─────────────┘
///
/// Offsets inside the frame count from its first byte, the destination address, so a tag put in or taken out moves
/// `csum_start` and `hdr_len` by 4. `hdr_len` is a hint and may be 0 (or too small) on a frame that only has a checksum
/// to finish: it must never become negative. Source: virtio 1.2 5.1.6; linux/virtio_net.h.
public enum VirtioNetHeader {
  public static let size = 12

  /// Bit 0 of `flags`: the checksum from `csum_start` to the end is to be stored at `csum_start + csum_offset`.
  @usableFromInline static let needsChecksum: UInt8 = 1
  /// `gso type` without the ECN bit (0x80): 0 none, 1 TCP over IPv4, 4 TCP over IPv6, 5 UDP.
  @usableFromInline static let ecn: UInt8 = 0x80

  /// Moves the offsets by `delta` bytes (4 or −4), after a tag was put in or taken out.
  @unsafe @inline(always) @inlinable
  public static func shift(_ header: UnsafeMutableRawPointer, by delta: Int) {
    if unsafe header.load(as: UInt8.self) & needsChecksum != 0 {
      unsafe shiftField(header, at: 6, by: delta)
    }
    unsafe shiftField(header, at: 2, by: delta)
  }

  /// A field that is too small to be an offset behind the addresses (0: not given) stays as it is.
  @unsafe @inline(always) @inlinable
  static func shiftField(_ header: UnsafeMutableRawPointer, at offset: Int, by delta: Int) {
    let value = unsafe Int(header.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    guard value >= FrameHeader.size else { return }
    unsafe header.storeBytes(
      of: UInt16(truncatingIfNeeded: value &+ delta), toByteOffset: offset, as: UInt16.self)
  }

  /// Whether the frame is a super-frame that a link would carry as several.
  @unsafe @inline(always) @inlinable
  public static func isSegmented(_ header: UnsafeRawPointer) -> Bool {
    unsafe header.load(fromByteOffset: 1, as: UInt8.self) & ~ecn != 0
  }

  /// Network-layer bytes of the largest packet that the frame stands for: what an MTU has to hold.
  ///
  /// `frame` is the frame behind the header, `count` its bytes, `linkHeader` 14 and 4 for each tag. A super-frame is
  /// judged by one segment: its headers, read from the TCP or UDP header at `csum_start` because `hdr_len` is only a
  /// hint, and `gso_size` of payload.
  @unsafe @inline(always) @inlinable
  public static func packetSize(
    _ header: UnsafeRawPointer, frame: UnsafeRawPointer, count: Int, linkHeader: Int
  ) -> Int {
    let whole = count &- linkHeader
    guard unsafe isSegmented(header) else { return whole }
    return unsafe segmentSize(header, frame: frame, count: count, linkHeader: linkHeader, whole: whole)
  }

  @unsafe @usableFromInline
  static func segmentSize(
    _ header: UnsafeRawPointer, frame: UnsafeRawPointer, count: Int, linkHeader: Int, whole: Int
  ) -> Int {
    let size = unsafe Int(header.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
    let transport = unsafe Int(header.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
    let isUDP = unsafe header.load(fromByteOffset: 1, as: UInt8.self) & ~ecn == 5
    guard unsafe header.load(as: UInt8.self) & needsChecksum != 0, transport >= linkHeader,
      transport &+ TCPHeader.size <= count
    else { return whole }
    let transportHeader =
      isUDP
      ? UDPHeader.size
      : unsafe TCPHeader.size(frame.load(fromByteOffset: transport + TCPHeader.Field.dataOffset, as: UInt8.self))
    return min(whole, transport &- linkHeader &+ transportHeader &+ size)
  }
}
