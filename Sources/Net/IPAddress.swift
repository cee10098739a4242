/// An IPv4 or IPv6 address as one 128-bit number, most significant octet first on the wire.
///
/// An IPv4 address is held in its IPv4-mapped form, ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that one table and one
/// comparison serve both families. No packet may carry that form as an IPv6 address, so nothing is ambiguous.
public struct IPAddress: Hashable, Sendable, BitwiseCopyable {
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

  /// 4 or 6.
  public var family: Int { isV4 ? 4 : 6 }
  /// Bits of an address of this family: 32 or 128.
  @inlinable public var width: Int { isV4 ? 32 : 128 }
  /// The address as a number of its family: at most 32 bits for IPv4.
  public var number: UInt128 { isV4 ? UInt128(v4) : v6 }

  /// The address `offset` behind `address`, which is of the same family.
  public static func + (address: IPAddress, offset: UInt128) -> IPAddress { IPAddress(v6: address.v6 &+ offset) }
}

extension IPAddress: Comparable {
  /// By number, IPv4 before every IPv6 address that a host can have.
  public static func < (one: IPAddress, other: IPAddress) -> Bool { (one.high, one.low) < (other.high, other.low) }
}

extension IPAddress {
  /// The address with the bits of the 128-bit form behind `depth` (0...128) cleared.
  @inlinable public func masked(to depth: Int) -> IPAddress {
    // Swift's smart shifts give 0 for a shift of 64 or more.
    if depth >= 64 { return IPAddress(high: high, low: low & ~(UInt64.max >> UInt64(depth - 64))) }
    return IPAddress(high: high & ~(UInt64.max >> UInt64(depth)), low: 0)
  }
}
