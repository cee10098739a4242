public import Net

/// A UDP header.
///
///     0             2                  4        6          8
///     ┌─────────────┬──────────────────┬────────┬──────────┬─────────┐
///     │ source port │ destination port │ length │ checksum │ payload │
///     └─────────────┴──────────────────┴────────┴──────────┴─────────┘
///
/// Source: RFC 768; RFC 8200 8.1.
public struct UDPHeader: Equatable, Sendable {
  public var sourcePort: UInt16
  public var destinationPort: UInt16
  /// Bytes of header and payload.
  public private(set) var length = size
  /// 0: none was made, which only IPv4 allows.
  public private(set) var checksum: UInt16 = 0

  public static let size = 8
  /// Places in the header of what somebody edits.
  enum Field { static let length = 4, checksum = 6 }

  public init(sourcePort: UInt16, destinationPort: UInt16) {
    (self.sourcePort, self.destinationPort) = (sourcePort, destinationPort)
  }

  /// Reads the datagram that starts at the source port. `nil`: shorter than its header or than its length field says.
  public init?(_ datagram: ArraySlice<UInt8>) {
    let start = datagram.startIndex
    guard datagram.count >= Self.size else { return nil }
    self.init(sourcePort: datagram.number16(at: start), destinationPort: datagram.number16(at: start + 2))
    length = Int(datagram.number16(at: start + Field.length))
    checksum = datagram.number16(at: start + Field.checksum)
    guard length >= Self.size, length <= datagram.count else { return nil }
  }

  /// What stands behind the header that this was read from, in the same bytes.
  public func payload(_ datagram: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    datagram.prefix(length).dropFirst(Self.size)
  }

  /// A datagram between these two, with its checksum. `payload`: at most 65 507 bytes.
  public func datagram(_ payload: [UInt8], from source: IPAddress, to destination: IPAddress) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendNumber16(sourcePort)
    bytes.appendNumber16(destinationPort)
    bytes.appendNumber16(UInt16(truncatingIfNeeded: Self.size + payload.count))
    bytes += [0, 0]
    bytes += payload
    let sum = InternetChecksum.sum(
      bytes,
      adding: InternetChecksum.pseudoHeader(
        from: source, to: destination, protocol: ProtocolNumber.udp, length: bytes.count))
    let checksum = InternetChecksum.finish(sum)
    // 0 would say that there is none.
    bytes.setNumber16(checksum == 0 ? 0xFFFF : checksum, at: Field.checksum)
    return bytes
  }
}

/// As much of TCP as it takes to say that nobody listens.
///
///     0             2                  4          8                13      14       16         18       20
///     ┌─────────────┬──────────────────┬──────────┬────────────────┬───────┬────────┬──────────┬────────┬──
///     │ source port │ destination port │ sequence │ acknowledgment │ flags │ window │ checksum │ urgent │ …
///     └─────────────┴──────────────────┴──────────┴────────────────┴───────┴────────┴──────────┴────────┴──
///
/// The high half of octet 12 is the header's length in units of 4 bytes. Source: RFC 9293 3.1.
public struct TCPHeader: Equatable, Sendable {
  public struct Flags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let fin = Flags(rawValue: 0x01)
    public static let syn = Flags(rawValue: 0x02)
    public static let rst = Flags(rawValue: 0x04)
    public static let psh = Flags(rawValue: 0x08)
    public static let ack = Flags(rawValue: 0x10)
    /// Source: RFC 3168 6.1.2.
    public static let cwr = Flags(rawValue: 0x80)
  }

  public var sourcePort: UInt16
  public var destinationPort: UInt16
  public var sequence: UInt32
  public var acknowledgment: UInt32
  public var flags: Flags
  /// Sequence numbers that the segment takes: its payload, SYN and FIN.
  public private(set) var sequenceLength: UInt32 = 0

  public static let size = 20
  /// Places in the header of what somebody edits.
  enum Field { static let sequence = 4, dataOffset = 12, flags = 13, checksum = 16 }

  /// Bytes of a header whose octet 12 is `octet`, with its options.
  @inline(always) static func size(_ octet: UInt8) -> Int { Int(octet >> 4) &* 4 }

  public init(sourcePort: UInt16, destinationPort: UInt16, sequence: UInt32, acknowledgment: UInt32, flags: Flags) {
    (self.sourcePort, self.destinationPort) = (sourcePort, destinationPort)
    (self.sequence, self.acknowledgment, self.flags) = (sequence, acknowledgment, flags)
  }

  /// Reads the segment, which is all of `segment`. `nil`: shorter than its header says.
  public init?(_ segment: ArraySlice<UInt8>) {
    let start = segment.startIndex
    guard segment.count >= Self.size else { return nil }
    let headerLength = Self.size(segment[start + Field.dataOffset])
    guard headerLength >= Self.size, headerLength <= segment.count else { return nil }
    self.init(
      sourcePort: segment.number16(at: start), destinationPort: segment.number16(at: start + 2),
      sequence: segment.number32(at: start + 4), acknowledgment: segment.number32(at: start + 8),
      flags: Flags(rawValue: segment[start + Field.flags]))
    sequenceLength =
      UInt32(truncatingIfNeeded: segment.count - headerLength) + (flags.contains(.syn) ? 1 : 0)
      + (flags.contains(.fin) ? 1 : 0)
  }

  /// The reset that a closed port answers with; `nil` when it answers with nothing, which is to a reset. Source: RFC 9293 3.5.2, group 1.
  public var reset: TCPHeader? {
    guard !flags.contains(.rst) else { return nil }
    let hasAcknowledgment = flags.contains(.ack)
    return TCPHeader(
      sourcePort: destinationPort, destinationPort: sourcePort, sequence: hasAcknowledgment ? acknowledgment : 0,
      acknowledgment: hasAcknowledgment ? 0 : sequence &+ sequenceLength,
      flags: hasAcknowledgment ? [.rst] : [.rst, .ack])
  }

  /// A segment without payload, with its checksum.
  public func segment(from source: IPAddress, to destination: IPAddress) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendNumber16(sourcePort)
    bytes.appendNumber16(destinationPort)
    bytes.appendNumber32(sequence)
    bytes.appendNumber32(acknowledgment)
    bytes += [0x50, flags.rawValue, 0, 0, 0, 0, 0, 0]
    let sum = InternetChecksum.sum(
      bytes,
      adding: InternetChecksum.pseudoHeader(
        from: source, to: destination, protocol: ProtocolNumber.tcp, length: bytes.count))
    bytes.setNumber16(InternetChecksum.finish(sum), at: Field.checksum)
    return bytes
  }
}
