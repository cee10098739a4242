import Wire

/// Who storms, who loops, and which port is shut for how long.
///
/// ## How it works
/// A worker tells of a NIC that had very many frames flooded in a second (`FloodMeter`). That is no fault: it may be
/// multicast video. But every loop does it within milliseconds, so now probes are sent: one out of each port of the
/// domains concerned, first of the servers that are loud, in rounds that become rarer while nothing comes back. A
/// healthy rack never sees a probe.
///
/// A probe that went out of port p in domain d and comes in by port q in domain e says: whatever is flooded to p in d
/// is flooded in e as well, as what came in by q (`LoopPath`). A server may well do that, as a bridge between two
/// VLANs. It loops when such paths make a circle (`LoopPaths`): then a port by which the probe came is shut. While it
/// is shut its server can send and get nothing by it. When its time is over probes are sent again, before it is opened:
/// if the circle is still there, it stays shut, for twice as long. So a loop that lasts costs the others one burst of
/// some milliseconds, and not one each time.
///
/// ## Who can be shut
/// Only the server that brings a probe, and nobody can make one: a server can shut a port of its own, never another's.
/// Jumping stations are no proof, since anybody in a VLAN can send with another's address. They shut a port only when
/// both ports are the same server's, and both are loud: a loop whose bridge does not let the probe through.
/// `docs/decisions/0018`.
///
/// ## Invariants
/// 1. Every port in `ports` has a program that carries a domain.
/// 2. What the workers have as shut is what is not `open` here, once the outputs are taken.
/// 3. All collections are bounded: by the ports of the rack, or by a limit of their own.
///
/// ## Threads
/// A value. It knows no clock: times are milliseconds of the caller's, which never go back.
public struct LoopGuard {
  public enum Output: Hashable, Sendable {
    /// Send a probe of this number out of the port, in the domain's form there.
    case probe(number: UInt64, Switch.Arrival)
    case setShut(PortIndex, Bool)
    case tell(GuardEvent)
  }

  enum Phase: Hashable {
    case open(since: UInt64)
    case shut(until: UInt64)
    /// Shut, and opened at `until` unless a probe comes back.
    case checking(until: UInt64, again: UInt64?)
  }

  struct Guarded {
    var phase: Phase
    /// How often it was shut in a row.
    var times = 0
    var shutting: GuardEvent.Shutting?
  }

  /// How long a port is shut: at first, and at most.
  public static let firstTerm: UInt64 = 10_000
  public static let longestTerm: UInt64 = 300_000
  /// A port that was open for so long is shut for the first term again.
  static let forgiveness: UInt64 = 300_000
  /// Probes that come back within this time after the first are judged together.
  static let gathering: UInt64 = 50
  /// Between two rounds of probes: at first, and at most.
  static let firstPause: UInt64 = 100
  static let longestPause: UInt64 = 10_000
  /// How long a loud NIC is loud when it says nothing more.
  static let loudness: UInt64 = 3_000
  /// How long a storm must be over.
  static let calm: UInt64 = 10_000
  /// How long a slow receiver must have been quick.
  static let slowness: UInt64 = 60_000
  static let checkTime: UInt64 = 1_000
  /// How long a station jumps before that alone is enough.
  static let patience: UInt64 = 500
  /// Probes in one round, so that a domain of thousands of ports costs what one of hundreds does.
  static let roundLimit = 256

  private(set) var programs: [PortIndex: PortProgram] = [:]
  private var portOf: [NICIndex: PortIndex] = [:]
  private var membersOf: [DomainIndex: Set<PortIndex>] = [:]

  var ports: [PortIndex: Guarded] = [:]
  private var loud: [NICIndex: UInt64] = [:]
  private var storms: [NICIndex: UInt64] = [:]
  /// Slow receivers, and when that is over unless they are slow again.
  private var slow: [NICIndex: UInt64] = [:]
  /// Ports between which and another of their server a station jumps.
  private var jumps: [PortIndex: (since: UInt64, last: UInt64)] = [:]
  private var notices = MoveNotices()
  private var paths = LoopPaths()
  private var judgement: UInt64?
  private var round: (at: UInt64, pause: UInt64)?
  private var lastRound: UInt64?
  private var rotation = 0
  private var nextNumber: UInt64
  private var outputs: [Output] = []

  /// `seed`: any number, so that the probes of two switches have different numbers.
  public init(seed: UInt64) { nextNumber = seed }

  // MARK: What happens

  /// `nic` has reached `FloodMeter.loud` in this second.
  public mutating func noteLoud(_ nic: NICIndex, at now: UInt64) {
    guard portOf[nic] != nil else { return }
    let isNew = loud[nic].map { now - $0 > Self.loudness } ?? true
    loud[nic] = now
    if isNew { hasten(at: now) }
  }

  /// `nic` has sent more than the storm limit in this second.
  public mutating func noteStorm(_ nic: NICIndex, at now: UInt64) {
    guard portOf[nic] != nil else { return }
    if storms.updateValue(now, forKey: nic) == nil {
      outputs.append(.tell(.storm(nic)))
      if loud[nic] != nil { hasten(at: now) }
    }
    noteLoud(nic, at: now)
  }

  /// A NIC gets nothing for a while, because it takes so long for a frame.
  public mutating func noteSlow(_ receiver: SlowReceiver, at now: UInt64) {
    guard portOf[receiver.nic] != nil else { return }
    let end = now + receiver.silence / 1_000_000 + Self.slowness
    if slow.updateValue(end, forKey: receiver.nic) == nil { outputs.append(.tell(.slow(receiver))) }
  }

  /// Probe `number` has come back.
  public mutating func noteReturn(of number: UInt64, at arrival: Switch.Arrival, _ now: UInt64) {
    guard programs[arrival.port]?.domains.contains(arrival.domain) == true,
      paths.note(number, at: arrival, now)
    else { return }
    if judgement == nil { judgement = now + Self.gathering }
  }

  /// A worker has seen a station move again and again.
  public mutating func noteMove(_ move: StationMove, at now: UInt64) {
    if notices.allows(move, server: server(of: move.to), at: now) { outputs.append(.tell(.moves(move))) }
    guard move.pace == .jumping, let server = server(of: move.to), server == self.server(of: move.from),
      isLoud(move.from, at: now), isLoud(move.to, at: now)
    else { return }
    let port = PortIndex(max(move.from.value, move.to.value))
    let since = jumps[port].map { now - $0.last <= Self.loudness ? $0.since : now } ?? now
    jumps[port] = (since: since, last: now)
    // The probes come first: they say what it is.
    guard now - since >= Self.patience else { return }
    jumps[port] = nil
    shut(port, .jumping(move.station, with: PortIndex(min(move.from.value, move.to.value))), at: now)
  }

  /// The same change that the workers got, after them.
  public mutating func apply(_ change: ForwardingChange, at now: UInt64) {
    for (port, program) in change.ports {
      let old = programs[port] ?? .absent
      guard !program.isSameWire(as: old) else { continue }
      if let guarded = ports[port] {
        if guarded.isShut { open(port, .changed, at: now) }
        if program.domains.isEmpty { ports[port] = nil }
      }
      jumps[port] = nil
      paths.forget(port)
      forget(old, of: port)
      guard program.role != .absent else { continue }
      programs[port] = program
    }
    // First everybody leaves, then everybody comes: a NIC can change hands between two ports of one transaction.
    for port in change.ports.keys { if let program = programs[port] { learn(program, of: port) } }
    for nic in storms.keys where portOf[nic] == nil {
      storms[nic] = nil
      outputs.append(.tell(.calm(nic)))
    }
    for nic in slow.keys where portOf[nic] == nil {
      slow[nic] = nil
      outputs.append(.tell(.quick(nic)))
    }
    loud = loud.filter { portOf[$0.key] != nil }
  }

  private mutating func forget(_ program: PortProgram, of port: PortIndex) {
    programs[port] = nil
    for nic in program.members where portOf[nic] == port { portOf[nic] = nil }
    for domain in program.domains {
      membersOf[domain]?.remove(port)
      if membersOf[domain]?.isEmpty == true { membersOf[domain] = nil }
    }
  }

  private mutating func learn(_ program: PortProgram, of port: PortIndex) {
    for nic in program.members { portOf[nic] = port }
    for domain in program.domains { membersOf[domain, default: []].insert(port) }
  }

  /// Opens `port` before its time. False: it is not shut.
  public mutating func reopen(_ port: PortIndex, at now: UInt64) -> Bool {
    guard ports[port]?.isShut == true else { return false }
    open(port, .byHand, at: now)
    return true
  }

  // MARK: The clock

  /// When `tick` has something to do; `nil`: not before something happens.
  public var deadline: UInt64? {
    var times: [UInt64] = []
    if let judgement { times.append(judgement) }
    if let round, !loud.isEmpty { times.append(round.at) }
    for guarded in ports.values {
      switch guarded.phase {
      case .open(let since): times.append(since + Self.forgiveness)
      case .shut(let until), .checking(let until, again: nil): times.append(until)
      case .checking(_, let again?): times.append(again)
      }
    }
    times += storms.values.map { $0 + Self.calm }
    times += slow.values
    return times.min()
  }

  public mutating func tick(at now: UInt64) {
    loud = loud.filter { now - $0.value <= Self.loudness }
    if let judgement, judgement <= now { judge(at: now) }
    if let round, round.at <= now {
      if loud.isEmpty { self.round = nil } else { beginRound(at: now) }
    }
    for (port, guarded) in ports.sorted(by: { $0.key.value < $1.key.value }) { tick(port, guarded.phase, at: now) }
    for (nic, last) in storms where last + Self.calm <= now {
      storms[nic] = nil
      outputs.append(.tell(.calm(nic)))
    }
    for (nic, end) in slow where end <= now {
      slow[nic] = nil
      outputs.append(.tell(.quick(nic)))
    }
  }

  private mutating func tick(_ port: PortIndex, _ phase: Phase, at now: UInt64) {
    switch phase {
    case .open(let since): if since + Self.forgiveness <= now { ports[port] = nil }
    case .shut(let until):
      guard until <= now else { return }
      ports[port]?.phase = .checking(until: now + Self.checkTime, again: now + Self.checkTime / 3)
      probe(around: [port], at: now)
    case .checking(let until, let again):
      if let again, again <= now {
        ports[port]?.phase = .checking(until: until, again: nil)
        probe(around: [port], at: now)
      }
      // What has come back is judged first.
      if until <= now, judgement == nil { open(port, .timePassed, at: now) }
    }
  }

  /// How a domain's frames leave by a port: by which NICs, and whether with a tag; `nil`: the port does not carry it.
  public func form(of place: Switch.Arrival) -> (members: [NICIndex], isTagged: Bool)? {
    guard let program = programs[place.port], program.domains.contains(place.domain) else { return nil }
    if case .switched(untagged: place.domain, tagged: _) = program.role { return (program.members, false) }
    return (program.members, true)
  }

  public mutating func nextOutput() -> Output? { outputs.isEmpty ? nil : outputs.removeFirst() }

  // MARK: Probes

  /// A round soon, and others soon after it.
  private mutating func hasten(at now: UInt64) {
    let next = lastRound.map { max(now, $0 + Self.firstPause) } ?? now
    round = (at: min(next, round?.at ?? next), pause: Self.firstPause)
  }

  private mutating func beginRound(at now: UInt64) {
    let pause = round?.pause ?? Self.firstPause
    round = (at: now + pause, pause: min(2 * pause, Self.longestPause))
    lastRound = now
    probe(around: Set(loud.keys.compactMap { portOf[$0] }), at: now)
  }

  /// One probe out of every port of every domain that `centres` carry: first of their servers, then, as far as
  /// `roundLimit` goes, of others, not always the same ones.
  private mutating func probe(around centres: Set<PortIndex>, at now: UInt64) {
    let servers = Set(centres.compactMap(server(of:)))
    let domains = Set(centres.flatMap { programs[$0]?.domains ?? [] })
    var near: [Switch.Arrival] = []
    var far: [Switch.Arrival] = []
    for domain in domains.sorted(by: { $0.value < $1.value }) {
      for port in (membersOf[domain] ?? []).sorted(by: { $0.value < $1.value }) {
        // Nothing is flooded to it.
        if case .shut = ports[port]?.phase { continue }
        let isNear = server(of: port).map(servers.contains) ?? false
        if isNear || paths.isKnown(port) {
          near.append(Switch.Arrival(port: port, domain: domain))
        } else {
          far.append(Switch.Arrival(port: port, domain: domain))
        }
      }
    }
    near = Array(near.prefix(Self.roundLimit))
    let room = min(Self.roundLimit - near.count, far.count)
    for offset in 0..<room { near.append(far[(rotation + offset) % far.count]) }
    rotation = far.isEmpty ? 0 : (rotation + room) % far.count
    for place in near { send(place, at: now) }
  }

  private mutating func send(_ place: Switch.Arrival, at now: UInt64) {
    nextNumber &+= 0x9E37_79B9_7F4A_7C15
    paths.sent(nextNumber, from: place, at: now)
    outputs.append(.probe(number: nextNumber, place))
  }

  // MARK: Judging

  private mutating func judge(at now: UInt64) {
    judgement = nil
    let cut = Set(ports.filter { if case .shut = $0.value.phase { true } else { false } }.keys)
    let checked = Set(ports.filter { if case .checking = $0.value.phase { true } else { false } }.keys)
    var shutNow = cut
    while let (path, port) = paths.circle(
      without: shutNow, blaming: checked, at: now, isOneServer: { server(of: $0) == server(of: $1) })
    {
      shutNow.insert(port)
      let other = port == path.arrival.port ? path.origin.port : path.arrival.port
      shut(port, .probe(with: other), at: now)
    }
  }

  private mutating func shut(_ port: PortIndex, _ cause: GuardEvent.Cause, at now: UInt64) {
    guard programs[port]?.domains.isEmpty == false else { return }
    var guarded = ports[port] ?? Guarded(phase: .open(since: now))
    if case .shut = guarded.phase { return }
    let term = min(Self.firstTerm << UInt64(min(guarded.times, 16)), Self.longestTerm)
    guarded.times += 1
    guarded.phase = .shut(until: now + term)
    let shutting = GuardEvent.Shutting(cause: cause, milliseconds: term, times: guarded.times)
    guarded.shutting = shutting
    ports[port] = guarded
    outputs.append(.setShut(port, true))
    outputs.append(.tell(.shut(port, shutting)))
  }

  private mutating func open(_ port: PortIndex, _ why: GuardEvent.Opening, at now: UInt64) {
    ports[port]?.phase = .open(since: now)
    ports[port]?.shutting = nil
    outputs.append(.setShut(port, false))
    outputs.append(.tell(.opened(port, why)))
  }

  /// The NICs of a server are two that follow each other, as the workers' shares are made.
  private func server(of port: PortIndex) -> Int? { programs[port]?.members.first.map { $0.value / 2 } }

  private func isLoud(_ port: PortIndex, at now: UInt64) -> Bool {
    programs[port]?.members.contains { loud[$0].map { now - $0 <= Self.loudness } ?? false } ?? false
  }
}

extension LoopGuard.Guarded {
  var isShut: Bool { if case .open = phase { false } else { true } }
}
