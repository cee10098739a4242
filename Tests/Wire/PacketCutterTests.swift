import Testing
import Wire

/// A sum that shares nothing with `InternetChecksum`: RFC 1071 1, word by word.
private func naiveSum(_ bytes: some Collection<UInt8>) -> Int {
  var words: [Int] = []
  for (index, byte) in bytes.enumerated() {
    if index % 2 == 0 { words.append(Int(byte) * 256) } else { words[words.count - 1] += Int(byte) }
  }
  return words.reduce(0) { sum, word in sum + word > 0xFFFF ? sum + word - 0xFFFF : sum + word }
}

private let ethernet: [UInt8] = [0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2]
private let source6: [UInt8] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
private let destination6: [UInt8] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF]
private let pattern = (0..<65_536).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

private func two(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

/// An IPv4 packet with a right header checksum. `flags`: the 16 bits of flags and offset.
private func ipv4(
  _ payload: [UInt8], protocol number: UInt8, options: [UInt8] = [], flags: Int = 0, identification: Int = 0x1234
) -> [UInt8] {
  let length = 20 + options.count
  var header: [UInt8] = [0x40 | UInt8(length / 4), 0] + two(length + payload.count) + two(identification)
  header += two(flags) + [64, number, 0, 0, 198, 18, 0, 3, 203, 0, 113, 9] + options
  let checksum = two(0xFFFF - naiveSum(header))
  (header[10], header[11]) = (checksum[0], checksum[1])
  return header + payload
}

private func ipv6(_ payload: [UInt8], next: UInt8) -> [UInt8] {
  [0x60, 0, 0, 0] + two(payload.count) + [next, 64] + source6 + destination6 + payload
}

private func tcp(_ payload: [UInt8], flags: UInt8 = 0x10, options: [UInt8] = []) -> [UInt8] {
  [0x30, 0x39, 0, 80, 0xFF, 0xFF, 0xF0, 0, 0, 0, 0, 9, UInt8(5 + options.count / 4) << 4, flags, 1, 0, 0, 0, 0, 0]
    + options + payload
}

private func udp(_ payload: [UInt8]) -> [UInt8] { [0x30, 0x39, 0, 53] + two(8 + payload.count) + [0, 0] + payload }

/// Sum of the pseudo-header, the upper layer and its checksum, of a packet without options or extension headers: 0xFFFF when right.
private func transportSum(_ packet: some RandomAccessCollection<UInt8>) -> Int {
  let packet = Array(packet)
  let isV4 = packet[0] >> 4 == 4
  let start = isV4 ? Int(packet[0] & 15) * 4 : 40
  let pseudoHeader = isV4 ? packet[12..<20] : packet[8..<40]
  let length = packet.count - start
  return naiveSum(Array(pseudoHeader) + [0, packet[isV4 ? 9 : 6]] + two(length) + packet[start...])
}

/// A virtio header, little-endian as on every host that we test on, and a frame.
private func frame(
  _ packet: [UInt8], gso: UInt8 = 0, size: Int = 0, checksumAt: (start: Int, offset: Int)? = nil
) -> [UInt8] {
  func host(_ value: Int) -> [UInt8] { two(value).reversed() }
  let checksum = checksumAt ?? (0, 0)
  return [checksumAt == nil ? 0 : 1, gso] + host(0) + host(size) + host(checksum.start) + host(checksum.offset) + [
    0, 0,
  ]
    + ethernet + (packet.first.map { $0 >> 4 } == 6 ? [0x86, 0xDD] : [8, 0]) + packet
}

/// `packet` whose upper layer's checksum field, `offset` behind its start, holds the pseudo-header's sum: as the kernel leaves it.
private func unfinished(_ packet: [UInt8], _ offset: Int) -> [UInt8] {
  var packet = packet
  let isV4 = packet[0] >> 4 == 4
  let start = isV4 ? Int(packet[0] & 15) * 4 : 40
  let pseudoHeader = isV4 ? packet[12..<20] : packet[8..<40]
  let sum = two(naiveSum(Array(pseudoHeader) + [0, packet[isV4 ? 9 : 6]] + two(packet.count - start)))
  (packet[start + offset], packet[start + offset + 1]) = (sum[0], sum[1])
  return packet
}

/// The packets in `frames`, whose virtio headers must be empty and Ethernet headers those of the input.
private func packets(_ frames: [[UInt8]]) -> [[UInt8]] {
  frames.map { frame in
    #expect(frame[..<12].allSatisfy { $0 == 0 })
    #expect(Array(frame[12..<24]) == ethernet)
    return Array(frame[26...])
  }
}

@Suite("Checksum finishing, virtio 1.2 5.1.6.2") struct ChecksumFinishingTests {
  @Test("TCP and UDP over both families, odd lengths too", arguments: [0, 1, 2, 7, 100, 1_401])
  func finish(count: Int) {
    let payload = Array(pattern[..<count])
    for (packet, offset) in [
      (ipv4(tcp(payload), protocol: 6), 16), (ipv4(udp(payload), protocol: 17), 6),
      (ipv4(udp(payload), protocol: 17, options: [1, 1, 1, 0]), 6),
      (ipv6(tcp(payload), next: 6), 16), (ipv6(udp(payload), next: 17), 6),
    ] {
      let start = 14 + (packet[0] >> 4 == 4 ? Int(packet[0] & 15) * 4 : 40)
      var bytes = frame(unfinished(packet, offset), checksumAt: (start, offset))
      let cut = packets(PacketCutter.cut(bytes, mtu: 1_500))
      #expect(cut.count == 1)
      #expect(cut.map(transportSum) == [0xFFFF])
      #expect(PacketCutter.finishChecksum(&bytes))
      #expect(bytes[..<12].allSatisfy { $0 == 0 })
      #expect([Array(bytes[26...])] == cut)
    }
  }

  @Test("a UDP checksum of 0 becomes 0xFFFF, that of TCP stays, RFC 768")
  func zero() {
    // The two bytes of payload make the sum 0xFFFF, whose complement is 0.
    func balanced(_ make: ([UInt8]) -> [UInt8], _ offset: Int) -> [UInt8] {
      let zero = unfinished(make([0, 0]), offset)
      return unfinished(make(two(0xFFFF - naiveSum(zero[20...]))), offset)
    }
    let udpCut = packets(
      PacketCutter.cut(frame(balanced({ ipv4(udp($0), protocol: 17) }, 6), checksumAt: (34, 6)), mtu: 1_500))
    #expect(udpCut.map { Array($0[26..<28]) } == [[0xFF, 0xFF]])
    let tcpCut = packets(
      PacketCutter.cut(frame(balanced({ ipv4(tcp($0), protocol: 6) }, 16), checksumAt: (34, 16)), mtu: 1_500))
    #expect(tcpCut.map { Array($0[36..<38]) } == [[0, 0]])
  }

  @Test("padding of the link is not summed, and left out")
  func padding() {
    let packet = unfinished(ipv4(udp([1]), protocol: 17), 6)
    let cut = packets(PacketCutter.cut(frame(packet + [0xAB, 0xCD, 0xEF], checksumAt: (34, 6)), mtu: 1_500))
    #expect(cut.map(\.count) == [packet.count])
    #expect(cut.map(transportSum) == [0xFFFF])
  }

  @Test("a checksum that does not fit, or would overwrite the network header, is refused")
  func bounds() {
    let packet = unfinished(ipv4(udp([1, 2, 3, 4]), protocol: 17, options: [1, 1, 1, 1]), 6)
    for (start, offset, isGood) in [
      (38, 6, true), (38, 10, true), (38, 11, false), (48, 0, true), (49, 0, false), (50, 0, false), (51, 0, false),
      (37, 6, false), (14, 12, false), (0, 40, false), (0xFFFF, 0xFFFF, false), (38, 0xFFFF, false),
    ] {
      var bytes = frame(packet, checksumAt: (start, offset))
      let before = bytes
      #expect(PacketCutter.finishChecksum(&bytes) == isGood, "\(start) + \(offset)")
      #expect(isGood || bytes == before)
      #expect(PacketCutter.cut(before, mtu: 1_500).isEmpty == !isGood, "\(start) + \(offset)")
    }
    var six = frame(ipv6(udp([1, 2]), next: 17), checksumAt: (53, 0))
    #expect(!PacketCutter.finishChecksum(&six))
  }

  @Test("a fragment has no checksum of its own to finish")
  func fragment() {
    let bytes = ipv4(udp(Array(pattern[..<16])), protocol: 17, flags: 0x2000)
    #expect(PacketCutter.cut(frame(bytes, checksumAt: (34, 6)), mtu: 1_500).isEmpty)
    #expect(PacketCutter.cut(frame(bytes), mtu: 1_500).count == 1)
  }
}

@Suite("Frames that need no cutting") struct UncutTests {
  @Test("pass as they are, with an empty virtio header")
  func asIs() {
    for packet in [ipv4([1, 2, 3], protocol: 1), ipv4([], protocol: 1, flags: 0x4000), ipv6([1], next: 58)] {
      var bytes = frame(packet + [0, 0, 0])
      bytes[0] = 2  // DATA_VALID
      #expect(packets(PacketCutter.cut(bytes, mtu: 1_500)) == [packet + [0, 0, 0]])
      #expect(PacketCutter.cut(bytes, mtu: packet.count + 3).map(\.count) == [bytes.count])
      #expect(PacketCutter.cut(bytes, mtu: packet.count).map(\.count) == [bytes.count - 3], "padding is no reason")
    }
  }

  @Test("a packet of the MTU passes, one more byte of IPv6 or DF does not")
  func mtu() {
    let four = ipv4(Array(pattern[..<1_481]), protocol: 1, flags: 0x4000)
    let six = ipv6(Array(pattern[..<1_461]), next: 58)
    #expect(PacketCutter.cut(frame(four), mtu: 1_501).count == 1)
    #expect(PacketCutter.cut(frame(four), mtu: 1_500).isEmpty)
    #expect(PacketCutter.cut(frame(six), mtu: 1_501).count == 1)
    #expect(PacketCutter.cut(frame(six), mtu: 1_500).isEmpty)
  }

  @Test("a frame of another protocol passes when it fits, and is never segmented")
  func other() {
    var arp = frame([UInt8](repeating: 1, count: 28))
    (arp[24], arp[25]) = (8, 6)
    #expect(PacketCutter.cut(arp, mtu: 28) == [[UInt8](repeating: 0, count: 12) + arp[12...]])
    #expect(PacketCutter.cut(arp, mtu: 27).isEmpty)
    arp[1] = 1
    arp[4] = 8
    #expect(PacketCutter.cut(arp, mtu: 1_500).isEmpty)
  }

  @Test("malformed IP gives nothing")
  func malformed() {
    let good = ipv4([1, 2, 3, 4], protocol: 1)
    for (name, offset, value) in [
      ("version 5", 0, 0x55), ("IHL 4", 0, 0x44), ("length over the end", 3, 25), ("IHL over length", 0, 0x47),
    ] {
      var bytes = good
      bytes[offset] = UInt8(value)
      #expect(PacketCutter.cut(frame(bytes), mtu: 1_500).isEmpty, "\(name)")
    }
    #expect(PacketCutter.cut(frame(Array(good[..<19])), mtu: 1_500).isEmpty)
    #expect(PacketCutter.cut(frame(Array(ipv6([1], next: 58).dropLast())), mtu: 1_500).isEmpty)
    #expect(PacketCutter.cut(frame(Array(ipv6([1], next: 0))), mtu: 1_500).isEmpty, "hop-by-hop options cut off")
    for count in 0..<26 { #expect(PacketCutter.cut(Array(frame(good)[..<count]), mtu: 1_500).isEmpty) }
    for mtu in [Int.min, -1, 0] { #expect(PacketCutter.cut(frame(good), mtu: mtu).isEmpty) }
  }
}

struct SuperFrame: Sendable, CustomTestStringConvertible {
  let isV6: Bool
  let isUDP: Bool
  let payload: Int
  let size: Int
  var testDescription: String { "\(isUDP ? "UDP" : "TCP") over IPv\(isV6 ? 6 : 4), \(payload) by \(size)" }

  static let all = [false, true].flatMap { isV6 in
    [false, true].flatMap { isUDP in
      [
        (0, 1_000), (1, 1_000), (999, 1_000), (1_000, 1_000), (1_001, 1_000), (2_000, 1_000), (2_001, 1_000), (9, 1),
        (60_001, 1_401),
      ]
      .map { SuperFrame(isV6: isV6, isUDP: isUDP, payload: $0.0, size: $0.1) }
    }
  }

  /// `flags` of TCP; DF is set.
  func bytes(flags: UInt8 = 0x10, ecn: UInt8 = 0, dontFragment: Bool = true) -> [UInt8] {
    let data = Array(pattern[..<payload])
    let upper = isUDP ? udp(data) : tcp(data, flags: flags, options: [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8])
    let packet =
      isV6
      ? ipv6(upper, next: isUDP ? 17 : 6)
      : ipv4(upper, protocol: isUDP ? 17 : 6, flags: dontFragment ? 0x4000 : 0, identification: 0xFFFF)
    let offset = isUDP ? 6 : 16
    return frame(
      unfinished(packet, offset), gso: (isUDP ? 5 : isV6 ? 4 : 1) | ecn, size: size,
      checksumAt: (isV6 ? 54 : 34, offset))
  }
}

@Suite("Segmentation of super-frames, virtio 1.2 5.1.6.2") struct SegmentationTests {
  @Test("segments carry the payload between them, each with right lengths and checksums", arguments: SuperFrame.all)
  func segments(_ superFrame: SuperFrame) {
    let cut = packets(PacketCutter.cut(superFrame.bytes(), mtu: 1_500))
    #expect(cut.count == max(1, (superFrame.payload + superFrame.size - 1) / superFrame.size))
    let start = superFrame.isV6 ? 40 : 20
    let headers = start + (superFrame.isUDP ? 8 : 32)
    var payload: [UInt8] = []
    for (index, packet) in cut.enumerated() {
      #expect(transportSum(packet) == 0xFFFF)
      if superFrame.isV6 {
        #expect(Array(packet[4..<6]) == two(packet.count - 40))
      } else {
        #expect(naiveSum(packet[..<20]) == 0xFFFF)
        #expect(Array(packet[2..<4]) == two(packet.count))
        #expect(Array(packet[4..<6]) == two((0xFFFF + index) & 0xFFFF), "identification goes on behind 0xFFFF at 0")
        #expect(packet[6] == 0x40)
      }
      if superFrame.isUDP {
        #expect(Array(packet[start + 4..<start + 6]) == two(packet.count - start))
      } else {
        let sequence = 0xFFFF_F000 + index * superFrame.size
        #expect(Array(packet[start + 4..<start + 8]) == two(sequence >> 16 & 0xFFFF) + two(sequence & 0xFFFF))
        #expect(Array(packet[start + 20..<headers]) == [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8])
      }
      #expect(index == cut.count - 1 || packet.count == headers + superFrame.size)
      payload += packet[headers...]
    }
    #expect(payload == Array(pattern[..<superFrame.payload]))
  }

  @Test(
    "CWR is on the first segment only, FIN and PSH on the last only, the others on all, RFC 3168 6.1.2",
    arguments: [false, true])
  func flags(isV6: Bool) {
    let superFrame = SuperFrame(isV6: isV6, isUDP: false, payload: 250, size: 100)
    let at = isV6 ? 53 : 33
    let cut = packets(PacketCutter.cut(superFrame.bytes(flags: 0xFF, ecn: 0x80), mtu: 1_500))
    #expect(cut.map { $0[at] } == [0xF6, 0x76, 0x7F])
    let single = SuperFrame(isV6: isV6, isUDP: false, payload: 100, size: 100)
    #expect(packets(PacketCutter.cut(single.bytes(flags: 0xFF), mtu: 1_500)).map { $0[at] } == [0xFF])
  }

  @Test("a segment larger than the MTU is fragmented when it may be, else there is nothing")
  func tooLarge() {
    for isUDP in [false, true] {
      let four = SuperFrame(isV6: false, isUDP: isUDP, payload: 3_000, size: 1_000)
      let headers = isUDP ? 28 : 52
      #expect(PacketCutter.cut(four.bytes(), mtu: headers + 1_000).count == 3)
      #expect(PacketCutter.cut(four.bytes(), mtu: headers + 999).isEmpty)
      #expect(packets(PacketCutter.cut(four.bytes(dontFragment: false), mtu: headers + 999)).count == 6)
      let six = SuperFrame(isV6: true, isUDP: isUDP, payload: 3_000, size: 1_300)
      #expect(PacketCutter.cut(six.bytes(), mtu: headers + 20 + 1_300).count == 3)
      #expect(PacketCutter.cut(six.bytes(), mtu: headers + 20 + 1_299).isEmpty)
    }
  }

  @Test("2048 segments are made, 2049 are not")
  func limit() {
    for isUDP in [false, true] {
      let most = SuperFrame(isV6: false, isUDP: isUDP, payload: 2_048, size: 1)
      #expect(PacketCutter.cut(most.bytes(), mtu: 1_500).count == 2_048)
      let more = SuperFrame(isV6: false, isUDP: isUDP, payload: 2_049, size: 1)
      #expect(PacketCutter.cut(more.bytes(), mtu: 1_500).isEmpty)
    }
  }

  @Test("what says one thing in the virtio header and is another gives nothing")
  func contradictions() {
    let good = SuperFrame(isV6: false, isUDP: false, payload: 2_000, size: 1_000).bytes()
    for (name, offset, value) in [
      ("TCP over IPv6", 1, 4), ("UDP", 1, 5), ("UFO", 1, 3), ("type 2", 1, 2), ("type 6", 1, 6),
      ("checksum start", 6, 35), ("checksum offset", 8, 6), ("a fragment", 32, 0x20), ("a later fragment", 33, 1),
      ("data offset 4", 58, 0x40), ("size 0", 5, 0),
    ] {
      var bytes = good
      bytes[offset] = UInt8(value)
      if name == "size 0" { bytes[4] = 0 }
      #expect(PacketCutter.cut(bytes, mtu: 1_500).isEmpty, "\(name)")
    }
    var short = frame(ipv4(tcp([]), protocol: 6), gso: 1, size: 100)
    short[12 + 14 + 20 + 12] = 0xF0
    #expect(PacketCutter.cut(short, mtu: 1_500).isEmpty, "data offset over the end")
    let half = frame(ipv4(Array(tcp([])[..<19]), protocol: 6), gso: 1, size: 100)
    #expect(PacketCutter.cut(half, mtu: 1_500).isEmpty)
    let halfUDP = frame(ipv4([1, 2, 3, 4, 5, 6, 7], protocol: 17), gso: 5, size: 100)
    #expect(PacketCutter.cut(halfUDP, mtu: 1_500).isEmpty)
  }

  @Test("TCP behind extension headers is segmented, behind a Routing header with segments left it is not, RFC 8200 8.1")
  func extensionHeaders() {
    for (left, count) in [(UInt8(0), 3), (1, 0)] {
      let routing: [UInt8] = [6, 2, 0, left] + [UInt8](repeating: 0, count: 20)
      let data = Array(pattern[..<2_500])
      let packet = ipv6([43, 0, 1, 4, 0, 0, 0, 0] + routing + tcp(data), next: 0)
      let cut = packets(PacketCutter.cut(frame(packet, gso: 4, size: 1_000, checksumAt: (86, 16)), mtu: 1_500))
      #expect(cut.count == count)
      for packet in cut {
        #expect(Array(packet[40..<72]) == [43, 0, 1, 4, 0, 0, 0, 0] + routing)
        let pseudoHeader = packet[8..<40] + [0, 6] + two(packet.count - 72)
        #expect(naiveSum(pseudoHeader + packet[72...]) == 0xFFFF)
      }
      #expect(cut.flatMap { $0[92...] } == (count == 0 ? [] : data))
    }
  }

  @Test("an old UDP super-frame is one datagram: finished, then fragmented")
  func datagram() {
    let packet = ipv4(udp(Array(pattern[..<3_000])), protocol: 17)
    let bytes = frame(unfinished(packet, 6), gso: 3, size: 1_480, checksumAt: (34, 6))
    let cut = packets(PacketCutter.cut(bytes, mtu: 1_500))
    #expect(cut.map(\.count) == [1_500, 1_500, 68])
    let whole = Array(packet[..<20]) + cut.flatMap { $0[20...] }
    #expect(transportSum(whole) == 0xFFFF)
    let six = unfinished(ipv6(udp(Array(pattern[..<3_000])), next: 17), 6)
    #expect(PacketCutter.cut(frame(six, gso: 3, size: 1_400, checksumAt: (54, 6)), mtu: 1_500).isEmpty)
  }
}

@Suite("IPv4 fragmentation, RFC 791 3.2") struct FragmentationTests {
  private func fields(_ packet: [UInt8]) -> (offset: Int, more: Bool, payload: Int) {
    let field = Int(packet[6]) << 8 | Int(packet[7])
    return ((field & 0x1FFF) * 8, field & 0x2000 != 0, packet.count - Int(packet[0] & 15) * 4)
  }

  @Test(
    "fragments are as large as the MTU lets them be, in eights, and the last takes the rest",
    arguments: [28, 29, 35, 36, 68, 576, 1_280, 1_281, 1_287, 1_288, 1_499, 1_500])
  func sizes(mtu: Int) {
    let room = (mtu - 20) / 8 * 8
    for count in [
      mtu - 19, mtu - 18, room + 9, 2 * room, 2 * room + 1, 2 * room + 7, 3 * room + mtu - 20, 4_000, 4_001,
    ] {
      let payload = Array(pattern[..<count])
      guard count > mtu - 20 else { continue }
      let cut = packets(PacketCutter.cut(frame(ipv4(payload, protocol: 1)), mtu: mtu))
      var at = 0
      for (index, packet) in cut.enumerated() {
        let (offset, more, size) = fields(packet)
        #expect(offset == at)
        #expect(more == (index < cut.count - 1))
        #expect(more ? size == room : size <= mtu - 20)
        #expect(naiveSum(packet[..<20]) == 0xFFFF)
        #expect(Array(packet[2..<4]) == two(packet.count))
        #expect(Array(packet[4..<6]) == [0x12, 0x34])
        at += size
      }
      #expect(cut.flatMap { $0[20...] } == payload, "\(count) bytes")
    }
  }

  @Test("how many pieces there will be is known before the cutting, and one or two too many for each segment at most")
  func pieceCount() {
    func bound(_ bytes: [UInt8], mtu: Int) -> Int {
      var bytes = bytes
      return unsafe bytes.withUnsafeMutableBytes {
        let frame = unsafe FrameBuffer(start: $0.baseAddress!, count: $0.count - 12)
        guard case .header(let header) = frame.decode() else { return -1 }
        return frame.pieceCount(packetSize: frame.packetSize(header), mtu: mtu)
      }
    }
    for mtu in [576, 577, 583, 584, 1_400, 1_500, 9_000] {
      for size in [mtu + 1, 2 * mtu, 9_216, 20_000, 65_535] where size > mtu {
        for options in [[], [0x94, 4, 0, 0]] as [[UInt8]] {
          let bytes = frame(ipv4(Array(pattern[..<(size - 20 - options.count)]), protocol: 1, options: options))
          let pieces = PacketCutter.cut(bytes, mtu: mtu).count
          #expect(pieces > 1 && (pieces...pieces + 2).contains(bound(bytes, mtu: mtu)), "\(size) at \(mtu)")
        }
      }
      for (payload, size) in [(20_000, mtu), (60_000, mtu + 500), (60_000, 9_000), (5_000, 4_999)] {
        let bytes = SuperFrame(isV6: false, isUDP: true, payload: payload, size: size).bytes(dontFragment: false)
        let pieces = PacketCutter.cut(bytes, mtu: mtu).count
        let segments = (payload + size - 1) / size
        #expect(pieces <= bound(bytes, mtu: mtu) || size + 28 <= mtu, "\(payload) by \(size) at \(mtu)")
        #expect(bound(bytes, mtu: mtu) <= 2 * pieces + 2 * segments, "\(payload) by \(size) at \(mtu)")
      }
    }
  }

  @Test("an MTU that cannot carry the header and 8 bytes gives nothing")
  func tinyMTU() {
    let packet = ipv4(Array(pattern[..<100]), protocol: 1)
    #expect(PacketCutter.cut(frame(packet), mtu: 28).count == 13)
    for mtu in [1, 19, 20, 27] { #expect(PacketCutter.cut(frame(packet), mtu: mtu).isEmpty) }
    let withOptions = ipv4(Array(pattern[..<100]), protocol: 1, options: [0x94, 4, 0, 0])
    #expect(!PacketCutter.cut(frame(withOptions), mtu: 32).isEmpty)
    #expect(PacketCutter.cut(frame(withOptions), mtu: 31).isEmpty)
  }

  @Test("options with the copy bit are in every fragment, the others in the first, RFC 791 3.1")
  func options() {
    // Record route (7, not copied), router alert (0x94, copied), no operation, loose source route (0x83, copied), end of list.
    let options: [UInt8] = [7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0, 1, 0x83, 7, 4, 10, 0, 0, 1, 0]
    let cut = packets(PacketCutter.cut(frame(ipv4(Array(pattern[..<200]), protocol: 1, options: options)), mtu: 100))
    #expect(cut.count == 4)
    #expect(Array(cut[0][20..<40]) == options)
    #expect(fields(cut[0]).payload == 56)
    for packet in cut.dropFirst() {
      #expect(packet[0] == 0x48)
      #expect(Array(packet[20..<32]) == [0x94, 4, 0, 0, 0x83, 7, 4, 10, 0, 0, 1, 0])
      #expect(naiveSum(packet[..<32]) == 0xFFFF)
    }
    #expect(cut.map { fields($0).offset } == [0, 56, 120, 184])
    #expect(cut.flatMap { $0[(Int($0[0] & 15) * 4)...] } == Array(pattern[..<200]))
  }

  @Test(
    "options that run over the header are refused, but only when they have to be read",
    arguments: [
      [7, 0, 0, 0], [7, 1, 0, 0], [7, 5, 0, 0], [1, 1, 1, 7], [0x83, 255, 0, 0],
    ] as [[UInt8]])
  func badOptions(_ options: [UInt8]) {
    let packet = ipv4(Array(pattern[..<200]), protocol: 1, options: options)
    #expect(PacketCutter.cut(frame(packet), mtu: 100).isEmpty)
    #expect(PacketCutter.cut(frame(packet), mtu: 224).count == 1)
  }

  @Test("fragments of a fragment keep its offset, and its More Fragments on the last")
  func fragmentsOfFragments() {
    let payload = Array(pattern[..<800])
    let middle = packets(PacketCutter.cut(frame(ipv4(payload, protocol: 1, flags: 0x2000 | 100)), mtu: 340))
    #expect(middle.map { fields($0).offset } == [800, 1_120, 1_440])
    #expect(middle.map { fields($0).more } == [true, true, true])
    let last = packets(PacketCutter.cut(frame(ipv4(payload + [1], protocol: 1, flags: 100)), mtu: 340))
    #expect(last.map { fields($0).more } == [true, true, false])
    #expect(last.map { fields($0).payload } == [320, 320, 161])
    #expect(
      PacketCutter.cut(frame(ipv4(payload + [1], protocol: 1, flags: 0x2000)), mtu: 340).isEmpty,
      "only the last fragment may have an odd length")
  }

  @Test("a fragment may reach to byte 65 535 and not behind it")
  func farthest() {
    // 8140 × 8 = 65 120, and 415 more bytes make 65 535.
    #expect(PacketCutter.cut(frame(ipv4(Array(pattern[..<415]), protocol: 1, flags: 8_140)), mtu: 228).count == 2)
    #expect(PacketCutter.cut(frame(ipv4(Array(pattern[..<416]), protocol: 1, flags: 8_140)), mtu: 228).isEmpty)
  }

  @Test("the largest packet is cut too, and link padding is not cut into it")
  func largest() {
    let payload = Array(pattern[..<65_515])
    let cut = packets(PacketCutter.cut(frame(ipv4(payload, protocol: 1) + [9, 9]), mtu: 68))
    #expect(cut.count == 1_365)
    #expect(cut.flatMap { $0[20...] } == payload)
  }
}

@Suite("IPv6 fragmentation by the sender, RFC 8200 4.5") struct Fragmentation6Tests {
  @Test(
    "fragments are as large as the MTU lets them be, in eights",
    arguments: [56, 63, 64, 1_280, 1_281, 1_287, 1_288, 1_500])
  func sizes(mtu: Int) {
    let room = (mtu - 48) / 8 * 8
    for count in [mtu - 39, mtu - 38, room + 8, 2 * room, 2 * room + mtu - 48, 2 * room + mtu - 47, 4_001] {
      guard count > mtu - 40 else { continue }
      let packet = ipv6(Array(pattern[..<count]), next: 58)
      let cut = PacketCutter.fragment6(packet, mtu: mtu, identification: 0xDEAD_BEEF)
      var at = 0
      for (index, fragment) in cut.enumerated() {
        let isLast = index == cut.count - 1
        #expect(Array(fragment[..<4]) == Array(packet[..<4]))
        #expect(Array(fragment[4..<6]) == two(fragment.count - 40))
        #expect(fragment[6] == 44)
        #expect(Array(fragment[7..<40]) == Array(packet[7..<40]))
        #expect(Array(fragment[40..<48]) == [58, 0] + two(at | (isLast ? 0 : 1)) + [0xDE, 0xAD, 0xBE, 0xEF])
        #expect(isLast ? fragment.count <= mtu : fragment.count == 48 + room)
        at += fragment.count - 48
      }
      #expect(cut.flatMap { $0[48...] } == Array(packet[40...]), "\(count) bytes")
    }
  }

  @Test("a packet of the MTU is not fragmented, one more byte makes two of it")
  func fits() {
    let packet = ipv6(Array(pattern[..<1_241]), next: 58)
    #expect(PacketCutter.fragment6(packet, mtu: 1_281, identification: 1) == [packet])
    #expect(PacketCutter.fragment6(packet + [0, 0], mtu: 1_281, identification: 1) == [packet], "without padding")
    #expect(PacketCutter.fragment6(packet, mtu: 1_280, identification: 1).map(\.count) == [1_280, 57])
  }

  @Test("headers up to Routing are in every fragment, the options behind them in the first")
  func headers() {
    let hopByHop: [UInt8] = [60, 0, 1, 4, 0, 0, 0, 0]
    let beforeRouting: [UInt8] = [43, 0, 1, 4, 0, 0, 0, 0]
    let routing: [UInt8] = [60, 0, 0, 0, 0, 0, 0, 0]
    let last: [UInt8] = [58, 0, 1, 4, 0, 0, 0, 0]
    let data = Array(pattern[..<2_000])
    let cut = PacketCutter.fragment6(
      ipv6(hopByHop + beforeRouting + routing + last + data, next: 0), mtu: 1_280, identification: 7)
    #expect(cut.count == 2)
    for fragment in cut {
      #expect(fragment[6] == 0)
      #expect(Array(fragment[40..<64]) == hopByHop + beforeRouting + [44, 0, 0, 0, 0, 0, 0, 0])
      #expect(fragment[64] == 60)
    }
    #expect(cut.flatMap { $0[72...] } == last + data)

    let alone = PacketCutter.fragment6(ipv6(last + data, next: 60), mtu: 1_280, identification: 7)
    #expect(alone.allSatisfy { $0[6] == 44 && $0[40] == 60 })
  }

  @Test("nothing comes of a fragment, a malformed packet, or an MTU that its headers do not fit in, RFC 7112")
  func refused() {
    let packet = ipv6(Array(pattern[..<2_000]), next: 58)
    #expect(PacketCutter.fragment6(packet, mtu: 55, identification: 1).isEmpty)
    for mtu in [Int.min, -1, 0, 47] { #expect(PacketCutter.fragment6(packet, mtu: mtu, identification: 1).isEmpty) }
    #expect(PacketCutter.fragment6(packet.dropLast(), mtu: 1_280, identification: 1).isEmpty)
    #expect(PacketCutter.fragment6([], mtu: 1_280, identification: 1).isEmpty)
    #expect(PacketCutter.fragment6(ipv4([1], protocol: 1), mtu: 1_280, identification: 1).isEmpty)
    let fragment = ipv6([58, 0, 0, 1, 0, 0, 0, 1] + Array(pattern[..<2_000]), next: 44)
    #expect(PacketCutter.fragment6(fragment, mtu: 1_280, identification: 1).isEmpty)
    let options: [UInt8] = [58, 3] + [UInt8](repeating: 0, count: 30)
    #expect(PacketCutter.fragment6(ipv6(options + pattern[..<500], next: 60), mtu: 48 + 32, identification: 1).isEmpty)
    #expect(!PacketCutter.fragment6(ipv6(options + pattern[..<500], next: 60), mtu: 48 + 40, identification: 1).isEmpty)
  }
}
