import Net
import Observers
import Switching
import Testing
import Wire

@testable import Capture

/// Frames as Linux hands them to a virtual NIC.
enum Offloaded {
  static let addresses: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]

  /// TCP from 10.0.0.1 to 10.0.0.2 with `payload` bytes, behind `tags`.
  static func tcp(payload: Int, tags: [UInt8] = [], segment: Int? = nil, kept: Int? = nil) -> SeenFrame {
    var packet: [UInt8] = [0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
    packet.setNumber16(UInt16(clamping: 40 + payload), at: 2)
    packet.setNumber16(InternetChecksum.finish(InternetChecksum.sum(packet)), at: 10)
    var tcp: [UInt8] = [0x0F, 0xA0, 0, 80, 0, 0, 0, 100, 0, 0, 0, 1, 0x50, 0x18, 0x20, 0, 0, 0, 0, 0]
    // What Linux leaves there: the sum of the pseudo header.
    let pseudo = InternetChecksum.fold(
      InternetChecksum.sum(Array(packet[12...]), adding: UInt32(6 + 20 + payload)))
    tcp.setNumber16(UInt16(truncatingIfNeeded: pseudo), at: 16)
    let bytes =
      addresses + tags + [8, 0] + packet + tcp + (0..<payload).map { UInt8(truncatingIfNeeded: $0 / 100 + $0) }
    let start = 34 + tags.count
    var offload = [UInt8](repeating: 0, count: 12)
    offload[0] = 1
    (offload[6], offload[8]) = (UInt8(start), 16)
    if let segment {
      offload[1] = 1
      offload[2] = UInt8(start + 20)
      (offload[4], offload[5]) = (UInt8(segment & 255), UInt8(segment >> 8))
    }
    return SeenFrame(
      time: 1, nic: NICIndex(0), isOutgoing: false, reason: nil, length: bytes.count, offload: offload,
      bytes: Array(bytes.prefix(kept ?? .max)))
  }

  /// The sum over the pseudo header and the segment is all ones.
  static func isSound(_ frame: [UInt8], tagCount: Int = 0) -> Bool {
    let packet = Array(frame[(14 + tagCount)...])
    let segment = Array(packet[20...])
    let pseudo = InternetChecksum.sum(Array(packet[12..<20]), adding: UInt32(6 + segment.count))
    return InternetChecksum.fold(InternetChecksum.sum(segment, adding: pseudo)) == 0xFFFF
      && InternetChecksum.fold(InternetChecksum.sum(Array(packet[..<20]))) == 0xFFFF
  }
}

@Suite("What the virtio header leaves open is finished") struct FrameFinisherTests {
  private let tag: [UInt8] = [0x81, 0, 3, 0xE9]

  @Test("a frame with nothing open stays as it is, byte for byte")
  func plain() {
    var frame = Offloaded.tcp(payload: 40)
    frame.offload = .init(repeating: 0, count: 12)
    #expect(FrameFinisher().finish(frame) == [.init(bytes: frame.bytes, length: frame.length)])
  }

  @Test("a checksum is finished, behind tags too", arguments: [0, 1, 2])
  func checksum(tags: Int) {
    let tags = (0..<tags).flatMap { _ in tag }
    let frame = Offloaded.tcp(payload: 333, tags: tags)
    let shown = FrameFinisher().finish(frame)
    #expect(shown.count == 1 && shown[0].length == frame.length && shown[0].bytes.count == frame.bytes.count)
    #expect(Offloaded.isSound(shown[0].bytes, tagCount: tags.count))
    #expect(shown[0].bytes.prefix(14 + tags.count) == frame.bytes.prefix(14 + tags.count))
    #expect(FrameFinisher(keepsOffload: true).finish(frame).map(\.bytes) == [frame.bytes])
  }

  @Test("a super-frame becomes its segments, behind tags too", arguments: [0, 1, 2])
  func segments(tags: Int) {
    let tags = (0..<tags).flatMap { _ in tag }
    let frame = Offloaded.tcp(payload: 3_500, tags: tags, segment: 1_000)
    let shown = FrameFinisher().finish(frame)
    #expect(shown.map(\.length) == [1_000, 1_000, 1_000, 500].map { $0 + 54 + tags.count })
    #expect(shown.allSatisfy { Offloaded.isSound($0.bytes, tagCount: tags.count) && $0.comment == nil })
    let payload = shown.flatMap { $0.bytes.dropFirst(54 + tags.count) }
    #expect(payload == Array(frame.bytes[(54 + tags.count)...]))
    let sequences = shown.map { $0.bytes.number32(at: 38 + tags.count) }
    #expect(sequences == [100, 1_100, 2_100, 3_100])
    #expect(shown.allSatisfy { $0.bytes[..<(14 + tags.count)] == frame.bytes[..<(14 + tags.count)] })
  }

  @Test("or stays whole, and says what it stands for")
  func whole() {
    let frame = Offloaded.tcp(payload: 3_500, tags: tag, segment: 1_000)
    let shown = FrameFinisher(keepsWhole: true).finish(frame)
    #expect(shown.map(\.comment) == ["super-frame: 4 segments of 1000 bytes"])
    #expect(shown[0].length == frame.length && Offloaded.isSound(shown[0].bytes, tagCount: 4))
    let raw = FrameFinisher(keepsOffload: true).finish(frame)
    #expect(raw.map(\.bytes) == [frame.bytes])
  }

  @Test(
    "of one that was not kept whole, segments have what was kept of them",
    arguments: [54, 60, 154, 1_053, 1_054, 1_500, 3_000])
  func snapped(kept: Int) {
    let frame = Offloaded.tcp(payload: 3_500, segment: 1_000, kept: kept)
    let shown = FrameFinisher(snapLength: kept).finish(frame)
    #expect(shown.map(\.length) == [1_054, 1_054, 1_054, 554])
    let all = Offloaded.tcp(payload: 3_500, segment: 1_000)
    for (index, segment) in shown.enumerated() {
      let own = min(max(0, kept - 54 - index * 1_000), 1_000)
      #expect(segment.bytes.count == min(kept, 54 + own))
      #expect(
        Array(segment.bytes.dropFirst(54)) == Array(all.bytes[(54 + index * 1_000)...].prefix(segment.bytes.count - 54))
      )
    }
  }

  @Test("a frame that was not kept whole keeps its open checksum")
  func snappedChecksum() {
    let frame = Offloaded.tcp(payload: 400, kept: 96)
    #expect(FrameFinisher().finish(frame) == [.init(bytes: frame.bytes, length: frame.length)])
  }

  @Test(
    "whatever a virtio header says of a frame, nothing traps and something is shown", arguments: [1, 2, 3] as [UInt64])
  func random(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<5_000 {
      var frame = Offloaded.tcp(
        payload: Int.random(in: 0...4_000, using: &random), tags: Bool.random(using: &random) ? tag : [],
        segment: Bool.random(using: &random) ? Int.random(in: 0...2_000, using: &random) : nil,
        kept: Bool.random(using: &random) ? Int.random(in: 0...200, using: &random) : nil)
      for _ in 0..<3 {
        frame.offload[Int.random(in: 0..<12, using: &random)] = .random(in: .min ... .max, using: &random)
      }
      if !frame.bytes.isEmpty, Bool.random(using: &random) {
        frame.bytes[Int.random(in: 0..<frame.bytes.count, using: &random)] = .random(in: .min ... .max, using: &random)
      }
      let shown = FrameFinisher(keepsWhole: Bool.random(using: &random)).finish(frame)
      #expect(!shown.isEmpty && shown.allSatisfy { $0.bytes.count <= $0.length })
    }
  }
}
