// Between the route that lets somebody to a console and the connection that becomes it.

import Consoles
import HTTPTypes
import Machines
import Synchronization

/// Somebody who has been let to a console, and whose connection is to carry it.
struct ConsoleOpening: Sendable {
  var hub: ConsoleHub
  var server: ConsoleServer
  var visitor: Visitor
  /// What the client's key is answered with.
  var accept: String
  /// Asked now and then: whether they may still be here.
  var isWanted: @Sendable () async -> Bool
  /// The caller's share, for as long as it lasts.
  var share: CallerShares.Lease
}

extension APIContext {
  /// The connection is to become a console after the answer.
  func become(_ opening: ConsoleOpening) throws(APIError) {
    guard let upgrade else { throw APIError(.upgradeRequired, "this connection cannot become a WebSocket") }
    upgrade.put(opening)
  }
}

/// Where a route leaves what its connection becomes after the answer, RFC 9110 7.8.
///
/// Threads: safe to share.
final class UpgradeSlot: Sendable {
  private let opening = Mutex<ConsoleOpening?>(nil)

  func put(_ new: ConsoleOpening) { opening.withLock { $0 = new } }

  func take() -> ConsoleOpening? {
    opening.withLock { opening in
      defer { opening = nil }
      return opening
    }
  }
}
