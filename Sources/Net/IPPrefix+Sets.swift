extension IPPrefix {
  /// IPv4 and IPv6 share one space of numbers here, and only there: ::/0 holds no IPv4 address.
  private var isV4: Bool { length >= 96 && base.isV4 }

  /// Whether every address of `other` is one of this block.
  public func contains(_ other: IPPrefix) -> Bool {
    isV4 == other.isV4 && length <= other.length && contains(other.base)
  }

  /// Whether some address is in both: then one holds the other.
  public func overlaps(_ other: IPPrefix) -> Bool { contains(other) || other.contains(self) }

  /// The block one bit larger.
  private var parent: IPPrefix { IPPrefix(base, length: length - 1) }

  /// The smallest list with the same addresses: a block inside another goes, and two halves become their whole. Sorted.
  public static func minimal(_ prefixes: some Sequence<IPPrefix>) -> [IPPrefix] {
    var result: [IPPrefix] = []
    // Sorted so that what holds a block comes before it, and the halves of one are neighbours.
    for prefix in prefixes.sorted(by: {
      ($0.base.high, $0.base.low, $0.length) < ($1.base.high, $1.base.low, $1.length)
    }) {
      if let last = result.last, last.contains(prefix) { continue }
      result.append(prefix)
      while let upper = result.last, upper.length > (upper.isV4 ? 96 : 0), result.count > 1 {
        let lower = result[result.count - 2]
        guard lower.isV4 == upper.isV4, lower.length == upper.length, lower.parent == upper.parent else { break }
        result.removeLast(2)
        result.append(upper.parent)
      }
    }
    return result
  }
}
