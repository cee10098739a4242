// IP headers where they stand in a frame: the one place that knows where their fields are. A field costs one load and
// no copy; what is wanted as a value is an `IPv4Header` or `IPv6Header`, which are read through these.
//
// Their forms are drawn at those two. Source: RFC 791 3.1, RFC 8200 3, 4.

public import Net

/// An IPv4 header in place. It is there as long as the memory of the frame is.
@safe public struct IPv4View: BitwiseCopyable {
  @usableFromInline let start: UnsafeRawPointer
  /// Bytes with options, as the header says: 20...60. They may lie behind the end of what is there.
  public let headerSize: Int

  /// Of the packet of which `count` bytes are at `packet`. `nil`: fewer than a header, another version, or a header
  /// that says it is shorter.
  @unsafe @inline(always) @inlinable public init?(_ packet: UnsafeRawPointer, count: Int) {
    guard count >= IPv4Header.size else { return nil }
    let first = unsafe packet.load(as: UInt8.self)
    let size = Int(first & 0xF) &* 4
    guard first >> 4 == 4, size >= IPv4Header.size else { return nil }
    unsafe start = packet
    headerSize = size
  }

  @inline(always) @inlinable public var typeOfService: UInt8 {
    unsafe start.load(fromByteOffset: 1, as: UInt8.self)
  }
  /// Of the packet, as its length field has it.
  @inline(always) @inlinable public var totalLength: Int { unsafe Int(start.bigEndian16(at: 2)) }
  @inline(always) @inlinable public var identification: UInt16 { unsafe start.bigEndian16(at: 4) }
  /// DF, MF and the offset.
  @inline(always) @inlinable public var flags: UInt16 { unsafe start.bigEndian16(at: 6) }
  @inline(always) @inlinable public var dontFragment: Bool { flags & 0x4000 != 0 }
  @inline(always) @inlinable public var moreFragments: Bool { flags & 0x2000 != 0 }
  /// In bytes.
  @inline(always) @inlinable public var fragmentOffset: Int { Int(flags & 0x1FFF) &* 8 }
  /// The first one as well.
  @inline(always) @inlinable public var isFragment: Bool { flags & 0x3FFF != 0 }
  @inline(always) @inlinable public var hopLimit: UInt8 {
    unsafe start.load(fromByteOffset: 8, as: UInt8.self)
  }
  @inline(always) @inlinable public var protocolNumber: UInt8 {
    unsafe start.load(fromByteOffset: 9, as: UInt8.self)
  }
  /// The source in the high half, the destination in the low one.
  @inline(always) @inlinable public var addresses: UInt64 { unsafe start.bigEndian64(at: 12) }
  @inline(always) @inlinable public var source: IPAddress {
    IPAddress(v4: UInt32(truncatingIfNeeded: addresses >> 32))
  }
  @inline(always) @inlinable public var destination: IPAddress {
    IPAddress(v4: UInt32(truncatingIfNeeded: addresses))
  }
}

/// An IPv6 header in place. It is there as long as the memory of the frame is.
@safe public struct IPv6View: BitwiseCopyable {
  @usableFromInline let start: UnsafeRawPointer

  /// Of the packet of which `count` bytes are at `packet`. `nil`: fewer than a header, or another version.
  @unsafe @inline(always) @inlinable public init?(_ packet: UnsafeRawPointer, count: Int) {
    guard count >= IPv6Header.size, unsafe packet.load(as: UInt8.self) >> 4 == 6 else { return nil }
    unsafe start = packet
  }

  /// Version, traffic class, flow label.
  @inline(always) @inlinable public var first: UInt32 {
    unsafe UInt32(bigEndian: start.loadUnaligned(as: UInt32.self))
  }
  /// Of the packet, as its length field has it.
  @inline(always) @inlinable public var totalLength: Int {
    unsafe Int(start.bigEndian16(at: 4)) &+ IPv6Header.size
  }
  @inline(always) @inlinable public var nextHeader: UInt8 {
    unsafe start.load(fromByteOffset: 6, as: UInt8.self)
  }
  @inline(always) @inlinable public var hopLimit: UInt8 {
    unsafe start.load(fromByteOffset: 7, as: UInt8.self)
  }
  @inline(always) @inlinable public var source: IPAddress {
    unsafe IPAddress(high: start.bigEndian64(at: 8), low: start.bigEndian64(at: 16))
  }
  @inline(always) @inlinable public var destination: IPAddress {
    unsafe IPAddress(high: start.bigEndian64(at: 24), low: start.bigEndian64(at: 32))
  }

  /// Whether `type` is one of the headers that are stepped over: hop-by-hop options, routing, destination options.
  @inline(always) @inlinable public static func isStep(_ type: UInt8) -> Bool {
    type == ProtocolNumber.hopByHop || type == ProtocolNumber.routing
      || type == ProtocolNumber.destinationOptions
  }

  /// What stands behind up to `limit` extension headers, and where. Its type is that of such a header still when there
  /// are more of them, or one begins too near to the end of the `count` bytes that are there.
  @inline(always) @inlinable
  public func upperLayer(count: Int, limit: Int) -> (type: UInt8, offset: Int) {
    var (type, offset, headers) = (nextHeader, IPv6Header.size, 0)
    while Self.isStep(type), headers < limit, offset &+ 8 <= count {
      type = unsafe start.load(fromByteOffset: offset, as: UInt8.self)
      offset &+= unsafe (Int(start.load(fromByteOffset: offset &+ 1, as: UInt8.self)) &+ 1) &* 8
      headers &+= 1
    }
    return (type, offset)
  }
}
