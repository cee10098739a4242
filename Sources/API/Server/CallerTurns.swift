// Whose turn it is: so many requests of each caller are worked on at a time, and so many of their changes wait in
// Control.
//
// The rate counts requests, and not what they cost: some take a thousand times as long as others. A process has few
// threads for all callers, and a few such requests at once would take all of them. So the requests of one caller wait
// for each other. While one waits for the disk, the switch or a client, the next has its turn.

import Rack
import Synchronization

/// Whom turns, changes and answers are counted for. A project is one caller however many tokens it has: its owner can
/// ask with all of them at once.
struct Caller: Hashable, Sendable {
  let name: String
  /// Requests that are worked on at a time. By the Unix socket come people and programs of this machine.
  var turns = 1
  /// Changes that wait in Control at a time; further ones wait in their connections.
  var changes = 64
}

extension Access {
  var caller: Caller {
    switch scope {
    case .project(let project): Caller(name: "project \(project)")
    case .none: Caller(name: "nobody")
    case .all:
      token.map { Caller(name: "token \($0)", changes: 512) } ?? Caller(name: "user \(by)", turns: 2, changes: 512)
    }
  }
}

/// What is shared out among callers by the API and the portal together.
final class CallerAccounts: Sendable {
  let turns = CallerTurns()
  let changes = CallerTurns()
  let answers = UntakenAnswers()
}

/// The turns of all callers. Threads: safe to share. Memory is bounded by the connections: each has one request.
final class CallerTurns: Sendable {
  /// Those who have some.
  private struct Turns {
    var held = 0
    /// Their requests that wait, the first come first.
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex<[String: Turns]>([:])

  /// Returns when it is the caller's turn, of whom at most `limit` have one. Each `take` is followed by one `giveBack`.
  func take(_ caller: String, of limit: Int = 1) async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        guard state[caller, default: Turns()].held < limit else {
          state[caller]?.waiting.append(continuation)
          return false
        }
        state[caller, default: Turns()].held += 1
        return true
      }
      if isFree { continuation.resume() }
    }
  }

  /// The next of the caller's requests has the turn now.
  func giveBack(_ caller: String) {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard let turns = state[caller] else { return nil }
      if !turns.waiting.isEmpty { return state[caller]?.waiting.removeFirst() }
      state[caller]?.held -= 1
      if turns.held <= 1 { state[caller] = nil }
      return nil
    }
    next?.resume()
  }

  /// Requests of the caller that wait; `nil`: none is worked on either.
  func waiting(of caller: String) -> Int? { state.withLock { $0[caller]?.waiting.count } }
  /// Those that have a turn.
  func held(by caller: String) -> Int { state.withLock { $0[caller]?.held ?? 0 } }
}

/// The turn of one request.
final class Turn: Sendable {
  /// `nil`: waits for nobody.
  private let accounts: CallerAccounts?
  private let caller: Caller
  /// Not while it is paused, and not when the request is answered: what is left to be written takes no time of ours.
  private let isHeld = Atomic(false)

  /// One that is never waited for.
  static let free = Turn(nil, Caller(name: ""))

  private init(_ accounts: CallerAccounts?, _ caller: Caller) { (self.accounts, self.caller) = (accounts, caller) }

  /// Does `body` when it is the turn of `caller`.
  static func withTurn<Result>(
    of caller: Caller, _ accounts: CallerAccounts, _ body: (Turn) async throws -> Result
  ) async rethrows -> Result {
    let turn = Turn(accounts, caller)
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

  /// The same while `body` waits in Control, where the caller has so many places.
  func changing<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    try await pausing {
      await accounts?.changes.take(caller.name, of: caller.changes)
      defer { accounts?.changes.giveBack(caller.name) }
      return try await body()
    }
  }

  /// A piece of work for an answer that is under way: in a turn, if the request has none.
  func working<Result>(_ body: () throws -> Result) async rethrows -> Result {
    if isHeld.load(ordering: .sequentiallyConsistent) { return try body() }
    await take()
    defer { _ = giveBack() }
    return try body()
  }

  private func take() async {
    await accounts?.turns.take(caller.name, of: caller.turns)
    isHeld.store(true, ordering: .sequentiallyConsistent)
  }

  /// False: there was none to be given back.
  private func giveBack() -> Bool {
    guard let accounts, isHeld.exchange(false, ordering: .sequentiallyConsistent) else { return false }
    accounts.turns.giveBack(caller.name)
    return true
  }
}
