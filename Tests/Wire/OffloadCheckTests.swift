import Testing
import Wire

/// A virtio header before a frame, and whether the frame is taken.
private struct OffloadVector: Sendable, CustomTestStringConvertible {
  typealias Header = (flags: UInt8, type: UInt8, length: UInt16, size: UInt16, start: UInt16, offset: UInt16)
  let name: String
  let frame: [UInt8]
  let header: Header
  let isTaken: Bool
  var testDescription: String { name }

  init(_ name: String, _ frame: [UInt8], _ header: Header, taken isTaken: Bool) {
    (self.name, self.frame, self.header, self.isTaken) = (name, frame, header, isTaken)
  }

  private static let cTag: [UInt8] = [0x81, 0, 0, 7]
  private static let sTag: [UInt8] = [0x88, 0xA8, 0, 9]

  static func transport(_ number: UInt8, payload: Int) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: number == 6 ? 20 : 8)
    if number == 6 { header[12] = 5 << 4 }
    return header + [UInt8](repeating: 9, count: payload)
  }

  static func four(
    _ number: UInt8 = 6, tags: [UInt8] = [], options: Int = 0, fragment: [UInt8] = [0x40, 0], payload: Int = 100
  ) -> [UInt8] {
    let header: [UInt8] = [UInt8(0x45 + options / 4), 0, 0, 0, 0, 0] + fragment + [64, number, 0, 0]
    return addresses + tags + [8, 0] + header + [UInt8](repeating: 1, count: 8 + options)
      + transport(number, payload: payload)
  }

  /// `extensions`: types of headers of 8 bytes before the transport header.
  static func six(_ number: UInt8 = 6, tags: [UInt8] = [], extensions: [UInt8] = [], payload: Int = 100) -> [UInt8] {
    let types = extensions + [number]
    let chain = types.dropFirst().flatMap { [$0, 0] + [UInt8](repeating: 0, count: 6) }
    return addresses + tags + [0x86, 0xDD, 0x60, 0, 0, 0, 0, 0, types[0], 64] + [UInt8](repeating: 1, count: 32) + chain
      + transport(number, payload: payload)
  }

  private static func sum(_ start: UInt16, _ offset: UInt16) -> Header { (1, 0, 0, 0, start, offset) }

  static let healthy: [OffloadVector] = [
    .init("nothing to do", four(), (0, 0, 0, 0, 0, 0), taken: true),
    .init("nothing to do, and places that nobody reads", four(), (2, 0, 9, 9, 34, 2), taken: true),
    .init("TCP over IPv4", four(), sum(34, 16), taken: true),
    .init("UDP over IPv4", four(17), sum(34, 6), taken: true),
    .init("TCP behind IPv4 options", four(options: 12), sum(46, 16), taken: true),
    .init("TCP over IPv6", six(), sum(54, 16), taken: true),
    .init("UDP over IPv6", six(17), sum(54, 6), taken: true),
    .init(
      "TCP behind hop-by-hop, routing and destination options", six(extensions: [0, 43, 60]), sum(78, 16), taken: true),
    .init("TCP with a C-tag", four(tags: cTag), sum(38, 16), taken: true),
    .init("UDP over IPv6 with S-tag and C-tag", six(17, tags: sTag + cTag), sum(62, 6), taken: true),
    .init("TCP with two C-tags", four(tags: cTag + cTag), sum(42, 16), taken: true),
    .init("super-frame of TCP over IPv4", four(payload: 3_000), (1, 1, 54, 1_448, 34, 16), taken: true),
    .init("the same with ECN", four(payload: 3_000), (1, 0x81, 54, 1_448, 34, 16), taken: true),
    .init(
      "the same, all of it in the header's length", four(payload: 3_000), (1, 1, 3_054, 1_448, 34, 16), taken: true),
    .init(
      "super-frame of TCP over IPv6, tagged", six(tags: cTag, payload: 3_000), (1, 4, 78, 1_428, 58, 16), taken: true),
    .init("super-frame of UDP over IPv4", four(17, payload: 3_000), (1, 5, 42, 1_000, 34, 6), taken: true),
    .init("super-frame of UDP over IPv6", six(17, payload: 3_000), (1, 5, 62, 1_000, 54, 6), taken: true),
    .init(
      "HSR: a type that is not known here", addresses + [0x89, 0x2F] + [UInt8](repeating: 0, count: 80), sum(40, 16),
      taken: true),
  ]

  /// What Linux leaves to do in a tunnel: the inner checksum, in TCP and in UDP.
  static let tunnelled: [OffloadVector] = [
    .init("TCP in VXLAN", four(17, payload: 300), sum(84, 16), taken: true),
    .init("UDP in VXLAN over IPv6", six(17, payload: 300), sum(104, 6), taken: true),
    .init("TCP in GRE", four(47, payload: 300), sum(58, 16), taken: true),
    .init("TCP in IP in IP", four(4, payload: 300), sum(54, 16), taken: true),
    .init("UDP in SIT", four(41, payload: 300), sum(74, 6), taken: true),
    .init("the outer UDP header", four(17, payload: 300), sum(38, 6), taken: false),
    .init("the outer IP header", four(47, payload: 300), sum(18, 16), taken: false),
    .init("behind the end of a tunnel's frame", four(17, payload: 20), sum(60, 16), taken: false),
    .init("a super-frame in a tunnel", four(17, payload: 3_000), (1, 1, 104, 1_448, 84, 16), taken: false),
  ]

  static let forged: [OffloadVector] = [
    .init("IPv6 source, 34 and 2", six(), sum(34, 2), taken: false),
    .init("IPv6 source, 20 and 2", six(), sum(20, 2), taken: false),
    .init("IPv6 destination, 26 and 0", six(), sum(26, 0), taken: false),
    .init("IPv6 destination, 38 and 0", six(), sum(38, 0), taken: false),
    .init("IPv6 destination by TCP's offset", six(), sum(38, 16), taken: false),
    .init("IPv4 destination by TCP's offset", four(), sum(14, 16), taken: false),
    .init("the sender's MAC address", four(), sum(0, 6), taken: false),
    .init("the tag", four(tags: cTag), sum(8, 6), taken: false),
    .init("the inner tag", four(tags: cTag + cTag), sum(2, 16), taken: false),
    .init("a routing header", six(extensions: [43]), sum(54, 16), taken: false),
    .init("UDP's place in TCP", four(), sum(34, 6), taken: false),
    .init("TCP's place in UDP", four(17), sum(34, 16), taken: false),
    .init("SCTP", four(132), sum(34, 8), taken: false),
    .init("ICMP", four(1), sum(34, 2), taken: false),
    .init("the payload of TCP", four(), sum(60, 16), taken: false),
    .init("a first fragment", four(17, fragment: [0x20, 0]), sum(34, 6), taken: false),
    .init("a later fragment", four(17, fragment: [0, 5]), sum(34, 6), taken: false),
    .init("an IPv6 fragment", six(extensions: [44]), sum(62, 16), taken: false),
    .init("behind the end", four(payload: 0), sum(34, 20), taken: false),
    .init("far behind the end", four(), sum(65_535, 65_535), taken: false),
    .init("a TCP header that is cut off", Array(four(payload: 0).dropLast()), sum(34, 16), taken: false),
    .init("an IPv4 header that is cut off", Array(four(payload: 0)[..<30]), sum(34, 16), taken: false),
    .init("ARP", addresses + [8, 6] + [UInt8](repeating: 0, count: 60), sum(34, 6), taken: false),
    .init("LLC", addresses + [0, 60] + [UInt8](repeating: 0, count: 60), sum(34, 6), taken: false),
    .init(
      "the tags of an unknown type", addresses + cTag + [0x89, 0x2F] + [UInt8](repeating: 0, count: 60), sum(14, 6),
      taken: false),
    .init("segmentation without a checksum", four(payload: 3_000), (0, 1, 54, 1_448, 34, 16), taken: false),
    .init("IPv4's kind on IPv6", six(payload: 3_000), (1, 1, 74, 1_448, 54, 16), taken: false),
    .init("IPv6's kind on IPv4", four(payload: 3_000), (1, 4, 54, 1_448, 34, 16), taken: false),
    .init("TCP's kind on UDP", four(17, payload: 3_000), (1, 1, 42, 1_448, 34, 6), taken: false),
    .init("UDP's kind on TCP", four(payload: 3_000), (1, 5, 54, 1_448, 34, 16), taken: false),
    .init("UDP with ECN", four(17, payload: 3_000), (1, 0x85, 42, 1_448, 34, 6), taken: false),
    .init("ECN alone", four(), (1, 0x80, 54, 1_448, 34, 16), taken: false),
    .init("UDP fragmentation, which Linux gave up", four(17, payload: 3_000), (1, 3, 42, 1_448, 34, 6), taken: false),
    .init("a kind that does not exist", four(payload: 3_000), (1, 9, 54, 1_448, 34, 16), taken: false),
    .init("segments of 0", four(payload: 3_000), (1, 1, 54, 0, 34, 16), taken: false),
    .init("3000 segments of 1", four(payload: 3_000), (1, 1, 54, 1, 34, 16), taken: false),
    .init("a header of 0", four(payload: 3_000), (1, 1, 0, 1_448, 34, 16), taken: false),
    .init("a header longer than the frame", four(), (1, 0, 155, 0, 34, 16), taken: false),
    .init(
      "segmentation of an unknown type", addresses + [0x89, 0x2F] + [UInt8](repeating: 0, count: 80),
      (1, 1, 54, 20, 40, 16), taken: false),
  ]
}

@Suite("Virtio header against its frame") struct OffloadCheckTests {
  private func isTaken(_ memory: borrowing Memory) -> Bool { memory.frame.hasSoundOffload(header(memory.frame)) }

  @Test(
    "what a system really leaves to do is taken, what is forged is not",
    arguments: OffloadVector.healthy + OffloadVector.tunnelled + OffloadVector.forged)
  private func vectors(_ vector: OffloadVector) {
    let memory = Memory(vector.frame, header: vector.header)
    #expect(isTaken(memory) == vector.isTaken)
    #expect(content(memory.frame) == vector.frame)
  }

  @Test(
    "a frame that is taken is taken in every other tag form, its places moved with it", arguments: OffloadVector.healthy
  )
  private func tagForms(_ vector: OffloadVector) {
    let memory = Memory(vector.frame, header: vector.header)
    var frame = memory.frame
    if header(frame).isTagged { frame.popTag() } else { frame.pushTag(100) }
    #expect(frame.hasSoundOffload(header(frame)))
  }

  /// Written from the other end: which bytes of a frame whoever finishes the checksum may write, whatever the header
  /// says.
  @Test(
    "of whatever header and frame, nothing that is taken lets a byte before the transport's checksum be written",
    arguments: [UInt64(1), 2, 3])
  func model(seed: UInt64) {
    var state = seed
    func roll(_ range: ClosedRange<Int>) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return range.lowerBound + Int(state >> 33) % range.count
    }
    let bases = (OffloadVector.healthy + OffloadVector.tunnelled).map(\.frame)
    var taken = 0
    for step in 0..<60_000 {
      var bytes = bases[roll(0...bases.count - 1)]
      if roll(0...2) == 0 { bytes[roll(0...min(bytes.count - 1, 80))] = UInt8(roll(0...255)) }
      if roll(0...3) == 0 { bytes.removeLast(roll(0...bytes.count - 14)) }
      let start = roll(0...3) == 0 ? roll(0...65_535) : [34, 38, 42, 46, 54, 58, 62, 78][roll(0...7)]
      let offset = roll(0...5) == 0 ? roll(0...65_535) : [6, 16][roll(0...1)]
      let type = [0, 0, 0, 1, 4, 5, 0x81, roll(0...255)][roll(0...7)]
      let memory = Memory(
        bytes,
        header: (
          UInt8(roll(0...3)), UInt8(type), UInt16(roll(0...200)), UInt16(roll(0...2_000)), UInt16(start), UInt16(offset)
        ))
      guard case .header(let link) = memory.frame.decode(), memory.frame.hasSoundOffload(link) else { continue }
      let flags = field(memory.frame, 0) & 1
      if flags == 0 {
        #expect(type == 0, "seed \(seed), step \(step)")
        continue
      }
      taken += 1
      let place = Self.transport(bytes)
      #expect(start >= place.start && (offset == 6 || offset == 16), "seed \(seed), step \(step): \(bytes.prefix(80))")
      #expect(start + offset + 2 <= bytes.count, "seed \(seed), step \(step)")
      if let number = place.protocolNumber {
        if start == place.start, [6, 17].contains(number) {
          #expect(offset == (number == 6 ? 16 : 6), "seed \(seed), step \(step)")
        } else {
          #expect([4, 17, 41, 47].contains(number) && type == 0, "seed \(seed), step \(step)")
          #expect(start >= place.start + (number == 17 ? 8 : 0), "seed \(seed), step \(step)")
        }
        if type != 0 {
          let kinds = number == 17 ? [5] : place.isV4 ? [1, 0x81] : [4, 0x84]
          #expect(kinds.contains(type), "seed \(seed), step \(step)")
        }
      } else {
        #expect(type == 0, "seed \(seed), step \(step)")
      }
    }
    #expect(taken > 500)
  }

  /// Where the transport header is by a walk over arrays; of no IP packet, where the tags end.
  private static func transport(_ bytes: [UInt8]) -> (start: Int, protocolNumber: UInt8?, isV4: Bool) {
    var place = 12
    func type(_ place: Int) -> Int { place + 1 < bytes.count ? Int(bytes[place]) << 8 | Int(bytes[place + 1]) : -1 }
    var tags = 0
    while [0x8100, 0x88A8].contains(type(place)), tags < 4, place + 6 <= bytes.count {
      place += 4
      tags += 1
    }
    let network = place + 2
    switch type(place) {
    case 0x0800: return (network + Int(bytes[network] & 15) * 4, bytes[network + 9], true)
    case 0x86DD:
      var next = bytes[network + 6]
      var start = network + 40
      while [0, 43, 60].contains(next) {
        next = bytes[start]
        start += 8 + 8 * Int(bytes[start + 1])
      }
      return (start, next, false)
    default: return (network, nil, false)
    }
  }
}
