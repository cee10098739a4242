import Capture
import Testing

@Suite("The pcapng format") struct PcapNGTests {
  /// Type and body of each block; the lengths before and behind are checked on the way.
  private func blocks(_ bytes: [UInt8]) -> [(type: UInt32, body: [UInt8])] {
    func word(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) } }
    var (at, found): (Int, [(UInt32, [UInt8])]) = (0, [])
    while at < bytes.count {
      let length = Int(word(at + 4))
      #expect(length % 4 == 0 && word(at + length - 4) == UInt32(length))
      found.append((word(at), Array(bytes[(at + 8)..<(at + length - 4)])))
      at += length
    }
    return found
  }

  @Test("a file begins with its section and its interface")
  func head() {
    let found = blocks(PcapNG.head(interface: "eth0", description: "eth0 of web1", application: "toprackd"))
    #expect(found.map(\.type) == [0x0A0D_0D0A, 1])
    #expect(
      Array(found[0].body.prefix(16)) == [0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
    // Ethernet, no limit, name, description, nanoseconds, end.
    #expect(Array(found[1].body.prefix(16)) == [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 4, 0] + Array("eth0".utf8))
    #expect(Array(found[1].body.suffix(12)) == [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("a frame has its time, upper half first, both lengths, and is padded")
  func packet() {
    let found = blocks(PcapNG.packet([1, 2, 3, 4, 5], length: 60, time: 0x0102_0304_0506_0708))
    #expect(found.map(\.type) == [6])
    #expect(
      found[0].body == [0, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 5, 0, 0, 0, 60, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0])
  }

  @Test("the last block counts")
  func statistics() {
    let found = blocks(PcapNG.statistics(received: 7, lost: 2, time: 0))
    #expect(found.map(\.type) == [5])
    #expect(
      Array(found[0].body.dropFirst(12))
        == [4, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("a clock before 1970 is taken for 0, and ends nothing")
  func early() {
    #expect(PcapNG.time(seconds: -1, nanoseconds: 999_999_999) == 0)
    #expect(PcapNG.time(seconds: .min, nanoseconds: 0) == 0)
    #expect(PcapNG.time(seconds: .max, nanoseconds: 0) == 0)
    #expect(PcapNG.time(seconds: 2, nanoseconds: 5) == 2_000_000_005)
  }
}
