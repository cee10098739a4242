public import Net

extension Rack {
  /// Ways to find records without a scan; always derivable from them.
  struct Index: Hashable, Sendable {
    /// Any number of projects can have a name.
    var projectNames: [String: Set<ProjectID>] = [:]
    /// By hostname in lower case; at most one server of each project has it.
    var hostnames: [String: Set<ServerID>] = [:]
    /// Of projects that have something.
    var usage: [ProjectID: Usage] = [:]
    var serverNumbers: [Int: ServerID] = [:]
    var ports: [PortID: PortPlace] = [:]
    var namespaces: [String: ServerID] = [:]
    var macs: Set<MACAddress> = []
    var addresses: [AddressID: ServerID] = [:]
    var assignments: [AssignmentID: ServerID] = [:]
    /// The assignments of each reservation; reservations without any are absent.
    var assigned: [ReservationID: Set<AssignmentID>] = [:]
    var reservations: [IPPrefix: ReservationID] = [:]
    /// By each address of a server, as a block of one, and each elastic block.
    var hosts: [IPPrefix: ServerID] = [:]
    var sshKeys: [SSHKey.Owner: Set<SSHKeyID>] = [:]
    /// The servers that each key is on; keys that are on none are absent.
    var keyHolders: [SSHKeyID: Set<ServerID>] = [:]
    /// By number, for each project and place that has networks.
    var numbers: [Scope: [Int: NetworkID]] = [:]
    /// The ports that each network is on; networks that are on none are absent.
    var attachments: [NetworkID: Set<PortID>] = [:]
    /// By name, for each project that has labs.
    var labNames: [ProjectID: [String: LabID]] = [:]
    /// What belongs to each lab; labs without anything are absent.
    var belongings: [LabID: LabBelongings] = [:]
  }

  struct PortPlace: Hashable, Sendable {
    var server: ServerID
    var name: PortName
  }

  /// Within it, numbers of networks are unique.
  struct Scope: Hashable, Sendable {
    var project: ProjectID
    var place: NetworkPlace
  }

  /// The servers of all projects that have a hostname, in either case; by age.
  public func servers(named hostname: some StringProtocol) -> [Server] {
    index.hostnames[hostname.lowercased(), default: []].compactMap { servers[$0] }
      .sorted { ($0.createdAt, $0.id.description) < ($1.createdAt, $1.id.description) }
  }

  /// The server of a project that has a hostname, in either case.
  public func server(named hostname: some StringProtocol, of project: ProjectID) -> Server? {
    index.hostnames[hostname.lowercased(), default: []].lazy.compactMap { servers[$0] }
      .first { $0.project == project }
  }

  /// The one server that has a hostname, in either case; `nil` when there is none, or more than one.
  public func server(named hostname: some StringProtocol) -> Server? {
    let found = index.hostnames[hostname.lowercased(), default: []]
    return found.count == 1 ? found.first.flatMap { servers[$0] } : nil
  }

  /// The server whose NICs are in a network namespace.
  public func server(inNamespace name: String) -> Server? { index.namespaces[name].flatMap { servers[$0] } }

  /// The projects that have exactly that name, by age.
  public func projects(named name: some StringProtocol) -> [Project] {
    index.projectNames[String(name), default: []].compactMap { projects[$0] }
      .sorted { ($0.createdAt, $0.id.description) < ($1.createdAt, $1.id.description) }
  }

  /// The one project that has exactly that name; `nil` when there is none, or more than one.
  public func project(named name: some StringProtocol) -> Project? {
    let found = index.projectNames[String(name), default: []]
    return found.count == 1 ? found.first.flatMap { projects[$0] } : nil
  }

  /// The server that has a port, and the port.
  public func port(_ id: PortID) -> (server: Server, port: Port)? {
    guard let place = index.ports[id], let server = servers[place.server] else { return nil }
    return (server, server[place.name])
  }

  /// The server that has an address, and the address.
  public func address(_ id: AddressID) -> (server: Server, address: Address)? {
    guard let server = index.addresses[id].flatMap({ servers[$0] }),
      let address = server.addresses.first(where: { $0.id == id })
    else { return nil }
    return (server, address)
  }

  /// The server that an elastic block is assigned to, and the assignment.
  public func assignment(_ id: AssignmentID) -> (server: Server, assignment: BlockAssignment)? {
    guard let server = index.assignments[id].flatMap({ servers[$0] }),
      let assignment = server.blocks.first(where: { $0.id == id })
    else { return nil }
    return (server, assignment)
  }

  /// The assignments of a reservation and their servers, by address.
  public func assignments(of reservation: ReservationID) -> [(server: Server, assignment: BlockAssignment)] {
    index.assigned[reservation, default: []].compactMap { assignment($0) }
      .sorted { $0.assignment.block.base < $1.assignment.block.base }
  }

  /// The elastic blocks that are routed to a server.
  public func blocks(of server: ServerID) -> [IPPrefix] { servers[server]?.blocks.map(\.block) ?? [] }

  /// The server that answers to an address: its own, or one of an elastic block. A few lookups, however large the rack.
  public func server(at address: IPAddress) -> Server? {
    let host = IPPrefix(address)
    let candidates = address.isV4 ? Reservation.lengths.reversed().map(host.prefix) : [host]
    return candidates.lazy.compactMap { index.hosts[$0] }.first.flatMap { servers[$0] }
  }

  /// The reservation that has all addresses of `block`.
  public func reservation(containing block: IPPrefix) -> Reservation? {
    guard block.isV4, Reservation.lengths.contains(block.length) else { return nil }
    let candidates = (Reservation.lengths.lowerBound...block.length).lazy.map(block.prefix)
    return candidates.compactMap { index.reservations[$0] }.first.flatMap { reservations[$0] }
  }

  /// The network of that number in a project and place.
  public func network(numbered number: Int, in place: NetworkPlace, project: ProjectID) -> VirtualNetwork? {
    index.numbers[Scope(project: project, place: place)]?[number].flatMap { networks[$0] }
  }

  /// The network of that number that reaches a server of `project` in `facility`: its facility's before its metro's.
  public func network(numbered number: Int, facility: String, project: ProjectID) -> VirtualNetwork? {
    network(numbered: number, in: .facility(facility), project: project)
      ?? Catalogue.facility(facility).flatMap { network(numbered: number, in: .metro($0.metro), project: project) }
  }

  /// The ports that a network is on, by hostname and port name.
  public func ports(carrying network: NetworkID) -> [(server: Server, port: Port)] {
    index.attachments[network, default: []].compactMap { port($0) }
      .sorted { ($0.server.hostname, $0.port.name.rawValue) < ($1.server.hostname, $1.port.name.rawValue) }
  }
}
