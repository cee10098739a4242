// Plans of labs as people read them: a diff on a page, and lines of a note.

import Labs
import Rack

extension LabChange.Operation {
  /// As in a diff.
  var sign: String {
    switch self {
    case .create: "+"
    case .change: "~"
    case .recreate: "-/+"
    case .remove: "-"
    }
  }

  /// What has been done.
  var done: String {
    switch self {
    case .create: "created"
    case .change: "changed"
    case .recreate: "made anew"
    case .remove: "removed"
    }
  }
}

extension LabChange {
  /// `layer3 → hybrid`; what comes or goes as a whole is just named.
  fileprivate var step: String? {
    switch (from, to) {
    case (let from?, let to?): "\(from) → \(to)"
    case (nil, let to?): op == .create ? to : "none → \(to)"
    case (let from?, nil): op == .remove ? from : "\(from) → none"
    case (nil, nil): nil
    }
  }

  /// `~ server web1 mode layer3 → hybrid; 198.18.0.2/31 is given back for good`.
  fileprivate var line: String {
    let words = [op.sign, kind.rawValue, name, key, step].compactMap(\.self).joined(separator: " ")
    return words + (losing.map { "; \($0)" } ?? "")
  }

  fileprivate var fields: Fields {
    var fields: Fields = ["sign": op.sign, "op": op.rawValue, "kind": kind.rawValue, "name": name]
    fields["key"] = key
    fields["step"] = step
    fields["losing"] = losing
    return fields
  }
}

extension LabPlan {
  /// `2 created, 1 changed`. Several keys of one thing are one change.
  var summary: String {
    let counts = LabChange.Operation.allCases.compactMap { op -> String? in
      let names = Set(changes.lazy.filter { $0.op == op }.map { "\($0.kind.rawValue) \($0.name)" })
      return names.isEmpty ? nil : "\(names.count) \(op.done)"
    }
    return counts.isEmpty ? "nothing else changes" : counts.joined(separator: ", ")
  }

  /// Lines of a note; what is more is counted.
  private static let lineCount = 12

  /// What was done, in lines.
  var lines: [String] {
    let all = changes.map(\.line) + forgets.map { "- checkpoint \($0)" }
    guard all.count > Self.lineCount else { return all }
    return all.prefix(Self.lineCount) + ["and \(all.count - Self.lineCount) more"]
  }

  /// For `lab-diff.mustache`.
  var fields: Fields {
    [
      "summary": summary, "changes": changes.map(\.fields), "forgets": forgets,
      "hasLines": !changes.isEmpty || !forgets.isEmpty, "isEmpty": isEmpty, "isLosing": isLosing,
      "hasAnew": changes.contains { $0.op == .recreate },
      "hasLoss": !forgets.isEmpty || changes.contains { $0.losing != nil },
      "generation": String(base), "isNew": base == 0,
    ]
  }
}

extension [LabDesk.MachineResult] {
  /// A line for each virtual machine that is not as it should be.
  var failures: [String] {
    compactMap { $0.state == "failed" ? "The virtual machine of \($0.server) failed: \($0.reason ?? "")" : nil }
  }
}

extension Visit {
  /// The lab that the path names, and its project.
  func lab(in view: View) throws(APIError) -> (Lab, Project) {
    let lab = try view.known(lab: call.identifier(of: "lab"))
    return (lab, try view.known(project: lab.project))
  }

  /// Says on the next page what became of a lab.
  func leave(_ done: String, _ plan: LabPlan, _ machines: [LabDesk.MachineResult]) {
    let failures = machines.failures
    let count = "\(failures.count) virtual machine\(failures.count == 1 ? "" : "s") failed"
    leave("\(done): \(plan.summary)" + (failures.isEmpty ? "" : ", but \(count)"), failures + plan.lines)
  }

  /// The lab's own page; the list when it is gone.
  func page(after name: String, of project: Project) async -> PortalAnswer {
    let lab = await call.view().labs.first { $0.name == name && $0.project == project.id }
    return .redirect(lab.map(Portal.path(of:)) ?? LabsPage.path(project))
  }
}

extension Portal {
  static func path(of lab: Lab) -> String { "\(path)/labs/\(lab.id)" }
}
