import Foundation
import Net
import Observers
import Rings
import Testing

@Suite("A ring of bytes between two threads") struct ByteRingTests {
  private static func write(_ record: [UInt8], to ring: ByteRing) -> Bool {
    unsafe ring.write(record.count) { memory in
      unsafe memory.copyMemory(from: record, byteCount: record.count)
      return true
    }
  }

  private static func read(_ ring: ByteRing) -> [UInt8]? {
    defer { ring.drop() }
    return unsafe ring.peek { unsafe Array($0) }
  }

  @Test("gives records back as they were put in, in their order")
  func order() {
    let ring = ByteRing(capacity: 64)
    #expect(Self.read(ring) == nil)
    #expect(Self.write([1, 2, 3], to: ring) && Self.write([4], to: ring))
    #expect(Self.read(ring) == [1, 2, 3])
    #expect(Self.read(ring) == [4])
    #expect(Self.read(ring) == nil)
  }

  @Test("refuses what finds no room, counts it, and goes on when there is room again")
  func full() {
    let ring = ByteRing(capacity: 64)
    // 24 bytes of record and 8 of length: two fill it.
    #expect(Self.write(.init(repeating: 1, count: 24), to: ring))
    #expect(Self.write(.init(repeating: 2, count: 24), to: ring))
    #expect(!Self.write([3], to: ring) && ring.lost == 1)
    #expect(!Self.write(.init(repeating: 3, count: 64), to: ring) && ring.lost == 2)
    #expect(Self.read(ring) == .init(repeating: 1, count: 24))
    #expect(Self.write(.init(repeating: 4, count: 24), to: ring))
    #expect(Self.read(ring) == .init(repeating: 2, count: 24))
    #expect(Self.read(ring) == .init(repeating: 4, count: 24))
    #expect(Self.read(ring) == nil && ring.lost == 2)
  }

  @Test("a record lies in one piece: the rest of the ring is skipped where it does not fit")
  func wrap() {
    let ring = ByteRing(capacity: 64)
    for round in 0..<100 as Range<UInt8> {
      let record = [UInt8](repeating: round, count: 17)
      #expect(Self.write(record, to: ring))
      #expect(Self.read(ring) == record)
    }
    #expect(ring.lost == 0)
  }

  @Test("who decides against a record while it is written leaves nothing, at the end of the ring too")
  func withdrawn() {
    let ring = ByteRing(capacity: 64)
    for round in 0..<40 as Range<UInt8> {
      #expect(unsafe ring.write(24) { _ in false })
      #expect(Self.read(ring) == nil)
      #expect(Self.write([round, 1, 2, 3, 4, 5, 6, 7, 8], to: ring))
      #expect(unsafe ring.write(8) { _ in false })
      #expect(Self.read(ring) == [round, 1, 2, 3, 4, 5, 6, 7, 8])
    }
    #expect(ring.lost == 0)
  }

  @Test("does what a queue does that forgets what does not fit", arguments: 1...8 as ClosedRange<UInt64>)
  func model(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let capacity = [64, 128, 1_024, 4_096][Int(seed) % 4]
    let ring = ByteRing(capacity: capacity)
    var (queue, lost): ([[UInt8]], UInt64) = ([], 0)
    for step in 0..<20_000 {
      if Bool.random(using: &random) {
        let record = (0..<Int.random(in: 1...capacity / 4, using: &random)).map { _ in
          UInt8.random(in: .min ... .max, using: &random)
        }
        // How much room there is depends on where the record comes to lie; one of a quarter fits into an empty ring.
        let used = queue.reduce(0) { $0 + ($1.count + 15) & ~7 }
        let isTaken = Self.write(record, to: ring)
        if isTaken { queue.append(record) } else { lost += 1 }
        if used == 0 { #expect(isTaken, "step \(step)") }
        if used + record.count + 8 > capacity { #expect(!isTaken, "step \(step)") }
      } else {
        let expected = queue.isEmpty ? nil : queue.removeFirst()
        #expect(Self.read(ring) == expected, "step \(step)")
      }
      #expect(ring.lost == lost)
    }
  }

  @Test("between two threads nothing is lost, doubled or torn but what was refused")
  func threads() async {
    let ring = ByteRing(capacity: 1_024)
    let count = 200_000 as UInt64
    let thread = Thread {
      var number = 1 as UInt64
      while number <= count {
        let size = 8 + Int(number % 60)
        let isTaken = unsafe ring.write(size) { memory in
          unsafe memory.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: number), count: size)
          unsafe memory.storeBytes(of: number, as: UInt64.self)
          return true
        }
        if isTaken { number += 1 } else { sched_yield() }
      }
    }
    thread.start()
    var wanted = 1 as UInt64
    while wanted <= count {
      let isWhole = unsafe ring.peek { bytes in
        let number = unsafe bytes.load(as: UInt64.self)
        let rest = unsafe bytes.dropFirst(8)
        return unsafe number == wanted && bytes.count == 8 + Int(number % 60)
          && rest.allSatisfy { $0 == UInt8(truncatingIfNeeded: number) }
      }
      guard let isWhole else {
        await Task.yield()
        continue
      }
      guard isWhole else {
        Issue.record("record \(wanted) is not what was written")
        return
      }
      ring.drop()
      wanted += 1
    }
    #expect(Self.read(ring) == nil)
  }
}
