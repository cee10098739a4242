import Dataplane
import Logging
import Rack
import Store

/// Commands in groups: decided one after another, committed and put on the wire together.
extension Control {
  /// Commands in a group, refused ones among them; a bound on how long the first of them waits for the last.
  private static let groupLimit = 64
  /// The same in time: no further command is looked at when one is in it.
  private static let groupTime = Duration.milliseconds(50)

  /// A command that was decided and prepared.
  private struct Accepted {
    let outcome: Outcome
    let continuation: CheckedContinuation<Outcome, any Error>
  }

  /// Runs until no command and no chore waits; the two take turns.
  func performGroups() async {
    while !queue.isEmpty || host.hasWork {
      if host.hasWork { await performChores() }
      if !queue.isEmpty { await performGroup() }
    }
    queue.end()
  }

  private func performGroup() async {
    defer { host.mtusBefore = [:] }
    var group: [Accepted] = []
    var looked = 0
    let end = ContinuousClock.now + Self.groupTime
    while looked < Self.groupLimit, group.isEmpty || ContinuousClock.now < end, let entry = queue.next() {
      looked += 1
      do {
        let outcome = try await decide(entry)
        group.append(Accepted(outcome: outcome, continuation: entry.continuation))
        // Who comes next may want the name of an interface that is still to go.
        if outcome.removesInterfaces { break }
      } catch {
        entry.continuation.resume(throwing: error)
      }
    }
    let outcomes = group.map(\.outcome).filter(\.changed)
    if !outcomes.isEmpty {
      do {
        try await store.commit(
          outcomes.flatMap(\.changes), events: outcomes.flatMap(\.events), batches: outcomes.compactMap(\.batch),
          places: outcomes.flatMap(madePlaces))
        noteCommit(nil)
      } catch {
        noteCommit(error)
        logger.error("state not written", metadata: ["error": "\(error)"])
        for outcome in outcomes.reversed() { await takeBack(outcome) }
        working = rack
        // Also those that found everything so: what they found has not come to be.
        for accepted in group { accepted.continuation.resume(throwing: Unavailable(message: error.message)) }
        return
      }
      await forward(outcomes)
      for outcome in outcomes { rack.apply(outcome.changes) }
      for event in outcomes.flatMap(\.events) { events.publish(event) }
      for outcome in outcomes { watchMade(outcome) }
    }
    for accepted in group {
      await dispose(accepted.outcome)
      accepted.continuation.resume(returning: accepted.outcome)
    }
  }

  /// Decides on the rack as it is with the group so far, and makes what the outcome needs. When it throws, nothing of
  /// it is left.
  private func decide(_ entry: CommandQueue.Entry) async throws -> Outcome {
    try await attend(to: entry.command)
    var outcome = try working.decide(located(entry.command), with: &entropy)
    followMTU(entry.command, &outcome)
    guard outcome.changed else { return outcome }
    for index in outcome.events.indices { outcome.events[index].by = entry.user }
    try await prepare(outcome)
    working.apply(outcome.changes)
    return outcome
  }
}

extension Outcome {
  fileprivate var removesInterfaces: Bool {
    effects.contains { if case .removeNICs = $0 { true } else { false } }
  }
}
