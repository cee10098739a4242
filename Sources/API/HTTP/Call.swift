// One request as the resources see it: values only, nothing of the HTTP framework, so that a resource reads as what it
// does.
//
// The call is also the one way to the rack. It knows who asks, so what it gives out is theirs to see, and what it lets
// through is theirs to change; no resource has another way.

import Control
import HTTPTypes
import Net
import Rack

/// A request that has been read.
struct Call: Sendable {
  /// What links in the answer begin with.
  let prefix: String
  /// Path below the prefix, without the query.
  let path: String
  let parameters: [String: String]
  let arguments: Arguments
  /// `Last-Event-ID` of the HTML standard 9.2.4, by which a stream is taken up again.
  let lastEventID: String?
  /// The body of a route that takes a document, whatever its type.
  let document: String?
  /// `Accept`, as it came.
  let accept: String?
  /// `If-Match` of RFC 9110 13.1.1, without quotes.
  let ifMatch: String?
  let access: Access
  let origin: CallOrigin
  private let keeper: any RackKeeper
  /// Whether somebody still waits for the answer. A long one is given up when nobody does.
  let isWanted: @Sendable () -> Bool
  let turn: Turn

  init(
    prefix: String, path: String, parameters: [String: String], arguments: Arguments, lastEventID: String? = nil,
    document: String? = nil, ifMatch: String? = nil, accept: String? = nil, access: Access,
    origin: CallOrigin = CallOrigin(),
    keeper: any RackKeeper,
    isWanted: @escaping @Sendable () -> Bool = { true }, turn: Turn = .free
  ) {
    (self.prefix, self.path, self.parameters) = (prefix, path, parameters)
    (self.arguments, self.lastEventID, self.access, self.keeper) = (arguments, lastEventID, access, keeper)
    (self.origin, self.isWanted, self.turn) = (origin, isWanted, turn)
    (self.document, self.ifMatch, self.accept) = (document, ifMatch, accept)
  }

  /// The path parameter `name`, percent-decoded.
  func parameter(_ name: String) -> String { parameters[name] ?? "" }

  /// The path parameter `name` as the identifier of a `what`; 404 when it is none, as for one that nobody has.
  func identifier<Entity>(_ name: String = "id", of what: String) throws(APIError) -> Identifier<Entity> {
    guard let identifier = Identifier<Entity>(parameter(name)) else {
      throw .unknown("there is no \(what) \(Arguments.shown(.string(parameter(name)))): give its UUID")
    }
    return identifier
  }
}

/// The rack, for this caller.
extension Call {
  /// The rack as it is now.
  func view() async -> View {
    View(
      await keeper.rack, access: access, interfaces: await keeper.interfaces, problems: await keeper.problemsOfServers,
      configurations: await keeper.configurations,
      now: await keeper.now, sosHost: keeper.sosHost)
  }

  /// Writes what `view` gives out, with the links of this call, as far as it asks to see.
  func renderer(_ view: View) -> Renderer {
    view.renderer(prefix: prefix, expansion: Expansion(arguments), isWanted: isWanted)
  }

  /// Throws 403 or 404 when the caller may not, `Refusal` and `Unavailable` when it cannot be; then nothing has
  /// changed.
  @discardableResult
  func perform(_ command: Command) async throws -> Outcome {
    let checked = try await view().checked(command)
    return try await turn.changing { try await keeper.perform(checked, by: access) }
  }

  /// Several commands as one, whose author has checked that the caller may give them.
  @discardableResult
  func perform(_ proposal: Proposal) async throws -> Outcome {
    try access.requireWriting()
    return try await turn.changing { try await keeper.perform(proposal, by: access) }
  }

  /// What would be done now, by a planner that looks at the whole rack.
  func planning<Result: Sendable>(_ body: @Sendable (Rack) throws -> Result) async throws -> Result {
    try await view().planning(body)
  }

  /// New servers are being installed until they are heard.
  func awaitsSystems() async -> Bool { await keeper.awaitsSystems }

  /// Brings a server that a view has given out to where it belongs, and says what was done. Throws 403 to a caller that
  /// may not, `Refusal` for a server that is whole, `Unavailable`.
  func repair(_ server: Server) async throws -> [String] {
    try access.requireWriting()
    return try await turn.changing { try await keeper.repair(server.id, by: access) }
  }

  /// What the host knows of the NICs of a server that a view has given out.
  func counters(of server: Server) async -> [PortName: NICStatus] { await keeper.counters(of: server.id) }

  /// The NICs of all servers that the caller sees.
  func traffic() async -> [ServerID: [PortName: NICTraffic]] {
    let traffic = await keeper.traffic()
    if access.scope == .all { return traffic }
    let view = await view()
    return traffic.filter { view[$0.key] != nil }
  }

  /// Those of the caller's networks, a page of them and how many there are. Within a page by facility, number and
  /// address.
  func stations(
    of server: Server?, port: PortName? = nil, vxlan: Int?, _ page: Page
  ) async throws -> (stations: [Station], total: Int) {
    let selection = StationSelection(server: server?.id, port: port, vxlan: vxlan, project: access.project)
    let found = try await turn.pausing {
      try await keeper.stations(selection, skip: (page.number - 1) * page.size, limit: page.size)
    }
    return (await seen(found.stations), found.total)
  }

  /// All of those, a piece after another. Within a piece they are sorted like a page.
  func stations(
    of server: Server?, vxlan: Int?, from bookmark: StationBookmark
  ) async throws -> (stations: [Station], next: StationBookmark?) {
    let selection = StationSelection(server: server?.id, vxlan: vxlan, project: access.project)
    let found = try await keeper.stations(selection, from: bookmark, limit: Page.sizeLimit)
    return (await seen(found.stations), found.next)
  }

  /// Begins a capture of what a view has given out; of the caller's project alone, whatever is asked for.
  func capture(_ request: CaptureRequest) async throws -> RunningCapture {
    var request = request
    if let own = access.project { request.scope.project = own }
    return try await keeper.capture(request, by: access.token == nil ? access.by : "token \(access.by)")
  }

  private func seen(_ stations: [Station]) async -> [Station] {
    let view = await view()
    return stations.filter { view[$0.network] != nil }.sorted {
      ($0.facility, $0.vxlan, $0.mac) < ($1.facility, $1.vxlan, $1.mac)
    }
  }

  /// Forgets those stations, and says how many there were. Throws 403 to a caller that may not.
  func flushStations(of server: Server?, vxlan: Int?) async throws(APIError) -> Int {
    try access.requireWriting()
    if server == nil, vxlan == nil { try access.requireWholeRack(for: "the stations of all servers") }
    if server != nil || access.scope == .all {
      return await keeper.flushStations(of: server?.id, vxlan: vxlan, by: access)
    }
    // The number can be another project's, too.
    var count = 0
    for server in await view().servers { count += await keeper.flushStations(of: server.id, vxlan: vxlan, by: access) }
    return count
  }

  /// Opens a port that the loop guard has shut, of a server that a view has given out. Throws 403 to a caller that may
  /// not. False: it was not shut.
  func reopen(_ port: PortName, of server: Server) async throws(APIError) -> Bool {
    try access.requireWriting()
    return await keeper.reopen(port, of: server.id, by: access)
  }

  /// NICs in bonds, of a server or of all that the caller sees.
  func lacp(of server: Server?) async -> [LACPMember] {
    let members = await keeper.lacp(of: server?.id)
    guard access.scope != .all else { return members }
    let view = await view()
    return members.filter { view[$0.server] != nil }
  }

  /// What the mirrors have done that a view gives out.
  func mirrorStatus() async -> [MirrorID: MirrorStatus] { await keeper.mirrorStatus() }

  /// Hosts behind routed interfaces, of a server or of all that the caller sees. The daemon's own are for those who see
  /// everything.
  func neighbours(of server: Server?) async -> [NeighbourStatus] {
    let neighbours = await keeper.neighbours()
    let view = await view()
    return neighbours.filter { neighbour in
      switch neighbour.place {
      case .server(let id, hostname: _): server.map { $0.id == id } ?? (view[id] != nil)
      case .own: server == nil && access.scope == .all
      }
    }
  }

  /// Frames that went no further. `selection` has the caller's project.
  func dropReading(_ selection: DropSelection, after cursor: DropCursor?, limit: Int) async -> DropReading {
    await keeper.drops(selection, after: cursor, limit: limit)
  }

  /// Has the gateway ask whether a server that a view has given out is at its addresses.
  func seekNeighbours(of server: Server) async { await keeper.seekNeighbours(of: server.id) }

  /// What would become of a frame, if a server that a view has given out gave it now. Servers of other projects have no
  /// name in it. Nil: the port has no NIC on the wire.
  func trace(_ frame: [UInt8], from server: Server, by port: PortName) async -> RackTrace? {
    await keeper.trace(frame, from: server.id, by: port, for: access.scope == .all ? nil : server.project)
  }

  /// Frames that went no further at the NICs of a server that a view has given out.
  func recentDrops(of server: Server, seconds: Int) async -> [Sighting] {
    await keeper.recentDrops(of: server.id, seconds: seconds)
  }

  /// Frames that come in by the NICs of servers that a view has given out.
  func listen(to servers: [Server], for time: Duration) async -> [ServerID: [Sighting]] {
    await keeper.listen(to: servers.map(\.id), for: time)
  }

  var gatewayMAC: MACAddress? { keeper.gatewayMAC }

  /// What the wire does, for callers who see everything.
  func forwarding() async throws(APIError) -> Forwarding {
    try access.requireWholeRack(for: "the switch's tables")
    return await turn.pausing { await keeper.forwarding() }
  }

  /// The whole database. It has the digests of all tokens and what servers are told at boot, so it is for callers who
  /// may do everything.
  func backup() async throws -> BackupFile {
    try access.requireWholeRack(for: "backups")
    if access.isReadOnly {
      throw APIError(
        .forbidden, "the token is read-only, and a backup has all secrets of the rack: it takes a token that may write")
    }
    return try await turn.pausing { try await keeper.backup() }
  }

  /// A caller with one project is told its own numbers, and the problems of its own servers, and nothing of the host.
  func status() async -> Status {
    var status = await keeper.status()
    guard access.scope != .all else { return status }
    status.stateDirectory = nil
    let view = await view()
    (status.servers, status.networks) = (view.servers.count, view.networks.count)
    status.problems = status.problems.filter { $0.server.map { view[$0] != nil } ?? false }
    return status
  }

  /// What is wrong now, as far as it concerns the caller.
  func problems() async -> [Problem] {
    let problems = await keeper.knownProblems
    guard access.scope != .all else { return problems }
    let view = await view()
    return problems.filter { $0.server.map { view[$0] != nil } ?? false }
  }
}

/// All that is counted, for this caller.
extension Call {
  /// Of a caller with one project: its own servers, and nothing of the rack as a whole.
  func figures() async -> Figures {
    var figures = await turn.pausing { await keeper.figures() }
    guard access.scope != .all else { return figures }
    let view = await view()
    figures.nics.removeAll { view[$0.server] == nil }
    figures.members.removeAll { view[$0.server] == nil }
    figures.neighbours.removeAll { neighbour in
      if case .server(let id, hostname: _) = neighbour.place { view[id] == nil } else { true }
    }
    figures.problems.removeAll { $0.server.map { view[$0] == nil } ?? true }
    figures.interfaces = []
    (figures.stations, figures.commits, figures.events) = (Figures.Stations(), Figures.Commits(), [:])
    return figures
  }

  /// NICs and their counters alone.
  func trafficFigures() async -> Figures {
    var figures = await keeper.trafficFigures()
    guard access.scope != .all else { return figures }
    let view = await view()
    figures.nics.removeAll { view[$0.server] == nil }
    figures.interfaces = []
    return figures
  }

  /// Why the rack cannot do all of its work, in a word each.
  func notReady() async -> [String] { await turn.pausing { await keeper.notReady() } }
}

/// What has happened, as far as it concerns this caller.
extension Call {
  /// Events of a project or a server that a view has given out, or of all that the caller sees: a page of them from the
  /// newest on, and how many there are.
  func events(of project: Project?, _ server: Server?, _ page: Page) async throws -> (events: [Event], total: Int) {
    try await turn.pausing {
      try await keeper.events(
        of: access.project ?? project?.id, server: server?.id, offset: (page.number - 1) * page.size, limit: page.size)
    }
  }

  /// `nil`: there is none, or not for this caller.
  func event(_ id: EventID) async throws -> Event? { try await keeper.event(id).flatMap { sees($0) ? $0 : nil } }

  /// The first that came after an event, from the oldest on; `nil` when that one is not kept, or not for this caller.
  func events(after id: EventID, limit: Int) async throws -> [Event]? {
    guard try await event(id) != nil else { return nil }
    return try await keeper.events(after: id, of: access.project, limit: limit)
  }

  /// Events from now on. Ends when they are not taken as fast as they come, and when the token is revoked.
  func watchEvents() async -> some AsyncSequence<Event, Never> & Sendable {
    await keeper.watchEvents().prefix { _ in await isStillLetIn() }.filter { sees($0) }
  }

  /// Whether the token is still one.
  func isStillLetIn() async -> Bool {
    guard let token = access.token else { return true }
    return await keeper.rack.tokens[token] != nil
  }

  private func sees(_ event: Event) -> Bool { access.scope == .all || event.project.map(access.sees) ?? false }

  /// Of a port that a view has given out, the newest first.
  func batches(of port: Port) async throws -> [AssignmentBatch] { try await keeper.batches(of: port.id) }

  /// `nil`: there is none, or not for this caller.
  func batch(_ id: BatchID) async throws -> AssignmentBatch? {
    try await keeper.batch(id).flatMap { access.sees($0.project) ? $0 : nil }
  }
}
