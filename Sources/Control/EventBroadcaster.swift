import Rack

/// Passes each event on to those who watch. Who does not take them in time is let go: a watcher never holds up a change.
///
/// ## Threads
/// Belongs to an actor, which calls it from its own isolation; the streams go anywhere.
struct EventBroadcaster {
  /// Events that a watcher may have before it.
  static let backlog = 1024

  private var watchers: [Int: AsyncStream<Event>.Continuation] = [:]
  private var nextNumber = 0
  private var hasEnded = false
  /// How many there were, by type: all types are words of ours.
  private(set) var counts: [String: UInt64] = [:]

  /// A stream of the events from now on. `whenEnded` is called when its reader has gone, with its number for `remove`.
  mutating func watch(whenEnded: @escaping @Sendable (Int) -> Void) -> AsyncStream<Event> {
    let (stream, continuation) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(Self.backlog))
    guard !hasEnded else {
      continuation.finish()
      return stream
    }
    let number = nextNumber
    nextNumber += 1
    watchers[number] = continuation
    continuation.onTermination = { _ in whenEnded(number) }
    return stream
  }

  mutating func remove(_ number: Int) { watchers[number] = nil }

  mutating func publish(_ event: Event) {
    counts[event.type, default: 0] += 1
    for (number, watcher) in watchers {
      if case .dropped = watcher.yield(event) {
        watchers[number] = nil
        watcher.finish()
      }
    }
  }

  /// Ends all streams, and those that are asked for from now on.
  mutating func end() {
    hasEnded = true
    for watcher in watchers.values { watcher.finish() }
    watchers = [:]
  }
}
