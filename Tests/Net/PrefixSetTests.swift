import Net
import Testing

private func v4(_ text: String, _ length: Int) -> IPPrefix {
  let octets = text.split(separator: ".").map { UInt32($0)! }
  return IPPrefix(v4: octets.reduce(0) { $0 << 8 | $1 }, length: length)
}
private func v6(_ high: UInt64, _ length: Int) -> IPPrefix { IPPrefix(IPAddress(high: high, low: 0), length: length) }

@Suite("Blocks of addresses") struct PrefixSetTests {
  @Test("what is inside another goes, halves become their whole, families stay apart")
  func examples() {
    let sixteenth = (0..<16).map { v4("198.18.0.0", 15).base.v4 + UInt32($0) << 13 }.map {
      IPPrefix(v4: $0, length: 19)
    }
    #expect(IPPrefix.minimal(sixteenth) == [v4("198.18.0.0", 15)])
    #expect(
      IPPrefix.minimal(sixteenth.dropLast().shuffled()).map(\.description) == [
        "198.18.0.0/16", "198.19.0.0/17", "198.19.128.0/18", "198.19.192.0/19",
      ])
    #expect(IPPrefix.minimal([v4("10.0.1.0", 24), v4("10.0.2.0", 24)]).count == 2, "neighbours that are no halves")
    #expect(IPPrefix.minimal([v4("10.0.0.0", 8), v4("10.1.0.0", 16), v4("10.0.0.0", 8)]) == [v4("10.0.0.0", 8)])
    #expect(IPPrefix.minimal([v4("0.0.0.0", 1), v4("128.0.0.0", 1)]).map(\.description) == ["0.0.0.0/0"])
    #expect(IPPrefix.minimal([v6(0, 0), v4("10.0.0.0", 8)]).count == 2)
    #expect(
      IPPrefix.minimal([v6(0x2001_0db8 << 32, 33), v6(0x2001_0db8_8000_0000, 33)]) == [v6(0x2001_0db8 << 32, 32)])
    #expect(IPPrefix.minimal([]) == [])
  }

  @Test("the list has the same addresses, and no shorter list has", arguments: 1...20)
  func model(seed: UInt64) {
    // Blocks of a /24, addresses one by one.
    var generator = SeededGenerator(seed: seed)
    func random(_ limit: Int) -> Int { .random(in: 0..<limit, using: &generator) }
    for _ in 0..<200 {
      let prefixes = (0..<random(12)).map { _ in
        IPPrefix(v4: 0xC000_0200 | UInt32(random(256)), length: 25 + random(8))
      }
      let minimal = IPPrefix.minimal(prefixes)
      var expected = Set<Int>(), found = Set<Int>()
      for last in 0..<256 {
        let address = IPAddress(v4: 0xC000_0200 | UInt32(last))
        if prefixes.contains(where: { $0.contains(address) }) { expected.insert(last) }
        let holders = minimal.count { $0.contains(address) }
        if holders > 1 { Issue.record("seed \(seed): \(address) is there twice: \(prefixes)") }
        if holders > 0 { found.insert(last) }
      }
      #expect(found == expected, "seed \(seed): \(prefixes)")
      // Fewest aligned blocks, counted from the addresses: a full block is one, otherwise what its halves need.
      func fewest(_ range: Range<Int>) -> Int {
        if expected.isDisjoint(with: range) { return 0 }
        if expected.isSuperset(of: range) { return 1 }
        let middle = (range.lowerBound + range.upperBound) / 2
        return fewest(range.lowerBound..<middle) + fewest(middle..<range.upperBound)
      }
      #expect(minimal.count == fewest(0..<256), "seed \(seed): \(prefixes)")
    }
  }
}
