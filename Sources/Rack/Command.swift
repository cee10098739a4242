public import Net

/// Everything that a caller can ask of the rack.
public enum Command: Hashable, Sendable {
  case createProject(name: String, customdata: String, backendTransfer: Bool = false)
  case updateProject(ProjectID, name: String?, customdata: String?, backendTransfer: Bool? = nil)
  /// Its elastic blocks, SSH keys and labs go with it. Refused while it has servers, networks or tokens. Not the last one.
  case deleteProject(ProjectID)

  case createServer(ServerRequest)
  /// Detaches its networks, unassigns its elastic blocks, and frees its addresses and its name.
  /// Refused while it is locked.
  case deleteServer(ServerID)
  case updateServer(ServerID, ServerUpdate)
  /// Off: both NICs lose their carrier and nothing crosses them.
  case setPower(ServerID, on: Bool)
  /// Carrier goes and comes back.
  case reboot(ServerID)
  /// A boot, also of one that is off; nothing is installed.
  case rescue(ServerID)
  case reinstall(ServerID, Installation)
  /// The operating system of a server that is being installed was heard.
  case heard(ServerID)
  /// All steps from any state to the mode, as one.
  case setMode(ServerID, NetworkMode)
  case setMTU(ServerID, Int)
  /// Of one NIC: the cable, and what is wrong with its link each way.
  case setLink(ServerID, PortName, LinkUpdate)

  case createNetwork(NetworkRequest)
  case updateNetwork(NetworkID, description: String?, tags: [String]?)
  /// Refused while the network is on a port.
  case deleteNetwork(NetworkID)

  /// Puts a network on a port.
  case assign(PortID, NetworkReference)
  case unassign(PortID, NetworkReference)
  /// Chooses the network whose frames stay untagged, or none.
  case setNative(PortID, NetworkReference?)

  /// A list of changes of one port, all or none.
  case changeAssignments(PortID, [AssignmentChange])

  /// Puts a NIC into the bond; on bond0, or with `bulk`, all NICs.
  case bond(PortID, bulk: Bool)
  /// Takes a NIC out of the bond; on bond0, or with `bulk`, all NICs.
  case disbond(PortID, bulk: Bool)
  /// Makes bond0 switched, gives the addresses back for good, and unassigns the elastic blocks. The bond stays as it
  /// is.
  case convertToLayer2(PortID, attaching: NetworkReference?)
  /// Makes bond0 whole and routed, with new addresses; `nil` or none requested: one of each kind.
  case convertToLayer3(PortID, requests: [AddressRequest]?)

  /// Takes an elastic block out of a facility's pool for a project.
  case reserveBlock(BlockRequest)
  /// Routes a reservation, or a part of one, to a server that routes.
  case assignBlock(ServerID, IPPrefix)
  /// New words on a reservation.
  case updateBlock(ReservationID, BlockUpdate)
  case unassignBlock(AssignmentID)
  /// Gives an elastic block back. Refused while a part of it is assigned.
  case releaseBlock(ReservationID)

  case createSSHKey(SSHKeyRequest)
  case updateSSHKey(SSHKeyID, SSHKeyUpdate)
  /// It leaves all servers, too.
  case deleteSSHKey(SSHKeyID)

  case createToken(TokenRequest)
  case revokeToken(TokenID)

  case createMirror(MirrorRequest)
  case deleteMirror(MirrorID)

  /// What only labs do (`LabCommand`).
  case lab(LabCommand)

  /// Seconds after which a silent station is forgotten.
  case setAging(seconds: Int)
  /// How often bonds ask their partners for an LACPDU: each second, or each 30 s.
  case setLACPRate(fast: Bool)
  /// Switches of a facility, by code, slug or identifier, fail or are healed: all eth0, or all eth1, there lose their
  /// carrier, those of servers that come meanwhile too.
  case setSwitches(Set<RackSwitch>, facility: String, failed: Bool)
}

extension Command {
  /// Whether there is less to be kept afterwards: what is taken also when the disk of the state is full.
  public var givesBack: Bool {
    switch self {
    case .deleteProject, .deleteServer, .deleteNetwork, .unassign, .unassignBlock, .releaseBlock, .revokeToken,
      .deleteSSHKey, .deleteMirror:
      true
    default: false
    }
  }
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
  public var place: PlaceRequest
  /// What its interfaces are called in its namespace; `nil`: eth0 and eth1.
  public var nicNames: NICNames?
  public var details: ServerDetails
  public var isLocked: Bool
  public var isNetworkFrozen: Bool
  /// The kinds of address that it gets; `nil`: one of each. Private IPv4 must be among them.
  public var addresses: [AddressRequest]?
  /// Elastic blocks that it gets when it is made.
  public var blocks: [BlockWish]
  public var keys: SSHKeyChoice
  /// Where the console of its machine is; `nil`: the machine is its namespace.
  public var serial: String?
  /// It is being installed until it is heard. Who knows the daemon's settings says so.
  public var isAwaited = false
  /// Toprack sets the interfaces in its namespace up for its mode.
  public var isConfigured = false
  public var membership: LabMembership?

  public init(
    hostname: String?, plan: String, facility: String, operatingSystem: String, project: ProjectID, place: PlaceRequest,
    nicNames: NICNames? = nil, details: ServerDetails = ServerDetails(), isLocked: Bool = false,
    isNetworkFrozen: Bool = false,
    addresses: [AddressRequest]? = nil, blocks: [BlockWish] = [], keys: SSHKeyChoice = SSHKeyChoice(),
    serial: String? = nil
  ) {
    (self.hostname, self.plan, self.facility) = (hostname, plan, facility)
    (self.operatingSystem, self.project, self.place) = (operatingSystem, project, place)
    (self.nicNames, self.details, self.isLocked, self.isNetworkFrozen) = (nicNames, details, isLocked, isNetworkFrozen)
    (self.addresses, self.blocks, self.keys, self.serial) = (addresses, blocks, keys, serial)
  }
}

/// What a server is to have after a reinstallation; `nil` leaves it as it is.
public struct Installation: Hashable, Sendable {
  /// Slug or identifier.
  public var operatingSystem: String?
  public var userdata: String?
  /// Empty: none.
  public var ipxeScriptURL: String?
  /// It is being installed until it is heard. Who knows the daemon's settings says so.
  public var isAwaited = false

  public init(operatingSystem: String? = nil, userdata: String? = nil, ipxeScriptURL: String? = nil) {
    (self.operatingSystem, self.userdata, self.ipxeScriptURL) = (operatingSystem, userdata, ipxeScriptURL)
  }
}

/// An elastic block for a server that is being made: of the first of some reservations that has it free.
public struct BlockWish: Hashable, Sendable {
  /// Never empty.
  public var reservations: [ReservationID]
  /// Bits of the prefix; `nil`: all of the reservation.
  public var length: Int?

  public init(reservations: [ReservationID], length: Int?) {
    (self.reservations, self.length) = (reservations, length)
  }
}

/// New values of what is written on a reservation; `nil` leaves one as it is. Empty details are none.
public struct BlockUpdate: Hashable, Sendable {
  public var details: String?
  public var tags: [String]?
  /// A JSON object as text.
  public var customdata: String?

  public init(details: String? = nil, tags: [String]? = nil, customdata: String? = nil) {
    (self.details, self.tags, self.customdata) = (details, tags, customdata)
  }
}

/// New values of a server's members; `nil` leaves one as it is. An empty description or script is none.
public struct ServerUpdate: Hashable, Sendable {
  /// Its interfaces keep the names that they have.
  public var hostname: String?
  public var description: String?
  public var tags: [String]?
  public var userdata: String?
  /// A JSON object as text.
  public var customdata: String?
  public var alwaysPXE: Bool?
  public var ipxeScriptURL: String?
  public var isLocked: Bool?
  public var isNetworkFrozen: Bool?
  /// Where the console of its machine is. Empty: none any more.
  public var serial: String?
  /// What its interfaces are called in its namespace; they are renamed.
  public var nicNames: NICNames?
  /// Toprack sets the interfaces in its namespace up for its mode. No: what it has made is taken away.
  public var isConfigured: Bool?

  public init() {}
}

/// One entry of a batch: what is to be so of a network and a port. Restating what is so is no error.
public struct AssignmentChange: Hashable, Sendable {
  public var network: NetworkReference
  public var isAssigned: Bool
  /// `true`: native from now on; `false`: not native; `nil`: as it is.
  public var isNative: Bool?

  public init(network: NetworkReference, isAssigned: Bool, isNative: Bool? = nil) {
    (self.network, self.isAssigned, self.isNative) = (network, isAssigned, isNative)
  }
}

public struct TokenRequest: Hashable, Sendable {
  public var name: String
  /// SHA-256 of the token's text, 32 bytes.
  public var digest: [UInt8]
  /// `nil`: all projects.
  public var project: ProjectID?
  public var isReadOnly: Bool

  public init(name: String, digest: [UInt8], project: ProjectID?, isReadOnly: Bool) {
    (self.name, self.digest, self.project, self.isReadOnly) = (name, digest, project, isReadOnly)
  }
}

public struct NetworkRequest: Hashable, Sendable {
  public var project: ProjectID
  /// A facility or a metro, each by code or identifier.
  public var place: NetworkPlace
  /// `nil`: the next free one of `VirtualNetwork.automaticNumbers`.
  public var vxlan: Int?
  public var description: String?
  public var tags: [String]
  public var membership: LabMembership?

  public init(project: ProjectID, place: NetworkPlace, vxlan: Int?, description: String?, tags: [String] = []) {
    (self.project, self.place, self.vxlan) = (project, place, vxlan)
    (self.description, self.tags) = (description, tags)
  }

  public init(project: ProjectID, facility: String, vxlan: Int?, description: String?) {
    self.init(project: project, place: .facility(facility), vxlan: vxlan, description: description)
  }
}

public struct BlockRequest: Hashable, Sendable {
  public var project: ProjectID
  /// Code or identifier.
  public var facility: String
  /// Bits of the prefix, within `Reservation.lengths`.
  public var length: Int
  public var note: Reservation.Note
  /// A lab's privilege: this block and no other; refused when somebody has it.
  public var given: IPPrefix?
  public var membership: LabMembership?

  public init(project: ProjectID, facility: String, length: Int, note: Reservation.Note = .init()) {
    (self.project, self.facility, self.length, self.note) = (project, facility, length, note)
  }
}

/// A kind of address as the API names it. Family 6 is public only.
public struct AddressRequest: Hashable, Sendable {
  /// 4 or 6.
  public var family: Int
  public var isPublic: Bool

  public init(family: Int, isPublic: Bool) { (self.family, self.isPublic) = (family, isPublic) }
}
