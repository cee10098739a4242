import Testing

@testable import Capture

/// A pcapng file, read by the format's own rules.
struct FileBlocks {
  struct Block {
    var type: UInt32
    var body: [UInt8]

    func number(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(body[at + $1]) << UInt32(8 * $1) } }

    /// Options from `start` on, in their order.
    func options(from start: Int) -> [(code: Int, value: [UInt8])] {
      var (at, found): (Int, [(Int, [UInt8])]) = (start, [])
      while at + 4 <= body.count {
        let (code, length) = (Int(body[at]) | Int(body[at + 1]) << 8, Int(body[at + 2]) | Int(body[at + 3]) << 8)
        if code == 0 { break }
        found.append((code, Array(body[(at + 4)..<(at + 4 + length)])))
        at += 4 + (length + 3) / 4 * 4
      }
      return found
    }

    func texts(_ code: Int, from start: Int) -> [String] {
      options(from: start).filter { $0.code == code }.map { String(decoding: $0.value, as: UTF8.self) }
    }
  }

  var blocks: [Block] = []

  /// The lengths before and behind are checked on the way.
  init(_ bytes: [UInt8]) {
    func word(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) } }
    var at = 0
    while at < bytes.count {
      let length = Int(word(at + 4))
      #expect(length % 4 == 0 && word(at + length - 4) == UInt32(length))
      blocks.append(Block(type: word(at), body: Array(bytes[(at + 8)..<(at + length - 4)])))
      at += length
    }
  }
}

@Suite("The pcapng format") struct PcapNGTests {
  private let eth0 = CaptureInterface(server: "web1", nic: "eth0", description: "eth0 of web1", speed: 10_000_000_000)

  @Test("a file begins with its section, of no length that is known")
  func section() {
    var file: [UInt8] = []
    PcapNG.section(application: "toprackd", to: &file)
    let block = FileBlocks(file).blocks[0]
    #expect(block.type == 0x0A0D_0D0A)
    #expect(
      Array(block.body.prefix(16)) == [0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
    #expect(block.texts(4, from: 16) == ["toprackd"])
  }

  @Test("an interface has its name, description, speed, nanoseconds and filter")
  func interface() {
    var file: [UInt8] = []
    PcapNG.interface(eth0, snapLength: 300, filter: "not arp", to: &file)
    let block = FileBlocks(file).blocks[0]
    #expect(block.type == 1 && Array(block.body.prefix(8)) == [1, 0, 0, 0, 44, 1, 0, 0])
    let options = block.options(from: 8)
    #expect(options.map(\.code) == [2, 3, 8, 9, 11])
    #expect(block.texts(2, from: 8) == ["web1/eth0"] && block.texts(3, from: 8) == ["eth0 of web1"])
    #expect(options[2].value == [0, 0xE4, 0x0B, 0x54, 2, 0, 0, 0] && options[3].value == [9])
    #expect(options[4].value == [0] + Array("not arp".utf8))
  }

  @Test(
    "a frame has its time, upper half first, both lengths, padding, direction, comments, and what was lost before it")
  func packet() {
    var file: [UInt8] = []
    let packet = PcapNG.Packet(
      interface: 3, time: 0x0102_0304_0506_0708, length: 60, isInbound: true, comments: ["dropped: storm", "more"],
      lost: 9)
    PcapNG.packet(packet, [1, 2, 3, 4, 5][...], to: &file)
    let block = FileBlocks(file).blocks[0]
    #expect(block.type == 6)
    #expect(
      Array(block.body.prefix(28))
        == [3, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 5, 0, 0, 0, 60, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0])
    let options = block.options(from: 28)
    #expect(options.map(\.code) == [1, 1, 2, 4] && block.texts(1, from: 28) == ["dropped: storm", "more"])
    #expect(options[2].value == [1, 0, 0, 0] && options[3].value == [9, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("one to a server is outbound, and has nothing that is not needed")
  func outbound() {
    var file: [UInt8] = []
    PcapNG.packet(PcapNG.Packet(interface: 0, time: 0, length: 4, isInbound: false), [1, 2, 3, 4], to: &file)
    let options = FileBlocks(file).blocks[0].options(from: 24)
    #expect(options.map(\.code) == [2] && options[0].value == [2, 0, 0, 0])
  }

  @Test("the last blocks count")
  func statistics() {
    var file: [UInt8] = []
    PcapNG.statistics(of: 2, received: 7, lost: 2, comment: "all", from: 1 << 32, to: 2 << 32, to: &file)
    let block = FileBlocks(file).blocks[0]
    #expect(block.type == 5 && block.number(0) == 2 && block.number(4) == 2 && block.number(8) == 0)
    #expect(block.options(from: 12).map(\.code) == [1, 2, 3, 4, 5])
    #expect(block.options(from: 12).map { $0.value.first } == [UInt8(ascii: "a"), 1, 2, 7, 2])
  }
}
