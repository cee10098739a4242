import Control
import Synchronization
import Testing

@Suite("The heartbeat") struct HeartbeatTests {
  /// What happened, in order.
  private final class Diary: Sendable {
    private let lines = Mutex<[String]>([])
    let stream: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(of: String.self) }

    func add(_ line: String) {
      lines.withLock { $0.append(line) }
      continuation.yield(line)
    }

    var all: [String] { lines.withLock(\.self) }
  }

  /// Time passes at once.
  private static let pause: @Sendable (Duration) async -> Void = { _ in await Task.yield() }

  @Test("it beats when every part has answered, in turn, and ends when it is cancelled")
  func beats() async {
    let diary = Diary()
    let parts = ["control", "worker", "slow path"].map { name in Heartbeat.Part(name) { diary.add(name) } }
    let task = Task {
      await Heartbeat(parts, every: .seconds(5), pause: Self.pause).run(beat: { diary.add("beat") }, late: { _ in })
    }
    for await line in diary.stream where line == "beat" { break }
    task.cancel()
    await task.value
    #expect(diary.all.prefix(4) == ["control", "worker", "slow path", "beat"])
  }

  @Test("a part that hangs is named, and there is no beat until it answers")
  func hangs() async {
    let diary = Diary()
    let (gate, opener) = AsyncStream.makeStream(of: Void.self)
    let parts = [Heartbeat.Part("worker 1") { for await _ in gate {} }]
    let task = Task {
      await Heartbeat(parts, every: .seconds(5), pause: Self.pause).run(
        beat: { diary.add("beat") }, late: { diary.add("\($0) is late") })
    }
    var lines = diary.stream.makeAsyncIterator()
    #expect(await lines.next() == "worker 1 is late")
    #expect(diary.all == ["worker 1 is late"])
    opener.finish()
    while let line = await lines.next(), line != "beat" {}
    task.cancel()
    await task.value
    #expect(diary.all.contains("beat"))
  }
}
