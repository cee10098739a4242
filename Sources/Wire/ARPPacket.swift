public import Net

/// One ARP packet for IPv4 over Ethernet.
///
///     0        2        4     5     6           8              14             18             24             28
///     ┌────────┬────────┬─────┬─────┬───────────┬──────────────┬──────────────┬──────────────┬──────────────┐
///     │ 0001   │ 0800   │ 6   │ 4   │ operation │ sender MAC   │ sender IPv4  │ target MAC   │ target IPv4  │
///     └────────┴────────┴─────┴─────┴───────────┴──────────────┴──────────────┴──────────────┴──────────────┘
///
/// Source: RFC 826; probes and announcements RFC 5227 1.1.
public struct ARPPacket: Equatable, Sendable {
  public enum Operation: UInt16, Sendable, BitwiseCopyable { case request = 1, reply = 2 }

  public var operation: Operation
  public var senderMAC: MACAddress
  public var sender: IPAddress
  /// Zero in a request: it is what is asked for.
  public var targetMAC: MACAddress
  public var target: IPAddress

  public static let size = 28

  public init(
    _ operation: Operation, senderMAC: MACAddress, sender: IPAddress, targetMAC: MACAddress, target: IPAddress
  ) {
    (self.operation, self.senderMAC, self.sender) = (operation, senderMAC, sender)
    (self.targetMAC, self.target) = (targetMAC, target)
  }

  /// Reads what stands behind the Ethernet header; bytes behind the 28 are padding. `nil`: shorter, not of IPv4 over Ethernet, another
  /// operation, or from a MAC address that no station can have.
  public init?(_ packet: ArraySlice<UInt8>) {
    let start = packet.startIndex
    guard packet.count >= Self.size, packet.number32(at: start) == 0x0001_0800,
      packet.number16(at: start + 4) == 0x0604,
      let operation = Operation(rawValue: packet.number16(at: start + 6))
    else { return nil }
    self.init(
      operation, senderMAC: packet.macAddress(at: start + 8), sender: packet.address4(at: start + 14),
      targetMAC: packet.macAddress(at: start + 18), target: packet.address4(at: start + 24))
    guard senderMAC.isValidSource else { return nil }
  }

  /// The 28 bytes.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = [0x00, 0x01, 0x08, 0x00, 6, 4]
    bytes.appendNumber16(operation.rawValue)
    bytes.append(senderMAC)
    bytes.append(sender)
    bytes.append(targetMAC)
    bytes.append(target)
    return bytes
  }
}
