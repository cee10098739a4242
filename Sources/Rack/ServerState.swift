/// What a server's machine is doing, in the words of the Metal API.
public enum ServerState: String, Sendable {
  /// Installed, and nobody has heard its operating system yet; only where the daemon waits for that.
  case provisioning
  case active
  /// Switched off.
  case inactive
}

extension Server {
  public var state: ServerState { isPoweredOn ? (isProvisioning ? .provisioning : .active) : .inactive }
}

extension Rack {
  /// The operating system of a server was heard: the installation is over. Of one that is active already, nothing.
  func heard(_ old: Server) -> Outcome {
    var new = old
    new.isProvisioning = false
    return outcome(of: old, to: new, subject: .server(old.id))
  }
}
