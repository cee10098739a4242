import Rack

/// Commands that wait for their turn: those of one caller in the order of arrival, and callers in turn.
///
/// A caller who has hundreds waiting is one of several who wait: whoever has one waits for one of theirs.
///
/// ## Threads
/// Belongs to an actor, which calls it from its own isolation. At most one task takes from it: the one for which
/// `begin` said true, until `next` says nil.
struct CommandQueue {
  struct Entry {
    enum Work {
      case command(Command)
      case proposal(Proposal)

      var givesBack: Bool {
        switch self {
        case .command(let command): command.givesBack
        case .proposal(let proposal): proposal.givesBack
        }
      }
    }

    let work: Work
    let requester: Requester?
    let continuation: CheckedContinuation<Outcome, any Error>
  }

  /// One caller's.
  private struct Line {
    var entries: [Entry] = []
    var first = 0
  }

  /// By caller; none is empty.
  private var lines: [String: Line] = [:]
  /// Callers who have some, whose turn is next first: each once, from `firstCaller` on.
  private var callers: [String] = []
  private var firstCaller = 0
  private var count = 0
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Commands that may wait; more are turned away.
  static let limit = 4096

  var isFull: Bool { count >= Self.limit }
  var isIdle: Bool { !isTaken }
  var isEmpty: Bool { count == 0 }

  mutating func append(_ entry: Entry) {
    let caller = entry.requester?.caller ?? ""
    if lines[caller] == nil { callers.append(caller) }
    lines[caller, default: Line()].entries.append(entry)
    count += 1
  }

  /// True: the caller has to see to it that the queue is emptied. False: somebody does already.
  mutating func begin() -> Bool {
    defer { isTaken = true }
    return !isTaken
  }

  mutating func next() -> Entry? {
    guard firstCaller < callers.count else { return nil }
    let caller = callers[firstCaller]
    firstCaller += 1
    // What has been taken stays for a while, so that taking one costs the same however many wait.
    if firstCaller > callers.count / 2 {
      callers.removeFirst(firstCaller)
      firstCaller = 0
    }
    guard var line = lines.removeValue(forKey: caller) else { return nil }
    let entry = line.entries[line.first]
    line.first += 1
    count -= 1
    if line.first < line.entries.count {
      if line.first > line.entries.count / 2 {
        line.entries.removeFirst(line.first)
        line.first = 0
      }
      lines[caller] = line
      callers.append(caller)
    }
    return entry
  }

  /// The emptying has ended; tells those who wait for it.
  mutating func end() {
    isTaken = false
    for continuation in waiting { continuation.resume() }
    waiting = []
  }

  mutating func whenIdle(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }
}
