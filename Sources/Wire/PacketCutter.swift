/// Makes of what crosses the switch whole (a super-frame, a frame without its checksum, a packet larger than the next
/// link) what any link carries.
///
/// ## How it works
/// Three steps, each only when it is due:
/// 1. Segmentation. A TCP or UDP super-frame becomes segments of `gso_size` bytes of payload, each with its own
///    headers.
/// 2. Checksums. A segment's are computed anew; that of an unsegmented frame is finished as the virtio header says.
/// 3. Fragmentation. An IPv4 packet that is still larger than the MTU is cut by RFC 791 3.2, unless DF forbids it. IPv6
///    packets are fragmented by nobody but their sender (RFC 8200 4.5): `fragment6` is for those of the gateway itself.
///
/// A frame here is 12 bytes of virtio header and an untagged Ethernet frame; frames that come out have an empty virtio
/// header.
///
/// ## Invariants
/// 1. No packet that comes out is larger than the MTU: what cannot be made to fit gives nothing.
/// 2. Malformed input gives nothing, or what was put in; never a trap.
/// 3. A checksum is stored behind the network header only, so that nobody can have us write an address that the source
///    check has not seen.
/// 4. At most `segmentLimit` segments: a server's super-frame with a `gso_size` of 1 does not make 65 000 frames.
///
/// ## Threads
/// Pure functions.
///
/// Source: virtio 1.2 5.1.6; RFC 791 2.3, 3.1, 3.2; RFC 8200 4.5, 8.1; RFC 9293 3.1; RFC 768.
public enum PacketCutter {
  /// The least segments that TCP in Linux makes are 48 bytes (net.ipv4.tcp_min_snd_mss): 65 535 / 48 = 1 366; of UDP it
  /// makes no more than 128.
  public static let segmentLimit = 2_048
  /// Nobody cuts a packet of others for a link that takes less: every host takes so many bytes in one piece (RFC 791
  /// 3.1), and who asks for less asks for work.
  @inlinable public static var leastMTU: Int { 576 }

  /// The frames that `bytes` stands for, each with at most `mtu` bytes behind the Ethernet header; none when that
  /// cannot be, or `bytes` is malformed.
  public static func cut(_ bytes: [UInt8], mtu: Int) -> [[UInt8]] {
    guard bytes.count >= Place.network, mtu > 0 else { return [] }
    let offload = Offload(bytes)
    guard let packet = Packet(bytes) else {
      guard !Packet.isIP(bytes), offload.type == .none, bytes.count - Place.network <= mtu else { return [] }
      return finished(bytes, offload).map { [$0] } ?? []
    }
    switch offload.type {
    case .none, .datagram:
      if offload.type == .datagram { guard packet.upperLayerType == ProtocolNumber.udp else { return [] } }
      return whole(bytes, packet, offload, mtu: mtu)
    case .tcp4 where packet.isV4 && packet.upperLayerType == ProtocolNumber.tcp,
      .tcp6 where !packet.isV4 && packet.upperLayerType == ProtocolNumber.tcp,
      .udp where packet.upperLayerType == ProtocolNumber.udp:
      guard let segments = Segmentation(bytes, packet, offload) else { return [] }
      return cut(segments, mtu: mtu)
    case .tcp4, .tcp6, .udp, .unknown: return []
    }
  }

  /// Does what is due of `NEEDS_CSUM` and says in the virtio header that it is done; segmentation stays as it is.
  ///
  /// False, and nothing changed, when the virtio header points outside the frame or before the end of its network
  /// header.
  @discardableResult
  public static func finishChecksum(_ bytes: inout [UInt8]) -> Bool {
    guard bytes.count >= Place.network else { return false }
    let offload = Offload(bytes)
    guard offload.needsChecksum else { return true }
    let start = Place.frame + offload.checksumStart
    let field = start + offload.checksumOffset
    let end = Packet(bytes)?.upperLayer ?? Packet.endOfNetworkHeader(bytes)
    guard start >= end, field + 2 <= bytes.count else { return false }
    var checksum = InternetChecksum.finish(sum(bytes[start...]))
    // RFC 768: in UDP, zero says that there is no checksum.
    if checksum == 0, offload.checksumOffset == UDPHeader.Field.checksum { checksum = 0xFFFF }
    bytes.setNumber16(checksum, at: field)
    bytes[0] &= ~VirtioNetHeader.needsChecksum
    for index in 6..<10 { bytes[index] = 0 }
    return true
  }

  /// A frame that is one packet.
  private static func whole(_ bytes: [UInt8], _ packet: Packet, _ offload: Offload, mtu: Int) -> [[UInt8]] {
    var bytes = bytes
    // Padding of the link is not part of what a checksum is about.
    if offload.needsChecksum {
      guard !packet.isFragment else { return [] }
      bytes.removeSubrange(packet.end...)
    }
    guard var frame = finished(bytes, offload) else { return [] }
    if packet.end - Place.network <= mtu {
      if frame.count - Place.network > mtu { frame.removeSubrange(packet.end...) }
      return [frame]
    }
    return packet.isV4 ? fragments(frame, end: packet.end, mtu: mtu) : []
  }

  private static func cut(_ segments: Segmentation, mtu: Int) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    for index in 0..<segments.count {
      let frame = segments[index]
      if frame.count - Place.network <= mtu {
        frames.append(frame)
        continue
      }
      let pieces = segments.packet.isV4 ? fragments(frame, end: frame.count, mtu: mtu) : []
      guard !pieces.isEmpty else { return [] }
      frames += pieces
    }
    return frames
  }

  /// `bytes` with its checksum finished and an empty virtio header; nil when that is impossible.
  private static func finished(_ bytes: [UInt8], _ offload: Offload) -> [UInt8]? {
    var bytes = bytes
    if offload.needsChecksum { guard finishChecksum(&bytes) else { return nil } }
    for index in 0..<Place.frame { bytes[index] = 0 }
    return bytes
  }

  /// Sum of a slice, eight bytes at a time.
  static func sum(_ bytes: ArraySlice<UInt8>, adding sum: UInt32 = 0) -> UInt32 {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return sum }
      return unsafe InternetChecksum.sum(base, count: buffer.count, adding: sum)
    }
  }
}
