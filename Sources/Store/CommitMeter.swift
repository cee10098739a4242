// What the commits cost: counted where they are made, read by whoever asks for metrics.

public import Net
import Synchronization

/// What the store has done since it was opened.
public struct CommitFigures: Hashable, Sendable {
  /// From the call to the disk's answer, waits among them.
  public var durations = DurationHistogram()
  /// Those that wrote nothing.
  public var failures: UInt64 = 0

  public init() {}
}

/// Threads: safe to share.
final class CommitMeter: Sendable {
  private let state = Mutex(CommitFigures())

  var figures: CommitFigures { state.withLock(\.self) }

  func took(_ duration: Duration) { state.withLock { $0.durations.add(duration) } }
  func failed() { state.withLock { $0.failures += 1 } }
}

extension Store {
  public var commitFigures: CommitFigures { meter.figures }
}
