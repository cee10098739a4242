public import Net

/// What keeps a link from doing its part in the bond, as a sentence for whoever has to mend it.
///
/// The text names no server and no NIC: the caller puts "web1 eth0: " before it.
public enum Problem: Equatable, Sendable, CustomStringConvertible {
  /// The link is up and nobody has spoken LACP on it since.
  case silent
  /// Somebody has spoken, and stopped `seconds` ago.
  case lost(seconds: UInt64)
  /// What comes in was sent by this switch, from port `port` with key `key`.
  case loop(port: UInt16, key: UInt16)
  /// The other link's partner, `other`, has the bond; this one is another system.
  case otherPartner(MACAddress, other: MACAddress)
  /// The same partner, but it does not want the two links together.
  case otherKey(UInt16, other: UInt16)
  /// The partner's Aggregation bit is off.
  case individual(MACAddress, isSelected: Bool)
  /// The partner is heard and could take the link, and does not for a minute.
  case outOfSync(MACAddress)

  /// Milliseconds that a link may be up without an LACPDU before that is a problem.
  public static let patience: Instant = 5_000

  public var description: String {
    switch self {
    case .silent:
      "link up, no LACPDU heard; is the server's bond in mode 802.3ad? virtio NICs need speed=10000,duplex=full"
    case .lost(let seconds):
      "link up, no LACPDU heard for \(seconds) s; did the server take the link out of its bond?"
    case .loop(let port, let key):
      "this switch hears its own LACPDUs (port \(port), key \(key)); is the NIC cabled or bridged to another one of the rack?"
    case .otherPartner(let partner, let other):
      "partner \(partner), but the other link has partner \(other); are two servers cabled into one bond?"
    case .otherKey(let key, let other):
      "partner's key is \(key) here and \(other) on the other link; does the server have both NICs in one bond, with equal speed and duplex?"
    case .individual(let partner, let isSelected):
      "partner \(partner) says that the link is individual; it "
        + (isSelected ? "carries alone" : "cannot join the other link")
        + "; does the server have both NICs in one bond?"
    case .outOfSync(let partner):
      "partner \(partner) is heard, but has kept the link out of its aggregate for over a minute; is it a standby there, or in another bond?"
    }
  }
}
