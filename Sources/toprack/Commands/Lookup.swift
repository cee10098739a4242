// From what a user types to an object of the API.

import Foundation

extension Client {
  /// A server by name, PROJECT/NAME or UUID.
  func device(_ reference: String) async throws -> Device {
    try await get("/toprack/devices/\(Self.segment(reference))").decoded()
  }

  /// By name, "default" first.
  func projects() async throws -> [Project] {
    // A rack has no more than a page holds.
    try await get("/projects", ["per_page": "1000"]).decoded(as: ProjectList.self).projects
      .sorted { ($0.name == "default" ? 0 : 1, $0.name) < ($1.name == "default" ? 0 : 1, $1.name) }
  }

  /// A project by UUID, or by a name that no other has.
  func project(_ reference: String) async throws -> Project {
    let projects = try await projects()
    let id = reference.lowercased()
    if let project = projects.first(where: { $0.id == id }) { return project }
    guard let project = try projects.only(named: reference) else {
      var names: [String] = []
      for name in projects.map(\.name) where !names.contains(name) { names.append(name) }
      throw Failure.refused("there is no project \"\(reference)\"; valid are \(names.joined(separator: ", "))")
    }
    return project
  }

  /// An SSH key by UUID, or by a name or fingerprint that no other has.
  func sshKey(_ reference: String, project: Project?) async throws -> SSHKey {
    let keys = try await get("/toprack/ssh-keys").decoded(as: SSHKeyList.self).sshKeys
    let id = reference.lowercased()
    if let key = keys.first(where: { $0.id == id }) { return key }
    let found = keys.filter { key in
      [key.label, key.fingerprint, key.toprack.sha256].contains(reference)
        && project.map { key.owner.href.hasSuffix("/projects/\($0.id)") } ?? true
    }
    let owner = project.map { " of project \($0.name)" } ?? ""
    guard let key = found.first else {
      throw Failure.refused("there is no SSH key \"\(reference)\"\(owner); see 'toprack ssh-key list'")
    }
    guard found.count == 1 else {
      let names = found.map { "\($0.id) (\($0.toprack.project.map { "project \($0)" } ?? "all projects"))" }
      throw Failure.refused(
        "\(reference) is the name of \(found.count) SSH keys: \(names.joined(separator: ", ")); name one by its UUID")
    }
    return key
  }

  /// The one network that a number or UUID means, anywhere in the rack or in what the others say.
  func network(_ reference: String, facility: String?, metro: String?, project: Project?) async throws -> Network {
    let number = Int(reference)
    guard number != nil || UUID(uuidString: reference) != nil else {
      throw Failure.refused("\"\(reference)\" is no virtual network: give a number, 2 to 3999, or a UUID")
    }
    if let number, !(2...3999).contains(number) {
      throw Failure.refused("virtual network number \(number) is out of range; valid are 2 to 3999")
    }
    let query = ["facility": facility, "vxlan": number.map(String.init)]
    let all: NetworkList = try await get("/toprack/virtual-networks", query).decoded()
    let found = all.virtualNetworks.filter { network in
      (number != nil || network.id == reference.lowercased())
        && (metro == nil || network.facilityCode == nil && network.metroCode == metro)
        && (project == nil || network.assignedTo.id == project?.id)
    }
    guard let network = found.first else {
      let place = facility.map { " in facility \($0)" } ?? metro.map { " in metro \($0)" } ?? ""
      let owner = project.map { " of project \($0.name)" } ?? ""
      throw Failure.refused("there is no virtual network \(reference)\(place)\(owner); see 'toprack network list'")
    }
    guard found.count == 1 else {
      let places = found.map { "\($0.place) (project \($0.assignedTo.name), \($0.id))" }.joined(separator: ", ")
      throw Failure.refused(
        "virtual network \(reference) exists in \(places); say which with --facility, --metro or --project, or give its "
          + "UUID")
    }
    return network
  }
}

extension [Project] {
  /// The one project of that name; `nil` when there is none. That there are several is a refusal: a name is anybody's,
  /// so the first of them is nobody's wish.
  func only(named name: String) throws -> Project? {
    let found = filter { $0.name == name }
    guard found.count > 1 else { return found.first }
    let ids = found.map(\.id).joined(separator: ", ")
    throw Failure.refused("\(name) is the name of \(found.count) projects: \(ids); name one by its UUID")
  }
}
