public import Net

/// An IPv4 header.
///
///     0              1      2            4                6       8     9          10         12       16            20
///     ┌──────────────┬──────┬────────────┬────────────────┬───────┬─────┬──────────┬──────────┬────────┬─────────────┬─────────┐
///     │ version, IHL │ TOS  │ total len. │ identification │ D M o │ TTL │ protocol │ checksum │ source │ destination │ options │
///     └──────────────┴──────┴────────────┴────────────────┴───────┴─────┴──────────┴──────────┴────────┴─────────────┴─────────┘
///
/// D M o: don't fragment, more fragments, and the offset in units of 8 bytes. Options are skipped, and never sent.
/// Source: RFC 791 3.1.
public struct IPv4Header: Equatable, Sendable {
  public var typeOfService: UInt8 = 0
  public var identification: UInt16 = 0
  public var dontFragment = false
  public var moreFragments = false
  /// Of the payload in that of the whole datagram, in bytes.
  public var fragmentOffset = 0
  public var ttl: UInt8
  public var protocolNumber: UInt8
  public var source: IPAddress
  public var destination: IPAddress
  /// Bytes with options: 20...60.
  public private(set) var headerLength = size
  /// Bytes of the packet as its length field has it; of a header that is made here 0, because it is known when it is sent.
  public private(set) var totalLength = 0

  public static let size = 20

  public init(
    typeOfService: UInt8 = 0, identification: UInt16 = 0, dontFragment: Bool = false, ttl: UInt8 = 64,
    protocolNumber: UInt8, source: IPAddress, destination: IPAddress
  ) {
    (self.typeOfService, self.identification, self.dontFragment) = (typeOfService, identification, dontFragment)
    (self.ttl, self.protocolNumber, self.source, self.destination) = (ttl, protocolNumber, source, destination)
  }

  /// Reads the packet that starts at the version octet; bytes behind its own length are padding of the link.
  ///
  /// `nil`: not IPv4, or a length that contradicts another one. `isBeginning`: the packet may be longer than its bytes here. The
  /// checksum is `isChecksumRight`'s.
  public init?(_ packet: ArraySlice<UInt8>, isBeginning: Bool = false) {
    let header = unsafe packet.withUnsafeBytes { bytes in
      unsafe bytes.baseAddress.flatMap { unsafe IPv4View($0, count: bytes.count) }.map(Self.init)
    }
    guard let header, header.headerLength <= packet.count, header.totalLength >= header.headerLength,
      isBeginning || header.totalLength <= packet.count
    else { return nil }
    self = header
  }

  private init(_ view: IPv4View) {
    self.init(
      typeOfService: view.typeOfService, identification: view.identification, dontFragment: view.dontFragment,
      ttl: view.hopLimit, protocolNumber: view.protocolNumber, source: view.source, destination: view.destination)
    (moreFragments, fragmentOffset) = (view.moreFragments, view.fragmentOffset)
    (headerLength, totalLength) = (view.headerSize, view.totalLength)
  }

  public var isFragment: Bool { moreFragments || fragmentOffset != 0 }

  /// Whether the header that this was read from, in the same bytes, has the right checksum. Source: RFC 1812 5.2.2.
  public func isChecksumRight(_ packet: ArraySlice<UInt8>) -> Bool {
    InternetChecksum.finish(InternetChecksum.sum(packet.prefix(headerLength))) == 0
  }

  /// What stands behind the header that this was read from, in the same bytes: as much of it as is there.
  public func payload(_ packet: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    packet.prefix(totalLength).dropFirst(headerLength)
  }

  /// A packet with this header, without options, its length and checksum filled in. `payload`: at most 65 515 bytes.
  public func packet(_ payload: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = [0x45, typeOfService]
    bytes.reserveCapacity(Self.size + payload.count)
    bytes.appendNumber16(UInt16(truncatingIfNeeded: Self.size + payload.count))
    bytes.appendNumber16(identification)
    let flags: UInt16 = (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0)
    bytes.appendNumber16(flags | UInt16(truncatingIfNeeded: fragmentOffset >> 3) & 0x1FFF)
    bytes += [ttl, protocolNumber, 0, 0]
    bytes.append(source)
    bytes.append(destination)
    bytes.setNumber16(InternetChecksum.finish(InternetChecksum.sum(bytes)), at: 10)
    bytes += payload
    return bytes
  }

  /// The packet in pieces of at most `mtu` bytes (68 at least): one when it fits, none when it is larger than a packet can be. A packet
  /// that has to be cut loses its don't-fragment bit: it is the sender who cuts here. Source: RFC 791 3.2.
  public func packets(_ payload: [UInt8], mtu: Int) -> [[UInt8]] {
    guard Self.size + payload.count <= 65_535 else { return [] }
    if Self.size + payload.count <= mtu { return [packet(payload[...])] }
    let room = (mtu - Self.size) & ~7
    guard room > 0 else { return [] }
    return stride(from: 0, to: payload.count, by: room).map { offset in
      var header = self
      header.dontFragment = false
      header.fragmentOffset = offset
      header.moreFragments = offset + room < payload.count
      return header.packet(payload[offset..<min(offset + room, payload.count)])
    }
  }
}
