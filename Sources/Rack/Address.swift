public import FoundationEssentials
public import Net

/// A management address of a server: a block of two, of which the even one is the gateway and the odd one the server's.
public struct Address: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case publicIPv4, privateIPv4, publicIPv6

    /// 4 or 6.
    public var family: Int { self == .publicIPv6 ? 6 : 4 }
    public var isPublic: Bool { self != .privateIPv4 }

    /// `public IPv4`, for messages.
    var words: String {
      switch self {
      case .publicIPv4: "public IPv4"
      case .privateIPv4: "private IPv4"
      case .publicIPv6: "public IPv6"
      }
    }
  }

  public let id: AddressID
  public let kind: Kind
  /// A /31 (RFC 3021) or /127 (RFC 6164).
  public let network: IPPrefix
  public let createdAt: Date

  public init(id: AddressID, kind: Kind, network: IPPrefix, createdAt: Date) {
    (self.id, self.kind, self.network, self.createdAt) = (id, kind, network, createdAt)
  }

  /// The server's address, as a block of one.
  public var host: IPPrefix { IPPrefix(network.base + 1) }
  /// The gateway's address as text.
  public var gateway: String { network.base.description }
  /// The server's address as text.
  public var address: String { (network.base + 1).description }
}
