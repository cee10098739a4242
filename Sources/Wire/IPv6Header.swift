public import Net

/// An IPv6 header, and the way through the extension headers behind it.
///
///     0                      4                6             7           8        24            40
///     ┌──────────────────────┬────────────────┬─────────────┬───────────┬────────┬─────────────┬──
///     │ version, class, flow │ payload length │ next header │ hop limit │ source │ destination │ …
///     └──────────────────────┴────────────────┴─────────────┴───────────┴────────┴─────────────┴──
///
/// An IPv4-mapped address makes a packet unreadable: nobody may send one (RFC 4942 2.2), and it would be an IPv4 address here.
/// Source: RFC 8200 3, 4.
public struct IPv6Header: Equatable, Sendable {
  public var trafficClass: UInt8 = 0
  /// 20 bits.
  public var flowLabel: UInt32 = 0
  public var nextHeader: UInt8
  public var hopLimit: UInt8
  public var source: IPAddress
  public var destination: IPAddress
  /// As read; of a header that is made here 0, because it is known when it is sent.
  public private(set) var payloadLength = 0

  public static let size = 40
  public static let fragmentHeaderSize = 8

  public init(
    trafficClass: UInt8 = 0, nextHeader: UInt8, hopLimit: UInt8 = 64, source: IPAddress, destination: IPAddress
  ) {
    (self.trafficClass, self.nextHeader, self.hopLimit) = (trafficClass, nextHeader, hopLimit)
    (self.source, self.destination) = (source, destination)
  }

  /// Reads the packet that starts at the version octet; bytes behind its own length are padding of the link.
  ///
  /// `nil`: not IPv6, an address that cannot be, or longer than its bytes. `isBeginning`: it may be longer.
  public init?(_ packet: ArraySlice<UInt8>, isBeginning: Bool = false) {
    guard let header = Self.read(packet), !header.source.isV4, !header.destination.isV4,
      isBeginning || header.totalLength <= packet.count
    else { return nil }
    self = header
  }

  /// The same with no word about addresses and lengths: `nil` only for what is no IPv6.
  static func read(_ packet: ArraySlice<UInt8>) -> IPv6Header? {
    unsafe packet.withUnsafeBytes { bytes in
      unsafe bytes.baseAddress.flatMap { unsafe IPv6View($0, count: bytes.count) }.map(Self.init)
    }
  }

  private init(_ view: IPv6View) {
    self.init(
      trafficClass: UInt8(truncatingIfNeeded: view.first >> 20), nextHeader: view.nextHeader, hopLimit: view.hopLimit,
      source: view.source, destination: view.destination)
    (flowLabel, payloadLength) = (view.first & 0xF_FFFF, view.totalLength - Self.size)
  }

  public var totalLength: Int { Self.size + payloadLength }

  /// A packet with this header, its length filled in. `payload`: at most 65 535 bytes.
  public func packet(_ payload: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.size + payload.count)
    bytes.appendNumber32(6 << 28 | UInt32(trafficClass) << 20 | flowLabel & 0xF_FFFF)
    bytes.appendNumber16(UInt16(truncatingIfNeeded: payload.count))
    bytes += [nextHeader, hopLimit]
    bytes.append(source)
    bytes.append(destination)
    bytes += payload
    return bytes
  }

  /// The packet in pieces of at most `mtu` bytes, with Fragment headers when one is not enough; none when it is larger than a packet
  /// can be. `identification` is that of the pieces. Source: RFC 8200 4.5.
  public func packets(_ payload: [UInt8], mtu: Int, identification: UInt32) -> [[UInt8]] {
    guard payload.count <= 65_535 else { return [] }
    if Self.size + payload.count <= mtu { return [packet(payload[...])] }
    let room = (mtu - Self.size - Self.fragmentHeaderSize) & ~7
    guard room > 0 else { return [] }
    var header = self
    header.nextHeader = ProtocolNumber.fragment
    return stride(from: 0, to: payload.count, by: room).map { offset in
      let end = min(offset + room, payload.count)
      var piece: [UInt8] = [nextHeader, 0]
      piece.appendNumber16(UInt16(truncatingIfNeeded: offset) | (end < payload.count ? 1 : 0))
      piece.appendNumber32(identification)
      piece += payload[offset..<end]
      return header.packet(piece[...])
    }
  }
}

/// What stands behind the extension headers of an IPv6 packet.
public struct IPv6UpperLayer: Equatable, Sendable {
  public var protocolNumber: UInt8
  /// Place of it in the packet, and of the Next Header octet that names it.
  public var offset: Int
  public var nextHeaderField: Int
  /// Of a fragment: the place of its payload in that of the whole; nil: no fragment.
  public var fragmentOffset: Int?
  public var moreFragments = false

  public enum Found: Equatable, Sendable {
    case upper(IPv6UpperLayer)
    /// A header that does not fit in the packet, stands where it may not, or more of them than anybody sends.
    case malformed
    /// A routing header with segments left: the packet wants to be forwarded from here. Source: RFC 8200 4.4, RFC 5095.
    case sourceRoute
    /// An option that has to be known, at `pointer`; `isReported`: the sender wants to hear of it, also when the packet went to a group
    /// if `alsoOfGroups`. Source: RFC 8200 4.2.
    case unknownOption(pointer: Int, isReported: Bool, alsoOfGroups: Bool)
  }

  /// Headers that are walked over. More is nothing that a host sends, and work for nothing.
  static let headerLimit = 8

  /// Walks from the end of the header (`packet` starts at the version octet; `header` was read from it) to the upper layer, or to the
  /// payload of a fragment that is not the first. A fragment with offset 0 that is all there is of a datagram (RFC 6946) is none.
  ///
  /// `asDestination`: whether the packet is for us, so that routing headers and options are ours to judge.
  public static func find(_ packet: ArraySlice<UInt8>, _ header: IPv6Header, asDestination: Bool = true) -> Found {
    let packet = packet.prefix(header.totalLength)
    var upper = IPv6UpperLayer(protocolNumber: header.nextHeader, offset: IPv6Header.size, nextHeaderField: 6)
    for count in 0...headerLimit {
      let at = packet.startIndex + upper.offset
      let left = packet.count - upper.offset
      var length = 8
      switch upper.protocolNumber {
      case let type where IPv6View.isStep(type):
        guard left >= 8, upper.protocolNumber != ProtocolNumber.hopByHop || count == 0 else { return .malformed }
        length = 8 + 8 * Int(packet[at + 1])
        guard left >= length else { return .malformed }
        if !asDestination { break }
        if upper.protocolNumber == ProtocolNumber.routing {
          if packet[at + 3] != 0 { return .sourceRoute }
        } else if let fault = unknownOption(packet[(at + 2)..<(at + length)], in: packet) {
          return fault
        }
      case ProtocolNumber.fragment:
        guard left >= 8, upper.fragmentOffset == nil else { return .malformed }
        let field = packet.number16(at: at + 2)
        if field & 0xFFF9 != 0 { (upper.fragmentOffset, upper.moreFragments) = (Int(field & 0xFFF8), field & 1 != 0) }
      default: return .upper(upper)
      }
      upper.nextHeaderField = upper.offset
      upper.protocolNumber = packet[at]
      upper.offset += length
      if let offset = upper.fragmentOffset, offset > 0 { return .upper(upper) }
    }
    return .malformed
  }

  private static func unknownOption(_ options: ArraySlice<UInt8>, in packet: ArraySlice<UInt8>) -> Found? {
    var index = options.startIndex
    while index < options.endIndex {
      let type = options[index]
      if type == 0 {  // Pad1
        index += 1
        continue
      }
      guard index + 2 <= options.endIndex else { return .malformed }
      let next = index + 2 + Int(options[index + 1])
      guard next <= options.endIndex else { return .malformed }
      // PadN, router alert (RFC 2711), and everything whose two high bits say that it may be skipped.
      if type >> 6 != 0 {
        return .unknownOption(
          pointer: index - packet.startIndex, isReported: type >> 6 != 1, alsoOfGroups: type >> 6 == 2)
      }
      index = next
    }
    return nil
  }
}
