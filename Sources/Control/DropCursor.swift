import Observers

/// Up to where somebody has read the logs of drops: the newest number of each, and which run of the daemon has counted
/// them. As text `RUN-3.0.12`, in hexadecimal and decimal.
public struct DropCursor: Hashable, Sendable, CustomStringConvertible {
  var run: UInt64
  var numbers: [UInt64]

  init(run: UInt64, numbers: [UInt64]) { (self.run, self.numbers) = (run, numbers) }

  /// Nil: no cursor has that form.
  public init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard text.utf8.count <= 2_048, parts.count == 2, let run = UInt64(parts[0], radix: 16) else { return nil }
    let numbers = parts[1].split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0) }
    guard !numbers.isEmpty, numbers.allSatisfy({ $0 != nil }) else { return nil }
    self.init(run: run, numbers: numbers.compactMap(\.self))
  }

  public var description: String {
    String(run, radix: 16) + "-" + numbers.map { "\($0)" }.joined(separator: ".")
  }
}

/// Several logs as one, by time.
///
/// ## How it works
/// Each log is in the order of its numbers, and stays so: of the logs' oldest the earliest is taken, one after another.
/// A clock that was set back so mixes nothing up, and the cursor behind each record is exact.
struct DropMerge {
  /// One record, and where to go on behind it.
  struct Step {
    var record: DropRecord
    var numbers: [UInt64]
  }

  /// How many were overwritten before anybody read them: among those that have been passed.
  private(set) var overwritten: UInt64 = 0
  /// Where to go on when all steps are taken.
  let end: [UInt64]
  private var records: [ArraySlice<DropRecord>]
  private var numbers: [UInt64]

  /// `numbers`: the newest that is known of each log; as many as there are logs.
  init(_ logs: [DropLog], after numbers: [UInt64]) {
    let readings = zip(logs, numbers).map { $0.read(after: $1) }
    end = readings.map(\.last)
    records = readings.map { $0.records[...] }
    self.numbers = numbers
  }

  mutating func next() -> Step? {
    var earliest: (log: Int, time: UInt64)?
    for (log, waiting) in records.enumerated() {
      guard let time = waiting.first?.frame.time, earliest.map({ time < $0.time }) ?? true else { continue }
      earliest = (log, time)
    }
    guard let log = earliest?.log, let record = records[log].popFirst() else {
      overwritten += zip(end, numbers).reduce(0) { $0 + ($1.0 > $1.1 ? $1.0 - $1.1 : 0) }
      numbers = end
      return nil
    }
    overwritten += record.number - numbers[log] - 1
    numbers[log] = record.number
    return Step(record: record, numbers: numbers)
  }
}
