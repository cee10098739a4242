public import Net

/// What a router needs of an IP header, decoded once: IPv4 and IPv6 in one value.
///
///     IPv4  0         1     2              4                6             8     9          10         12       16            20
///           ┌─────────┬─────┬──────────────┬────────────────┬─────────────┬─────┬──────────┬──────────┬────────┬─────────────┬─────────
///           │ 4 │ IHL │ TOS │ total length │ identification │ 0 DF MF off │ TTL │ protocol │ checksum │ source │ destination │ options
///           └─────────┴─────┴──────────────┴────────────────┴─────────────┴─────┴──────────┴──────────┴────────┴─────────────┴─────────
///     IPv6  0                                4                6             7           8            24            40
///           ┌────────────────────────────────┬────────────────┬─────────────┬───────────┬────────────┬─────────────┐
///           │ 6 │ traffic class │ flow label │ payload length │ next header │ hop limit │ source     │ destination │
///           └────────────────────────────────┴────────────────┴─────────────┴───────────┴────────────┴─────────────┘
///
/// Source: RFC 791 3.1, RFC 8200 3.
public struct PacketHeader: Equatable, Sendable, BitwiseCopyable {
  public static let etherType4: UInt16 = 0x0800
  public static let etherType6: UInt16 = 0x86DD
  public static let etherTypeARP: UInt16 = 0x0806

  public var source: IPAddress
  public var destination: IPAddress
  /// Bytes of the packet, its header included, as the header says; at most what the frame holds.
  public var size: Int
  /// Bytes of the IPv4 header with its options; 40 for IPv6.
  public var headerSize: Int
  /// TTL or hop limit.
  public var hopLimit: UInt8
  /// Protocol or first next header.
  public var protocolNumber: UInt8
  public var isV4: Bool
  /// IPv4's DF; true for IPv6, whose packets are never fragmented on their way.
  public var dontFragment: Bool
  /// Destination port of a UDP packet or of its first fragment; 0 for others. IPv6: only when UDP is the first next header.
  public var udpDestinationPort: UInt16

  public enum Fault: UInt8, Sendable, BitwiseCopyable {
    /// Version, lengths or the frame's end contradict each other.
    case malformed
    case badChecksum
  }
  public enum Decoded: Equatable, Sendable, BitwiseCopyable { case packet(PacketHeader), fault(Fault) }

  /// Decodes the packet in the untagged frame of `count` bytes at `frame`, whose EtherType is one of the two above.
  @unsafe @inline(always) @inlinable
  public static func decode(_ frame: UnsafeRawPointer, count: Int, isV4: Bool) -> Decoded {
    unsafe isV4 ? decode4(frame, count: count) : decode6(frame, count: count)
  }

  /// Source: RFC 1812 5.2.2 for what makes a header one that must be dropped.
  @unsafe @inline(always) @inlinable
  static func decode4(_ frame: UnsafeRawPointer, count: Int) -> Decoded {
    let room = count &- FrameHeader.size
    guard room >= 20 else { return .fault(.malformed) }
    let packet = unsafe frame + FrameHeader.size
    let first = unsafe packet.load(as: UInt8.self)
    let headerSize = Int(first & 0xF) &* 4
    let size = unsafe Int(packet.bigEndian16(at: 2))
    guard first >> 4 == 4, headerSize >= 20, size >= headerSize, size <= room else { return .fault(.malformed) }
    guard unsafe InternetChecksum.sum(packet, count: headerSize) == 0xFFFF else { return .fault(.badChecksum) }
    let flags = unsafe packet.bigEndian16(at: 6)
    let number = unsafe packet.load(fromByteOffset: 9, as: UInt8.self)
    let addresses = unsafe packet.bigEndian64(at: 12)
    let hasPort = number == 17 && flags & 0x1FFF == 0 && size >= headerSize &+ 4
    return .packet(
      PacketHeader(
        source: IPAddress(v4: UInt32(truncatingIfNeeded: addresses >> 32)),
        destination: IPAddress(v4: UInt32(truncatingIfNeeded: addresses)), size: size, headerSize: headerSize,
        hopLimit: unsafe packet.load(fromByteOffset: 8, as: UInt8.self), protocolNumber: number, isV4: true,
        dontFragment: flags & 0x4000 != 0,
        udpDestinationPort: hasPort ? unsafe packet.bigEndian16(at: headerSize &+ 2) : 0))
  }

  @unsafe @inline(always) @inlinable
  static func decode6(_ frame: UnsafeRawPointer, count: Int) -> Decoded {
    let room = count &- FrameHeader.size
    guard room >= 40 else { return .fault(.malformed) }
    let packet = unsafe frame + FrameHeader.size
    let size = unsafe Int(packet.bigEndian16(at: 4)) &+ 40
    guard unsafe packet.load(as: UInt8.self) >> 4 == 6, size <= room else { return .fault(.malformed) }
    let number = unsafe packet.load(fromByteOffset: 6, as: UInt8.self)
    return .packet(
      PacketHeader(
        source: unsafe IPAddress(high: packet.bigEndian64(at: 8), low: packet.bigEndian64(at: 16)),
        destination: unsafe IPAddress(high: packet.bigEndian64(at: 24), low: packet.bigEndian64(at: 32)), size: size,
        headerSize: 40, hopLimit: unsafe packet.load(fromByteOffset: 7, as: UInt8.self), protocolNumber: number,
        isV4: false, dontFragment: true,
        udpDestinationPort: number == 17 && size >= 44 ? unsafe packet.bigEndian16(at: 42) : 0))
  }

  @inlinable init(
    source: IPAddress, destination: IPAddress, size: Int, headerSize: Int, hopLimit: UInt8, protocolNumber: UInt8,
    isV4: Bool, dontFragment: Bool, udpDestinationPort: UInt16
  ) {
    self.source = source
    self.destination = destination
    self.size = size
    self.headerSize = headerSize
    self.hopLimit = hopLimit
    self.protocolNumber = protocolNumber
    self.isV4 = isV4
    self.dontFragment = dontFragment
    self.udpDestinationPort = udpDestinationPort
  }
}

/// What sending a packet on needs of its header: eight bytes instead of the header's sixty.
public struct PacketRewrite: BitwiseCopyable, Sendable {
  /// Bytes of the packet; 0: nothing is to be rewritten.
  public var size: Int32
  public var hopLimit: UInt8
  public var protocolNumber: UInt8
  public var isV4: Bool

  @inline(always) @inlinable public init(_ packet: PacketHeader) {
    size = Int32(truncatingIfNeeded: packet.size)
    (hopLimit, protocolNumber, isV4) = (packet.hopLimit, packet.protocolNumber, packet.isV4)
  }

  @inline(always) @inlinable public init() { (size, hopLimit, protocolNumber, isV4) = (0, 0, 0, false) }
}

extension FrameBuffer {
  /// The packet in an untagged frame.
  @inline(always) @inlinable public func decodePacket(isV4: Bool) -> PacketHeader.Decoded {
    unsafe PacketHeader.decode(frame, count: count, isV4: isV4)
  }

  /// Makes the frame, which holds `packet`, one that the router sends: both MAC addresses, TTL or hop limit less one, IPv4's checksum
  /// with it (RFC 1141, RFC 1624), and no padding behind the packet. `packet.hopLimit` is at least 2.
  @inline(always) @inlinable
  public mutating func forwardPacket(_ packet: PacketRewrite, from source: MACAddress, to destination: MACAddress) {
    let frame = unsafe start + VirtioNetHeader.size
    // Destination and the first two octets of the source in one word; then the other four.
    unsafe frame.storeBytes(
      of: (destination.value << 16 | source.value >> 32).bigEndian, toByteOffset: 0, as: UInt64.self)
    unsafe frame.storeBytes(of: UInt32(truncatingIfNeeded: source.value).bigEndian, toByteOffset: 8, as: UInt32.self)
    let header = unsafe frame + FrameHeader.size
    if packet.isV4 {
      let old = UInt16(packet.hopLimit) << 8 | UInt16(packet.protocolNumber)
      let checksum = unsafe UnsafeRawPointer(header).bigEndian16(at: 10)
      unsafe header.storeBytes(of: packet.hopLimit &- 1, toByteOffset: 8, as: UInt8.self)
      unsafe header.storeBigEndian16(InternetChecksum.update(checksum, from: old, to: old &- 0x100), at: 10)
    } else {
      unsafe header.storeBytes(of: packet.hopLimit &- 1, toByteOffset: 7, as: UInt8.self)
    }
    count = FrameHeader.size &+ Int(packet.size)
  }

  /// Fills in the destination MAC address alone.
  @inline(always) @inlinable public func setDestination(_ destination: MACAddress) {
    let frame = unsafe start + VirtioNetHeader.size
    unsafe frame.storeBigEndian16(UInt16(truncatingIfNeeded: destination.value >> 32), at: 0)
    unsafe frame.storeBytes(
      of: UInt32(truncatingIfNeeded: destination.value).bigEndian, toByteOffset: 2, as: UInt32.self)
  }

  /// Whether a source route in the packet, which is addressed to us, asks us to send it on. IPv4: LSRR or SSRR that is not used up
  /// (RFC 791 3.1). IPv6: a routing header of type 0 with segments left (RFC 5095), first behind the header.
  @inlinable public func asksForSourceRoute(_ packet: PacketHeader) -> Bool {
    let header = unsafe frame + FrameHeader.size
    guard packet.isV4 else {
      guard packet.protocolNumber == 43, packet.size >= 48 else { return false }
      return unsafe header.load(fromByteOffset: 42, as: UInt8.self) == 0
        && header.load(fromByteOffset: 43, as: UInt8.self) != 0
    }
    var place = 20
    while place &+ 2 < packet.headerSize {
      let kind = unsafe header.load(fromByteOffset: place, as: UInt8.self)
      if kind == 0 { return false }
      if kind == 1 {
        place &+= 1
        continue
      }
      let length = unsafe Int(header.load(fromByteOffset: place &+ 1, as: UInt8.self))
      guard length >= 3 || (length == 2 && kind != 131 && kind != 137) else { return false }
      if kind == 131 || kind == 137 {
        return unsafe Int(header.load(fromByteOffset: place &+ 2, as: UInt8.self)) <= length
      }
      place &+= length
    }
    return false
  }
}
