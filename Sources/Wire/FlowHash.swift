public import Net

/// Which conversation a frame belongs to, as a number: frames of one conversation have one hash, so that a bond which
/// chooses its member by the hash keeps them in order.
///
/// | frame | hashed |
/// |---|---|
/// | IPv4 or IPv6 with TCP, UDP or SCTP | addresses and ports |
/// | a fragment (the first one too), any other protocol, ports cut off | addresses |
/// | anything else | MAC addresses and the VID of the outer tag |
///
/// Tags before an IP header are stepped over, C and S alike, so that a conversation hashes the same before a tag is put in
/// and after. For a frame without IP a priority tag is no tag. A super-frame has the header of its segments, and so their
/// hash. IPv6 options are stepped over, so that a packet with some stays beside those without. The two directions of a
/// conversation may hash differently. Source of the rules: IEEE 802.1AX-2014 6.2.4; the policy is known as layer3+4.
///
/// The hash is the same in every process: who wants all frames on one member can have that anyway, with one conversation.
public enum FlowHash {
  /// Tags that are stepped over, and IPv6 headers before the transport header: a limit on the work for a hostile frame.
  @usableFromInline static let tagLimit = 4
  @usableFromInline static let extensionLimit = 4

  /// Hash of the `count` bytes at `frame`, which start at the destination address. A frame of less than 14 bytes has
  /// none, and gets 0.
  @unsafe @inlinable
  public static func hash(_ frame: UnsafeRawPointer, count: Int) -> UInt32 {
    guard count >= FrameHeader.size else { return 0 }
    var type = unsafe frame.bigEndian16(at: 12)
    var offset = FrameHeader.size
    var vid: UInt16 = 0
    var tags = 0
    while isTag(type), tags < tagLimit, offset &+ FrameHeader.tagSize <= count {
      if tags == 0 { vid = unsafe frame.bigEndian16(at: offset) & 0x0FFF }
      type = unsafe frame.bigEndian16(at: offset &+ 2)
      offset &+= FrameHeader.tagSize
      tags &+= 1
    }
    let packet = unsafe frame + offset
    if type == EtherType.ipv4, let hash = unsafe hashIPv4(packet, count: count &- offset) { return hash }
    if type == EtherType.ipv6, let hash = unsafe hashIPv6(packet, count: count &- offset) { return hash }
    let destination = unsafe frame.bigEndian64(at: 0) >> 16
    let source = unsafe frame.bigEndian64(at: 6) >> 16
    return finish(mix(destination | UInt64(vid) << 48, source), 0)
  }

  /// Which of `members` (at least 1) carries the conversation: 0..<members.
  @inline(always) @inlinable
  public static func member(_ hash: UInt32, of members: Int) -> Int {
    Int(truncatingIfNeeded: (UInt64(hash) &* UInt64(truncatingIfNeeded: members)) >> 32)
  }

  @inline(always) @inlinable
  static func isTag(_ type: UInt16) -> Bool { type == EtherType.customerTag || type == EtherType.serviceTag }

  /// TCP, UDP and SCTP, whose ports are the first four bytes.
  @inline(always) @inlinable
  static func hasPorts(_ transport: UInt8) -> Bool {
    transport == ProtocolNumber.tcp || transport == ProtocolNumber.udp || transport == ProtocolNumber.sctp
  }

  /// `nil` when it is no IPv4 header.
  @unsafe @inlinable
  static func hashIPv4(_ packet: UnsafeRawPointer, count: Int) -> UInt32? {
    guard let header = unsafe IPv4View(packet, count: count) else { return nil }
    let addresses = mix(header.addresses, 0)
    // In all fragments but the first the ports are missing, so none of them uses them.
    guard !header.isFragment, hasPorts(header.protocolNumber), header.headerSize &+ 4 <= count else {
      return finish(addresses, 0)
    }
    return unsafe finish(addresses, ports(packet, at: header.headerSize))
  }

  /// `nil` when it is no IPv6 header. A fragment header ends the walk without ports.
  @unsafe @inlinable
  static func hashIPv6(_ packet: UnsafeRawPointer, count: Int) -> UInt32? {
    guard let header = unsafe IPv6View(packet, count: count) else { return nil }
    let (source, destination) = (header.source, header.destination)
    let addresses = mix(mix(source.high, source.low), mix(destination.high, destination.low))
    let upper = header.upperLayer(count: count, limit: extensionLimit)
    guard hasPorts(upper.type), upper.offset &+ 4 <= count else { return finish(addresses, 0) }
    return unsafe finish(addresses, ports(packet, at: upper.offset))
  }

  @unsafe @inline(always) @inlinable
  static func ports(_ packet: UnsafeRawPointer, at offset: Int) -> UInt64 {
    unsafe UInt64(packet.bigEndian16(at: offset)) << 16 | UInt64(packet.bigEndian16(at: offset &+ 2))
  }

  /// Both words in one, each bit of them in many bits of it.
  @inline(always) @inlinable
  static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = (a ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: b ^ 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }

  @inline(always) @inlinable
  static func finish(_ addresses: UInt64, _ ports: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: mix(addresses, ports) >> 32)
  }
}

extension FrameBuffer {
  /// `FlowHash` of the frame.
  @inlinable public var flowHash: UInt32 { unsafe FlowHash.hash(frame, count: count) }
}
