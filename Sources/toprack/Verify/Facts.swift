// What one source says of the rack, as facts that can be laid beside those of another: of each subject ("web1 bond0") what is so, as
// text. Both sides of a comparison put the same things into the same words, so that only what differs is seen.

import Foundation

struct Facts {
  private(set) var subjects: [String: [String: String]] = [:]

  /// Facts of one subject, which may have some already.
  mutating func add(_ subject: String, _ facts: [String: String]) {
    subjects[subject, default: [:]].merge(facts) { $1 }
  }

  /// What `found` has, misses or says otherwise.
  func differences(from found: Facts, source: Difference.Source) -> Set<Difference> {
    var differences: Set<Difference> = []
    for subject in Set(subjects.keys).union(found.subjects.keys) {
      guard let expected = subjects[subject] else {
        differences.insert(Difference(source: source, subject: subject, what: nil, expected: nil, found: "there"))
        continue
      }
      guard let actual = found.subjects[subject] else {
        differences.insert(Difference(source: source, subject: subject, what: nil, expected: "there", found: nil))
        continue
      }
      for what in Set(expected.keys).union(actual.keys) where expected[what] != actual[what] {
        differences.insert(
          Difference(source: source, subject: subject, what: what, expected: expected[what], found: actual[what]))
      }
    }
    return differences
  }
}

/// One thing in which a source does not say what the database says.
struct Difference: Hashable, Comparable {
  enum Source: String, Comparable {
    /// The state contradicts itself or its own rules.
    case database
    case api = "API"
    /// The tables by which frames are forwarded.
    case wire
    /// The interfaces themselves.
    case kernel

    private var rank: Int { [Source.database, .api, .wire, .kernel].firstIndex(of: self)! }
    static func < (one: Source, other: Source) -> Bool { one.rank < other.rank }
  }

  let source: Source
  let subject: String
  /// `nil`: the subject as a whole.
  let what: String?
  /// What the database says; `nil`: nothing.
  let expected: String?
  let found: String?

  /// One line.
  var text: String {
    guard source != .database else { return "database: \(found ?? subject)" }
    guard let what else {
      return "\(source.rawValue): \(subject) "
        + (found == nil ? "is in the database and not here" : "is here and not in the database")
    }
    func words(_ value: String?) -> String { value.map { $0.isEmpty ? "none" : $0 } ?? "none" }
    return "\(source.rawValue): \(subject): \(what) is \(words(found)), in the database it is \(words(expected))"
  }

  var json: [String: Any] {
    [
      "source": source.rawValue.lowercased(), "subject": subject, "what": what ?? NSNull() as Any,
      "expected": expected ?? NSNull() as Any, "found": found ?? NSNull() as Any, "text": text,
    ]
  }

  static func < (one: Difference, other: Difference) -> Bool {
    (one.source, one.subject, one.what ?? "") < (other.source, other.subject, other.what ?? "")
  }
}
