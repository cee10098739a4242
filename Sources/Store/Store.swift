public import FoundationEssentials
import GRDB
import Glibc
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
  /// The database that is at work: the one of the directory, or where that cannot be, one that stands in for it.
  private struct Current {
    let pool: DatabasePool
    var standIn: StandIn?
    var readOnlyReason: String?
  }

  let directory: StateDirectory
  private let current: Mutex<Current>
  private let lock: StateLock
  private let isClosed = Atomic(false)
  /// Commits that the copy beside the database does not have.
  let commitsSinceCopy = Atomic(1)
  let meter = CommitMeter()
  let reserve: Reserve
  let isReserveGone: Atomic<Bool>
  let hadRoom: Bool
  /// What `open` has put aside because a new rack was asked for.
  public let putAside: [String]
  /// Path of the database.
  public let path: String

  /// The state directory, from the root on.
  public var directoryPath: String {
    if directory.path.hasPrefix("/") { return directory.path }
    return FileManager.default.currentDirectoryPath + "/" + directory.path
  }

  var pool: DatabasePool { current.withLock { $0.pool } }

  /// Why nothing can be committed, in a sentence or two that say what to do; `nil`: all is well. Then what is read is
  /// the database as far as it can be read, or the last good copy of it.
  public var readOnlyReason: String? { current.withLock { $0.readOnlyReason } }

  /// Opens the state in `directory`; makes both when they do not exist, and closes them to others.
  ///
  /// A database that cannot be written, or is damaged and has a good copy, is opened for reading: `readOnlyReason`. One
  /// that is gone, where there has been one, is a fault.
  ///
  /// - Parameters:
  ///   - isNewRack: begin anew where the database is gone or damaged; what is there is put aside. Refused when there is
  ///     a good one.
  ///   - patience: how long to wait for another process to let the directory go.
  public static func open(
    _ directory: String, isNewRack: Bool = false, patience: Duration = .seconds(3), now: Date = SystemEntropy().now
  ) throws(StoreFault) -> Store {
    try Store(StateDirectory(path: directory), isNewRack, patience, now)
  }

  private init(
    _ directory: StateDirectory, _ isNewRack: Bool, _ patience: Duration, _ now: Date
  ) throws(StoreFault) {
    try directory.close()
    lock = try StateLock(directory, patience: patience)
    self.directory = directory
    path = directory.database
    putAside = isNewRack ? try Self.beginAnew(directory, now) : []
    if directory.isDatabaseGone, directory.hasBeenUsed { throw Self.gone(directory) }
    directory.tidy()
    reserve = Reserve(directory)
    let current = try Self.current(directory, reserve)
    let isWritten = current.readOnlyReason == nil
    if isWritten {
      let pages = reserve.logPages
      try Self.translating(directory.database) {
        try current.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_autocheckpoint = \(pages)") }
      }
    }
    isReserveGone = Atomic(isWritten && !reserve.make())
    hadRoom = !isWritten || reserve.hasRoom
    self.current = Mutex(current)
  }

  private static func current(
    _ directory: StateDirectory, _ reserve: Reserve
  ) throws(StoreFault) -> Current {
    if let code = directory.writeError, !directory.isDatabaseGone {
      return try unwritten(directory, String(cString: strerror(code)))
    }
    do {
      return Current(pool: try pool(directory.database))
    } catch {
      switch error.kind {
      case .damaged: return try copied(directory, error)
      case .full where !directory.isDatabaseGone:
        // To open it needs room as well.
        reserve.giveUp()
        if let pool = try? pool(directory.database) { return Current(pool: pool) }
        return try unwritten(directory, error.message)
      case .unavailable where !directory.isDatabaseGone: return try unwritten(directory, error.message)
      default: throw error
      }
    }
  }

  /// The database as it is, at another place. `reason`: why it cannot be written where it is.
  private static func unwritten(_ directory: StateDirectory, _ reason: String) throws(StoreFault) -> Current {
    let standIn = try StandIn(for: directory.database)
    return Current(
      pool: try pool(standIn.database), standIn: standIn,
      readOnlyReason:
        "\(directory.database) cannot be written (\(reason)): the rack forwards as it is, and takes no change; "
        + "make room or make it writable, then start toprackd again")
  }

  /// The copy, at another place. `fault`: what is wrong with the database; thrown when the copy is no better.
  private static func copied(_ directory: StateDirectory, _ fault: StoreFault) throws(StoreFault) -> Current {
    guard let standIn = try? StandIn(for: directory.copy), let pool = try? pool(standIn.database) else { throw fault }
    let date = directory.copyDate.map { " of \($0.formatted(.iso8601))" } ?? ""
    return Current(
      pool: pool, standIn: standIn,
      readOnlyReason:
        "\(fault.message). Until then the rack forwards by the copy\(date), \(directory.copy), and takes no change")
  }

  /// A database for reading and writing, of this version's form.
  static func pool(_ path: String) throws(StoreFault) -> DatabasePool {
    try translating(path) {
      // SQLite gives a new file to all whom the process's mask does not keep out, and its log the mode of the file.
      let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      if descriptor >= 0 { Glibc.close(descriptor) }
      let pool = try DatabasePool(path: path, configuration: configuration)
      // DatabasePool has set NORMAL, which may lose the last commits with the power.
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
      try migrate(pool, path)
      // Says now, rather than to the first caller, whether there can be a change.
      try pool.write { try $0.execute(sql: "UPDATE rack SET id = id") }
      return pool
    }
  }

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "store"
    configuration.foreignKeysEnabled = true
    // Somebody may look with sqlite3 at the same time.
    configuration.busyMode = .timeout(5)
    // What stands in a schema calls no function that has effects.
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA trusted_schema = OFF") }
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
  ///   - quotas: what a project can have from now on.
  public func load(
    newRackLACPFast lacpFast: Bool = false, plan: AddressPlan = AddressPlan(), hybridBonded: Bool? = nil,
    quotas: Quotas = Quotas()
  ) async throws(StoreFault) -> Rack {
    try mustBeOpen()
    do {
      let rack = try await loadCurrent(lacpFast, plan, hybridBonded, quotas)
      // Without the mark a database that is gone would pass for one that never was; that is no reason to end.
      if readOnlyReason == nil { try? directory.write(rackID: rack.id) }
      return rack
    } catch {
      guard error.kind == .damaged, readOnlyReason == nil else { throw error }
      let old = try current.withLock { current throws(StoreFault) in
        let old = current.pool
        current = try Self.copied(directory, error)
        return old
      }
      try? old.close()
      do { return try await loadCurrent(lacpFast, plan, hybridBonded, quotas) } catch let second {
        throw second.kind == .damaged ? error : second
      }
    }
  }

  private func loadCurrent(
    _ lacpFast: Bool, _ plan: AddressPlan, _ hybridBonded: Bool?, _ quotas: Quotas
  ) async throws(StoreFault) -> Rack {
    let path = path
    return try await Self.translating(path) {
      guard let rack = try await self.pool.read({ try Self.soundRack($0, path, plan, hybridBonded, quotas) }) else {
        guard self.readOnlyReason == nil else { throw StoreFault(.damaged, Self.damaged(path, "it has no rack")) }
        return try await self.makeRack(
          lacpFast: lacpFast, plan: plan, hybridBonded: hybridBonded, quotas: quotas)
      }
      let misfits = rack.outsidePlan()
      if let first = misfits.first {
        let more =
          misfits.count > 1 ? "; \(misfits.count - 1) more of the rack's addresses are outside of their ranges" : ""
        throw StoreFault(.outsidePlan, first + more)
      }
      try Self.mustHold(rack, path)
      return rack
    }
  }

  /// The rack in a database whose pages are in order; `nil`: none was written yet.
  static func soundRack(
    _ db: Database, _ path: String, _ plan: AddressPlan, _ hybridBonded: Bool? = nil, _ quotas: Quotas = Quotas()
  ) throws -> Rack? {
    let faults = try String.fetchAll(db, sql: "PRAGMA quick_check(3)").filter { $0 != "ok" }
    if let fault = faults.first { throw StoreFault(.damaged, damaged(path, fault)) }
    // It goes out as it is: what is no object there would be part of an answer.
    for table in ["project", "server", "reservation"] {
      let faults = try String.fetchAll(
        db,
        sql: """
          SELECT id FROM \(table)
          WHERE CASE WHEN json_valid(customdata) THEN json_type(customdata) <> 'object' ELSE 1 END LIMIT 1
          """)
      if let id = faults.first {
        throw StoreFault(.damaged, damaged(path, "customdata of \(table) \(id) is no JSON object"))
      }
    }
    return try RowReader(db: db).rack(plan: plan, hybridBonded: hybridBonded, quotas: quotas)
  }

  static func mustHold(_ rack: Rack, _ path: String) throws(StoreFault) {
    let violations = rack.checkInvariants()
    if !violations.isEmpty {
      throw StoreFault(.damaged, damaged(path, violations.prefix(3).joined(separator: "; ")))
    }
  }

  /// What `body` reads, in one transaction.
  func reading<Result: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Result
  ) async throws(StoreFault) -> Result {
    try mustBeOpen()
    return try await Self.translating(path) { try await self.pool.read(body) }
  }

  private func makeRack(
    lacpFast: Bool, plan: AddressPlan, hybridBonded: Bool?, quotas: Quotas
  ) async throws -> Rack {
    var source = SystemEntropy()
    let rack = Rack(
      with: &source, lacpFast: lacpFast, plan: plan, hybridBonded: hybridBonded, quotas: quotas)
    try await pool.write { db in
      try db.execute(sql: "INSERT INTO rack (one, id) VALUES (1, ?)", arguments: [rack.id.uuidString.lowercased()])
      let writer = RowWriter(db: db)
      for record in rack.records { try writer.write(record) }
    }
    return rack
  }

  /// Writes all of `changes` or nothing. They are on disk when this returns.
  ///
  /// `givesBack`: there is less to be kept afterwards, so it is written on a full disk, too (`Reserve`).
  ///
  /// Not to be called from a task that can be cancelled: a cancelled one may throw before anything is written.
  public func commit(
    _ changes: [Change], events: [Event] = [], batches: [AssignmentBatch] = [], places: [NICPlaceChange] = [],
    givesBack: Bool = false
  ) async throws(StoreFault) {
    guard !changes.isEmpty || !events.isEmpty || !batches.isEmpty || !places.isEmpty else { return }
    try mustBeOpen()
    if let reason = readOnlyReason {
      // Where NICs are is found anew at the next start.
      if changes.isEmpty, events.isEmpty, batches.isEmpty { return }
      throw StoreFault(.unavailable, reason)
    }
    // Where NICs are: a row of each.
    let isSmall = changes.isEmpty && events.isEmpty && batches.isEmpty
    let began = ContinuousClock.now
    do {
      try await withRoom(givesBack: givesBack, isSmall: isSmall) { () async throws(StoreFault) in
        try await Self.translating(path) {
          try await self.pool.write { db in
            let writer = RowWriter(db: db)
            for (index, change) in changes.enumerated() {
              do { try writer.write(change) } catch { throw Clash(error, at: index) ?? error }
            }
            for event in events { try writer.write(event) }
            for batch in batches { try writer.write(batch) }
            for place in places { try writer.write(place) }
          }
        }
      }
    } catch {
      meter.failed()
      throw error
    }
    meter.took(ContinuousClock.now - began)
    commitsSinceCopy.add(1, ordering: .relaxed)
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
  func mustBeOpen() throws(StoreFault) {
    if isClosed.load(ordering: .relaxed) { throw StoreFault(.unavailable, "\(path) is closed") }
  }
}

/// Faults of the database as ours.
extension Store {
  static func translating<Result>(_ path: String, _ body: () throws -> Result) throws(StoreFault) -> Result {
    do { return try body() } catch { throw fault(error, path) }
  }

  static func translating<Result: Sendable>(
    _ path: String, _ body: () async throws -> Result
  ) async throws(StoreFault) -> Result {
    do { return try await body() } catch { throw fault(error, path) }
  }

  private static func fault(_ error: any Error, _ path: String) -> StoreFault {
    switch error {
    case let fault as StoreFault: return fault
    case let clash as Clash: return StoreFault(.clash, "\(path): \(clash.message)", change: clash.index)
    case let column as BadColumn: return StoreFault(.damaged, damaged(path, "unexpected \(column.name) in a row"))
    case let error as DatabaseError where damageCodes.contains(error.resultCode):
      return StoreFault(.damaged, damaged(path, error.message ?? "SQLite error \(error.resultCode.rawValue)"))
    case let error as DatabaseError
    where error.resultCode == .SQLITE_FULL || error.extendedResultCode == .SQLITE_IOERR_SHMSIZE:
      return StoreFault(.full, "\(path): the disk is full (\(error.extendedResultCode.rawValue))")
    case let error as DatabaseError:
      return StoreFault(
        .unavailable, "\(path): \(error.message ?? "SQLite error") (\(error.extendedResultCode.rawValue))")
    default: return StoreFault(.unavailable, "\(path): \(error)")
    }
  }

  private static let damageCodes: [ResultCode] = [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_SCHEMA]

  /// The directory's name is in `path`.
  private static func damaged(_ path: String, _ what: String) -> String {
    "\(path) is damaged or not a state of toprackd: \(what); 'toprack restore FILE --state DIR' puts a backup in its place, "
      + "'toprackd --new-rack' begins anew and keeps what is there"
  }
}

/// A constraint of the tables that says that something is there once.
private struct Clash: Error {
  let index: Int
  let message: String

  /// `nil`: `error` is something else.
  init?(_ error: any Error, at index: Int) {
    guard let error = error as? DatabaseError,
      [.SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY].contains(error.extendedResultCode)
    else { return nil }
    self.index = index
    // "UNIQUE constraint failed: server.project, server.hostname": what the user has chosen comes last.
    let column = error.message?.split(separator: " ").last.map { $0.replacing(".", with: " ") } ?? "value"
    message =
      "the database has this \(column) already, and the rack does not know it: somebody else has written there; choose "
      + "another, or start toprackd again"
  }
}
