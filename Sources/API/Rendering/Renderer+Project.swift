// Projects.

import FoundationEssentials
import Rack

extension Renderer {
  /// Every project belongs to the one organization of the rack. Clients demand its link.
  private static let organization = "/organizations/6f6f7267-616e-4a17-a974-696f6e206f66"

  func project(_ project: Project) -> JSON {
    let devices = rack.servers.values.filter { $0.project == project.id }.sorted { $0.hostname < $1.hostname }
    return [
      "id": project.id.json, "href": link("/projects/\(project.id)"), "name": .string(project.name),
      "created_at": time(project.createdAt), "updated_at": time(project.createdAt),
      "organization": reference(Self.organization), "payment_method": nil, "backend_transfer_enabled": false,
      "max_devices": [:], "customdata": [:], "members": [], "ssh_keys": [],
      "devices": .array(devices.map { reference("/devices/\($0.id)") }),
    ]
  }

  /// The project as a nested object: link, id and name.
  func project(id: ProjectID) -> JSON {
    ["href": link("/projects/\(id)"), "id": id.json, "name": JSON(rack.projects[id]?.name)]
  }
}
