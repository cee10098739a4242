// Which addresses mean something of their own, and the group addresses that are derived from others.

extension IPAddress {
  /// 255.255.255.255, the limited broadcast. Source: RFC 919 7.
  public static let broadcast = IPAddress(v4: 0xFFFF_FFFF)
  /// 0.0.0.0.
  public static let unspecified4 = IPAddress(v4: 0)
  /// ::.
  public static let unspecified6 = IPAddress(high: 0, low: 0)
  /// ff02::1, all nodes of the link. Source: RFC 4291 2.7.1.
  public static let allNodes = IPAddress(high: 0xFF02 << 48, low: 1)
  /// ff02::2, all routers of the link. Source: RFC 4291 2.7.1.
  public static let allRouters = IPAddress(high: 0xFF02 << 48, low: 2)

  /// 224/4 or ff00::/8. Source: RFC 5771, RFC 4291 2.7.
  public var isMulticast: Bool { isV4 ? v4 >> 28 == 0xE : high >> 56 == 0xFF }
  /// fe80::/10. Source: RFC 4291 2.5.6.
  public var isLinkLocal6: Bool { high >> 54 == 0xFE80 >> 6 }
  public var isUnspecified: Bool { self == .unspecified4 || self == .unspecified6 }

  /// Whether a packet from this source can be answered: not 0/8, loopback, a group, class E or unspecified.
  /// Source: RFC 1812 4.3.2.7 and 5.3.7; RFC 4443 2.4(e.6); RFC 4291 2.5.2, 2.5.3.
  public var namesOneHost: Bool {
    if isV4 { return v4 >> 24 != 0 && v4 >> 24 != 127 && v4 >> 28 < 0xE }
    return !isMulticast && !(high == 0 && low <= 1)
  }

  /// ff02::1:ffXX:XXXX with the last 24 bits of this address. Source: RFC 4291 2.7.1.
  public var solicitedNode: IPAddress { IPAddress(high: 0xFF02 << 48, low: 0x1_FF00_0000 | low & 0xFF_FFFF) }

  /// fe80:: and the modified EUI-64 of `mac`. Source: RFC 4291 Appendix A, RFC 2464 5.
  public static func linkLocal(_ mac: MACAddress) -> IPAddress {
    let identifier = (mac.value >> 24) << 40 | 0xFF_FE00_0000 | mac.value & 0xFF_FFFF
    return IPAddress(high: 0xFE80 << 48, low: identifier ^ 0x0200_0000_0000_0000)
  }
}

extension MACAddress {
  public static let broadcast = MACAddress(0xFFFF_FFFF_FFFF)

  /// 33-33 and the last 32 bits of the IPv6 group `group`. Source: RFC 2464 7.
  public init(group: IPAddress) { self.init(0x3333_0000_0000 | group.low & 0xFFFF_FFFF) }
}
