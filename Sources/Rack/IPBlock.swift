/// A block of IPv4 or IPv6 addresses.
public struct IPBlock: Hashable, Sendable, CustomStringConvertible {
  /// 4 or 6.
  public let family: Int
  /// The first address; the bits behind `length` are 0.
  public let base: UInt128
  /// Bits of the prefix: 0...32 or 0...128.
  public let length: Int

  /// - Precondition: `family` is 4 or 6, `length` fits it, and `base` has no bit set behind `length`.
  public init(family: Int, base: UInt128, length: Int) {
    precondition(family == 4 || family == 6, "address family \(family)")
    let width = family == 4 ? 32 : 128
    precondition((0...width).contains(length), "prefix length \(length)")
    precondition(width == 128 || base >> 32 == 0, "an IPv4 address has 32 bits")
    precondition(
      length == width || base & ((1 << UInt128(width - length)) - 1) == 0, "host bits set in a network address")
    (self.family, self.base, self.length) = (family, base, length)
  }

  /// Bits of an address of this family: 32 or 128.
  public var width: Int { family == 4 ? 32 : 128 }

  /// The address at `offset` from the first, as text.
  public func address(_ offset: UInt128 = 0) -> String { IPText.text(of: base + offset, family: family) }

  /// `255.255.255.254`, `ffff:ffff:…:fffe`.
  public var netmask: String {
    let all: UInt128 = family == 4 ? 0xFFFF_FFFF : .max
    let host: UInt128 = length == width ? 0 : (1 << UInt128(width - length)) - 1
    return IPText.text(of: all & ~host, family: family)
  }

  /// `198.18.0.2/31`.
  public var description: String { "\(address())/\(length)" }
}

/// IP addresses as text.
enum IPText {
  static func text(of address: UInt128, family: Int) -> String {
    family == 4
      ? (0..<4).map { String(UInt8(truncatingIfNeeded: address >> (24 - 8 * $0))) }.joined(separator: ".")
      : version6(address)
  }

  /// RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups shortened.
  private static func version6(_ address: UInt128) -> String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: address >> (112 - 16 * $0)) }
    var longest = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(longest.count, 1) { longest = start..<end }
      start = max(end, start + 1)
    }
    func joined(_ part: ArraySlice<UInt16>) -> String {
      part.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard !longest.isEmpty else { return joined(groups[...]) }
    return joined(groups[..<longest.lowerBound]) + "::" + joined(groups[longest.upperBound...])
  }
}
