public import Wire

/// What one port does from now on; replaces what it did.
public struct PortProgram: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    /// The port is not on the wire: it has no members.
    case absent
    /// It is there and carries nothing, because no VLAN is attached: frames count `no-vlan`.
    case dark
    /// It belongs to the gateway. Until there is one, frames count `no-gateway`.
    case routed
    /// `untagged`: the domain of untagged frames both ways. `tagged`: domains whose frames carry a tag on this port.
    case switched(untagged: DomainIndex?, tagged: [DomainIndex])
  }

  /// One NIC, or the two of a bond. The first whose link is up carries.
  public var members: [NICIndex]
  public var role: Role
  /// Largest network-layer packet that the port takes or gives, bytes.
  public var mtu: Int

  public init(members: [NICIndex], role: Role, mtu: Int) {
    self.members = members
    self.role = role
    self.mtu = mtu
  }

  public static let absent = PortProgram(members: [], role: .absent, mtu: 0)

  /// The domains that the port carries.
  public var domains: [DomainIndex] {
    guard case .switched(let untagged, let tagged) = role else { return [] }
    return (untagged.map { [$0] } ?? []) + tagged
  }
}

/// One transaction on the forwarding tables: a frame sees all of it or nothing.
public struct ForwardingChange: Sendable {
  public var ports: [PortIndex: PortProgram] = [:]
  /// Domains that come into being, with the VID that tags their frames, or end (`nil`), when no port carries them any more.
  public var domains: [DomainIndex: VLANID?] = [:]
  public init() {}
}
