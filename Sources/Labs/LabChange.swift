/// One thing that applying a file does, in the words of the API; in a plan, and in what an apply says it did.
public struct LabChange: Codable, Hashable, Sendable {
  public enum Operation: String, Codable, CaseIterable, Sendable {
    case create, change, recreate, remove
  }

  public enum Kind: String, Codable, CaseIterable, Sendable {
    case network, server, port, address, link, vm
  }

  public var op: Operation
  public var kind: Kind
  /// `web1`; of a port `web1 eth0`.
  public var name: String
  /// What of it changes: `mode`; nil when it comes or goes as a whole.
  public var key: String?
  /// As people read them; nil: nothing.
  public var from: String?
  public var to: String?
  /// What is given up for good; nil: nothing is.
  public var losing: String?

  public init(
    _ op: Operation, _ kind: Kind, _ name: String, key: String? = nil, from: String? = nil, to: String? = nil,
    losing: String? = nil
  ) {
    (self.op, self.kind, self.name, self.key) = (op, kind, name, key)
    (self.from, self.to, self.losing) = (from, to, losing)
  }
}
