import Diagnosis
import Net
import Testing

@Suite("Frames that are made to be asked about") struct FrameRecipeTests {
  private let a = MACAddress(0x0200_0000_0001)
  private let b = MACAddress(0x0200_0000_0002)
  private let macs: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]

  /// The one's complement sum of RFC 1071, by the book.
  private func sum(_ bytes: [UInt8]) -> UInt16 {
    var total = 0
    for index in bytes.indices { total += index.isMultiple(of: 2) ? Int(bytes[index]) << 8 : Int(bytes[index]) }
    while total > 0xFFFF { total = total & 0xFFFF + total >> 16 }
    return UInt16(total)
  }

  @Test("without addresses it is an empty frame of the experimental EtherType, as long as the least one")
  func plain() {
    let frame = FrameRecipe(to: b, from: a).bytes
    #expect(frame == macs + [0x88, 0xB5] + [UInt8](repeating: 0, count: 46))
    #expect(
      Array(FrameRecipe(to: b, from: a, vlan: 1001).bytes.prefix(18)) == macs + [0x81, 0, 0x03, 0xE9, 0x88, 0xB5])
    #expect(FrameRecipe(to: b, from: a, vlan: 1001).bytes.count == 64)
  }

  static let payloads: [(FrameRecipe.Payload, UInt8, UInt8, Int)] = [
    (.icmp, 1, 58, 8), (.tcp(source: 1, destination: 80), 6, 6, 20), (.udp(source: 1, destination: 53), 17, 17, 8),
    (.other(47), 47, 47, 0),
  ]

  @Test("all checksums are right: RFC 791, 792, 4443, 9293, 768", arguments: 0..<4, [0, 1, 1_400])
  func checksums(_ number: Int, _ extra: Int) throws {
    let (payload, protocol4, protocol6, size) = Self.payloads[number]
    let (from, to) = (try #require(IPAddress("10.0.1.1")), try #require(IPAddress("10.0.1.2")))
    let recipe = FrameRecipe(to: b, from: a, FrameRecipe.Packet(from: from, to: to, payload, extra: extra))
    let packet = Array(recipe.bytes.dropFirst(14).prefix(20 + size + extra))
    #expect(Array(recipe.bytes.prefix(14)) == macs + [8, 0])
    #expect(packet.count == 20 + size + extra && Int(packet[2]) << 8 | Int(packet[3]) == packet.count)
    #expect(sum(Array(packet[..<20])) == 0xFFFF && packet[9] == protocol4)
    let length = packet.count - 20
    let pseudo: [UInt8] = Array(packet[12..<20]) + [0, protocol4, UInt8(length >> 8), UInt8(length & 0xFF)]
    if protocol4 == 1 { #expect(sum(Array(packet[20...])) == 0xFFFF) }
    if protocol4 == 6 || protocol4 == 17 { #expect(sum(pseudo + packet[20...]) == 0xFFFF) }

    let (from6, to6) = (try #require(IPAddress("2001:db8::1")), try #require(IPAddress("2001:db8::2")))
    let six = FrameRecipe(to: b, from: a, FrameRecipe.Packet(from: from6, to: to6, payload, extra: extra))
    let packet6 = Array(six.bytes.dropFirst(14).prefix(40 + size + extra))
    #expect(six.bytes[12...13] == [0x86, 0xDD] && packet6[6] == protocol6)
    let pseudo6: [UInt8] =
      Array(packet6[8..<40]) + [0, 0, UInt8(length >> 8), UInt8(length & 0xFF), 0, 0, 0, protocol6]
    if number < 3 { #expect(sum(pseudo6 + packet6[40...]) == 0xFFFF) }
  }
}

@Suite("Frames in capture files") struct FrameFileTests {
  private let frame: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xB5, 7]

  private func number(_ value: Int, isBig: Bool, size: Int = 4) -> [UInt8] {
    let octets = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    return isBig ? octets.reversed() : octets
  }

  private func pcap(_ magic: [UInt8], isBig: Bool, link: Int = 1, frames: Int) -> [UInt8] {
    let record = number(0, isBig: isBig) + number(0, isBig: isBig) + number(frame.count, isBig: isBig)
    let header =
      magic + number(2, isBig: isBig, size: 2) + number(4, isBig: isBig, size: 2) + number(0, isBig: isBig)
      + number(0, isBig: isBig) + number(65_535, isBig: isBig) + number(link, isBig: isBig)
    return header + (0..<frames).flatMap { _ in record + number(frame.count, isBig: isBig) + frame }
  }

  @Test("pcap of both byte orders and both clocks")
  func classic() throws {
    for (magic, isBig) in [
      ([0xD4, 0xC3, 0xB2, 0xA1], false), ([0x4D, 0x3C, 0xB2, 0xA1], false), ([0xA1, 0xB2, 0xC3, 0xD4], true),
      ([0xA1, 0xB2, 0x3C, 0x4D], true),
    ] as [([UInt8], Bool)] {
      let file = pcap(magic, isBig: isBig, frames: 3)
      #expect(FrameFile.isOne(file))
      #expect(try FrameFile.frames(in: file) == [frame, frame, frame])
      #expect(throws: FrameFile.Fault.self) { try FrameFile.frames(in: Array(file.dropLast())) }
      #expect(throws: FrameFile.Fault.self) {
        try FrameFile.frames(in: pcap(magic, isBig: isBig, link: 113, frames: 1))
      }
    }
  }

  @Test("pcapng, with an interface block in the middle")
  func blocks() throws {
    func block(_ kind: Int, _ body: [UInt8]) -> [UInt8] {
      let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
      let length = number(padded.count + 12, isBig: false)
      return number(kind, isBig: false) + length + padded + length
    }
    let start = block(0x0A0D_0D0A, [0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0] + [UInt8](repeating: 255, count: 8))
    let interface = block(1, [1, 0, 0, 0, 0, 0, 0, 0])
    func packet(_ interface: Int) -> [UInt8] {
      block(
        6,
        number(interface, isBig: false) + [UInt8](repeating: 0, count: 8) + number(frame.count, isBig: false)
          + number(frame.count, isBig: false) + frame)
    }
    let file = start + interface + packet(0) + interface + packet(1)
    #expect(FrameFile.isOne(file))
    #expect(try FrameFile.frames(in: file) == [frame, frame])
    for end in 1..<file.count {
      // No prefix of a file reads past its end.
      _ = try? FrameFile.frames(in: Array(file[..<end]))
    }
    #expect(throws: FrameFile.Fault.self) { try FrameFile.frames(in: start + packet(0)) }
  }
}
