public import Net

/// What an option of DHCPv4 is called on the wire. Source: RFC 2132, at each the clause; others where named.
public struct DHCPOption: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// One byte each, without length. 3.1, 3.2
  public static let pad = DHCPOption(rawValue: 0)
  public static let end = DHCPOption(rawValue: 255)
  /// 3.3
  public static let subnetMask = DHCPOption(rawValue: 1)
  /// 3.5
  public static let router = DHCPOption(rawValue: 3)
  /// 3.8
  public static let domainNameServer = DHCPOption(rawValue: 6)
  /// 3.14
  public static let hostName = DHCPOption(rawValue: 12)
  /// At least 68. 5.1
  public static let interfaceMTU = DHCPOption(rawValue: 26)
  /// 9.1
  public static let requestedAddress = DHCPOption(rawValue: 50)
  /// Seconds. 9.2
  public static let leaseTime = DHCPOption(rawValue: 51)
  /// 1: options go on in `file`; 2: in `sname`; 3: in both. 9.3
  public static let overload = DHCPOption(rawValue: 52)
  /// 9.6
  public static let messageType = DHCPOption(rawValue: 53)
  /// 9.7
  public static let serverIdentifier = DHCPOption(rawValue: 54)
  /// Codes of the options that the client wants. 9.8
  public static let parameterRequestList = DHCPOption(rawValue: 55)
  /// Bytes of the largest IP datagram that the client takes; at least 576. 9.10
  public static let maximumMessageSize = DHCPOption(rawValue: 57)
  /// T1, seconds. 9.11
  public static let renewalTime = DHCPOption(rawValue: 58)
  /// T2, seconds. 9.12
  public static let rebindingTime = DHCPOption(rawValue: 59)
  /// 9.13
  public static let vendorClass = DHCPOption(rawValue: 60)
  /// 9.14; echoed: RFC 6842
  public static let clientIdentifier = DHCPOption(rawValue: 61)
  /// 9.4
  public static let tftpServerName = DHCPOption(rawValue: 66)
  /// 9.5
  public static let bootfileName = DHCPOption(rawValue: 67)
  /// RFC 3004; iPXE writes the bare word `iPXE`, without the lengths
  public static let userClass = DHCPOption(rawValue: 77)
  /// 16 bits: what the machine can boot. RFC 4578 2.1
  public static let clientArchitecture = DHCPOption(rawValue: 93)
  /// RFC 3442
  public static let classlessStaticRoutes = DHCPOption(rawValue: 121)
}

/// The options of one message, in order, each code once.
///
///     0      1        2
///     ┌──────┬────────┬─────────────────┐
///     │ code │ length │ length bytes    │   pad (0) and end (255) are the code alone
///     └──────┴────────┴─────────────────┘
///
/// A code that occurs again continues the earlier one, so that a value may be longer than 255 bytes (RFC 3396 5, 7).
public struct DHCPOptions: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public let code: DHCPOption
    public internal(set) var value: [UInt8]
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  /// `nil` when absent.
  public subscript(_ code: DHCPOption) -> [UInt8]? { entries.first { $0.code == code }?.value }

  /// The one address in option `code`; `nil` when it is absent or not 4 bytes.
  public func address(_ code: DHCPOption) -> IPAddress? {
    guard let value = self[code], value.count == 4 else { return nil }
    return value.address4(at: 0)
  }

  /// Puts `value` behind the others, or behind what the code has so far.
  public mutating func append(_ code: DHCPOption, _ value: some Sequence<UInt8>) {
    if let index = entries.firstIndex(where: { $0.code == code }) {
      entries[index].value += value
    } else {
      entries.append(Entry(code: code, value: Array(value)))
    }
  }

  public mutating func append(_ code: DHCPOption, address: IPAddress) { append(code, number: address.v4) }

  public mutating func append(_ code: DHCPOption, number: UInt32) {
    var value: [UInt8] = []
    value.appendNumber32(number)
    append(code, value)
  }

  /// Reads the options in `field`, up to the end option or the end of the field. False when one does not fit.
  mutating func read(_ field: ArraySlice<UInt8>) -> Bool {
    var index = field.startIndex
    while index < field.endIndex {
      let code = DHCPOption(rawValue: field[index])
      if code == .end { return true }
      index += 1
      if code == .pad { continue }
      guard index < field.endIndex, field.endIndex - index > Int(field[index]) else { return false }
      let next = index + 1 + Int(field[index])
      append(code, field[index + 1..<next])
      index = next
    }
    return true
  }

  /// Writes those that fit into `limit` bytes with the end option, in order; one that does not fit is left out whole.
  func written(limit: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in entries {
      let pieces = max(1, (entry.value.count + 254) / 255)
      guard bytes.count + entry.value.count + 2 * pieces < limit else { continue }
      for piece in 0..<pieces {
        let part = entry.value[min(piece * 255, entry.value.count)..<min((piece + 1) * 255, entry.value.count)]
        bytes += [entry.code.rawValue, UInt8(part.count)]
        bytes += part
      }
    }
    bytes.append(DHCPOption.end.rawValue)
    return bytes
  }
}
