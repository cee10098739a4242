import Net
import Switching
import Synchronization
import Testing
import Wire

@testable import Dataplane

@Suite("Passes over a station table") struct StationScanTests {
  /// What passes have found, in the order in which they ended.
  private final class Found: Sendable {
    private let all = Mutex<[StationFind?]>([])
    var finds: [StationFind?] { all.withLock(\.self) }
    var reply: StationScans.Reply { { [self] find in all.withLock { $0.append(find) } } }
  }

  /// `count` stations: number n in domain 1 + n % 3 on port 1 + n % 5.
  private func table(_ count: Int) -> StationTable {
    var table = StationTable(limit: 20_000, limitPerPort: 20_000, aging: 300, secret: (1, 3))
    for number in 0..<count {
      table.learn(
        MACAddress(UInt64(number) | 0x0200_0000_0000), in: DomainIndex(1 + number % 3), on: PortIndex(1 + number % 5),
        at: 1)
    }
    return table
  }

  private func numbers(_ records: [StationRecord]) -> [Int] { records.map { Int($0.mac.value & 0xFF_FFFF) } }

  private func finish(_ scans: inout StationScans, _ table: borrowing StationTable) -> Int {
    var turns = 0
    while !scans.isEmpty {
      scans.work(on: table, at: 2)
      turns += 1
    }
    return turns
  }

  @Test("pieces of a listing have each station once, about as many as were asked for")
  func pieces() {
    let table = table(10_000)
    var scans = StationScans()
    var all: [Int] = []
    var place: Int? = 0
    while let from = place {
      let found = Found()
      scans.begin(StationScan(filter: StationFilter(), place: from, limit: 1000, countsAll: false), found.reply)
      _ = finish(&scans, table)
      let find = found.finds[0]!
      #expect(find.next == nil || (1000..<1300).contains(find.records.count))
      all += numbers(find.records)
      place = find.next
    }
    #expect(all.count == 10_000 && Set(all) == Set(0..<10_000))
  }

  @Test("a page is exact, with how many there are, by domain and port", arguments: [0, 1, 999, 665, 666, 667, 5000])
  func page(_ skip: Int) {
    let table = table(10_000)
    var scans = StationScans()
    let filter = StationFilter(domains: [DomainIndex(2), DomainIndex(9)], ports: [PortIndex(1), PortIndex(3)])
    let wanted = (0..<10_000).filter { 1 + $0 % 3 == 2 && [1, 3].contains(1 + $0 % 5) }
    let found = Found()
    scans.begin(StationScan(filter: filter, skip: 0, limit: .max, countsAll: true), found.reply)
    scans.begin(StationScan(filter: filter, skip: skip, limit: 10, countsAll: true), found.reply)
    _ = finish(&scans, table)
    let (whole, page) = (found.finds[0]!, found.finds[1]!)
    #expect(Set(numbers(whole.records)) == Set(wanted) && whole.matched == wanted.count)
    #expect(page.matched == wanted.count)
    #expect(numbers(page.records) == Array(numbers(whole.records).dropFirst(skip).prefix(10)))
  }

  @Test("however many are under way, a turn is one slice of one of them, and each gets its turn")
  func fair() {
    let table = table(10_000)
    var scans = StationScans()
    let found = Found()
    for _ in 0..<3 {
      scans.begin(StationScan(filter: StationFilter(), limit: .max, countsAll: true), found.reply)
    }
    let slices = (table.capacity + StationScans.slice - 1) / StationScans.slice
    for _ in 0..<3 * (slices - 1) { scans.work(on: table, at: 2) }
    #expect(found.finds.isEmpty, "none is served before the others")
    #expect(finish(&scans, table) == 3)
    #expect(found.finds.allSatisfy { $0?.matched == 10_000 })
  }

  @Test("one too many is told so at once")
  func limit() {
    var scans = StationScans()
    let found = Found()
    for _ in 0...StationScans.limit {
      scans.begin(StationScan(filter: StationFilter(), limit: 1, countsAll: false), found.reply)
    }
    #expect(found.finds == [nil])
  }

  @Test("stations that have gone, moved or come meanwhile do not disturb it")
  func changing() {
    var table = table(5_000)
    var scans = StationScans()
    let found = Found()
    scans.begin(StationScan(filter: StationFilter(), limit: .max, countsAll: true), found.reply)
    scans.work(on: table, at: 2)
    table.flush(PortIndex(1), in: nil)
    for number in 6_000..<7_000 {
      table.learn(MACAddress(UInt64(number) | 0x0200_0000_0000), in: DomainIndex(1), on: PortIndex(7), at: 2)
    }
    _ = finish(&scans, table)
    let all = numbers(found.finds[0]!.records)
    #expect(Set(all).count == all.count)
    #expect(Set(all).isSuperset(of: (0..<5_000).filter { $0 % 5 != 0 }), "those that were there all the time")
  }
}
