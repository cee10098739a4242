import Net
import Wire

/// One link of a bond: the variables that the standard keeps per aggregation port, and its machines.
///
/// The machines say which state comes next, this file holds what happens on entry. The port does not select itself:
/// that is the bond's, which sees all links. Source: IEEE 802.1AX-2014 6.4.7 to 6.4.9.
struct Member: Sendable, BitwiseCopyable {
  /// Actor port number; 0: the place in the bond is empty, and the NIC is none of our business.
  var port: UInt16 = 0
  /// port_enabled, and since when: since the link changed, or was made part of the bond.
  var isLinkUp = false
  var linkChanged: Instant = 0
  /// When an LACPDU was heard last.
  var lastHeard: Instant?

  /// Partner_Oper_…: the partner's own word, or the administrator's when `isDefaulted`.
  var partner: LACPParticipant
  /// Actor_Oper_Port_State.Defaulted.
  var isDefaulted = true
  /// Selected.
  var isSelected = false
  /// port_moved.
  var hasMoved = false

  var receive = ReceiveMachine()
  var periodic = PeriodicMachine()
  var mux = MuxMachine()
  var actorChurn = ChurnDetector()
  var partnerChurn = ChurnDetector()
  var transmit = TransmitMachine()
  /// From when on the partner has heard that we are in sync, and has had time to act on it; `nil`: it was not told yet.
  var settled: Instant?
  /// What was said last is that the link is in sync: frames have to be taken until something else is said.
  var isToldOpen = false
  /// When the partner is asked next whether it is still there; `nil`: nobody doubts it.
  var asksNext: Instant?
  /// An answer that waits to be fetched; a second Marker in the meantime is not answered.
  var markerResponse: MarkerPDU?
  var markerBudget = TransmitMachine.Budget()
  /// The last LACPDU of a link that left the bond: out of sync, so that the partner stops using it at once.
  var farewell: LACPDU?
  var counters = MemberCounters()

  init(_ configuration: LACPConfiguration) { partner = Self.defaultPartner(configuration) }

  /// An empty place whose link was `former`'s: nothing is left of it but the link and what it may send in this second.
  init(_ configuration: LACPConfiguration, inPlaceOf former: Member) {
    self.init(configuration)
    isLinkUp = former.isLinkUp
    linkChanged = former.linkChanged
    transmit = former.transmit
    transmit.cancel()
    markerBudget = former.markerBudget
  }

  var isJoined: Bool { port != 0 }

  /// A partner speaks on the link, or was just lost: the standard's rules hold and not the fallback.
  var hasPartner: Bool {
    switch receive.state {
    case .current: true
    case .expired: !isDefaulted
    case .initialize, .portDisabled, .lacpDisabled, .defaulted: false
    }
  }

  var isExpired: Bool { if case .expired = receive.state { true } else { false } }

  /// Frames have to be taken: the partner was told that it may send, or is about to be.
  var isOpen: Bool { mux.isInSync || isToldOpen }

  // MARK: The two participants

  /// What we say of ourselves. We are always active, and all links may be put together.
  func actor(_ configuration: LACPConfiguration) -> LACPParticipant {
    var state: LACPState = [.activity, .aggregation]
    if configuration.fastRate { state.insert(.timeout) }
    if mux.isInSync { state.insert(.synchronization) }
    if mux.isCollecting { state.insert(.collecting) }
    if mux.isDistributing { state.insert(.distributing) }
    if isDefaulted { state.insert(.defaulted) }
    if isExpired { state.insert(.expired) }
    return LACPParticipant(
      systemPriority: configuration.systemPriority, system: configuration.system, key: configuration.key,
      portPriority: LACPConfiguration.portPriority, port: port, state: state)
  }

  /// Partner_Admin_…: nobody, and not in sync: without a partner the bond's fallback carries, not the aggregate. The
  /// standard has Synchronization set here, for a link that then works as an individual.
  static func defaultPartner(_ configuration: LACPConfiguration) -> LACPParticipant {
    LACPParticipant(
      systemPriority: 0, system: MACAddress(0), key: 0, portPriority: 0, port: 0,
      state: configuration.fastRate ? [.timeout] : [])
  }

  // MARK: Receive machine: entry actions, 6.4.12

  /// Runs the machine until nothing is due. `pdu`: one that has just come.
  mutating func runReceive(_ pdu: LACPDU?, _ configuration: LACPConfiguration, at now: Instant) {
    var arrived = pdu
    var former = receive.state
    while let state = receive.step(
      .init(
        portEnabled: isLinkUp, lacpEnabled: isJoined, portMoved: hasMoved, received: arrived != nil,
        shortTimeout: configuration.fastRate), at: now)
    {
      if state.name != former.name { counters.receiveTransitions += 1 }
      asksNext = nil
      switch state {
      case .initialize:
        isSelected = false
        recordDefault(configuration)
        hasMoved = false
      case .portDisabled:
        partner.state.remove(.synchronization)
        forgetTransmissions()
      case .lacpDisabled:
        isSelected = false
        recordDefault(configuration)
        partner.state.remove(.aggregation)
      case .expired:
        partner.state.remove(.synchronization)
        partner.state.insert(.timeout)
        // A link that comes up calls at once, not after the first period.
        if former == .portDisabled { transmit.request() }
      case .defaulted:
        isSelected = false
        recordDefault(configuration)
      case .current:
        if let arrived { record(arrived, configuration, at: now) }
        arrived = nil
      }
      former = state
    }
  }

  private mutating func recordDefault(_ configuration: LACPConfiguration) {
    partner = Self.defaultPartner(configuration)
    isDefaulted = true
  }

  private mutating func forgetTransmissions() {
    transmit.cancel()
    markerResponse = nil
    farewell = nil
    isToldOpen = false
  }

  /// Entry of CURRENT: update_Selected, update_NTT, recordPDU, in the standard's order. Source: 6.4.9.
  private mutating func record(_ pdu: LACPDU, _ configuration: LACPConfiguration, at now: Instant) {
    lastHeard = now
    if !pdu.actor.isSameLink(as: partner) { isSelected = false }
    let actor = actor(configuration)
    let reported: LACPState = [.activity, .timeout, .synchronization, .aggregation]
    if !pdu.partner.isSameLink(as: actor)
      || pdu.partner.state.intersection(reported) != actor.state.intersection(reported)
    {
      transmit.request()
    }
    partner = pdu.actor
    isDefaulted = false
    // The partner is in sync with us only when it means us, and when one of us will go on calling.
    let meansUs = pdu.partner.isSameLink(as: actor) || !pdu.actor.state.contains(.aggregation)
    let goesOn = pdu.actor.state.contains(.activity) || pdu.partner.state.contains(.activity)
    if !(meansUs && goesOn) { partner.state.remove(.synchronization) }
  }

  // MARK: The other machines

  /// `complete`: all links of the bond are selected, nobody is waited for.
  mutating func runMux(complete: Bool, at now: Instant) {
    while let step = mux.step(
      .init(
        selected: isSelected, complete: complete, partnerInSync: partner.state.contains(.synchronization),
        partnerCollecting: partner.state.contains(.collecting) && settled.map { $0 <= now } ?? false), at: now)
    {
      if !mux.isInSync { settled = nil }
      if case .entered = step { counters.muxTransitions += 1 }
      if case .entered(.waiting) = step { continue }
      if isJoined, isLinkUp { transmit.request() }
    }
  }

  /// `pdu` has gone out. A partner may say that it collects when it does not yet (Open vSwitch does, on a link that
  /// came back), so distribution begins only when it has heard that we are in sync.
  mutating func noteSent(_ pdu: LACPDU, at now: Instant) {
    isToldOpen = pdu.actor.state.contains(.synchronization)
    if mux.isInSync, settled == nil { settled = now + Timing.settling }
  }

  mutating func runPeriodic(at now: Instant) {
    while let state = periodic.step(
      .init(enabled: isJoined && isLinkUp, partnerShortTimeout: partner.state.contains(.timeout)), at: now)
    {
      if state == .periodicTx { transmit.request() }
    }
  }

  mutating func runChurn(at now: Instant) {
    let watching = isLinkUp && hasPartner
    actorChurn.update(watching: watching, inSync: mux.isInSync, at: now)
    partnerChurn.update(watching: watching, inSync: partner.state.contains(.synchronization), at: now)
  }

  // MARK: Doubt

  /// Asks the partner whether it is still there, and gives it the short timeout to answer. Nothing else changes
  /// meanwhile.
  mutating func ask(at now: Instant) {
    guard asksNext == nil, case .current = receive.state, let lastHeard, now - lastHeard >= Timing.shortTimeout else {
      return
    }
    receive.hurry(until: now + Timing.shortTimeout)
    asksNext = now
  }

  /// Asks again each second.
  mutating func runDoubt(at now: Instant) {
    guard let next = asksNext, next <= now else { return }
    transmit.request()
    asksNext = now + Timing.fastPeriod
  }

  /// What we say of the partner. One that is asked is shown a picture that is wrong in one bit, which it corrects at
  /// once: LACP has no other question. Source: IEEE 802.1AX-2014 6.4.9 update_NTT.
  var echo: LACPParticipant {
    var echo = partner
    if asksNext != nil { echo.state.formSymmetricDifference(.synchronization) }
    return echo
  }

  // MARK: Time

  /// The earliest time at which something is due; `Instant.max` for never. `isHeld`: no LACPDU may go out now.
  func deadline(isHeld: Bool) -> Instant {
    if markerResponse != nil { return 0 }
    var earliest = min(receive.deadline ?? .max, periodic.deadline ?? .max, mux.deadline ?? .max)
    if let settled, mux.isCollecting, !mux.isDistributing, partner.state.contains(.collecting) {
      earliest = min(earliest, settled)
    }
    earliest = min(earliest, actorChurn.deadline ?? .max, partnerChurn.deadline ?? .max)
    earliest = min(earliest, asksNext ?? .max)
    return isHeld ? earliest : min(earliest, transmit.deadline ?? .max)
  }
}

extension LACPParticipant {
  /// Whether both name the same port, system and key and agree on Aggregation: what update_Selected, update_NTT and
  /// recordPDU compare. Source: IEEE 802.1AX-2014 6.4.9.
  fileprivate func isSameLink(as other: LACPParticipant) -> Bool {
    port == other.port && portPriority == other.portPriority && system == other.system
      && systemPriority == other.systemPriority && key == other.key
      && state.contains(.aggregation) == other.state.contains(.aggregation)
  }
}
