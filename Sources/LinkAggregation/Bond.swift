public import Wire

/// The switch's side of one server's bond: LACP on up to two links.
///
/// ## How it works
/// A value without clock or I/O. Events (`setLink`, `receive`, `tick`, `add`, `remove`) come in with the time; after each of
/// them the caller fetches what is to be sent (`nextTransmission`, until it returns `nil`), gives `carriage` to the
/// forwarding plane when it changed, and comes back at `deadline`. Each event is followed to its end before the call
/// returns: a link that dies has stopped carrying then, and the other one carries all.
///
/// A member is a place in the bond, 0 or 1, and stays the same link for good; its port number goes on the wire and never
/// changes while the server lives. A place may be empty: hybrid takes eth1 out while eth0 goes on.
///
/// ## Fallback
/// While no member hears a partner, the first member whose link is up carries alone, so that a machine without bonding is
/// reachable (an installer, a plain namespace). It ends with the first LACPDU on any member and returns when the last
/// partner is defaulted. On the wire the link says that it is out of sync all the time.
///
/// ## Invariants
/// 1. All selected members have the same partner: system, key, and both ends aggregatable; an individual link is alone.
/// 2. A member distributes only while its link is up and selected, its partner is current, in sync and collecting.
/// 3. Fallback and aggregate never carry at the same time, and the fallback carries by one member.
/// 4. At most three LACPDUs leave by a member in any second.
/// 5. No memory but the value itself: no event allocates.
///
/// ## Threads
/// None of its own; one owner.
///
/// Source: IEEE 802.1AX-2014 6.4 (LACP) and 6.5 (Marker responder).
public struct Bond: Sendable {
  public static let memberLimit = 2

  public private(set) var configuration: LACPConfiguration
  /// By which members frames cross the bond now.
  public private(set) var carriage = Carriage.none
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

  /// Runs all machines until nothing is due. The mux runs before the selection too, because a member leaves its aggregate
  /// before it may join another.
  private mutating func settle(at now: Instant) {
    for index in members.indices { members[index].runReceive(nil, configuration, at: now) }
    runMux(at: now)
    select()
    runMux(at: now)
    for index in members.indices {
      members[index].runPeriodic(at: now)
      members[index].runChurn(at: now)
    }
    carriage = currentCarriage
    schedule()
  }

  private mutating func runMux(at now: Instant) {
    let complete = members.indices.allSatisfy { !members[$0].isJoined || members[$0].isSelected }
    for index in members.indices { members[index].runMux(complete: complete, at: now) }
  }

  mutating func schedule() { due = min(members[0].deadline, members[1].deadline) }

  private var currentCarriage: Carriage {
    if let index = fallbackMember {
      return Carriage(
        kind: .fallback, collecting: MemberSet(member: index), distributing: MemberSet(member: index))
    }
    var collecting: MemberSet = []
    var distributing: MemberSet = []
    for index in members.indices {
      if members[index].mux.isCollecting { collecting.insert(MemberSet(member: index)) }
      if members[index].mux.isDistributing { distributing.insert(MemberSet(member: index)) }
    }
    return Carriage(
      kind: collecting.isEmpty ? .none : .aggregate, collecting: collecting, distributing: distributing)
  }

  private var fallbackMember: Int? {
    if members.indices.contains(where: { members[$0].isJoined && members[$0].hasPartner }) { return nil }
    return members.indices.first { members[$0].isJoined && members[$0].isLinkUp }
  }
}
