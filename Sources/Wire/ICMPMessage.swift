public import Net

/// An ICMP message: two numbers, a checksum, four bytes whose meaning depends on the type, and data. ICMPv6 has the same form.
///
///     0      1      2          4      8
///     ┌──────┬──────┬──────────┬──────┬──────┐
///     │ type │ code │ checksum │ rest │ data │
///     └──────┴──────┴──────────┴──────┴──────┘
///
/// The checksum of ICMPv6 takes in the pseudo-header. Source: RFC 792, RFC 4443 2.1, 2.3.
public enum ICMPMessage {
  public static let headerSize = 8

  /// An ICMPv4 message with its checksum.
  public static func bytes(
    type: UInt8, code: UInt8, rest: UInt32 = 0, data: some Sequence<UInt8>
  ) -> [UInt8] {
    var bytes = unfinished(type, code, rest, data)
    bytes.setNumber16(InternetChecksum.finish(InternetChecksum.sum(bytes)), at: 2)
    return bytes
  }

  /// An ICMPv6 message with its checksum.
  public static func bytes(
    type: UInt8, code: UInt8, rest: UInt32 = 0, data: some Sequence<UInt8>, from source: IPAddress,
    to destination: IPAddress
  ) -> [UInt8] {
    var bytes = unfinished(type, code, rest, data)
    let pseudoHeader = InternetChecksum.pseudoHeader(
      from: source, to: destination, protocol: ProtocolNumber.icmp6, length: bytes.count)
    bytes.setNumber16(InternetChecksum.finish(InternetChecksum.sum(bytes, adding: pseudoHeader)), at: 2)
    return bytes
  }

  private static func unfinished(
    _ type: UInt8, _ code: UInt8, _ rest: UInt32, _ data: some Sequence<UInt8>
  ) -> [UInt8] {
    var bytes: [UInt8] = [type, code, 0, 0]
    bytes.appendNumber32(rest)
    bytes += data
    return bytes
  }
}

/// ICMP of IPv4. Source: RFC 792; codes of type 3 RFC 1122 3.2.2.1, RFC 1191 4.
public enum ICMPv4 {
  public static let echoReply: UInt8 = 0
  public static let unreachable: UInt8 = 3
  public static let echoRequest: UInt8 = 8
  public static let timeExceeded: UInt8 = 11

  /// Codes of `unreachable`.
  public enum Unreachable {
    public static let network: UInt8 = 0
    public static let host: UInt8 = 1
    public static let `protocol`: UInt8 = 2
    public static let port: UInt8 = 3
    public static let fragmentationNeeded: UInt8 = 4
  }

  /// Whether a message of this type asks or tells something that is no error. What is not known is taken for an error, so that
  /// nobody is told of it. Source: RFC 1122 3.2.2; RFC 792, 950, 1256.
  public static func isQuery(_ type: UInt8) -> Bool {
    switch type {
    case 0, 8, 9, 10, 13...18: true
    default: false
    }
  }
}

/// ICMP of IPv6. Source: RFC 4443, RFC 4861.
public enum ICMPv6 {
  public static let unreachable: UInt8 = 1
  public static let packetTooBig: UInt8 = 2
  public static let timeExceeded: UInt8 = 3
  public static let parameterProblem: UInt8 = 4
  public static let echoRequest: UInt8 = 128
  public static let echoReply: UInt8 = 129
  public static let routerSolicitation: UInt8 = 133
  public static let routerAdvertisement: UInt8 = 134
  public static let neighbourSolicitation: UInt8 = 135
  public static let neighbourAdvertisement: UInt8 = 136
  public static let redirect: UInt8 = 137

  /// Codes of `unreachable`.
  public enum Unreachable {
    public static let noRoute: UInt8 = 0
    public static let address: UInt8 = 3
    public static let port: UInt8 = 4
  }
  /// Codes of `parameterProblem`.
  public enum Problem {
    public static let nextHeader: UInt8 = 1
    public static let option: UInt8 = 2
  }

  /// Below 128. Source: RFC 4443 2.1.
  public static func isError(_ type: UInt8) -> Bool { type < 128 }
}
