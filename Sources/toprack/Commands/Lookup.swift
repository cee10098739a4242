// From what a user types to an object of the API.

import Foundation

extension Client {
  /// A server by name or UUID.
  func device(_ reference: String) async throws -> Device {
    try await get("/toprack/devices/\(Self.segment(reference))").decoded()
  }

  /// A project by name or UUID.
  func project(_ reference: String) async throws -> ProjectList.Project {
    let projects: ProjectList = try await get("/projects", ["per_page": "1000"]).decoded()
    let id = reference.lowercased()
    guard let project = projects.projects.first(where: { $0.name == reference || $0.id == id }) else {
      let names = projects.projects.map(\.name).joined(separator: ", ")
      throw Failure.refused("there is no project \"\(reference)\"; valid are \(names)")
    }
    return project
  }

  /// The one network that a number or UUID means, anywhere in the rack.
  func network(_ reference: String, facility: String?, project: String?) async throws -> Network {
    let number = Int(reference)
    guard number != nil || UUID(uuidString: reference) != nil else {
      throw Failure.refused("\"\(reference)\" is no virtual network: give a number, 2 to 3999, or a UUID")
    }
    if let number, !(2...3999).contains(number) {
      throw Failure.refused("virtual network number \(number) is out of range; valid are 2 to 3999")
    }
    let wanted = try await project.asyncMap { try await self.project($0).id }
    let query = ["facility": facility, "vxlan": number.map(String.init)]
    let all: NetworkList = try await get("/toprack/virtual-networks", query).decoded()
    let found = all.virtualNetworks.filter { network in
      (number != nil || network.id == reference.lowercased()) && (wanted == nil || network.assignedTo.id == wanted)
    }
    guard let network = found.first else {
      let place = facility.map { " in facility \($0)" } ?? ""
      throw Failure.refused("there is no virtual network \(reference)\(place); see 'toprack network list'")
    }
    guard found.count == 1 else {
      let places = found.map { "\($0.facilityCode) (project \($0.assignedTo.name))" }.joined(separator: ", ")
      throw Failure.refused(
        "virtual network \(reference) exists in \(places); say which with --facility or --project, or give its UUID")
    }
    return network
  }
}

extension Optional {
  fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
    guard let self else { return nil }
    return try await transform(self)
  }
}
