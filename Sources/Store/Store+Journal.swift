import FoundationEssentials
import GRDB
public import Rack

/// The journal: events and batches, written with the changes that they tell of, read page by page. They are not in the
/// rack's value, because nothing is decided by them. How many of each are kept is the matter of `JournalLimits`.
extension Store {
  /// Which events are meant: those for which everything given holds.
  public struct EventFilter: Hashable, Sendable {
    public var project: ProjectID?
    public var server: ServerID?

    public init(project: ProjectID? = nil, server: ServerID? = nil) { (self.project, self.server) = (project, server) }
  }

  /// Events from the newest on, and how many there are in all.
  public func events(
    _ filter: EventFilter, offset: Int, limit: Int
  ) async throws(StoreFault) -> (events: [Event], total: Int) {
    let (condition, arguments) = filter.sql
    return try await reading { db in
      let total = try Int.fetchOne(db, sql: "SELECT count(*) FROM event WHERE \(condition)", arguments: arguments) ?? 0
      let rows = try Row.fetchAll(
        db, sql: "SELECT * FROM event WHERE \(condition) ORDER BY sequence DESC LIMIT \(limit) OFFSET \(offset)",
        arguments: arguments)
      return (try rows.map { try $0.event() }, total)
    }
  }

  /// Events that came after one, the oldest first; `nil` when it is not there any more.
  public func events(
    after id: EventID, _ filter: EventFilter, limit: Int
  ) async throws(StoreFault) -> [Event]? {
    let (condition, arguments) = filter.sql
    return try await reading { db in
      guard
        let sequence = try Int64.fetchOne(
          db, sql: "SELECT sequence FROM event WHERE id = ?", arguments: [id.description])
      else { return nil }
      let rows = try Row.fetchAll(
        db, sql: "SELECT * FROM event WHERE \(condition) AND sequence > \(sequence) ORDER BY sequence LIMIT \(limit)",
        arguments: arguments)
      return try rows.map { try $0.event() }
    }
  }

  public func event(_ id: EventID) async throws(StoreFault) -> Event? {
    try await reading { db in
      try Row.fetchOne(db, sql: "SELECT * FROM event WHERE id = ?", arguments: [id.description])?.event()
    }
  }

  /// Batches of a port, the newest first.
  public func batches(of port: PortID) async throws(StoreFault) -> [AssignmentBatch] {
    try await reading { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM batch WHERE port = ? ORDER BY sequence DESC", arguments: [port.description]
      ).map { try $0.batch() }
    }
  }

  public func batch(_ id: BatchID) async throws(StoreFault) -> AssignmentBatch? {
    try await reading { db in
      try Row.fetchOne(db, sql: "SELECT * FROM batch WHERE id = ?", arguments: [id.description])?.batch()
    }
  }
}

extension Store.EventFilter {
  fileprivate var sql: (condition: String, arguments: StatementArguments) {
    var conditions = ["TRUE"]
    var arguments: [String] = []
    if let project {
      conditions.append("project = ?")
      arguments.append(project.description)
    }
    if let server {
      conditions.append("server = ?")
      arguments.append(server.description)
    }
    return (conditions.joined(separator: " AND "), StatementArguments(arguments))
  }
}

extension RowWriter {
  func write(_ event: Event) throws {
    try run(
      """
      INSERT INTO event (id, type, body, project, server, network, actor, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        event.id.description, event.type, event.body, event.project?.description, event.server?.description,
        event.network?.description, event.by, event.createdAt.seconds,
      ])
    try trim("event", to: .events)
  }

  func write(_ batch: AssignmentBatch) throws {
    let entries = String(decoding: try JSONEncoder().encode(batch.entries), as: UTF8.self)
    try run(
      "INSERT INTO batch (id, port, project, entries, created_at) VALUES (?, ?, ?, ?, ?)",
      [
        batch.id.description, batch.port.description, batch.project.description, entries, batch.createdAt.seconds,
      ])
    try trim("batch", to: .batches)
  }
}

extension Row {
  fileprivate func event() throws -> Event {
    Event(
      id: try identifier("id"), type: try text("type"), body: try text("body"), createdAt: try date("created_at"),
      project: try optionalIdentifier("project"), server: try optionalIdentifier("server"),
      network: try optionalIdentifier("network"), by: self["actor"])
  }

  fileprivate func batch() throws -> AssignmentBatch {
    guard
      let entries = try? JSONDecoder().decode([AssignmentBatch.Entry].self, from: Data(try text("entries").utf8))
    else { throw BadColumn(name: "entries") }
    return AssignmentBatch(
      id: try identifier("id"), port: try identifier("port"), project: try identifier("project"),
      createdAt: try date("created_at"), entries: entries)
  }
}
