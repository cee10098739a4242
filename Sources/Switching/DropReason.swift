public import Wire

/// Why a frame went no further. Raw values index the drop counters of a NIC and never change meaning; names are what
/// `port show` prints.
public enum DropReason: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  // Counted at the NIC that the frame came in by.
  case runt = 0
  case truncatedTag
  case reservedVLAN
  case reservedAddress
  /// LACP and its like on a NIC that is in no bond, tagged, or more than ten of them in a second.
  case slowProtocol
  case invalidSource
  case noPort
  case noVLAN
  case vlanNotAllowed
  case untaggedNotAllowed
  case noGateway
  case bondStandby
  case samePort
  /// A flood or a frame for a domain in which nobody else is.
  case noReceiver
  // Counted at the NIC that the frame could not leave by.
  case mtuExceeded
  case linkDown
  case transmitFailed
  // Routed ports; counted at the NIC that the frame came in by.
  /// A source address that is not the sender's: RFC 2827, RFC 3704 2.1.
  case spoofedSource
  /// Loopback, 0/8, unspecified, or source equal to destination: RFC 1812 5.3.7.
  case martian
  /// 240/4 without the broadcast address.
  case classE
  /// An IP packet to a group that nobody routes here.
  case multicast
  /// 169.254/16 or fe80::/10, which never cross a router: RFC 3927 7, RFC 4291 2.5.6.
  case linkLocal
  /// Unicast to a MAC address that is not the gateway's.
  case notForGateway
  /// Neither ARP, IPv4 nor IPv6.
  case unknownProtocol
  /// An IP header that contradicts itself or the frame.
  case malformedPacket
  /// An IPv4 header checksum that is wrong: RFC 1812 5.2.2.
  case badChecksum
  /// A source route that asks the gateway to be a hop: RFC 1812 5.2.4.1, RFC 5095.
  case sourceRoute
  case ttlExceeded
  /// An unassigned address, or no way out.
  case noRoute
  /// Larger than the next link takes; the sender was told.
  case packetTooBig
  /// The next hop does not answer ARP or neighbour discovery.
  case neighbourUnreachable
  /// More packets for the slow path than the gateway hears from one NIC, or than wait for one neighbour.
  case gatewayBusy
  /// Addressed to the gateway, which has nothing to answer: a wrong ARP, a refused DHCP, a closed port.
  case notAnswered
  // Any port; counted at the NIC that the frame came in by.
  /// A virtio header that does not fit its frame.
  case badOffload
  /// More broadcasts, multicasts and unknown unicasts than a NIC may send in a second.
  case storm
  /// From or to a port that is shut for a while, because what is sent to it comes back; counted at its NIC both ways.
  case loopGuard
  // Counted at the NIC that the frame could not leave by.
  /// The NIC takes so long for a frame that it gets nothing for a while.
  case receiverSlow
  // Counted at the NIC whose link is impaired, both ways.
  /// Lost by an impairment that was set on the link, or too much for the rate that was set.
  case impaired

  /// Counters kept for each NIC: room for reasons to come.
  public static let limit = 60

  public var name: String {
    switch self {
    case .runt: "runt"
    case .truncatedTag: "truncated-tag"
    case .reservedVLAN: "reserved-vlan"
    case .reservedAddress: "reserved-address"
    case .slowProtocol: "slow-protocol"
    case .invalidSource: "invalid-source"
    case .noPort: "no-port"
    case .noVLAN: "no-vlan"
    case .vlanNotAllowed: "vlan-not-allowed"
    case .untaggedNotAllowed: "untagged-not-allowed"
    case .noGateway: "no-gateway"
    case .bondStandby: "bond-standby"
    case .samePort: "same-port"
    case .noReceiver: "no-receiver"
    case .mtuExceeded: "mtu-exceeded"
    case .linkDown: "link-down"
    case .transmitFailed: "transmit-failed"
    case .spoofedSource: "spoofed-source"
    case .martian: "martian"
    case .classE: "class-e"
    case .multicast: "multicast"
    case .linkLocal: "link-local"
    case .notForGateway: "not-for-gateway"
    case .unknownProtocol: "unknown-protocol"
    case .malformedPacket: "malformed-packet"
    case .badChecksum: "bad-checksum"
    case .sourceRoute: "source-route"
    case .ttlExceeded: "ttl-exceeded"
    case .noRoute: "no-route"
    case .packetTooBig: "packet-too-big"
    case .neighbourUnreachable: "neighbour-unreachable"
    case .gatewayBusy: "gateway-busy"
    case .notAnswered: "not-answered"
    case .badOffload: "bad-offload"
    case .storm: "storm"
    case .loopGuard: "loop-guard"
    case .receiverSlow: "receiver-slow"
    case .impaired: "impaired"
    }
  }

  /// The reason of a frame whose header does not decode.
  @inline(always) @inlinable public init(_ fault: FrameHeader.Fault) {
    switch fault {
    case .runt: self = .runt
    case .truncatedTag: self = .truncatedTag
    case .reservedVLAN: self = .reservedVLAN
    }
  }
}
