// Whose turn it is: one request of each token is worked on at a time.
//
// The rate counts requests, and not what they cost: some take a thousand times as long as others. A process has few
// threads for all callers and the rack itself, and a few such requests at once would take all of them. So the requests
// of one token wait for each other. While one waits for the disk, the switch or a client, the next has its turn.

import Rack
import Synchronization

/// The turns of all callers. Threads: safe to share. Memory is bounded by the connections: each has one request.
final class CallerTurns: Sendable {
  private struct State {
    /// Those who have one, and their requests that wait, the first come first.
    var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]
  }

  private let state = Mutex(State())

  /// Returns when it is the caller's turn. Each `take` is followed by one `giveBack`.
  func take(_ caller: String) async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        guard state.waiting[caller] == nil else {
          state.waiting[caller]?.append(continuation)
          return false
        }
        state.waiting[caller] = []
        return true
      }
      if isFree { continuation.resume() }
    }
  }

  /// The next of the caller's requests has the turn now.
  func giveBack(_ caller: String) {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard let waiting = state.waiting[caller], !waiting.isEmpty else {
        state.waiting[caller] = nil
        return nil
      }
      return state.waiting[caller]?.removeFirst()
    }
    next?.resume()
  }

  /// Requests of the caller that wait; `nil`: none is worked on either.
  func waiting(of caller: String) -> Int? { state.withLock { $0.waiting[caller]?.count } }
}

/// The turn of one request.
final class Turn: Sendable {
  /// `nil`: by the Unix socket come users of this machine, who wait for nobody.
  private let turns: CallerTurns?
  private let caller: String
  /// Not while it is paused, and not when the request is answered: what is left to be written takes no time of ours.
  private let isHeld = Atomic(false)

  /// One that is never waited for.
  static let free = Turn(nil, "")

  private init(_ turns: CallerTurns?, _ caller: String) { (self.turns, self.caller) = (turns, caller) }

  /// Does `body` when it is the turn of whoever has `access`.
  static func withTurn<Result>(
    of access: Access, _ turns: CallerTurns, _ body: (Turn) async throws -> Result
  ) async rethrows -> Result {
    guard let token = access.token else { return try await body(.free) }
    let turn = Turn(turns, token.description)
    await turn.take()
    defer { _ = turn.giveBack() }
    return try await body(turn)
  }

  /// Lets others have their turn while `body` waits for something.
  func pausing<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    guard giveBack() else { return try await body() }
    do {
      let result = try await body()
      await take()
      return result
    } catch {
      await take()
      throw error
    }
  }

  private func take() async {
    await turns?.take(caller)
    isHeld.store(true, ordering: .sequentiallyConsistent)
  }

  /// False: there was none to be given back.
  private func giveBack() -> Bool {
    guard let turns, isHeld.exchange(false, ordering: .sequentiallyConsistent) else { return false }
    turns.giveBack(caller)
    return true
  }
}
