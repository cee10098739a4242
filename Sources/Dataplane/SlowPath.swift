import Gateway
public import LinkAggregation
import Net
import Observers
import Ports
public import Switching
import Wire

/// What the slow path is asked to do.
enum SlowLetter: Sendable {
  case configure(system: MACAddress, fastRate: Bool, reply: @Sendable () -> Void)
  case attach(AttachedTAP, NICIndex, mtu: Int)
  case detach(NICIndex, reply: @Sendable () -> Void)
  /// Before the workers' tables change: partners and neighbours are told of what ends.
  case announce([PortIndex: PortProgram], RoutingChange, reply: @Sendable () -> Void)
  /// After it.
  case apply([PortIndex: PortProgram], RoutingChange, reply: @Sendable () -> Void)
  case setMTU(Int, NICIndex, reply: @Sendable () -> Void)
  /// From the worker that owns the NIC.
  case link(NICIndex, up: Bool)
  /// From it: the NIC carries for its bond, which has no partner.
  case carrier(NICIndex)
  /// From it: frames come by the NIC, which its bond's aggregate leaves out.
  case outside(NICIndex)
  /// All workers have answered what they were told of the bond's carriage; `life`: which bond, as a port can have
  /// several.
  case inForce(PortIndex, life: Int, revision: UInt64)
  case report(Set<PortIndex>?, reply: @Sendable ([BondReport]) -> Void)
  case neighbours(reply: @Sendable ([NeighbourReport]) -> Void)
  /// Somebody waits for the hosts behind it.
  case seek(PortIndex)
  /// As the workers' letter.
  case watch(FrameWatch?, Int, WatchOrder.NICs, reply: @Sendable () -> Void)
  case stop(reply: @Sendable () -> Void)
}

/// What can be told of a bond.
public struct BondReport: Sendable {
  public let port: PortIndex
  /// The members that are in the bond now.
  public let members: [Member]

  public struct Member: Sendable {
    public let nic: NICIndex
    public let snapshot: MemberSnapshot
  }
}

/// The second thread of the forwarding plane: protocols that need a clock and a few frames a second. LACP for the bonds
/// (this file), and for the routed interfaces what the `Gateway` speaks: ARP, neighbour discovery, ICMP, DHCP
/// (`SlowPath+Gateway`).
///
/// ## How it works
/// A turn: wait for a letter, a frame or the next deadline; do the letters; give the frames to their bonds and to the
/// gateway; let those that are due do their work. After each event frames are written, straight to the TAP (one write
/// is one frame, whoever writes), and what has changed is told to the workers. So an LACPDU never waits behind
/// data: in, it has a ring of its own, out, no queue at all. Nor behind the gateway's packets: of those a turn takes a
/// few.
///
/// What a bond begins is told to the workers first, and the partner hears of it when all of them have answered; the
/// answer is a letter, so nothing waits for it but that bond's LACPDU (decision 19).
///
/// ## Invariants
/// 1. A NIC is a place of at most one bond.
/// 2. Every worker knows the carriage of every bond that is here, as soon as it has read its letters.
/// 3. No LACPDU says what a worker does not do yet.
///
/// ## Threads
/// Everything here belongs to this thread. In: `SlowPathInbox`. Out: letters to the worker, and replies.
struct SlowPath: ~Copyable {
  struct Entry {
    var bond: Bond
    var places: [Aggregation.Place]
    /// The revision of the carriage that the workers were told last; nil: none yet.
    var told: UInt64?
    /// No two bonds have the same.
    let life: Int
  }

  private let poller: Poller
  /// One of each worker.
  let inboxes: [SlowPathInbox]
  let crew: Crew
  /// What this thread sends and drops is counted there; each worker has a table of its own.
  var outbox: Outbox
  var bonds: [PortIndex: Entry] = [:]
  private var placeOf: [NICIndex: (port: PortIndex, member: Int)] = [:]
  var up: Set<NICIndex> = []
  var routed: RoutedPorts
  private var system = MACAddress(0x0200_0000_0001)
  private var fastRate = false
  private var stopped = false
  private var lives = 0
  /// A zero virtio header and the frame that goes out.
  private var room = [UInt8](repeating: 0, count: VirtioNetHeader.size + SlowProtocolPDU.frameSize)

  /// Deadlines are met this late at most, so that thousands of bonds do not each wake the thread.
  private static let granularity: UInt64 = 5

  init(
    poller: consuming Poller, inboxes: [SlowPathInbox], crew: Crew, outbox: consuming Outbox, seed: UInt64
  ) {
    self.outbox = outbox
    self.poller = poller
    self.inboxes = inboxes
    self.crew = crew
    routed = RoutedPorts(seed: seed)
  }

  /// Works until a `stop` letter comes.
  mutating func run() {
    while !stopped {
      // Looking at a wake-up clears it; what comes later wakes again.
      for index in 0..<poller.wait(milliseconds: timeout()) { _ = poller.event(index) }
      if let letters = inboxes[0].mailbox.take() {
        for letter in letters { answer(letter) }
      }
      takeLACP()
      takePackets()
      let now = Clock.milliseconds()
      for (port, entry) in bonds where entry.bond.deadline.map({ $0 <= now }) ?? false {
        bonds[port]?.bond.tick(at: now)
        finish(port, at: now)
      }
      tickGateway(at: now)
    }
  }

  private borrowing func timeout() -> Int {
    if routed.hasMore { return 0 }
    let bond = bonds.values.lazy.compactMap(\.bond.deadline).min()
    guard let next = [bond, routed.gateway.deadline].compactMap(\.self).min() else { return -1 }
    let now = Clock.milliseconds()
    return Int(max(Self.granularity, next > now ? min(next - now, 60_000) : 0))
  }

  // MARK: Frames

  mutating func takeLACP() {
    for inbox in inboxes { while let entry = inbox.queue.pop() { receive(entry) } }
  }

  private mutating func receive(_ entry: SlowQueue.Entry) {
    guard let (port, member) = placeOf[NICIndex(Int(entry.nic))] else { return }
    let now = Clock.milliseconds()
    bonds[port]?.bond.receive(entry.pdu, on: member, at: now)
    finish(port, at: now)
  }

  /// Sends what the bond has to send, and tells the worker what has changed.
  private mutating func finish(_ port: PortIndex, at now: UInt64) {
    guard bonds[port] != nil else { return }
    transmit(port, at: now)
    guard let entry = bonds[port], entry.told != entry.bond.revision else { return }
    bonds[port]?.told = entry.bond.revision
    tell(entry, of: port)
    noteLink(of: port, at: now)
  }

  /// Tells the workers how the bond carries from now on; the answer comes as a letter.
  private borrowing func tell(_ entry: Entry, of port: PortIndex) {
    let told = carriage(of: entry)
    let (mailbox, life, revision) = (inboxes[0].mailbox, entry.life, entry.bond.revision)
    crew.ask { (answer: @escaping @Sendable (Bool) -> Void) in
      .carry(told, port) { answer(true) }
    } _: { _ in
      mailbox.post(.inForce(port, life: life, revision: revision))
    }
  }

  private mutating func transmit(_ port: PortIndex, at now: UInt64) {
    while let member = nextTransmission(port, at: now) {
      guard let nic = bonds[port]?.places[member].nic else { continue }
      // A link that is down says so; the worker knows how to watch for its return.
      if case .linkIsDown = outbox.send(room, to: nic, isCounted: false) { crew.post(.checkLink(nic), toOwnerOf: nic) }
    }
  }

  private mutating func nextTransmission(_ port: PortIndex, at now: UInt64) -> Int? {
    unsafe room.withUnsafeMutableBytes { bytes in
      unsafe bonds[port]?.bond.nextTransmission(into: bytes.baseAddress! + VirtioNetHeader.size, at: now)
    }
  }

  private borrowing func carriage(of entry: Entry) -> BondCarriage {
    let agreed = entry.bond.carriage
    let alone = entry.places.indices.first { agreed.kind == .fallback && agreed.distributing.contains(member: $0) }
    return BondCarriage(
      isAggregate: agreed.kind == .aggregate,
      members: entry.places.enumerated().map { index, place in
        BondCarriage.Member(
          nic: place.nic, isCollecting: agreed.opened.contains(member: index),
          isDistributing: agreed.kind == .aggregate && agreed.distributing.contains(member: index),
          isBarred: agreed.barred.contains(member: index))
      },
      carrier: alone.map { entry.places[$0].nic })
  }

  // MARK: Letters

  private mutating func answer(_ letter: SlowLetter) {
    let now = Clock.milliseconds()
    switch letter {
    case .configure(let system, let fastRate, let reply):
      self.system = system
      self.fastRate = fastRate
      for port in bonds.keys {
        bonds[port]?.bond.setFastRate(fastRate, at: now)
        finish(port, at: now)
      }
      reply()
    case .attach(let attached, let nic, let mtu):
      outbox.attach(attached, as: nic)
      setMTU(mtu, of: nic, at: now)
    case .setMTU(let mtu, let nic, let reply):
      setMTU(mtu, of: nic, at: now)
      reply()
    case .detach(let nic, let reply):
      setLink(nic, up: false, at: now)
      outbox.detach(nic)
      setMTU(nil, of: nic, at: now)
      reply()
    case .announce(let programs, let routing, let reply):
      // What an interface that goes has to say still goes by its bond.
      endInterfaces(routing, at: now)
      for (port, program) in programs { sayGoodbye(port, program, at: now) }
      reply()
    case .apply(let programs, let routing, let reply):
      // First the bonds that end, then those that begin: a NIC can change hands in one transaction.
      for (port, program) in programs where program.aggregation == nil || program.members.isEmpty { end(port, at: now) }
      for (port, program) in programs { program.aggregation.map { set(port, program, $0, at: now) } }
      for (port, program) in programs { noteMembers(program, of: port) }
      beginInterfaces(routing, at: now)
      for port in programs.keys { refit(port, at: now) }
      reply()
    case .link(let nic, let isUp): setLink(nic, up: isUp, at: now)
    case .carrier(let nic): change(bondOf: nic, at: now) { $0.carry(by: $1, at: now) }
    case .outside(let nic): change(bondOf: nic, at: now) { $0.hearOutside(member: $1, at: now) }
    case .inForce(let port, let life, let revision):
      guard bonds[port]?.life == life else { return }
      bonds[port]?.bond.confirm(revision, at: now)
      finish(port, at: now)
    case .report(let ports, let reply):
      let wanted = ports.map { $0.filter { bonds[$0] != nil } } ?? Set(bonds.keys)
      reply(wanted.sorted { $0.value < $1.value }.compactMap { report($0, at: now) })
    case .neighbours(let reply): reply(routed.gateway.neighbours(at: now))
    case .seek(let port):
      routed.gateway.seek(port, at: now)
      sendOutputs()
    case .watch(let watch, let place, let nics, let reply):
      outbox.observers.set(watch, at: place, nics: nics)
      reply()
    case .stop(let reply):
      stopped = true
      reply()
    }
  }

  private mutating func setLink(_ nic: NICIndex, up isUp: Bool, at now: UInt64) {
    if isUp { up.insert(nic) } else { up.remove(nic) }
    refit(portOf: nic, at: now)
    guard let (port, member) = placeOf[nic] else { return noteLink(ofPlain: nic, at: now) }
    bonds[port]?.bond.setLink(member: member, up: isUp, at: now)
    finish(port, at: now)
    // What frames may leave by is more than the carriage says.
    noteLink(of: port, at: now)
  }

  private mutating func change(bondOf nic: NICIndex, at now: UInt64, _ change: (inout Bond, Int) -> Void) {
    guard let (port, member) = placeOf[nic], bonds[port] != nil else { return }
    change(&bonds[port]!.bond, member)
    finish(port, at: now)
  }

  /// Members that leave the bond `port` say so; they are used until the workers' tables change.
  private mutating func sayGoodbye(_ port: PortIndex, _ program: PortProgram, at now: UInt64) {
    guard let places = bonds[port]?.places else { return }
    for (member, place) in places.enumerated()
    where program.aggregation == nil || !program.members.contains(place.nic) {
      bonds[port]?.bond.remove(member: member, at: now)
    }
    finish(port, at: now)
  }

  private mutating func set(_ port: PortIndex, _ program: PortProgram, _ aggregation: Aggregation, at now: UInt64) {
    guard !program.members.isEmpty else { return }
    if bonds[port]?.places != aggregation.places { begin(port, aggregation, at: now) }
    for (member, place) in aggregation.places.enumerated() {
      if program.members.contains(place.nic) {
        bonds[port]?.bond.add(member: member, port: place.portNumber, at: now)
      } else {
        bonds[port]?.bond.remove(member: member, at: now)
      }
    }
    finish(port, at: now)
  }

  private mutating func begin(_ port: PortIndex, _ aggregation: Aggregation, at now: UInt64) {
    end(port, at: now)
    let configuration = LACPConfiguration(
      system: system, key: aggregation.key, fastRate: fastRate, isStatic: aggregation.isStatic)
    var bond = Bond(configuration, ports: [], at: now)
    for (member, place) in aggregation.places.enumerated() {
      bond.setLink(member: member, up: up.contains(place.nic), at: now)
      placeOf[place.nic] = (port, member)
    }
    lives += 1
    bonds[port] = Entry(bond: bond, places: aggregation.places, told: nil, life: lives)
  }

  /// The partner is told once, and stops using the links when it has heard it, or when it has heard nothing for its
  /// timeout.
  private mutating func end(_ port: PortIndex, at now: UInt64) {
    guard let places = bonds[port]?.places else { return }
    for (member, place) in places.enumerated() {
      bonds[port]?.bond.remove(member: member, at: now)
      placeOf[place.nic] = nil
    }
    transmit(port, at: now)
    bonds[port] = nil
    noteLink(of: port, at: now)
  }

  private borrowing func report(_ port: PortIndex, at now: UInt64) -> BondReport? {
    guard let entry = bonds[port] else { return nil }
    return BondReport(
      port: port,
      members: entry.bond.snapshot(at: now).map {
        BondReport.Member(nic: entry.places[$0.member].nic, snapshot: $0)
      })
  }
}
