/// A VLAN identifier that may stand for a VLAN: 1...4094.
///
/// 0 is a priority tag (no VLAN) and 4095 is reserved. Source: IEEE 802.1Q-2018 9.6, Table 9-2.
public struct VLANID: Hashable, Sendable, BitwiseCopyable {
  public let value: UInt16

  /// `nil` for 0, 4095 and whatever does not fit 12 bits.
  @inlinable public init?(_ value: some BinaryInteger) {
    guard value >= 1, value <= 4094 else { return nil }
    self.value = UInt16(value)
  }
}
