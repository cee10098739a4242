/// An IPv4 or IPv6 address as one 128-bit number, most significant octet first on the wire.
///
/// An IPv4 address is held in its IPv4-mapped form, ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that one table and one
/// comparison serve both families. No packet may carry that form as an IPv6 address, so nothing is ambiguous.
public struct IPAddress: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// High and low half; for IPv4 `high` is 0 and `low` is 0xFFFF_aabb_ccdd.
  public let high: UInt64
  public let low: UInt64

  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// `value`: the address as a 32-bit number in host order.
  @inlinable public init(v4 value: UInt32) {
    high = 0
    low = 0xFFFF_0000_0000 | UInt64(value)
  }

  @inlinable public init(v6 value: UInt128) {
    high = UInt64(truncatingIfNeeded: value >> 64)
    low = UInt64(truncatingIfNeeded: value)
  }

  @inlinable public var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }
  /// The address as a 32-bit number; meaningful for IPv4.
  @inlinable public var v4: UInt32 { UInt32(truncatingIfNeeded: low) }
  @inlinable public var v6: UInt128 { UInt128(high) << 64 | UInt128(low) }

  /// The two octets at `index` (0...7) of the 16, as a number.
  @inlinable public func group(_ index: Int) -> UInt16 {
    UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)))
  }

  /// Dotted decimal, or the form of RFC 5952.
  public var description: String {
    if isV4 {
      return [24, 16, 8, 0].map { String(UInt8(truncatingIfNeeded: v4 >> UInt32($0))) }.joined(separator: ".")
    }
    let groups = (0..<8).map(group)
    var longest = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(longest.count, 1) { longest = start..<end }
      start = max(end, start + 1)
    }
    func joined(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
    guard !longest.isEmpty else { return joined(groups[...]) }
    return joined(groups[..<longest.lowerBound]) + "::" + joined(groups[longest.upperBound...])
  }
}

extension IPAddress {
  /// The address with the bits behind `length` (0...128) cleared.
  @inlinable public func masked(to length: Int) -> IPAddress {
    // Swift's smart shifts give 0 for a shift of 64 or more.
    if length >= 64 { return IPAddress(high: high, low: low & ~(UInt64.max >> UInt64(length - 64))) }
    return IPAddress(high: high & ~(UInt64.max >> UInt64(length)), low: 0)
  }
}
