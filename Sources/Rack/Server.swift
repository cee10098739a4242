public import FoundationEssentials
public import Net

/// Where a server's NICs are.
public enum Place: Hashable, Sendable {
  /// In the daemon's own network namespace, named after the server.
  case host
  /// In the namespace of that name, called as `Server.nicNames` says. `made`: it did not exist, so that Toprack made it
  /// and removes it with the server.
  case namespace(String, made: Bool)

  public var namespace: String? {
    switch self {
    case .host: nil
    case .namespace(let name, made: _): name
    }
  }
}

/// What people and their tools write on a server; it changes nothing on the wire.
public struct ServerDetails: Hashable, Sendable {
  public var description: String?
  public var tags: [String]
  /// What the machine is told when it boots, as text.
  public var userdata: String
  /// A JSON object as text.
  public var customdata: String
  public var alwaysPXE: Bool
  public var ipxeScriptURL: String?

  /// Whether the userdata is a script for iPXE.
  public var isIPXEScript: Bool { userdata.hasPrefix("#!ipxe") }

  public init(
    description: String? = nil, tags: [String] = [], userdata: String = "", customdata: String = "{}",
    alwaysPXE: Bool = false, ipxeScriptURL: String? = nil
  ) {
    (self.description, self.tags, self.userdata) = (description, tags, userdata)
    (self.customdata, self.alwaysPXE, self.ipxeScriptURL) = (customdata, alwaysPXE, ipxeScriptURL)
  }
}

/// One simulated machine: two NICs, a bond of them, and its addresses.
///
/// ## Invariants
/// 1. bond0 is bonded exactly while a NIC is.
/// 2. A NIC in the bond has no networks. In layer 3 bond0 has some only while both NICs are in it, and none is native.
/// 3. In layer 2 there are no addresses and no elastic blocks; these need a public IPv4 address.
/// 4. The mode is one that the plan allows.
public struct Server: Hashable, Sendable {
  public let id: ServerID
  /// Within `numbers`, its own in the rack, the same for life: what LACP knows the server by (`Server+LACP`).
  public let number: Int
  public var hostname: String
  /// Slug of the plan.
  public let plan: String
  /// Code of the facility.
  public let facility: String
  /// Slug of the operating system.
  public var operatingSystem: String
  public let project: ProjectID
  /// The lab that it belongs to, and its name there.
  public var membership: LabMembership?
  public var place: Place
  /// What its interfaces are called in its namespace.
  public var nicNames: NICNames
  /// Toprack sets the interfaces in its namespace up for its mode.
  public var isConfigured: Bool
  /// 2 or 3: what bond0 was last converted to.
  public var layer: Int
  public var bond0: Port, eth0: Port, eth1: Port
  /// At most one of each kind.
  public var addresses: [Address]
  /// The elastic blocks that are routed to it, in the order of assignment; at most `Rack.blocksPerServerLimit`.
  public var blocks: [BlockAssignment]
  /// The block of each kind that this server gave back last; it does not get it again while another is free.
  public var lastHeld: [Address.Kind: IPPrefix]
  /// Bytes of payload per frame, on both NICs; within `mtus`.
  public var mtu: Int
  public var details: ServerDetails
  /// The keys that it was made with, of its project and of the user, as far as they are there still.
  public var sshKeys: [SSHKeyID]
  /// `nil`: it is older than passwords, or nobody is told any more.
  public var rootPassword: RootPassword?
  /// It cannot be deleted.
  public var isLocked: Bool
  /// Its bond and its layer cannot be changed.
  public var isNetworkFrozen: Bool
  /// Without power both NICs have no carrier and nothing crosses them.
  public var isPoweredOn: Bool
  /// It was installed, and its operating system has not been heard yet.
  public var isProvisioning: Bool
  /// What is set of the links between its NICs and the switch.
  public var links: ServerLinks
  /// Those of its facility that have failed; `Rack.apply` keeps it.
  public internal(set) var failedSwitches: Set<RackSwitch> = []
  /// A Unix socket or a serial device: the console of a machine that runs by itself.
  public var serial: String?
  public let createdAt: Date
  /// When a command last changed it.
  public var updatedAt: Date

  public init(
    id: ServerID, number: Int, hostname: String, plan: String, facility: String, operatingSystem: String,
    project: ProjectID, place: Place, nicNames: NICNames = NICNames(), layer: Int, bond0: Port, eth0: Port, eth1: Port,
    addresses: [Address],
    blocks: [BlockAssignment] = [], lastHeld: [Address.Kind: IPPrefix], mtu: Int,
    details: ServerDetails = ServerDetails(), sshKeys: [SSHKeyID] = [], rootPassword: RootPassword? = nil,
    isLocked: Bool = false, isNetworkFrozen: Bool = false,
    isPoweredOn: Bool = true, isProvisioning: Bool = false, isConfigured: Bool = false, serial: String? = nil,
    links: ServerLinks = ServerLinks(), membership: LabMembership? = nil, createdAt: Date, updatedAt: Date? = nil
  ) {
    (self.id, self.number, self.hostname, self.plan, self.facility) = (id, number, hostname, plan, facility)
    (self.operatingSystem, self.project, self.place, self.layer) = (operatingSystem, project, place, layer)
    (self.nicNames, self.bond0, self.eth0, self.eth1) = (nicNames, bond0, eth0, eth1)
    (self.addresses, self.blocks, self.lastHeld) = (addresses, blocks, lastHeld)
    (self.mtu, self.details, self.isLocked) = (mtu, details, isLocked)
    (self.sshKeys, self.rootPassword) = (sshKeys, rootPassword)
    (self.isNetworkFrozen, self.isPoweredOn, self.serial) = (isNetworkFrozen, isPoweredOn, serial)
    (self.isProvisioning, self.isConfigured, self.membership) = (isProvisioning, isConfigured, membership)
    self.links = links
    (self.createdAt, self.updatedAt) = (createdAt, updatedAt ?? createdAt)
  }

  /// One for each server of a full rack.
  public static let numbers = 1...Rack.serverLimit
  /// MTUs that a server can have: from what IPv6 needs (RFC 8200 5) to what switches usually carry.
  public static let mtus = 1280...9216
  /// What a machine has that nobody has told otherwise. Jumbo frames pass where both ends are set to more.
  public static let defaultMTU = 1500

  public subscript(name: PortName) -> Port {
    get {
      switch name {
      case .bond0: bond0
      case .eth0: eth0
      case .eth1: eth1
      }
    }
    set {
      switch name {
      case .bond0: bond0 = newValue
      case .eth0: eth0 = newValue
      case .eth1: eth1 = newValue
      }
    }
  }

  /// The address of a kind, if the server has one.
  public func address(_ kind: Address.Kind) -> Address? { addresses.first { $0.kind == kind } }

  /// bond0, eth0, eth1.
  public var ports: [Port] { [bond0, eth0, eth1] }

  /// The NICs that are in the bond, in order.
  public var members: [PortName] { PortName.nics.filter { self[$0].bonded } }

  /// The mode, derived from the layer, the bond and its networks. A sequence of single steps can pass through states
  /// that are none of the four: a layer-2 server with one NIC in the bond counts as `layer2-bonded`, since bond0 is
  /// there and takes networks; a layer-3 server with none counts as `hybrid`.
  public var mode: NetworkMode {
    switch (layer, members.count) {
    case (3, 2): bond0.networks.isEmpty ? .layer3 : .hybridBonded
    case (3, _): .hybrid
    case (_, 0): .layer2Individual
    default: .layer2Bonded
    }
  }
}
