import Testing
import Wire

/// A frame in memory of its own, with its virtio header and room before it.
@safe struct Memory: ~Copyable {
  let bytes: UnsafeMutableRawPointer
  let frame: FrameBuffer

  /// `header`: flags, gso type, hdr_len, gso_size, csum_start, csum_offset.
  init(_ content: [UInt8], header: (UInt8, UInt8, UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0, 0, 0)) {
    unsafe bytes = .allocate(byteCount: 16 + 12 + content.count, alignment: 64)
    let start = unsafe bytes + 16
    unsafe start.storeBytes(of: header.0, as: UInt8.self)
    unsafe start.storeBytes(of: header.1, toByteOffset: 1, as: UInt8.self)
    for (index, value) in [header.2, header.3, header.4, header.5, 0].enumerated() {
      unsafe start.storeBytes(of: value, toByteOffset: 2 + 2 * index, as: UInt16.self)
    }
    unsafe (start + 12).copyMemory(from: content, byteCount: content.count)
    frame = unsafe FrameBuffer(start: start, count: content.count)
  }

  deinit { unsafe bytes.deallocate() }
}

/// Bytes of a frame as they stand in memory, without the virtio header.
func content(_ frame: FrameBuffer) -> [UInt8] {
  unsafe Array(UnsafeRawBufferPointer(start: frame.start + 12, count: frame.count))
}

/// A field of the frame's virtio header.
func field(_ frame: FrameBuffer, _ offset: Int) -> UInt16 {
  unsafe frame.start.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
}

func header(_ frame: FrameBuffer) -> FrameHeader {
  guard case .header(let header) = frame.decode() else { preconditionFailure("not a valid frame") }
  return header
}

/// An IPv4 TCP frame head: 14 + 20 + `tcpWords` * 4 bytes, then `payload` bytes.
func tcpFrame(payload: Int, tcpWords: UInt8 = 8, tag: [UInt8] = []) -> [UInt8] {
  var tcp = [UInt8](repeating: 0, count: Int(tcpWords) * 4)
  tcp[12] = tcpWords << 4
  return addresses + tag + [8, 0] + [UInt8](repeating: 0x45, count: 20) + tcp + [UInt8](repeating: 9, count: payload)
}

@Suite("Frame buffer") struct FrameBufferTests {
  let payload: [UInt8] = (0..<50).map { UInt8($0) }

  @Test("a tag is put behind the addresses, and the payload stays where it is")
  func push() {
    let memory = Memory(addresses + [8, 0] + payload)
    var frame = memory.frame
    frame.pushTag(0xA3E9)
    #expect(content(frame) == addresses + [0x81, 0, 0xA3, 0xE9, 8, 0] + payload)
    let ends = unsafe (frame.start + frame.count, memory.frame.start + memory.frame.count)
    #expect(unsafe ends.0 == ends.1)
  }

  @Test("a tag is taken out, an inner one is left alone")
  func pop() {
    let memory = Memory(addresses + [0x81, 0, 0, 7, 0x81, 0, 0, 8, 8, 0] + payload)
    var frame = memory.frame
    frame.popTag()
    #expect(content(frame) == addresses + [0x81, 0, 0, 8, 8, 0] + payload)
  }

  @Test("a tag is rewritten in place")
  func rewrite() {
    let memory = Memory(addresses + [0x81, 0, 0xE0, 0, 8, 0] + payload)
    memory.frame.rewriteTag(0xE3E9)
    #expect(content(memory.frame) == addresses + [0x81, 0, 0xE3, 0xE9, 8, 0] + payload)
  }

  @Test(
    "push and pop give the frame back, virtio header included, at any length", arguments: [14, 15, 60, 1514, 65_000])
  func inverse(_ count: Int) {
    let bytes = addresses + [8, 0] + [UInt8](repeating: 3, count: count - 14)
    let memory = Memory(bytes, header: (1, 1, 66, 1448, 34, 16))
    var frame = memory.frame
    frame.pushTag(100)
    #expect(field(frame, 2) == 70)
    #expect(field(frame, 6) == 38)
    #expect(field(frame, 8) == 16, "csum_offset counts from csum_start and does not move")
    #expect(field(frame, 4) == 1448)
    frame.popTag()
    #expect(content(frame) == bytes)
    #expect(field(frame, 2) == 66)
    #expect(field(frame, 6) == 34)
  }

  @Test("an absent hdr_len never becomes negative")
  func absentHeaderLength() {
    let memory = Memory(addresses + [0x81, 0, 0, 7, 8, 0] + payload, header: (1, 0, 0, 0, 38, 6))
    var frame = memory.frame
    frame.popTag()
    #expect(field(frame, 2) == 0)
    #expect(field(frame, 6) == 34)
  }

  @Test("a frame with nothing to finish keeps its zeros")
  func plainHeader() {
    let memory = Memory(addresses + [8, 0] + payload)
    var frame = memory.frame
    frame.pushTag(1)
    for offset in stride(from: 0, to: 12, by: 2) { #expect(field(frame, offset) == 0) }
  }

  @Test("a second image has the other form and leaves the frame alone", arguments: [nil, 0x2005 as UInt16?])
  func image(_ tag: UInt16?) {
    for own in [[], [0x81, 0, 0xE0, 9]] as [[UInt8]] {
      let bytes = addresses + own + [8, 0] + payload
      let memory = Memory(bytes, header: (1, 1, 66, 1448, 34, 16))
      let scratch = UnsafeMutableRawPointer.allocate(byteCount: 32, alignment: 8)
      defer { unsafe scratch.deallocate() }
      let image = unsafe memory.frame.makeImage(tag, of: header(memory.frame), in: scratch)
      let head = unsafe Array(UnsafeRawBufferPointer(start: image.header + 12, count: image.headerCount - 12))
      let tail = unsafe Array(UnsafeRawBufferPointer(start: image.payload, count: image.payloadCount))
      let tagBytes: [UInt8] = tag == nil ? [] : [0x81, 0, 0x20, 0x05]
      #expect(head + tail == addresses + tagBytes + [8, 0] + payload)
      #expect(image.count == head.count + tail.count)
      let checksumStart = unsafe image.header.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
      #expect(Int(checksumStart) == 34 + tagBytes.count - own.count)
      #expect(content(memory.frame) == bytes)
      #expect(field(memory.frame, 6) == 34)
    }
  }
}

@Suite("Packet size, what an MTU has to hold") struct PacketSizeTests {
  func size(_ memory: borrowing Memory) -> Int { memory.frame.packetSize(header(memory.frame)) }

  @Test("is the frame without its link header")
  func plain() {
    #expect(size(Memory(addresses + [8, 0] + [UInt8](repeating: 0, count: 1500))) == 1500)
    #expect(size(Memory(addresses + [0x81, 0, 0, 7, 8, 0] + [UInt8](repeating: 0, count: 1500))) == 1500)
    #expect(size(Memory(addresses + [8, 0])) == 0)
  }

  @Test("leaves every tag out: the outer one, a second one, and one of the provider's")
  func stackedTags() {
    let packet: [UInt8] = [0x88, 0xB5] + [UInt8](repeating: 0, count: 1_500)
    let (customer, provider): ([UInt8], [UInt8]) = ([0x81, 0, 0, 7], [0x88, 0xA8, 0, 9])
    for tags in [
      customer + customer, customer + provider, provider, provider + customer, customer + provider + customer,
    ] {
      #expect(size(Memory(addresses + tags + packet)) == 1_500)
    }
    #expect(size(Memory(addresses + customer + customer)) == 2, "a second tag without a type behind it is none")
    let large = Memory(tcpFrame(payload: 20_000, tag: customer + customer), header: (1, 1, 74, 1_448, 42, 16))
    #expect(size(large) == 1_500)
  }

  @Test("of a TCP super-frame is that of one segment", arguments: [5, 8, 15] as [UInt8])
  func tcp(_ words: UInt8) {
    let memory = Memory(tcpFrame(payload: 20_000, tcpWords: words), header: (1, 1, 0, 1448, 34, 16))
    #expect(size(memory) == 20 + Int(words) * 4 + 1448)
    let ecn = Memory(tcpFrame(payload: 20_000, tcpWords: words), header: (1, 0x81, 0, 1448, 34, 16))
    #expect(size(ecn) == 20 + Int(words) * 4 + 1448)
  }

  @Test("of a tagged super-frame leaves the tag out")
  func tagged() {
    let memory = Memory(tcpFrame(payload: 20_000, tag: [0x81, 0, 0, 7]), header: (1, 1, 70, 1448, 38, 16))
    #expect(size(memory) == 1500)
  }

  @Test("of a UDP super-frame counts 8 bytes of UDP header")
  func udp() {
    let memory = Memory(addresses + [8, 0] + [UInt8](repeating: 0, count: 9_000), header: (1, 5, 42, 1472, 34, 6))
    #expect(size(memory) == 1500)
  }

  @Test("of a super-frame smaller than one segment is its own")
  func short() {
    let memory = Memory(tcpFrame(payload: 100), header: (1, 1, 66, 1448, 34, 16))
    #expect(size(memory) == 20 + 32 + 100)
  }

  @Test(
    "of a forged header is the whole frame, and nothing outside is read",
    arguments: [0, 13, 60, 100, 65_535] as [UInt16])
  func forged(_ checksumStart: UInt16) {
    let memory = Memory(
      addresses + [8, 0] + [UInt8](repeating: 0xFF, count: 60), header: (1, 1, 0, 1448, checksumStart, 16))
    #expect(size(memory) <= 60)
  }
}
