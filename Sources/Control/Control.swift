import Dataplane
import FoundationEssentials
import Logging
public import Rack
import Store
import Switching

/// The one place where a change is decided and made.
///
/// ## How it works
/// A command takes its turn, and then: `Rack` decides what would be (a refusal ends here); interfaces that it needs are
/// made; the store commits; the forwarding plane applies it and says so; what is no longer needed is removed; the
/// caller is answered. So a caller that has an answer finds the change on disk and on the wire. A step that fails
/// before the commit is undone and leaves nothing; steps after it cannot fail.
///
/// ## Threads
/// An actor. Commands are strictly one after another; in between, while one waits for the disk or the kernel, reads are
/// answered from the rack as it was before it. A command that was taken on is carried through, also when its caller is
/// cancelled.
public actor Control {
  /// The rack as last committed and live on the wire. A value: read as much of it as you like.
  public internal(set) var rack: Rack
  let store: Store
  let dataplane: Dataplane
  let nics: NICs
  var wires: Wires
  let gateway: RunningGateway
  var start: StartReport
  private let logger: Logger
  private var entropy = SystemEntropy()
  private var turnstile = Turnstile()
  private var isStopping = false
  private var isStopped = false

  init(
    rack: Rack, store: Store, dataplane: Dataplane, nics: NICs, wires: Wires, gateway: RunningGateway,
    start: StartReport, logger: Logger
  ) {
    (self.rack, self.store, self.dataplane, self.nics, self.gateway) = (rack, store, dataplane, nics, gateway)
    (self.wires, self.start, self.logger) = (wires, start, logger)
  }

  /// Decides, commits, tells the wire, answers. Returns when every worker forwards by the new state.
  ///
  /// Throws `Refusal` (a rule forbids it) or `Unavailable` (the system does not let it be done); then nothing has
  /// changed.
  @discardableResult
  public func perform(_ command: Command) async throws -> Outcome {
    // A task of its own: the caller's cancellation must not end it half-way.
    try await Task { try await self.performInTurn(command) }.value
  }

  /// Takes no further command. Those that wait are still done.
  public func prepareShutdown() { isStopping = true }

  /// Waits for the commands that were taken, ends the forwarding plane, and closes the store. Interfaces stay.
  public func stop() async {
    isStopping = true
    await enter()
    defer { turnstile.leave() }
    guard !isStopped else { return }
    isStopped = true
    await gateway.masquerade?.remove()
    await dataplane.stop()
    do { try store.close() } catch { logger.error("closing the store", metadata: ["error": "\(error)"]) }
  }

  private func enter() async {
    if turnstile.enter() { return }
    await withCheckedContinuation { turnstile.wait($0) }
  }

  private func performInTurn(_ command: Command) async throws -> Outcome {
    if isStopping { throw Unavailable(message: "toprackd is stopping and takes no further change") }
    if turnstile.isFull {
      throw Unavailable(message: "\(Turnstile.limit) changes are waiting, which is the limit; try again later")
    }
    await enter()
    defer { turnstile.leave() }

    let outcome = try rack.decide(located(command), with: &entropy)
    guard outcome.changed else { return outcome }
    try await prepare(outcome)
    do {
      try await store.commit(outcome.changes)
    } catch {
      logger.error("state not written", metadata: ["error": "\(error)"])
      await takeBack(outcome)
      throw Unavailable(message: error.message)
    }
    await forward(outcome)
    rack.apply(outcome.changes)
    await dispose(outcome)
    return outcome
  }
}
