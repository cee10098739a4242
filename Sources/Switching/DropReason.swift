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

  /// Counters kept for each NIC: room for reasons to come.
  public static let limit = 28

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
