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
  /// bond. Each NIC is in exactly one of them. None of a server that is switched off.
  public var wiring: [PortWiring] {
    guard isPoweredOn else { return [] }
    let members = self.members
    var ports: [PortWiring] = []
    if !members.isEmpty {
      let role = layer == 3 ? PortWiring.Role.routed(tagged: Set(bond0.networks)) : bond0.role
      ports.append(PortWiring(name: .bond0, members: members, role: role))
    }
    for name in PortName.nics where !self[name].bonded {
      ports.append(PortWiring(name: name, members: [name], role: self[name].role))
    }
    return ports
  }
}

extension Port {
  /// The tagging rule where nothing is routed: one network is untagged; of several all are tagged but the native one.
  fileprivate var role: PortWiring.Role {
    switch networks.count {
    case 0: return .dark
    case 1: return .switched(untagged: networks[0], tagged: [])
    default:
      var tagged = Set(networks)
      if let native { tagged.remove(native) }
      return .switched(untagged: native, tagged: tagged)
    }
  }
}
