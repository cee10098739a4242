/// Something that is wrong now. `toprack status` prints it, the portal shows it where it belongs.
public struct Problem: Hashable, Sendable {
  /// What kind it is: a short name that never changes meaning, `nic-lost`, `storm`.
  public var kind: String
  /// `nil`: it concerns the rack as a whole, and only those who see all of it.
  public var server: ServerID?
  /// `nil`: the server as a whole.
  public var port: PortName?
  /// One or two sentences, which name the server and the port, and say what to do.
  public var text: String

  public init(kind: String, server: ServerID? = nil, port: PortName? = nil, text: String) {
    (self.kind, self.server, self.port, self.text) = (kind, server, port, text)
  }
}
