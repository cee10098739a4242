public import Net

/// What one port does from now on; replaces what it did.
public struct PortProgram: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    /// The port is not on the wire: it has no members.
    case absent
    /// It is there and carries nothing, because no VLAN is attached: frames count `no-vlan`.
    case dark
    /// It belongs to the gateway: its untagged frames go to the router, which has an interface of the port's number.
    /// While it has none, they count `no-gateway`. `tagged`: domains beside it, whose frames always carry a tag here.
    case routed(tagged: [DomainIndex])
    /// `untagged`: the domain of untagged frames both ways. `tagged`: domains whose frames carry a tag on this port.
    case switched(untagged: DomainIndex?, tagged: [DomainIndex])

    /// Untagged frames go to the router.
    public var isRouted: Bool { if case .routed = self { true } else { false } }
  }

  /// One NIC, or those of a bond that are in it now: at most two.
  public var members: [NICIndex]
  public var role: Role
  /// What LACP says of the port when it is a bond; nil for a NIC outside a bond, which speaks none.
  public var aggregation: Aggregation?

  public init(members: [NICIndex], role: Role, aggregation: Aggregation? = nil) {
    self.members = members
    self.role = role
    self.aggregation = aggregation
  }

  public static let absent = PortProgram(members: [], role: .absent)

  /// The domains that the port carries.
  public var domains: [DomainIndex] {
    switch role {
    case .absent, .dark: []
    case .routed(let tagged): tagged
    case .switched(let untagged, let tagged): (untagged.map { [$0] } ?? []) + tagged
    }
  }
}

/// A bond as LACP names it. The same for as long as the server lives, whichever of its NICs are in the bond.
public struct Aggregation: Hashable, Sendable {
  /// Operational key: one per server, not 0.
  public var key: UInt16
  /// Both NICs of the server, eth0 first.
  public var places: [Place]
  /// The server's bond needs no LACP (balance-tlb and its like).
  public var isStatic: Bool

  public struct Place: Hashable, Sendable {
    public var nic: NICIndex
    /// Not 0; each NIC of the rack its own.
    public var portNumber: UInt16

    public init(nic: NICIndex, portNumber: UInt16) {
      self.nic = nic
      self.portNumber = portNumber
    }
  }

  public init(key: UInt16, places: [Place], isStatic: Bool = false) {
    self.key = key
    self.places = places
    self.isStatic = isStatic
  }
}

/// By which members a bond's frames cross: what LACP has agreed with the partner.
public struct BondCarriage: Sendable {
  /// False: no aggregate is in force, and one member carries alone.
  public var isAggregate: Bool
  public var members: [Member]
  /// Who carries alone, as LACP knows; who does it is the switch's own knowledge, except when an aggregate has just
  /// ended.
  public var carrier: NICIndex?

  public struct Member: Sendable {
    public var nic: NICIndex
    /// Frames that come in by it are taken, whoever carries alone.
    public var isCollecting: Bool
    /// Frames may leave by it; of an aggregate.
    public var isDistributing: Bool
    /// It must not carry alone.
    public var isBarred: Bool

    public init(nic: NICIndex, isCollecting: Bool, isDistributing: Bool, isBarred: Bool = false) {
      self.nic = nic
      self.isCollecting = isCollecting
      self.isDistributing = isDistributing
      self.isBarred = isBarred
    }
  }

  public init(isAggregate: Bool, members: [Member], carrier: NICIndex? = nil) {
    self.isAggregate = isAggregate
    self.members = members
    self.carrier = carrier
  }
}

/// One transaction on the forwarding tables: a frame sees all of it or nothing.
public struct ForwardingChange: Sendable {
  public var ports: [PortIndex: PortProgram] = [:]
  /// Domains that come into being, with the VID that tags their frames, or end (`nil`), when no port carries them any
  /// more.
  public var domains: [DomainIndex: VLANID?] = [:]
  public init() {}
}
