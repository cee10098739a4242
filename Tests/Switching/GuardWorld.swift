import Net
import Wire

@testable import Switching

/// A rack of servers on virtual time, some of which forward between their ports, and the guard at work on it. It
/// answers probes, and makes those NICs loud whose ports are part of a loop; what loops it finds out in its own way, by
/// following a frame.
///
/// Server s has NICs 2s and 2s + 1 and ports 3s + 1 (bond0, unused), 3s + 2 and 3s + 3, as the rack gives them out.
final class GuardWorld {
  typealias Place = Switch.Arrival

  private var machine = LoopGuard(seed: 1)
  private(set) var now: UInt64 = 1_000_000
  /// What is flooded to a place comes in at the other.
  var bridges: [(from: Place, to: Place)] = []
  /// Whether bridges let probes through.
  var carriesProbes = true
  private(set) var shut: Set<PortIndex> = []
  private(set) var events: [(at: UInt64, event: GuardEvent)] = []
  private(set) var probes = 0
  private var returning: [(at: UInt64, number: UInt64, place: Place)] = []
  private var programs: [PortIndex: PortProgram] = [:]
  private var nextSecond: UInt64

  /// `domains`: of each server, those of its two NICs.
  init(_ domains: [([Int], [Int])]) {
    nextSecond = now
    var change = ForwardingChange()
    for (server, carried) in domains.enumerated() {
      for (nic, list) in [carried.0, carried.1].enumerated() {
        change.ports[PortIndex(3 * server + 2 + nic)] = Self.program(NICIndex(2 * server + nic), list)
      }
    }
    apply(change)
  }

  static func program(_ nic: NICIndex, _ domains: [Int]) -> PortProgram {
    let carried = domains.map { DomainIndex($0) }
    let role: PortProgram.Role =
      switch carried.count {
      case 0: .dark
      case 1: .switched(untagged: carried[0], tagged: [])
      default: .switched(untagged: nil, tagged: carried)
      }
    return PortProgram(members: [nic], role: role)
  }

  func place(_ server: Int, _ nic: Int, _ domain: Int) -> Place {
    Place(port: PortIndex(3 * server + 2 + nic), domain: DomainIndex(domain))
  }
  func port(_ server: Int, _ nic: Int) -> PortIndex { PortIndex(3 * server + 2 + nic) }

  /// The server forwards both ways.
  func join(_ one: Place, _ other: Place) { bridges += [(one, other), (other, one)] }

  func apply(_ change: ForwardingChange) {
    programs.merge(change.ports) { $1 }
    machine.apply(change, at: now)
    take()
  }

  /// Lets that much time pass, in milliseconds.
  func run(_ milliseconds: UInt64) {
    let end = now + milliseconds
    while true {
      let times = [machine.deadline.map { max($0, now) }, returning.map(\.at).min(), nextSecond].compactMap(\.self)
      guard let next = times.min(), next <= end else { break }
      now = next
      if nextSecond <= now {
        nextSecond = now + 1_000
        for port in looping { machine.noteLoud(NICIndex((port.value - 2) / 3 * 2 + (port.value - 2) % 3), at: now) }
      }
      for probe in returning where probe.at <= now { machine.noteReturn(of: probe.number, at: probe.place, now) }
      returning.removeAll { $0.at <= now }
      machine.tick(at: now)
      take()
    }
    now = end
  }

  private func take() {
    while let output = machine.nextOutput() {
      switch output {
      case .probe(let number, let place):
        probes += 1
        guard carriesProbes else { break }
        for bridge in bridges where bridge.from == place {
          returning.append((at: now + 2, number: number, place: bridge.to))
        }
      case .setShut(let port, true): shut.insert(port)
      case .setShut(let port, false): shut.remove(port)
      case .tell(let event): events.append((now, event))
      }
    }
  }

  func noteLoud(_ nic: Int) { machine.noteLoud(NICIndex(nic), at: now) }
  func noteStorm(_ nic: Int) { machine.noteStorm(NICIndex(nic), at: now) }
  func noteReturn(of number: UInt64, at place: Place) { machine.noteReturn(of: number, at: place, now) }
  func noteJump(_ from: PortIndex, _ to: PortIndex) {
    machine.noteMove(
      StationMove(domain: DomainIndex(1), station: MACAddress(0x02), from: from, to: to, pace: .jumping), at: now)
    take()
  }
  func reopen(_ port: PortIndex) -> Bool {
    defer { take() }
    return machine.reopen(port, at: now)
  }
  var deadline: UInt64? { machine.deadline }
  var remembered: Int { machine.ports.count }

  var shutTerms: [UInt64] {
    events.compactMap { if case .shut(_, let shutting) = $0.event { shutting.milliseconds / 1_000 } else { nil } }
  }

  // MARK: What really loops

  /// Ports by which a frame comes in again and again.
  var looping: Set<PortIndex> {
    let arrivals = Set(bridges.map(\.to)).filter { !shut.contains($0.port) }
    return Set(arrivals.filter { following($0).contains($0) }.map(\.port))
  }

  /// Where copies of a frame that has come in at `place` come in, sooner or later.
  private func following(_ place: Place) -> Set<Place> {
    var found: Set<Place> = []
    var waiting = [place]
    while let here = waiting.popLast() {
      for bridge in bridges
      where bridge.from.domain == here.domain && bridge.from.port != here.port && !shut.contains(bridge.from.port)
        && !shut.contains(bridge.to.port)
      {
        if found.insert(bridge.to).inserted { waiting.append(bridge.to) }
      }
    }
    return found
  }
}
