import Cabling
import Dataplane
import FoundationEssentials
import Host
import LinkAggregation
import Net
public import Rack
import Switching
import Wire

extension Control {
  /// Every NIC that is in a bond now, of `server` or of all, by hostname and NIC.
  public func lacp(of server: ServerID?) async -> [LACPMember] {
    // All bonds, whoever is asked for: that two servers are in one bond of a partner shows in no single bond of ours.
    let links = await dataplane.bonds().flatMap { bond in
      // What has gone while we asked is left out.
      guard let owner = wires.owner(of: bond.port)?.server, let server = rack.servers[owner] else { return [Link]() }
      return bond.members.map { Link(server: server, port: Wires.name(of: $0.nic), snapshot: $0.snapshot) }
    }
    return Self.members(links, of: server)
  }

  /// `links`: all there are. A partner is compared within a project: its name is whatever the other end writes, so that
  /// elsewhere it would be a question about other tenants, and could be a false word to them.
  private static func members(_ links: [Link], of server: ServerID?) -> [LACPMember] {
    let partners = Dictionary(grouping: links) { $0.partner }
    return links.filter { server == nil || $0.server.id == server }.map { link in
      var member = LACPMember(link.snapshot, of: link.server.id, link.server.hostname, port: link.port)
      if let partner = link.partner, let other = partners[partner]?.first(where: { $0.server.id != link.server.id }) {
        member.problem =
          "partner \(partner.system) is also on \(other.server.hostname) "
          + "\(other.port.rawValue), with the same key; are NICs of two servers in one bond?"
      }
      return member
    }
    .sorted {
      ($0.hostname, $0.server.description, $0.port.rawValue) < ($1.hostname, $1.server.description, $1.port.rawValue)
    }
  }

  private struct Link {
    let server: Server, port: PortName, snapshot: MemberSnapshot

    /// One bond of one partner; nil while there is none.
    var partner: Partner? {
      snapshot.partner.map { Partner(project: server.project, system: $0.system, key: $0.key) }
    }
  }

  private struct Partner: Hashable { let project: ProjectID, system: MACAddress, key: UInt16 }
}

extension MACAddress {
  /// Who a rack is to its LACP partners: the same for as long as the rack's state lives, and another rack's is another.
  /// The random last octets of the identifier, as a unicast address, locally administered (IEEE 802c-2017 8.4).
  init(systemOf rack: UUID) {
    let (_, _, _, _, _, _, _, _, _, _, a, b, c, d, e, f) = rack.uuid
    let value = [a, b, c, d, e, f].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    self.init(value & 0xFCFF_FFFF_FFFF | 0x0200_0000_0000)
  }
}

extension LACPMember {
  init(_ snapshot: MemberSnapshot, of server: ServerID, _ hostname: String, port: PortName) {
    self.init(
      server: server, hostname: hostname, port: port, linkUp: snapshot.isLinkUp, selected: snapshot.isSelected,
      collecting: snapshot.isCollecting, distributing: snapshot.isDistributing, fallback: snapshot.isFallback,
      actor: Participant(snapshot.actor), partner: snapshot.partner.map(Participant.init),
      machines: Machines(
        receive: snapshot.receiveState, periodic: snapshot.periodicState, mux: snapshot.muxState,
        actorChurn: snapshot.actorChurnState, partnerChurn: snapshot.partnerChurnState),
      counters: Counters(snapshot), sinceLastLACPDU: snapshot.sinceLastLACPDU,
      problem: snapshot.problem.map { "\($0)" })
  }
}

extension LACPMember.Participant {
  init(_ participant: LACPParticipant) {
    self.init(
      systemPriority: Int(participant.systemPriority), system: participant.system, key: Int(participant.key),
      portPriority: Int(participant.portPriority), port: Int(participant.port), state: participant.state.names)
  }
}

extension LACPMember.Counters {
  init(_ snapshot: MemberSnapshot) {
    self.init()
    let counters = snapshot.counters
    (lacpdusReceived, lacpdusSent) = (counters.lacpdusReceived, counters.lacpdusSent)
    (illegalReceived, unknownReceived) = (counters.illegalReceived, counters.unknownReceived)
    (markersReceived, markerResponsesReceived) = (counters.markersReceived, counters.markerResponsesReceived)
    (markerResponsesSent, markersIgnored) = (counters.markerResponsesSent, counters.markersIgnored)
    (receiveTransitions, muxTransitions) = (counters.receiveTransitions, counters.muxTransitions)
    (actorChurns, partnerChurns) = (snapshot.actorChurns, snapshot.partnerChurns)
  }
}
