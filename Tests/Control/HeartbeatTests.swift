import Control
import Synchronization
import Testing

@Suite("The heartbeat") struct HeartbeatTests {
  @Test("it beats when every part has answered, in turn, and ends when it is cancelled")
  func beats() async {
    let asked = Mutex<[String]>([])
    let parts = ["control", "worker", "slow path"].map { name in
      Heartbeat.Part(name) { asked.withLock { $0.append(name) } }
    }
    let beats = Mutex(0)
    await withTaskGroup { group in
      let (stream, third) = AsyncStream.makeStream(of: Void.self)
      group.addTask {
        // Time passes at once after a beat, and never while a part is asked.
        await Heartbeat(parts, every: .seconds(5), pause: { _ in await Task.yield() }).run {
          let count = beats.withLock {
            $0 += 1; return $0
          }
          if count == 3 { third.finish() }
        } late: { _ in
        }
      }
      for await _ in stream {}
      group.cancelAll()
    }
    #expect(beats.withLock(\.self) >= 3)
    #expect(asked.withLock { Array($0.prefix(4)) } == ["control", "worker", "slow path", "control"])
  }

  @Test("a part that hangs is named, and there is no beat until it answers")
  func hangs() async {
    let (gate, opener) = AsyncStream.makeStream(of: Void.self)
    let (late, said) = AsyncStream.makeStream(of: String.self)
    let beats = Mutex(0)
    let (beaten, beat) = AsyncStream.makeStream(of: Void.self)
    let parts = [Heartbeat.Part("worker 1") { for await _ in gate {} }]
    await withTaskGroup { group in
      group.addTask {
        await Heartbeat(parts, every: .seconds(5), pause: { _ in await Task.yield() }).run {
          beats.withLock { $0 += 1 }
          beat.yield()
        } late: {
          said.yield($0)
        }
      }
      var words = late.makeAsyncIterator()
      #expect(await words.next() == "worker 1")
      #expect(beats.withLock(\.self) == 0)
      opener.finish()
      var signs = beaten.makeAsyncIterator()
      await signs.next()
      group.cancelAll()
    }
    #expect(beats.withLock(\.self) >= 1)
  }
}
