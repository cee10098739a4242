import Net
public import Wire

/// The switch itself: a frame's header and the NIC it came in by go in, a verdict comes out.
///
/// ## How it works
/// Three tables, indexed by small integers that Control gives out: a NIC says to which port it belongs; a port says its
/// role and which domain a VID means on it; a domain says its VID and its member ports. `decide` walks them in that
/// order, learns the source and looks the destination up in the station table.
///
/// A port with one VLAN is untagged, and takes frames tagged with its own VID too, as a Linux bridge does. A port with
/// more has a map from VID to domain (8 KiB), and so has a routed port that carries VLANs beside what is routed; a
/// domain's number is the same on every port, but one number can mean different domains on two ports (two projects, two
/// facilities), so the map belongs to the port. A frame never leaves by the port that it came in by, a bond being one
/// port.
///
/// A bond whose partner does not speak LACP works as a single link: one member carries, the one that the server uses
/// (`Switch+Carrier`), and what comes in by the other is dropped (`bond-standby`). With a partner the members that LACP
/// says (`setCarriage`) take frames and send them, a conversation by one of them. A member whose link goes down stops
/// at once, before LACP has heard of it.
///
/// ## Invariants
/// 1. A station in the table stands on a port that carries its domain: leaving a domain flushes the port's stations in
///    it.
/// 2. Every member of a domain has that domain in its own program, and the other way round.
/// 3. All memory is fixed by `init`, but for maps and member lists, which `apply` replaces between two batches.
///
/// ## Threads
/// One owner, a worker. `decide` neither allocates, locks nor counts references: `HotPathProof.swift`.
@safe public struct Switch: ~Copyable {
  public struct Limits: Sendable {
    public var nics = 8_192
    /// Highest `PortIndex` and `DomainIndex`, plus one; at most 65 536.
    public var ports = 16_384
    public var domains = 65_536
    public init() {}
  }

  /// `shut`: routed or switched, which `PortEntry.held` says, but nothing is switched for a while (`Switch+Guard`).
  @usableFromInline enum Role: UInt8, BitwiseCopyable { case absent, dark, routed, switched, shut }

  /// One cache line. `members` beyond `memberCount` are meaningless.
  @safe @usableFromInline struct PortEntry: BitwiseCopyable {
    @usableFromInline var role = Role.absent
    @usableFromInline var memberCount: UInt8 = 0
    @usableFromInline var isBond = false
    /// A bond whose partner speaks LACP: its members' `LinkState` says which of them carry.
    @usableFromInline var isAggregate = false
    /// The role that a shut port has again when it is opened.
    @usableFromInline var held = Role.absent
    /// A bond that needs no LACP: without a partner the frames of both members are taken.
    @usableFromInline var isStatic = false
    /// Without a partner the second member carries, while its link is up.
    @usableFromInline var isSecond = false
    @usableFromInline var members: (UInt16, UInt16) = (0, 0)
    /// Domain of untagged frames, 0: none, and its VID.
    @usableFromInline var untaggedDomain: UInt16 = 0
    @usableFromInline var untaggedVID: UInt16 = 0
    /// VID to domain, 4096 entries, on a port with tagged VLANs (the untagged one included); else nil.
    @usableFromInline var domainOfVID: UnsafeMutablePointer<UInt16>?
    @usableFromInline init() {}
  }

  @safe @usableFromInline struct DomainEntry: BitwiseCopyable {
    @usableFromInline var vid: UInt16 = 0
    @usableFromInline var memberCount: Int32 = 0
    @usableFromInline var capacity: Int32 = 0
    @usableFromInline var members: UnsafeMutablePointer<DomainMember>?
    @usableFromInline init() {}
  }

  /// A port of a domain, and the form in which the domain's frames cross it.
  @usableFromInline struct DomainMember: BitwiseCopyable {
    @usableFromInline var port: UInt16
    @usableFromInline var isTagged: Bool
  }

  /// What is known of a NIC's link.
  @usableFromInline struct LinkState: OptionSet, Sendable, BitwiseCopyable {
    @usableFromInline let rawValue: UInt8
    @inlinable init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The interface is up on the server's side, as last seen.
    @inlinable static var up: LinkState { LinkState(rawValue: 1) }
    /// What LACP says of a member of a bond: its frames are taken, also while another one carries alone.
    @inlinable static var collecting: LinkState { LinkState(rawValue: 2) }
    @inlinable static var distributing: LinkState { LinkState(rawValue: 4) }
    /// It must not carry alone.
    @inlinable static var barred: LinkState { LinkState(rawValue: 8) }
    /// Frames may leave by it.
    @inlinable static var sending: LinkState { LinkState(rawValue: 5) }
    /// Up, and not barred.
    @inline(always) @inlinable var isAble: Bool { rawValue & 9 == 1 }
  }

  public let limits: Limits
  public var stations: StationTable
  /// Port of each NIC, 0: none.
  @usableFromInline let portOfNIC: UnsafeMutablePointer<UInt16>
  @usableFromInline let links: UnsafeMutablePointer<LinkState>
  @usableFromInline let voices: UnsafeMutablePointer<Voice>
  /// Milliseconds on the owner's clock, for what a bond's members were heard to say; never 0. The owner sets it once a
  /// turn.
  public var clock: UInt64 = 1
  /// The NIC that has become the one of its bond that carries, by what it was heard to say, until `takeMoved`.
  @usableFromInline var moved: NICIndex?
  /// Of each NIC, network-layer bytes.
  @usableFromInline let mtus: UnsafeMutablePointer<Int32>
  @usableFromInline let ports: UnsafeMutablePointer<PortEntry>
  @usableFromInline let domains: UnsafeMutablePointer<DomainEntry>
  /// What each port was told, to know what a new program changes. Not read per frame.
  private var programs: [PortIndex: PortProgram] = [:]

  public init(limits: Limits, stations: consuming StationTable) {
    precondition(limits.nics <= 65_536 && limits.ports <= 65_536 && limits.domains <= 65_536)
    self.limits = limits
    self.stations = stations
    unsafe portOfNIC = .allocate(capacity: limits.nics)
    unsafe portOfNIC.initialize(repeating: 0, count: limits.nics)
    unsafe links = .allocate(capacity: limits.nics)
    unsafe links.initialize(repeating: [], count: limits.nics)
    unsafe voices = .allocate(capacity: limits.nics)
    unsafe voices.initialize(repeating: Voice(), count: limits.nics)
    unsafe mtus = .allocate(capacity: limits.nics)
    unsafe mtus.initialize(repeating: Int32(Self.mtuLimit), count: limits.nics)
    unsafe ports = .allocate(capacity: limits.ports)
    unsafe ports.initialize(repeating: PortEntry(), count: limits.ports)
    unsafe domains = .allocate(capacity: limits.domains)
    unsafe domains.initialize(repeating: DomainEntry(), count: limits.domains)
  }

  deinit {
    for index in 0..<limits.ports { unsafe ports[index].domainOfVID?.deallocate() }
    for index in 0..<limits.domains { unsafe domains[index].members?.deallocate() }
    unsafe portOfNIC.deallocate()
    unsafe links.deallocate()
    unsafe voices.deallocate()
    unsafe mtus.deallocate()
    unsafe ports.deallocate()
    unsafe domains.deallocate()
  }

  // MARK: Links

  @inlinable public func isLinkUp(_ nic: NICIndex) -> Bool { unsafe links[nic.value].contains(.up) }

  /// Notes that the link of `nic` came up or went down. When no member of its port is left, the port's stations go:
  /// IEEE 802.1Q-2018 8.4.
  public mutating func setLink(_ nic: NICIndex, up: Bool) {
    if up { unsafe links[nic.value].insert(.up) } else { unsafe links[nic.value].remove(.up) }
    let port = unsafe Int(portOfNIC[nic.value])
    guard !up, port != 0 else { return }
    let entry = unsafe ports[port]
    let other = entry.members.0 == UInt16(nic.value) ? entry.members.1 : entry.members.0
    if unsafe entry.memberCount < 2 || !links[Int(other)].contains(.up) { stations.flush(PortIndex(port), in: nil) }
  }

  /// Notes what LACP says of the bond `port`. A port that is no bond any more is left alone: the word came late.
  public mutating func setCarriage(_ carriage: BondCarriage, of port: PortIndex) {
    guard unsafe ports[port.value].isBond else { return }
    let ends = unsafe ports[port.value].isAggregate && !carriage.isAggregate
    unsafe ports[port.value].isAggregate = carriage.isAggregate
    for member in carriage.members where unsafe Int(portOfNIC[member.nic.value]) == port.value {
      var state = unsafe links[member.nic.value].intersection(.up)
      if member.isCollecting { state.insert(.collecting) }
      if member.isDistributing { state.insert(.distributing) }
      if member.isBarred { state.insert(.barred) }
      unsafe links[member.nic.value] = state
    }
    if ends, let carrier = carriage.carrier { setCarrier(carrier) }
  }

  /// By which members `port` sends now.
  @usableFromInline enum Carrier: BitwiseCopyable {
    case none
    case one(UInt16)
    /// Both: the conversation decides.
    case either(UInt16, UInt16)
  }

  @inline(always) @inlinable
  borrowing func carrier(of port: Int) -> Carrier {
    let entry = unsafe ports[port]
    let (first, second) = entry.members
    guard entry.memberCount > 0 else { return .none }
    let firstSends = sends(first, entry)
    guard entry.memberCount > 1, sends(second, entry) else { return firstSends ? .one(first) : .none }
    guard firstSends else { return .one(second) }
    if entry.isAggregate { return .either(first, second) }
    return .one(entry.isSecond ? second : first)
  }

  /// Whether frames of the port `entry` can leave by its member `nic`.
  @inline(always) @inlinable
  borrowing func sends(_ nic: UInt16, _ entry: PortEntry) -> Bool {
    let state = unsafe links[Int(nic)]
    return entry.isAggregate ? state.isSuperset(of: .sending) : state.isAble
  }

  /// Whether a frame that came in by `nic`, a member of the bond of `passage`, is taken; notes what was heard.
  @inline(always) @inlinable
  mutating func takes(_ header: FrameHeader, by nic: NICIndex, _ passage: Passage, at now: UInt32) -> Bool {
    let port = passage.port.value
    return unsafe ports[port].isAggregate
      ? links[nic.value].contains(.collecting) : hear(header, by: nic, on: port, at: now)
  }

  /// The member by which `port` sends the conversation of `flowHash`; nil when it has none.
  @inline(always) @inlinable
  public borrowing func member(of port: PortIndex, for flowHash: UInt32) -> NICIndex? {
    switch carrier(of: port.value) {
    case .none: nil
    case .one(let nic): NICIndex(Int(nic))
    case .either(let first, let second): NICIndex(Int(FlowHash.member(flowHash, of: 2) == 0 ? first : second))
    }
  }

  /// The member that counts a frame which no member can carry.
  @inlinable borrowing func firstMember(of port: Int) -> NICIndex { unsafe NICIndex(Int(ports[port].members.0)) }

  /// The member that counts what `port` could not send; nil when it has none.
  @inlinable public borrowing func counter(of port: PortIndex) -> NICIndex? {
    unsafe ports[port.value].memberCount == 0 ? nil : firstMember(of: port.value)
  }

  /// The member that carries for a bond without a partner, when it is another than `nic`: its link is worth a look.
  public borrowing func otherCarrier(than nic: NICIndex) -> NICIndex? {
    let port = unsafe Int(portOfNIC[nic.value])
    guard port != 0, unsafe !ports[port].isAggregate, case .one(let carrier) = carrier(of: port),
      Int(carrier) != nic.value
    else { return nil }
    return NICIndex(Int(carrier))
  }

  /// The member that carries what `nic`, whose link is down, cannot.
  public borrowing func substitute(for nic: NICIndex) -> NICIndex? {
    let port = unsafe Int(portOfNIC[nic.value])
    guard port != 0, case .one(let carrier) = carrier(of: port), Int(carrier) != nic.value else { return nil }
    return NICIndex(Int(carrier))
  }

  /// Whether frames of its port leave by `nic` now: true outside a bond, and only while it is up.
  public borrowing func carries(_ nic: NICIndex) -> Bool {
    let port = unsafe Int(portOfNIC[nic.value])
    guard port != 0 else { return false }
    switch carrier(of: port) {
    case .none: return false
    case .one(let carrier): return Int(carrier) == nic.value
    case .either: return true
    }
  }

  // MARK: Other workers

  /// Takes in what another worker has told of a station, if its port carries its domain here: word of what was before a
  /// change of the forwarding tables is nothing (invariant 1).
  public mutating func hear(_ news: StationNews, at now: UInt32) {
    let domain = UInt16(truncatingIfNeeded: news.key >> 48)
    let entry = unsafe ports[Int(news.port)]
    let vid = unsafe Int(domains[Int(domain)].vid)
    guard entry.role != .shut else { return }
    guard unsafe entry.untaggedDomain == domain || entry.domainOfVID?[vid] == domain else { return }
    stations.hear(news, at: now)
  }

  // MARK: Changes

  /// Applies one transaction. Called between two batches, so that a frame sees all of it or nothing.
  public mutating func apply(_ change: borrowing ForwardingChange) {
    for (domain, vid) in change.domains {
      if let vid { unsafe domains[domain.value].vid = vid.value }
    }
    // First everybody leaves, then everybody comes: a NIC can change hands between two ports of one transaction.
    for (port, program) in change.ports { leave(port, for: program) }
    for (port, program) in change.ports { enter(port, program) }
    for (domain, vid) in change.domains where vid == nil { end(domain) }
  }

  private mutating func leave(_ port: PortIndex, for next: PortProgram) {
    guard let old = programs[port] else { return }
    if next.domains.isEmpty {
      stations.flush(port, in: nil)
    } else {
      let kept = Set(next.domains)
      for domain in old.domains where !kept.contains(domain) { stations.flush(port, in: domain) }
    }
    for domain in old.domains { removeMember(port, from: domain) }
    for nic in old.members where unsafe Int(portOfNIC[nic.value]) == port.value {
      unsafe portOfNIC[nic.value] = 0
      if next.aggregation == nil || !next.members.contains(nic) { forget(nic) }
    }
    unsafe ports[port.value].domainOfVID?.deallocate()
    // What LACP has agreed, and which member carries, holds on while the port is a bond, so that a change of its VLANs
    // costs no frame.
    let (before, goesOn) = unsafe (ports[port.value], next.aggregation != nil && next.role != .absent)
    let staysShut = before.role == .shut && next.isSameWire(as: old)
    unsafe ports[port.value] = PortEntry()
    unsafe ports[port.value].isAggregate = before.isAggregate && goesOn
    unsafe ports[port.value].isSecond = before.isSecond && goesOn && next.members == old.members
    // For `enter`.
    unsafe ports[port.value].role = staysShut ? .shut : .absent
    programs[port] = nil
  }

  private mutating func enter(_ port: PortIndex, _ program: PortProgram) {
    precondition(program.members.count <= 2, "a port has at most two members")
    guard program.role != .absent else { return }
    programs[port] = program
    var entry = PortEntry()
    entry.memberCount = UInt8(program.members.count)
    entry.isBond = program.aggregation != nil
    entry.isAggregate = unsafe ports[port.value].isAggregate
    entry.isSecond = unsafe ports[port.value].isSecond
    entry.isStatic = program.aggregation?.isStatic ?? false
    if let nic = program.members.first { entry.members.0 = UInt16(nic.value) }
    if program.members.count > 1 { entry.members.1 = UInt16(program.members[1].value) }
    for nic in program.members { unsafe portOfNIC[nic.value] = UInt16(port.value) }
    switch program.role {
    case .absent: break
    case .dark: entry.role = .dark
    case .routed(let tagged):
      entry.role = .routed
      if !tagged.isEmpty { unsafe entry.domainOfVID = makeMap(program.domains) }
      for domain in tagged { addMember(port, to: domain, isTagged: true) }
    case .switched(let untagged, let tagged):
      entry.role = .switched
      if let untagged {
        entry.untaggedDomain = UInt16(untagged.value)
        unsafe entry.untaggedVID = domains[untagged.value].vid
        addMember(port, to: untagged, isTagged: false)
      }
      if !tagged.isEmpty { unsafe entry.domainOfVID = makeMap(program.domains) }
      for domain in tagged { addMember(port, to: domain, isTagged: true) }
    }
    let staysShut = unsafe ports[port.value].role == .shut
    unsafe ports[port.value] = entry
    if staysShut { setShut(port, true) }
  }

  /// VID to domain, for `PortEntry.domainOfVID`.
  @unsafe private func makeMap(_ carried: [DomainIndex]) -> UnsafeMutablePointer<UInt16> {
    let map = UnsafeMutablePointer<UInt16>.allocate(capacity: 4096)
    unsafe map.initialize(repeating: 0, count: 4096)
    for domain in carried { unsafe map[Int(domains[domain.value].vid)] = UInt16(domain.value) }
    return unsafe map
  }

  private mutating func addMember(_ port: PortIndex, to domain: DomainIndex, isTagged: Bool) {
    var entry = unsafe domains[domain.value]
    precondition(entry.vid != 0, "a port joins a domain that has not begun")
    if entry.memberCount == entry.capacity {
      let capacity = max(4, Int(entry.capacity) * 2)
      let grown = UnsafeMutablePointer<DomainMember>.allocate(capacity: capacity)
      if let members = unsafe entry.members {
        unsafe grown.update(from: members, count: Int(entry.memberCount))
        unsafe members.deallocate()
      }
      unsafe entry.members = unsafe grown
      entry.capacity = Int32(capacity)
    }
    unsafe entry.members![Int(entry.memberCount)] = DomainMember(port: UInt16(port.value), isTagged: isTagged)
    entry.memberCount += 1
    unsafe domains[domain.value] = entry
  }

  private mutating func removeMember(_ port: PortIndex, from domain: DomainIndex) {
    let entry = unsafe domains[domain.value]
    guard let members = unsafe entry.members else { return }
    for index in 0..<Int(entry.memberCount) where unsafe members[index].port == UInt16(port.value) {
      unsafe members[index] = members[Int(entry.memberCount) - 1]
      unsafe domains[domain.value].memberCount -= 1
      return
    }
  }

  private mutating func end(_ domain: DomainIndex) {
    precondition(unsafe domains[domain.value].memberCount == 0, "a domain ends while a port carries it")
    unsafe domains[domain.value].members?.deallocate()
    unsafe domains[domain.value] = DomainEntry()
  }
}
