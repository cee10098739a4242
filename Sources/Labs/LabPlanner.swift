import FoundationEssentials
public import Rack

/// Plans on a copy of the rack what becomes of a lab: by a file, to nothing, or back to a checkpoint.
///
/// ## How it works
/// A file becomes a `LabTarget`, three-way with the one that was applied before; a checkpoint is one already; to destroy
/// a lab is the empty one. `LabReconciler` makes the copy so, by the commands that people have, and `LabDifference` says
/// what is another in it. Pure: what is on the host comes in by `LabRules`, identifiers and the time by `Entropy`.
public enum LabPlanner {
  /// What applying `file` does. The lab is the project's of the file's name; it is made when there is none.
  public static func plan(
    _ file: LabFile, _ positions: LabPositions = LabPositions(), on rack: Rack, project: ProjectID,
    rules: LabRules = LabRules(), with source: inout some Entropy
  ) throws(LabRefusal) -> LabPlan {
    let lab = rack.lab(named: file.name, of: project)
    let applied = file.canonical
    let previous = lab.flatMap { $0.applied == applied ? file : LabFile(canonical: $0.applied) }
    let target = LabTarget(file, over: previous)
    let survey = LabSurvey(target, LabView(rack, lab?.id), project: project, adopts: rules.adopts)
    let faults = LabCheckup(file, positions, survey, rack).faults
    guard faults.isEmpty else {
      // What is said of each server of a range stands in one place.
      var seen: Set<LabFault> = []
      let once = faults.filter { $0.line == 0 || seen.insert($0).inserted }
      throw .file(once.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
    }
    return try plan(
      target, survey, file.name, lab, applied, files: (previous, file), rules: rules, with: &source)
  }

  /// What giving back everything of a lab does. One that has checkpoints stays, without anything; one that has nothing
  /// any more goes with its checkpoints.
  public static func destroy(
    _ lab: LabID, on rack: Rack, with source: inout some Entropy
  ) throws(LabRefusal) -> LabPlan {
    guard let lab = rack.labs[lab] else { throw .conflict(["lab \(lab) does not exist"]) }
    let survey = LabSurvey(LabTarget(), LabView(rack, lab.id), project: lab.project, adopts: false)
    let stays = !lab.checkpoints.isEmpty && !survey.view.belongings.isEmpty
    return try plan(
      LabTarget(), survey, lab.name, lab, stays ? "" : nil, files: (nil, nil), rules: LabRules(), with: &source)
  }

  /// What going back to a checkpoint does: everything of the lab is as it was then, with the same addresses.
  ///
  /// - Parameter rules: `adopts` means nothing here.
  public static func restore(
    _ checkpoint: String, of lab: LabID, on rack: Rack, rules: LabRules = LabRules(), with source: inout some Entropy
  ) throws(LabRefusal) -> LabPlan {
    guard let lab = rack.labs[lab] else { throw .conflict(["lab \(lab) does not exist"]) }
    guard let text = lab.checkpoints[checkpoint] else {
      let names = LabWords.listed(lab.checkpoints.keys.sorted())
      throw .conflict(["lab \(lab.name.quoted) has no checkpoint \(checkpoint.quoted); valid are \(names)"])
    }
    guard let state = LabCheckpoint(text) else {
      throw .conflict(["checkpoint \(checkpoint.quoted) of lab \(lab.name.quoted) cannot be read"])
    }
    let view = LabView(rack, lab.id)
    let survey = LabSurvey(state.target, view, project: lab.project, adopts: false)
    let missing = state.missing(in: rack)
    guard missing.isEmpty else { throw .conflict(missing) }
    return try plan(
      state.target, survey, lab.name, lab, state.applied,
      files: (LabFile(canonical: lab.applied), LabFile(canonical: state.applied)), rules: rules, with: &source)
  }

  /// The state of a lab as text, for a checkpoint (`LabCommand.keep`).
  public static func save(_ lab: LabID, of rack: Rack) -> String? {
    rack.labs[lab].map { LabCheckpoint($0, LabView(rack, lab)).text }
  }

  /// The namespaces whose existence on the host a plan depends on.
  public static func namespaces(_ file: LabFile) -> Set<String> {
    Set(
      file.servers.compactMap { entry in
        switch entry.value.place ?? file.defaults.place {
        case .host: nil
        case .namespace(let name): name
        case .netns, .vm, nil: entry.name
        }
      })
  }

  /// The same of a checkpoint.
  public static func namespaces(checkpoint text: String) -> Set<String> {
    guard let state = LabCheckpoint(text) else { return [] }
    return Set(
      state.target.servers.compactMap { entry in
        switch entry.value.place {
        case .host: nil
        case .namespace(let name): name
        case .netns, .vm, nil: entry.name
        }
      })
  }

  /// `applied`: what the lab keeps afterwards; nil: it goes.
  private static func plan(
    _ target: LabTarget, _ survey: LabSurvey, _ name: String, _ lab: Lab?, _ applied: String?,
    files: (old: LabFile?, new: LabFile?), rules: LabRules, with source: inout some Entropy
  ) throws(LabRefusal) -> LabPlan {
    var bench = LabWorkbench(survey.view.rack, lab: lab?.id, source)
    defer { source = bench.source }
    do {
      if lab == nil {
        let made = try bench.run(.lab(.create(name: name, project: survey.project, applied: applied ?? "")))
        if case .lab(let id) = made { bench.lab = id }
      }
    } catch { throw .conflict(error.messages) }
    var reconciler = LabReconciler(target, survey, name: name, rules: rules, bench)
    try reconciler.run()
    bench = reconciler.bench
    guard let id = bench.lab else { preconditionFailure("a plan has a lab") }
    do {
      if let applied {
        if lab != nil, bench.hasChanged || lab?.applied != applied {
          try bench.run(.lab(.update(id, applied: applied)))
        }
      } else {
        try bench.run(.lab(.delete(id)))
      }
    } catch { throw .conflict(error.messages) }

    let after = LabView(bench.rack, id)
    let machines = LabMachineSteps(files.new, over: files.old, survey.view, after, idle: rules.idle)
    var changes = machines.changes
    if bench.hasChanged, let known = bench.rack.labs[id] ?? lab {
      changes = LabDifference(survey.view, after, lab: known, order: target).changes + changes
    }
    let outcome = bench.outcome(applied == nil ? .nothing : .lab(id))
    return LabPlan(
      changes: changes, outcome: outcome, machines: machines.steps, base: lab?.generation ?? 0,
      generation: bench.rack.labs[id]?.generation ?? 0,
      forgets: applied == nil ? (lab?.checkpoints.keys.sorted() ?? []) : [], rack: bench.rack)
  }
}

extension LabFile {
  /// The file as it is kept: the same text for the same file.
  public var canonical: String { LabJSONText.text(self) }

  public init?(canonical text: String) {
    guard !text.isEmpty, let file = LabJSONText.value(LabFile.self, text) else { return nil }
    self = file
  }
}

enum LabJSONText {
  static func text(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { preconditionFailure("plain values have JSON") }
    return String(decoding: data, as: UTF8.self)
  }

  static func value<Value: Decodable>(_ type: Value.Type, _ text: String) -> Value? {
    try? JSONDecoder().decode(type, from: Data(text.utf8))
  }
}
