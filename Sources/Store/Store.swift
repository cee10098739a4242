import FoundationEssentials
import GRDB
public import Rack
import Synchronization

/// What survives: the rack, in SQLite.
///
/// ## How it works
/// One directory holds the database `rack.sqlite` (with its write-ahead log beside it) and a lock. `load` reads the
/// whole rack once, at the start; from then on the rack lives in memory and `commit` writes what differs, one
/// transaction a command. The log is synchronized to disk with every commit (`synchronous=FULL`), so what was committed
/// is there after a crash of the machine, and what was not has left no trace.
///
/// The tables are normalised and carry constraints of their own, so that a fault in our code stops at the disk, and
/// people can look with `sqlite3`.
///
/// ## Threads
/// Any. Work is done on the database's own threads; a caller is suspended, not blocked.
public final class Store: Sendable {
  let pool: DatabasePool
  private let lock: StateLock
  private let isClosed = Atomic(false)
  /// Path of the database.
  public let path: String

  /// Opens the state in `directory`; makes both when they do not exist.
  public static func open(_ directory: String) throws(StoreFault) -> Store { try Store(directory) }

  private init(_ directory: String) throws(StoreFault) {
    lock = try StateLock(directory: directory)
    let path = directory + "/rack.sqlite"
    self.path = path
    pool = try Self.translating(path) {
      let pool = try DatabasePool(path: path, configuration: Self.configuration)
      // DatabasePool has set NORMAL, which may lose the last commits with the power.
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
      try Self.migrate(pool, path)
      return pool
    }
  }

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "store"
    configuration.foreignKeysEnabled = true
    // Somebody may look with sqlite3 at the same time.
    configuration.busyMode = .timeout(5)
    return configuration
  }

  private static func migrate(_ pool: DatabasePool, _ path: String) throws {
    let (isForeign, isNewer) = try pool.read { db in
      let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
      let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
      return (tables > 0 && application != Schema.applicationID, try Schema.migrator.hasBeenSuperseded(db))
    }
    if isForeign {
      throw StoreFault(.damaged, "\(path) is the database of another program; choose another state directory")
    }
    if isNewer {
      throw StoreFault(
        .newer, "\(path) was written by a newer version of toprackd; use that one, or another state directory")
    }
    try Schema.migrator.migrate(pool)
  }

  /// The rack as last committed. In a new database: a new rack, which is written first.
  ///
  /// - Parameters:
  ///   - lacpFast: the LACP rate of a new rack; one that is there has its own.
  ///   - plan: the ranges of addresses. A rack that has others is refused.
  ///   - hybridBonded: what the rack offers from now on, `Rack.hybridBonded`.
  public func load(
    newRackLACPFast lacpFast: Bool = false, plan: AddressPlan = AddressPlan(), hybridBonded: Bool? = nil
  ) async throws(StoreFault) -> Rack {
    let path = path
    try mustBeOpen()
    return try await Self.translating(path) {
      let found = try await self.pool.read { db -> Rack? in
        let faults = try String.fetchAll(db, sql: "PRAGMA quick_check(3)").filter { $0 != "ok" }
        if let fault = faults.first { throw StoreFault(.damaged, Self.damaged(path, fault)) }
        return try RowReader(db: db).rack(plan: plan, hybridBonded: hybridBonded)
      }
      guard let rack = found else {
        return try await self.makeRack(lacpFast: lacpFast, plan: plan, hybridBonded: hybridBonded)
      }
      let misfits = rack.outsidePlan()
      if let first = misfits.first {
        let more =
          misfits.count > 1 ? "; \(misfits.count - 1) more of the rack's addresses are outside of their ranges" : ""
        throw StoreFault(.outsidePlan, first + more)
      }
      let violations = rack.checkInvariants()
      if !violations.isEmpty {
        throw StoreFault(.damaged, Self.damaged(path, violations.prefix(3).joined(separator: "; ")))
      }
      return rack
    }
  }

  /// What `body` reads, in one transaction.
  func reading<Result: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Result
  ) async throws(StoreFault) -> Result {
    try mustBeOpen()
    return try await Self.translating(path) { try await self.pool.read(body) }
  }

  private func makeRack(lacpFast: Bool, plan: AddressPlan, hybridBonded: Bool?) async throws -> Rack {
    var source = SystemEntropy()
    let rack = Rack(with: &source, lacpFast: lacpFast, plan: plan, hybridBonded: hybridBonded)
    try await pool.write { db in
      try db.execute(sql: "INSERT INTO rack (one, id) VALUES (1, ?)", arguments: [rack.id.uuidString.lowercased()])
      let writer = RowWriter(db: db)
      for record in rack.records { try writer.write(record) }
    }
    return rack
  }

  /// Writes all of `changes` or nothing. They are on disk when this returns.
  ///
  /// Not to be called from a task that can be cancelled: a cancelled one may throw before anything is written.
  public func commit(
    _ changes: [Change], events: [Event] = [], batches: [AssignmentBatch] = []
  ) async throws(StoreFault) {
    guard !changes.isEmpty || !events.isEmpty || !batches.isEmpty else { return }
    try mustBeOpen()
    try await Self.translating(path) {
      try await self.pool.write { db in
        let writer = RowWriter(db: db)
        for change in changes { try writer.write(change) }
        for event in events { try writer.write(event) }
        for batch in batches { try writer.write(batch) }
      }
    }
  }

  /// Writes the log back into the database, closes both and releases the directory. Afterwards the store throws.
  ///
  /// Not to be called while a `commit` is under way.
  public func close() throws(StoreFault) {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    try Self.translating(path) {
      // A reader elsewhere may hold it up; then the log stays, and is read at the next start.
      _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      try pool.close()
    }
    lock.release()
  }
}

extension Store {
  private func mustBeOpen() throws(StoreFault) {
    if isClosed.load(ordering: .relaxed) { throw StoreFault(.unavailable, "\(path) is closed") }
  }
}

/// Faults of the database as ours.
extension Store {
  static func translating<Result>(_ path: String, _ body: () throws -> Result) throws(StoreFault) -> Result {
    do { return try body() } catch { throw fault(error, path) }
  }

  private static func translating<Result: Sendable>(
    _ path: String, _ body: () async throws -> Result
  ) async throws(StoreFault) -> Result {
    do { return try await body() } catch { throw fault(error, path) }
  }

  private static func fault(_ error: any Error, _ path: String) -> StoreFault {
    switch error {
    case let fault as StoreFault: return fault
    case let column as BadColumn: return StoreFault(.damaged, damaged(path, "unexpected \(column.name) in a row"))
    case let error as DatabaseError where damageCodes.contains(error.resultCode):
      return StoreFault(.damaged, damaged(path, error.message ?? "SQLite error \(error.resultCode.rawValue)"))
    case let error as DatabaseError:
      return StoreFault(
        .unavailable, "\(path): \(error.message ?? "SQLite error") (\(error.extendedResultCode.rawValue))")
    default: return StoreFault(.unavailable, "\(path): \(error)")
    }
  }

  private static let damageCodes: [ResultCode] = [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_SCHEMA]

  private static func damaged(_ path: String, _ what: String) -> String {
    "\(path) is damaged or not a state of toprackd: \(what); put a copy of it back, or move it away to begin anew"
  }
}
