/// What one port is on the wire.
public struct PortWiring: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    /// Carries nothing: no network is attached.
    case dark
    /// Belongs to the gateway. Frames of `tagged` carry a tag and are switched.
    case routed(tagged: Set<NetworkID>)
    /// Frames of `untagged` carry no tag here, those of `tagged` do.
    case switched(untagged: NetworkID?, tagged: Set<NetworkID>)

    /// Whether addresses and elastic blocks are routed to it.
    public var isRouted: Bool { if case .routed = self { true } else { false } }
  }

  public var name: PortName
  /// The NICs that belong to it now, in order; never empty.
  public var members: [PortName]
  public var role: Role

  public init(name: PortName, members: [PortName], role: Role) {
    (self.name, self.members, self.role) = (name, members, role)
  }
}

extension Server {
  /// Every port of the server that exists on the wire now: bond0 while it has a member, a NIC while it is out of the
  /// bond. Each NIC that has carrier is in exactly one of them; so there is none of a server that is switched off.
  public var wiring: [PortWiring] {
    let members = self.members.filter(hasCarrier)
    let bond = members.isEmpty ? [] : [PortWiring(name: .bond0, members: members, role: role(of: .bond0))]
    return bond
      + PortName.nics.filter { !self[$0].bonded && hasCarrier($0) }.map {
        PortWiring(name: $0, members: [$0], role: role(of: $0))
      }
  }

  private func role(of name: PortName) -> PortWiring.Role {
    let networks = self[name].networks
    let tagged = networks.filter { form(of: $0, on: name).isTagged }
    if isRouted(name) { return .routed(tagged: Set(tagged)) }
    guard !networks.isEmpty else { return .dark }
    return .switched(untagged: networks.first { !form(of: $0, on: name).isTagged }, tagged: Set(tagged))
  }
}
