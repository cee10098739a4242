import Ports
import Rings
import Switching
import Synchronization

/// The workers, as they, the slow path and `Dataplane` see each other.
///
/// ## How it works
/// Each worker has its own NICs, by `owner(of:)`, and reads from no others; it writes to all. All have the same
/// forwarding tables: a change is a letter to each. What one learns from frames goes to the others by rings
/// of plain values, one for each ordered pair, so that each has one writer and one reader. What is known of a link is the
/// owner's to say: another worker that finds a link down stops using it and asks the owner, which tells everybody how
/// it is.
///
/// ## Threads
/// Any may post. The ring from one worker to another is those two workers'.
final class Crew: Sendable {
  let mailboxes: [Mailbox<WorkerLetter>]
  private let wakers: [Waker]
  private let rings: [Ring<StationNews>]
  /// Frames given to other workers and not taken yet.
  private let given = Atomic(0)
  static let givenLimit = 4_096
  /// News of stations on their way from one worker to another. What finds no room is lost, which
  /// `StationTable+News.swift` makes good.
  private static let newsLimit = 8_192
  /// So that letters to everybody come in one order to all.
  private let turn = Mutex<Void>(())

  init(_ wakers: [Waker]) {
    self.wakers = wakers
    mailboxes = wakers.map { Mailbox(waker: $0) }
    let pairs = wakers.count > 1 ? wakers.count * wakers.count : 0
    rings = (0..<pairs).map { _ in Ring(capacity: Self.newsLimit, filling: StationNews()) }
  }

  var count: Int { mailboxes.count }

  /// The worker that reads from `nic`. Both NICs of a server have the same one, so a port and whoever is behind it are
  /// one worker's; servers take turns.
  func owner(of nic: NICIndex) -> Int { nic.value / 2 % count }

  func post(_ letter: WorkerLetter, toOwnerOf nic: NICIndex) { mailboxes[owner(of: nic)].post(letter) }

  /// The same letter to each worker but `excluded`.
  func postToAll(_ letter: WorkerLetter, but excluded: Int? = nil) {
    turn.withLock { _ in
      for (index, mailbox) in mailboxes.enumerated() where index != excluded { mailbox.post(letter) }
    }
  }

  /// Asks each worker, and returns their answers in the workers' order when the last one has come.
  func ask<Answer: Sendable>(
    _ letter: (@escaping @Sendable (Answer) -> Void) -> WorkerLetter, isolation: isolated (any Actor)? = #isolation
  ) async -> [Answer] {
    await withCheckedContinuation { continuation in ask(letter) { continuation.resume(returning: $0) } }
  }

  /// The same without waiting: `finished` gets the answers on the thread of the worker that answers last, and must be
  /// quick.
  func ask<Answer: Sendable>(
    _ letter: (@escaping @Sendable (Answer) -> Void) -> WorkerLetter,
    _ finished: @escaping @Sendable ([Answer]) -> Void
  ) {
    let answers = Answers<Answer>(count, finished)
    turn.withLock { _ in
      for (index, mailbox) in mailboxes.enumerated() { mailbox.post(letter { answers.put($0, from: index) }) }
    }
  }

  // MARK: Frames for impaired links

  /// A frame, behind its virtio header, for `nic`, whose owner has to send it because its link is impaired. False: too
  /// many are on their way.
  func give(_ frame: [UInt8], to nic: NICIndex) -> Bool {
    guard given.add(1, ordering: .relaxed).newValue <= Self.givenLimit else {
      noteTaken()
      return false
    }
    post(.send(frame, nic), toOwnerOf: nic)
    return true
  }

  func noteTaken() { given.subtract(1, ordering: .relaxed) }

  // MARK: News

  /// Worker `sender` tells all others. What a full ring does not take is lost: news come again.
  func tell(_ news: StationNews, from sender: Int) {
    for receiver in 0..<count where receiver != sender {
      let ring = rings[sender * count + receiver]
      // Who sleeps is woken before the ring is full, and when it is.
      if !ring.push(news) || ring.count == Self.newsLimit / 2 { wakers[receiver].wake() }
    }
  }

  /// Whether all others keep up with what worker `sender` tells: what can wait should, otherwise.
  func keepsUp(with sender: Int) -> Bool {
    (0..<count).allSatisfy { $0 == sender || rings[sender * count + $0].count <= Self.newsLimit / 2 }
  }

  /// What worker `sender` has told `receiver`; nil: nothing more.
  func nextNews(from sender: Int, to receiver: Int) -> StationNews? { rings[sender * count + receiver].pop() }
}

/// Answers of several workers on their way to one caller.
private final class Answers<Answer: Sendable>: Sendable {
  private let slots: Mutex<(found: [Answer?], missing: Int)>
  private let finished: @Sendable ([Answer]) -> Void

  init(_ count: Int, _ finished: @escaping @Sendable ([Answer]) -> Void) {
    slots = Mutex((Array(repeating: nil, count: count), count))
    self.finished = finished
  }

  func put(_ answer: Answer, from worker: Int) {
    let all: [Answer]? = slots.withLock { slots in
      slots.found[worker] = answer
      slots.missing -= 1
      return slots.missing == 0 ? slots.found.compactMap(\.self) : nil
    }
    if let all { finished(all) }
  }
}
