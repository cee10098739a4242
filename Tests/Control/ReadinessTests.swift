import Synchronization
import Testing

@testable import Control

@Suite("Readiness") struct ReadinessTests {
  @Test("a part that hangs is missing, is not asked again meanwhile, and is back when it answers")
  func hangs() async {
    let readiness = Readiness(limit: .milliseconds(20))
    let (gate, opener) = AsyncStream.makeStream(of: Void.self)
    let (done, answered) = AsyncStream.makeStream(of: Void.self)
    let asked = Mutex(0)
    let parts = [
      Heartbeat.Part("control") {},
      Heartbeat.Part("forwarding") {
        let number = asked.withLock { asked in
          asked += 1
          return asked
        }
        if number == 1 {
          for await _ in gate {}
          answered.finish()
        }
      },
    ]
    #expect(await readiness.missing(parts) == ["forwarding"])
    for _ in 0..<100 { #expect(await readiness.missing(parts) == ["forwarding"]) }
    #expect(asked.withLock(\.self) == 1)
    opener.finish()
    for await _ in done {}
    while await readiness.missing(parts) != [] { await Task.yield() }
    #expect(asked.withLock(\.self) == 2)
  }
}
