import Net
import Wire

/// What is known of one neighbour: whether it is there, and by which MAC address. The same for ARP and for neighbour discovery.
///
///     absent ──packet──▶ INCOMPLETE ──answer──▶ REACHABLE ──30 s──▶ STALE ──use──▶ DELAY ──5 s──▶ PROBE
///                          │  3 × 1 s                ▲                                             │ │ 3 × 1 s
///                          ▼                         └───────────────── answer ────────────────────┘ ▼
///                        failed ──1 s──▶ absent                                                    absent
///
/// ## How it works
/// Sans-IO: `handle` takes an event and the time and says what is to be done; `deadline` says when `.tick` is due. What the worker has
/// to know (`told`) follows from the state alone, so the owner compares before and after.
///
/// `failed` is not in the RFC: it is what keeps a scan, or a server that sends to one that is off, from asking again and again. A
/// probe that fails ends in `absent`, because the host may be there with another address: the next packet asks everybody.
///
/// Source: RFC 4861 7.2, 7.3, 10; Linux does the same for ARP (arp(7)).
struct NeighbourMachine: Equatable, Sendable {
  /// RFC 4861 10: MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT.
  static let solicitLimit = 3
  /// RFC 4861 10: RETRANS_TIMER.
  static let retransmission: Instant = 1_000
  /// RFC 4861 10: DELAY_FIRST_PROBE_TIME.
  static let delay: Instant = 5_000
  /// RFC 4861 10: REACHABLE_TIME times MIN_RANDOM_FACTOR to MAX_RANDOM_FACTOR.
  static let reachableTime: ClosedRange<Instant> = 15_000...45_000
  /// How long a failure is remembered.
  static let failureTime: Instant = 1_000

  enum State: Equatable, Sendable {
    case absent
    case incomplete(solicited: Int, next: Instant)
    case reachable(MACAddress, until: Instant)
    case stale(MACAddress)
    case delay(MACAddress, until: Instant)
    case probe(MACAddress, solicited: Int, next: Instant)
    case failed(until: Instant)
  }

  enum Event {
    /// A packet is to be sent to it.
    case packet
    /// The worker has sent to it while it was stale.
    case used
    /// It has said where it is, unasked, in something that it wanted of us (an ARP request, a solicitation).
    case heard(MACAddress)
    /// It has said where it is, to nobody in particular: of use only when it is known already.
    case announced(MACAddress)
    /// A neighbour advertisement or an ARP reply, which is solicited and overrides.
    case advertised(MACAddress?, solicited: Bool, override: Bool)
    case tick
  }

  struct Effects: OptionSet {
    let rawValue: UInt8
    /// Ask where it is: everybody in INCOMPLETE, itself in PROBE.
    static let solicit = Effects(rawValue: 1)
    /// Its MAC address is known: what waits may go.
    static let resolved = Effects(rawValue: 2)
    /// It is not there: what waits is lost.
    static let failed = Effects(rawValue: 4)
  }

  private(set) var state = State.absent
  /// When the state was entered.
  private(set) var entered: Instant = 0

  var mac: MACAddress? {
    switch state {
    case .absent, .incomplete, .failed: nil
    case .reachable(let mac, _), .stale(let mac), .delay(let mac, _), .probe(let mac, _, _): mac
    }
  }

  var isStale: Bool { if case .stale = state { true } else { false } }

  /// When `handle(.tick)` is due; nil: nothing happens by itself.
  var deadline: Instant? {
    switch state {
    case .absent, .stale: nil
    case .incomplete(_, let next), .probe(_, _, let next): next
    case .reachable(_, let until), .delay(_, let until), .failed(let until): until
    }
  }

  /// `reachableTime`: how long a confirmation that comes now is worth, within `Self.reachableTime`.
  mutating func handle(_ event: Event, at now: Instant, reachableTime: Instant) -> Effects {
    switch (state, event) {
    // RFC 4861 7.2.2, 7.3.3: sending.
    case (.failed(let until), .packet) where now < until: return .failed
    case (.absent, .packet), (.failed, .packet):
      enter(.incomplete(solicited: 1, next: now + Self.retransmission), at: now)
      return .solicit
    case (.stale(let mac), .packet), (.stale(let mac), .used):
      enter(.delay(mac, until: now + Self.delay), at: now)
      return []
    case (_, .packet), (_, .used): return []

    // RFC 4861 7.2.3, RFC 826: what it says by the way makes it known, and confirms nothing.
    case (.incomplete, .heard(let mac)), (.incomplete, .announced(let mac)), (.failed, .heard(let mac)),
      (.absent, .heard(let mac)):
      enter(.stale(mac), at: now)
      return .resolved
    case (.absent, .announced), (.failed, .announced): return []
    case (_, .heard(let new)), (_, .announced(let new)):
      if new != mac { enter(.stale(new), at: now) }
      return []

    // RFC 4861 7.2.5.
    case (.absent, .advertised), (.failed, .advertised): return []
    case (.incomplete, .advertised(let mac, let isSolicited, _)):
      guard let mac else { return [] }
      enter(isSolicited ? .reachable(mac, until: now + reachableTime) : .stale(mac), at: now)
      return .resolved
    case (.reachable, .advertised(let new, let isSolicited, let overrides)),
      (.stale, .advertised(let new, let isSolicited, let overrides)),
      (.delay, .advertised(let new, let isSolicited, let overrides)),
      (.probe, .advertised(let new, let isSolicited, let overrides)):
      takeAdvertisement(new, isSolicited: isSolicited, overrides: overrides, at: now, reachableTime: reachableTime)
      return []

    // RFC 4861 7.3.3: time.
    case (_, .tick): return tick(at: now)
    }
  }

  private mutating func takeAdvertisement(
    _ new: MACAddress?, isSolicited: Bool, overrides: Bool, at now: Instant, reachableTime: Instant
  ) {
    guard let known = mac else { return }
    let isOther = new.map { $0 != known } ?? false
    if isOther, !overrides {
      if case .reachable = state { enter(.stale(known), at: now) }
      return
    }
    let mac = new ?? known
    if isSolicited {
      enter(.reachable(mac, until: now + reachableTime), at: now)
    } else if isOther {
      enter(.stale(mac), at: now)
    }
  }

  private mutating func tick(at now: Instant) -> Effects {
    guard let deadline, deadline <= now else { return [] }
    switch state {
    case .absent, .stale: return []
    case .incomplete(let solicited, _):
      if solicited < Self.solicitLimit {
        state = .incomplete(solicited: solicited + 1, next: now + Self.retransmission)
        return .solicit
      }
      enter(.failed(until: now + Self.failureTime), at: now)
      return .failed
    case .reachable(let mac, _):
      enter(.stale(mac), at: now)
      return []
    case .delay(let mac, _):
      enter(.probe(mac, solicited: 1, next: now + Self.retransmission), at: now)
      return .solicit
    case .probe(let mac, let solicited, _):
      if solicited < Self.solicitLimit {
        state = .probe(mac, solicited: solicited + 1, next: now + Self.retransmission)
        return .solicit
      }
      enter(.absent, at: now)
      return .failed
    case .failed:
      enter(.absent, at: now)
      return []
    }
  }

  private mutating func enter(_ state: State, at now: Instant) {
    self.state = state
    entered = now
  }
}
