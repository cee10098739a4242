// What came of a check.

struct CheckResult: Hashable, Sendable {
  enum Verdict: String, Sendable {
    case passed
    case failed
    /// That nobody answered means nothing, since nothing was asked. It counts as failed.
    case provesNothing = "proves-nothing"

    /// For people.
    var words: String { self == .provesNothing ? "proves nothing" : rawValue }
  }

  /// The check's.
  var name: String
  var verdict: Verdict
  /// `3 sent, 3 answered, 0.2 ms`.
  var seen: String
  /// How long it took.
  var milliseconds: Int

  var json: JSON {
    [
      "name": .string(name), "result": .string(verdict.rawValue), "seen": .string(seen), "ms": .integer(milliseconds),
    ]
  }
}

extension [CheckResult] {
  /// `{"passed": true, "checks": […]}`.
  var json: JSON {
    ["passed": .boolean(allSatisfy { $0.verdict == .passed }), "checks": .array(map(\.json))]
  }
}
