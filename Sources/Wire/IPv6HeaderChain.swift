/// Where the parts of an IPv6 packet are that fragmentation is about: the headers that every fragment repeats, the Fragment header,
/// and the upper-layer header.
///
///     0        40                fragmentable             upperLayer          end
///     ┌────────┬─────────────────┬────────────────────────┬───────────────────┐
///     │ IPv6   │ hop-by-hop, …,  │ destination options, … │ TCP, UDP, ICMPv6… │   all counted from the version byte
///     │ header │ routing         │                        │                   │
///     └────────┴─────────────────┴────────────────────────┴───────────────────┘
///
/// Each extension header begins with the type of the next one and its own length in units of 8 bytes behind the first 8. Hop-by-hop
/// options (0), Routing (43) and Destination Options (60) are walked over; anything else but a Fragment header (44) is taken for the
/// upper layer. Source: RFC 8200 3, 4, 4.5.
public struct IPv6HeaderChain: Equatable, Sendable {
  /// The header itself; its addresses have not been looked at.
  public let header: IPv6Header
  /// First byte behind the headers that nodes on the way look at: the Per-Fragment headers of RFC 8200 4.5 end here.
  public private(set) var fragmentable: Int
  /// Place of the Next Header field that names what stands at `fragmentable`.
  public private(set) var nextHeaderField: Int
  /// Type of what stands at `upperLayer`; 44 when a Fragment header stopped the walk.
  public private(set) var upperLayerType: UInt8
  public private(set) var upperLayer: Int
  /// Place of the Next Header field that names what stands at `upperLayer`.
  public private(set) var upperLayerField: Int
  /// A Routing header with segments left: the destination address is not the last one.
  public private(set) var hasSegmentsLeft: Bool
  /// End of the packet by its own length field. Bytes behind it are padding of the link.
  public var end: Int { header.totalLength }

  public var isFragment: Bool { upperLayerType == ProtocolNumber.fragment }

  /// `packet` starts at the version byte. `nil` when it is not IPv6, or shorter than it or one of its headers says. A jumbogram
  /// (RFC 2675: payload length 0) counts as a packet without payload.
  public init?(_ packet: ArraySlice<UInt8>) {
    let start = packet.startIndex
    guard let header = IPv6Header.read(packet), header.totalLength <= packet.count else { return nil }
    self.header = header
    (fragmentable, upperLayer, nextHeaderField, upperLayerField) = (IPv6Header.size, IPv6Header.size, 6, 6)
    upperLayerType = header.nextHeader
    hasSegmentsLeft = false
    while let length = Self.length(of: upperLayerType, at: upperLayer, in: packet[start..<start + end]) {
      guard length > 0 else { return nil }
      let type = upperLayerType
      if type == ProtocolNumber.routing, packet[start + upperLayer + 3] != 0 { hasSegmentsLeft = true }
      (upperLayerType, upperLayerField) = (packet[start + upperLayer], upperLayer)
      upperLayer += length
      // Destination options belong to the repeated part only when a Routing header follows them.
      if type != ProtocolNumber.destinationOptions { (fragmentable, nextHeaderField) = (upperLayer, upperLayerField) }
    }
    if isFragment, end - upperLayer < IPv6Header.fragmentHeaderSize { return nil }
  }

  /// Bytes of the extension header of `type` at `offset`; 0 when it does not fit, `nil` when the type ends the walk.
  private static func length(of type: UInt8, at offset: Int, in packet: ArraySlice<UInt8>) -> Int? {
    guard IPv6View.isStep(type) else { return nil }
    guard packet.count - offset >= 8 else { return 0 }
    let length = 8 + 8 * Int(packet[packet.startIndex + offset + 1])
    return length <= packet.count - offset ? length : 0
  }
}
