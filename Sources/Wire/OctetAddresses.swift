// Addresses inside byte arrays, beside the numbers of `OctetFields.swift`; the same rules.

public import Net

extension RandomAccessCollection where Element == UInt8, Index == Int {
  /// A MAC address at `index`.
  @inlinable public func macAddress(at index: Int) -> MACAddress {
    MACAddress(UInt64(number16(at: index)) << 32 | UInt64(number32(at: index + 2)))
  }
}

extension Array where Element == UInt8 {
  /// Appends six octets.
  @inlinable public mutating func append(_ address: MACAddress) {
    appendNumber16(UInt16(truncatingIfNeeded: address.value >> 32))
    appendNumber32(UInt32(truncatingIfNeeded: address.value))
  }

  /// Appends the four octets of an IPv4 address, or the sixteen of an IPv6 address.
  @inlinable public mutating func append(_ address: IPAddress) {
    if address.isV4 {
      appendNumber32(address.v4)
    } else {
      for index in 0..<8 { appendNumber16(address.group(index)) }
    }
  }
}
