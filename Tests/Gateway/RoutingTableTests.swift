import Gateway
import Net
import Testing
import Wire

/// A routing table that is obviously right.
private struct NaiveRoutes {
  var routes: [IPPrefix: RoutingTable.Target] = [:]

  func find(_ address: IPAddress) -> RoutingTable.Target? {
    // A prefix of one family never holds an address of the other.
    let matching = routes.keys.filter { $0.contains(address) && $0.isV4 == address.isV4 }
    return matching.max { $0.length < $1.length }.flatMap { routes[$0] }
  }
}

@Suite("Routing table") struct RoutingTableTests {
  private static let address = IPAddress(v4: 0xC612_0001)

  @Test("an empty table has no route")
  func empty() {
    let table = RoutingTable()
    #expect(table.find(Self.address) == nil)
    #expect(table.find(IPAddress(v6: 1)) == nil)
  }

  @Test("the longest prefix wins, whatever the order they came in", arguments: [false, true])
  func longest(reversed: Bool) {
    var table = RoutingTable()
    let routes: [(IPPrefix, RoutingTable.Target)] = [
      (IPPrefix(v4: 0xC612_0000, length: 15), .unassigned), (IPPrefix(v4: 0xC612_0000, length: 30), .neighbour(7)),
      (IPPrefix(Self.address), .local),
    ]
    for (prefix, target) in reversed ? routes.reversed() : routes { table.insert(prefix, target) }
    #expect(table.find(Self.address) == .local)
    #expect(table.find(IPAddress(v4: 0xC612_0002)) == .neighbour(7))
    #expect(table.find(IPAddress(v4: 0xC612_0004)) == .unassigned)
    #expect(table.find(IPAddress(v4: 0xC614_0000)) == nil)
    table.remove(IPPrefix(Self.address))
    #expect(table.find(Self.address) == .neighbour(7))
    table.remove(IPPrefix(v4: 0xC612_0000, length: 30))
    #expect(table.find(Self.address) == .unassigned)
  }

  @Test("IPv4's default route is none for IPv6, and the other way round")
  func families() {
    var table = RoutingTable()
    table.insert(IPPrefix(v4: 0, length: 0), .neighbour(4))
    #expect(table.find(Self.address) == .neighbour(4))
    #expect(table.find(IPAddress(v6: 0x2001_0db8 << 96)) == nil)
    table.insert(IPPrefix(IPAddress(v6: 0), length: 0), .neighbour(6))
    #expect(table.find(IPAddress(v6: 0x2001_0db8 << 96)) == .neighbour(6))
    #expect(table.find(Self.address) == .neighbour(4))
  }

  @Test("agrees with a naive table over 20 000 random changes and look-ups", arguments: [1, 2, 3])
  func model(seed: UInt64) {
    var dice = Dice(seed: seed)
    var table = RoutingTable()
    var naive = NaiveRoutes()
    for step in 0..<20_000 {
      // Few bits vary, so that prefixes meet.
      let isV4 = dice.below(2) == 0
      let bits = UInt64(dice.below(1 << 9))
      let address =
        isV4
        ? IPAddress(v4: 0xC612_0000 | UInt32(bits))
        : IPAddress(high: 0x2001_0db8_0000_0000 | bits >> 6, low: bits & 63)
      let length = isV4 ? [0, 15, 24, 29, 30, 31, 32][dice.below(7)] : [0, 32, 56, 64, 127, 128][dice.below(6)]
      let prefix = IPPrefix(address, length: length)
      switch dice.below(4) {
      case 0, 1:
        let target = [RoutingTable.Target.local, .unassigned, .neighbour(Int32(dice.below(100)))][dice.below(3)]
        table.insert(prefix, target)
        naive.routes[prefix] = target
      case 2:
        table.remove(prefix)
        naive.routes[prefix] = nil
      default: break
      }
      let found = table.find(address)
      let expected = naive.find(address)
      #expect(found == expected, "seed \(seed), step \(step), \(address)")
      #expect(table.count == naive.routes.count, "seed \(seed), step \(step)")
      if found != expected { return }
    }
  }

  @Test("holds 30 000 routes, and finds each, and none when they have gone")
  func many() {
    var table = RoutingTable()
    for index in 0..<30_000 {
      table.insert(IPPrefix(IPAddress(v4: UInt32(index))), .neighbour(Int32(index)))
    }
    #expect((0..<30_000).allSatisfy { table.find(IPAddress(v4: UInt32($0))) == .neighbour(Int32($0)) })
    for index in 0..<30_000 { table.remove(IPPrefix(IPAddress(v4: UInt32(index)))) }
    #expect(table.count == 0)
    #expect((0..<30_000).allSatisfy { table.find(IPAddress(v4: UInt32($0))) == nil })
  }
}

extension Dice {
  mutating func below(_ limit: Int) -> Int { roll(0...limit - 1) }
}
