// Which member of a bond carries while no aggregate is in force: the one that the server uses.
//
// Servers bond in active-backup, or not at all, or have not begun to; none of them says by which NIC it is to be
// reached. A switch learns that from what it hears, and here the question is only which of two links. The first member
// carries at first. That changes
//
// 1. when its link goes down: the other one carries on, also when the link is back (`passOn`);
// 2. when the server is heard on the other member alone. Its address has moved there when the frame has the source that
//    the carrying member heard last, and that one has been silent for a moment: a server that bridges its NICs says
//    everything twice, at once. Another address, such as that of the second NIC, has to send unicast while the carrying
//    member is silent for a second, or broadcasts for a second while it is silent for five: firmware that tries its
//    second NIC can do no more. Multicast proves nothing: each NIC that is up sends it by itself (router solicitations,
//    reports, mDNS). Nor does what others sent and the server gives back, because it bridges its NICs: a station that
//    stands on another port, or a test of a loop.
//
// In a static bond the frames of both members are taken. Broadcasts come by the link on which the server listens
// (balance-tlb sends everything but unicast IP by its active one), so the carrying member follows them.
//
// Invariant: where both members' links are up, exactly one of them sends, and floods reach the server once.

import Net
public import Wire

/// What a member of a bond was heard to say while no aggregate was in force.
@usableFromInline struct Voice: BitwiseCopyable {
  /// Source address of the last frame; 0: there was none, or a broken one.
  @usableFromInline var source: UInt64 = 0
  /// When that was, on `Switch.clock`; of a static bond, when the last broadcast came. 0: never.
  @usableFromInline var heard: UInt64 = 0
  /// When the first broadcast came since the carrying member fell silent; 0: none has.
  @usableFromInline var since: UInt64 = 0
  @usableFromInline init() {}
}

extension Switch {
  /// How long the carrying member has to be silent, milliseconds, before the other one carries because of what is heard
  /// there: its own last source, any unicast, broadcasts.
  public enum Patience {
    public static var moved: UInt64 { 100 }
    public static var unicast: UInt64 { 1_000 }
    public static var broadcast: UInt64 { 5_000 }
    /// From the first broadcast to the one that proves it.
    public static var repetition: UInt64 { 1_000 }
  }

  /// What a frame that came by a member of a bond means while no aggregate is in force.
  enum Hearing: BitwiseCopyable {
    /// Not taken.
    case deaf
    /// Not taken; the first broadcast of those that may prove that the server uses this member.
    case begins
    /// Taken, and proves nothing.
    case heard
    /// By the member that carries.
    case carrier
    /// The server uses this member, not the one that carries: it carries from here on.
    case moves
    @inline(__always) var isTaken: Bool { self != .deaf && self != .begins }
  }

  /// Whether the frame that came by `nic`, a member of the bond `port`, is taken while no aggregate is in force. Notes
  /// what was heard; `nic` may carry from here on.
  @usableFromInline mutating func hear(
    _ header: FrameHeader, by nic: NICIndex, on port: Int, at now: UInt32
  ) -> Bool {
    let hearing = hearing(header, by: nic, on: port, at: now)
    switch hearing {
    case .deaf, .heard: break
    case .begins: unsafe voices[nic.value].since = clock
    case .carrier:
      let entry = unsafe ports[port]
      if !entry.isStatic || header.destination.isBroadcast { note(header, nic) }
      // The server uses it: it goes on when the other link comes up.
      if entry.memberCount > 1, entry.isSecond != (UInt16(nic.value) == entry.members.1) { move(to: nic, on: port) }
    case .moves:
      note(header, nic)
      move(to: nic, on: port)
    }
    return hearing.isTaken
  }

  private borrowing func hearing(
    _ header: FrameHeader, by nic: NICIndex, on port: Int, at now: UInt32
  ) -> Hearing {
    guard case .one(let carrier) = carrier(of: port) else { return .deaf }
    if Int(carrier) == nic.value { return .carrier }
    let (entry, state) = unsafe (ports[port], links[nic.value])
    // LACP has the word here.
    if state.contains(.collecting) { return .heard }
    guard state.isAble else { return .deaf }
    switch use(of: nic, insteadOf: Int(carrier), header, entry) {
    case .begins: return .begins
    case .proven where !isGivenBack(header, entry, port, at: now): return .moves
    case .proven, .none: return entry.isStatic ? .heard : .deaf
    }
  }

  /// Whether a frame of `header` that comes by `nic`, of the port of `passage`, is taken. Notes nothing.
  public borrowing func wouldTake(
    _ header: FrameHeader, by nic: NICIndex, _ passage: Passage, at now: UInt32
  ) -> Bool {
    guard passage.isBond else { return true }
    let port = passage.port.value
    return unsafe ports[port].isAggregate
      ? links[nic.value].contains(.collecting) : hearing(header, by: nic, on: port, at: now).isTaken
  }

  /// Whether a frame that comes by `nic`, a member of the bond `entry`, is taken as things are. Notes nothing.
  borrowing func listens(to nic: NICIndex, _ entry: PortEntry, _ port: Int) -> Bool {
    let state = unsafe links[nic.value]
    guard !entry.isAggregate else { return state.contains(.collecting) }
    guard case .one(let carrier) = carrier(of: port) else { return false }
    return Int(carrier) == nic.value || state.contains(.collecting) || entry.isStatic && state.isAble
  }

  private mutating func note(_ header: FrameHeader, _ nic: NICIndex) {
    unsafe voices[nic.value].source = header.source.isValidSource ? header.source.value : 0
    unsafe voices[nic.value].heard = clock
  }

  private mutating func move(to nic: NICIndex, on port: Int) {
    unsafe ports[port].isSecond = ports[port].members.1 == UInt16(nic.value)
    moved = nic
  }

  private enum Use { case none, begins, proven }

  /// Whether the server uses `nic`, by which a frame has come, and not `carrier`.
  private borrowing func use(
    of nic: NICIndex, insteadOf carrier: Int, _ header: FrameHeader, _ entry: PortEntry
  ) -> Use {
    func proven(_ isProof: Bool) -> Use { isProof ? .proven : .none }
    let voice = unsafe voices[carrier]
    let silence = clock &- voice.heard
    guard !entry.isStatic else { return proven(header.destination.isBroadcast && silence >= Patience.unicast) }
    guard header.source.isValidSource else { return .none }
    if header.source.value == voice.source { return proven(silence >= Patience.moved) }
    if !header.destination.isGroup { return proven(silence >= Patience.unicast) }
    guard header.destination.isBroadcast else { return .none }
    let since = unsafe voices[nic.value].since
    guard since > voice.heard, since != 0 else { return .begins }
    return proven(silence >= Patience.broadcast && clock &- since >= Patience.repetition)
  }

  /// Whether the server gives back what somebody else sent: it bridges its NICs. 9000 is Ethernet's test of a loop.
  private borrowing func isGivenBack(
    _ header: FrameHeader, _ entry: PortEntry, _ port: Int, at now: UInt32
  ) -> Bool {
    if header.etherType == 0x9000 { return true }
    guard case .domain(let domain) = Self.classify(header, entry),
      let home = stations.port(of: header.source, in: DomainIndex(Int(domain)), at: now)
    else { return false }
    return home.value != port
  }

  // MARK: Told by whoever owns the NICs

  /// The NIC that has become the one that carries because of what was heard, once.
  public mutating func takeMoved() -> NICIndex? {
    defer { moved = nil }
    return moved
  }

  /// The link of `nic` has gone down, as its owner has seen: the other member of its bond carries on, also when the
  /// link is back. Without any link nothing is known of the server, and the first member is as good as the other.
  /// Returns who carries if that has changed.
  public mutating func passOn(from nic: NICIndex) -> NICIndex? {
    let port = unsafe Int(portOfNIC[nic.value])
    let entry = unsafe ports[port]
    guard port != 0, entry.isBond, entry.memberCount > 1 else { return nil }
    let other = entry.members.0 == UInt16(nic.value) ? entry.members.1 : entry.members.0
    let next = unsafe links[Int(other)].contains(.up) ? other : entry.members.0
    guard entry.isSecond != (next == entry.members.1) else { return nil }
    unsafe ports[port].isSecond = next == entry.members.1
    return NICIndex(Int(next))
  }

  /// `nic` carries for its bond, while its link is up and no aggregate is in force.
  public mutating func setCarrier(_ nic: NICIndex) {
    let port = unsafe Int(portOfNIC[nic.value])
    guard port != 0, unsafe ports[port].isBond else { return }
    unsafe ports[port].isSecond = ports[port].memberCount > 1 && ports[port].members.1 == UInt16(nic.value)
  }

  /// Who carries alone for the bond `port`; nil when none can, or an aggregate is in force.
  public borrowing func carrierAlone(of port: PortIndex) -> NICIndex? {
    guard unsafe ports[port.value].isBond && !ports[port.value].isAggregate,
      case .one(let carrier) = carrier(of: port.value)
    else { return nil }
    return NICIndex(Int(carrier))
  }

  /// Whether `nic` is in a bond whose aggregate does without it.
  public borrowing func isOutside(_ nic: NICIndex) -> Bool {
    let port = unsafe Int(portOfNIC[nic.value])
    return unsafe port != 0 && ports[port].isAggregate && !links[nic.value].contains(.collecting)
  }

  /// A NIC that leaves its bond takes nothing with it but its link.
  mutating func forget(_ nic: NICIndex) {
    unsafe links[nic.value].formIntersection(.up)
    unsafe voices[nic.value] = Voice()
  }
}
