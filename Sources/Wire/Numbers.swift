/// EtherTypes. Source: IEEE 802 Numbers, IANA.
public enum EtherType {
  public static let ipv4: UInt16 = 0x0800
  public static let arp: UInt16 = 0x0806
  public static let ipv6: UInt16 = 0x86DD
}

/// Protocol numbers of IPv4, and of IPv6 where they are its Next Header. Source: IANA, RFC 8200 4.1.
public enum ProtocolNumber {
  public static let hopByHop: UInt8 = 0
  public static let icmp4: UInt8 = 1
  public static let tcp: UInt8 = 6
  public static let udp: UInt8 = 17
  public static let routing: UInt8 = 43
  public static let fragment: UInt8 = 44
  public static let icmp6: UInt8 = 58
  public static let noNextHeader: UInt8 = 59
  public static let destinationOptions: UInt8 = 60
}
