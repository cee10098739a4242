public import Net
public import Wire

/// The switch's side of one server's bond: LACP on up to two links.
///
/// ## How it works
/// A value without clock or I/O. Events (`setLink`, `receive`, `tick`, `add`, `remove`, …) come in with the time; after
/// each of them the caller fetches what is to be sent (`nextTransmission`, until it returns `nil`), gives `carriage` to
/// the forwarding plane when its `revision` has changed, says when all of the plane works by it (`confirm`) and fetches
/// again, and comes back at `deadline`. Each event is followed to its end before the call returns: a link that dies has
/// stopped carrying then, and the other one carries all.
///
/// A member is a place in the bond, 0 or 1, and stays the same link for good; its port number goes on the wire and
/// never changes while the server lives. A place may be empty: hybrid takes eth1 out while eth0 goes on.
///
/// ## What is announced when
/// An LACPDU says only what is in force. What begins (a member is in sync, so the partner may send) is part of
/// `carriage` first, and its announcement is held until `confirm`. What ends is announced first: the member takes
/// frames until the LACPDU that takes its synchronization back has gone out. Distribution ends at once.
///
/// ## Fallback
/// While no member distributes by LACP, one carries alone, so that a machine without bonding is reachable (an
/// installer, a plain namespace), one stray LACPDU mutes nobody, and a bond that comes up loses nothing. It is the
/// first member at first, then the one that the server uses: it changes when its link goes down, and when the
/// forwarding plane has heard the server on the other one alone (`carry`). A member whose LACPDUs are our own does not
/// carry.
///
/// ## Invariants
/// 1. All selected members have the same partner: system, key, and both ends aggregatable; an individual link is alone.
/// 2. A member of an aggregate distributes only while its link is up and selected, its partner is current, in sync and
///    collecting.
/// 3. Fallback and aggregate never send at the same time, and the fallback sends by one member.
/// 4. A member carries whenever one can.
/// 5. No LACPDU says that a member is in sync, collects or distributes that does not take frames, or send them.
/// 6. At most three LACPDUs leave by a member in any second.
/// 7. No memory but the value itself: no event allocates.
///
/// ## Threads
/// None of its own; one owner.
///
/// Source: IEEE 802.1AX-2014 6.4 (LACP) and 6.5 (Marker responder).
public struct Bond: Sendable {
  public static let memberLimit = 2

  public private(set) var configuration: LACPConfiguration
  /// By which members frames are to cross the bond now.
  public private(set) var carriage = Carriage.none
  /// Another one for each carriage.
  public private(set) var revision: UInt64 = 0
  /// What the forwarding plane is known to do of `carriage`.
  private(set) var inForce = Carriage.none
  /// The member that carries alone, when its link is up and no aggregate does.
  private var lone = 0
  var members: InlineArray<2, Member>
  private var due: Instant = .max

  /// A bond whose members 0, 1, … have the port numbers `ports` (not 0, each its own; at most two), all links down.
  public init(_ configuration: LACPConfiguration, ports: [UInt16], at now: Instant) {
    precondition(ports.count <= Self.memberLimit, "a bond has at most two members")
    self.configuration = configuration
    members = InlineArray(repeating: Member(configuration))
    for (index, port) in ports.enumerated() { add(member: index, port: port, at: now) }
  }

  /// When `tick` is due next, or something waits to be sent; `nil`: not before the next event.
  public var deadline: Instant? { due == .max ? nil : due }

  // MARK: Events

  /// Puts the link `index` into the bond, with the port number `port` (not 0). Does nothing when it is there already.
  public mutating func add(member index: Int, port: UInt16, at now: Instant) {
    precondition(port != 0, "0 is not a port number")
    guard !members[index].isJoined else { return }
    precondition(members[1 - index].port != port, "both members have port number \(port)")
    members[index].port = port
    members[index].linkChanged = now
    settle(at: now)
  }

  /// Takes the link `index` out of the bond; the other one is not touched. A partner is told by a last LACPDU, and
  /// stops using the link when it has it.
  public mutating func remove(member index: Int, at now: Instant) {
    guard members[index].isJoined else { return }
    var farewell: LACPDU?
    if members[index].hasPartner {
      var actor = members[index].actor(configuration)
      actor.state.subtract([.synchronization, .collecting, .distributing])
      farewell = LACPDU(actor: actor, partner: members[index].partner)
    }
    members[index] = Member(configuration, inPlaceOf: members[index])
    passOn(from: index)
    settle(at: now)
    if farewell != nil { members[index].transmit.request() }
    members[index].farewell = farewell
    schedule()
  }

  /// The link of member `index` went up or down. A place that is empty has a link too: it may be filled later.
  public mutating func setLink(member index: Int, up: Bool, at now: Instant) {
    guard members[index].isLinkUp != up else { return }
    members[index].isLinkUp = up
    members[index].linkChanged = now
    if !up { passOn(from: index) }
    settle(at: now)
  }

  /// The member `index` carries alone from now on, unless an aggregate does: the forwarding plane has moved there.
  public mutating func carry(by index: Int, at now: Instant) {
    lone = index
    settle(at: now)
  }

  /// Every worker of the forwarding plane works by the carriage that had `revision`. What has come after it, will come.
  public mutating func confirm(_ revision: UInt64, at now: Instant) {
    guard revision == self.revision else { return }
    inForce = carriage
    settle(at: now)
  }

  /// Frames of the server come by the link `index`, which the aggregate leaves out: does it speak LACP there, and is
  /// the partner of the other link still there?
  public mutating func hearOutside(member index: Int, at now: Instant) {
    guard carriage.kind == .aggregate, !carriage.collecting.contains(member: index), members[index].isJoined,
      members[index].isLinkUp
    else { return }
    if !members[index].hasPartner { members[index].transmit.request() }
    members[1 - index].ask(at: now)
    settle(at: now)
  }

  /// How often we want to hear from the partner; it is told at once.
  public mutating func setFastRate(_ fast: Bool, at now: Instant) {
    guard configuration.fastRate != fast else { return }
    configuration.fastRate = fast
    for index in members.indices {
      if members[index].isDefaulted { members[index].partner = Member.defaultPartner(configuration) }
      if members[index].isJoined, members[index].isLinkUp { members[index].transmit.request() }
    }
    settle(at: now)
  }

  /// A frame to the slow protocols address came by the link of member `index`.
  public mutating func receive(_ pdu: SlowProtocolPDU, on index: Int, at now: Instant) {
    guard members[index].isJoined else { return }
    switch pdu {
    case .lacp(let pdu):
      members[index].counters.lacpdusReceived += 1
      noteMove(pdu, heardOn: index)
      members[index].runReceive(pdu, configuration, at: now)
      settle(at: now)
      // Somebody else is ready, and cannot join: is the partner that has the bond still there?
      guard isEligible(index), !members[index].isSelected, members[index].partner.state.contains(.synchronization)
      else { return }
      members[1 - index].ask(at: now)
      settle(at: now)
    case .marker(let pdu): answer(pdu, on: index, at: now)
    case .unknown: members[index].counters.unknownReceived += 1
    case .illegal: members[index].counters.illegalReceived += 1
    }
  }

  /// Time has passed. Costs a comparison while nothing is due.
  public mutating func tick(at now: Instant) {
    if due <= now { settle(at: now) }
  }

  /// port_moved: what the dead link of the other member remembers was heard here, so it is there no more.
  /// Source: 6.4.8.
  private mutating func noteMove(_ pdu: LACPDU, heardOn index: Int) {
    let other = 1 - index
    guard members[other].receive.state == .portDisabled, !members[other].isDefaulted,
      members[other].partner.system == pdu.actor.system, members[other].partner.port == pdu.actor.port
    else { return }
    members[other].hasMoved = true
  }

  /// The Marker responder: whoever asks gets an answer, whatever state the link is in. Source: 6.5.4.
  private mutating func answer(_ pdu: MarkerPDU, on index: Int, at now: Instant) {
    switch pdu.kind {
    case .response: members[index].counters.markerResponsesReceived += 1
    case .information:
      members[index].counters.markersReceived += 1
      if members[index].isLinkUp, members[index].markerResponse == nil, members[index].markerBudget.take(at: now) {
        members[index].markerResponse = pdu.response
        schedule()
      } else {
        members[index].counters.markersIgnored += 1
      }
    }
  }

  // MARK: From event to effect

  /// Runs all machines until nothing is due. The mux runs before the selection too, because a member leaves its
  /// aggregate before it may join another.
  private mutating func settle(at now: Instant) {
    for index in members.indices { members[index].runReceive(nil, configuration, at: now) }
    runMux(at: now)
    select()
    runMux(at: now)
    for index in members.indices {
      members[index].runPeriodic(at: now)
      members[index].runDoubt(at: now)
      members[index].runChurn(at: now)
    }
    updateCarriage()
    schedule()
  }

  private mutating func runMux(at now: Instant) {
    let complete = members.indices.allSatisfy { !members[$0].isJoined || members[$0].isSelected }
    for index in members.indices { members[index].runMux(complete: complete, at: now) }
  }

  mutating func schedule() {
    due = min(members[0].deadline(isHeld: isHeld(0)), members[1].deadline(isHeld: isHeld(1)))
  }

  /// What member `index` would say is not in force yet.
  func isHeld(_ index: Int) -> Bool {
    let mux = members[index].mux
    return mux.isInSync && !inForce.opened.contains(member: index)
      || mux.isDistributing && !inForce.distributing.contains(member: index)
  }

  // MARK: Carriage

  mutating func updateCarriage() {
    let aggregate = aggregateCarriage
    if aggregate == nil, carriage.kind == .aggregate { goOnAlone(after: carriage) }
    let wanted = aggregate ?? aloneCarriage
    guard wanted != carriage else { return }
    carriage = wanted
    revision += 1
    inForce = wanted.intersection(inForce)
  }

  private var aggregateCarriage: Carriage? {
    let distributing = linked { $0.mux.isDistributing }
    guard !distributing.isEmpty else { return nil }
    return Carriage(
      kind: .aggregate, collecting: opened, distributing: distributing, opened: opened, barred: barred)
  }

  private var aloneCarriage: Carriage {
    guard let carrier else {
      return Carriage(kind: .none, collecting: opened, distributing: [], opened: opened, barred: barred)
    }
    let alone = MemberSet(member: carrier)
    let taken = configuration.isStatic ? able : alone
    return Carriage(
      kind: .fallback, collecting: taken.union(opened), distributing: alone, opened: opened, barred: barred)
  }

  /// Members that take frames because of what was said by LACP, or will be.
  private var opened: MemberSet { linked { $0.isOpen } }
  /// Members that hear this switch itself.
  private var barred: MemberSet {
    var barred: MemberSet = []
    for index in members.indices where isLoop(index) { barred.insert(MemberSet(member: index)) }
    return barred.intersection(linked { _ in true })
  }
  /// Members that can carry alone.
  private var able: MemberSet { linked { _ in true }.subtracting(barred) }

  /// Members with a link of which `holds` is true.
  private func linked(_ holds: (Member) -> Bool) -> MemberSet {
    var found: MemberSet = []
    for index in members.indices where members[index].isJoined && members[index].isLinkUp && holds(members[index]) {
      found.insert(MemberSet(member: index))
    }
    return found
  }

  // MARK: The member that carries alone

  private var carrier: Int? {
    able.contains(member: lone) ? lone : able.contains(member: 1 - lone) ? 1 - lone : nil
  }

  /// The link of `index` is gone: the other member carries on, also when it is back. Without any link nothing is known
  /// of the server, and the first member is as good as the other.
  private mutating func passOn(from index: Int) {
    let left = linked { _ in true }
    if left.isEmpty { lone = 0 } else if index == lone, left.contains(member: 1 - index) { lone = 1 - index }
  }

  /// The aggregate `former` has ended: a member that the partner used carries on.
  private mutating func goOnAlone(after former: Carriage) {
    if !former.distributing.contains(member: lone), former.distributing.contains(member: 1 - lone) { lone = 1 - lone }
  }
}
