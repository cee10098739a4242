import Net
import Testing
import Wire

@testable import Switching

/// Tables of several workers that tell each other, by a way that can lose news.
private final class TalkingTables {
  private var tables: [Stations]
  var loses: () -> Bool = { false }

  init(_ count: Int, limit: Int = 1_024, aging: UInt32 = 300) {
    tables = (0..<count).map { worker in
      Stations(
        StationTable(
          limit: limit, limitPerPort: limit, aging: aging, secret: (UInt64(worker), 0x9E37_79B9), telling: true))
    }
  }

  func learn(_ mac: MACAddress, on port: Int, by worker: Int, at now: UInt32) {
    tables[worker].learn(mac, in: DomainIndex(1), on: PortIndex(port), at: now)
    deliver(from: worker, at: now)
  }

  func pass(at now: UInt32) {
    for worker in tables.indices {
      var left = tables[worker].capacity
      while left > 0 {
        left -= tables[worker].table.expire(budget: left, at: now)
        deliver(from: worker, at: now)
      }
    }
  }

  private func deliver(from worker: Int, at now: UInt32) {
    while let news = tables[worker].table.nextNews() {
      for other in tables.indices where other != worker && !loses() { tables[other].table.hear(news, at: now) }
    }
  }

  func ports(of mac: MACAddress, at now: UInt32) -> [Int?] {
    tables.map { $0.port(of: mac, in: DomainIndex(1), at: now)?.value }
  }
  func flush() { for table in tables { table.flush(nil, in: nil) } }
  var counts: [Int] { tables.map(\.count) }
  var heard: Int { tables.reduce(0) { $0 + $1.table.heardCount } }
}

@Suite("Stations that several workers know") struct StationNewsTests {
  private func mac(_ number: Int) -> MACAddress { MACAddress(0x0200_0000_0000 + UInt64(number)) }

  @Test("what one has heard all know, and it counts once")
  func told() {
    let tables = TalkingTables(3)
    tables.learn(mac(1), on: 5, by: 0, at: 10)
    #expect(tables.ports(of: mac(1), at: 10) == [5, 5, 5])
    #expect(tables.counts == [1, 1, 1])
    #expect(tables.heard == 1)
    tables.learn(mac(1), on: 6, by: 2, at: 10)
    #expect(tables.ports(of: mac(1), at: 10) == [6, 6, 6], "a move in the same second")
    tables.learn(mac(1), on: 5, by: 0, at: 10)
    #expect(tables.ports(of: mac(1), at: 10) == [5, 5, 5], "and back")
    #expect(tables.heard == 1)
    tables.flush()
    #expect(tables.counts == [0, 0, 0])
    #expect(tables.heard == 0)
  }

  @Test("a station that keeps talking is never forgotten by the others; a silent one goes everywhere")
  func aging() {
    let tables = TalkingTables(2, aging: 300)
    tables.learn(mac(1), on: 5, by: 0, at: 1)
    tables.learn(mac(2), on: 6, by: 0, at: 1)
    for now in UInt32(2)...1_000 {
      tables.learn(mac(1), on: 5, by: 0, at: now)
      if now % 16 == 0 { tables.pass(at: now) }
      #expect(tables.ports(of: mac(1), at: now) == [5, 5])
    }
    #expect(tables.ports(of: mac(2), at: 302)[0] == nil)
    #expect(tables.counts == [1, 1])
    tables.pass(at: 1_400)
    #expect(tables.counts == [0, 0])
  }

  @Test("lost news are made good within a pass, whatever was lost", arguments: 1...20)
  func loss(_ seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let tables = TalkingTables(3)
    tables.loses = { Int.random(in: 0..<3, using: &random) == 0 }
    var place: [Int: Int] = [:]
    var choices = SeededGenerator(seed: UInt64(seed) &+ 77)
    for now in UInt32(1)...200 {
      for _ in 0..<8 {
        let (station, port) = (Int.random(in: 0..<60, using: &choices), Int.random(in: 1...9, using: &choices))
        // A port is one worker's, and a station is at one place in a second.
        guard place[station] == nil || now % 7 == 0 || place[station] == port else { continue }
        if let before = place[station], before != port, Int.random(in: 0..<4, using: &choices) > 0 { continue }
        place[station] = port
        tables.learn(mac(station), on: port, by: port % 3, at: now)
      }
    }
    tables.loses = { false }
    // Everybody says something once more where it is, and a pass goes by.
    for (station, port) in place { tables.learn(mac(station), on: port, by: port % 3, at: 201) }
    tables.pass(at: 201)
    for (station, port) in place { #expect(tables.ports(of: mac(station), at: 201) == [port, port, port]) }
    #expect(tables.heard == place.count)
  }

  @Test("the time that was told counts, not the time of the telling")
  func age() {
    let tables = TalkingTables(2, aging: 100)
    tables.loses = { true }
    tables.learn(mac(1), on: 5, by: 0, at: 1)
    tables.loses = { false }
    tables.pass(at: 90)
    #expect(tables.ports(of: mac(1), at: 101) == [5, 5])
    #expect(tables.ports(of: mac(1), at: 102)[0] == nil)
    #expect(tables.ports(of: mac(1), at: 1 + 100 + StationTable.newsPatience + 1) == [nil, nil])
  }

  @Test("nobody is told when there is one worker, and more than the room for news is no harm")
  func room() {
    let alone = Stations(StationTable(limit: 64, limitPerPort: 64, aging: 300, secret: (1, 2)))
    alone.learn(mac(1), in: DomainIndex(1), on: PortIndex(1), at: 1)
    #expect(alone.table.nextNews() == nil)
    let telling = Stations(StationTable(limit: 1_024, limitPerPort: 1_024, aging: 300, secret: (1, 2), telling: true))
    for number in 0..<1_000 { telling.learn(mac(number), in: DomainIndex(1), on: PortIndex(1), at: 1) }
    var told = 0
    while telling.table.nextNews() != nil { told += 1 }
    #expect(told == 256)
    #expect(telling.count == 1_000)
  }
}
