public import Net
public import Switching
import Wire

/// The slow half of the gateway: everything of routed interfaces that is not forwarding a packet by a route that is
/// known.
///
/// ## How it works
/// The worker's `Router` forwards; what it cannot (`SlowPacket.Kind` lists it) comes here by a ring. The gateway speaks
/// ARP and neighbour discovery, answers pings and DHCP, tells senders what became of their packets, and advertises
/// itself to servers. A value without clock or I/O: events (`set`, `setLink`, `receive`, `tick`) come in with the time,
/// and after each of them the caller fetches what is to be done (`nextOutput`, until it returns nil) and comes back at
/// `deadline`.
///
/// An interface is a link between two, so that its neighbours are known beforehand: the hosts of `links`. All others
/// are strangers that are neither learned nor answered, and no scan makes a table grow.
///
///     packet ── local ──────────▶ ARP · neighbour discovery · echo · DHCP · port unreachable, reset
///            ── resolve ────────▶ NeighbourMachine ──▶ frame, or host unreachable
///            ── fragment ───────▶ cut, then as resolve
///            ── timeExceeded, noRoute, tooBig ──▶ ICMP error to the sender
///            ── used ───────────▶ NeighbourMachine
///
/// Answers leave by the interface that the question came by, and only to a host that belongs there: the worker has
/// checked the source, and the gateway looks again. They never leave from an address that is not a gateway's.
///
/// ## Invariants
/// 1. `slots` of an interface are in step with its `links`; packets wait only for a neighbour that is INCOMPLETE.
/// 2. At most `waitingLimit` packets wait for one neighbour, `waitingBytesLimit` bytes for all, `waitingBytesShare` of
///    them from one interface.
/// 3. The worker has been told the MAC address of exactly the neighbours that have one (`Slot.told`).
/// 4. No ICMP error is about an ICMP error, and none is sent without a token of its interface and one of all or
///    promised.
/// 5. Each packet that comes in ends as a frame, as a `drop`, in a queue that is bounded, or has told us something.
///
/// ## Threads
/// None of its own; one owner, the slow path. It may allocate.
public struct Gateway {
  /// What there is to do.
  public enum Output: Sendable, Equatable {
    /// Virtio header and untagged frame, to be written to a member of the port.
    case frame([UInt8], PortIndex)
    /// Tell the worker: forward to the neighbour by this MAC address; nil: hand its packets to me. `isStale`: tell me
    /// (`SlowPacket.Kind.used`) at the next use.
    case neighbour(Neighbour, MACAddress?, isStale: Bool)
    /// Count it at the NIC.
    case drop(NICIndex, DropReason)
  }

  /// Packets that wait for one neighbour.
  static let waitingLimit = 3
  /// Bytes that wait for all of them.
  static let waitingBytesLimit = 4 << 20
  /// Of which those that came in by one interface: eight super-frames.
  static let waitingBytesShare = 512 << 10

  var interfaces: [PortIndex: Interface] = [:]
  private var linksUp: Set<PortIndex> = []
  /// How many interfaces have the address on our end.
  private var gatewayAddresses: [IPAddress: Int] = [:]
  private var schedule = Schedule()
  private var outputs: [Output] = []
  private var fetched = 0
  var random: SeededGenerator
  /// Of all interfaces together.
  var errors: TokenBucket
  var waitingBytes = 0
  /// The same by the interface that they came in by, without zeros.
  var waitingBytesFrom: [PortIndex: Int] = [:]
  var reassembler = Reassembler()

  /// `seed`: spreads timers and numbers packets; constant in tests.
  public init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    errors = TokenBucket(rate: 1_000, burst: 200, at: 0)
  }

  /// When `tick` is due next; nil: not before the next event.
  public var deadline: Instant? {
    guard let due = schedule.first?.due else { return reassembler.deadline }
    return min(due, reassembler.deadline ?? due)
  }

  /// What came of the events so far, in order; nil when there is no more.
  public mutating func nextOutput() -> Output? {
    guard fetched < outputs.count else {
      outputs.removeAll(keepingCapacity: outputs.count < 1_024)
      fetched = 0
      return nil
    }
    fetched += 1
    return outputs[fetched - 1]
  }

  mutating func put(_ output: Output) { outputs.append(output) }
  mutating func drop(_ nic: NICIndex, _ reason: DropReason) { outputs.append(.drop(nic, reason)) }

  // MARK: Configuration

  /// What `port` is from now on; nil: no routed interface any more. An equal value changes nothing; a changed one keeps
  /// the neighbours of the links that are unchanged.
  public mutating func set(_ interface: RoutedInterface?, as port: PortIndex, at now: Instant) {
    precondition(
      interface.map { $0.links.count <= RoutedInterface.linkLimit } ?? true, "more links than an interface has")
    let former = interfaces[port]?.configuration
    guard former != interface else { return }
    let goesOn = former.map { interface?.advertises ?? false && interface?.mac == $0.mac } ?? false
    // RFC 4861 6.2.5, and 6.2.8 when our link-local address changes.
    if !goesOn { sendFinalAdvertisement(on: port) }
    for link in former?.links ?? [] { count(link.gateway, by: -1) }
    for link in interface?.links ?? [] { count(link.gateway, by: 1) }
    replaceSlots(of: port, by: interface, at: now)
    if let interface, interface.advertises, linksUp.contains(port) {
      interfaces[port]?.advertiser.start(at: now, &random)
      interfaces[port]?.advertiser.solicited(at: now, &random)
    }
    reschedule(port)
  }

  private mutating func count(_ gateway: IPAddress, by change: Int) {
    let number = gatewayAddresses[gateway, default: 0] + change
    gatewayAddresses[gateway] = number > 0 ? number : nil
  }

  /// Moves what is known of links that stay to their new places. The worker hears of every place that has changed, and
  /// again of those that have not: it may have forgotten them with the interface's former value.
  private mutating func replaceSlots(of port: PortIndex, by configuration: RoutedInterface?, at now: Instant) {
    let former = interfaces[port]
    let kept = configuration?.kind == former?.configuration.kind ? former : nil
    let links = configuration?.links ?? []
    var lost: [Interface.Waiting] = []
    for (index, link) in (former?.configuration.links ?? []).enumerated() where kept == nil || !links.contains(link) {
      lost += takeWaiting(for: Neighbour(port: port, slot: index))
    }
    interfaces[port] = configuration.map { configuration in
      var interface = kept ?? Interface(configuration, at: now)
      interface.configuration = configuration
      interface.slots = links.map { link in
        kept?.configuration.links.firstIndex(of: link).flatMap { kept?.slots[$0] } ?? Interface.Slot()
      }
      return interface
    }
    for (index, slot) in (former?.slots ?? []).enumerated() where slot.told != nil {
      let successor = interfaces[port].flatMap { $0.slots.indices.contains(index) ? $0.slots[index] : nil }
      if successor?.toTell == nil { put(.neighbour(Neighbour(port: port, slot: index), nil, isStale: false)) }
    }
    for index in links.indices {
      interfaces[port]?.slots[index].told = nil
      tell(Neighbour(port: port, slot: index))
    }
    giveUp(lost, at: now)
  }

  /// The first link of the port came up, or the last one went down.
  public mutating func setLink(_ port: PortIndex, up: Bool, at now: Instant) {
    guard linksUp.contains(port) != up else { return }
    if up { linksUp.insert(port) } else { linksUp.remove(port) }
    guard let interface = interfaces[port] else { return }
    if up {
      if interface.configuration.advertises { interfaces[port]?.advertiser.start(at: now, &random) }
    } else {
      interfaces[port]?.advertiser.stop()
      for index in interface.slots.indices {
        let neighbour = Neighbour(port: port, slot: index)
        interfaces[port]?.slots[index].machine = NeighbourMachine()
        let waiting = takeWaiting(for: neighbour)
        tell(neighbour)
        giveUp(waiting, at: now)
      }
    }
    reschedule(port)
  }

  func isUp(_ port: PortIndex) -> Bool { linksUp.contains(port) }

  /// Whether `address` is on our end of some interface.
  func isOurs(_ address: IPAddress) -> Bool { gatewayAddresses[address] != nil }

  // MARK: Time

  /// Time has passed. Costs a comparison while nothing is due.
  public mutating func tick(at now: Instant) {
    if let due = reassembler.deadline, due <= now { reassembler.expire(at: now) }
    while let entry = schedule.first, entry.due <= now {
      let port = entry.port
      for slot in interfaces[port]?.slots.indices ?? 0..<0 {
        handle(.tick, of: Neighbour(port: port, slot: slot), at: now)
      }
      if interfaces[port]?.advertiser.tick(at: now, &random) ?? false {
        sendAdvertisement(on: port, lifetime: RouterAdvertiser.lifetime)
      }
      reschedule(port)
    }
  }

  /// To be called when a deadline of the interface may have moved.
  mutating func reschedule(_ port: PortIndex) { schedule.set(port, due: interfaces[port]?.deadline) }

  // MARK: Packets

  /// A packet, or what a packet has told the worker.
  public mutating func receive(_ packet: SlowPacket, at now: Instant) {
    if packet.kind == .used {
      handle(.used, of: packet.neighbour, at: now)
      return
    }
    let isReady = packet.kind == .resolve || packet.kind == .fragment
    guard let arrival = Arrival(packet.bytes, ingress: packet.ingress, nic: packet.nic, isReady: isReady) else {
      drop(packet.nic, .runt)
      return
    }
    switch packet.kind {
    case .local: receiveLocal(arrival, at: now)
    case .timeExceeded: refuse(arrival, .timeExceeded, counting: .ttlExceeded, at: now)
    case .noRoute: refuse(arrival, .noRoute, counting: .noRoute, at: now)
    case .tooBig:
      // Without the interface there is nothing that it could be too big for.
      if let mtu = interfaces[packet.neighbour.port]?.configuration.mtu {
        refuse(arrival, .tooBig(mtu: mtu), counting: .packetTooBig, at: now)
      } else {
        drop(packet.nic, .packetTooBig)
      }
    case .fragment, .resolve:
      let waiting = Interface.Waiting(
        bytes: packet.bytes, ingress: packet.ingress, nic: packet.nic, isToBeCut: packet.kind == .fragment)
      send(waiting, to: packet.neighbour, at: now)
    case .used: break
    }
  }

  private mutating func receiveLocal(_ arrival: Arrival, at now: Instant) {
    guard let interface = interfaces[arrival.ingress]?.configuration else {
      drop(arrival.nic, .notAnswered)
      return
    }
    switch arrival.etherType {
    case EtherType.arp: receiveARP(arrival, on: interface, at: now)
    case EtherType.ipv4: receive4(arrival, on: interface, at: now)
    case EtherType.ipv6: receive6(arrival, on: interface, at: now)
    default: drop(arrival.nic, .unknownProtocol)
    }
  }

  // MARK: For listings

  /// What is known of all neighbours, by port and place; of `port` alone when it is given.
  public func neighbours(of port: PortIndex? = nil, at now: Instant) -> [NeighbourReport] {
    let ports = port.map { [$0] } ?? interfaces.keys.sorted { $0.value < $1.value }
    return ports.flatMap { port -> [NeighbourReport] in
      guard let interface = interfaces[port] else { return [] }
      return zip(interface.slots, interface.configuration.links).compactMap { slot, link in
        NeighbourReport.State(slot.machine.state).map { state in
          NeighbourReport(
            port: port, address: link.host, mac: slot.machine.mac, state: state,
            age: now > slot.machine.entered ? now - slot.machine.entered : 0)
        }
      }
    }
  }
}
