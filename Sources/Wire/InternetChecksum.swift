public import Net

/// The Internet checksum: the one's complement of the one's complement sum of 16-bit words, an odd last byte padded with zero.
/// Source: RFC 1071; incremental update RFC 1624.
public enum InternetChecksum {
  /// Sum of `count` bytes at `bytes` as big-endian words, folded to 16 bits and added to `sum`. Parts that are summed one after
  /// the other must have even lengths, but for the last.
  @unsafe @inline(always) @inlinable
  public static func sum(_ bytes: UnsafeRawPointer, count: Int, adding sum: UInt32 = 0) -> UInt32 {
    // Words in host order, eight bytes at a time with the carry put back in: RFC 1071 2 (B), byte order independence.
    var total: UInt64 = 0
    var index = 0
    while index &+ 8 <= count {
      let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      let (added, carry) = total.addingReportingOverflow(word)
      total = added &+ (carry ? 1 : 0)
      index &+= 8
    }
    var rest: UInt64 = 0
    while index &+ 2 <= count {
      rest &+= unsafe UInt64(bytes.loadUnaligned(fromByteOffset: index, as: UInt16.self))
      index &+= 2
    }
    if index < count { rest &+= unsafe UInt64(bytes.load(fromByteOffset: index, as: UInt8.self)) }
    total = (total & 0xFFFF_FFFF) &+ (total >> 32)
    total &+= rest
    total = (total & 0xFFFF) &+ ((total >> 16) & 0xFFFF) &+ ((total >> 32) & 0xFFFF) &+ (total >> 48)
    total = (total & 0xFFFF) &+ (total >> 16)
    total = (total & 0xFFFF) &+ (total >> 16)
    let ours = UInt32(UInt16(bigEndian: UInt16(truncatingIfNeeded: total)))
    return fold(ours &+ fold(sum))
  }

  /// Brings a sum back to 16 bits.
  @inline(always) @inlinable public static func fold(_ sum: UInt32) -> UInt32 {
    let once = (sum & 0xFFFF) &+ (sum >> 16)
    return (once & 0xFFFF) &+ (once >> 16)
  }

  /// The checksum of data whose sum (with the checksum field zero) is `sum`.
  @inline(always) @inlinable public static func finish(_ sum: UInt32) -> UInt16 {
    ~UInt16(truncatingIfNeeded: fold(sum))
  }

  /// `checksum` after a 16-bit word of the data has changed from `old` to `new`: RFC 1624 3, equation 3.
  @inline(always) @inlinable public static func update(_ checksum: UInt16, from old: UInt16, to new: UInt16) -> UInt16 {
    ~UInt16(truncatingIfNeeded: fold(UInt32(~checksum) &+ UInt32(~old) &+ UInt32(new)))
  }

  /// Sum of the pseudo-header of RFC 9293 3.1 and RFC 8200 8.1.
  @inlinable
  public static func pseudoHeader(
    from source: IPAddress, to destination: IPAddress, protocol number: UInt8, length: Int
  )
    -> UInt32
  {
    var sum = UInt32(number) &+ UInt32(truncatingIfNeeded: length >> 16) &+ UInt32(truncatingIfNeeded: length & 0xFFFF)
    let first = source.isV4 ? 6 : 0
    for index in first..<8 { sum &+= UInt32(source.group(index)) &+ UInt32(destination.group(index)) }
    return fold(sum)
  }
}

extension InternetChecksum {
  /// Sum of `bytes`, added to `sum`.
  public static func sum(_ bytes: some Sequence<UInt8>, adding sum: UInt32 = 0) -> UInt32 {
    var total = UInt64(sum)
    var isHigh = true
    for byte in bytes {
      total += isHigh ? UInt64(byte) << 8 : UInt64(byte)
      isHigh.toggle()
    }
    while total >> 16 != 0 { total = (total & 0xFFFF) + (total >> 16) }
    return UInt32(total)
  }
}
