@testable import Control
import Foundation
import Host
import Hummingbird
import Rack

@testable import API

/// A rack without a switch behind it: the rules, and nothing of the operating system.
actor RackAlone: RackKeeper {
  private(set) var rack: Rack
  /// Who has wanted each change that was made.
  private(set) var callers: [String] = []
  private var journal: [Event] = []
  private var batches: [AssignmentBatch] = []
  let interfaces: [ServerID: [PortName: NICLocation]] = [:]
  let problemsOfServers: [ServerID: [Problem]] = [:]
  nonisolated let sosHost = SOSHost()
  var now: Date { source.now + passed }
  private var passed: TimeInterval = 0

  /// Lets time pass for what is told for a time; changes are dated as before.
  func wait(_ seconds: TimeInterval) { passed += seconds }

  private var watchers: [Int: AsyncStream<Event>.Continuation] = [:]
  private(set) var watcherCount = 0
  private var pieceSize = Int.max
  private var listed = 0
  private var source = Counting()

  /// What the switch would know.
  private(set) var known: (stations: [Station], members: [LACPMember], neighbours: [NeighbourStatus]) = ([], [], [])

  private var counted: Figures?
  /// What is counted: by nobody here, so a test says it.
  func count(_ figures: Figures) { counted = figures }
  func trafficFigures() -> Figures { counted ?? Figures(version: "test", startedAt: source.now) }
  private(set) var reasons: [String] = []
  func hinder(_ reasons: [String]) { self.reasons = reasons }
  func notReady() -> [String] { reasons }

  init(hybridBonded: Bool? = nil, quotas: Quotas = Quotas()) {
    rack = Rack(with: &source, hybridBonded: hybridBonded, quotas: quotas)
  }

  func know(_ stations: [Station], _ members: [LACPMember], _ neighbours: [NeighbourStatus]) {
    known = (stations, members, neighbours)
  }

  func perform(_ command: Command, by: String) throws -> Outcome {
    let outcome = try rack.perform(command, with: &source)
    callers.append(by)
    for var event in outcome.events {
      event.by = by
      publish(event)
    }
    if let batch = outcome.batch { batches.insert(batch, at: 0) }
    return outcome
  }

  func perform(_ command: Command, by access: Access) throws -> Outcome { try perform(command, by: access.by) }

  func perform(_ proposal: Proposal, by access: Access) throws -> Outcome {
    var entropy = SystemEntropy()
    let outcome = try proposal.decide(rack, &entropy)
    rack.apply(outcome.changes)
    for event in outcome.events { publish(event) }
    return outcome
  }

  func repair(_ server: ServerID, by: Access) throws -> [String] {
    guard let found = rack.servers[server] else { throw Refusal.notFound("server \(server) does not exist") }
    throw Refusal.invalid("\(found.hostname) is whole")
  }

  /// NICs whose link is up; there is nothing to be said of others.
  private var plugged: [ServerID: Set<PortName>] = [:]
  func plug(_ server: ServerID, _ nics: Set<PortName>) { plugged[server] = nics }
  func counters(of server: ServerID) -> [PortName: NICStatus] {
    Dictionary(
      uniqueKeysWithValues: (plugged[server] ?? []).map { nic in
        (
          nic,
          NICStatus(
            interface: nic.rawValue, namespace: nil, linkUp: true, carries: true, rxPackets: 0, rxBytes: 0,
            txPackets: 0, txBytes: 0, drops: [:])
        )
      })
  }
  /// Those who have asked for the traffic and wait until `openGate`.
  private(set) var atGate: [CheckedContinuation<Void, Never>] = []
  private var isGateShut = false
  func shutGate() { isGateShut = true }
  func openGate() {
    isGateShut = false
    for one in atGate { one.resume() }
    atGate = []
  }
  func traffic() async -> [ServerID: [PortName: NICTraffic]] {
    if isGateShut { await withCheckedContinuation { atGate.append($0) } }
    return [:]
  }
  func bytes() -> [ServerID: UInt64] { [:] }
  func set(_ stations: [Station], piece: Int = .max) { (known.stations, pieceSize) = (stations, piece) }
  private func stations(_ selection: StationSelection) -> [Station] {
    known.stations.filter { station in
      (selection.vxlan ?? station.vxlan) == station.vxlan && (selection.port ?? station.port) == station.port
        && (selection.server ?? station.server) == station.server
        && selection.project.map { rack.networks[station.network]?.project == $0 } ?? true
    }
  }
  func stations(
    _ selection: StationSelection, from bookmark: StationBookmark, limit: Int
  ) -> (stations: [Station], next: StationBookmark?) {
    // It has no places in its table, and so one listing at a time.
    let all = stations(selection)
    let piece = Array(all.dropFirst(listed).prefix(pieceSize))
    listed += piece.count
    guard listed >= all.count else { return (piece, StationBookmark()) }
    listed = 0
    return (piece, nil)
  }
  func stations(_ selection: StationSelection, skip: Int, limit: Int) -> (stations: [Station], total: Int) {
    let all = stations(selection)
    return (Array(all.dropFirst(skip).prefix(limit)), all.count)
  }
  func flushStations(of server: ServerID?, vxlan: Int?, by: Access) -> Int { 0 }
  /// The port that the loop guard has shut, of any server.
  private var shut: PortName?
  func shut(_ port: PortName?) { shut = port }
  func reopen(_ port: PortName, of server: ServerID, by: Access) -> Bool {
    defer { if shut == port { shut = nil } }
    return shut == port
  }
  func lacp(of server: ServerID?) -> [LACPMember] { known.members.filter { (server ?? $0.server) == $0.server } }
  func neighbours() -> [NeighbourStatus] { known.neighbours }
  /// Servers whom the gateway was to ask.
  private(set) var sought: Set<ServerID> = []
  func seekNeighbours(of server: ServerID) { sought.insert(server) }
  func forwarding() -> Forwarding { Forwarding(ports: [], nics: []) }
  /// What the switch would have dropped, by time; each with the cursor `1-N`.
  private var dropped: [Drop] = []
  func drop(_ drop: Drop) {
    var drop = drop
    drop.cursor = DropCursor("1-\(dropped.count + 1)")!
    dropped.append(drop)
  }
  func drops(_ selection: DropSelection, after cursor: DropCursor?, limit: Int) -> DropReading {
    let known = cursor.flatMap { Int("\($0)".dropFirst(2)) } ?? 0
    let found = dropped.dropFirst(known).filter(selection.has)
    let end = DropCursor("1-\(dropped.count)")!
    guard cursor != nil, found.count >= limit else {
      return DropReading(drops: Array(found.suffix(limit)), next: end, overwritten: 0)
    }
    return DropReading(drops: Array(found.prefix(limit)), next: found[limit - 1].cursor, overwritten: 0)
  }
  func events(of project: ProjectID?, server: ServerID?, offset: Int, limit: Int) -> (events: [Event], total: Int) {
    let wanted = journal.filter { event in
      (project.map { event.project == $0 } ?? true) && (server.map { event.server == $0 } ?? true)
    }
    return (Array(wanted.reversed().dropFirst(offset).prefix(limit)), wanted.count)
  }
  func events(after id: EventID, of project: ProjectID?, limit: Int) -> [Event]? {
    guard let index = journal.firstIndex(where: { $0.id == id }) else { return nil }
    let later = journal[(index + 1)...].filter { event in project.map { event.project == $0 } ?? true }
    return Array(later.prefix(limit))
  }
  func event(_ id: EventID) -> Event? { journal.first { $0.id == id } }
  func batches(of port: PortID) -> [AssignmentBatch] { batches.filter { $0.port == port } }
  func batch(_ id: BatchID) -> AssignmentBatch? { batches.first { $0.id == id } }
  func watchEvents() -> AsyncStream<Event> {
    let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
    watcherCount += 1
    let number = watcherCount
    watchers[number] = continuation
    continuation.onTermination = { _ in Task { await self.forget(number) } }
    return stream
  }

  private func forget(_ number: Int) { watchers[number] = nil }

  /// Waits until no more than `count` watch; false: that was not within a minute.
  func watchers(fallTo count: Int) async -> Bool {
    for _ in 0..<6000 {
      if watchers.count <= count { return true }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  /// As if something had happened.
  func publish(_ event: Event) {
    journal.append(event)
    for watcher in watchers.values { watcher.yield(event) }
  }

  /// As if a machine had reported something.
  func note(_ type: String, _ body: String, of server: ServerID) {
    publish(
      Event(
        id: EventID(source.identifier()), type: type, body: body, createdAt: source.now,
        project: rack.servers[server]?.project, server: server))
  }

  /// Three pieces of a stream, and no database: what is in it is the store's.
  func backup() throws -> BackupFile {
    let file = FileManager.default.temporaryDirectory.path + "/toprack-backup-\(UUID())"
    try Data(Self.backup).write(to: URL(fileURLWithPath: file))
    defer { unlink(file) }
    return BackupFile(descriptor: open(file, O_RDONLY | O_CLOEXEC))
  }
  static let backup = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

  /// What is wrong, besides nothing.
  private(set) var knownProblems: [Problem] = []
  func suffer(_ problems: [Problem]) { knownProblems = problems }

  /// With a problem of each server.
  func status() -> Status {
    Status(
      version: "test", rackID: rack.id, stateDirectory: "/state", startedAt: source.now, servers: rack.servers.count,
      networks: rack.networks.count, stations: 0, stationLimit: 1, stationsEvicted: 0, stationsRefused: 0,
      stationMoves: 0, stormLimit: 0, workers: 1,
      ioDriver: "none", adopted: 0, made: 0, removed: 0,
      problems: rack.servers.values.map { Problem(kind: "test", server: $0.id, text: "eth0 of \($0.hostname)") })
  }
}

extension Rack {
  /// As somebody sees it who sees everything.
  var whole: View { View(self, access: Access(scope: .all, by: "test")) }
}

/// The API as somebody has it who comes by the Unix socket.
struct LocalResponder: HTTPResponder {
  let responder: APIResponder

  init(_ routes: API.Routes, keeper: RackAlone = RackAlone()) {
    responder = APIResponder(routes: routes, door: Door(keeper: keeper), keeper: keeper)
  }

  func respond(to request: Request, context: APIContext) async throws -> Response {
    var context = context
    context.peer = .user("anna")
    return try await responder.respond(to: request, context: context)
  }
}
