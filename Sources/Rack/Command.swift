/// Everything that a caller can ask of the rack.
public enum Command: Hashable, Sendable {
  case createServer(ServerRequest)
  /// Detaches its networks, unassigns its elastic blocks, and frees its addresses and its name.
  case deleteServer(ServerID)
  /// All steps from any state to the mode, as one.
  case setMode(ServerID, NetworkMode)
  case setMTU(ServerID, Int)

  case createNetwork(NetworkRequest)
  /// Refused while the network is on a port.
  case deleteNetwork(NetworkID)

  /// Puts a network on a port.
  case assign(PortID, NetworkReference)
  case unassign(PortID, NetworkReference)
  /// Chooses the network whose frames stay untagged, or none.
  case setNative(PortID, NetworkReference?)

  /// Puts a NIC into the bond; on bond0, or with `bulk`, all NICs.
  case bond(PortID, bulk: Bool)
  /// Takes a NIC out of the bond; on bond0, or with `bulk`, all NICs.
  case disbond(PortID, bulk: Bool)
  /// Makes bond0 switched, gives the addresses back for good, and unassigns the elastic blocks. The bond stays as it is.
  case convertToLayer2(PortID, attaching: NetworkReference?)
  /// Makes bond0 whole and routed, with new addresses; `nil` or none requested: one of each kind.
  case convertToLayer3(PortID, requests: [AddressRequest]?)

  /// Takes an elastic block out of a facility's pool for a project.
  case reserveBlock(BlockRequest)
  /// Routes a reservation, or a part of one, to a server that routes.
  case assignBlock(ServerID, IPBlock)
  case unassignBlock(AssignmentID)
  /// Gives an elastic block back. Refused while a part of it is assigned.
  case releaseBlock(ReservationID)

  /// Seconds after which a silent station is forgotten.
  case setAging(seconds: Int)
  /// How often bonds ask their partners for an LACPDU: each second, or each 30 s.
  case setLACPRate(fast: Bool)
}

public struct ServerRequest: Hashable, Sendable {
  /// `nil`: the rack makes one up.
  public var hostname: String?
  /// Slug, legacy slug or identifier.
  public var plan: String
  /// Code or identifier.
  public var facility: String
  /// Slug or identifier.
  public var operatingSystem: String
  public var project: ProjectID
  public var place: Place

  public init(
    hostname: String?, plan: String, facility: String, operatingSystem: String, project: ProjectID, place: Place
  ) {
    (self.hostname, self.plan, self.facility) = (hostname, plan, facility)
    (self.operatingSystem, self.project, self.place) = (operatingSystem, project, place)
  }
}

public struct NetworkRequest: Hashable, Sendable {
  public var project: ProjectID
  /// Code or identifier.
  public var facility: String
  /// `nil`: the next free one of `VirtualNetwork.automaticNumbers`.
  public var vxlan: Int?
  public var description: String?

  public init(project: ProjectID, facility: String, vxlan: Int?, description: String?) {
    (self.project, self.facility, self.vxlan, self.description) = (project, facility, vxlan, description)
  }
}

public struct BlockRequest: Hashable, Sendable {
  public var project: ProjectID
  /// Code or identifier.
  public var facility: String
  /// Bits of the prefix, within `Reservation.lengths`.
  public var length: Int

  public init(project: ProjectID, facility: String, length: Int) {
    (self.project, self.facility, self.length) = (project, facility, length)
  }
}

/// A kind of address as the API names it. Family 6 is public only.
public struct AddressRequest: Hashable, Sendable {
  /// 4 or 6.
  public var family: Int
  public var isPublic: Bool

  public init(family: Int, isPublic: Bool) { (self.family, self.isPublic) = (family, isPublic) }
}
