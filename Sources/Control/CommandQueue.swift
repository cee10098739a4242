import Rack

/// Commands that wait for their turn, in the order of arrival.
///
/// ## Threads
/// Belongs to an actor, which calls it from its own isolation. At most one task takes from it: the one for which `begin` said true, until
/// `next` says nil.
struct CommandQueue {
  struct Entry {
    let command: Command
    let requester: Requester?
    let continuation: CheckedContinuation<Outcome, any Error>
  }

  private var entries: [Entry] = []
  private var first = 0
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Commands that may wait; more are turned away.
  static let limit = 4096

  var isFull: Bool { entries.count - first >= Self.limit }
  var isIdle: Bool { !isTaken }

  mutating func append(_ entry: Entry) { entries.append(entry) }

  /// True: the caller has to see to it that the queue is emptied. False: somebody does already.
  mutating func begin() -> Bool {
    defer { isTaken = true }
    return !isTaken
  }

  mutating func next() -> Entry? {
    guard first < entries.count else { return nil }
    defer {
      first += 1
      if first == entries.count {
        entries.removeAll(keepingCapacity: true)
        first = 0
      }
    }
    return entries[first]
  }

  var isEmpty: Bool { first == entries.count }

  /// The emptying has ended; tells those who wait for it.
  mutating func end() {
    isTaken = false
    for continuation in waiting { continuation.resume() }
    waiting = []
  }

  mutating func whenIdle(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }
}
