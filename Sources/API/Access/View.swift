// The rack as one caller sees it. Nothing else in the API holds the whole rack, so a route that is written without a
// thought of tenants shows nobody the things of another: what one may not see is not there, in lists and in lookups
// alike.

import Consoles
import Control
import FoundationEssentials
import Host
import Labs
import Net
import Rack

/// A rack, less what the caller may not see. A value: all that is read from it is of the same moment.
///
/// Invariant: whatever leaves it belongs to a project that the caller sees. What is nested in such a thing (the
/// networks of a port, the servers of a network) is of the same project by the rack's own invariants.
struct View: Sendable {
  let access: Access
  private let rack: Rack
  private let interfaces: [ServerID: [PortName: NICLocation]]
  private let problems: [ServerID: [Problem]]
  private let configurations: [ServerID: String]
  private let now: Date
  private let sosHost: SOSHost

  /// `now`: what is told for a time is told until then.
  init(
    _ rack: Rack, access: Access, interfaces: [ServerID: [PortName: NICLocation]] = [:],
    problems: [ServerID: [Problem]] = [:], configurations: [ServerID: String] = [:], now: Date = .distantFuture,
    sosHost: SOSHost = SOSHost()
  ) {
    (self.rack, self.access, self.interfaces, self.problems) = (rack, access, interfaces, problems)
    (self.configurations, self.now, self.sosHost) = (configurations, now, sosHost)
  }

  /// In no order, as all lists here.
  var projects: [Project] { rack.projects.values.filter { access.sees($0.id) } }
  var servers: [Server] { rack.servers.values.filter { access.sees($0.project) } }
  var networks: [VirtualNetwork] { rack.networks.values.filter { access.sees($0.project) } }
  var reservations: [Reservation] { rack.reservations.values.filter { access.sees($0.project) } }

  var labs: [Lab] { rack.labs.values.filter { access.sees($0.project) } }

  var mirrors: [Mirror] { rack.mirrors.values.filter(sees) }

  var sshKeys: [SSHKey] { rack.sshKeys.values.filter(sees) }

  /// `nil`: there is none, or not for this caller.
  subscript(id: ProjectID) -> Project? { rack.projects[id].flatMap { access.sees($0.id) ? $0 : nil } }
  subscript(id: ServerID) -> Server? { rack.servers[id].flatMap { access.sees($0.project) ? $0 : nil } }
  subscript(id: NetworkID) -> VirtualNetwork? { rack.networks[id].flatMap { access.sees($0.project) ? $0 : nil } }
  subscript(id: ReservationID) -> Reservation? { rack.reservations[id].flatMap { access.sees($0.project) ? $0 : nil } }
  subscript(id: LabID) -> Lab? { rack.labs[id].flatMap { access.sees($0.project) ? $0 : nil } }
  subscript(id: MirrorID) -> Mirror? { rack.mirrors[id].flatMap { sees($0) ? $0 : nil } }
  subscript(id: PortID) -> (server: Server, port: Port)? {
    rack.port(id).flatMap { access.sees($0.server.project) ? $0 : nil }
  }
  subscript(id: AddressID) -> (server: Server, address: Address)? {
    rack.address(id).flatMap { access.sees($0.server.project) ? $0 : nil }
  }
  subscript(id: AssignmentID) -> (server: Server, assignment: BlockAssignment)? {
    rack.assignment(id).flatMap { access.sees($0.server.project) ? $0 : nil }
  }

  subscript(id: SSHKeyID) -> SSHKey? { rack.sshKeys[id].flatMap { sees($0) ? $0 : nil } }

  /// A mirror to an interface of the host is the host's.
  private func sees(_ mirror: Mirror) -> Bool {
    if case .device = mirror.end, access.scope != .all { return false }
    return access.sees(mirror.project)
  }

  /// By name: those that have to do with a server or a network that the view has given out.
  func mirrors(of server: Server) -> [Mirror] {
    let ports = Set(server.ports.map(\.id))
    return mirrors.filter { mirror in
      if case .port(let id) = mirror.source, ports.contains(id) { return true }
      if case .port(let id) = mirror.end { return ports.contains(id) }
      return false
    }.sorted { $0.name < $1.name }
  }

  func mirrors(ofNetworksOf project: Project) -> [Mirror] {
    mirrors.filter { mirror in
      if case .network = mirror.source { return mirror.project == project.id }
      return false
    }.sorted { $0.name < $1.name }
  }

  /// As people write them: `web1:eth0`, `vxlan:1001`, `mon0`.
  func words(of source: Mirror.Source) -> String { rack.words(of: source) }
  func words(of end: Mirror.End) -> String { rack.words(of: end) }

  /// The user's keys open everybody's servers, so everybody sees which they are.
  private func sees(_ key: SSHKey) -> Bool { key.owner.project.map(access.sees) ?? (access.scope != .none) }

  /// By age.
  func sshKeys(of owner: SSHKey.Owner) -> [SSHKey] { rack.sshKeys(of: owner).filter(sees) }

  /// Those that a server has that the view has given out.
  func sshKeys(on server: Server) -> [SSHKey] { server.sshKeys.compactMap { self[$0] } }

  /// The servers that have a hostname, in either case: one of a project at most.
  func servers(named hostname: String) -> [Server] {
    rack.servers(named: hostname).filter { access.sees($0.project) }
  }

  /// The projects that have exactly that name.
  func projects(named name: String) -> [Project] { rack.projects(named: name).filter { access.sees($0.id) } }

  /// By address.
  func assignments(of reservation: Reservation) -> [(server: Server, assignment: BlockAssignment)] {
    rack.assignments(of: reservation.id)
  }

  /// Those that open a server that the view has given out, one line each.
  func keyLines(of server: Server) -> [String] { rack.sshKeys(on: server).map(\.key.line) }

  /// What `server` is reached by when nothing else reaches it.
  func sosAddress(of server: Server) -> String { sosHost.address(of: server) }
  func sosCommand(for server: Server) -> String { sosHost.command(for: server) }

  func rootPassword(of server: Server) -> String? { access.rootPassword(of: server, at: now) }

  /// What the operating system of `server` has to be told.
  func networkConfig(of server: Server, withBond: Bool) -> NetworkConfig {
    NetworkConfig(of: server, in: rack, withBond: withBond)
  }

  /// The console of a server that the view has given out.
  func consoleServer(_ server: Server) -> ConsoleServer { ConsoleServer(server, in: rack) }

  /// Throws 403 to a caller who may not have to do with tokens: it takes the whole rack, and the right to write.
  func tokens() throws(APIError) -> [AccessToken] {
    try access.requireWholeRack(for: "tokens")
    try access.requireWriting()
    return Array(rack.tokens.values)
  }

  // Settings of the whole rack; everybody may read them.

  var aging: Int { rack.aging }
  var lacpRate: LACPRate { LACPRate(of: rack) }

  /// Those that have failed. Everybody sees them: their own servers tell.
  func failedSwitches(of facility: Facility) -> Set<RackSwitch> { rack.failedSwitches[facility.code, default: []] }

  /// Writes what the view has given out.
  func renderer(
    prefix: String, expansion: Expansion, isWanted: @escaping @Sendable () -> Bool = { true }
  ) -> Renderer {
    Renderer(
      rack: rack, prefix: prefix, access: access, expansion: expansion, interfaces: interfaces, problems: problems,
      configurations: configurations, now: now, sosHost: sosHost, isWanted: isWanted)
  }

  /// What `server` is told about itself.
  func metadata(of server: Server, prefix: String) -> MetadataRenderer {
    MetadataRenderer(
      rack: rack, server: server, privateSubnets: rack.addressPlan.privateRoutes.map(\.description), prefix: prefix,
      now: access.isReadOnly ? .distantFuture : now)
  }

  /// The ports that a network is on, by hostname and port name.
  func ports(carrying network: VirtualNetwork) -> [(server: Server, port: Port)] { rack.ports(carrying: network.id) }

  /// Why no network can be put on a port now; `nil`: those that reach the server can.
  func refusal(ofNetworksOn port: PortName, of server: Server) -> Refusal? {
    rack.refusal(ofNetworksOn: port, of: server)
  }

  /// What it would do to take a server that the view has given out to a mode.
  func change(of server: Server, to mode: NetworkMode) -> ModeResult { rack.change(of: server, to: mode) }

  /// A lab that the view has given out, as a file.
  func file(of lab: Lab) -> LabFile? { LabPlanner.export(lab.id, of: rack) }

  /// What belongs to a lab that the view has given out: of its own project.
  func belongings(of lab: Lab) -> LabBelongings { rack.belongings(of: lab.id) }

  /// What of a project belongs to no lab, as a file.
  func fileOfRest(of project: ProjectID) -> LabFile? {
    self[project] == nil ? nil : LabPlanner.exportRest(of: project, in: rack)
  }

  /// What `body` plans on the whole rack; whose author sees to it that the plan is the caller's to see.
  func planning<Result>(_ body: (Rack) throws -> Result) throws -> Result { try body(rack) }

  /// What is wrong with a server that the view has given out.
  func problems(of server: Server) -> [Problem] { problems[server.id] ?? [] }

  /// What is set up in the namespace of a server that the view has given out.
  func configuration(of server: Server) -> String? { configurations[server.id] }

  /// Where a NIC is; `nil`: it could not be attached.
  func location(of nic: PortName, _ server: Server) -> NICLocation? { interfaces[server.id]?[nic] }

  /// What a command would do, if it was given now by somebody who may write. Throws what `perform` would.
  func preview(_ command: Command) throws -> Outcome {
    var entropy = SystemEntropy()
    return try rack.decide(try View(rack, access: access.writing).checked(command), with: &entropy)
  }

  /// The same of several, one after another. Throws what the first would that cannot be.
  func preview(_ commands: [Command]) throws {
    let able = View(rack, access: access.writing)
    var (copy, entropy) = (rack, SystemEntropy())
    for command in commands {
      try copy.perform(try able.checked(command), with: &entropy)
    }
  }

  /// How many more servers the rack takes of the caller.
  var serverCapacity: Int {
    let left = Rack.serverLimit - rack.servers.count
    return access.project.map { min(left, rack.serversLeft(of: $0)) } ?? left
  }
}
