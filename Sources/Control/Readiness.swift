import Synchronization

/// What is between the rack and its work, if anything: asked by those who have to know whether to send somebody here.
///
/// Each vital part (`Heartbeat`) is asked for a sign of life. One that has not answered for `limit` is said to be
/// missing at once, without another question, so that questions do not pile up at a part that hangs.
///
/// ## Threads
/// Safe to share.
final class Readiness: Sendable {
  /// How long a part may take.
  private let limit: Duration
  /// When the oldest question began that a part has not answered.
  private let open = Mutex<[String: (since: ContinuousClock.Instant, count: Int)]>([:])

  init(limit: Duration = .seconds(2)) { self.limit = limit }

  /// Names of the parts that do not answer, in order.
  func missing(_ parts: [Heartbeat.Part]) async -> [String] {
    var missing: [String] = []
    for part in parts where await !answers(part) { missing.append(part.name) }
    return missing
  }

  private func answers(_ part: Heartbeat.Part) async -> Bool {
    let began = ContinuousClock.now
    let isHung = open.withLock { open in
      if let oldest = open[part.name] {
        if began - oldest.since >= limit { return true }
        open[part.name]!.count += 1
      } else {
        open[part.name] = (began, 1)
      }
      return false
    }
    if isHung { return false }
    let (answers, answer) = AsyncStream.makeStream(of: Bool.self)
    // Not children of ours: one that hangs would keep us.
    Task {
      await part.answer()
      self.open.withLock { open in
        open[part.name]?.count -= 1
        if open[part.name]?.count == 0 { open[part.name] = nil }
      }
      answer.yield(true)
    }
    let timer = Task { [limit] in
      try? await Task.sleep(for: limit)
      answer.yield(false)
    }
    defer { timer.cancel() }
    for await isAnswered in answers { return isAnswered }
    return false
  }
}

extension Control {
  /// Why the rack cannot do all of its work, in a word each; empty: it can. What is wrong with single servers is no
  /// reason.
  public nonisolated func notReady() async -> [String] {
    let missing = await readiness.missing(vitalParts)
    // Who does not answer is not asked again.
    return missing.contains("control") ? missing : missing + (await ownReasons)
  }

  private var ownReasons: [String] {
    (isStopping ? ["stopping"] : []) + (problems.contains(kind: Self.stateProblem) ? ["state"] : [])
  }
}
