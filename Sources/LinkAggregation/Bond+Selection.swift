import Net
import Wire

// Selection logic: which links form the aggregate. A bond has one aggregator, so the question is only whose links they are.
//
// Links may be together when system, key and Aggregation agree at both ends; our own end always does. When the links hear
// different partners, those stay that are in: a second server plugged into the bond does not push out the first. But a
// partner that is out of sync, on all its links, gives way to one that is in sync: of two aggregates a server can use
// only one, and it has chosen. A partner that is in sync is never displaced, so there is no swinging.
// Source: IEEE 802.1AX-2014 6.4.14; 6.3.6 for identifiers of link aggregation groups.

/// The partner's half of a link aggregation group identifier; ours is the same for all links of a bond.
struct LinkGroup: Equatable, Sendable {
  var systemPriority: UInt16
  var system: MACAddress
  var key: UInt16
  /// Port of an individual link, which forms a group alone; 0 for links that may be put together.
  var individualPort: UInt16

  init(_ partner: LACPParticipant) {
    systemPriority = partner.systemPriority
    system = partner.system
    key = partner.key
    individualPort = partner.state.contains(.aggregation) ? 0 : partner.port
  }
}

extension Bond {
  /// Sets Selected of each member. Members that update_Selected has thrown out were detached before.
  mutating func select() {
    guard let group = chosenGroup else {
      for index in members.indices { members[index].isSelected = false }
      return
    }
    for index in members.indices {
      members[index].isSelected = isEligible(index) && isOf(group, index)
    }
    // Two links can only have the same individual's number when one of them lies; one is enough.
    if group.individualPort != 0, members[0].isSelected { members[1].isSelected = false }
  }

  /// The link is up and has a partner that is not ourselves. A dead link is out at once, also when its partner is still
  /// remembered.
  func isEligible(_ index: Int) -> Bool {
    members[index].isJoined && members[index].isLinkUp && members[index].hasPartner && !isLoop(index)
  }

  /// What we hear is sent by this switch: a cable, or a bridge, between two of its ports.
  func isLoop(_ index: Int) -> Bool {
    members[index].hasPartner && members[index].partner.system == configuration.system
  }

  /// The group of the eligible link that ranks highest: in sync before out of sync, then who is in before who is not, then
  /// the lower member.
  private var chosenGroup: LinkGroup? {
    var chosen: LinkGroup?
    var highest = 0
    for index in members.indices where isEligible(index) {
      let group = LinkGroup(members[index].partner)
      let rank = 1 + (isInSync(group) ? 2 : 0) + (isIncumbent(group) ? 1 : 0)
      if rank > highest {
        chosen = group
        highest = rank
      }
    }
    return chosen
  }

  private func isInSync(_ group: LinkGroup) -> Bool {
    members.indices.contains {
      isEligible($0) && isOf(group, $0) && members[$0].partner.state.contains(.synchronization)
    }
  }

  private func isIncumbent(_ group: LinkGroup) -> Bool {
    members.indices.contains { isOf(group, $0) && members[$0].isSelected }
  }

  private func isOf(_ group: LinkGroup, _ index: Int) -> Bool { LinkGroup(members[index].partner) == group }
}
