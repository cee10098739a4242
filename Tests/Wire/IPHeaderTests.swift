import Net
import Testing

@testable import Wire

/// The sum of RFC 1071 once more, by another way than the code's.
private func ones(_ bytes: [UInt8]) -> UInt16 {
  var sum = 0
  for index in stride(from: 0, to: bytes.count, by: 2) {
    sum += Int(bytes[index]) * 256 + (index + 1 < bytes.count ? Int(bytes[index + 1]) : 0)
    if sum > 0xFFFF { sum -= 0xFFFF }
  }
  return UInt16(sum)
}

@Suite("IPv4 header, RFC 791") struct IPv4HeaderTests {
  /// The well-known example: 172.16.10.99 to 172.16.10.12, TCP, checksum 0xB1E6.
  static let example: [UInt8] = [
    0x45, 0x00, 0x00, 0x3C, 0x1C, 0x46, 0x40, 0x00, 0x40, 0x06, 0xB1, 0xE6, 172, 16, 10, 99, 172, 16, 10, 12,
  ]

  @Test("a header is read, and written as it was")
  func example() throws {
    let packet = Self.example + [UInt8](repeating: 7, count: 40)
    let header = try #require(IPv4Header(packet[...]))
    #expect(header.totalLength == 60)
    #expect(header.headerLength == 20)
    #expect(header.ttl == 64)
    #expect(header.dontFragment)
    #expect(!header.isFragment)
    #expect(header.source.description == "172.16.10.99")
    #expect(header.destination.description == "172.16.10.12")
    #expect(header.isChecksumRight(packet[...]))
    #expect(header.packet(header.payload(packet[...])) == packet)
  }

  @Test("padding of the link is not payload, and a wrong checksum is seen")
  func padding() throws {
    var packet = Self.example + [UInt8](repeating: 7, count: 50)
    let header = try #require(IPv4Header(packet[...]))
    #expect(header.payload(packet[...]).count == 40)
    packet[8] = 63
    #expect(!header.isChecksumRight(packet[...]))
  }

  @Test("options are skipped")
  func options() throws {
    var packet = Self.example + [1, 1, 1, 0] + [UInt8](repeating: 7, count: 36)
    packet[0] = 0x46
    let header = try #require(IPv4Header(packet[...]))
    #expect(header.headerLength == 24)
    #expect(header.payload(packet[...]).count == 36)
  }

  @Test("a length that contradicts another gives nothing; of a beginning the packet may be longer")
  func lengths() {
    let packet = Self.example + [UInt8](repeating: 7, count: 40)
    func with(_ index: Int, _ value: UInt8) -> [UInt8] {
      var bytes = packet
      bytes[index] = value
      return bytes
    }
    #expect(IPv4Header(with(0, 0x44)[...]) == nil)
    #expect(IPv4Header(with(0, 0x65)[...]) == nil)
    #expect(IPv4Header(with(3, 19)[...]) == nil)
    #expect(IPv4Header(with(3, 20)[...]) != nil)
    #expect(IPv4Header(with(3, 61)[...]) == nil)
    #expect(IPv4Header(with(3, 61)[...], isBeginning: true) != nil)
    #expect(IPv4Header(packet[..<19]) == nil)
    #expect(IPv4Header(packet[..<20]) == nil)
    #expect(IPv4Header(packet[..<20], isBeginning: true) != nil)
    var long = packet
    long[0] = 0x4F
    #expect(IPv4Header(long[..<59], isBeginning: true) == nil)
    #expect(IPv4Header([][...]) == nil)
  }

  @Test(
    "a packet of exactly the MTU stays whole, one byte more makes fragments that give it back",
    arguments: [68, 576, 1500])
  func fragments(mtu: Int) throws {
    let header = IPv4Header(
      identification: 77, dontFragment: true, protocolNumber: 1, source: IPAddress(v4: 1), destination: IPAddress(v4: 2)
    )
    let whole = (0..<mtu - 20).map { UInt8(truncatingIfNeeded: $0) }
    #expect(header.packets(whole, mtu: mtu).count == 1)
    let larger = (0..<3 * mtu + 1).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var back: [UInt8] = []
    let packets = header.packets(larger, mtu: mtu)
    for (index, packet) in packets.enumerated() {
      #expect(packet.count <= mtu)
      #expect(ones(Array(packet[..<20])) == 0xFFFF)
      let piece = try #require(IPv4Header(packet[...]))
      #expect(piece.fragmentOffset == back.count)
      #expect(piece.moreFragments == (index < packets.count - 1))
      #expect(!piece.dontFragment)
      #expect(piece.identification == 77)
      back += piece.payload(packet[...])
    }
    #expect(back == larger)
  }

  @Test("more than a packet can be gives nothing")
  func tooLarge() {
    let header = IPv4Header(protocolNumber: 1, source: IPAddress(v4: 1), destination: IPAddress(v4: 2))
    #expect(header.packets([UInt8](repeating: 0, count: 65_516), mtu: 1500).isEmpty)
    #expect(!header.packets([UInt8](repeating: 0, count: 65_515), mtu: 1500).isEmpty)
    #expect(header.packets([UInt8](repeating: 0, count: 100), mtu: 27).isEmpty)
  }
}

@Suite("IPv6 header and what is behind it, RFC 8200") struct IPv6HeaderTests {
  static let one = IPAddress(v6: 0x2001_0DB8 << 96 | 1)
  static let other = IPAddress(v6: 0x2001_0DB8 << 96 | 2)

  static func packet(_ next: UInt8, _ payload: [UInt8]) -> [UInt8] {
    IPv6Header(trafficClass: 0xA5, nextHeader: next, hopLimit: 3, source: one, destination: other).packet(payload[...])
  }

  static func find(_ next: UInt8, _ payload: [UInt8], asDestination: Bool = true) -> IPv6UpperLayer.Found? {
    let packet = packet(next, payload)
    return IPv6Header(packet[...]).map { IPv6UpperLayer.find(packet[...], $0, asDestination: asDestination) }
  }

  @Test("a header is read, and written as it was")
  func readAndWrite() throws {
    let bytes: [UInt8] =
      [0x6A, 0x5F, 0xFF, 0xFF, 0, 2, 59, 255] + [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
      + [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] + [8, 9]
    let header = try #require(IPv6Header(bytes[...]))
    #expect(header.trafficClass == 0xA5)
    #expect(header.flowLabel == 0xF_FFFF)
    #expect(header.source == Self.one)
    #expect(header.payloadLength == 2)
    #expect(header.packet([8, 9]) == bytes)
    #expect(IPv6Header(bytes[..<41]) == nil)
    #expect(IPv6Header(bytes[..<41], isBeginning: true) != nil)
    #expect(IPv6Header(bytes[..<39], isBeginning: true) == nil)
  }

  @Test("an IPv4-mapped address gives nothing")
  func mapped() {
    var bytes = Self.packet(59, [])
    bytes.replaceSubrange(8..<24, with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4])
    #expect(IPv6Header(bytes[...]) == nil)
  }

  @Test("extension headers are walked over")
  func walk() {
    let options: [UInt8] = [60, 0, 1, 4, 0, 0, 0, 0]
    let destination: [UInt8] = [43, 1, 1, 12] + [UInt8](repeating: 0, count: 12)
    let routing: [UInt8] = [17, 0, 4, 0, 0, 0, 0, 0]
    #expect(
      Self.find(0, options + destination + routing + [1, 2, 3, 4, 5, 6, 7, 8])
        == .upper(IPv6UpperLayer(protocolNumber: 17, offset: 72, nextHeaderField: 64)))
    #expect(
      Self.find(6, [UInt8](repeating: 0, count: 20))
        == .upper(IPv6UpperLayer(protocolNumber: 6, offset: 40, nextHeaderField: 6)))
  }

  @Test("the walk ends at a fragment that is not the first, and goes on through the first and a lone one")
  func fragments() {
    let later: [UInt8] = [60, 0, 0x00, 0x09, 0, 0, 0, 1]
    #expect(
      Self.find(44, later + [17, 0, 0, 0, 0, 0, 0, 0])
        == .upper(
          IPv6UpperLayer(
            protocolNumber: 60, offset: 48, nextHeaderField: 40, fragmentOffset: 8, moreFragments: true)))
    let first: [UInt8] = [17, 0, 0, 1, 0, 0, 0, 1]
    #expect(
      Self.find(44, first + [1, 2])
        == .upper(
          IPv6UpperLayer(
            protocolNumber: 17, offset: 48, nextHeaderField: 40, fragmentOffset: 0, moreFragments: true)))
    let lone: [UInt8] = [17, 0, 0, 0, 0, 0, 0, 1]
    #expect(Self.find(44, lone) == .upper(IPv6UpperLayer(protocolNumber: 17, offset: 48, nextHeaderField: 40)))
  }

  @Test("a header that does not fit, a late hop-by-hop header and a chain of nine are malformed")
  func malformed() {
    #expect(Self.find(60, [17, 0, 1, 4, 0, 0, 0]) == .malformed)
    #expect(Self.find(60, [17, 1, 1, 4, 0, 0, 0, 0]) == .malformed)
    #expect(Self.find(44, [17, 0, 0, 0, 0, 0, 0]) == .malformed)
    #expect(Self.find(60, [0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]) == .malformed)
    #expect(Self.find(60, [17, 0, 1, 5, 0, 0, 0, 0]) == .malformed)
    #expect(Self.find(60, [17, 0, 1, 3, 0, 0, 0, 1]) == .malformed)
    let options: [UInt8] = [60, 0, 1, 4, 0, 0, 0, 0]
    let last: [UInt8] = [17, 0, 1, 4, 0, 0, 0, 0]
    let eight = Array(repeatElement(options, count: 7).joined()) + last
    #expect(Self.find(60, eight) == .upper(IPv6UpperLayer(protocolNumber: 17, offset: 104, nextHeaderField: 96)))
    #expect(Self.find(60, options + eight) == .malformed)
  }

  @Test("a source route is one while segments are left, RFC 5095")
  func sourceRoute() {
    #expect(Self.find(43, [17, 0, 0, 1, 0, 0, 0, 0]) == .sourceRoute)
    #expect(
      Self.find(43, [17, 0, 0, 1, 0, 0, 0, 0], asDestination: false)
        == .upper(IPv6UpperLayer(protocolNumber: 17, offset: 48, nextHeaderField: 40)))
  }

  @Test(
    "an unknown option is judged by its two high bits, RFC 8200 4.2",
    arguments: [(0x1E, nil, nil), (0x5E, false, false), (0x9E, true, true), (0xDE, true, false)]
      as [(UInt8, Bool?, Bool?)])
  func options(type: UInt8, isReported: Bool?, alsoOfGroups: Bool?) {
    let found = Self.find(60, [17, 0, 0, type, 1, 0, 1, 0])
    if let isReported, let alsoOfGroups {
      #expect(found == .unknownOption(pointer: 43, isReported: isReported, alsoOfGroups: alsoOfGroups))
    } else {
      #expect(found == .upper(IPv6UpperLayer(protocolNumber: 17, offset: 48, nextHeaderField: 40)))
    }
  }

  @Test("a packet of exactly the MTU stays whole, one byte more makes fragments that give it back, RFC 8200 4.5")
  func ownFragments() throws {
    let header = IPv6Header(nextHeader: 58, source: Self.one, destination: Self.other)
    let whole = [UInt8](repeating: 1, count: 1_240)
    #expect(header.packets(whole, mtu: 1_280, identification: 9) == [header.packet(whole[...])])
    let larger = (0..<4_001).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    var back: [UInt8] = []
    let packets = header.packets(larger, mtu: 1_280, identification: 9)
    for (index, packet) in packets.enumerated() {
      #expect(packet.count <= 1_280)
      let read = try #require(IPv6Header(packet[...]))
      guard case .upper(let upper) = IPv6UpperLayer.find(packet[...], read) else {
        Issue.record("not found")
        return
      }
      #expect(upper.protocolNumber == 58)
      #expect(upper.fragmentOffset == back.count)
      #expect(upper.moreFragments == (index < packets.count - 1))
      #expect(packet[44..<48] == [0, 0, 0, 9])
      back += packet[upper.offset...]
    }
    #expect(back == larger)
    #expect(header.packets([UInt8](repeating: 0, count: 65_536), mtu: 1_280, identification: 9).isEmpty)
  }
}
