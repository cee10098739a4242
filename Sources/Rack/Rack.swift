public import FoundationEssentials

/// The whole rack as one value: what exists, and the rules by which it changes.
///
/// ## How it works
/// `decide` takes a command, reads the rack, and answers with an `Outcome`: the records that differ afterwards, and
/// what the wire has to do. It changes nothing, so a refusal cannot leave anything behind. `apply` then puts the
/// records in place; it cannot fail. Between the two a caller can write the records to disk. `perform` is one after
/// the other.
///
/// A command on a server works on a copy of that one server; the rules (`Rack+Bonding`, `Rack+Conversion`,
/// `Rack+Attachment`, `Rack+Modes`) change the copy, and what differs in the end becomes the outcome.
///
/// ## Invariants `checkInvariants` has them all. In short: identifiers, server numbers, namespaces, MAC addresses and
/// address blocks are unique; a hostname is unique in its project, a network's number per project and place; a port
/// carries only networks of its server's project that reach its facility, each number once; elastic blocks meet neither
/// each other nor addresses of servers, and are assigned within their project and facility, each address once; an SSH
/// key is at its owner once, and on servers of its project only, the user's on any; a lab's name is unique in its
/// project, and what belongs to it is of that project, each name once; a mirror's end carries nothing else; each server is in a state that its plan allows;
/// the indexes agree with the records.
///
/// ## Limits
/// The static constants below; each has a refusal that names it.
public struct Rack: Sendable {
  /// Tells this rack's interfaces from those of another daemon on the same machine.
  public let id: UUID
  public internal(set) var projects: [ProjectID: Project] = [:]
  public internal(set) var servers: [ServerID: Server] = [:]
  public internal(set) var networks: [NetworkID: VirtualNetwork] = [:]
  /// Elastic blocks of all projects and facilities.
  public internal(set) var reservations: [ReservationID: Reservation] = [:]
  public internal(set) var tokens: [TokenID: AccessToken] = [:]
  public internal(set) var sshKeys: [SSHKeyID: SSHKey] = [:]
  public internal(set) var labs: [LabID: Lab] = [:]
  public internal(set) var mirrors: [MirrorID: Mirror] = [:]
  /// Seconds after which a silent station is forgotten.
  public internal(set) var aging = Rack.defaultAging
  /// Bonds ask their partners for an LACPDU each second, and take a silent one for lost after 3 s; without it each 30 s
  /// and after 90 s. IEEE 802.1AX-2014 6.4.4 has both.
  public internal(set) var lacpFast = false
  /// Whether VLANs can be attached to bond0 in layer 3 (`NetworkMode.hybridBonded`): a setting of the daemon, the same
  /// for the life of the value. `nil`: each facility says so itself. Those that are there stay without it.
  public let hybridBonded: Bool?
  /// How much one project can have. A setting of the daemon, the same for the life of the value.
  public let quotas: Quotas
  /// Of each facility where some have failed: those.
  public internal(set) var failedSwitches: [String: Set<RackSwitch>] = [:]
  var addressPools: AddressPools
  var index = Index()

  public static let serverLimit = 5000
  /// Networks of all projects and facilities together. Bounded so that each has a local domain number of 16 bits, and
  /// numbers can rest before they are used again.
  public static let networkLimit = 32_768
  public static let networksPerPortLimit = 512
  /// Elastic blocks of all projects and facilities together.
  public static let reservationLimit = 4096
  public static let blocksPerServerLimit = 64
  public static let projectLimit = 1000
  /// Labs of all projects together.
  public static let labLimit = 1000
  public static let checkpointsPerLabLimit = 16
  /// Of all projects together: each is a place at every worker.
  public static let mirrorLimit = 8
  /// Each request compares with all of them.
  public static let tokenLimit = 256
  /// SSH keys of the user and of all projects together.
  public static let sshKeyLimit = 4096
  /// SSH keys of the user, or of one project: a new server may get all of both.
  public static let sshKeysPerOwnerLimit = 256
  /// 802.1Q asks for 10 to 1 000 000 seconds; less is allowed here, so that ageing can be watched.
  public static let agings = 1...1_000_000
  /// IEEE 802.1Q-2018 Table 8-6.
  public static let defaultAging = 300

  /// A rack without anything, not even a project; for `apply`.
  public init(
    empty id: UUID, plan: AddressPlan = AddressPlan(), hybridBonded: Bool? = nil, quotas: Quotas = Quotas()
  ) {
    self.id = id
    self.hybridBonded = hybridBonded
    self.quotas = quotas
    addressPools = AddressPools(plan: plan)
  }

  /// A new rack: one project, `default`.
  public init(
    with source: inout some Entropy, lacpFast: Bool = false, plan: AddressPlan = AddressPlan(),
    hybridBonded: Bool? = nil, quotas: Quotas = Quotas()
  ) {
    self.init(empty: source.identifier(), plan: plan, hybridBonded: hybridBonded, quotas: quotas)
    let project = Project(id: ProjectID(source.identifier()), name: Project.defaultName, createdAt: source.now)
    apply([.project(project), .lacpRate(fast: lacpFast)])
  }

  /// Decides and applies. When it throws, nothing has changed.
  @discardableResult
  public mutating func perform(
    _ command: Command, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    let outcome = try decide(command, with: &source)
    apply(outcome.changes)
    return outcome
  }

  /// Every record; applied to an empty rack they give this one.
  public var records: [Change] {
    projects.values.map { .project($0) } + labs.values.map { .lab($0, replacing: nil) }
      + tokens.values.map { .token($0) }
      + sshKeys.values.map { .sshKey($0) } + networks.values.map { .network($0) }
      + reservations.values.map { .reservation($0) } + servers.values.map { .server($0, replacing: nil) }
      + addressPools.pools.values.map { .pool($0) }
      + [.aging(seconds: aging), .lacpRate(fast: lacpFast)]
      + failedSwitches.map { .failedSwitches(facility: $0.key, $0.value) } + mirrors.values.map { .mirror($0) }
  }

  /// Where addresses come from: a setting of the daemon, the same for the life of the value.
  public var addressPlan: AddressPlan { addressPools.plan }

  /// Whether servers of a facility can have VLANs on bond0 in layer 3: as the daemon is set, or else where the facility
  /// has it.
  public func offersHybridBonded(in facility: String) -> Bool {
    hybridBonded ?? Catalogue.facility(facility)?.offersHybridBonded ?? false
  }

  /// Every port of `server` that exists on the wire now.
  public func wiring(of server: Server) -> [PortWiring] { server.wiring }
}

extension Rack: Hashable {
  /// Compares the records; the indexes follow from them.
  public static func == (one: Rack, other: Rack) -> Bool {
    one.id == other.id && one.aging == other.aging && one.lacpFast == other.lacpFast && one.projects == other.projects
      && one.tokens == other.tokens && one.sshKeys == other.sshKeys && one.labs == other.labs
      && one.networks == other.networks && one.servers == other.servers && one.reservations == other.reservations
      && one.failedSwitches == other.failedSwitches && one.mirrors == other.mirrors
      && one.addressPools.pools == other.addressPools.pools
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(id)
    hasher.combine(servers)
    hasher.combine(networks)
  }
}
