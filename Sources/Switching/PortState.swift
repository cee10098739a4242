/// What one port really does: read back from the tables by which frames are forwarded, not from what the port was told.
public struct PortState: Hashable, Sendable {
  public enum Role: String, Hashable, Sendable { case dark, routed, switched }

  /// A domain that the port carries, and the VID of its tagged frames.
  public struct Domain: Hashable, Sendable {
    public let index: DomainIndex
    public let vid: UInt16
  }

  public let port: PortIndex
  public let members: [NICIndex]
  public let isBond: Bool
  public let role: Role
  /// Of untagged frames, both ways.
  public let untagged: Domain?
  /// By VID.
  public let tagged: [Domain]
  /// Largest network-layer packet that may leave by it, bytes: the least of the MTUs of its members that are up.
  public let mtu: Int
  /// Where one table contradicts another: sentences. Empty unless the switch has a fault.
  public let faults: [String]

  /// The same port with one fault more.
  public func adding(fault: String) -> PortState {
    PortState(
      port: port, members: members, isBond: isBond, role: role, untagged: untagged, tagged: tagged, mtu: mtu,
      faults: faults + [fault])
  }
}

/// Reading the tables back. A frame meets a port in three of them: its NIC's entry says the port, the port's entry says
/// the domain of a VID, the domain's entry says who else receives. They are compared here, each with the others.
extension Switch {
  /// Ports that are on the wire, by index, from `first` on: about `limit` of them, since the caller has frames waiting.
  /// `next`: where to go on; nil: that was all.
  public borrowing func states(from first: PortIndex, limit: Int) -> (states: [PortState], next: PortIndex?) {
    var found: [PortState] = []
    var index = first.value
    while index < limits.ports, found.count < limit {
      if unsafe ports[index].role != .absent { found.append(state(of: index)) }
      index += 1
    }
    let receiving = receivers(within: first.value..<index)
    for place in found.indices { found[place] = compared(found[place], receiving[found[place].port] ?? []) }
    return (found, index < limits.ports ? PortIndex(index) : nil)
  }

  private struct Receiving: Hashable {
    let domain: Domain
    let isTagged: Bool
  }
  private typealias Domain = PortState.Domain

  /// In which domains' member lists the ports are.
  private borrowing func receivers(within range: Range<Int>) -> [PortIndex: Set<Receiving>] {
    var found: [PortIndex: Set<Receiving>] = [:]
    for index in 0..<limits.domains {
      let entry = unsafe domains[index]
      for place in 0..<Int(entry.memberCount) {
        let member = unsafe entry.members![place]
        guard range.contains(Int(member.port)) else { continue }
        let domain = Domain(index: DomainIndex(index), vid: entry.vid)
        found[PortIndex(Int(member.port)), default: []].insert(Receiving(domain: domain, isTagged: member.isTagged))
      }
    }
    return found
  }

  /// What `port` does, or did before it was shut; nil: it is not on the wire.
  public borrowing func role(of port: PortIndex) -> PortState.Role? {
    let entry = unsafe ports[port.value]
    return switch entry.role == .shut ? entry.held : entry.role {
    case .absent: nil
    case .dark, .shut: .dark
    case .routed: .routed
    case .switched: .switched
    }
  }

  private borrowing func state(of port: Int) -> PortState {
    let entry = unsafe ports[port]
    let members = [entry.members.0, entry.members.1].prefix(Int(entry.memberCount)).map { NICIndex(Int($0)) }
    var tagged: [Domain] = []
    if let map = unsafe entry.domainOfVID {
      for vid in 0..<4096 {
        let domain = unsafe map[vid]
        if domain != 0, domain != entry.untaggedDomain {
          tagged.append(Domain(index: DomainIndex(Int(domain)), vid: UInt16(vid)))
        }
      }
    }
    return PortState(
      port: PortIndex(port), members: members, isBond: entry.isBond, role: role(of: PortIndex(port)) ?? .dark,
      untagged: entry.untaggedDomain == 0
        ? nil : Domain(index: DomainIndex(Int(entry.untaggedDomain)), vid: entry.untaggedVID),
      tagged: tagged, mtu: mtu(of: PortIndex(port)) ?? 0,
      faults: members.compactMap { nic in
        let owner = unsafe Int(portOfNIC[nic.value])
        return owner == port ? nil : "frames of NIC \(nic.value) are taken for port \(owner)"
      })
  }

  /// `state` with what its domains say: who may send into a domain is who receives from it, in the same form.
  private borrowing func compared(_ state: PortState, _ receiving: Set<Receiving>) -> PortState {
    var sending = Set(state.tagged.map { Receiving(domain: $0, isTagged: true) })
    if let untagged = state.untagged { sending.insert(Receiving(domain: untagged, isTagged: false)) }
    func words(_ entry: Receiving) -> String {
      "domain \(entry.domain.index.value), VID \(entry.domain.vid), \(entry.isTagged ? "tagged" : "untagged")"
    }
    let faults =
      sending.subtracting(receiving).map { "takes and does not get: \(words($0))" }
      + receiving.subtracting(sending).map { "gets and does not take: \(words($0))" }
    return faults.sorted().reduce(state) { $0.adding(fault: $1) }
  }
}
