import Gateway
public import LinkAggregation
import Ports
public import Switching
import Wire

/// What the slow path is asked to do.
enum SlowLetter: Sendable {
  case configure(system: MACAddress, fastRate: Bool, reply: @Sendable () -> Void)
  case attach(AttachedTAP, NICIndex, mtu: Int)
  case detach(NICIndex, reply: @Sendable () -> Void)
  case apply([PortIndex: PortProgram], RoutingChange, reply: @Sendable () -> Void)
  case setMTU(Int, NICIndex, reply: @Sendable () -> Void)
  /// From the worker.
  case link(NICIndex, up: Bool)
  case report(Set<PortIndex>?, reply: @Sendable ([BondReport]) -> Void)
  case neighbours(reply: @Sendable ([NeighbourReport]) -> Void)
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

/// The second thread of the forwarding plane: protocols that need a clock and a few frames a second. LACP for the bonds (this file),
/// and for the routed interfaces what the `Gateway` speaks: ARP, neighbour discovery, ICMP, DHCP (`SlowPath+Gateway`).
///
/// ## How it works
/// A turn: wait for a letter, a frame or the next deadline; do the letters; give the frames to their bonds and to the gateway; let
/// those that are due do their work. After each event frames are written, straight to the TAP (one write is one frame,
/// whoever writes), and what has changed is told to the workers. So an LACPDU never waits behind
/// data: in, it has a ring of its own, out, no queue at all. Nor behind the gateway's packets: of those a turn takes a few.
///
/// ## Invariants
/// 1. A NIC is a place of at most one bond.
/// 2. Every worker knows the carriage of every bond that is here, as soon as it has read its letters.
///
/// ## Threads
/// Everything here belongs to this thread. In: `SlowPathInbox`. Out: letters to the worker, and replies.
struct SlowPath: ~Copyable {
  struct Entry {
    var bond: Bond
    var places: [Aggregation.Place]
    /// What the worker was told last; nil: nothing yet.
    var told: Carriage?
  }

  private let poller: Poller
  /// One of each worker.
  let inboxes: [SlowPathInbox]
  let crew: Crew
  /// What this thread has sent and dropped; each worker has a table of its own.
  let counters: CounterTable
  var bonds: [PortIndex: Entry] = [:]
  private var placeOf: [NICIndex: (port: PortIndex, member: Int)] = [:]
  var up: Set<NICIndex> = []
  var taps: [NICIndex: AttachedTAP] = [:]
  var routed: RoutedPorts
  private var system = MACAddress(0x0200_0000_0001)
  private var fastRate = false
  private var stopped = false
  /// A zero virtio header and the frame that goes out.
  private var room = [UInt8](repeating: 0, count: VirtioNetHeader.size + SlowProtocolPDU.frameSize)

  /// Deadlines are met this late at most, so that thousands of bonds do not each wake the thread.
  private static let granularity: UInt64 = 5

  init(
    poller: consuming Poller, inboxes: [SlowPathInbox], crew: Crew, counters: CounterTable, seed: UInt64
  ) {
    self.poller = poller
    self.inboxes = inboxes
    self.crew = crew
    self.counters = counters
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
    guard let entry = bonds[port], entry.told != entry.bond.carriage else { return }
    bonds[port]?.told = entry.bond.carriage
    crew.postToAll(.carry(carriage(of: entry), port))
    noteLink(of: port, at: now)
  }

  private mutating func transmit(_ port: PortIndex, at now: UInt64) {
    while let member = nextTransmission(port, at: now) {
      guard let nic = bonds[port]?.places[member].nic, let attached = taps[nic] else { continue }
      // A link that is down says so; the worker knows how to watch for its return.
      if !attached.tap.write(room) { crew.post(.checkLink(nic), toOwnerOf: nic) }
    }
  }

  private mutating func nextTransmission(_ port: PortIndex, at now: UInt64) -> Int? {
    unsafe room.withUnsafeMutableBytes { bytes in
      unsafe bonds[port]?.bond.nextTransmission(into: bytes.baseAddress! + VirtioNetHeader.size, at: now)
    }
  }

  /// A bond none of whose links is up has no partner to obey: the worker lets the first link that comes up carry at once.
  private borrowing func carriage(of entry: Entry) -> BondCarriage {
    let agreed = entry.bond.carriage
    let hasLink = entry.places.contains { up.contains($0.nic) }
    return BondCarriage(
      isAggregate: agreed.kind == .aggregate || (agreed.kind == .none && hasLink),
      members: entry.places.enumerated().map { index, place in
        BondCarriage.Member(
          nic: place.nic, isCollecting: agreed.collecting.contains(member: index),
          isDistributing: agreed.distributing.contains(member: index))
      })
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
      counters.reset(nic)
      taps[nic] = attached
      setMTU(mtu, of: nic, at: now)
    case .setMTU(let mtu, let nic, let reply):
      setMTU(mtu, of: nic, at: now)
      reply()
    case .detach(let nic, let reply):
      setLink(nic, up: false, at: now)
      taps[nic] = nil
      setMTU(nil, of: nic, at: now)
      reply()
    case .apply(let programs, let routing, let reply):
      // What an interface that goes has to say still goes by its bond.
      endInterfaces(routing, at: now)
      // First the bonds that end, then those that begin: a NIC can change hands in one transaction.
      for (port, program) in programs where program.aggregation == nil || program.members.isEmpty { end(port, at: now) }
      for (port, program) in programs { program.aggregation.map { set(port, program, $0, at: now) } }
      for (port, program) in programs { noteMembers(program, of: port) }
      beginInterfaces(routing, at: now)
      for port in programs.keys { refit(port, at: now) }
      reply()
    case .link(let nic, let isUp): setLink(nic, up: isUp, at: now)
    case .report(let ports, let reply):
      let wanted = ports.map { $0.filter { bonds[$0] != nil } } ?? Set(bonds.keys)
      reply(wanted.sorted { $0.value < $1.value }.compactMap { report($0, at: now) })
    case .neighbours(let reply): reply(routed.gateway.neighbours(at: now))
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
    // Whether any link is up is part of what the worker is told.
    bonds[port]?.told = nil
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
    let configuration = LACPConfiguration(system: system, key: aggregation.key, fastRate: fastRate)
    var bond = Bond(configuration, ports: [], at: now)
    for (member, place) in aggregation.places.enumerated() {
      bond.setLink(member: member, up: up.contains(place.nic), at: now)
      placeOf[place.nic] = (port, member)
    }
    bonds[port] = Entry(bond: bond, places: aggregation.places, told: nil)
  }

  /// The partner is told once, and stops using the links when it has heard it, or when it has heard nothing for its timeout.
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
