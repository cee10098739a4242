public import Impairments

/// One of the two top-of-rack switches that a facility has, as far as servers can tell: eth0 of each is on `a`, eth1 on
/// `b`.
public enum RackSwitch: String, Hashable, Sendable, CaseIterable, Codable {
  case a, b

  /// What of each server is on it.
  public var nic: PortName { self == .a ? .eth0 : .eth1 }
}

/// Which way frames go on a server's link.
public enum LinkDirection: String, Hashable, Sendable, CaseIterable, Codable {
  case toServer = "to-server"
  case fromServer = "from-server"
}

/// The link between one NIC and the switch, as it is set: plugged or not, and what is wrong with it each way.
public struct NICLink: Hashable, Sendable {
  /// The cable is pulled.
  public var isDown: Bool
  public var toServer: Impairment
  public var fromServer: Impairment

  public init(isDown: Bool = false, toServer: Impairment = Impairment(), fromServer: Impairment = Impairment()) {
    (self.isDown, self.toServer, self.fromServer) = (isDown, toServer, fromServer)
  }

  public subscript(direction: LinkDirection) -> Impairment {
    get { direction == .toServer ? toServer : fromServer }
    set { if direction == .toServer { toServer = newValue } else { fromServer = newValue } }
  }

  /// It is plugged, and frames pass as they are.
  public var isSound: Bool { !isDown && toServer.isNothing && fromServer.isNothing }
}

/// The links of both NICs.
public struct ServerLinks: Hashable, Sendable {
  public var eth0: NICLink
  public var eth1: NICLink

  public init(eth0: NICLink = NICLink(), eth1: NICLink = NICLink()) { (self.eth0, self.eth1) = (eth0, eth1) }

  /// bond0 has no link of its own: its members have.
  public subscript(nic: PortName) -> NICLink {
    get {
      precondition(nic != .bond0, "bond0 has no link of its own")
      return nic == .eth0 ? eth0 : eth1
    }
    set { if nic == .eth0 { eth0 = newValue } else { eth1 = newValue } }
  }
}

/// New values of one direction; `nil` leaves one as it is.
public struct ImpairmentUpdate: Hashable, Sendable {
  /// First takes everything away that was set.
  public var startsOver: Bool
  public var loss: Fraction?
  public var duplicate: Fraction?
  public var reorder: Fraction?
  public var corrupt: Fraction?
  /// Nanoseconds.
  public var delay: UInt64?
  public var jitter: UInt64?
  /// Bits a second; 0: no limit.
  public var rate: UInt64?
  public var queue: UInt64?
  /// Begins the sequence of losses anew, also when it is the one that it was.
  public var seed: UInt64?

  public init(startsOver: Bool = false) { self.startsOver = startsOver }

  public var isEmpty: Bool { self == ImpairmentUpdate() }

  /// The setting that comes of it.
  public func applied(to old: Impairment) -> Impairment {
    var new = startsOver ? Impairment() : old
    new.series = old.series
    if let loss { new.loss = loss }
    if let duplicate { new.duplicate = duplicate }
    if let reorder { new.reorder = reorder }
    if let corrupt { new.corrupt = corrupt }
    if let delay { new.delay = delay }
    if let jitter { new.jitter = jitter }
    if let rate { new.rate = rate }
    if let queue { new.queue = queue }
    if let seed {
      new.seed = seed
      new.series = old.series &+ 1
    }
    return new
  }
}

/// New values of a NIC's link; `nil` leaves one as it is.
public struct LinkUpdate: Hashable, Sendable {
  public var isDown: Bool?
  public var toServer: ImpairmentUpdate?
  public var fromServer: ImpairmentUpdate?

  public init(isDown: Bool? = nil, toServer: ImpairmentUpdate? = nil, fromServer: ImpairmentUpdate? = nil) {
    (self.isDown, self.toServer, self.fromServer) = (isDown, toServer, fromServer)
  }

  /// To `link`, whatever it was.
  public init(to link: NICLink) {
    self.init(
      isDown: link.isDown, toServer: ImpairmentUpdate(to: link.toServer),
      fromServer: ImpairmentUpdate(to: link.fromServer))
  }

  /// The link that comes of it.
  public func applied(to old: NICLink) -> NICLink {
    NICLink(
      isDown: isDown ?? old.isDown, toServer: toServer?.applied(to: old.toServer) ?? old.toServer,
      fromServer: fromServer?.applied(to: old.fromServer) ?? old.fromServer)
  }
}

extension ImpairmentUpdate {
  /// To `setting`, whatever it was. A seed begins its sequence.
  public init(to setting: Impairment) {
    self.init(startsOver: true)
    (loss, duplicate, reorder, corrupt) = (setting.loss, setting.duplicate, setting.reorder, setting.corrupt)
    (delay, jitter, rate, queue) = (setting.delay, setting.jitter, setting.rate, setting.queue)
    seed = setting.seed
  }
}

extension ImpairmentUpdate {
  /// From one setting to another. A seed that stays goes on with its sequence.
  public init(from old: Impairment, to new: Impairment) {
    self.init(to: new)
    guard new.seed == old.seed else { return }
    (startsOver, seed) = (false, nil)
  }
}

extension Impairment {
  /// Whether people would call the two the same: how often a sequence was begun does not count.
  public func isLike(_ other: Impairment) -> Bool {
    var (one, two) = (self, other)
    (one.series, two.series) = (0, 0)
    return one == two
  }

  /// `loss 1%, delay 20ms`; empty when nothing is set.
  public var words: String { pairs.map { "\($0.name) \($0.text)" }.joined(separator: ", ") }

  /// What is set, each as people write it.
  public var pairs: [(name: String, text: String)] {
    let shares = [("loss", loss), ("duplicate", duplicate), ("reorder", reorder), ("corrupt", corrupt)]
    var pairs: [(String, String)] = shares.filter { $0.1 != .zero }.map { ($0.0, $0.1.text) }
    if delay > 0 { pairs.append(("delay", Measure.text(ofTime: delay))) }
    if jitter > 0 { pairs.append(("jitter", Measure.text(ofTime: jitter))) }
    if rate > 0 { pairs.append(("rate", Measure.text(ofRate: rate))) }
    if queue != Self.defaultQueue { pairs.append(("queue", Measure.text(ofTime: queue))) }
    if let seed { pairs.append(("seed", "\(seed)")) }
    return pairs
  }

  /// What is wrong with the values together or apart; `nil`: nothing is.
  package var fault: String? {
    if !Self.times.contains(delay) { return "delay \(Measure.text(ofTime: delay)) is too long; \(Measure.timeRule)" }
    if !Self.times.contains(jitter) { return "jitter \(Measure.text(ofTime: jitter)) is too long; \(Measure.timeRule)" }
    if rate != 0, !Self.rates.contains(rate) {
      return "rate \(Measure.text(ofRate: rate)) is out of range; \(Measure.rateRule)"
    }
    if !Self.queues.contains(queue) {
      return "queue \(Measure.text(ofTime: queue)) is out of range; \(Measure.queueRule)"
    }
    if let seed, !Self.seeds.contains(seed) { return "seed \(seed) is too large; \(Measure.seedRule)" }
    return nil
  }
}

extension NICLink {
  /// `down; to the server loss 1%; from the server delay 20ms`; empty when nothing is set.
  public var words: String {
    let to = toServer.words, from = fromServer.words
    return [
      isDown ? "down" : "", to.isEmpty ? "" : "to the server \(to)", from.isEmpty ? "" : "from the server \(from)",
    ].filter { !$0.isEmpty }.joined(separator: "; ")
  }
}

extension Server {
  /// Whether the cable of a NIC is plugged and there is a switch at its end: the server is on, the link is not set down,
  /// and the facility's switch has not failed.
  public func hasCarrier(_ nic: PortName) -> Bool {
    isPoweredOn && !links[nic].isDown && !failedSwitches.contains { $0.nic == nic }
  }

  /// The NICs that have carrier.
  public var plugged: Set<PortName> { Set(PortName.nics.filter(hasCarrier)) }
}
