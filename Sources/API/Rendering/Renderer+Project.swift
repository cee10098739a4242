// Projects, and whom they belong to: every rack has one organization and one user, which stand for its owner. Clients
// demand them.

import FoundationEssentials
import Rack

/// The owner of a rack. The identifiers are the same for ever.
enum Owner {
  static let organization = UUID(uuidString: "6f6f7267-616e-4a17-a974-696f6e206f66")!
  static let user = UUID(naming: "toprack user")
  static let organizationName = "Toprack"
}

extension Renderer {
  func project(_ project: Project) -> JSON {
    let members: JSON = [
      "id": project.id.json, "href": link("/projects/\(project.id)"), "name": .string(project.name),
      "created_at": time(project.createdAt), "updated_at": time(project.updatedAt),
      "organization": reference("organization", organizationBrief) { $0.organization },
      "payment_method": nil, "backend_transfer_enabled": .boolean(project.backendTransfer), "max_devices": [:],
      "customdata": JSON(kept: project.customdata), "members": [],
      "ssh_keys": .array(rack.sshKeys(of: .project(project.id)).map { sshKey(nested: $0) }),
    ]
    // In a list of devices each would have all the others once more.
    guard isOutermost || expansion["devices"] == .include else { return members }
    return members.adding(("devices", .array(servers(of: project.id).map { device(nested: $0, as: "devices") })))
  }

  /// There is no BGP here: the structure of a project that has never asked for it. Without an identifier clients take
  /// it for none; times are absent, because some clients read no null there.
  func bgpConfig(of project: Project) -> JSON {
    [
      "id": nil, "status": "disabled", "deployment_type": nil, "asn": nil, "md5": nil, "route_object": nil,
      "max_prefix": nil, "project": self.project(nested: project.id), "sessions": [], "ranges": [],
      "href": link("/projects/\(project.id)/bgp-config"),
    ]
  }

  /// The project as a nested object: link, id and name, unless it is included.
  func project(nested id: ProjectID, as name: String = "project") -> JSON {
    let project = rack.projects[id]
    let brief: JSON = ["href": link("/projects/\(id)"), "id": id.json, "name": JSON(project?.name)]
    return project.map { project in reference(name, brief) { $0.project(project) } } ?? brief
  }

  /// With the projects that the caller sees.
  var organization: JSON {
    let projects = rack.projects.values.filter { access.sees($0.id) }
      .sorted { ($0.createdAt, $0.name, $0.id.description) < ($1.createdAt, $1.name, $1.id.description) }
      .map { project(nested: $0.id, as: "projects") }
    return organizationBrief.adding(
      ("description", nil), ("website", nil), ("twitter", nil), ("customdata", [:]),
      ("created_at", time(Self.beginning)), ("updated_at", time(Self.beginning)), ("members", []),
      ("memberships", []), ("projects", .array(projects)))
  }

  private var organizationBrief: JSON {
    let id = Owner.organization.text
    return ["href": link("/organizations/\(id)"), "id": .string(id), "name": .string(Owner.organizationName)]
  }

  var user: JSON {
    let id = Owner.user.text
    return [
      "id": .string(id), "short_id": .string(String(id.prefix(8))), "href": link("/users/\(id)"), "first_name": "Rack",
      "last_name": "Owner", "full_name": "Rack Owner", "email": "root@localhost", "emails": [],
      "two_factor_auth": "", "max_projects": .integer(Rack.projectLimit), "max_organizations": 1,
      "default_organization_id": .string(Owner.organization.text), "default_project_id": nil, "customdata": [:],
      "created_at": time(Self.beginning), "updated_at": time(Self.beginning),
    ]
  }

  /// The owner was there before the rack.
  private static let beginning = Date(timeIntervalSince1970: 0)
}
