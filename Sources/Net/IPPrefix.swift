/// A block of addresses. `length` counts bits of the 128-bit form, so an IPv4 /31 has length 127.
public struct IPPrefix: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The first address; bits behind `length` are 0.
  public let base: IPAddress
  /// 0...128.
  public let length: Int

  /// Bits of `address` behind `length` are cut.
  @inlinable public init(_ address: IPAddress, length: Int) {
    base = address.masked(to: length)
    self.length = length
  }

  /// An IPv4 block with its length as people write it, 0...32.
  @inlinable public init(v4 address: UInt32, length: Int) { self.init(IPAddress(v4: address), length: 96 + length) }

  @inlinable public func contains(_ address: IPAddress) -> Bool { address.masked(to: length) == base }

  public var description: String { "\(base)/\(base.isV4 && length >= 96 ? length - 96 : length)" }
}
