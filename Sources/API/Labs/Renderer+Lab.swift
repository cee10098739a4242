// Labs, their plans, and what became of them.

import Labs
import Rack

extension Renderer {
  func lab(_ lab: Lab) -> JSON {
    let belongings = rack.belongings(of: lab.id)
    return [
      "id": .string("\(lab.id)"), "name": .string(lab.name), "project": project(nested: lab.project),
      "generation": .integer(lab.generation), "servers": .array(belongings.servers.keys.sorted().map(JSON.string)),
      "networks": .array(belongings.networks.keys.sorted().map(JSON.string)),
      "addresses": .array(belongings.reservations.keys.sorted().map(JSON.string)),
      "checkpoints": .array(lab.checkpoints.keys.sorted().map(JSON.string)),
      "created_at": time(lab.createdAt), "updated_at": time(lab.updatedAt),
      "href": link("/toprack/labs/\(PercentEncoding.encode(lab.name))"),
    ]
  }

  func plan(
    _ plan: LabPlan, of lab: String, in project: Project, generation: Int,
    machines: [LabDesk.MachineResult]? = nil
  ) -> JSON {
    var members: [JSON.Member] = [
      .init(name: "lab", value: .string(lab)), .init(name: "project", value: .string(project.name)),
      .init(name: "generation", value: .integer(generation)),
      .init(name: "changes", value: .array(plan.changes.map(change))),
      .init(name: "losing", value: .boolean(plan.isLosing)),
      .init(name: "forgets", value: .array(plan.forgets.map(JSON.string))),
    ]
    if let machines {
      members.append(
        .init(
          name: "machines",
          value: .array(
            machines.map {
              ["server": .string($0.server), "state": .string($0.state), "reason": JSON($0.reason)]
            })))
    }
    return .object(members)
  }

  private func change(_ change: LabChange) -> JSON {
    [
      "op": .string(change.op.rawValue), "kind": .string(change.kind.rawValue), "name": .string(change.name),
      "key": JSON(change.key), "from": JSON(change.from), "to": JSON(change.to), "losing": JSON(change.losing),
    ]
  }
}

/// Labs as one caller sees them.
extension View {
  /// A lab by its name, of a project or of the only one that has it; or PROJECT/NAME. Throws 404 when there is none, and
  /// 422 when there are several.
  func known(labNamed reference: String, in projectName: String?) throws(APIError) -> Lab {
    let project = try projectName.map { text throws(APIError) in try known(projectNamed: text).id }
    var (name, owner) = (reference, String?.none)
    if project == nil, let slash = reference.lastIndex(of: "/") {
      (owner, name) = (String(reference[..<slash]), String(reference[reference.index(after: slash)...]))
    }
    let found = labs.filter { lab in
      lab.name == name && (project == nil || lab.project == project)
        && (owner == nil || owner == "\(lab.project)" || owner == self[lab.project]?.name)
    }
    guard let lab = found.first else {
      throw .unknown("there is no lab \(Arguments.shown(.string(reference))): 'toprack lab list' has those that are")
    }
    guard found.count == 1 else {
      let names = found.map { "\(self[$0.project]?.name ?? "\($0.project)")/\(name)" }.sorted()
      throw .invalid(
        "\(name) is the name of \(found.count) labs: \(names.joined(separator: ", ")); name one by PROJECT/NAME")
    }
    return lab
  }
}
