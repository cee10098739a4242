import LinkAggregation
import Net
import Testing
import Wire

/// A bond, a Linux server, and two cables between them that lose and delay frames, on virtual time.
///
/// After every event the invariants are checked against what was really delivered, not against what the bond says of
/// it. The forwarding plane is modelled too: it does what it is told some milliseconds later, and answers.
struct Simulation {
  struct Flight {
    let arrives: Instant
    let toBond: Bool
    let link: Int
    let frame: [UInt8]
  }
  /// What the bond heard last by a link.
  struct Heard {
    let at: Instant
    let pdu: LACPDU
  }

  var now: Instant = 0
  var bond: Bond
  var server: LinuxPartner
  var isUp = [false, false]
  var isMember = [true, true]
  /// Share of frames lost, in percent, and the longest delay. Frames of one link may not overtake each other.
  var loss = 0
  var delay: Instant = 1
  private var random: SeededGenerator
  private var flights: [Flight] = []
  private var lastArrival: [Instant] = [0, 0, 0, 0]
  private var nextTick: Instant = 100
  private(set) var heard: [Heard?] = [nil, nil]
  private var sent: [[Instant]] = [[], []]
  /// What the workers were told, and when the last of them does it and answers.
  private var told: [(revision: UInt64, carriage: Carriage, at: Instant)] = []
  /// What all workers take and what any may send by, as far as they were told.
  private(set) var taken: MemberSet = []
  /// Longest time until the workers answer, milliseconds.
  var answerDelay = 0
  private var lastAnswer: Instant = 0
  let seed: UInt64

  static let ports: [UInt16] = [11, 12]

  init(seed: UInt64, fast: Bool, server: LinuxPartner) {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    bond = Bond(LACPConfiguration(system: rack, key: 7, fastRate: fast), ports: Self.ports, at: 0)
    self.server = server
  }

  mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

  // MARK: Events

  mutating func setLink(_ link: Int, up: Bool) {
    isUp[link] = up
    if !up { flights.removeAll { $0.link == link } }
    isAnnounced[link] = false
    heard[link] = nil
    server.setCarrier(link, up)
    bond.setLink(member: link, up: up, at: now)
    afterBondEvent()
  }

  mutating func setMember(_ link: Int, _ joined: Bool) {
    isMember[link] = joined
    isAnnounced[link] = false
    heard[link] = nil
    if joined {
      bond.add(member: link, port: Self.ports[link], at: now)
    } else {
      bond.remove(member: link, at: now)
    }
    afterBondEvent()
  }

  /// The server boots: it knows nothing, and its links have carrier as before.
  mutating func reboot() {
    server = LinuxPartner(system: server.system, key: server.key, fast: server.fast, active: server.active)
    for link in 0...1 where isUp[link] { server.setCarrier(link, true) }
  }

  /// Lets the time go on by `duration`, event by event.
  mutating func run(for duration: Instant) {
    let end = now + duration
    while true {
      let arrival = flights.map(\.arrives).min() ?? .max
      let answer = told.first?.at ?? .max
      let next = min(arrival, nextTick, bond.deadline ?? .max, answer)
      if next > end { break }
      now = max(now, next)
      if answer <= now {
        answerOne()
        afterBondEvent()
      } else if let index = flights.firstIndex(where: { $0.arrives <= now }) {
        deliver(flights.remove(at: index))
      } else if nextTick <= now {
        nextTick += 100
        for (port, frame) in server.tick() { send(frame, by: port, toBond: true) }
      } else {
        bond.tick(at: now)
        afterBondEvent()
      }
    }
    now = end
  }

  private mutating func send(_ frame: [UInt8], by link: Int, toBond: Bool) {
    guard isUp[link], number(0..<100) >= loss else { return }
    let lane = link * 2 + (toBond ? 1 : 0)
    let arrives = max(lastArrival[lane], now + Instant(number(0..<Int(delay) + 1)))
    lastArrival[lane] = arrives
    flights.append(Flight(arrives: arrives, toBond: toBond, link: link, frame: frame))
  }

  private mutating func deliver(_ flight: Flight) {
    guard flight.toBond else { return server.receive(flight.frame, on: flight.link) }
    let pdu = unsafe flight.frame.withUnsafeBytes { bytes in
      unsafe SlowProtocolPDU.decode(bytes.baseAddress!, count: bytes.count)
    }
    guard case .lacp(let content) = pdu else { preconditionFailure("the server sends LACPDUs") }
    if isMember[flight.link] { heard[flight.link] = Heard(at: now, pdu: content) }
    bond.receive(pdu, on: flight.link, at: now)
    afterBondEvent()
  }

  private mutating func afterBondEvent() {
    var frame = [UInt8](repeating: 0, count: SlowProtocolPDU.frameSize)
    while let link = unsafe frame.withUnsafeMutableBytes({
      unsafe bond.nextTransmission(into: $0.baseAddress!, at: now)
    }) {
      sent[link].append(now)
      checkAnnouncement(frame, by: link)
      send(frame, by: link, toBond: false)
    }
    if bond.revision != lastTold {
      lastTold = bond.revision
      // A worker that stops is not waited for: what all take is the least that any of them takes.
      taken.formIntersection(bond.carriage.collecting)
      lastAnswer = max(lastAnswer, now + Instant(answerDelay == 0 ? 0 : number(0..<answerDelay + 1)))
      told.append((bond.revision, bond.carriage, lastAnswer))
      if answerDelay == 0 { answerAll() }
    }
    check()
  }

  private var lastTold: UInt64?
  /// What was said last by each link.
  private var isAnnounced = [false, false]

  private mutating func answerAll() {
    while !told.isEmpty { answerOne() }
    afterBondEvent()
  }

  private mutating func answerOne() {
    let first = told.removeFirst()
    // Some worker may do already what it was told since.
    taken = told.reduce(first.carriage.collecting) { $0.intersection($1.carriage.collecting) }
    bond.confirm(first.revision, at: now)
  }

  /// No LACPDU says that a link is in sync or collects by which frames are not taken.
  private mutating func checkAnnouncement(_ frame: [UInt8], by link: Int) {
    let pdu = unsafe frame.withUnsafeBytes { unsafe SlowProtocolPDU.decode($0.baseAddress!, count: $0.count) }
    guard case .lacp(let content) = pdu else { return }
    isAnnounced[link] = !content.actor.state.isDisjoint(with: [.synchronization, .collecting, .distributing])
    checkAnnounced()
  }

  private func checkAnnounced() {
    for link in 0...1 where isAnnounced[link] && isUp[link] && isMember[link] {
      #expect(taken.contains(member: link), "seed \(seed) at \(now): \(link) was announced, taken \(taken)")
    }
  }

  // MARK: Invariants

  private func check() {
    checkAnnounced()
    let carriage = bond.carriage
    let context: Comment = "seed \(seed) at \(now): \(carriage)"
    #expect(carriage.distributing.isSubset(of: carriage.collecting), context)
    for link in 0...1 {
      let times = sent[link].suffix(4)
      if times.count == 4 { #expect(times.last! - times.first! >= 1_000, "over three LACPDUs in a second, \(context)") }
    }
    let able = (0...1).filter { isUp[$0] && isMember[$0] }
    #expect(carriage.distributing.isEmpty == able.isEmpty, "one carries whenever one can, \(context)")
    for link in 0...1 where carriage.collecting.contains(member: link) { #expect(able.contains(link), context) }
    switch carriage.kind {
    case .none: #expect(carriage.collecting.isEmpty, context)
    case .fallback: #expect(carriage.distributing.count == 1, "one sends alone, \(context)")
    case .aggregate:
      var groups: [[UInt64]] = []
      for link in 0...1 where carriage.distributing.contains(member: link) {
        guard let heard = heard[link] else {
          Issue.record("link \(link) distributes without a partner, \(context)")
          continue
        }
        let partner = heard.pdu.actor
        #expect(now - heard.at < timeout, "link \(link) distributes to a silent partner, \(context)")
        #expect(partner.state.isSuperset(of: [.synchronization, .collecting]), "link \(link), \(context)")
        #expect(heard.pdu.partner.port == Self.ports[link] && heard.pdu.partner.system == rack, context)
        groups.append([partner.system.value, UInt64(partner.key), UInt64(partner.systemPriority)])
      }
      #expect(Set(groups).count == 1, "two aggregates, \(context)")
    }
  }

  private var timeout: Instant { bond.configuration.fastRate ? 3_000 : 90_000 }

  var isWhole: Bool {
    bond.carriage == Bench.aggregate(0, 1) && server.isCarrying(0) && server.isCarrying(1)
  }
}
