/// A block of addresses: those whose first bits are those of `base`.
///
/// It knows its length in two ways. `depth` counts bits of the 128-bit form in which an `IPAddress` is held, so that one
/// comparison serves both families; `length` is what people write. An IPv4 /31 has depth 127.
///
/// IPv4 and IPv6 share one space of numbers here, and only there: ::/0 is a block of IPv6, and holds no IPv4 block.
public struct IPPrefix: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The first address; bits behind `depth` are 0.
  public let base: IPAddress
  /// 0...128; of IPv4 96...128.
  public let depth: Int

  /// Bits of `address` behind `depth` (0...128) are cut.
  @inlinable public init(_ address: IPAddress, depth: Int) {
    precondition(depth >= 0 && depth <= 128, "a prefix has at most as many bits as an address")
    base = address.masked(to: depth)
    self.depth = depth
  }

  /// Bits of `address` behind `length` (0...32 or 0...128) are cut.
  @inlinable public init(_ address: IPAddress, length: Int) {
    self.init(address, depth: 128 - address.width + length)
  }

  @inlinable public init(v4 address: UInt32, length: Int) { self.init(IPAddress(v4: address), length: length) }
  @inlinable public init(v6 address: UInt128, length: Int) { self.init(IPAddress(v6: address), depth: length) }

  /// A block of one.
  @inlinable public init(_ address: IPAddress) { self.init(address, depth: 128) }

  @inlinable public var isV4: Bool { depth >= 96 && base.isV4 }
  /// 4 or 6.
  public var family: Int { isV4 ? 4 : 6 }
  /// Bits of an address of this family: 32 or 128.
  public var width: Int { isV4 ? 32 : 128 }
  /// Bits of the prefix: 0...32 or 0...128.
  public var length: Int { isV4 ? depth - 96 : depth }
  /// Whether it has one address alone.
  public var isOne: Bool { depth == 128 }

  /// Addresses in it. 0 stands for 2^128.
  public var size: UInt128 { 1 << UInt128(128 - depth) }

  /// `255.255.255.254`, `ffff:ffff:…:fffe`.
  public var netmask: IPAddress {
    isV4 ? IPAddress(v4: ~UInt32(truncatingIfNeeded: size - 1)) : IPAddress(v6: ~(size &- 1))
  }

  /// Whether the bits of `address` are those of the prefix.
  @inlinable public func contains(_ address: IPAddress) -> Bool { address.masked(to: depth) == base }

  /// `198.18.0.2/31`.
  public var description: String { "\(base)/\(length)" }
}
