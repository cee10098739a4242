public import Net

/// A neighbour discovery message: what a gateway sends or listens to.
///
///     0      1      2          4                  8                     24
///     ┌──────┬──────┬──────────┬──────────────────┬─────────────────────┬─────────┐
///     │ 133  │ 0    │ checksum │ reserved         │ options                       │  router solicitation
///     │ 134  │ 0    │ checksum │ hops, flags, life│ reachable, retrans. │ options │  router advertisement (options at 16)
///     │ 135  │ 0    │ checksum │ reserved         │ target address      │ options │  neighbour solicitation
///     │ 136  │ 0    │ checksum │ R S O            │ target address      │ options │  neighbour advertisement
///     └──────┴──────┴──────────┴──────────────────┴─────────────────────┴─────────┘
///
/// Options: type, length in units of 8 bytes, data. Of them link-layer addresses (1, 2) and the MTU (5) are used.
/// Source: RFC 4861 4.1 to 4.4, 4.6; the checks 6.1.1, 7.1.1, 7.1.2.
public enum NDMessage: Equatable, Sendable {
  case routerSolicitation(source: MACAddress?)
  case routerAdvertisement(RouterAdvertisement)
  case neighbourSolicitation(target: IPAddress, source: MACAddress?)
  case neighbourAdvertisement(target: IPAddress, flags: Flags, link: MACAddress?)

  /// Flags of a neighbour advertisement, in the first octet of the word.
  public struct Flags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let router = Flags(rawValue: 0x80)
    public static let solicited = Flags(rawValue: 0x40)
    public static let override = Flags(rawValue: 0x20)
  }

  /// What we advertise: a router, and nothing to configure an address with.
  public struct RouterAdvertisement: Equatable, Sendable {
    public var hopLimit: UInt8 = 64
    /// Seconds; 0: no default router any more.
    public var lifetime: UInt16
    public var source: MACAddress
    public var mtu: UInt32

    public init(lifetime: UInt16, source: MACAddress, mtu: UInt32) {
      (self.lifetime, self.source, self.mtu) = (lifetime, source, mtu)
    }
  }

  /// A router that sent the message would have decremented it: so it comes from the link. Source: RFC 4861 3.1.
  public static let hopLimit: UInt8 = 255

  /// Reads the ICMPv6 message `message` of the packet with the header `header`; its checksum has been looked at.
  ///
  /// `nil`: not one of the three kinds that a router listens to, or invalid by the checks of the RFC. Link-layer addresses that no
  /// station can have are invalid too.
  public init?(_ message: ArraySlice<UInt8>, _ header: IPv6Header) {
    let start = message.startIndex
    guard header.hopLimit == Self.hopLimit, message.count >= 8, message[start + 1] == 0 else { return nil }
    switch message[start] {
    case ICMPv6.routerSolicitation:
      guard let options = Options(message[(start + 8)...]) else { return nil }
      // 6.1.1
      if header.source.isUnspecified, options.source != nil { return nil }
      self = .routerSolicitation(source: options.source)
    case ICMPv6.neighbourSolicitation:
      guard message.count >= 24, let options = Options(message[(start + 24)...]) else { return nil }
      let target = message.address6(at: start + 8)
      guard !target.isMulticast, !target.isV4 else { return nil }
      // 7.1.1
      if header.source.isUnspecified {
        guard options.source == nil, header.destination == target.solicitedNode else { return nil }
      }
      self = .neighbourSolicitation(target: target, source: options.source)
    case ICMPv6.neighbourAdvertisement:
      guard message.count >= 24, let options = Options(message[(start + 24)...]) else { return nil }
      let target = message.address6(at: start + 8)
      let flags = Flags(rawValue: message[start + 4] & 0xE0)
      // 7.1.2
      guard !target.isMulticast, !target.isV4, !(header.destination.isMulticast && flags.contains(.solicited)) else {
        return nil
      }
      self = .neighbourAdvertisement(target: target, flags: flags, link: options.target)
    default: return nil
    }
  }

  /// The message with its checksum, for a packet between these two.
  public func bytes(from source: IPAddress, to destination: IPAddress) -> [UInt8] {
    var data: [UInt8] = []
    func finish(_ type: UInt8, _ rest: UInt32 = 0) -> [UInt8] {
      ICMPMessage.bytes(type: type, code: 0, rest: rest, data: data, from: source, to: destination)
    }
    switch self {
    case .routerSolicitation(let mac):
      Options.append(mac, type: Options.sourceType, to: &data)
      return finish(ICMPv6.routerSolicitation)
    case .routerAdvertisement(let advertisement):
      data = [UInt8](repeating: 0, count: 8)  // reachable and retransmission time: unspecified by this router
      Options.append(advertisement.source, type: Options.sourceType, to: &data)
      data += [5, 1, 0, 0]
      data.appendNumber32(advertisement.mtu)
      return finish(
        ICMPv6.routerAdvertisement, UInt32(advertisement.hopLimit) << 24 | UInt32(advertisement.lifetime))
    case .neighbourSolicitation(let target, let mac):
      data.append(target)
      Options.append(mac, type: Options.sourceType, to: &data)
      return finish(ICMPv6.neighbourSolicitation)
    case .neighbourAdvertisement(let target, let flags, let mac):
      data.append(target)
      Options.append(mac, type: Options.targetType, to: &data)
      return finish(ICMPv6.neighbourAdvertisement, UInt32(flags.rawValue) << 24)
    }
  }
}

/// The options that are used, of all that a message has.
private struct Options {
  static let sourceType: UInt8 = 1
  static let targetType: UInt8 = 2

  var source: MACAddress?
  var target: MACAddress?

  /// `nil`: one has no length, or does not fit. Source: RFC 4861 4.6.
  init?(_ bytes: ArraySlice<UInt8>) {
    var index = bytes.startIndex
    while index < bytes.endIndex {
      guard bytes.endIndex - index >= 8, bytes[index + 1] != 0 else { return nil }
      let length = 8 * Int(bytes[index + 1])
      guard length <= bytes.endIndex - index else { return nil }
      if bytes[index] == Self.sourceType || bytes[index] == Self.targetType {
        let mac = bytes.macAddress(at: index + 2)
        guard mac.isValidSource else { return nil }
        if bytes[index] == Self.sourceType { source = mac } else { target = mac }
      }
      index += length
    }
  }

  static func append(_ mac: MACAddress?, type: UInt8, to data: inout [UInt8]) {
    guard let mac else { return }
    data += [type, 1]
    data.append(mac)
  }
}
