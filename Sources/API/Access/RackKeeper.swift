// Who keeps the rack behind the API. Resources never hold one: they ask by their `Call`, which knows who is asking.

import Control
import FoundationEssentials
import Host
import Net
import Rack

/// Says what the rack is, and changes it. In the daemon it is `Control`.
protocol RackKeeper: Sendable {
  /// As last committed.
  var rack: Rack { get async }
  /// Where the NICs of all servers are.
  var interfaces: [ServerID: [PortName: NICLocation]] { get async }
  /// What is wrong with servers now, by server.
  var problemsOfServers: [ServerID: [Problem]] { get async }
  /// What is set up in the namespaces of servers.
  var configurations: [ServerID: String] { get async }
  /// By the clock that changes are dated with.
  var now: Date { get async }
  /// Where consoles are reached: a setting.
  var sosHost: SOSHost { get }
  /// What was done; throws `Refusal` for a server that is whole, and `Unavailable`. `by`: who wants it.
  func repair(_ server: ServerID, by: Access) async throws -> [String]
  /// Throws `Refusal` or `Unavailable`; then nothing has changed. `by`: who wants it.
  func perform(_ command: Command, by: Access) async throws -> Outcome
  /// The same for several that are one.
  func perform(_ proposal: Proposal, by: Access) async throws -> Outcome
  /// New servers are being installed until they are heard: a setting.
  var awaitsSystems: Bool { get async }
  /// For the daemon's own needs: `by` is its name.
  func perform(_ command: Command, by: String) async throws -> Outcome

  func counters(of server: ServerID) async -> [PortName: NICStatus]
  func traffic() async -> [ServerID: [PortName: NICTraffic]]
  func bytes() async -> [ServerID: UInt64]
  /// A piece of a listing, about `limit` of them, and where it goes on.
  func stations(
    _ selection: StationSelection, from bookmark: StationBookmark, limit: Int
  ) async throws -> (stations: [Station], next: StationBookmark?)
  /// `limit` of them behind the first `skip`, and how many there are.
  func stations(_ selection: StationSelection, skip: Int, limit: Int) async throws -> (stations: [Station], total: Int)
  func flushStations(of server: ServerID?, vxlan: Int?, by: Access) async -> Int
  /// False: it was not shut.
  func reopen(_ port: PortName, of server: ServerID, by: Access) async -> Bool
  func lacp(of server: ServerID?) async -> [LACPMember]
  func neighbours() async -> [NeighbourStatus]
  /// Those that run.
  func mirrorStatus() async -> [MirrorID: MirrorStatus]
  /// What would become of a frame. `viewer`: nil names everything. Nil: the port has no NIC on the wire.
  func trace(_ frame: [UInt8], from server: ServerID, by port: PortName, for viewer: ProjectID?) async -> RackTrace?
  /// Frames that went no further at the NICs of a server in the last seconds, oldest first.
  func recentDrops(of server: ServerID, seconds: Int) async -> [Sighting]
  /// Frames that come in by the NICs of servers within a time.
  func listen(to servers: [ServerID], for time: Duration) async -> [ServerID: [Sighting]]
  /// The gateway's on each link.
  var gatewayMAC: MACAddress? { get }
  /// Has the gateway ask whether a server is at its addresses.
  func seekNeighbours(of server: ServerID) async
  func forwarding() async -> Forwarding
  /// After the cursor the oldest, without one the newest.
  func drops(_ selection: DropSelection, after cursor: DropCursor?, limit: Int) async -> DropReading
  func status() async -> Status
  /// What `status` calls wrong, as far as it costs nothing to know.
  var knownProblems: [Problem] { get async }
  func backup() async throws -> BackupFile
  /// All that is counted; and the NICs' counters alone.
  func figures() async -> Figures
  func trafficFigures() async -> Figures
  /// Why the rack cannot do all of its work, in a word each.
  func notReady() async -> [String]
  /// Throws `Unavailable`. `by`: who wants it.
  func capture(_ request: CaptureRequest, by who: String) async throws -> RunningCapture

  /// From the newest on, and how many there are.
  func events(
    of project: ProjectID?, server: ServerID?, offset: Int, limit: Int
  ) async throws -> (events: [Event], total: Int)
  /// From the oldest on; `nil` when the event that they come after is not kept.
  func events(after id: EventID, of project: ProjectID?, limit: Int) async throws -> [Event]?
  func event(_ id: EventID) async throws -> Event?
  func batches(of port: PortID) async throws -> [AssignmentBatch]
  func batch(_ id: BatchID) async throws -> AssignmentBatch?
  /// From now on. Ends when its reader does not keep up.
  func watchEvents() async -> AsyncStream<Event>
}

extension RackKeeper {
  var configurations: [ServerID: String] { [:] }
  var awaitsSystems: Bool { false }
  func figures() async -> Figures { await trafficFigures() }
  func trafficFigures() async -> Figures { Figures(version: "", startedAt: await now) }
  func notReady() async -> [String] { [] }
  func capture(_ request: CaptureRequest, by who: String) async throws -> RunningCapture {
    throw Unavailable(message: "there is no switch to capture from")
  }
  func mirrorStatus() -> [MirrorID: MirrorStatus] { [:] }
  func trace(_ frame: [UInt8], from server: ServerID, by port: PortName, for viewer: ProjectID?) async -> RackTrace? {
    nil
  }
  func recentDrops(of server: ServerID, seconds: Int) async -> [Sighting] { [] }
  func listen(to servers: [ServerID], for time: Duration) async -> [ServerID: [Sighting]] { [:] }
  var gatewayMAC: MACAddress? { nil }
}

extension Control: RackKeeper {
  func repair(_ server: ServerID, by access: Access) async throws -> [String] {
    try await repair(server, by: access.requester)
  }

  func perform(_ command: Command, by access: Access) async throws -> Outcome {
    try await perform(command, by: access.requester)
  }

  func perform(_ proposal: Proposal, by access: Access) async throws -> Outcome {
    try await perform(proposal, by: access.requester)
  }

  func perform(_ command: Command, by name: String) async throws -> Outcome {
    try await perform(command, by: Requester(name, nil))
  }

  func flushStations(of server: ServerID?, vxlan: Int?, by access: Access) async -> Int {
    await flushStations(of: server, vxlan: vxlan, by: access.requester)
  }

  func reopen(_ port: PortName, of server: ServerID, by access: Access) async -> Bool {
    await reopen(port, of: server, by: access.requester)
  }
}

extension Access {
  fileprivate var requester: Requester { Requester(by, token == nil ? .user : .token, caller: caller.name) }
}
