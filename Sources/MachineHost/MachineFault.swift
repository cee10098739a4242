/// Why nothing becomes of what somebody wants of a virtual machine: one line for people.
public struct MachineFault: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// A rule forbids it, or what was given is wrong.
    case refused
    /// There is no such thing.
    case unknown
    /// The host does not let it be done.
    case unavailable
  }

  public let kind: Kind
  public let message: String
  public var description: String { message }

  public init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }
}
