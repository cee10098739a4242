import Glibc

/// An IP packet as it was seen on a NIC.
struct SeenPacket {
  /// 4 or 6.
  let version: Int
  /// As inet_ntop(3) writes them.
  let source: String
  let destination: String
  let hopLimit: Int
  /// Of the first header behind the fixed one.
  let number: UInt8
  /// Behind the IPv4 header and its options, or behind the fixed IPv6 header; without the padding of a short frame.
  let payload: [UInt8]
  let bytes: [UInt8]

  /// Nil when `frame` has a tag, is not IP, or ends before its header says.
  init?(_ frame: Frame) {
    guard frame.tags.isEmpty else { return nil }
    let packet = frame.payload
    func word(_ offset: Int) -> Int { Int(packet[offset]) << 8 | Int(packet[offset + 1]) }
    switch frame.etherType {
    case 0x0800:
      guard packet.count >= 20, packet[0] >> 4 == 4 else { return nil }
      let (header, total) = (Int(packet[0] & 15) * 4, word(2))
      guard header >= 20, total >= header, packet.count >= total else { return nil }
      version = 4
      (hopLimit, number) = (Int(packet[8]), packet[9])
      source = Self.text(AF_INET, packet[12..<16])
      destination = Self.text(AF_INET, packet[16..<20])
      payload = Array(packet[header..<total])
      bytes = Array(packet[..<total])
    case 0x86DD:
      guard packet.count >= 40, packet[0] >> 4 == 6, packet.count >= 40 + word(4) else { return nil }
      version = 6
      (hopLimit, number) = (Int(packet[7]), packet[6])
      source = Self.text(AF_INET6, packet[8..<24])
      destination = Self.text(AF_INET6, packet[24..<40])
      payload = Array(packet[40..<40 + word(4)])
      bytes = Array(packet[..<(40 + word(4))])
    default: return nil
    }
  }

  /// Type of an ICMP or ICMPv6 message; nil for anything else, and for a fragment that is not the first.
  var icmpType: Int? {
    guard number == (version == 4 ? 1 : 58), let type = payload.first, !isLaterFragment else { return nil }
    return Int(type)
  }

  /// Whether it tells of an error.
  var isICMPError: Bool {
    guard let icmpType else { return false }
    return version == 6 ? icmpType < 128 : [3, 4, 5, 11, 12].contains(icmpType)
  }

  var isLaterFragment: Bool { version == 4 && (Int(bytes[6] & 0x1F) << 8 | Int(bytes[7])) != 0 }
  var isFragment: Bool { version == 4 && (isLaterFragment || bytes[6] & 0x20 != 0) }

  /// Whether the checksums are right that can be checked: of the IPv4 header, and of ICMP, UDP and TCP in a whole packet.
  var checksumsAreRight: Bool {
    if version == 4, Packet.sum(bytes[..<(Int(bytes[0] & 15) * 4)]) != 0xFFFF { return false }
    guard !isFragment else { return true }
    let pseudo =
      version == 4 ? bytes[12..<20] + [0, number] : bytes[8..<40] + [0, number]
    let start = UInt32(Packet.sum(pseudo)) + UInt32(payload.count >> 16) + UInt32(payload.count & 0xFFFF)
    switch (version, number) {
    case (4, 1): return Packet.sum(payload) == 0xFFFF
    case (4, 17) where payload.count >= 8 && payload[6] == 0 && payload[7] == 0: return true
    case (_, 6), (_, 17), (6, 58): return Packet.sum(payload, from: start) == 0xFFFF
    default: return true
    }
  }

  static func text(_ family: Int32, _ bytes: some Collection<UInt8>) -> String {
    let bytes = Array(bytes)
    var text = [CChar](repeating: 0, count: 64)
    inet_ntop(family, bytes, &text, 64)
    return String(cString: &text)
  }

  /// The octets of an address in text.
  static func octets(_ address: String) -> [UInt8] {
    var octets = [UInt8](repeating: 0, count: address.contains(":") ? 16 : 4)
    inet_pton(family(of: address), address, &octets)
    return octets
  }
}
