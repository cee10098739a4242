import Foundation
import Net
import Switching
import Testing
import Wire

@testable import Observers

@Suite("The log of drops") struct DropLogTests {
  /// Notes drop `number`, whose frame says so in every byte.
  private static func note(_ number: UInt64, in log: DropLog, size: Int = 60) {
    let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: VirtioNetHeader.size + size)
    unsafe bytes.withUnsafeBytes { memory in
      log.note(
        unsafe FrameBytes(memory.baseAddress!, count: memory.count), length: 0, nic: NICIndex(Int(number % 1_000)),
        isOutgoing: number % 2 == 1, reason: number % 3 == 0 ? .noVLAN : .linkDown, at: number)
    }
  }

  private static func isWhole(_ record: DropRecord) -> Bool {
    let (frame, number) = (record.frame, record.number)
    return frame.time == number && frame.nic == NICIndex(Int(number % 1_000)) && frame.isOutgoing == (number % 2 == 1)
      && record.reason == (number % 3 == 0 ? .noVLAN : .linkDown) && !frame.bytes.isEmpty
      && frame.bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: number) }
  }

  @Test("keeps time, NIC, direction, reason, length, and the first 96 bytes")
  func contents() {
    let log = DropLog()
    #expect(log.records() == [] && log.total == 0)
    Self.note(1, in: log, size: 60)
    Self.note(2, in: log, size: 1_514)
    let records = log.records()
    #expect(records.map(\.number) == [1, 2] && records.allSatisfy(Self.isWhole))
    #expect(records.map(\.frame.length) == [60, 1_514] && records.map(\.frame.bytes.count) == [60, 96])
    #expect(
      log.records(after: 1).map(\.number) == [2] && log.records(after: 2).isEmpty && log.records(after: 9).isEmpty)
  }

  @Test("a drop whose frame is not at hand has its length alone, and nothing of the frame before it")
  func without() {
    let log = DropLog()
    for number in 1...UInt64(DropLog.capacity) { Self.note(number, in: log) }
    log.note(nil, length: 70, nic: NICIndex(3), isOutgoing: true, reason: .receiverSlow, at: 9)
    let frame = log.records(after: UInt64(DropLog.capacity)).first?.frame
    #expect(frame?.length == 70 && frame?.bytes == [] && frame?.reason == .receiverSlow)
    #expect(frame?.offload == .init(repeating: 0, count: VirtioNetHeader.size))
  }

  @Test("has the last 4096")
  func last() {
    let log = DropLog()
    for number in 1...10_000 as ClosedRange<UInt64> { Self.note(number, in: log) }
    let records = log.records()
    #expect(log.total == 10_000 && records.map(\.number) == Array(10_000 - 4_096 + 1...10_000))
    #expect(records.allSatisfy(Self.isWhole))
    #expect(log.records(after: 5).count == 4_096 && log.records(after: 9_998).map(\.number) == [9_999, 10_000])
  }

  @Test("who reads while it is written gets whole drops, in their order")
  func concurrent() async {
    let log = DropLog()
    let count = 400_000 as UInt64
    let thread = Thread {
      for number in 1...count { Self.note(number, in: log) }
    }
    thread.start()
    var last = 0 as UInt64
    while last < count {
      let records = log.records(after: last)
      #expect(records.allSatisfy { Self.isWhole($0) && $0.number > last })
      #expect(zip(records, records.dropFirst()).allSatisfy { $0.number < $1.number })
      if let newest = records.last { last = newest.number }
      await Task.yield()
    }
    #expect(log.total == count)
  }
}
