import Foundation

/// Frames with ARP, IPv4 and IPv6 for tests that bend them: builds them, makes their checksums right, and judges them.
enum IPPacket {
  static func frame(to: [UInt8], from: MAC, _ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
    to + from.bytes + word(type) + payload
  }

  static func ipv4(
    _ number: UInt8, _ source: [UInt8], _ destination: [UInt8], ttl: UInt8 = 64, fragment: UInt16 = 0,
    options: [UInt8] = [], _ body: [UInt8]
  ) -> [UInt8] {
    [0x45 + UInt8(options.count / 4), 0] + word(UInt16(20 + options.count + body.count)) + [0x12, 0x34]
      + word(fragment) + [ttl, number, 0, 0] + source + destination + options + body
  }

  static func ipv6(
    _ number: UInt8, _ source: [UInt8], _ destination: [UInt8], hopLimit: UInt8 = 64, _ body: [UInt8]
  ) -> [UInt8] {
    [0x60, 0, 0, 0] + word(UInt16(body.count)) + [number, hopLimit] + source + destination + body
  }

  /// The octets of an IPv4 address.
  static func octets(_ text: String) -> [UInt8] { text.split(separator: ".").compactMap { UInt8($0) } }
  /// The sixteen octets of an IPv6 address with one `::` in it.
  static func octets6(_ text: String) -> [UInt8] {
    let halves = text.components(separatedBy: "::").map { half in
      half.split(separator: ":").flatMap { word(UInt16($0, radix: 16) ?? 0) }
    }
    let tail = halves.count > 1 ? halves[1] : []
    return halves[0] + [UInt8](repeating: 0, count: 16 - halves[0].count - tail.count) + tail
  }
  static func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

  /// Where the parts of a packet in an untagged frame are. Nil when it is no IP packet, or longer than the frame.
  struct Layout {
    let isV4: Bool
    let number: UInt8
    let source: ArraySlice<UInt8>
    let destination: ArraySlice<UInt8>
    let transport: Range<Int>
    /// In it, or a piece of it, which has no checksum of its own.
    let isFragment: Bool

    init?(_ frame: [UInt8]) {
      guard frame.count >= 34 else { return nil }
      switch (frame[12], frame[13]) {
      case (0x08, 0x00):
        let header = Int(frame[14] & 15) * 4
        let length = Int(frame[16]) << 8 | Int(frame[17])
        guard frame[14] >> 4 == 4, header >= 20, length >= header, frame.count >= 14 + length else { return nil }
        isV4 = true
        number = frame[23]
        source = frame[26..<30]
        destination = frame[30..<34]
        transport = 14 + header..<14 + length
        isFragment = (UInt16(frame[20]) << 8 | UInt16(frame[21])) & 0x3FFF != 0
      case (0x86, 0xDD):
        guard frame.count >= 54, frame[14] >> 4 == 6 else { return nil }
        let length = Int(frame[18]) << 8 | Int(frame[19])
        guard frame.count >= 54 + length else { return nil }
        isV4 = false
        number = frame[20]
        source = frame[22..<38]
        destination = frame[38..<54]
        transport = 54..<54 + length
        isFragment = number == 44
      default: return nil
      }
    }

    /// Where the checksum is in the transport header; nil where the protocol has none that is known here.
    var checksumOffset: Int? {
      let offset: Int? =
        switch number {
        case 1 where isV4, 58 where !isV4: 2
        case 17: 6
        default: nil
        }
      guard let offset, !isFragment, transport.count >= offset + 2 else { return nil }
      return transport.lowerBound + offset
    }

    var pseudoHeader: UInt32 {
      guard !(isV4 && number == 1) else { return 0 }
      return UInt32(Packet.sum(Array(source) + Array(destination) + word(UInt16(transport.count)) + [0, number]))
    }

    /// An error message of ICMP or ICMPv6.
    func isError(in frame: [UInt8]) -> Bool {
      guard !isFragment, let type = frame[transport].first else { return false }
      return isV4 ? number == 1 && [3, 4, 5, 11, 12].contains(type) : number == 58 && type < 128
    }
  }

  /// Makes the checksums of a packet right, where its lengths say that there are any.
  static func repair(_ frame: inout [UInt8]) {
    guard let layout = Layout(frame) else { return }
    if layout.isV4 {
      frame[24] = 0
      frame[25] = 0
      let sum = ~Packet.sum(frame[14..<layout.transport.lowerBound])
      frame.replaceSubrange(24..<26, with: word(sum))
    }
    if let offset = layout.checksumOffset {
      frame[offset] = 0
      frame[offset + 1] = 0
      let sum = ~Packet.sum(frame[layout.transport], from: layout.pseudoHeader)
      frame.replaceSubrange(offset..<offset + 2, with: word(sum))
    }
  }

  /// What is wrong with a frame that a router sent: lengths, checksums, or an error message that may not have been sent
  /// (RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC 4443 2.4 e). Nil: nothing.
  static func fault(_ frame: [UInt8]) -> String? {
    if frame.count >= 14, frame[12] == 0x08, frame[13] == 0x06 { return frame.count >= 42 ? nil : "short ARP" }
    guard frame.count >= 14, frame[12] == 0x08 && frame[13] == 0 || frame[12] == 0x86 && frame[13] == 0xDD else {
      return nil
    }
    guard let layout = Layout(frame) else { return "lengths" }
    if layout.isV4, Packet.sum(frame[14..<layout.transport.lowerBound]) != 0xFFFF { return "IPv4 header checksum" }
    if let offset = layout.checksumOffset, layout.number != 17 || frame[offset] != 0 || frame[offset + 1] != 0,
      Packet.sum(frame[layout.transport], from: layout.pseudoHeader) != 0xFFFF
    {
      return "transport checksum"
    }
    guard layout.isError(in: frame) else { return nil }
    let to = Array(layout.destination)
    if frame[0] & 1 != 0 { return "an ICMP error to a group of stations" }
    if to.allSatisfy({ $0 == 0 }) || to.allSatisfy({ $0 == 255 }) { return "an ICMP error to nobody or everybody" }
    if layout.isV4 ? to[0] >= 224 || to[0] == 127 || to[0] == 0 : to[0] == 0xFF {
      return "an ICMP error to a group or a martian"
    }
    // What it is about: no error, no piece but the first, and nothing that went to a group.
    let quoted = Array(frame[layout.transport].dropFirst(8))
    if layout.isV4 {
      guard quoted.count >= 28 else { return "an ICMP error that quotes \(quoted.count) bytes" }
      if (UInt16(quoted[6]) << 8 | UInt16(quoted[7])) & 0x1FFF != 0 { return "an ICMP error about a later fragment" }
      if quoted[16] >= 224 { return "an ICMP error about a packet to a group" }
      let inner = Int(quoted[0] & 15) * 4
      if quoted[9] == 1, inner < quoted.count, [3, 4, 5, 11, 12].contains(quoted[inner]) {
        return "an ICMP error about an ICMP error"
      }
    } else {
      guard quoted.count >= 40 else { return "an ICMPv6 error that quotes \(quoted.count) bytes" }
      if quoted[6] == 58, quoted.count > 40, quoted[40] < 128 { return "an ICMPv6 error about an ICMPv6 error" }
    }
    return nil
  }
}
