import Cabling
import Dataplane
public import FoundationEssentials
import Host
import Logging
public import Rack
import Store
import Switching

/// The one place where a change is decided and made.
///
/// ## How it works
/// A command waits in a queue. Those that wait are taken together, and one after another: `Rack` decides what would be
/// (a refusal ends here); interfaces that it needs are made. Then for all of them at once: the store commits, the
/// forwarding plane applies it and says so; what is no longer needed is removed; the callers are answered. So many
/// clients share one flush of the disk, and a caller that has an answer finds the change on disk and on the wire. A
/// step that fails before the commit is undone and leaves nothing; steps after it cannot fail.
///
/// A command is decided on `working`, the rack with those before it in the group; readers see `rack`, which follows
/// after the commit.
///
/// ## Threads
/// An actor on a thread of its own, and what it begins asks others from threads of its own (`begin`): rendering fills
/// the pool that all share, and no change and no step of the forwarding plane waits for that. Groups are strictly one
/// after another; in between, while one waits for the disk or the kernel, reads are answered from the rack as it was
/// before it. A command that was taken on is carried through, also when its caller is cancelled.
public actor Control {
  private let executor = BlockingExecutor(label: "toprack.control")
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private let threads = OwnThreads(label: "toprack.control.work", count: 4)

  /// The rack as last committed and live on the wire. A value: read as much of it as you like.
  public internal(set) var rack: Rack
  /// The same with what has been decided in the group that is under way. Values of their own, so that a change of the
  /// one does not copy the other.
  var working: Rack
  let store: Store
  let dataplane: Dataplane
  let nics: NICs
  var wires: Wires
  let gateway: RunningGateway
  /// Where consoles are reached, as the settings say it.
  public nonisolated let sosHost: SOSHost
  var start: StartReport
  var events = EventBroadcaster()
  var problems = ProblemBoard()
  nonisolated let readiness = Readiness()
  var captures = CaptureBoard()
  var host = HostState()
  /// Sees what others do to the NICs; `nil` before it is started.
  var watch: HostWatch?
  var marks = PortMarks()
  var provisioning = Provisioning()
  /// Servers that are gone, for those who read the logs of drops.
  var formerNICs = FormerNICs()
  /// Tells cursors of this run of the daemon from those of others.
  nonisolated let dropRun = Control.nanoseconds()
  /// Mirrors may run.
  var hasMirrors = false
  /// What is set up in the namespaces of servers.
  var configured: [ServerID: String] = [:]
  /// The last commit found no room, or the one before and nothing has shown otherwise.
  var isDiskFull = false
  let logger: Logger
  var entropy = SystemEntropy()
  var queue = CommandQueue()
  private(set) var isStopping = false
  private(set) var isStopped = false

  init(
    rack: Rack, store: Store, dataplane: Dataplane, nics: NICs, wires: Wires, gateway: RunningGateway,
    sosHost: SOSHost, awaitsSystems: Bool, start: StartReport, logger: Logger
  ) {
    provisioning.isAwaited = awaitsSystems
    self.sosHost = sosHost
    (self.rack, working, self.store) = (rack, rack, store)
    (self.dataplane, self.nics, self.gateway) = (dataplane, nics, gateway)
    (self.wires, self.start, self.logger) = (wires, start, logger)
    if let reason = store.readOnlyReason {
      problems.raise(Problem(kind: Self.stateProblem, text: reason))
    } else if store.isFullAtStart {
      isDiskFull = true
      problems.raise(Self.full(store))
    }
  }

  /// By the clock that changes are dated with.
  public var now: Date { entropy.now }

  /// Decides, commits, tells the wire, answers. Returns when every worker forwards by the new state.
  ///
  /// Throws `Refusal` (a rule or something on the host forbids it) or `Unavailable` (the system does not let it be
  /// done); then nothing has changed.
  @discardableResult
  public func perform(_ command: Command, by requester: Requester?) async throws -> Outcome {
    try await perform(.command(command), requester)
  }

  /// The same for several commands that are one.
  @discardableResult
  public func perform(_ proposal: Proposal, by requester: Requester?) async throws -> Outcome {
    try await perform(.proposal(proposal), requester)
  }

  private func perform(_ work: CommandQueue.Entry.Work, _ requester: Requester?) async throws -> Outcome {
    if isStopping { throw Unavailable(message: "toprackd is stopping and takes no further change") }
    try mustTakeChanges()
    if queue.isFull {
      throw Unavailable(message: "\(CommandQueue.limit) changes are waiting, which is the limit; try again later")
    }
    // A continuation, which no cancellation of the caller ends half-way.
    return try await withCheckedThrowingContinuation { continuation in
      queue.append(CommandQueue.Entry(work: work, requester: requester, continuation: continuation))
      // A task of its own, for the same reason.
      if queue.begin() { begin { await self.performGroups() } }
    }
  }

  /// Does `work` in a task of its own, no part of which waits for the pool that all share.
  @discardableResult
  nonisolated func begin<Result: Sendable>(_ work: @escaping @Sendable () async -> Result) -> Task<Result, Never> {
    Task(executorPreference: threads) { await work() }
  }

  /// The same for somebody who is known by name alone.
  @discardableResult
  public func perform(_ command: Command, by name: String? = nil) async throws -> Outcome {
    let requester = name.map { Requester($0, nil) }
    return try await perform(command, by: requester)
  }

  /// Takes no further command. Those that wait are still done.
  public func prepareShutdown() {
    isStopping = true
    events.end()
  }

  /// Waits for the commands that were taken, ends the forwarding plane, and closes the store. Interfaces stay.
  public func stop() async {
    prepareShutdown()
    if !queue.isIdle { await withCheckedContinuation { queue.whenIdle($0) } }
    guard !isStopped else { return }
    isStopped = true
    watch?.stop()
    await gateway.masquerade?.remove()
    await dataplane.stop()
    do { try store.close() } catch { logger.error("closing the store", metadata: ["error": "\(error)"]) }
  }
}
