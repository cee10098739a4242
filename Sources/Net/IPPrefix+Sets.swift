extension IPPrefix {
  /// Whether every address of `other` is one of this block.
  public func contains(_ other: IPPrefix) -> Bool {
    isV4 == other.isV4 && depth <= other.depth && contains(other.base)
  }

  /// Whether some address is in both: then one holds the other.
  public func overlaps(_ other: IPPrefix) -> Bool { contains(other) || other.contains(self) }

  /// The block of `length` (at most this one's) that this one lies in.
  public func prefix(_ length: Int) -> IPPrefix { IPPrefix(base, depth: 128 - width + length) }

  /// The blocks of `length` (at least this one's) that it consists of, in order. `length` is not 0 in IPv6.
  public func parts(_ length: Int) -> some Sequence<IPPrefix> {
    let step: UInt128 = 1 << UInt128(width - length)
    return (0..<size / step).lazy.map { prefix(length, at: $0 * step) }
  }

  private func prefix(_ length: Int, at offset: UInt128) -> IPPrefix {
    IPPrefix(base + offset, depth: 128 - width + length)
  }

  /// The block one bit larger.
  private var parent: IPPrefix { IPPrefix(base, depth: depth - 1) }

  /// The smallest list with the same addresses: a block inside another goes, and two halves become their whole. Sorted.
  public static func minimal(_ prefixes: some Sequence<IPPrefix>) -> [IPPrefix] {
    var result: [IPPrefix] = []
    // Sorted so that what holds a block comes before it, and the halves of one are neighbours.
    for prefix in prefixes.sorted(by: { ($0.base, $0.depth) < ($1.base, $1.depth) }) {
      if let last = result.last, last.contains(prefix) { continue }
      result.append(prefix)
      while let upper = result.last, upper.length > 0, result.count > 1 {
        let lower = result[result.count - 2]
        guard lower.isV4 == upper.isV4, lower.depth == upper.depth, lower.parent == upper.parent else { break }
        result.removeLast(2)
        result.append(upper.parent)
      }
    }
    return result
  }
}
