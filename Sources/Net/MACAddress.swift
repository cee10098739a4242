/// A 48-bit MAC address. The octet that goes first on the wire is the most significant of the low 48 bits of `value`.
///
/// Source: IEEE 802-2014 8.2.
public struct MACAddress: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// 0...0xFFFF_FFFF_FFFF.
  public let value: UInt64

  /// Bits above the low 48 are cut.
  @inlinable public init(_ value: UInt64) { self.value = value & 0xFFFF_FFFF_FFFF }

  /// Multicast or broadcast: the I/G bit, lowest of the first octet.
  @inlinable public var isGroup: Bool { value & 0x0100_0000_0000 != 0 }

  @inlinable public var isBroadcast: Bool { value == 0xFFFF_FFFF_FFFF }

  /// 01-80-C2-00-00-00…0F, which no VLAN bridge forwards. Source: IEEE 802.1Q-2018 Table 8-1, 8.6.3.
  @inlinable public var isReserved: Bool { value & ~0xF == 0x0180_C200_0000 }

  /// 01-80-C2-00-00-02: LACP, marker, OAM. Source: IEEE 802.3-2018 57A.3.
  @inlinable public var isSlowProtocols: Bool { value == 0x0180_C200_0002 }

  /// Neither a group nor all zeros: something that a station may send from.
  @inlinable public var isValidSource: Bool { value & 0x0100_0000_0000 == 0 && value != 0 }

  /// Chosen by somebody, not given by a maker: the U/L bit, next of the first octet.
  public var isLocal: Bool { value & 0x0200_0000_0000 != 0 }

  /// Six, in the order of the wire.
  public var octets: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: value >> UInt64(40 - 8 * $0)) } }

  /// Lower case with colons.
  public var description: String {
    octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }

  /// Reads `description`'s form; `nil` for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var value: UInt64 = 0
    for part in parts {
      // The integer's own parser would take a sign.
      guard part.utf8.count == 2, part.allSatisfy(\.isHexDigit), let byte = UInt8(part, radix: 16) else { return nil }
      value = value << 8 | UInt64(byte)
    }
    self.value = value
  }
}

extension MACAddress: Comparable {
  public static func < (one: MACAddress, other: MACAddress) -> Bool { one.value < other.value }
}
