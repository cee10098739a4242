import Control
import Foundation
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
  private var watchers: [AsyncStream<Event>.Continuation] = []
  private var source = Counting()

  init() { rack = Rack(with: &source) }

  func perform(_ command: Command, by: String) throws -> Outcome {
    let outcome = try rack.perform(command, with: &source)
    callers.append(by)
    if var event = outcome.event {
      event.by = by
      publish(event)
    }
    if let batch = outcome.batch { batches.insert(batch, at: 0) }
    return outcome
  }

  func counters(of server: ServerID) -> [PortName: NICStatus] { [:] }
  func traffic() -> [ServerID: [PortName: NICTraffic]] { [:] }
  func bytes() -> [ServerID: UInt64] { [:] }
  func stations(of server: ServerID?, vxlan: Int?) -> [Station] { [] }
  func flushStations(of server: ServerID?, vxlan: Int?) -> Int { 0 }
  func lacp(of server: ServerID?) -> [LACPMember] { [] }
  func neighbours() -> [NeighbourStatus] { [] }
  func forwarding() -> Forwarding { Forwarding(ports: [], nics: []) }
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
    watchers.append(continuation)
    return stream
  }

  /// As if something had happened.
  func publish(_ event: Event) {
    journal.append(event)
    for watcher in watchers { watcher.yield(event) }
  }

  /// Three pieces of a stream, and no database: what is in it is the store's.
  func backup() throws -> BackupFile {
    let file = FileManager.default.temporaryDirectory.path + "/toprack-backup-\(UUID())"
    try Data(Self.backup).write(to: URL(fileURLWithPath: file))
    defer { unlink(file) }
    return BackupFile(descriptor: open(file, O_RDONLY | O_CLOEXEC))
  }
  static let backup = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

  func status() -> Status { preconditionFailure("a rack alone has no status") }
}

extension Rack {
  /// As somebody sees it who sees everything.
  var whole: View { View(self, access: Access(scope: .all, by: "test")) }
}

/// The API as somebody has it who comes by the Unix socket.
struct LocalResponder: HTTPResponder {
  let responder: APIResponder

  init(_ routes: Routes, keeper: RackAlone = RackAlone()) {
    responder = APIResponder(routes: routes, door: Door(keeper: keeper), keeper: keeper)
  }

  func respond(to request: Request, context: APIContext) async throws -> Response {
    var context = context
    context.peer = .user("anna")
    return try await responder.respond(to: request, context: context)
  }
}
