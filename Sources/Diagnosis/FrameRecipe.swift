public import Net
import Wire

/// A frame that is made to be asked about: an Ethernet header, a tag if it has one, and a packet with right checksums.
/// A value; no ARP has to be asked first, since the destination's MAC address is given.
public struct FrameRecipe: Hashable, Sendable {
  public enum Payload: Hashable, Sendable {
    /// An echo request.
    case icmp
    /// A SYN.
    case tcp(source: UInt16, destination: UInt16)
    case udp(source: UInt16, destination: UInt16)
    /// A header and nothing behind it.
    case other(UInt8)
  }

  public var destination: MACAddress
  public var source: MACAddress
  /// nil: untagged. 0 is a priority tag.
  public var vlan: UInt16?
  /// nil: a frame of the experimental EtherType 88B5 with nothing in it.
  public var packet: Packet?

  public struct Packet: Hashable, Sendable {
    public var source: IPAddress
    public var destination: IPAddress
    public var payload: Payload
    /// Bytes behind the transport header.
    public var extra: Int

    /// Both addresses are of one family.
    public init(from source: IPAddress, to destination: IPAddress, _ payload: Payload = .icmp, extra: Int = 0) {
      (self.source, self.destination, self.payload, self.extra) = (source, destination, payload, extra)
    }
  }

  public init(to destination: MACAddress, from source: MACAddress, vlan: UInt16? = nil, _ packet: Packet? = nil) {
    (self.destination, self.source, self.vlan, self.packet) = (destination, source, vlan, packet)
  }

  /// From the destination address on, without a check sequence; as long as the least frame of Ethernet.
  public var bytes: [UInt8] {
    var frame = Self.octets(destination) + Self.octets(source)
    if let vlan { frame += [0x81, 0x00] + Self.octets(vlan & 0xFFF) }
    if let packet {
      frame += packet.source.isV4 ? [0x08, 0x00] : [0x86, 0xDD]
      frame += packet.bytes
    } else {
      frame += [0x88, 0xB5]
    }
    return frame + [UInt8](repeating: 0, count: max(0, (vlan == nil ? 60 : 64) - frame.count))
  }

  fileprivate static func octets(_ mac: MACAddress) -> [UInt8] {
    (0..<6).map { UInt8(truncatingIfNeeded: mac.value >> UInt64(40 - 8 * $0)) }
  }

  fileprivate static func octets(_ number: UInt16) -> [UInt8] {
    [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
  }
}

extension FrameRecipe.Packet {
  private var protocolNumber: UInt8 {
    switch payload {
    case .icmp: source.isV4 ? 1 : 58
    case .tcp: 6
    case .udp: 17
    case .other(let number): number
    }
  }

  fileprivate var bytes: [UInt8] {
    let segment = segment
    return header(length: segment.count) + segment
  }

  /// Sources: RFC 791 3.1, RFC 8200 3.
  private func header(length: Int) -> [UInt8] {
    guard source.isV4 else {
      return [0x60, 0, 0, 0] + FrameRecipe.octets(UInt16(length)) + [protocolNumber, 64] + Self.octets(source)
        + Self.octets(destination)
    }
    var header: [UInt8] =
      [0x45, 0] + FrameRecipe.octets(UInt16(20 + length)) + [0, 0, 0x40, 0, 64, protocolNumber, 0, 0]
    header += Self.octets(source) + Self.octets(destination)
    Self.finish(&header, at: 10, adding: 0)
    return header
  }

  /// Sources: RFC 792, RFC 4443 4.1, RFC 9293 3.1, RFC 768.
  private var segment: [UInt8] {
    var bytes: [UInt8]
    let checksum: Int
    switch payload {
    case .icmp: (bytes, checksum) = ([source.isV4 ? 8 : 128, 0, 0, 0, 0, 1, 0, 1], 2)
    case .tcp(let from, let to):
      bytes =
        FrameRecipe.octets(from) + FrameRecipe.octets(to) + [0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xFF, 0xFF, 0, 0, 0, 0]
      checksum = 16
    case .udp(let from, let to):
      bytes = FrameRecipe.octets(from) + FrameRecipe.octets(to) + FrameRecipe.octets(UInt16(8 + extra)) + [0, 0]
      checksum = 6
    case .other: return [UInt8](repeating: 0, count: extra)
    }
    bytes += [UInt8](repeating: 0, count: extra)
    let hasPseudoHeader = if case .icmp = payload { !source.isV4 } else { true }
    let pseudo =
      hasPseudoHeader
      ? InternetChecksum.pseudoHeader(from: source, to: destination, protocol: protocolNumber, length: bytes.count) : 0
    Self.finish(&bytes, at: checksum, adding: pseudo)
    // A checksum of zero says that there is none.
    if case .udp = payload, bytes[6] == 0, bytes[7] == 0 { (bytes[6], bytes[7]) = (0xFF, 0xFF) }
    return bytes
  }

  private static func finish(_ bytes: inout [UInt8], at place: Int, adding sum: UInt32) {
    var sum = sum
    for index in stride(from: 0, to: bytes.count, by: 2) {
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      sum = InternetChecksum.fold(sum &+ (UInt32(bytes[index]) << 8 | UInt32(next)))
    }
    let checksum = InternetChecksum.finish(sum)
    (bytes[place], bytes[place + 1]) = (UInt8(checksum >> 8), UInt8(truncatingIfNeeded: checksum))
  }

  private static func octets(_ address: IPAddress) -> [UInt8] {
    (address.isV4 ? 6..<8 : 0..<8).flatMap { index -> [UInt8] in
      let group = address.group(index)
      return [UInt8(group >> 8), UInt8(truncatingIfNeeded: group)]
    }
  }
}
