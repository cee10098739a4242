import Foundation
import Rack
import Synchronization
import Testing

@testable import API

@Suite("Turns of callers") struct CallerTurnsTests {
  private static func access(_ number: UInt8) -> Access {
    let id = UUID(uuid: (0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, number))
    return Access(scope: .all, by: "t", token: TokenID(id))
  }

  @Test("requests of one token follow each other in their order, and no other token waits for them")
  func order() async {
    let (accounts, one, other) = (CallerAccounts(), Self.access(1).caller, Self.access(2).caller)
    let (turns, name) = (accounts.turns, one.name)
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let done = Log()
    await withTaskGroup { group in
      group.addTask {
        await Turn.withTurn(of: one, accounts) { _ in
          for await _ in gate {}
          done.add("first")
        }
      }
      while turns.waiting(of: name) != 0 { await Task.yield() }
      for (number, text) in ["second", "third"].enumerated() {
        group.addTask { await Turn.withTurn(of: one, accounts) { _ in done.add(text) } }
        while turns.waiting(of: name) != number + 1 { await Task.yield() }
      }
      await Turn.withTurn(of: other, accounts) { _ in done.add("another's") }
      open.finish()
    }
    #expect(done.all == ["another's", "first", "second", "third"])
    #expect(turns.waiting(of: name) == nil && turns.waiting(of: other.name) == nil)
  }

  @Test("while one waits for something the next is worked on, and when one is over nobody has its turn")
  func pausing() async throws {
    let (accounts, one) = (CallerAccounts(), Self.access(1).caller)
    let turns = accounts.turns
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let done = Log()
    let kept = await withTaskGroup(of: Turn?.self) { group in
      group.addTask {
        await Turn.withTurn(of: one, accounts) { turn in
          await turn.pausing {
            done.add("waits")
            for await _ in gate {}
          }
          done.add("goes on")
          return turn
        }
      }
      while done.all.isEmpty { await Task.yield() }
      await Turn.withTurn(of: one, accounts) { _ in done.add("another") }
      open.finish()
      return await group.next() ?? nil
    }
    #expect(done.all == ["waits", "another", "goes on"])
    await Turn.withTurn(of: one, accounts) { _ in
      await kept?.pausing {}
      #expect(turns.waiting(of: one.name) == 0, "a turn that is over gives no other's back")
    }
    struct Fault: Error {}
    await #expect(throws: Fault.self) {
      try await Turn.withTurn(of: one, accounts) { turn in try await turn.pausing { throw Fault() } }
    }
    #expect(turns.waiting(of: one.name) == nil)
  }

  @Test("all tokens of a project are one caller, and whoever comes by the socket has two turns")
  func callers() async {
    let project = ProjectID(UUID())
    let tokens = (0..<2).map { _ in Access(scope: .project(project), by: "t", token: TokenID(UUID())) }
    #expect(tokens[0].caller == tokens[1].caller && tokens[0].caller.turns == 1)
    #expect(Access(scope: .project(ProjectID(UUID())), by: "t").caller != tokens[0].caller)
    let (accounts, user) = (CallerAccounts(), Access(scope: .all, by: "anna").caller)
    await Turn.withTurn(of: user, accounts) { _ in
      await Turn.withTurn(of: user, accounts) { _ in
        #expect(accounts.turns.held(by: user.name) == 2)
        await withTaskGroup { group in
          group.addTask { await Turn.withTurn(of: user, accounts) { _ in } }
          while accounts.turns.waiting(of: user.name) != 1 { await Task.yield() }
          accounts.turns.giveBack(user.name)
          await group.waitForAll()
          await accounts.turns.take(user.name, of: 2)
        }
      }
    }
    #expect(accounts.turns.waiting(of: user.name) == nil)
  }

  @Test("so many changes of one caller wait in Control, and the others in their connections")
  func changes() async {
    let (accounts, caller) = (CallerAccounts(), Caller(name: "a", changes: 2))
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let log = Log()
    await withTaskGroup { group in
      for number in 0..<5 {
        group.addTask {
          await Turn.withTurn(of: caller, accounts) { turn in
            await turn.changing {
              log.add("\(number)")
              for await _ in gate {}
            }
          }
        }
      }
      while accounts.changes.waiting(of: caller.name) != 3 { await Task.yield() }
      #expect(log.all.count == 2 && accounts.turns.waiting(of: caller.name) == nil, "they keep no turn meanwhile")
      await Turn.withTurn(of: Caller(name: "b"), accounts) { turn in await turn.changing { log.add("other") } }
      #expect(log.all.last == "other")
      open.finish()
      await group.waitForAll()
    }
    #expect(log.all.count == 6 && accounts.changes.waiting(of: caller.name) == nil)
  }

  private final class Log: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
  }
}
