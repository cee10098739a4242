public import Net

/// What the guard has to say to people.
public enum GuardEvent: Hashable, Sendable {
  /// A NIC sends more floods than the storm limit; it has ceased to.
  case storm(NICIndex)
  case calm(NICIndex)
  /// A receiver takes so long for a frame that it gets nothing for a while; it has ceased to.
  case slow(SlowReceiver)
  case quick(NICIndex)
  /// A port was shut, or stays so for another term.
  case shut(PortIndex, Shutting)
  case opened(PortIndex, Opening)
  /// A station goes to and fro.
  case moves(StationMove)

  public struct Shutting: Hashable, Sendable {
    public var cause: Cause
    /// How long.
    public var milliseconds: UInt64
    /// How often in a row: 1 the first time.
    public var times: Int

    public init(cause: Cause, milliseconds: UInt64, times: Int) {
      (self.cause, self.milliseconds, self.times) = (cause, milliseconds, times)
    }
  }

  public enum Cause: Hashable, Sendable {
    /// What is sent out of the one port comes back by the other; it can be the same.
    case probe(with: PortIndex)
    /// A station jumps between the port that is shut and this one.
    case jumping(MACAddress, with: PortIndex)
  }

  public enum Opening: Hashable, Sendable { case timePassed, byHand, changed }
}

/// A NIC whose own system takes very long for a frame, within the switch's write.
public struct SlowReceiver: Hashable, Sendable, BitwiseCopyable {
  public let nic: NICIndex
  /// Nanoseconds that one write took.
  public let spent: UInt64
  /// Nanoseconds for which it gets nothing now.
  public let silence: UInt64

  public init(nic: NICIndex, spent: UInt64, silence: UInt64) {
    (self.nic, self.spent, self.silence) = (nic, spent, silence)
  }
}

/// How often people are told of a station that moves: once a minute of each, and of the stations of one server six
/// times a minute at most, so that who invents stations fills no journal.
struct MoveNotices {
  static let pause: UInt64 = 60_000
  static let perServer = 6
  /// Stations that are remembered; while they are so many, no further one is told of.
  static let limit = 4_096

  private struct Key: Hashable {
    var domain: DomainIndex
    var station: MACAddress
  }
  private var told: [Key: UInt64] = [:]
  private var counts: [Int?: (since: UInt64, count: Int)] = [:]

  mutating func allows(_ move: StationMove, server: Int?, at now: UInt64) -> Bool {
    let key = Key(domain: move.domain, station: move.station)
    if let last = told[key], now - last < Self.pause { return false }
    if told.count >= Self.limit {
      told = told.filter { now - $0.value < Self.pause }
      counts = counts.filter { now - $0.value.since < Self.pause }
      guard told.count < Self.limit else { return false }
    }
    var count = counts[server] ?? (since: now, count: 0)
    if now - count.since >= Self.pause { count = (since: now, count: 0) }
    guard count.count < Self.perServer else { return false }
    counts[server] = (since: count.since, count: count.count + 1)
    told[key] = now
    return true
  }
}
