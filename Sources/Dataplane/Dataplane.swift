public import Gateway
import Glibc
public import Ports
public import Switching
import Synchronization
public import Wire

/// The forwarding plane as control sees it: NICs are attached and detached, port programs applied, counters and stations read.
///
/// Every call that changes something returns when the worker forwards by it, so a caller that has returned may tell its own
/// caller that the wire has changed. Calls of one task are done in order.
///
/// There is one worker, and one slow path for protocols that need a clock (`SlowPath`). The interface does not show it: a change is one transaction for every worker, and an answer is the
/// sum over them.
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
    public init() {}

    /// With a secret of this process.
    func makeStationTable() -> StationTable {
      var random = SystemRandomNumberGenerator()
      return StationTable(
        limit: stationLimit, limitPerPort: stationLimitPerPort, aging: UInt32(clamping: agingSeconds),
        secret: (random.next(), random.next()))
    }
  }

  private let mailbox: Mailbox<WorkerLetter>
  private let slowPath: SlowPathInbox
  /// One for each thread, which is its only writer.
  private let counters: (worker: CounterTable, slowPath: CounterTable)
  private let taps = Mutex<[NICIndex: Plugged]>([:])
  private let threads: [pthread_t]

  /// An interface that is attached, and whether its cable is plugged.
  private struct Plugged {
    let attached: AttachedTAP
    var hasCarrier: Bool
  }

  /// "io_uring" or "read/write".
  public let driver: String
  public var workers: Int { 1 }

  /// Starts the worker and the slow path.
  public init(_ configuration: Configuration = Configuration()) throws(PortsFault) {
    let workerPoller = try Poller()
    let slowPoller = try Poller()
    let (wakeWorker, wakeSlowPath) = (workerPoller.waker, slowPoller.waker)
    let inbox = SlowPathInbox(
      queue: SlowQueue(), packets: PacketQueues(), mailbox: Mailbox<SlowLetter>(waker: wakeSlowPath),
      waker: wakeSlowPath)
    let mailbox = Mailbox<WorkerLetter>(waker: wakeWorker)
    let pollers = (worker: Handover(workerPoller), slowPath: Handover(slowPoller))
    let counters = CounterTable(nicLimit: configuration.limits.nics)
    let slowCounters = CounterTable(nicLimit: configuration.limits.nics)
    (self.mailbox, self.counters, slowPath) = (mailbox, (counters, slowCounters), inbox)

    var driverName = ""
    let worker = ForwardingThread("toprack-fwd") { ready in
      let driver = TAPDriver(nicLimit: configuration.limits.nics, mode: configuration.mode)
      driverName = driver.name
      var worker = Worker(
        plane: Switch(limits: configuration.limits, stations: configuration.makeStationTable()), driver: driver,
        poller: pollers.worker.take(), mailbox: mailbox, counters: counters, slowPath: inbox)
      ready()
      worker.run()
    }
    let slow = ForwardingThread("toprack-slow") { ready in
      var slowPath = SlowPath(
        poller: pollers.slowPath.take(), inbox: inbox, worker: mailbox, counters: slowCounters,
        seed: UInt64.random(in: 0 ... .max))
      ready()
      slowPath.run()
    }
    threads = [try slow.launch(), try worker.launch()]
    driver = driverName
  }

  /// Ends both threads. TAPs stay, persistent; their descriptors are closed.
  public func stop() async {
    await withCheckedContinuation { continuation in slowPath.mailbox.post(.stop { continuation.resume() }) }
    await withCheckedContinuation { continuation in mailbox.post(.stop { continuation.resume() }) }
    for thread in threads { pthread_join(thread, nil) }
    taps.withLock { $0.removeAll() }
  }

  // MARK: NICs

  /// Takes `tap` in as `nic`, with counters at 0. Nothing crosses it until a port program names it. `carrier`: whether it was
  /// opened with its cable plugged.
  public func attach(_ tap: consuming TAP, as nic: NICIndex, carrier: Bool = true) async throws(PortsFault) {
    let attached = AttachedTAP(tap)
    // The slow path first: when the link comes up it may have something to say.
    slowPath.mailbox.post(.attach(attached, nic))
    let fault = await withCheckedContinuation { continuation in
      mailbox.post(.attach(attached, nic) { continuation.resume(returning: $0) })
    }
    if let fault {
      slowPath.mailbox.post(.detach(nic) {})
      throw fault
    }
    taps.withLock { $0[nic] = Plugged(attached: attached, hasCarrier: carrier) }
  }

  /// Gives `nic` up. No frame uses it when this returns. `removing` ends the interface too; without, it stays, unplugged.
  ///
  /// Runs where the caller does: ending an interface blocks for some ten milliseconds in the kernel.
  public func detach(
    _ nic: NICIndex, removing: Bool = false, isolation: isolated (any Actor)? = #isolation
  ) async {
    await withCheckedContinuation { continuation in mailbox.post(.detach(nic) { continuation.resume() }) }
    await withCheckedContinuation { continuation in slowPath.mailbox.post(.detach(nic) { continuation.resume() }) }
    let attached = taps.withLock { $0.removeValue(forKey: nic) }?.attached
    // An interface whose namespace is gone cannot be told anything; it is gone, which is what was wanted.
    if removing { try? attached?.tap.setPersistent(false) }
  }

  /// Counts since `attach`.
  public func counters(of nic: NICIndex) -> NICCounters {
    var counters = counters.worker.read(nic)
    counters += self.counters.slowPath.read(nic)
    return counters
  }

  /// Whether the link is up: the cable is plugged, and the interface is up on the server's side, asked of the kernel now.
  public func isLinkUp(_ nic: NICIndex) -> Bool {
    taps.withLock { $0[nic].map { $0.hasCarrier && $0.attached.tap.isUp() } } ?? false
  }

  /// Plugs or pulls the cable: the server's interface has carrier or has not. A NIC that is not attached is left alone.
  ///
  /// What the switch writes would reach an interface without carrier all the same: whoever pulls the cable takes the NIC's
  /// port off the wire as well, by its program. Blocks while the kernel changes other interfaces.
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
    await withCheckedContinuation { continuation in
      mailbox.post(.carries(nic) { continuation.resume(returning: $0) })
    }
  }

  // MARK: Forwarding

  /// Applies one transaction: first frames see it, then the bonds' partners and the routed interfaces' neighbours hear of it.
  public func apply(_ change: ForwardingChange, _ routing: RoutingChange = RoutingChange()) async {
    await withCheckedContinuation { continuation in mailbox.post(.apply(change, routing) { continuation.resume() }) }
    guard !change.ports.isEmpty || !routing.interfaces.isEmpty else { return }
    await withCheckedContinuation { continuation in
      slowPath.mailbox.post(.apply(change.ports, routing) { continuation.resume() })
    }
  }

  /// What the worker's tables have of every port that is on the wire, by index. Not of one moment: a change can come between two
  /// hundreds of them.
  public func ports() async -> [PortState] {
    var found: [PortState] = []
    var next: PortIndex? = PortIndex(1)
    while let first = next {
      let (states, following) = await withCheckedContinuation { continuation in
        mailbox.post(.ports(first) { continuation.resume(returning: ($0, $1)) })
      }
      found += states
      next = following
    }
    return found
  }

  /// What the worker's router has of every routed interface.
  public func interfaces() async -> [PortIndex: InterfaceState] {
    await withCheckedContinuation { continuation in
      mailbox.post(.interfaces { continuation.resume(returning: $0) })
    }
  }

  /// What the gateway knows of the hosts behind the routed interfaces.
  public func neighbours() async -> [NeighbourReport] {
    await withCheckedContinuation { continuation in
      slowPath.mailbox.post(.neighbours { continuation.resume(returning: $0) })
    }
  }

  // MARK: LACP

  /// Who the rack is to LACP partners (a unicast address, the same over restarts), and how often it wants to hear from them:
  /// each second, or each 30 s. Before the first bond; later the rate alone can change.
  public func setLACP(system: MACAddress, fastRate: Bool) async {
    await withCheckedContinuation { continuation in
      slowPath.mailbox.post(.configure(system: system, fastRate: fastRate) { continuation.resume() })
    }
  }

  /// What LACP knows of the bonds `ports`, or of all.
  public func bonds(_ ports: Set<PortIndex>? = nil) async -> [BondReport] {
    await withCheckedContinuation { continuation in
      slowPath.mailbox.post(.report(ports) { continuation.resume(returning: $0) })
    }
  }

  /// Seconds of silence after which a station is forgotten; 1...4 294 967 295.
  public func setAging(seconds: Int) async {
    await withCheckedContinuation { continuation in
      mailbox.post(.setAging(seconds: UInt32(clamping: seconds)) { continuation.resume() })
    }
  }

  // MARK: Stations

  /// In no order.
  public func stations(_ query: StationQuery = StationQuery()) async -> [StationRecord] {
    await withCheckedContinuation { continuation in
      mailbox.post(.list(query) { continuation.resume(returning: $0) })
    }
  }

  /// Forgets stations. Returns how many.
  public func flush(_ query: StationQuery = StationQuery()) async -> Int {
    await withCheckedContinuation { continuation in
      mailbox.post(.flush(query) { continuation.resume(returning: $0) })
    }
  }

  public func stationStatistics() async -> StationStatistics {
    await withCheckedContinuation { continuation in
      mailbox.post(.statistics { continuation.resume(returning: $0) })
    }
  }
}
