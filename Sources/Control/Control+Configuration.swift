public import Rack

/// What came of setting servers' namespaces up, which is done beside Control and never waited for.
extension Control {
  private static let problem = "configure"

  /// One line for each server whose namespace is set up by Toprack: what it is now.
  public var configurations: [ServerID: String] { configured }

  /// - Parameters:
  ///   - summary: what is set up; empty or `nil`: nothing is.
  ///   - fault: why it is not as it should be.
  public func configured(_ server: ServerID, _ summary: String?, fault: String?) {
    guard let hostname = rack.servers[server]?.hostname else {
      configured[server] = nil
      return
    }
    configured[server] = summary?.isEmpty == false ? summary : nil
    guard let fault else {
      problems.clear(kind: Self.problem, server: server)
      return
    }
    problems.raise(
      Problem(
        kind: Self.problem, server: server,
        text:
          "the interfaces of \(hostname) are not set up for its mode: \(fault); it is tried again each ten seconds, "
          + "'toprack server set \(hostname) --no-configure' leaves them to you"))
  }
}
