import Net
import Switching
import Testing
import Wire

@testable import Gateway

private let pattern = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

private func two(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }

/// An IPv4 packet with a right header checksum: the part `range` of `pattern` as a fragment, or all with `field` 0.
private func four(
  _ range: Range<Int>, more: Bool, identification: Int = 1, source: UInt8 = 3, protocol number: UInt8 = 1,
  options: [UInt8] = [], payload: [UInt8]? = nil
) -> [UInt8] {
  let data = payload ?? Array(pattern[range])
  var header: [UInt8] = [UInt8(0x45 + options.count / 4), 0] + two(20 + options.count + data.count)
  header += two(identification) + two(range.lowerBound / 8 | (more ? 0x2000 : 0))
  header += [64, number, 0, 0, 198, 18, 0, source, 198, 18, 0, 2] + options
  let checksum = two(Int(InternetChecksum.finish(InternetChecksum.sum(header))))
  (header[10], header[11]) = (checksum[0], checksum[1])
  return header + data
}

private func six(
  _ range: Range<Int>, more: Bool, identification: UInt8 = 1, next: UInt8 = 58, before: [UInt8] = [],
  payload: [UInt8]? = nil
) -> [UInt8] {
  let data = payload ?? Array(pattern[range])
  let first: UInt8 = before.isEmpty ? 44 : 60
  return [0x60, 0, 0, 0] + two(before.count + 8 + data.count) + [first, 64]
    + [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [3]
    + [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [2]
    + before + [next, 0] + two(range.lowerBound | (more ? 1 : 0)) + [0, 0, 0, identification] + data
}

/// The whole packet that fragments made by `six` stand for.
private func whole6(_ count: Int, next: UInt8 = 58) -> [UInt8] {
  var packet = Array(six(0..<0, more: false)[..<40])
  (packet[4], packet[5], packet[6]) = (two(count)[0], two(count)[1], next)
  return packet + pattern[..<count]
}

extension Reassembler {
  /// What the last of `packets` completes; the others must complete nothing.
  fileprivate mutating func add(_ packets: [[UInt8]], at now: UInt64 = 0) -> [UInt8]? {
    for packet in packets.dropLast() { #expect(add(packet[...], at: now) == nil) }
    return packets.last.flatMap { add($0[...], at: now) }
  }
}

@Suite("Reassembly, RFC 791 3.2 and RFC 8200 4.5") struct ReassemblerTests {
  @Test("IPv4 fragments make the datagram in any order, its length and checksum right")
  func orders4() {
    let parts = [four(0..<800, more: true), four(800..<1_600, more: true), four(1_600..<2_001, more: false)]
    let want = four(0..<2_001, more: false)
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
      var reassembler = Reassembler()
      #expect(reassembler.add(order.map { parts[$0] }) == want, "\(order)")
      #expect(reassembler.deadline == nil)
    }
  }

  @Test("IPv6 fragments do, without the Fragment header")
  func orders6() {
    let parts = [six(0..<800, more: true), six(800..<1_600, more: true), six(1_600..<2_001, more: false, next: 17)]
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
      var reassembler = Reassembler()
      #expect(reassembler.add(order.map { parts[$0] }) == whole6(2_001), "\(order); the first's next header counts")
    }
  }

  @Test("headers before the Fragment header are those of the first fragment")
  func headers() {
    let router: [UInt8] = [0x94, 4, 0, 0]
    var reassembler = Reassembler()
    let parts = [four(800..<900, more: false), four(0..<800, more: true, options: router)]
    #expect(reassembler.add(parts) == four(0..<900, more: false, options: router))

    let options: [UInt8] = [44, 0, 1, 4, 0, 0, 0, 0]
    let whole = reassembler.add([six(0..<800, more: true, before: options), six(800..<900, more: false)])
    #expect(whole?[4...6] == [3, 140, 60])
    #expect(whole?[40..<48] == [58, 0, 1, 4, 0, 0, 0, 0])
    #expect(whole?[48...] == pattern[..<900])
  }

  @Test("what is no fragment passes as it is, without padding, and nothing is kept of it")
  func wholePackets() {
    var reassembler = Reassembler()
    let packet = four(0..<100, more: false)
    #expect(reassembler.add([packet + [0, 0, 0]]) == packet)
    #expect(reassembler.add([whole6(100) + [0, 0, 0]]) == whole6(100))
    #expect(reassembler.add(([9, 9] + packet)[2...], at: 0) == packet)
    #expect(reassembler.deadline == nil)
  }

  @Test("an atomic fragment passes alone, beside fragments with the same identification, RFC 6946 4")
  func atomic() {
    var reassembler = Reassembler()
    #expect(reassembler.add([six(0..<800, more: true)]) == nil)
    #expect(reassembler.add([six(0..<100, more: false)]) == whole6(100))
    #expect(reassembler.add([six(0..<0, more: false)]) == whole6(0))
    #expect(reassembler.add([six(800..<900, more: false)]) == whole6(900))
  }

  @Test("fragments of different datagrams are not mixed")
  func keys() {
    for other in [
      four(800..<900, more: false, identification: 2), four(800..<900, more: false, source: 4),
      four(800..<900, more: false, protocol: 17), six(800..<900, more: false),
    ] {
      var reassembler = Reassembler()
      #expect(reassembler.add([four(0..<800, more: true), other]) == nil)
      #expect(reassembler.add([four(800..<900, more: false)]) == four(0..<900, more: false))
    }
    var reassembler = Reassembler()
    #expect(reassembler.add([six(0..<800, more: true), six(800..<900, more: false, identification: 2)]) == nil)
  }

  struct Overlap: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let range: Range<Int>
    let more: Bool
    var payload: [UInt8]? = nil
  }

  @Test(
    "an overlap kills the datagram and what still comes of it, RFC 5722 3",
    arguments: [
      Overlap(testDescription: "the end of one", range: 792..<1_000, more: true),
      Overlap(testDescription: "the beginning of one", range: 1_200..<1_608, more: true),
      Overlap(testDescription: "inside of one", range: 80..<160, more: true),
      Overlap(testDescription: "around one", range: 1_592..<2_400, more: true),
      Overlap(
        testDescription: "the same place with other bytes", range: 0..<800, more: true,
        payload: [UInt8](repeating: 9, count: 800)),
      Overlap(testDescription: "the same place, shorter", range: 0..<792, more: true),
      Overlap(testDescription: "the same place as the last one", range: 1_600..<2_400, more: false),
      Overlap(testDescription: "an end before what is there", range: 800..<900, more: false),
      Overlap(testDescription: "an end inside of one", range: 1_600..<2_000, more: false),
    ])
  func overlap(_ overlap: Overlap) {
    for isV6 in [false, true] {
      func part(_ range: Range<Int>, more: Bool, payload: [UInt8]? = nil) -> [UInt8] {
        isV6 ? six(range, more: more, payload: payload) : four(range, more: more, payload: payload)
      }
      var reassembler = Reassembler()
      let bad = part(overlap.range, more: overlap.more, payload: overlap.payload)
      #expect(reassembler.add([part(0..<800, more: true), part(1_600..<2_400, more: true), bad]) == nil)
      #expect(reassembler.add([part(800..<1_600, more: true), part(2_400..<2_500, more: false)]) == nil)
      #expect(reassembler.add([part(0..<800, more: true), part(800..<2_500, more: false)], at: 29_999) == nil, "dead")
      let timeout = isV6 ? Reassembler.timeout6 : Reassembler.timeout4
      #expect(reassembler.add([part(0..<800, more: true), part(800..<900, more: false)], at: timeout) != nil)
    }
  }

  @Test("what comes behind the end kills it too")
  func behindEnd() {
    var reassembler = Reassembler()
    #expect(
      reassembler.add([four(800..<900, more: false), four(904..<1_000, more: true), four(0..<800, more: true)]) == nil)
    #expect(
      reassembler.add([six(800..<900, more: false), six(1_000..<1_100, more: false), six(0..<800, more: true)]) == nil)
  }

  @Test("as many bytes as the datagram has do not make it, when they are not its bytes")
  func countIsNotEnough() {
    for first in [four(16..<24, more: true), six(16..<24, more: true)] {
      for isEndFirst in [false, true] {
        var reassembler = Reassembler()
        let isV6 = first[0] >> 4 == 6
        let last = isV6 ? six(8..<16, more: false) : four(8..<16, more: false)
        let start = isV6 ? six(0..<8, more: true) : four(0..<8, more: true)
        #expect(reassembler.add(isEndFirst ? [last, first] : [first, last]) == nil)
        #expect(reassembler.add([start]) == nil, "dead")
      }
    }
  }

  @Test("a fragment that comes twice is ignored, the last one too")
  func duplicates() {
    let parts = [four(0..<800, more: true), four(800..<1_600, more: true), four(1_600..<1_700, more: false)]
    var reassembler = Reassembler()
    #expect(
      reassembler.add([parts[0], parts[0], parts[2], parts[2], parts[0], parts[1]]) == four(0..<1_700, more: false))
  }

  @Test("an odd length before the end, an empty fragment, and half a packet are discarded, the datagram lives")
  func discarded() {
    var reassembler = Reassembler()
    #expect(reassembler.add([four(0..<799, more: true), six(0..<799, more: true)]) == nil)
    #expect(reassembler.add([four(0..<0, more: true), six(0..<0, more: true), four(8..<8, more: false)]) == nil)
    for packet in [four(0..<800, more: true), six(0..<800, more: true)] {
      #expect(reassembler.add([Array(packet.dropLast()), Array(packet[..<19]), Array(packet[..<1]), []]) == nil)
    }
    #expect(reassembler.deadline == nil)
    #expect(reassembler.add([four(0..<800, more: true), four(800..<803, more: false)]) == four(0..<803, more: false))
  }

  @Test("a nested Fragment header is refused")
  func nested() {
    var reassembler = Reassembler()
    let inner: [UInt8] = [58, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8]
    #expect(reassembler.add([six(0..<16, more: false, next: 44, payload: inner)]) == nil)
    #expect(reassembler.add([six(0..<16, more: true, next: 44, payload: inner), six(16..<24, more: false)]) == nil)
    #expect(reassembler.deadline == nil)
  }

  @Test("a datagram of 65 535 bytes is put together, one byte more is not")
  func largest() {
    var reassembler = Reassembler()
    let start = four(0..<65_512, more: true, source: 9)
    #expect(reassembler.add([start, four(65_512..<65_515, more: false, source: 9)])?.count == 65_535)
    #expect(reassembler.add([start, four(65_512..<65_516, more: false, source: 9)]) == nil)
    #expect(reassembler.add([six(0..<65_520, more: true), six(65_520..<65_535, more: false)])?.count == 65_575)
    #expect(reassembler.add([six(0..<65_520, more: true), six(65_520..<65_536, more: false)]) == nil)
    // Each fits by itself; with the options of the first it does not.
    let options: [UInt8] = [1, 1, 1, 1]
    var other = Reassembler()
    #expect(other.add([four(65_504..<65_515, more: false), four(0..<65_504, more: true, options: options)]) == nil)
    #expect(other.deadline == nil)
  }
}

@Suite("Limits of reassembly") struct ReassemblerLimitTests {
  @Test("the first fragment starts the clock: 30 s for IPv4, 60 s for IPv6, RFC 8200 4.5")
  func timeouts() {
    var reassembler = Reassembler()
    #expect(reassembler.add([six(0..<800, more: true)], at: 1_000) == nil)
    #expect(reassembler.deadline == 61_000)
    #expect(reassembler.add([four(0..<800, more: true)], at: 2_000) == nil)
    #expect(reassembler.deadline == 32_000)
    #expect(reassembler.add([four(1_600..<2_400, more: true)], at: 31_000) == nil)
    #expect(reassembler.deadline == 32_000)
    var late = reassembler
    #expect(late.add([four(800..<1_600, more: true), four(2_400..<2_500, more: false)], at: 31_999) != nil)
    reassembler.expire(at: 31_999)
    #expect(reassembler.deadline == 32_000)
    reassembler.expire(at: 32_000)
    #expect(reassembler.deadline == 61_000)
    #expect(reassembler.add([four(800..<1_600, more: true), four(2_400..<2_500, more: false)], at: 32_000) == nil)
    #expect(reassembler.add([six(800..<900, more: false)], at: 60_999) == whole6(900))
  }

  @Test("time is looked at without expire being called")
  func lazily() {
    var reassembler = Reassembler()
    #expect(reassembler.add([four(0..<800, more: true)]) == nil)
    #expect(reassembler.add([four(800..<900, more: false)], at: 30_000) == nil)
    #expect(reassembler.deadline == 60_000)
  }

  @Test("the 65th datagram makes the oldest give way")
  func count() {
    var reassembler = Reassembler()
    for identification in 0..<65 {
      #expect(
        reassembler.add([four(0..<8, more: true, identification: identification)], at: UInt64(identification)) == nil)
    }
    #expect(reassembler.deadline == 30_001)
    #expect(reassembler.add([four(8..<9, more: false, identification: 1)], at: 100) != nil)
    #expect(reassembler.add([four(8..<9, more: false, identification: 64)], at: 100) != nil)
    #expect(reassembler.add([four(8..<9, more: false, identification: 0)], at: 100) == nil)
  }

  @Test("1 MiB in all: what comes behind makes the oldest give way, and what is done is not counted")
  func bytes() {
    var reassembler = Reassembler()
    let first = 60_000 + 20 + Reassembler.pieceOverhead
    let room = Reassembler.byteLimit / first
    for identification in 0..<room {
      #expect(reassembler.add([four(0..<60_000, more: true, identification: identification)]) == nil)
    }
    #expect(reassembler.add([four(60_000..<60_001, more: false, identification: 3)]) != nil)
    #expect(reassembler.add([four(0..<60_000, more: true, identification: 3)]) == nil)
    var full = reassembler
    // Fills to the limit exactly: a later fragment carries no header.
    let left = Reassembler.byteLimit - room * first - Reassembler.pieceOverhead
    #expect(full.add([four(8_000..<8_000 + left, more: false, identification: 100)]) == nil)
    #expect(full.add([four(60_000..<60_001, more: false, identification: 0)]) != nil)
    full = reassembler
    #expect(full.add([four(8_000..<8_000 + left + 1, more: false, identification: 100)]) == nil)
    #expect(full.add([four(60_000..<60_001, more: false, identification: 0)]) == nil)
    #expect(full.add([four(60_000..<60_001, more: false, identification: 1)]) != nil)
  }

  @Test("a flood of datagrams or bytes from one interface costs those of that interface alone")
  func shares() {
    var reassembler = Reassembler()
    #expect(reassembler.add(four(0..<8, more: true)[...], from: PortIndex(1), at: 0) == nil)
    for identification in 0..<200 {
      let piece = four(0..<8, more: true, identification: identification)
      #expect(reassembler.add(piece[...], from: PortIndex(2), at: 0) == nil)
    }
    for identification in 0..<200 {
      let piece = four(0..<60_000, more: true, identification: 1_000 + identification)
      #expect(reassembler.add(piece[...], from: PortIndex(2), at: 0) == nil)
    }
    #expect(reassembler.add(four(8..<9, more: false)[...], from: PortIndex(2), at: 0) == nil, "another one's datagram")
    #expect(reassembler.add(four(8..<9, more: false)[...], from: PortIndex(1), at: 0) != nil)
  }

  @Test("tiny fragments are not cheap: each counts what it costs to keep")
  func tiny() {
    var reassembler = Reassembler()
    var oldest = 0
    // 8191 pieces of 8 bytes are 590 kB with their overhead: of two such datagrams the first gives way.
    for identification in 0..<2 {
      for index in 1..<8_189 {
        let packet = four(index * 8..<index * 8 + 8, more: true, identification: identification)
        if reassembler.add(packet[...], at: UInt64(identification)) != nil { oldest += 1 }
      }
    }
    #expect(oldest == 0)
    #expect(reassembler.deadline == 30_001)
  }
}

@Suite("Cutting and reassembling") struct CutAndReassembleTests {
  @Test(
    "what the cutter made of a packet, shuffled and with duplicates, is the packet again",
    arguments: 0..<4 as Range<UInt64>)
  func roundTrip(seed: UInt64) {
    var dice = Dice(seed: seed)
    var reassembler = Reassembler()
    for step in 0..<400 {
      let mtu = [68, 576, 1_280, 1_281, 1_500, dice.roll(68...2_000)][dice.roll(0...5)]
      let size = dice.roll(0...9) == 0 ? dice.roll(0...65_000) : dice.roll(0...6_000)
      let payload = dice.bytes(size)
      let isV6 = dice.roll(0...1) == 1
      var fragments: [[UInt8]]
      var want: [UInt8]
      if isV6 {
        want = six(0..<0, more: false)
        want = Array(want[..<4]) + two(payload.count) + [58] + want[7..<40] + payload
        fragments = PacketCutter.fragment6(want, mtu: max(mtu, 100), identification: UInt32(step))
        #expect(fragments.allSatisfy { $0.count <= max(mtu, 100) })
      } else {
        let choices: [[UInt8]] = [
          [], [0x94, 4, 0, 0], [7, 7, 4, 0, 0, 0, 0, 0], [1, 0x88, 4, 1, 2, 0x44, 4, 5, 0, 0, 0, 0],
        ]
        let options = choices[dice.roll(0...3)]
        want = four(0..<0, more: false, identification: step, options: options, payload: payload)
        let frame = [UInt8](repeating: 0, count: 24) + [8, 0] + want
        let cut = PacketCutter.cut(frame, mtu: mtu)
        #expect(cut.allSatisfy { $0.count <= mtu + 26 })
        // Every other time by way of a second link with a smaller MTU: fragments of fragments.
        let isTwice = dice.roll(0...1) == 1
        fragments = (isTwice ? cut.flatMap { PacketCutter.cut($0, mtu: max(mtu / 2, 68)) } : cut).map {
          Array($0[26...])
        }
      }
      fragments.shuffle(using: &dice)
      if fragments.count > 1, let first = fragments.first { fragments.insert(first, at: 1) }
      var results: [[UInt8]] = []
      for fragment in fragments {
        if let whole = reassembler.add(fragment[...], at: UInt64(step)) { results.append(whole) }
      }
      guard results == [want] else {
        Issue.record("seed \(seed), step \(step): \(size) bytes, MTU \(mtu), \(fragments.count) fragments")
        return
      }
    }
    #expect(reassembler.deadline == nil)
  }
}

@Suite("Cutter and reassembler under fire") struct PacketFuzzTests {
  /// Frames of every kind, small enough to be quick. `host` numbers are little-endian.
  static let corpus: [[UInt8]] = {
    func frame(_ header: [UInt8], _ type: [UInt8], _ packet: [UInt8]) -> [UInt8] {
      header + [UInt8](repeating: 0, count: 12 - header.count) + [UInt8](repeating: 2, count: 12) + type + packet
    }
    let tcp: [UInt8] = [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x19, 1, 0, 0, 0, 0, 0] + pattern[..<150]
    let udp: [UInt8] = [0, 1, 0, 2, 0, 158, 0, 0] + pattern[..<150]
    let chain: [UInt8] = [43, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
    var six = Array(whole6(0)[..<40])
    six[5] = 170
    return [
      frame([1, 1, 0, 0, 40, 0, 34, 0, 16, 0], [8, 0], four(0..<0, more: false, protocol: 6, payload: tcp)),
      frame([1, 5, 0, 0, 40, 0, 34, 0, 6, 0], [8, 0], four(0..<0, more: false, protocol: 17, payload: udp)),
      frame([1, 3, 0, 0, 40, 0, 34, 0, 6, 0], [8, 0], four(0..<0, more: false, protocol: 17, payload: udp)),
      frame([1, 0, 0, 0, 0, 0, 34, 0, 6, 0], [8, 0], four(0..<0, more: false, protocol: 17, payload: udp)),
      frame([], [8, 0], four(0..<200, more: true, options: [0x94, 4, 0, 0, 7, 4, 0, 0])),
      frame([], [8, 0], four(200..<301, more: false)),
      frame([1, 4, 0, 0, 40, 0, 54, 0, 16, 0], [0x86, 0xDD], Array(six[..<6]) + [6, 64] + six[8...] + tcp),
      frame(
        [1, 4, 0, 0, 40, 0, 70, 0, 16, 0], [0x86, 0xDD], Array(six[..<5]) + [186, 0, 64] + six[8...] + chain + tcp),
      frame([1, 5, 0, 0, 40, 0, 54, 0, 6, 0], [0x86, 0xDD], Array(six[..<5]) + [158, 17, 64] + six[8...] + udp),
      frame([], [0x86, 0xDD], six + pattern[..<170]),
      frame([], [0x86, 0xDD], fragment6),
      frame([], [8, 6], Array(pattern[..<28])),
    ]
  }()
  private static let fragment6 = six(0..<200, more: true, next: 58)

  /// Whether the IP packet in `frame` is as long as it says and no larger than `mtu`.
  private func isWellFormed(_ frame: [UInt8], mtu: Int) -> Bool {
    guard frame.count >= 26, frame.count - 26 <= mtu, frame[..<12].allSatisfy({ $0 == 0 }) else { return false }
    return isPacket(frame[26...], of: frame[24..<26].map { Int($0) })
  }

  private func isPacket(_ packet: ArraySlice<UInt8>, of type: [Int]) -> Bool {
    let bytes = Array(packet)
    if type == [8, 0] {
      return bytes.count >= 20 && Int(bytes[0] & 15) * 4 <= Int(bytes[2]) << 8 | Int(bytes[3])
        && Int(bytes[2]) << 8 | Int(bytes[3]) <= bytes.count
    }
    return type != [0x86, 0xDD] || bytes.count >= 40 && 40 + (Int(bytes[4]) << 8 | Int(bytes[5])) <= bytes.count
  }

  @Test("mutated frames never trap, and what comes out is no larger than the MTU", arguments: 0..<4 as Range<UInt64>)
  func cutter(seed: UInt64) {
    var dice = Dice(seed: seed)
    var frames = 0
    var split = 0
    for step in 0..<25_000 {
      let bytes = dice.mutated(Self.corpus[dice.roll(0...Self.corpus.count - 1)])
      let mtu = dice.roll(0...1) == 0 ? dice.roll(0...300) : 1_500
      let cut = PacketCutter.cut(bytes, mtu: mtu)
      frames += cut.count
      if cut.count > 1 { split += 1 }
      guard cut.allSatisfy({ isWellFormed($0, mtu: mtu) }) else {
        Issue.record("seed \(seed), step \(step), MTU \(mtu): \(bytes) gives \(cut)")
        return
      }
      if step % 8 == 0, bytes.count > 26 {
        let six = PacketCutter.fragment6(Array(bytes[26...]), mtu: mtu, identification: 1)
        #expect(six.allSatisfy { $0.count <= mtu && $0.count >= 40 })
      }
    }
    #expect(frames > 10_000)
    #expect(split > 1_000)
  }

  @Test("mutated fragments never trap, keep to the limits, and make whole packets", arguments: 0..<4 as Range<UInt64>)
  func reassembler(seed: UInt64) {
    var dice = Dice(seed: seed)
    var reassembler = Reassembler()
    var whole = 0
    var now: UInt64 = 0
    let parts = [
      four(0..<80, more: true), four(80..<160, more: true), four(160..<203, more: false), four(0..<100, more: false),
      six(0..<80, more: true), six(80..<160, more: true), six(160..<203, more: false), six(0..<100, more: false),
    ]
    for step in 0..<25_000 {
      now += UInt64(dice.roll(0...2_000))
      let part = parts[dice.roll(0...parts.count - 1)]
      let packet = dice.roll(0...1) == 0 ? part : dice.mutated(part)
      guard let result = reassembler.add(packet[...], at: now) else {
        if let deadline = reassembler.deadline { #expect(deadline > now && deadline <= now + Reassembler.timeout6) }
        continue
      }
      whole += 1
      let type = result.first.map { $0 >> 4 } == 6 ? [0x86, 0xDD] : [8, 0]
      guard isPacket(result[...], of: type) else {
        Issue.record("seed \(seed), step \(step): \(packet) gives \(result)")
        return
      }
    }
    #expect(whole > 3_000)
  }

  @Test("random bytes and random times do not trap either")
  func noise() {
    var dice = Dice(seed: 99)
    var reassembler = Reassembler()
    for _ in 0..<5_000 {
      let bytes = dice.bytes(dice.roll(0...120))
      #expect(PacketCutter.cut(bytes, mtu: dice.roll(-1...200)).allSatisfy { $0.count <= 226 })
      _ = reassembler.add(bytes[...], at: dice.next())
      _ = PacketCutter.fragment6(bytes, mtu: dice.roll(-1...200), identification: 0)
    }
  }
}
