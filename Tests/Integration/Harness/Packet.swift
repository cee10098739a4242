/// IPv4 packets for the tests that need a protocol with a checksum in it.
enum Packet {
  /// A frame with a TCP segment; `flags` ACK. The TCP checksum is complete, or only the pseudo-header's sum that a NIC
  /// with checksum offload expects.
  static func tcp(
    from source: MAC, _ sourceAddress: [UInt8], to destination: MAC, _ destinationAddress: [UInt8], payload: [UInt8],
    checksum: Checksum
  ) -> [UInt8] {
    var segment: [UInt8] = [0x80, 0x00, 0x00, 0x50] + word32(1) + word32(1)
    segment += [0x50, 0x10, 0xFF, 0xFF, 0, 0, 0, 0] + payload
    return ethernet(from: source, to: destination)
      + ipv4(
        6, sourceAddress, destinationAddress, filled(segment, at: 16, 6, sourceAddress, destinationAddress, checksum))
  }

  /// A frame with a UDP datagram.
  static func udp(
    from source: MAC, _ sourceAddress: [UInt8], to destination: MAC, _ destinationAddress: [UInt8], port: UInt16,
    payload: [UInt8], checksum: Checksum
  ) -> [UInt8] {
    let datagram = word16(40_000) + word16(port) + word16(UInt16(8 + payload.count)) + [0, 0] + payload
    return ethernet(from: source, to: destination)
      + ipv4(
        17, sourceAddress, destinationAddress, filled(datagram, at: 6, 17, sourceAddress, destinationAddress, checksum))
  }

  /// An ARP request for `target`, by everybody.
  static func arp(from mac: MAC, _ sender: String, asking target: String) -> Frame {
    arp(1, from: mac, sender, to: .broadcast, target, targetMAC: MAC(0))
  }

  /// An ARP packet: operation 1 asks, 2 answers. Source: RFC 826.
  static func arp(
    _ operation: UInt16, from mac: MAC, _ sender: String, to destination: MAC, _ target: String, targetMAC: MAC
  ) -> Frame {
    let addresses = mac.bytes + SeenPacket.octets(sender) + targetMAC.bytes + SeenPacket.octets(target)
    return Frame(
      to: destination, from: mac, etherType: 0x0806, payload: [0, 1, 8, 0, 6, 4] + word16(operation) + addresses)
  }

  /// A UDP datagram by IPv4 or IPv6, with its checksum.
  static func udp(
    from mac: MAC, _ source: String, to destination: MAC, _ target: String, port: UInt16 = 9, hopLimit: UInt8 = 64,
    _ text: String
  ) -> Frame {
    let payload = Array(text.utf8)
    let datagram = word16(40_000) + word16(port) + word16(UInt16(8 + payload.count)) + [0, 0] + payload
    return ip(17, from: mac, source, to: destination, target, hopLimit: hopLimit, checksumAt: 6, datagram)
  }

  /// An ICMP or ICMPv6 message with its checksum; `body` begins behind it.
  static func icmp(
    _ type: UInt8, _ code: UInt8 = 0, from mac: MAC, _ source: String, to destination: MAC, _ target: String,
    hopLimit: UInt8 = 64, _ body: [UInt8]
  ) -> Frame {
    ip(
      source.contains(":") ? 58 : 1, from: mac, source, to: destination, target, hopLimit: hopLimit, checksumAt: 2,
      [type, code, 0, 0] + body)
  }

  /// A packet of IPv4 or IPv6, as `source` is. `checksumAt`: where in `body` its checksum is put; nil: it has none.
  static func ip(
    _ number: UInt8, from mac: MAC, _ source: String, to destination: MAC, _ target: String, hopLimit: UInt8 = 64,
    checksumAt: Int?, _ body: [UInt8]
  ) -> Frame {
    let (from, to) = (SeenPacket.octets(source), SeenPacket.octets(target))
    var body = body
    if let checksumAt {
      let pseudo = number == 1 ? 0 : pseudoHeader(number, from, to, body.count)
      let value = ~sum(body, from: pseudo)
      body.replaceSubrange(checksumAt..<checksumAt + 2, with: word16(value == 0 && number == 17 ? 0xFFFF : value))
    }
    if from.count == 16 {
      let header = [0x60, 0, 0, 0] + word16(UInt16(body.count)) + [number, hopLimit] + from + to
      return Frame(to: destination, from: mac, etherType: 0x86DD, payload: header + body)
    }
    var header: [UInt8] =
      [0x45, 0] + word16(UInt16(20 + body.count)) + [0, 1, 0x40, 0, hopLimit, number, 0, 0] + from + to
    header.replaceSubrange(10..<12, with: word16(~sum(header)))
    return Frame(to: destination, from: mac, etherType: 0x0800, payload: header + body)
  }

  enum Checksum { case complete, pseudoHeaderOnly }

  /// Puts `tag` into an untagged frame.
  static func tagged(_ frame: [UInt8], _ tag: Frame.Tag) -> [UInt8] {
    Array(frame[..<12]) + word16(tag.protocolID) + word16(tag.control) + Array(frame[12...])
  }

  /// The sum of 16-bit words in ones' complement arithmetic, not inverted (RFC 1071). 0xFFFF over data with its own
  /// right checksum.
  static func sum(_ bytes: some Sequence<UInt8>, from start: UInt32 = 0) -> UInt16 {
    var total = UInt64(start)
    var high = true
    for byte in bytes {
      total += high ? UInt64(byte) << 8 : UInt64(byte)
      high.toggle()
    }
    while total > 0xFFFF { total = (total & 0xFFFF) + total >> 16 }
    return UInt16(total)
  }

  /// Whether the TCP or UDP checksum of an untagged IPv4 frame without options is right.
  static func checksumIsRight(_ frame: [UInt8]) -> Bool {
    let transport = frame[34...]
    return sum(transport, from: pseudoHeader(frame[23], Array(frame[26..<30]), Array(frame[30..<34]), transport.count))
      == 0xFFFF
  }

  private static func filled(
    _ transport: [UInt8], at offset: Int, _ number: UInt8, _ source: [UInt8], _ destination: [UInt8],
    _ checksum: Checksum
  ) -> [UInt8] {
    let pseudo = pseudoHeader(number, source, destination, transport.count)
    let value =
      switch checksum {
      case .complete: ~sum(transport, from: pseudo)
      case .pseudoHeaderOnly: sum([], from: pseudo)
      }
    var transport = transport
    transport.replaceSubrange(offset..<offset + 2, with: word16(value))
    return transport
  }

  private static func pseudoHeader(_ number: UInt8, _ source: [UInt8], _ destination: [UInt8], _ length: Int) -> UInt32
  {
    UInt32(sum(source + destination + [0, number] + word32(UInt32(length))))
  }

  private static func ethernet(from source: MAC, to destination: MAC) -> [UInt8] {
    destination.bytes + source.bytes + [0x08, 0x00]
  }

  private static func ipv4(_ number: UInt8, _ source: [UInt8], _ destination: [UInt8], _ body: [UInt8]) -> [UInt8] {
    var header: [UInt8] =
      [0x45, 0] + word16(UInt16(20 + body.count)) + [0, 1, 0x40, 0, 64, number, 0, 0] + source + destination
    header.replaceSubrange(10..<12, with: word16(~sum(header)))
    return header + body
  }

  private static func word16(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
  private static func word32(_ value: UInt32) -> [UInt8] {
    word16(UInt16(value >> 16)) + word16(UInt16(value & 0xFFFF))
  }
}

/// Where two byte strings differ, in words short enough to print; nil when they are equal.
func difference(_ one: [UInt8]?, _ other: [UInt8]) -> String? {
  guard let one else { return "nothing instead of \(other.count) bytes" }
  if let index = zip(one, other).enumerated().first(where: { $1.0 != $1.1 })?.offset {
    return "byte \(index) is \(one[index]), not \(other[index]); \(one.count) and \(other.count) bytes"
  }
  return one.count == other.count ? nil : "\(one.count) bytes, not \(other.count)"
}
