import Net
import Testing

private func v4(_ text: String, _ length: Int) -> IPPrefix { IPPrefix(IPAddress(text)!, length: length) }
private func v6(_ high: UInt64, _ length: Int) -> IPPrefix { IPPrefix(IPAddress(high: high, low: 0), length: length) }

@Suite("Prefixes") struct IPPrefixTests {
  @Test("are written with the length of their family")
  func text() {
    let (one, other) = (v4("198.18.0.3", 31), IPPrefix(v6: 0x2001_0db8 << 96 | 3, length: 127))
    #expect(one.description == "198.18.0.2/31" && other.description == "2001:db8::2/127")
    #expect((one.depth, one.length, one.width, other.depth, other.length) == (127, 31, 32, 127, 127))
    #expect(one.netmask.description == "255.255.255.254" && v4("0.0.0.0", 0).netmask == .unspecified4)
    #expect(other.netmask.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")
    #expect(v6(0, 0).netmask == .unspecified6 && v6(0, 0).size == 0 && v4("0.0.0.0", 0).size == 1 << 32)
  }

  @Test("hold their own addresses and no others", arguments: [0, 1, 31, 63, 64, 65, 96, 112, 127, 128])
  func contains(length: Int) {
    let all = IPAddress(high: .max, low: .max)
    let prefix = IPPrefix(all, length: length)
    #expect(prefix.contains(all))
    let host: UInt128 = length == 128 ? 0 : UInt128.max >> UInt128(length)
    #expect(prefix.base.v6 == UInt128.max & ~host)
    guard length > 0 else { return }
    #expect(!prefix.contains(IPAddress(v6: UInt128.max ^ (1 << UInt128(128 - length)))))
  }

  @Test("the default routes of the two families are different prefixes")
  func defaults() {
    let (four, six) = (v4("0.0.0.0", 0), v6(0, 0))
    #expect(four.contains(IPAddress(v4: 0x0102_0304)) && !four.contains(IPAddress(v6: 0x2001_0db8 << 96)))
    #expect(four.isV4 && !six.isV4 && !four.overlaps(six))
  }

  @Test("are cut into parts, and lie in larger ones")
  func parts() {
    let block = v4("198.18.24.0", 29)
    #expect(
      block.parts(31).map(\.description) == ["198.18.24.0/31", "198.18.24.2/31", "198.18.24.4/31", "198.18.24.6/31"])
    #expect(block.parts(29).map(\.self) == [block] && Array(block.parts(32)).last?.base.description == "198.18.24.7")
    #expect(v4("198.18.24.7", 32).prefix(29) == block && block.prefix(0) == v4("0.0.0.0", 0))
  }
}

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
