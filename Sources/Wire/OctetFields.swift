// Numbers in network order inside byte arrays: what the formats of the slow path are made of. Every access is checked against the
// array's bounds by the array itself; the caller has compared lengths before, so that no packet can make one trap. Frames on the
// fast path use `ByteOrder.swift` instead.

public import Net

extension RandomAccessCollection where Element == UInt8, Index == Int {
  /// 16 bits in network order at `index`.
  @inlinable public func number16(at index: Int) -> UInt16 { UInt16(self[index]) << 8 | UInt16(self[index + 1]) }

  /// 32 bits in network order at `index`.
  @inlinable public func number32(at index: Int) -> UInt32 {
    UInt32(number16(at: index)) << 16 | UInt32(number16(at: index + 2))
  }

  /// An IPv4 address at `index`.
  @inlinable public func address4(at index: Int) -> IPAddress { IPAddress(v4: number32(at: index)) }

  /// An IPv6 address at `index`.
  @inlinable public func address6(at index: Int) -> IPAddress {
    IPAddress(
      high: UInt64(number32(at: index)) << 32 | UInt64(number32(at: index + 4)),
      low: UInt64(number32(at: index + 8)) << 32 | UInt64(number32(at: index + 12)))
  }
}

extension Array where Element == UInt8 {
  /// Stores 16 bits in network order at `index`.
  @inlinable public mutating func setNumber16(_ value: UInt16, at index: Int) {
    self[index] = UInt8(truncatingIfNeeded: value >> 8)
    self[index + 1] = UInt8(truncatingIfNeeded: value)
  }

  /// Stores 32 bits in network order at `index`.
  @inlinable public mutating func setNumber32(_ value: UInt32, at index: Int) {
    setNumber16(UInt16(truncatingIfNeeded: value >> 16), at: index)
    setNumber16(UInt16(truncatingIfNeeded: value), at: index + 2)
  }

  /// Appends 16 bits in network order.
  @inlinable public mutating func appendNumber16(_ value: UInt16) {
    append(UInt8(truncatingIfNeeded: value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  /// Appends 32 bits in network order.
  @inlinable public mutating func appendNumber32(_ value: UInt32) {
    appendNumber16(UInt16(truncatingIfNeeded: value >> 16))
    appendNumber16(UInt16(truncatingIfNeeded: value))
  }
}
