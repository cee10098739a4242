public import Net
public import Wire

/// All that can be told of one member of a bond, at one moment.
public struct MemberSnapshot: Equatable, Sendable {
  /// 0 or 1; `port` is its number on the wire.
  public var member: Int
  public var port: UInt16
  public var isLinkUp: Bool
  public var isSelected: Bool
  public var isCollecting: Bool
  public var isDistributing: Bool
  /// Carries alone because no member is in an aggregate; then it also collects and distributes.
  public var isFallback: Bool
  public var actor: LACPParticipant
  /// `nil` while no partner is known; what is on the wire then is the default, zeros.
  public var partner: LACPParticipant?
  /// Machine states, as the standard writes them.
  public var receiveState: String
  public var periodicState: String
  public var muxState: String
  public var actorChurnState: String
  public var partnerChurnState: String
  public var actorChurns: UInt64
  public var partnerChurns: UInt64
  public var counters: MemberCounters
  /// Milliseconds since the last LACPDU came; `nil`: none yet.
  public var sinceLastLACPDU: Instant?
  /// What is wrong; `nil`: nothing.
  public var problem: Problem?
}

extension Bond {
  /// The members that the bond has now, in order. Allocates; for people, not for the forwarding plane.
  public func snapshot(at now: Instant) -> [MemberSnapshot] {
    members.indices.filter { members[$0].isJoined }.map { index in
      let member = members[index]
      return MemberSnapshot(
        member: index, port: member.port, isLinkUp: member.isLinkUp, isSelected: member.isSelected,
        isCollecting: inForce.collecting.contains(member: index),
        isDistributing: inForce.distributing.contains(member: index),
        isFallback: inForce.kind == .fallback && inForce.distributing.contains(member: index),
        actor: member.actor(configuration), partner: member.isDefaulted ? nil : member.partner,
        receiveState: member.receive.state.name, periodicState: member.periodic.state.name,
        muxState: member.mux.state.name, actorChurnState: member.actorChurn.state.name,
        partnerChurnState: member.partnerChurn.state.name, actorChurns: member.actorChurn.count,
        partnerChurns: member.partnerChurn.count, counters: member.counters,
        sinceLastLACPDU: member.lastHeard.map { now - $0 }, problem: problem(of: index, at: now))
    }
  }

  /// What keeps member `index` from doing its part; `nil` for a link that is down, which is no secret.
  private func problem(of index: Int, at now: Instant) -> Problem? {
    let member = members[index]
    guard member.isLinkUp else { return nil }
    guard member.hasPartner else { return silence(of: member, at: now) }
    let partner = member.partner
    if isLoop(index) { return .loop(port: partner.port, key: partner.key) }
    if member.isExpired, let heard = member.lastHeard { return .lost(seconds: (now - heard) / 1_000) }
    if !partner.state.contains(.aggregation) {
      return .individual(partner.system, isSelected: member.isSelected)
    }
    let other = members[1 - index]
    if !member.isSelected, other.isSelected {
      if other.partner.system != partner.system { return .otherPartner(partner.system, other: other.partner.system) }
      if other.partner.key != partner.key { return .otherKey(partner.key, other: other.partner.key) }
    }
    return member.partnerChurn.state == .churn ? .outOfSync(partner.system) : nil
  }

  private func silence(of member: Member, at now: Instant) -> Problem? {
    if let heard = member.lastHeard, heard >= member.linkChanged { return .lost(seconds: (now - heard) / 1_000) }
    return configuration.isStatic || now - member.linkChanged < Problem.patience ? nil : .silent
  }
}
