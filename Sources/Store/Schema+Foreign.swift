import GRDB

/// A file that somebody gives for a backup can have more in it than rows: a trigger adds a token behind the daemon's
/// back, a view computes for ever. Rows are judged by the rack's own rules; here it is what the tables themselves are.
extension Schema {
  /// Throws `StoreFault` when the database at `path` has a view, a trigger or a virtual table, which no version of ours
  /// has made. Runs nothing of what is in it: it may be opened for reading and writing only afterwards.
  static func mustBePlain(_ path: String) throws {
    var configuration = Configuration()
    configuration.label = "reader"
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA trusted_schema = OFF") }
    let found = try DatabaseQueue(path: path, configuration: configuration).read { db in
      try Row.fetchOne(
        db,
        sql: """
          SELECT type, name FROM sqlite_schema
          WHERE type IN ('view', 'trigger') OR type = 'table' AND sql LIKE 'CREATE VIRTUAL%'
          """)
    }
    guard let found else { return }
    throw StoreFault(.damaged, "it has a \(text(found, "type")) \(text(found, "name")), which none has")
  }

  /// Throws `StoreFault` when a migrated database has other tables and indexes than one that is made now.
  static func mustBeOurs(_ db: Database) throws {
    let made = try DatabaseQueue()
    try migrator.migrate(made)
    let (wanted, found) = (try made.read(entries), try entries(db))
    if let name = Set(found.keys).symmetricDifference(wanted.keys).min()
      ?? found.keys.filter({ found[$0] != wanted[$0] }).min()
    {
      throw StoreFault(.damaged, "its \(name) is not as toprack makes it")
    }
  }

  /// What there is, by kind and name, as it was made, but for spaces and quotes: SQLite writes them anew when a table
  /// is renamed. Its own tables have no text of ours.
  private static func entries(_ db: Database) throws -> [String: String] {
    let rows = try Row.fetchAll(db, sql: "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    return Dictionary(
      rows.map { row in
        ("\(text(row, "type")) \(text(row, "name"))", text(row, "sql").filter { !$0.isWhitespace && $0 != "\"" })
      }
    ) { $0 + ";" + $1 }
  }

  private static func text(_ row: Row, _ column: String) -> String { (row[column] as String?) ?? "" }
}
