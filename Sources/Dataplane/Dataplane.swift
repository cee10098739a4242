public import Gateway
import Glibc
public import Net
import Observers
public import Ports
public import Switching
import Synchronization
import Wire

/// The forwarding plane as control sees it: NICs are attached and detached, port programs applied, counters and
/// stations read.
///
/// Every call that changes something returns when every worker forwards by it, so a caller that has returned may tell
/// its own caller that the wire has changed. Calls of one task are done in order.
///
/// There are one or more workers (`Crew`), and one slow path for protocols that need a clock (`SlowPath`). The
/// interface does not show it: a change is one transaction for every worker, and an answer is the sum over them.
///
/// ## Threads
/// Any. TAPs belong to this object; a worker borrows their descriptors between `attach` and `detach`.
public final class Dataplane: Sendable {
  public struct Configuration: Sendable {
    /// Stations kept, and of one port.
    public var stationLimit = 131_072
    public var stationLimitPerPort = 65_536
    public var agingSeconds = 300
    /// `nics`: two a server; `ports`: three a server, and one.
    public var limits = Switch.Limits()
    public var mode = TAPDriver.Mode.automatic
    /// Threads that forward; 1...`workerLimit`.
    public var workers = 1
    /// Workers look for frames without a pause: the least delay, for a core each.
    public var polling = false
    /// Floods a second that a NIC may send; 0: as many as it likes. The loop guard works all the same.
    public var stormLimit = Dataplane.defaultStormLimit
    public init() {}

    /// With a secret of this process.
    func makeStationTable() -> StationTable {
      var random = SystemRandomNumberGenerator()
      return StationTable(
        limit: stationLimit, limitPerPort: stationLimitPerPort, aging: UInt32(clamping: agingSeconds),
        secret: (random.next(), random.next()), telling: workers > 1)
    }
  }
  public static let workerLimit = 16
  /// `docs/decisions/0018` has the figures.
  public static let defaultStormLimit = 50_000

  let crew: Crew
  let slowPath: Mailbox<SlowLetter>
  let loopGuard: Mailbox<GuardLetter>
  /// What the guard has to say, from the start on; ends with `stop`. For one reader. Each kind comes at a bounded rate.
  public let guardEvents: AsyncStream<GuardEvent>
  /// One for each thread, which is its only writer.
  private let counters: [CounterTable]
  /// One for each thread: workers, the slow path, the guard.
  let logs: [DropLog]
  /// Those that run, by place.
  let watches = Mutex<[FrameWatch?]>(Array(repeating: nil, count: FrameWatch.places))
  let mirrors = MirrorDesk()
  private let taps = Mutex<[NICIndex: Plugged]>([:])
  private let threads: [pthread_t]

  /// An interface that is attached, and whether its cable is plugged.
  private struct Plugged {
    let attached: AttachedTAP
    var hasCarrier: Bool
  }

  /// "io_uring" or "read/write".
  public let driver: String
  /// Floods a second that a NIC may send; 0: as many as it likes.
  public let stormLimit: Int
  public var workers: Int { crew.count }

  /// Starts the workers and the slow path.
  public init(_ configuration: Configuration = Configuration()) throws(PortsFault) {
    precondition((1...Self.workerLimit).contains(configuration.workers), "number of workers")
    let slowPoller = try Poller()
    let mailbox = Mailbox<SlowLetter>(waker: slowPoller.waker)
    var pollers: [Handover<Poller>] = []
    var wakers: [Waker] = []
    var inboxes: [SlowPathInbox] = []
    for _ in 0..<configuration.workers {
      let poller = try Poller()
      wakers.append(poller.waker)
      pollers.append(Handover(poller))
      inboxes.append(
        SlowPathInbox(queue: SlowEntry.ring(), packets: PacketQueues(), mailbox: mailbox, waker: slowPoller.waker))
    }
    let crew = Crew(wakers)
    let counters = (0...configuration.workers).map { _ in CounterTable(nicLimit: configuration.limits.nics) }
    (self.crew, self.counters, slowPath) = (crew, counters, mailbox)
    let logs = (0..<configuration.workers + 2).map { _ in DropLog() }
    self.logs = logs
    let nics = configuration.limits.nics

    let key = SipKey.random()
    let guardPoller = try Poller()
    let guardMailbox = Mailbox<GuardLetter>(waker: guardPoller.waker)
    let guardHandover = Handover(guardPoller)
    let (events, teller) = AsyncStream.makeStream(of: GuardEvent.self)
    (loopGuard, guardEvents) = (guardMailbox, events)
    let keeper = ForwardingThread("toprack-guard") { ready in
      var thread = GuardThread(
        poller: guardHandover.take(), mailbox: guardMailbox, crew: crew, key: key, events: teller,
        outbox: Outbox(
          counters: nil, observers: Observers(nics: nics, index: logs.count - 1, log: logs[logs.count - 1]),
          nics: nics, crew: crew, guardMailbox: guardMailbox),
        seed: UInt64.random(in: 0 ... .max))
      ready()
      thread.run()
    }

    let slowHandover = Handover(slowPoller)
    let slow = ForwardingThread("toprack-slow") { [inboxes] ready in
      var slowPath = SlowPath(
        poller: slowHandover.take(), inboxes: inboxes, crew: crew,
        outbox: Outbox(
          counters: counters[configuration.workers],
          observers: Observers(nics: nics, index: logs.count - 2, log: logs[logs.count - 2]), nics: nics,
          crew: crew, guardMailbox: guardMailbox),
        seed: UInt64.random(in: 0 ... .max))
      ready()
      slowPath.run()
    }
    var threads = [try keeper.launch(), try slow.launch()]
    var driverName = ""
    let epoch = Clock.milliseconds()
    for (index, poller) in pollers.enumerated() {
      let worker = ForwardingThread("toprack-fwd-\(index)") { [inbox = inboxes[index]] ready in
        let driver = TAPDriver(nicLimit: configuration.limits.nics, mode: configuration.mode)
        driverName = driver.name
        var worker = Worker(
          plane: Switch(limits: configuration.limits, stations: configuration.makeStationTable()),
          egress: Egress(
            driver: driver, counters: counters[index],
            observers: Observers(nics: nics, index: index, log: logs[index]), nics: nics, index: index, of: crew,
            guardMailbox: guardMailbox),
          poller: poller.take(), index: index, of: crew, slowPath: inbox,
          post: GuardPost(nics: nics, stormLimit: configuration.stormLimit, key: key, mailbox: guardMailbox),
          epoch: epoch, polling: configuration.polling)
        ready()
        worker.run()
      }
      threads.append(try worker.launch())
    }
    self.threads = threads
    driver = driverName
    stormLimit = configuration.stormLimit
  }

  /// Ends all threads. TAPs stay, persistent; their descriptors are closed.
  public func stop() async {
    mirrors.stop()
    await withCheckedContinuation { continuation in slowPath.post(.stop { continuation.resume() }) }
    await withCheckedContinuation { continuation in loopGuard.post(.stop { continuation.resume() }) }
    await tellWorkers { .stop(reply: $0) }
    for thread in threads { pthread_join(thread, nil) }
    taps.withLock { $0.removeAll() }
  }

  // MARK: NICs

  /// Takes `tap` in as `nic`, with counters at 0. Nothing crosses it until a port program names it. `mtu`: what its
  /// interface is set to. `carrier`: whether it was opened with its cable plugged.
  public func attach(
    _ tap: consuming TAP, as nic: NICIndex, mtu: Int = Switch.mtuLimit, carrier: Bool = true
  ) async throws(PortsFault) {
    let attached = AttachedTAP(tap)
    // The slow path first: when the link comes up it may have something to say.
    slowPath.post(.attach(attached, nic, mtu: mtu))
    loopGuard.post(.attach(attached, nic))
    let faults = await crew.ask { .attach(attached, nic, mtu: mtu, reply: $0) }
    if let fault = faults.compactMap(\.self).first {
      await tellWorkers { .detach(nic, reply: $0) }
      slowPath.post(.detach(nic) {})
      loopGuard.post(.detach(nic) {})
      throw fault
    }
    taps.withLock { $0[nic] = Plugged(attached: attached, hasCarrier: carrier) }
    mirrors.attach(attached, as: nic)
  }

  /// Gives `nic` up. No frame uses it when this returns. `removing` ends the interface too; without, it stays,
  /// unplugged.
  ///
  /// Runs where the caller does: ending an interface blocks for some ten milliseconds in the kernel.
  public func detach(
    _ nic: NICIndex, removing: Bool = false, isolation: isolated (any Actor)? = #isolation
  ) async {
    await tellWorkers { .detach(nic, reply: $0) }
    await withCheckedContinuation { continuation in slowPath.post(.detach(nic) { continuation.resume() }) }
    await withCheckedContinuation { continuation in loopGuard.post(.detach(nic) { continuation.resume() }) }
    await mirrors.detach(nic)
    let attached = taps.withLock { $0.removeValue(forKey: nic) }?.attached
    // An interface whose namespace is gone cannot be told anything; it is gone, which is what was wanted.
    if removing { try? attached?.tap.setPersistent(false) }
  }

  func attached(_ nic: NICIndex) -> AttachedTAP? { taps.withLock { $0[nic]?.attached } }

  func attachedNICs() -> [(NICIndex, AttachedTAP)] { taps.withLock { $0.map { ($0.key, $0.value.attached) } } }

  /// Tells that the interface of `nic` takes packets of `mtu` bytes now: larger ones are dropped for it
  /// (`mtu-exceeded`), and a routed port's neighbours hear of it. More than `Switch.mtuLimit` counts as that. A NIC
  /// that is not attached is left alone.
  public func setMTU(_ mtu: Int, of nic: NICIndex) async {
    guard taps.withLock({ $0[nic] != nil }) else { return }
    await tellWorkers { .setMTU(mtu, nic, reply: $0) }
    await withCheckedContinuation { continuation in slowPath.post(.setMTU(mtu, nic) { continuation.resume() }) }
  }

  /// Counts since `attach`.
  public func counters(of nic: NICIndex) -> NICCounters {
    var sum = NICCounters()
    for table in counters { sum += table.read(nic) }
    return sum
  }

  /// The bytes of `counters(of:)` alone, without the look at each reason to drop.
  public func bytes(of nic: NICIndex) -> (received: UInt64, sent: UInt64) {
    counters.reduce((0, 0)) { sum, table in
      let more = table.readBytes(nic)
      return (sum.0 + more.received, sum.1 + more.sent)
    }
  }

  /// Whether the link is up: the cable is plugged, and the interface is up on the server's side, asked of the kernel
  /// now.
  public func isLinkUp(_ nic: NICIndex) -> Bool {
    taps.withLock { $0[nic].map { $0.hasCarrier && $0.attached.tap.isUp() } } ?? false
  }

  /// Plugs or pulls the cable: the server's interface has carrier or has not. A NIC that is not attached is left alone.
  ///
  /// What the switch writes would reach an interface without carrier all the same: whoever pulls the cable takes the
  /// NIC's port off the wire as well, by its program. Blocks while the kernel changes other interfaces.
  public func setCarrier(_ nic: NICIndex, _ isOn: Bool) {
    guard let attached = taps.withLock({ $0[nic] })?.attached else { return }
    // An interface that is gone has no carrier.
    let hasCarrier = (try? attached.tap.setCarrier(isOn)) != nil && isOn
    taps.withLock { $0[nic]?.hasCarrier = hasCarrier }
  }

  /// Whether the cable of `nic` is plugged. False of a NIC that is not attached.
  public func hasCarrier(_ nic: NICIndex) -> Bool { taps.withLock { $0[nic]?.hasCarrier } ?? false }

  /// Whether `nic` carries frames for its port: of a bond without a partner one member does.
  public func carries(_ nic: NICIndex) async -> Bool {
    await crew.ask { .carries(nic, reply: $0) }.allSatisfy(\.self)
  }

  // MARK: Forwarding

  /// Applies one transaction. What ends, the bonds' partners and the routed interfaces' neighbours hear before frames
  /// see it; what begins, they hear after it.
  public func apply(_ change: ForwardingChange, _ routing: RoutingChange = RoutingChange()) async {
    let isForSlowPath = !change.ports.isEmpty || !routing.interfaces.isEmpty
    if isForSlowPath {
      await withCheckedContinuation { continuation in
        slowPath.post(.announce(change.ports, routing) { continuation.resume() })
      }
    }
    await tellWorkers { .apply(change, routing, reply: $0) }
    await withCheckedContinuation { continuation in loopGuard.post(.apply(change) { continuation.resume() }) }
    guard isForSlowPath else { return }
    await withCheckedContinuation { continuation in
      slowPath.post(.apply(change.ports, routing) { continuation.resume() })
    }
  }

  /// What the workers' tables have of every port that is on the wire, by index. Not of one moment: a change can come
  /// between two hundreds of them. Where the workers do not agree, that is a fault of the port.
  public func ports() async -> [PortState] {
    var found: [PortState] = []
    var next: PortIndex? = PortIndex(1)
    while let first = next {
      let pages = await crew.ask { answer in .ports(first) { answer(PortPage(states: $0, next: $1)) } }
      found += Self.merged(pages.map(\.states))
      next = pages[0].next
    }
    return found
  }

  private struct PortPage: Sendable {
    let states: [PortState]
    let next: PortIndex?
  }

  private static func merged(_ states: [[PortState]]) -> [PortState] {
    guard states.count > 1 else { return states[0] }
    let byPort = states.map { Dictionary(uniqueKeysWithValues: $0.map { ($0.port, $0) }) }
    let ports = Set(byPort.flatMap(\.keys)).sorted { $0.value < $1.value }
    return ports.compactMap { port in
      let known = byPort.map { $0[port] }
      guard let first = known.lazy.compactMap(\.self).first else { return nil }
      return known.allSatisfy { $0 == first } ? first : first.adding(fault: "the workers do not agree about it")
    }
  }

  /// What the workers' routers have of every routed interface. One about which they do not agree is left out.
  public func interfaces() async -> [PortIndex: InterfaceState] {
    let all = await crew.ask { .interfaces(reply: $0) }
    return all[0].filter { port, state in all.allSatisfy { $0[port] == state } }
  }

  /// What the gateway knows of the hosts behind the routed interfaces.
  public func neighbours() async -> [NeighbourReport] {
    await withCheckedContinuation { continuation in
      slowPath.post(.neighbours { continuation.resume(returning: $0) })
    }
  }

  /// Asks the hosts behind a routed interface whether they are there. `neighbours` has what comes of it.
  public func seekNeighbours(of port: PortIndex) { slowPath.post(.seek(port)) }

  // MARK: Guard

  /// Opens a port that the guard has shut. False: it was not shut.
  public func reopen(_ port: PortIndex) async -> Bool {
    await withCheckedContinuation { continuation in
      loopGuard.post(.reopen(port) { continuation.resume(returning: $0) })
    }
  }

  // MARK: LACP

  /// Who the rack is to LACP partners (a unicast address, the same over restarts), and how often it wants to hear from
  /// them: each second, or each 30 s. Before the first bond; later the rate alone can change.
  public func setLACP(system: MACAddress, fastRate: Bool) async {
    await withCheckedContinuation { continuation in
      slowPath.post(.configure(system: system, fastRate: fastRate) { continuation.resume() })
    }
  }

  /// What LACP knows of the bonds `ports`, or of all.
  public func bonds(_ ports: Set<PortIndex>? = nil) async -> [BondReport] {
    await withCheckedContinuation { continuation in
      slowPath.post(.report(ports) { continuation.resume(returning: $0) })
    }
  }

  /// Seconds of silence after which a station is forgotten; 1...4 294 967 295.
  public func setAging(seconds: Int) async {
    await tellWorkers { .setAging(seconds: UInt32(clamping: seconds), reply: $0) }
  }

  // MARK: Stations

  /// One worker's part; nil when it has too many to do. Its owner lists a station, whoever else knows it.
  func scan(_ scan: StationScan, by worker: Int) async -> StationFind? {
    await withCheckedContinuation { continuation in
      crew.mailboxes[worker].post(.scan(scan) { continuation.resume(returning: $0) })
    }
  }

  /// Forgets stations. Returns how many.
  public func flush(_ query: StationQuery = StationQuery()) async -> Int {
    await crew.ask { .flush(query, reply: $0) }.reduce(0, +)
  }

  public func stationStatistics() async -> StationStatistics {
    let all = await crew.ask { .statistics(reply: $0) }
    return StationStatistics(
      count: all.reduce(0) { $0 + $1.count }, limit: all[0].limit, evicted: all.reduce(0) { $0 &+ $1.evicted },
      refused: all.reduce(0) { $0 &+ $1.refused }, moved: all.reduce(0) { $0 &+ $1.moved })
  }

  // MARK: The crew

  /// Posts a letter to each worker and returns when all have done what it says.
  func tellWorkers(_ letter: (@escaping @Sendable () -> Void) -> WorkerLetter) async {
    _ = await crew.ask { (answer: @escaping @Sendable (Bool) -> Void) in letter { answer(true) } }
  }
}
