/// Who asks for a change: their name stands in the event, and with what they are in the log.
public struct Requester: Hashable, Sendable {
  public enum Kind: String, Sendable {
    /// A user of this machine, who came by the socket.
    case user
    case token
  }

  public let name: String
  /// `nil`: the daemon itself.
  public let kind: Kind?

  public init(_ name: String, _ kind: Kind?) { (self.name, self.kind) = (name, kind) }

  /// `token laptop`.
  var words: String { kind.map { "\($0.rawValue) \(name)" } ?? name }
}
