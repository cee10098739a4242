// Plans and applies labs: finds out whose and which, has the plan made on the rack as it is when its turn comes, and
// sees to the virtual machines afterwards.
//
// A plan that is shown and one that is applied are the same function on the same rack; the generation in `If-Match`
// says whether it was the same rack.

import Control
import Host
import HTTPTypes
import Labs
import MachineHost
import Machines
import Rack
import Synchronization

struct LabDesk: Sendable {
  /// `nil`: this daemon has no virtual machines.
  let hub: MachineHub?

  /// What is wanted of a lab.
  enum Wish: Sendable {
    case file(LabFile, LabPositions, adopts: Bool)
    case nothing
    case checkpoint(String)
  }

  /// What became of a virtual machine.
  struct MachineResult: Sendable {
    let server: String
    /// `running` or `stopped`; `failed` with the reason.
    let state: String
    let reason: String?
  }

  /// The file of a call's body: YAML, or the same as JSON. Throws 422 with all that is wrong.
  static func file(_ call: Call) throws(APIError) -> (LabFile, LabPositions) {
    let directory = try call.arguments.string("directory")
    if directory != nil { try call.access.requireWholeRack(for: "paths of the host, such as directory,") }
    if let directory, !directory.hasPrefix("/") {
      throw .invalid("directory must be an absolute path, not \(Arguments.shown(.string(directory)))")
    }
    let settings = try (call.arguments.lists["set"] ?? []).map { text throws(APIError) in
      guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
        throw .invalid(
          "set must be PATH=VALUE, as in defaults.plan=c3.small.x86, not \(Arguments.shown(.string(text)))")
      }
      return (path: String(text[..<sign]), value: String(text[text.index(after: sign)...]))
    }
    return try read(call.document ?? "", call.access, directory: directory, settings: settings)
  }

  /// The file that `text` is. Throws 422 with all that is wrong, 403 for what the caller may not name.
  ///
  /// - Parameter directory: absolute; what paths in the file are relative to.
  static func read(
    _ text: String, _ access: Access, directory: String? = nil, settings: [(path: String, value: String)] = []
  ) throws(APIError) -> (LabFile, LabPositions) {
    switch LabReader.read(text, baseDirectory: directory, settings: settings) {
    case .success(let (file, positions)):
      if file.servers.contains(where: { $0.value.vm != nil }) {
        try access.requireWholeRack(for: "virtual machines, which boot files of the host,")
        try mustBeThere(file, positions)
      }
      return (file, positions)
    case .failure(let faults): throw APIError(faults.faults)
    }
  }

  /// Images of virtual machines are on the host, or the file is wrong.
  private static func mustBeThere(_ file: LabFile, _ positions: LabPositions) throws(APIError) {
    var faults: [LabFault] = []
    for server in file.servers {
      guard let vm = server.value.vm else { continue }
      for (key, path) in [("disk", vm.disk), ("kernel", vm.kernel), ("initrd", vm.initrd)] {
        guard let path, let reason = HostFile.fault(of: path) else { continue }
        let fault = positions.fault(at: ["servers", server.name, "vm", key], "\(key) \(path): \(reason)")
        if fault.line == 0 || !faults.contains(fault) { faults.append(fault) }
      }
    }
    guard faults.isEmpty else { throw APIError(faults) }
  }

  /// The project that a file itself names; as that, one that is not there is a fault of the file. `nil`: it names none.
  static func named(
    by file: LabFile, _ positions: LabPositions, _ view: View
  ) throws(APIError) -> Project? {
    guard let name = file.project ?? file.defaults.project else { return nil }
    do throws(APIError) { return try view.known(projectNamed: name) } catch {
      guard error.status == .notFound else { throw error }
      throw APIError([
        positions.fault(at: file.project == nil ? ["defaults", "project"] : ["project"], error.messages[0])
      ])
    }
  }

  /// The project that a file is for: its own word, or the query's, or the only one that the caller has.
  static func project(_ name: String?, _ call: Call, _ view: View) throws(APIError) -> Project {
    let asked = try call.arguments.string("project")
    if let name = name ?? asked { return try view.known(projectNamed: name) }
    if view.projects.count == 1, let only = view.projects.first { return only }
    return try view.known(projectNamed: Project.defaultName)
  }

  /// What would be done now.
  func plan(_ wish: Wish, of name: String, in project: Project, _ call: Call) async throws -> LabPlan {
    let idle = await idle(wish)
    let isAwaited = await call.awaitsSystems()
    return try await call.planning { rack in
      var entropy = SystemEntropy()
      return try Self.plan(wish, of: name, in: project, call.access, rack, idle: idle(rack), isAwaited, &entropy)
    }
  }

  /// Does it. Throws 412 when the lab is of another generation than `tag`, on which the caller has planned.
  ///
  /// - Parameter tag: `nil` or `*`: whatever the generation is.
  func apply(
    _ wish: Wish, of name: String, in project: Project, ifMatch tag: String?, _ call: Call
  ) async throws -> (plan: LabPlan, machines: [MachineResult]) {
    let idle = await idle(wish)
    let isAwaited = await call.awaitsSystems()
    let made = Made()
    try await call.perform(
      Proposal { rack, entropy in
        let plan = try Self.plan(
          wish, of: name, in: project, call.access, rack, idle: idle(rack), isAwaited, &entropy)
        if let tag, tag != "*", tag != "\(plan.base)" {
          throw APIError(
            .preconditionFailed,
            "lab \(name) is of generation \(plan.base) now, not \(tag): it was changed meanwhile; plan again")
        }
        made.plan = plan
        return plan.outcome
      })
    guard let plan = made.plan else { throw APIError(.internalServerError, "the plan is lost") }
    return (plan, await perform(plan.machines, call))
  }

  private final class Made: Sendable {
    private let box = Mutex<LabPlan?>(nil)
    var plan: LabPlan? {
      get { box.withLock { $0 } }
      set { box.withLock { $0 = newValue } }
    }
  }

  private static func plan(
    _ wish: Wish, of name: String, in project: Project, _ access: Access, _ rack: Rack, idle: Set<ServerID>,
    _ isAwaited: Bool, _ entropy: inout SystemEntropy
  ) throws -> LabPlan {
    var rules = LabRules()
    rules.mustBeOwnPlace = !access.placesFreely
    (rules.idle, rules.isAwaited) = (idle, isAwaited)
    func lab() throws(APIError) -> Lab {
      guard let lab = rack.lab(named: name, of: project.id) else { throw unknown(name, project) }
      return lab
    }
    do {
      switch wish {
      case .file(let file, let positions, let adopts):
        rules.adopts = adopts
        rules.namespaces = LabPlanner.namespaces(file).filter(NetworkNamespaces.exists)
        return try LabPlanner.plan(file, positions, on: rack, project: project.id, rules: rules, with: &entropy)
      case .nothing: return try LabPlanner.destroy(try lab().id, on: rack, with: &entropy)
      case .checkpoint(let checkpoint):
        let lab = try lab()
        let text = lab.checkpoints[checkpoint] ?? ""
        rules.namespaces = LabPlanner.namespaces(checkpoint: text).filter(NetworkNamespaces.exists)
        return try LabPlanner.restore(checkpoint, of: lab.id, on: rack, rules: rules, with: &entropy)
      }
    } catch let refusal as LabRefusal { throw APIError(refusal) }
  }

  static func unknown(_ name: String, _ project: Project) -> APIError {
    .unknown(
      "there is no lab \(Arguments.shown(.string(name))) in project \(project.name): 'toprack lab list' has those")
  }

  // MARK: Checkpoints

  /// Keeps the state of a lab as it is, under a name.
  func save(_ lab: Lab, as name: String, _ call: Call) async throws {
    try await call.perform(
      Proposal { rack, entropy in
        guard let text = LabPlanner.save(lab.id, of: rack) else {
          throw APIError.unknown("there is no lab \(lab.name) any more")
        }
        return try rack.decide(.lab(.keep(lab.id, checkpoint: name, text)), with: &entropy)
      })
  }

  /// Throws 404 when the lab has no such checkpoint.
  func forget(_ name: String, of lab: Lab, _ call: Call) async throws {
    guard lab.checkpoints[name] != nil else {
      throw APIError.unknown("lab \(lab.name) has no checkpoint \(Arguments.shown(.string(name)))")
    }
    try await call.perform(
      Proposal(givesBack: true) { rack, entropy in
        try rack.decide(.lab(.keep(lab.id, checkpoint: name, nil)), with: &entropy)
      })
  }

  // MARK: Virtual machines

  /// Which servers have no machine at work, though they should.
  private func idle(_ wish: Wish) async -> @Sendable (Rack) -> Set<ServerID> {
    guard case .file(let file, _, _) = wish, file.servers.contains(where: { $0.value.vm != nil }), let hub else {
      return { _ in [] }
    }
    let busy = Set(await hub.statuses().filter { $0.value.state != .stopped && $0.value.state != .failed }.keys)
    return { rack in Set(rack.servers.values.lazy.filter { $0.lab != nil && !busy.contains($0.id) }.map(\.id)) }
  }

  private func perform(_ steps: [LabMachineStep], _ call: Call) async -> [MachineResult] {
    var results: [MachineResult] = []
    for step in steps {
      do {
        guard let hub else { throw APIError(.serviceUnavailable, "this daemon has no virtual machines") }
        let view = await call.view()
        guard let server = view[step.server] else { continue }
        let state = await hub.status(of: server.id)?.state
        if state == .running || state == .starting {
          _ = try await hub.stop(view.machineServer(server), force: true)
        }
        if let machine = step.machine {
          let spec = MachineSpec(machine)
          if let fault = spec.fault { throw APIError.invalid(fault) }
          let seed = spec.cloudInit ? try view.seed(of: server) : nil
          _ = try await hub.run(spec, on: view.machineServer(server), seed: seed)
        }
        results.append(
          MachineResult(server: step.name, state: step.machine == nil ? "stopped" : "running", reason: nil))
      } catch {
        let reason = (error as? MachineFault)?.message ?? APIError(error).messages.joined(separator: "; ")
        results.append(MachineResult(server: step.name, state: "failed", reason: reason))
      }
    }
    return results
  }
}

extension MachineSpec {
  fileprivate init(_ machine: LabMachine) {
    self.init(
      disk: machine.disk, snapshot: machine.snapshot ?? false, kernel: machine.kernel, initrd: machine.initrd,
      append: machine.append, memory: machine.memory ?? Self.defaultMemory, cpus: machine.cpus ?? 1,
      cloudInit: machine.cloudInit ?? false, restart: machine.restart.flatMap(Restart.init) ?? .no)
  }
}

extension APIError {
  /// What is wrong with a lab file: one line and one fault each.
  init(_ faults: [LabFault]) {
    self.init(.unprocessableContent, faults.map(\.text), faults: faults)
  }

  init(_ refusal: LabRefusal) {
    switch refusal {
    case .file(let faults): self.init(faults)
    case .conflict(let reasons): self.init(.conflict, reasons)
    }
  }
}

extension LabFault {
  /// `3:5: message`; without a place where it has none.
  var text: String { line > 0 ? "\(line):\(column): \(message)" : message }

  var json: JSON {
    ["line": .integer(line), "column": .integer(column), "message": .string(message), "nearest": .init(nearest)]
  }
}
