/// Who asks for a change: their name stands in the event, and with what they are in the log.
public struct Requester: Hashable, Sendable {
  public enum Kind: String, Sendable {
    /// A user of this machine, who came by the socket.
    case user
    case token
    /// An SSH key, by which somebody came to a console.
    case key
  }

  public let name: String
  /// `nil`: the daemon itself.
  public let kind: Kind?
  /// Whose commands wait in one line: all those of one caller.
  let caller: String

  /// `caller`: who is one with others of theirs where turns are taken; without, it is the name.
  public init(_ name: String, _ kind: Kind?, caller: String? = nil) {
    (self.name, self.kind) = (name, kind)
    self.caller = caller ?? "\(kind?.rawValue ?? "") \(name)"
  }

  /// `token laptop`.
  var words: String { kind.map { "\($0.rawValue) \(name)" } ?? name }
}
