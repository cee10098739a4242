// Big-endian fields in raw memory. One load and one byte swap each; the caller has checked the length before.

extension UnsafeRawPointer {
  /// 16 bits in network order at `offset`, which need not be aligned.
  @unsafe @inline(always) @inlinable public func bigEndian16(at offset: Int) -> UInt16 {
    unsafe UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// 64 bits in network order at `offset`, which need not be aligned.
  @unsafe @inline(always) @inlinable public func bigEndian64(at offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}

extension UnsafeMutableRawPointer {
  /// Stores 16 bits in network order at `offset`, which need not be aligned.
  @unsafe @inline(always) @inlinable public func storeBigEndian16(_ value: UInt16, at offset: Int) {
    unsafe storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
  }
}
