/// A way through servers: what is flooded to `origin` comes in at `arrival`.
struct LoopPath: Hashable {
  var origin: Switch.Arrival
  var arrival: Switch.Arrival
}

/// The probes that are under way, and the ways by which some have come back.
///
/// ## When ways make a loop
/// What came in by port q in domain e is flooded to every other port of e. So way a is followed by way b when b begins
/// in a's last domain, at another port than the one by which a came in. A circle of ways that follow each other is a
/// loop: one frame goes round for ever. A server with both NICs in one VLAN and a bridge between them is a circle of
/// one way. A bridge between two VLANs is none; two servers that bridge the same two VLANs are a circle of two.
///
/// ## Whom to blame
/// One way of the circle is to be cut, at its arrival: by that port the probe was brought. When a server brings it from
/// one of its ports to another in the same VLAN, the higher of the two is cut, so that eth0 stays whichever probe came
/// back. Of several ways first one whose port was shut before and is being checked; then the one that was seen last:
/// who bridged two VLANs before somebody else came and closed the circle is not the one to go; then the one of the
/// highest port.
struct LoopPaths {
  /// Probes are accepted for so long, each once by a port: what a server keeps to send it later is nothing.
  static let lifetime: UInt64 = 1_500
  /// A way is remembered for so long, for who was first; it counts for a circle while it is fresh.
  static let memory: UInt64 = 600_000
  static let freshness: UInt64 = 1_500
  /// Ways that are kept; more come to nothing.
  static let limit = 256

  private struct Sent {
    var place: Switch.Arrival
    var at: UInt64
  }
  private struct Seen {
    /// When the probes were sent that came first and last.
    var first: UInt64
    var last: UInt64
  }

  private var sent: [UInt64: Sent] = [:]
  private var sentOrder: [UInt64] = []
  private var seen: [LoopPath: Seen] = [:]

  mutating func sent(_ number: UInt64, from place: Switch.Arrival, at now: UInt64) {
    let late = sentOrder.prefix { sent[$0].map { now - $0.at > Self.lifetime } ?? true }
    for old in late { sent[old] = nil }
    sentOrder.removeFirst(late.count)
    sent[number] = Sent(place: place, at: now)
    sentOrder.append(number)
  }

  /// False: the probe says nothing that was not known, or nothing any more.
  mutating func note(_ number: UInt64, at arrival: Switch.Arrival, _ now: UInt64) -> Bool {
    guard let probe = sent[number], now - probe.at <= Self.lifetime else { return false }
    let path = LoopPath(origin: probe.place, arrival: arrival)
    if let old = seen[path] {
      guard old.last < probe.at else { return false }
      seen[path]?.last = probe.at
      return true
    }
    if seen.count >= Self.limit {
      seen = seen.filter { now - $0.value.last <= Self.memory }
      if seen.count >= Self.limit { seen = seen.filter { now - $0.value.last <= Self.freshness } }
      guard seen.count < Self.limit else { return false }
    }
    // A bridge forwards both ways: the other way is as old as the one.
    let other = seen[LoopPath(origin: arrival, arrival: probe.place)]
    seen[path] = Seen(first: other?.first ?? probe.at, last: probe.at)
    return true
  }

  /// Whether a way begins or ends at `port`, as far as is remembered.
  func isKnown(_ port: PortIndex) -> Bool {
    seen.keys.contains { $0.origin.port == port || $0.arrival.port == port }
  }

  mutating func forget(_ port: PortIndex) {
    seen = seen.filter { $0.key.origin.port != port && $0.key.arrival.port != port }
  }

  /// The way of a circle that is to be cut, and at which port. `cut`: ports that nothing comes in by or goes out of.
  /// `isOneServer`: whether two ports are of one server.
  func circle(
    without cut: Set<PortIndex>, blaming checked: Set<PortIndex>, at now: UInt64,
    isOneServer: (PortIndex, PortIndex) -> Bool
  ) -> (path: LoopPath, port: PortIndex)? {
    let fresh = seen.filter { path, seen in
      now - seen.last <= Self.freshness && !cut.contains(path.origin.port) && !cut.contains(path.arrival.port)
    }
    let byOrigin = Dictionary(grouping: fresh.keys, by: \.origin.domain)
    func blamed(_ path: LoopPath) -> PortIndex {
      let (one, other) = (path.origin, path.arrival)
      guard one.domain == other.domain, one.port.value > other.port.value, isOneServer(one.port, other.port) else {
        return other.port
      }
      return one.port
    }
    func rank(_ path: LoopPath) -> (Int, UInt64, Int, Int) {
      let port = blamed(path)
      return (checked.contains(port) ? 1 : 0, fresh[path]!.first, port.value, path.origin.port.value)
    }
    // The first that can be come back to, of those that are to be blamed, from the most on.
    let path = fresh.keys.sorted { rank($0) > rank($1) }.first { isOnCircle($0, byOrigin) }
    return path.map { ($0, blamed($0)) }
  }

  private func isOnCircle(_ start: LoopPath, _ byOrigin: [DomainIndex: [LoopPath]]) -> Bool {
    var visited: Set<LoopPath> = []
    var waiting = [start]
    while let path = waiting.popLast() {
      for next in byOrigin[path.arrival.domain] ?? [] where next.origin.port != path.arrival.port {
        if next == start { return true }
        if visited.insert(next).inserted { waiting.append(next) }
      }
    }
    return false
  }
}
