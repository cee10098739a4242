public import Net

/// One message of DHCPv4, from the byte behind the UDP header on, as a value.
///
///     0    1       2      3      4     8      10      12       16       20       24       28       44      108    236     240
///     ┌────┬───────┬──────┬──────┬─────┬──────┬───────┬────────┬────────┬────────┬────────┬────────┬───────┬──────┬───────┬─────────
///     │ op │ htype │ hlen │ hops │ xid │ secs │ flags │ ciaddr │ yiaddr │ siaddr │ giaddr │ chaddr │ sname │ file │ magic │ options
///     └────┴───────┴──────┴──────┴─────┴──────┴───────┴────────┴────────┴────────┴────────┴────────┴───────┴──────┴───────┴─────────
///
/// Only Ethernet (htype 1, hlen 6) is read. Options that a client has put into `sname` and `file` (overload) are read with the
/// others, in the order that RFC 3396 5 gives: options, file, sname; the field is then empty. Source: RFC 2131 2, RFC 2132 9.3.
public struct DHCPMessage: Equatable, Sendable {
  public enum Operation: UInt8, Sendable, BitwiseCopyable { case request = 1, reply = 2 }

  /// Option 53. Source: RFC 2132 9.6.
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    case discover = 1, offer, request, decline, ack, nak, release, inform
  }

  public var operation: Operation
  public var hops: UInt8
  public var transaction: UInt32
  /// Since the client began.
  public var seconds: UInt16
  /// Bit 15: the client cannot take unicast yet. The others are zero, and copied.
  public var flags: UInt16
  /// The client's address, when it has one and can answer ARP for it. 0.0.0.0: none, as in the others.
  public var clientAddress: IPAddress
  /// `yiaddr`, what the client is given.
  public var yourAddress: IPAddress
  /// `siaddr`, where to boot from.
  public var nextServer: IPAddress
  /// `giaddr`, a relay's.
  public var relayAddress: IPAddress
  public var hardwareAddress: MACAddress
  /// Without the NULs behind it; at most 63 bytes are sent.
  public var serverName: [UInt8]
  /// Without the NULs behind it; at most 127 bytes are sent.
  public var file: [UInt8]
  public var options: DHCPOptions

  public static let broadcastFlag: UInt16 = 0x8000
  public static let magicCookie: UInt32 = 0x6382_5363
  public static let headerSize = 240
  /// No larger message is read: a client's have a few hundred bytes, and what a hostile one costs has a limit.
  public static let maximumSize = 4_096
  /// No smaller message is sent: RFC 1542 2.1.
  public static let minimumSize = 300
  /// Bytes of IP and UDP header that the sizes of RFC 2131 2 and of option 57 include.
  public static let datagramHeaders = 28
  /// The smallest limit that a client can have, as a datagram: RFC 2132 9.10.
  public static let minimumDatagram = 576

  private static let unspecified = IPAddress(v4: 0)
  private static let serverNameField = 44..<108
  private static let fileField = 108..<236

  public init(
    operation: Operation, transaction: UInt32, flags: UInt16, hardwareAddress: MACAddress,
    options: DHCPOptions = DHCPOptions()
  ) {
    (self.operation, self.transaction, self.flags) = (operation, transaction, flags)
    (self.hardwareAddress, self.options) = (hardwareAddress, options)
    (hops, seconds, serverName, file) = (0, 0, [], [])
    (clientAddress, yourAddress) = (Self.unspecified, Self.unspecified)
    (nextServer, relayAddress) = (Self.unspecified, Self.unspecified)
  }

  /// `nil` when the message is too short or too long, is not for Ethernet, has no DHCP options, or one that runs over the end of its field.
  public init?(_ bytes: ArraySlice<UInt8>) {
    let start = bytes.startIndex
    guard Self.headerSize...Self.maximumSize ~= bytes.count, let operation = Operation(rawValue: bytes[start]),
      bytes[start + 1] == 1, bytes[start + 2] == 6, bytes.number32(at: start + 236) == Self.magicCookie
    else { return nil }
    self.operation = operation
    hops = bytes[start + 3]
    transaction = bytes.number32(at: start + 4)
    seconds = bytes.number16(at: start + 8)
    flags = bytes.number16(at: start + 10)
    clientAddress = bytes.address4(at: start + 12)
    yourAddress = bytes.address4(at: start + 16)
    nextServer = bytes.address4(at: start + 20)
    relayAddress = bytes.address4(at: start + 24)
    hardwareAddress = MACAddress(
      UInt64(bytes.number32(at: start + 28)) << 16 | UInt64(bytes.number16(at: start + 32)))

    options = DHCPOptions()
    guard options.read(bytes[(start + Self.headerSize)...]) else { return nil }
    let serverNameBytes = bytes[start + Self.serverNameField.lowerBound..<start + Self.serverNameField.upperBound]
    let fileBytes = bytes[start + Self.fileField.lowerBound..<start + Self.fileField.upperBound]
    // Asked before the fields are read: an overload option inside them means nothing.
    let overload = options[.overload].flatMap { $0.count == 1 && $0[0] <= 3 ? $0[0] : nil } ?? 0
    if overload & 1 != 0 { guard options.read(fileBytes) else { return nil } }
    if overload & 2 != 0 { guard options.read(serverNameBytes) else { return nil } }
    file = overload & 1 != 0 ? [] : Array(fileBytes.prefix { $0 != 0 })
    serverName = overload & 2 != 0 ? [] : Array(serverNameBytes.prefix { $0 != 0 })
  }

  /// Option 53; `nil` for plain BOOTP.
  public var kind: Kind? {
    guard let value = options[.messageType], value.count == 1 else { return nil }
    return Kind(rawValue: value[0])
  }

  /// At least 300 bytes, at most `limit` (or 300). Options that do not fit are left out, so the important ones come first.
  public func encoded(limit: Int) -> [UInt8] {
    var bytes: [UInt8] = [operation.rawValue, 1, 6, hops]
    bytes.appendNumber32(transaction)
    bytes.appendNumber16(seconds)
    bytes.appendNumber16(flags)
    for address in [clientAddress, yourAddress, nextServer, relayAddress] { bytes.appendNumber32(address.v4) }
    bytes.appendNumber32(UInt32(truncatingIfNeeded: hardwareAddress.value >> 16))
    bytes.appendNumber16(UInt16(truncatingIfNeeded: hardwareAddress.value))
    bytes += [UInt8](repeating: 0, count: 10)
    bytes += Self.padded(serverName, to: Self.serverNameField.count)
    bytes += Self.padded(file, to: Self.fileField.count)
    bytes.appendNumber32(Self.magicCookie)
    bytes += options.written(limit: max(limit, Self.minimumSize) - Self.headerSize)
    if bytes.count < Self.minimumSize { bytes += [UInt8](repeating: 0, count: Self.minimumSize - bytes.count) }
    return bytes
  }

  /// `text` with at least one NUL behind it, cut to fit.
  private static func padded(_ text: [UInt8], to size: Int) -> [UInt8] {
    let text = text.prefix(size - 1)
    return text + [UInt8](repeating: 0, count: size - text.count)
  }
}
