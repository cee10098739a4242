// What Hummingbird carries along with a request.

import FoundationEssentials
public import Hummingbird

/// The context of one request. `prefix` is what links in the answer begin with.
public struct APIContext: RequestContext {
  public var coreContext: CoreRequestContextStorage
  /// Empty, or "/metal/v1".
  public var prefix = ""
  /// What the answer, and the log where something failed, call this request.
  let requestID = UUID().text
  var peer = Peer.address("")
  /// Whether the connection is encrypted.
  var isSecure = false
  /// Where a route leaves what the connection is to become; `nil`: it can become nothing else.
  var upgrade: UpgradeSlot?
  /// Who asks. Until the door has found out: somebody who sees nothing and changes nothing.
  public var access = Access(scope: .none, isReadOnly: true, by: "nobody")

  /// Whether somebody still waits for the answer: false when the connection has gone.
  var isWanted: @Sendable () -> Bool = { true }

  public init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
  }
}
