import Net
import Observers
import Switching
import Testing

@testable import Capture

/// A watch whose frames we write ourselves, by the same way as a worker.
struct HandMade: ~Copyable {
  let watch: FrameWatch
  let source: CaptureSource
  var observers = Observers(nics: 16, index: 0, log: DropLog())

  init(_ interfaces: [Int: CaptureInterface], _ order: WatchOrder = WatchOrder()) {
    watch = FrameWatch(order, threads: 1, slow: 1)
    source = CaptureSource(watch, Self.indexed(interfaces))
    observers.set(watch, at: 0)
  }

  static func indexed(_ interfaces: [Int: CaptureInterface]) -> [NICIndex: CaptureInterface] {
    Dictionary(uniqueKeysWithValues: interfaces.map { (NICIndex($0.key), $0.value) })
  }

  /// A frame with these bytes, and `offload` before it.
  mutating func see(
    _ bytes: [UInt8], by nic: Int, isOutgoing: Bool = false, reason: DropReason? = nil,
    offload: [UInt8] = .init(repeating: 0, count: 12)
  ) {
    let memory = offload + bytes
    unsafe memory.withUnsafeBytes { memory in
      let frame = unsafe FrameBytes(memory.baseAddress!, count: memory.count)
      switch (isOutgoing, reason) {
      case (false, nil): observers.arrived(frame, by: NICIndex(nic), domain: nil)
      case (true, nil): observers.left(frame, by: NICIndex(nic), domain: nil)
      case (false, let reason?): observers.droppedIncoming(frame, by: NICIndex(nic), reason)
      case (true, let reason?): observers.droppedOutgoing(frame, by: NICIndex(nic), reason)
      }
    }
  }
}

@Suite("A capture of many interfaces as a file") struct CaptureFileTests {
  private let web1 = CaptureInterface(server: "web1", nic: "eth0", description: "one", speed: 10)
  private let web2 = CaptureInterface(server: "web2", nic: "eth1", description: "two", speed: 10)
  private let web3 = CaptureInterface(server: "web3", nic: "eth0", description: "three", speed: 10)
  private let frame = Offloaded.addresses + [8, 6] + [UInt8](repeating: 7, count: 46)

  @Test("has its interfaces first, by name, with one snap length and the filter")
  func head() throws {
    let hand = HandMade(
      [5: web2, 3: web1], WatchOrder(filter: try FrameFilter("not stp"), snapLength: 128))
    var file = CaptureFile(hand.source, application: "test", at: 0)
    let blocks = FileBlocks(file.head()).blocks
    #expect(blocks.map(\.type) == [0x0A0D_0D0A, 1, 1])
    #expect(blocks[1...].map { $0.texts(2, from: 8) } == [["web1/eth0"], ["web2/eth1"]])
    #expect(blocks[1...].allSatisfy { $0.number(4) == 128 && $0.texts(11, from: 8) == ["\0not stp"] })
    #expect(file.blocks([]).isEmpty)
  }

  @Test("shows direction, reason, and frames that were cut; and counts at the end")
  func frames() {
    var hand = HandMade([1: web1, 2: web2], WatchOrder(drops: true))
    let (source, large) = (hand.source, Offloaded.tcp(payload: 3_500, segment: 1_000))
    hand.see(frame, by: 1)
    hand.see(frame, by: 2, isOutgoing: true)
    hand.see(frame, by: 1, reason: .noVLAN)
    hand.see(frame, by: 2, isOutgoing: true, reason: .linkDown)
    hand.see(large.bytes, by: 1, offload: large.offload)
    var (file, reader) = (CaptureFile(source, application: "test", at: 0), CaptureReader(source, CaptureForm()))
    _ = file.head()
    let blocks = FileBlocks(file.blocks(reader.next())).blocks
    #expect(blocks.map(\.type) == .init(repeating: 6, count: 8))
    #expect(blocks.map { $0.number(0) } == [0, 1, 0, 1, 0, 0, 0, 0])
    let options = blocks.map { $0.options(from: 20 + (Int($0.number(12)) + 3) / 4 * 4) }
    #expect(options.map { $0.last { $0.code == 2 }?.value.first } == [1, 2, 1, 2, 1, 1, 1, 1])
    #expect(
      options.map { $0.filter { $0.code == 1 }.map { String(decoding: $0.value, as: UTF8.self) } }
        == [[], [], ["dropped: no-vlan"], ["dropped: link-down"], [], [], [], []])
    #expect(reader.count == 8 && reader.next().isEmpty)
    let end = FileBlocks(file.end(lost: 0, at: 1)).blocks
    #expect(end.map(\.type) == [5, 5])
    #expect(end.map { $0.options(from: 12).first { $0.code == 4 }?.value.first } == [6, 2])
  }

  @Test("a NIC that comes is a new interface before its first frame; one that goes is not seen any more")
  func changes() {
    var hand = HandMade([1: web1])
    let source = hand.source
    var (file, reader) = (CaptureFile(source, application: "test", at: 0), CaptureReader(source, CaptureForm()))
    _ = file.head()
    #expect(!source.set(HandMade.indexed([1: web1])))
    #expect(source.set(HandMade.indexed([1: web1, 4: web3])))
    hand.see(frame, by: 4)
    var blocks = FileBlocks(file.blocks(reader.next())).blocks
    #expect(blocks.map(\.type) == [1, 6] && blocks[1].number(0) == 1)
    // The number is another server's now, and nothing of it is ours.
    #expect(source.set(HandMade.indexed([4: web3])))
    hand.see(frame, by: 1)
    hand.see(frame, by: 4)
    blocks = FileBlocks(file.blocks(reader.next())).blocks
    #expect(blocks.map(\.type) == [6] && blocks[0].number(0) == 1)
    // A new name is a new interface, and an old one that comes again has its own.
    #expect(source.set(HandMade.indexed([4: web2, 7: web1])))
    hand.see(frame, by: 4)
    hand.see(frame, by: 7)
    blocks = FileBlocks(file.blocks(reader.next())).blocks
    #expect(blocks.map(\.type) == [1, 6, 6] && blocks[1...].map { $0.number(0) } == [2, 0])
  }

  @Test("ends at its count, in the middle of a super-frame too")
  func count() {
    var hand = HandMade([1: web1])
    let large = Offloaded.tcp(payload: 3_500, segment: 1_000)
    hand.see(frame, by: 1)
    hand.see(large.bytes, by: 1, offload: large.offload)
    hand.see(frame, by: 1)
    var reader = CaptureReader(hand.source, CaptureForm(count: 3))
    #expect(reader.next().map(\.length) == [60, 1_054, 1_054])
    #expect(reader.isOver && reader.next().isEmpty)
  }

  @Test("what found no room is counted before the frame after it, and at the end")
  func lost() {
    var hand = HandMade([1: web1])
    var reader = CaptureReader(hand.source, CaptureForm())
    for _ in 0..<5_000 { hand.see(frame, by: 1) }
    var frames: [CapturedFrame] = []
    while case let next = reader.next(), !next.isEmpty { frames += next }
    let lost = reader.lost
    #expect(lost > 0 && frames.count == 5_000 - Int(lost))
    #expect(frames.reduce(0) { $0 + $1.lost } == lost)
    var file = CaptureFile(hand.source, application: "test", at: 0)
    _ = file.head() + file.blocks(frames)
    let end = FileBlocks(file.end(lost: lost, at: 1)).blocks[0].options(from: 12)
    let value: [UInt8] = end.first { $0.code == 5 }?.value ?? []
    var said: UInt64 = 0
    for byte in value.reversed() { said = said << 8 | UInt64(byte) }
    #expect(said == lost)
  }
}
