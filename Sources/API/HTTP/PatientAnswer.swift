// An answer that takes as long as what it waits for.
//
// It begins at once, with blanks for signs of life, which JSON ignores: so nothing on the way takes the connection for
// dead, and a client that has gone is noticed by the next blank. What is waited for is cancelled then, and when the
// daemon stops, and has an answer to that.

import AsyncAlgorithms
import HummingbirdCore
import NIOCore
import ServiceLifecycle

extension Reply {
  /// Between two signs of life.
  static let patience = Duration.seconds(1)

  /// `work` is cancelled when nobody waits any more; `share` is kept for as long.
  static func patient(_ share: CallerShares.Lease, _ work: @escaping @Sendable () async -> JSON) -> Reply {
    .stream("application/json; charset=utf-8") { writer in
      defer { withExtendedLifetime(share) {} }
      let (done, yield) = AsyncStream.makeStream(of: Bool.self)
      let task = Task {
        let answer = await work()
        yield.yield(true)
        return answer
      }
      defer { task.cancel() }
      let beats = AsyncTimerSequence(interval: patience, clock: .continuous).map { _ in false }
      for await isDone in merge(done, beats).cancelOnGracefulShutdown() {
        if isDone { break }
        try await writer.write(ByteBuffer(string: " "))
      }
      task.cancel()
      try await writer.write(ByteBuffer(bytes: await task.value.text))
      try await writer.finish(nil)
    }
  }
}

extension Call {
  /// Does what takes long, while others of the caller have their turn. It is cancelled when nobody waits for the answer
  /// any more, and when the daemon stops.
  func patiently<Result: Sendable>(_ work: @escaping @Sendable () async -> Result) async -> Result {
    await turn.pausing {
      let task = Task { await work() }
      let watch = Task {
        while !Task.isCancelled, isWanted() { try? await Task.sleep(for: Reply.patience) }
        task.cancel()
      }
      defer { watch.cancel() }
      return await withGracefulShutdownHandler {
        await withTaskCancellationHandler {
          await task.value
        } onCancel: {
          task.cancel()
        }
      } onGracefulShutdown: {
        task.cancel()
      }
    }
  }
}
