import Net
import Switching
import Wire

/// The passes over a worker's station table that are under way.
///
/// ## How it works
/// In each turn one of them goes a few thousand slots further, and then it is the next one's turn: whatever is asked,
/// by however many, a turn is longer by one slice, which takes some ten microseconds. Frames are read in between.
///
/// ## Limits
/// `limit` passes; each holds as many records as one answer has.
///
/// ## Threads
/// The worker's.
struct StationScans {
  typealias Reply = @Sendable (StationFind?) -> Void

  static let limit = 256
  /// Slots of a turn.
  static let slice = 4096
  /// Slots between two looks whether there are enough.
  private static let step = 256

  private struct Job {
    var scan: StationScan
    let reply: Reply
    var find = StationFind()
  }

  private var jobs: [Job] = []

  var isEmpty: Bool { jobs.isEmpty }

  /// Begins one; `reply` is called when it is over, with nil at once when there are too many.
  mutating func begin(_ scan: StationScan, _ reply: @escaping Reply) {
    guard jobs.count < Self.limit else { return reply(nil) }
    jobs.append(Job(scan: scan, reply: reply))
  }

  /// A slice of the one whose turn it is.
  mutating func work(on table: borrowing StationTable, at now: UInt32) {
    guard !jobs.isEmpty else { return }
    var job = jobs.removeFirst()
    let end = min(job.scan.place + Self.slice, table.capacity)
    var isOver = false
    while job.scan.place < end, !isOver {
      let stop = min(job.scan.place + Self.step, end)
      take(from: table, until: stop, &job, at: now)
      job.scan.place = stop
      isOver = !job.scan.countsAll && job.find.records.count >= job.scan.limit
    }
    if job.scan.place < table.capacity {
      guard isOver else { return jobs.append(job) }
      job.find.next = job.scan.place
    }
    job.reply(job.find)
  }

  private func take(from table: borrowing StationTable, until end: Int, _ job: inout Job, at now: UInt32) {
    table.forEach(in: job.scan.place..<end, at: now) { domain, station, port, age, moves in
      guard job.scan.filter.matches(domain, port) else { return }
      job.find.matched += 1
      guard job.find.matched > job.scan.skip, !job.scan.countsAll || job.find.records.count < job.scan.limit else {
        return
      }
      job.find.records.append(
        StationRecord(domain: domain, port: port, mac: station, ageSeconds: age, moves: moves))
    }
  }
}
