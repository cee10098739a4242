import Dataplane

/// Whether all that the rack depends on still does its work: each part is asked for a sign of life, one after another,
/// and when all have given it that is a beat. A part that hangs ends the beats, and whoever listens to them (the
/// service manager's watchdog) ends the process.
///
/// ## Threads
/// One task, which is cancelled to end it.
public struct Heartbeat: Sendable {
  /// Something that can hang.
  public struct Part: Sendable {
    public let name: String
    /// Returns when it has answered.
    public let answer: @Sendable () async -> Void

    public init(_ name: String, answer: @escaping @Sendable () async -> Void) {
      (self.name, self.answer) = (name, answer)
    }
  }

  private let parts: [Part]
  private let interval: Duration
  private let pause: @Sendable (Duration) async -> Void

  /// `pause`: how time passes; ends early when its task is cancelled.
  public init(
    _ parts: [Part], every interval: Duration,
    pause: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
  ) {
    (self.parts, self.interval, self.pause) = (parts, interval, pause)
  }

  /// Until the task is cancelled, and a part that hangs has answered. `late`: a part has not answered for an interval;
  /// said once for each time.
  public func run(beat: @Sendable () -> Void, late: @escaping @Sendable (String) -> Void) async {
    while !Task.isCancelled {
      for part in parts { await ask(part, late) }
      if Task.isCancelled { return }
      beat()
      await pause(interval)
    }
  }

  private func ask(_ part: Part, _ late: @escaping @Sendable (String) -> Void) async {
    await withTaskGroup { group in
      group.addTask {
        await pause(interval)
        if !Task.isCancelled { late(part.name) }
      }
      await part.answer()
      group.cancelAll()
    }
  }
}

extension Control {
  /// What a frame and a change depend on: control itself, every worker, and the slow path.
  public nonisolated var vitalParts: [Heartbeat.Part] {
    [
      Heartbeat.Part("control") { _ = await self.start.version },
      Heartbeat.Part("forwarding") { _ = await self.dataplane.stationStatistics() },
      Heartbeat.Part("slow path") { _ = await self.dataplane.bonds([]) },
    ]
  }
}
