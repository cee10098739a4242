import Rack

/// Everything that is wrong with a file, in its order. Never empty.
public struct LabFaults: Error, Hashable, Sendable {
  /// As many as a person reads. What is more is counted in the last one.
  public static let limit = 100

  public let faults: [LabFault]

  public init(_ faults: [LabFault]) {
    precondition(!faults.isEmpty, "faults say what is wrong")
    self.faults = faults
  }
}

/// Gathers faults while a file is read: each once, and not more than anybody reads.
struct LabFaultList {
  private var seen: Set<LabFault> = []
  private(set) var faults: [LabFault] = []
  private var others = 0

  var isEmpty: Bool { faults.isEmpty }
  var isFull: Bool { faults.count >= LabFaults.limit }

  mutating func add(_ fault: LabFault) {
    guard faults.count < LabFaults.limit else { return others += 1 }
    if seen.insert(fault).inserted { faults.append(fault) }
  }

  /// At a place of the text, or in an option, which is named.
  mutating func add(at place: LabNode.Place, _ message: String, nearest: String? = nil) {
    let message = place.option.map { "--set \($0.visibleInLine): \(message)" } ?? message
    add(LabFault(line: place.line, column: place.column, message: message, nearest: nearest))
  }

  /// In the order of the file; `nil`: there are none.
  var result: LabFaults? {
    guard !faults.isEmpty else { return nil }
    var sorted = faults.enumerated().sorted {
      ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
    }.map(\.element)
    if others > 0 { sorted.append(LabFault(line: 0, column: 0, message: "there are more faults, \(others) at least")) }
    return LabFaults(sorted)
  }
}

/// Words that look alike.
enum LabNearest {
  /// The candidate that `word` may be meant for: it differs by few letters, or begins with the word. Of several that
  /// are equally near the first.
  static func of(_ word: String, among candidates: some Sequence<String>) -> String? {
    let word = Array(word.lowercased().utf8)
    guard (1...64).contains(word.count) else { return nil }
    var best: (distance: Int, name: String)?
    for candidate in candidates {
      let other = Array(candidate.lowercased().utf8)
      guard other.count <= 64, !other.isEmpty else { continue }
      let isStart = word.count > 1 && other.starts(with: word)
      let near = isStart ? 1 : distance(word, other)
      if near <= max(1, word.count / 3), near < best?.distance ?? .max { best = (near, candidate) }
    }
    return best?.name
  }

  /// Letters to put in, take away, change or swap with their neighbour that make `one` the `other`.
  static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    var (before, last) = ([Int](), Array(0...other.count))
    for row in 1..<(one.count + 1) {
      var line = [row]
      for column in 1..<(other.count + 1) {
        let isSame = one[row - 1] == other[column - 1]
        var least = min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
        if row > 1, column > 1, one[row - 1] == other[column - 2], one[row - 2] == other[column - 1] {
          least = min(least, before[column - 2] + 1)
        }
        line.append(least)
      }
      (before, last) = (last, line)
    }
    return last[other.count]
  }
}

/// The end of a message about a word that is not among the valid ones: with the nearest, or else with all.
func labHint(_ valid: some Sequence<String>, nearest: String?) -> String {
  if let nearest { return "the nearest is \(nearest.quoted)" }
  let all = Array(valid)
  guard all.count > 24 else { return all.isEmpty ? "there is none" : "valid are \(all.listed())" }
  return "valid are \(all.prefix(24).joined(separator: ", ")) and \(all.count - 24) more"
}
