import Net

/// Projects come and go; a rack always has one. A name is for people: several can have the same.
extension Rack {
  func createProject(
    named name: String, customdata: String, backendTransfer: Bool, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    guard projects.count < Self.projectLimit else {
      throw .invalid("the rack has \(Self.projectLimit) projects, which is its limit; delete one first")
    }
    let project = Project(
      id: ProjectID(source.identifier()), name: name, customdata: customdata,
      backendTransfer: backendTransfer, createdAt: source.now)
    try check(project)
    return Outcome(subject: .project(project.id), changes: [.project(project)])
  }

  func updateProject(
    _ id: ProjectID, name: String?, customdata: String?, backendTransfer: Bool?, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    guard var project = projects[id] else { throw .notFound("project \(id) does not exist") }
    if let name { project.name = name }
    if let customdata { project.customdata = customdata }
    if let backendTransfer { project.backendTransfer = backendTransfer }
    try check(project)
    guard project != projects[id] else { return Outcome(subject: .project(id)) }
    project.updatedAt = source.now
    return Outcome(subject: .project(id), changes: [.project(project)])
  }

  func deleteProject(_ id: ProjectID) throws(Refusal) -> Outcome {
    guard let project = projects[id] else { throw .notFound("project \(id) does not exist") }
    let usage = usage(of: id)
    let counts = [
      ("server", usage.servers), ("virtual network", usage.networks),
      ("token", tokens.values.count { $0.project == id }),
    ].filter { $0.1 > 0 }
    guard counts.isEmpty else {
      let contents = counts.map { "\($0.1) \($0.0)\($0.1 == 1 ? "" : "s")" }.listed()
      throw .invalid("project \(project.name.quoted) has \(contents); delete these first")
    }
    guard projects.count > 1 else {
      throw .invalid("project \(project.name.quoted) is the last one, and a rack has at least one")
    }
    // An elastic block of a project without servers is assigned nowhere.
    let blocks = reservations.values.filter { $0.project == id }.sorted { $0.block.base < $1.block.base }
    let keys = sshKeys(of: .project(id)).map { Change.sshKeyDeleted($0.id) }
    let labs = labs(of: id).map { Change.labDeleted($0.id) }
    return Outcome(
      subject: .nothing, changes: blocks.map { .reservationDeleted($0.id) } + keys + labs + [.projectDeleted(id)])
  }

  private func check(_ project: Project) throws(Refusal) {
    if let fault = Names.fault(ofName: project.name, "project") { throw .invalid(fault) }
    if let fault = Names.fault(ofText: project.customdata, "customdata") { throw .invalid(fault) }
  }
}
