import Net
import Testing
import Wire

@testable import Switching

@Suite("Stations that move") struct StationMovesTests {
  private func table(telling: Bool = false) -> Stations {
    Stations(StationTable(limit: 64, limitPerPort: 64, aging: 300, secret: (1, 3), telling: telling))
  }
  private let mac = MACAddress(0x02AA_0000_0001)
  private let domain = DomainIndex(1)

  private func moves(_ stations: Stations, at now: UInt32 = 10) -> [UInt64: Int] {
    var found: [UInt64: Int] = [:]
    stations.table.forEach(in: 0..<stations.capacity, at: now) { _, station, _, _, moves in
      found[station.value] = moves
    }
    return found
  }

  private func moved(_ stations: Stations) -> UInt64 { stations.table.moved }

  private func reports(_ stations: Stations) -> [StationMove] {
    var found: [StationMove] = []
    while let move = stations.table.nextMove() { found.append(move) }
    return found
  }

  @Test("each change of port counts, staying does not, and the count stops where it no longer fits")
  func counted() {
    let stations = table()
    stations.learn(mac, in: domain, on: PortIndex(1), at: 10)
    stations.learn(mac, in: domain, on: PortIndex(1), at: 11)
    #expect(moves(stations, at: 11) == [mac.value: 0])
    for turn in 1...40_000 { stations.learn(mac, in: domain, on: PortIndex(1 + turn % 2), at: 11) }
    #expect(moves(stations, at: 11) == [mac.value: 32_767])
    #expect(moved(stations) == 40_000)
    #expect(stations.port(of: mac, in: domain, at: 11) == PortIndex(1))
    #expect(stations.count(of: PortIndex(1)) == 1)
    #expect(stations.count(of: PortIndex(2)) == 0)
  }

  @Test("a move that another worker has told of counts as well")
  func told() {
    let (here, there) = (table(telling: true), table(telling: true))
    here.learn(mac, in: domain, on: PortIndex(1), at: 10)
    func pass(_ from: Stations, to: Stations) {
      while let news = from.table.nextNews() { to.table.hear(news, at: 10) }
    }
    pass(here, to: there)
    for _ in 0..<3 {
      there.learn(mac, in: domain, on: PortIndex(4), at: 10)
      pass(there, to: here)
      here.learn(mac, in: domain, on: PortIndex(1), at: 10)
      pass(here, to: there)
    }
    #expect(moves(here) == [mac.value: 6])
    #expect(moved(here) + moved(there) == 6, "each is one worker's")
  }

  @Test("who goes to and fro is told of, with its pace; one that was moved is not")
  func paces() {
    let stations = table()
    stations.learn(mac, in: domain, on: PortIndex(1), at: 10)
    for turn in 1...3 { stations.learn(mac, in: domain, on: PortIndex(1 + turn % 2), at: 10) }
    #expect(reports(stations).isEmpty)
    stations.learn(mac, in: domain, on: PortIndex(1), at: 19)
    #expect(
      reports(stations) == [
        StationMove(domain: domain, station: mac, from: PortIndex(2), to: PortIndex(1), pace: .flapping)
      ])
    for turn in 1...199 { stations.learn(mac, in: domain, on: PortIndex(1 + turn % 2), at: 20) }
    #expect(reports(stations).map(\.pace) == [.flapping], "of the next ten seconds")
    stations.learn(mac, in: domain, on: PortIndex(1), at: 20)
    #expect(reports(stations).map(\.pace) == [.jumping])
  }

  @Test("of more stations than are watched one after the other is told of, and the memory stays what it is")
  func many() {
    let stations = Stations(StationTable(limit: 4_096, limitPerPort: 4_096, aging: 300, secret: (1, 3)))
    for turn in 0..<10 {
      for number in 1...2_000 as ClosedRange<UInt64> {
        stations.learn(MACAddress(0x0200_0000_0000 + number), in: domain, on: PortIndex(1 + turn % 2), at: 10)
      }
    }
    let told = reports(stations)
    #expect(told.count == 32)
    #expect(told.allSatisfy { $0.pace == .flapping })
  }

  @Test("people are told once a minute of a station, and six times a minute of a server's")
  func notices() {
    var notices = MoveNotices()
    func move(_ number: Int) -> StationMove {
      StationMove(
        domain: domain, station: MACAddress(UInt64(number)), from: PortIndex(1), to: PortIndex(2), pace: .flapping)
    }
    func allows(_ number: Int, server: Int = 5, at now: UInt64) -> Bool {
      notices.allows(move(number), server: server, at: now)
    }
    #expect(allows(1, at: 1_000))
    #expect(!allows(1, at: 60_000))
    #expect(allows(1, at: 61_000))
    let others = (2...20).filter { allows($0, at: 61_000) }
    #expect(others.count == 5)
    #expect(allows(30, server: 6, at: 61_000), "another server's")
    #expect(allows(21, at: 122_000))
  }
}
