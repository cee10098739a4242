// Who keeps the rack behind the API. Resources never hold one: they ask by their `Call`, which knows who is asking.

import Control
import Rack

/// Says what the rack is, and changes it. In the daemon it is `Control`.
protocol RackKeeper: Sendable {
  /// As last committed.
  var rack: Rack { get async }
  /// Where the NICs of all servers are.
  var interfaces: [ServerID: [PortName: NICLocation]] { get async }
  /// Throws `Refusal` or `Unavailable`; then nothing has changed. `by`: who wants it.
  func perform(_ command: Command, by: String) async throws -> Outcome

  func counters(of server: ServerID) async -> [PortName: NICStatus]
  func traffic() async -> [ServerID: [PortName: NICTraffic]]
  func bytes() async -> [ServerID: UInt64]
  func stations(of server: ServerID?, vxlan: Int?) async -> [Station]
  func flushStations(of server: ServerID?, vxlan: Int?) async -> Int
  func lacp(of server: ServerID?) async -> [LACPMember]
  func neighbours() async -> [NeighbourStatus]
  func forwarding() async -> Forwarding
  func status() async -> Status
  func backup() async throws -> BackupFile

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

extension Control: RackKeeper {
  func perform(_ command: Command, by: String) async throws -> Outcome {
    let user: String? = by
    return try await perform(command, by: user)
  }
}
