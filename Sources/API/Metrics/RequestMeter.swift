// What the API is asked: how often each class of routes, with which status, and how long it takes until an answer
// begins. A class is the first word of a path that a route has, so what strangers make up is one class for all.

import HTTPTypes
import Net
import Synchronization

/// Threads: safe to share.
final class RequestMeter: Sendable {
  struct Key: Hashable, Comparable, Sendable {
    let route: String
    let status: Int

    static func < (one: Key, other: Key) -> Bool { (one.route, one.status) < (other.route, other.status) }
  }

  struct Figures: Sendable {
    var requests: [Key: UInt64] = [:]
    var durations = DurationHistogram()
  }

  /// Paths that no route has.
  static let other = "other"
  static let portal = "/portal"

  private let routes = Mutex<Set<String>>([])
  private let state = Mutex(Figures())

  var figures: Figures { state.withLock(\.self) }

  /// Says which routes there are. `paths`: as the router has them: "/devices/:id".
  func know(_ paths: some Sequence<String>) {
    let heads = Set(paths.map(Self.head)).union([Self.portal])
    routes.withLock { $0 = heads }
  }

  /// `target`: without the prefix of the tree.
  func answered(_ target: String, _ status: HTTPResponse.Status, after duration: Duration) {
    let head = Self.head(target.prefix { $0 != "?" })
    let isKnown = routes.withLock { $0.contains(head) }
    let key = Key(route: isKnown ? head : Self.other, status: status.code)
    state.withLock { state in
      state.requests[key, default: 0] += 1
      state.durations.add(duration)
    }
  }

  /// "/devices" of "/devices/:id"; below /toprack it is the second word that says what it is about.
  private static func head(_ path: some StringProtocol) -> String {
    let words = path.split(separator: "/", maxSplits: 2)
    guard let first = words.first else { return "/" }
    guard first == "toprack", words.count > 1 else { return "/\(first)" }
    return "/toprack/\(words[1])"
  }
}
