/// Lets one task through at a time, in the order of arrival.
///
/// An actor alone does not: while a command waits for the disk, the next would begin. Not cancellable: a task that has
/// come gets its turn, and has to call `leave`.
///
/// ## Threads
/// Belongs to an actor, which calls it from its own isolation.
struct Turnstile {
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []
  private var first = 0

  /// Tasks that may wait; more are turned away.
  static let limit = 4096

  var isFull: Bool { waiting.count - first >= Self.limit }

  /// True: the turn is yours. False: call `wait` with a continuation, which is resumed when it is.
  mutating func enter() -> Bool {
    if isTaken { return false }
    isTaken = true
    return true
  }

  mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }

  /// Gives the turn to the next.
  mutating func leave() {
    guard first < waiting.count else {
      waiting.removeAll(keepingCapacity: true)
      first = 0
      isTaken = false
      return
    }
    let next = waiting[first]
    first += 1
    if first > Self.limit {
      waiting.removeFirst(first)
      first = 0
    }
    next.resume()
  }
}
