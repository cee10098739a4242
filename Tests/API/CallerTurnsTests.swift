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
    let (turns, one, other) = (CallerTurns(), Self.access(1), Self.access(2))
    let name = one.token!.description
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let done = Log()
    await withTaskGroup { group in
      group.addTask {
        await Turn.withTurn(of: one, turns) { _ in
          for await _ in gate {}
          done.add("first")
        }
      }
      while turns.waiting(of: name) != 0 { await Task.yield() }
      for (number, text) in ["second", "third"].enumerated() {
        group.addTask { await Turn.withTurn(of: one, turns) { _ in done.add(text) } }
        while turns.waiting(of: name) != number + 1 { await Task.yield() }
      }
      await Turn.withTurn(of: other, turns) { _ in done.add("another's") }
      open.finish()
    }
    #expect(done.all == ["another's", "first", "second", "third"])
    #expect(turns.waiting(of: name) == nil && turns.waiting(of: other.token!.description) == nil)
  }

  @Test("while one waits for something the next is worked on, and when one is over nobody has its turn")
  func pausing() async throws {
    let (turns, one) = (CallerTurns(), Self.access(1))
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let done = Log()
    let kept = await withTaskGroup(of: Turn?.self) { group in
      group.addTask {
        await Turn.withTurn(of: one, turns) { turn in
          await turn.pausing {
            done.add("waits")
            for await _ in gate {}
          }
          done.add("goes on")
          return turn
        }
      }
      while done.all.isEmpty { await Task.yield() }
      await Turn.withTurn(of: one, turns) { _ in done.add("another") }
      open.finish()
      return await group.next() ?? nil
    }
    #expect(done.all == ["waits", "another", "goes on"])
    await Turn.withTurn(of: one, turns) { _ in
      await kept?.pausing {}
      #expect(turns.waiting(of: one.token!.description) == 0, "a turn that is over gives no other's back")
    }
    struct Fault: Error {}
    await #expect(throws: Fault.self) {
      try await Turn.withTurn(of: one, turns) { turn in try await turn.pausing { throw Fault() } }
    }
    #expect(turns.waiting(of: one.token!.description) == nil)
  }

  private final class Log: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
  }
}
