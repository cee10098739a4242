// What lasts: event streams, captures, long lists. The rate says how often a caller may begin one; this says how many
// they may have.

import HTTPTypes
import Synchronization

/// How many of one kind each caller has, with a limit.
///
/// Threads: safe to share.
final class CallerShares: Sendable {
  private let limit: Int
  private let things: String
  private let counts = Mutex<[String: Int]>([:])

  /// `things`: what there are at most `limit` of for each, as a refusal says it: "event streams".
  init(_ limit: Int, _ things: String) { (self.limit, self.things) = (limit, things) }

  /// Takes one for the caller, until what is returned goes away. Throws 429 when they have as many as there may be.
  func take(_ access: Access) throws(APIError) -> Lease {
    let caller = access.token.map { "token \($0)" } ?? "user \(access.by)"
    let isTaken = counts.withLock { counts in
      guard counts[caller, default: 0] < limit else { return false }
      counts[caller, default: 0] += 1
      return true
    }
    guard isTaken else {
      let who = access.token == nil ? access.by : "token \(access.by)"
      throw APIError(
        .tooManyRequests, "\(who) has \(limit) \(things) open, which is the limit: end one of them, and try again",
        retryAfter: 1)
    }
    return Lease(self, caller)
  }

  func count(of caller: String) -> Int { counts.withLock { $0[caller] ?? 0 } }

  /// One that a caller has; given back when nobody holds this any more.
  final class Lease: Sendable {
    private let shares: CallerShares
    private let caller: String

    fileprivate init(_ shares: CallerShares, _ caller: String) { (self.shares, self.caller) = (shares, caller) }

    deinit {
      shares.counts.withLock { counts in
        counts[caller] = counts[caller].flatMap { $0 > 1 ? $0 - 1 : nil }
      }
    }
  }
}
