/// EtherTypes. Source: IEEE 802 Numbers, IANA.
public enum EtherType {
  @inlinable public static var ipv4: UInt16 { 0x0800 }
  @inlinable public static var arp: UInt16 { 0x0806 }
  @inlinable public static var ipv6: UInt16 { 0x86DD }
  /// A C-tag. Source: IEEE 802.1Q-2018 9.6.
  @inlinable public static var customerTag: UInt16 { 0x8100 }
  /// An S-tag.
  @inlinable public static var serviceTag: UInt16 { 0x88A8 }
  /// LACP, marker, OAM. Source: IEEE 802.3-2018 57A.4.
  @inlinable public static var slowProtocols: UInt16 { 0x8809 }
  /// The Configuration Testing Protocol, `LoopProbe`'s.
  @inlinable public static var loopTest: UInt16 { 0x9000 }
}

/// Protocol numbers of IPv4, and of IPv6 where they are its Next Header. Source: IANA, RFC 8200 4.1.
public enum ProtocolNumber {
  @inlinable public static var hopByHop: UInt8 { 0 }
  @inlinable public static var icmp4: UInt8 { 1 }
  /// IPv4 in IP: a tunnel.
  @inlinable public static var ipv4: UInt8 { 4 }
  @inlinable public static var tcp: UInt8 { 6 }
  @inlinable public static var udp: UInt8 { 17 }
  /// IPv6 in IP: a tunnel.
  @inlinable public static var ipv6: UInt8 { 41 }
  @inlinable public static var routing: UInt8 { 43 }
  @inlinable public static var fragment: UInt8 { 44 }
  @inlinable public static var gre: UInt8 { 47 }
  @inlinable public static var icmp6: UInt8 { 58 }
  @inlinable public static var noNextHeader: UInt8 { 59 }
  @inlinable public static var destinationOptions: UInt8 { 60 }
  @inlinable public static var sctp: UInt8 { 132 }
}
