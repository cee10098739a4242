import Net
import Testing
import Wire

@testable import Switching

/// A table of one test. A class, because `#expect` cannot hold a noncopyable value.
final class Stations {
  var table: StationTable
  init(_ table: consuming StationTable) { self.table = table }

  func learn(_ station: MACAddress, in domain: DomainIndex, on port: PortIndex, at now: UInt32) {
    table.learn(station, in: domain, on: port, at: now)
  }
  func port(of station: MACAddress, in domain: DomainIndex, at now: UInt32) -> PortIndex? {
    table.port(of: station, in: domain, at: now)
  }
  @discardableResult func flush(_ port: PortIndex?, in domain: DomainIndex?) -> Int { table.flush(port, in: domain) }
  func expire(budget: Int, at now: UInt32) { table.expire(budget: budget, at: now) }
  func setAging(seconds: UInt32) { table.setAging(seconds: seconds) }
  func count(of port: PortIndex) -> Int { table.count(of: port) }
  var count: Int { table.count }
  var capacity: Int { table.capacity }
  var evicted: Int { Int(table.evicted) }
  var refused: Int { Int(table.refused) }
}

@Suite("Station table") struct StationTableTests {
  func table(limit: Int = 1_024, perPort: Int = 1_024, aging: UInt32 = 300, seed: UInt64 = 1) -> Stations {
    var random = SeededGenerator(seed: seed)
    return Stations(
      StationTable(limit: limit, limitPerPort: perPort, aging: aging, secret: (random.next(), random.next())))
  }
  func mac(_ number: Int) -> MACAddress { MACAddress(0x0200_0000_0000 + UInt64(number)) }
  let domain = DomainIndex(1)

  @Test("a station is found where it was last heard, in its own domain only")
  func learning() {
    let stations = table()
    stations.learn(mac(1), in: domain, on: PortIndex(5), at: 10)
    #expect(stations.port(of: mac(1), in: domain, at: 10) == PortIndex(5))
    #expect(stations.port(of: mac(1), in: DomainIndex(2), at: 10) == nil)
    #expect(stations.port(of: mac(2), in: domain, at: 10) == nil)
    stations.learn(mac(1), in: domain, on: PortIndex(6), at: 11)
    #expect(stations.port(of: mac(1), in: domain, at: 11) == PortIndex(6))
    #expect(stations.count == 1)
    #expect(stations.count(of: PortIndex(5)) == 0)
    #expect(stations.count(of: PortIndex(6)) == 1)
  }

  @Test("a station is forgotten after the aging time, and only its own frames refresh it")
  func aging() {
    let stations = table(aging: 300)
    stations.learn(mac(1), in: domain, on: PortIndex(1), at: 100)
    #expect(stations.port(of: mac(1), in: domain, at: 400) == PortIndex(1))
    #expect(stations.port(of: mac(1), in: domain, at: 401) == nil)
    stations.learn(mac(1), in: domain, on: PortIndex(1), at: 350)
    #expect(stations.port(of: mac(1), in: domain, at: 650) == PortIndex(1))
    #expect(stations.port(of: mac(1), in: domain, at: 651) == nil)
    #expect(stations.count == 1)
    stations.expire(budget: stations.capacity, at: 651)
    #expect(stations.count == 0)
  }

  @Test("a shorter aging time holds at once")
  func shorterAging() {
    let stations = table(aging: 300)
    stations.learn(mac(1), in: domain, on: PortIndex(1), at: 100)
    stations.setAging(seconds: 5)
    #expect(stations.port(of: mac(1), in: domain, at: 106) == nil)
  }

  @Test("as many stations as the limit says are kept, whatever the secret", arguments: [1, 2, 3] as [UInt64])
  func holdsLimit(_ seed: UInt64) {
    let stations = table(limit: 131_072, perPort: 131_072, seed: seed)
    for number in 0..<131_072 { stations.learn(mac(number), in: domain, on: PortIndex(1), at: 1) }
    #expect(stations.count + stations.refused + stations.evicted == 131_072)
    #expect(stations.count >= 131_072 - 8, "two choices of four slots find a place for practically every station")
  }

  @Test("one more than the limit displaces a station of the same port, and the count stays", arguments: [64, 1_000])
  func fullTable(_ limit: Int) {
    let stations = table(limit: limit, perPort: limit)
    for number in 0..<limit * 4 { stations.learn(mac(number), in: domain, on: PortIndex(1), at: UInt32(number)) }
    #expect(stations.count <= limit)
    #expect(stations.count > limit / 2)
    #expect(stations.evicted > 0)
  }

  @Test("a port that forges a million sources does not make the switch forget the others")
  func fairness() {
    let stations = table(limit: 4_096, perPort: 4_096)
    for port in 2...21 {
      for number in 0..<50 { stations.learn(mac(port * 1_000 + number), in: domain, on: PortIndex(port), at: 1) }
    }
    for number in 0..<1_000_000 {
      stations.learn(mac(10_000_000 + number), in: domain, on: PortIndex(1), at: 2)
    }
    for port in 2...21 {
      for number in 0..<50 {
        #expect(stations.port(of: mac(port * 1_000 + number), in: domain, at: 2) == PortIndex(port))
      }
    }
    #expect(stations.count <= 4_096)
  }

  @Test("a newcomer of a small port finds a place in a table that a big one has filled")
  func newcomer() {
    let stations = table(limit: 4_096, perPort: 4_096)
    for number in 0..<20_000 { stations.learn(mac(number), in: domain, on: PortIndex(1), at: 1) }
    for number in 0..<100 { stations.learn(mac(1_000_000 + number), in: domain, on: PortIndex(2), at: 2) }
    let found = (0..<100).count { stations.port(of: mac(1_000_000 + $0), in: domain, at: 2) == PortIndex(2) }
    #expect(found >= 98)
    #expect(stations.count <= 4_096)
  }

  @Test("a port at its own limit displaces its own stations only")
  func portLimit() {
    let stations = table(limit: 1_024, perPort: 16)
    for number in 0..<8 { stations.learn(mac(9_000 + number), in: domain, on: PortIndex(2), at: 1) }
    for number in 0..<5_000 { stations.learn(mac(number), in: domain, on: PortIndex(1), at: 2) }
    #expect(stations.count(of: PortIndex(1)) <= 16)
    #expect(stations.count(of: PortIndex(2)) == 8)
  }

  @Test("a flush forgets a port's stations, in one domain or in all")
  func flush() {
    let stations = table()
    for number in 0..<10 {
      stations.learn(mac(number), in: DomainIndex(1), on: PortIndex(1), at: 1)
      stations.learn(mac(number), in: DomainIndex(2), on: PortIndex(1), at: 1)
      stations.learn(mac(number), in: DomainIndex(3), on: PortIndex(2), at: 1)
    }
    #expect(stations.flush(PortIndex(1), in: DomainIndex(2)) == 10)
    #expect(stations.count == 20)
    #expect(stations.flush(PortIndex(1), in: nil) == 10)
    #expect(stations.flush(PortIndex(1), in: nil) == 0)
    #expect(stations.flush(nil, in: DomainIndex(3)) == 10)
    #expect(stations.count == 0)
  }

  @Test("does what a dictionary does, over 50 000 seeded operations", arguments: [11, 12, 13, 14] as [UInt64])
  func model(_ seed: UInt64) {
    struct Heard { var port: Int, at: UInt32 }
    struct Key: Hashable { var mac: Int, domain: Int }
    var random = SeededGenerator(seed: seed)
    // Large enough that nothing is displaced: then the two must agree exactly.
    let stations = table(limit: 65_536, perPort: 65_536, aging: 20, seed: seed)
    var model: [Key: Heard] = [:]
    var now: UInt32 = 1
    for step in 0..<50_000 {
      let key = Key(mac: Int.random(in: 1...400, using: &random), domain: Int.random(in: 1...3, using: &random))
      let port = Int.random(in: 1...6, using: &random)
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<50:
        stations.learn(mac(key.mac), in: DomainIndex(key.domain), on: PortIndex(port), at: now)
        model[key] = Heard(port: port, at: now)
      case 50..<95:
        let want = model[key].flatMap { now - $0.at <= 20 ? $0.port : nil }
        #expect(
          stations.port(of: mac(key.mac), in: DomainIndex(key.domain), at: now)?.value == want,
          "seed \(seed), step \(step)")
      case 95..<97: now += UInt32.random(in: 1...15, using: &random)
      case 97..<98: stations.expire(budget: 4_096, at: now)
      default:
        stations.flush(PortIndex(port), in: DomainIndex(key.domain))
        for (other, heard) in model where other.domain == key.domain && heard.port == port { model[other] = nil }
      }
    }
    var listed: [Key: Int] = [:]
    stations.table.forEach(in: 0..<stations.capacity, at: now) { domain, station, port, age, _ in
      listed[Key(mac: Int(station.value - 0x0200_0000_0000), domain: domain.value)] = port.value
      #expect(age <= 20)
    }
    #expect(listed == model.filter { now - $0.value.at <= 20 }.mapValues(\.port))
  }
}
