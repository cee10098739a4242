import Testing

@testable import Wire

@Suite("The loop probe") struct LoopProbeTests {
  let key = SipKey(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)

  /// The number that a frame, its virtio header first, is read to have.
  private func number(in frame: [UInt8], key: SipKey) -> UInt64? {
    var room = [UInt8](repeating: 0, count: FrameBuffer.headroom) + frame
    return unsafe room.withUnsafeMutableBytes { bytes in
      let buffer = unsafe FrameBuffer(
        start: bytes.baseAddress! + FrameBuffer.headroom, count: frame.count - VirtioNetHeader.size)
      guard case .header(let header) = buffer.decode() else { return nil }
      return buffer.loopProbe(header, key: key)
    }
  }

  @Test("the tag of eight bytes is the reference implementation's")
  func siphash() {
    // SipHash-2-4-64, vectors.h of github.com/veorq/SipHash: key 00…0f, message 00…07.
    #expect(key.tag(of: 0x0706_0504_0302_0100) == 0x93F5_F579_9A93_2462)
  }

  @Test("a probe is read as the number that it was made for, tagged and untagged", arguments: [nil, 100, 0xF064])
  func roundTrip(_ tag: UInt16?) {
    let frame = LoopProbe.frame(number: 0x1234_5678_9ABC_DEF0, key: key, tagControl: tag)
    #expect(frame.count == 12 + 60 + (tag == nil ? 0 : 4))
    #expect(frame[..<12].allSatisfy { $0 == 0 }, "no offload")
    #expect(number(in: frame, key: key) == 0x1234_5678_9ABC_DEF0)
    #expect(number(in: frame, key: SipKey(1, 2)) == nil, "of another process")
  }

  @Test("no bit of a probe behind its addresses can be another one")
  func forged() {
    let frame = LoopProbe.frame(number: 7, key: key, tagControl: nil)
    for bit in 0..<8 * 28 {
      var forged = frame
      forged[12 + 12 + bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(number(in: forged, key: key) == nil, "bit \(bit) behind the addresses")
    }
    for count in 14..<40 { #expect(number(in: Array(frame.prefix(12 + count)), key: key) == nil, "\(count) bytes") }
    var toOne = frame
    toOne[12] = 0x02
    #expect(number(in: toOne, key: key) == nil, "to a station")
  }
}
