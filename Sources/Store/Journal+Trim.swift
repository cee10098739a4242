import GRDB
import Rack

/// How long the journal may become, and what goes when it is longer.
///
/// Each project has a journal of its own in it, and so has the rack, for what concerns no project. The oldest entries
/// go first of a journal that is longer than `perProject`; and while all together are more than `total`, of the
/// longest: those are cut to one length, and a shorter one loses nothing. So a project that fills the journal wipes
/// nobody's history but its own. What projects have left that are deleted counts as one journal.
///
/// Trimming is done once in `period` entries, so it costs each of them next to nothing; until then the journal may be
/// that much longer.
struct JournalLimits {
  var perProject: Int
  var total: Int

  static let period = 1000
  static let events = JournalLimits(perProject: 25_000, total: 100_000)
  static let batches = JournalLimits(perProject: 2_500, total: 10_000)

  /// The greatest length to which all journals can be cut so that they are no more than `total` together, and no more
  /// than `perProject` each.
  func length(for counts: [Int]) -> Int {
    var rest = total
    let sorted = counts.sorted()
    for (index, count) in sorted.enumerated() {
      let share = rest / (sorted.count - index)
      guard count <= share else { return min(share, perProject) }
      rest -= count
    }
    return perProject
  }
}

extension RowWriter {
  /// Trims `table` (`event` or `batch`) when it is time, by the number of the row that was written last.
  func trim(_ table: String, to limits: JournalLimits) throws {
    guard db.lastInsertedRowID % Int64(JournalLimits.period) == 0 else { return }
    try trimNow(table, to: limits)
  }

  func trimNow(_ table: String, to limits: JournalLimits) throws {
    // By the index of projects alone.
    let rows = try Row.fetchAll(db, sql: "SELECT project, count(*) AS count FROM \(table) GROUP BY project")
    let projects = Set(try String.fetchAll(db, sql: "SELECT id FROM project"))
    var counts: [String?: Int] = [:]
    var deleted = 0
    for row in rows {
      let (project, count): (String?, Int) = (row["project"], row["count"])
      if project.map(projects.contains) ?? true { counts[project] = count } else { deleted += count }
    }
    let length = limits.length(for: Array(counts.values) + [deleted])
    for (project, count) in counts where count > length {
      try delete(oldestOf: table, where: "project IS ?", [project, count - length])
    }
    if deleted > length {
      let isDeleted = "project IS NOT NULL AND project NOT IN (SELECT id FROM project)"
      try delete(oldestOf: table, where: isDeleted, [deleted - length])
    }
  }

  /// Deletes the oldest of those for which `condition` holds; the last of `arguments` says how many.
  private func delete(oldestOf table: String, where condition: String, _ arguments: StatementArguments) throws {
    try run(
      """
      DELETE FROM \(table) WHERE sequence IN
        (SELECT sequence FROM \(table) WHERE \(condition) ORDER BY sequence LIMIT ?)
      """, arguments)
  }
}
