/// Whether the virtio header of a frame fits the frame. It is the server's to write (`PACKET_VNET_HDR`), so it is
/// input: whoever finishes a checksum stores two bytes where the header says, behind every check of what stood there
/// before.
///
/// ## How it works
/// A frame of which nothing is left to do passes by one test. Of any other frame all of this holds:
///
/// 1. `csum_start` is where the TCP or UDP header begins: behind all tags, the IPv4 header with its options, the IPv6
///    header with its extension headers. `csum_offset` is the protocol's: 16 in TCP, 6 in UDP. Nothing in front of the
///    payload's own checksum can change. Or it is a tunnel's inner checksum: behind the header of UDP (VXLAN, Geneve),
///    or of IP when the protocol is GRE, IPv4 or IPv6, at 16 or 6. What changes there is the sender's own payload.
/// 2. The header of TCP or UDP is whole, and `hdr_len` ends within the frame.
/// 3. A fragment has nothing left to do: its checksum is that of another packet.
/// 4. A super-frame is TCP over IPv4 (1), TCP over IPv6 (4) or UDP (5) and says so; its checksum is left to do; the ECN
///    bit is TCP's; it has a header length, a segment size, and no more segments than `PacketCutter` makes.
/// 5. Behind another EtherType there may be a checksum to do where TCP and UDP have theirs, since Linux leaves it so in
///    HSR (88FB, 892F) and NSH frames; never in ARP or an LLC frame, and never before the end of the tags.
///
/// Linux finishes the checksums of SCTP itself, because a TAP does not offer them (`skb_csum_hwoffload_help`), and
/// those of a packet that it fragments. Those within a tunnel it may leave: the outer one is right for whatever the
/// inner one will be (local checksum offload, `lco_csum`).
///
/// Source: virtio 1.2 5.1.6.2; RFC 791 3.1; RFC 8200 4; RFC 9293 3.1; RFC 768.
public enum OffloadCheck {
  /// IPv6 extension headers that are walked over: a limit on the work for a hostile frame.
  @usableFromInline static let extensionLimit = 8

  /// What stands behind the network header.
  private struct Upper {
    let protocolNumber: UInt8
    let isV4: Bool
    let start: Int

    var isTCP: Bool { protocolNumber == ProtocolNumber.tcp }
    var isUDP: Bool { protocolNumber == ProtocolNumber.udp }

    /// Where what a tunnel carries can begin; `nil`: no tunnel.
    var innerStart: Int? {
      switch protocolNumber {
      case ProtocolNumber.udp: start &+ UDPHeader.size
      case ProtocolNumber.ipv4, ProtocolNumber.ipv6, ProtocolNumber.gre: start
      default: nil
      }
    }
  }

  /// Rules 1 to 5 for the frame of `count` bytes at `frame`, whose header is `link` and whose virtio header asks for
  /// something.
  @unsafe @usableFromInline
  static func isSound(_ virtio: UnsafeRawPointer, frame: UnsafeRawPointer, count: Int, _ link: FrameHeader) -> Bool {
    func number(_ place: Int) -> Int { unsafe Int(virtio.loadUnaligned(fromByteOffset: place, as: UInt16.self)) }
    let type = unsafe virtio.load(fromByteOffset: 1, as: UInt8.self)
    let headerLength = number(2)
    let start = number(6)
    let offset = number(8)
    guard unsafe virtio.load(as: UInt8.self) & VirtioNetHeader.needsChecksum != 0, headerLength <= count,
      start &+ offset &+ 2 <= count
    else { return false }
    let network = unsafe NetworkPlace(frame, count: count, link)
    guard network.isIP else {
      return type == 0 && network.etherType >= 0x0600 && network.etherType != EtherType.arp && start >= network.offset
        && isChecksumPlace(offset)
    }
    let found =
      unsafe network.etherType == EtherType.ipv4
      ? upper4(frame, count: count, at: network.offset) : upper6(frame, count: count, at: network.offset)
    guard let upper = found else { return false }
    guard start == upper.start, upper.isTCP || upper.isUDP else {
      guard type == 0, let inner = upper.innerStart else { return false }
      return start >= inner && isChecksumPlace(offset)
    }
    guard offset == (upper.isTCP ? TCPHeader.Field.checksum : UDPHeader.Field.checksum) else { return false }
    let fixed = upper.isTCP ? TCPHeader.size : UDPHeader.size
    guard start &+ fixed <= count else { return false }
    guard type != 0 else { return true }
    guard isKind(type, upper), headerLength > 0 else { return false }
    let size =
      upper.isTCP
      ? unsafe TCPHeader.size(frame.load(fromByteOffset: start &+ TCPHeader.Field.dataOffset, as: UInt8.self)) : fixed
    let payload = count &- start &- size
    return size >= fixed && payload >= 0 && payload <= number(4) &* PacketCutter.segmentLimit && number(4) > 0
  }

  /// Whether TCP or UDP has its checksum so far behind its beginning.
  private static func isChecksumPlace(_ offset: Int) -> Bool {
    offset == TCPHeader.Field.checksum || offset == UDPHeader.Field.checksum
  }

  /// Whether a super-frame of gso type `type` may hold `upper`.
  private static func isKind(_ type: UInt8, _ upper: Upper) -> Bool {
    switch type {
    case 1, 1 | VirtioNetHeader.ecn: upper.isTCP && upper.isV4
    case 4, 4 | VirtioNetHeader.ecn: upper.isTCP && !upper.isV4
    case 5: upper.isUDP
    default: false
    }
  }

  /// `nil`: no IPv4 header, or a fragment.
  @unsafe private static func upper4(_ frame: UnsafeRawPointer, count: Int, at place: Int) -> Upper? {
    guard let header = unsafe IPv4View(frame + place, count: count &- place), !header.isFragment else { return nil }
    return Upper(protocolNumber: header.protocolNumber, isV4: true, start: place &+ header.headerSize)
  }

  /// `nil`: no IPv6 header, or headers that run over the end. A fragment's header is no tunnel's.
  @unsafe private static func upper6(_ frame: UnsafeRawPointer, count: Int, at place: Int) -> Upper? {
    guard let header = unsafe IPv6View(frame + place, count: count &- place) else { return nil }
    let upper = header.upperLayer(count: count &- place, limit: extensionLimit)
    guard !IPv6View.isStep(upper.type) else { return nil }
    return Upper(protocolNumber: upper.type, isV4: false, start: place &+ upper.offset)
  }
}

/// Where the network layer of a frame begins: behind all tags, C (8100) and S (88A8), as many as `FlowHash` steps over.
struct NetworkPlace: BitwiseCopyable {
  /// Of what stands at `offset`, host order.
  var etherType: UInt16
  /// From the first byte of the frame.
  var offset: Int

  var isIP: Bool { etherType == EtherType.ipv4 || etherType == EtherType.ipv6 }

  /// In the frame of `count` bytes at `frame`, whose header is `link`.
  @unsafe init(_ frame: UnsafeRawPointer, count: Int, _ link: FrameHeader) {
    etherType = link.etherType
    offset = link.isTagged ? FrameHeader.size + FrameHeader.tagSize : FrameHeader.size
    var tags = link.isTagged ? 1 : 0
    while FlowHash.isTag(etherType), tags < FlowHash.tagLimit, offset &+ FrameHeader.tagSize <= count {
      etherType = unsafe frame.bigEndian16(at: offset &+ 2)
      offset &+= FrameHeader.tagSize
      tags &+= 1
    }
  }
}

extension FrameBuffer {
  /// Whether the virtio header can be what the sender's system has left to do: `OffloadCheck`. `header`: the frame's
  /// own, decoded.
  @inline(always) @inlinable public func hasSoundOffload(_ header: FrameHeader) -> Bool {
    // Flag NEEDS_CSUM, and the gso type; other flags are about checksums that somebody has looked at.
    let asked = unsafe UInt16(littleEndian: start.loadUnaligned(as: UInt16.self))
    guard asked & (0xFF00 | UInt16(VirtioNetHeader.needsChecksum)) != 0 else { return true }
    return unsafe OffloadCheck.isSound(UnsafeRawPointer(start), frame: frame, count: count, header)
  }

  /// Bytes before the network layer in a frame with a second tag or an S-tag.
  @usableFromInline func linkHeaderSize(_ header: FrameHeader) -> Int {
    unsafe NetworkPlace(frame, count: count, header).offset
  }
}
