// Plans of labs for people.

enum LabText {
  private static let signs = ["create": "+", "change": "~", "recreate": "-/+", "remove": "-"]

  /// A line each: what is done, to what, and what is lost by it.
  static func lines(_ plan: LabPlanAnswer) -> String {
    var lines = plan.changes.map(line)
    lines += plan.forgets.map { "- checkpoint \($0)" }
    return lines.joined(separator: "\n")
  }

  private static func line(_ change: LabPlanAnswer.Change) -> String {
    var words = [signs[change.op] ?? change.op, change.kind, change.name]
    if let key = change.key { words.append(key) }
    switch (change.from, change.to) {
    case (let from?, let to?): words.append("\(from) → \(to)")
    case (nil, let to?): words.append(change.op == "create" ? to : "→ \(to)")
    case (let from?, nil): words.append(change.op == "remove" ? from : "\(from) →")
    case (nil, nil): break
    }
    return words.joined(separator: " ") + (change.losing.map { "  ! \($0)" } ?? "")
  }

  /// "2 created, 1 changed".
  static func count(_ plan: LabPlanAnswer) -> String {
    let words = [("create", "created"), ("change", "changed"), ("recreate", "made anew"), ("remove", "removed")]
    let counts = words.compactMap { op, word in
      // Several keys of one thing are one change.
      let names = Set(plan.changes.filter { $0.op == op }.map { "\($0.kind) \($0.name)" })
      return names.isEmpty ? nil : "\(names.count) \(word)"
    }
    let forgotten = plan.forgets.isEmpty ? [] : ["\(plan.forgets.count) forgotten"]
    let all = counts + forgotten
    return all.isEmpty ? "nothing to do" : all.joined(separator: ", ")
  }
}
