import Cabling
import Dataplane
import Host
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
    let step: Step
    let entry: CommandQueue.Entry
    var outcome: Outcome { step.outcome }
    var givesBack: Bool { entry.work.givesBack }
    /// What the log says of it: a command is one line, of several that are one each is.
    var told: [Event] {
      guard case .proposal = entry.work else { return outcome.event.map { [$0] } ?? [] }
      return outcome.events.filter { !$0.isStage }
    }
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
    while looked < Self.groupLimit, group.isEmpty || ContinuousClock.now < end, mayJoin(group),
      let entry = queue.next()
    {
      looked += 1
      do {
        let step = try await decide(entry)
        group.append(Accepted(step: step, entry: entry))
        // Who comes next may want the name of an interface that is still to go.
        if !step.change.removed.isEmpty { break }
      } catch {
        entry.continuation.resume(throwing: error)
      }
    }
    let steps = group.map(\.step).filter(\.outcome.changed)
    if !steps.isEmpty {
      let outcomes = steps.map(\.outcome)
      do {
        let givesBack = group.allSatisfy(\.givesBack)
        try await store.commit(
          outcomes.flatMap(\.changes), events: outcomes.flatMap(\.events), batches: outcomes.compactMap(\.batch),
          places: steps.flatMap { $0.places(in: host) }, givesBack: givesBack)
        noteCommit(nil, givesBack: givesBack)
      } catch {
        for step in steps.reversed() { await takeBack(step) }
        working = rack
        if error.kind == .clash { return refuse(error, group) }
        noteCommit(error)
        logger.error("state not written", metadata: ["error": "\(error)"])
        for accepted in group {
          if error.kind == .full, group.count > 1, accepted.givesBack {
            // By itself it finds room.
            queue.append(accepted.entry)
          } else {
            // Also those that found everything so: what they found has not come to be.
            accepted.entry.continuation.resume(throwing: Unavailable(message: error.message))
          }
        }
        return
      }
      await forward(steps)
      for outcome in outcomes { rack.apply(outcome.changes) }
      await followCaptures()
      for accepted in group {
        for event in accepted.told {
          logChange(event.body, event.type, of: event.server, event.project, by: accepted.entry.requester)
        }
        for event in accepted.outcome.events { events.publish(event) }
      }
      for server in steps.flatMap(\.made) { watchNICs(of: server) }
      expectSystems(of: outcomes)
    }
    for accepted in group {
      await dispose(accepted.step)
      accepted.entry.continuation.resume(returning: accepted.outcome)
    }
  }

  /// On a full disk each command is committed by itself: what gives room back would fail with what takes some, and many
  /// at once need much of the little that there is.
  private func mayJoin(_ group: [Accepted]) -> Bool { group.isEmpty || !isDiskFull }

  /// The command whose record the database did not take is refused; the others of its group are decided again.
  private func refuse(_ clash: StoreFault, _ group: [Accepted]) {
    logger.warning("\(clash.message)")
    var changes = 0
    var isFound = false
    for accepted in group {
      changes += accepted.outcome.changes.count
      if !isFound, let change = clash.change, change < changes {
        isFound = true
        accepted.entry.continuation.resume(throwing: Refusal.invalid(clash.message))
      } else {
        queue.append(accepted.entry)
      }
    }
  }

  /// Decides on the rack as it is with the group so far, and makes what the outcome needs. When it throws, nothing of
  /// it is left.
  private func decide(_ entry: CommandQueue.Entry) async throws -> Step {
    var outcome: Outcome
    switch entry.work {
    case .command(let command):
      try mustMirror(command)
      try await attend(to: command)
      outcome = try working.decide(located(command), with: &entropy)
      followMTU(command, &outcome)
    case .proposal(let proposal):
      outcome = try proposal.decide(working, &entropy)
    }
    for index in outcome.events.indices { outcome.events[index].by = entry.requester?.name }
    let step = Step(outcome, on: working, gateway.plan)
    guard outcome.changed else { return step }
    if case .proposal = entry.work { try await attend(to: step.change) }
    try await prepare(step)
    working.apply(outcome.changes)
    return step
  }
}
