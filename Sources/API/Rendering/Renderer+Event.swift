// Events, in the lists of the Metal API and in the stream.

import Rack

extension Renderer {
  /// `toprack` has who asked for the change, and the names of what it concerns; null where a thing is gone or there is
  /// none.
  func event(_ event: Event) -> JSON {
    let project = event.project.flatMap { rack.projects[$0] }
    let server = event.server.flatMap { rack.servers[$0] }
    let network = event.network.flatMap { rack.networks[$0] }
    // What has gone since would be a link to nothing.
    let things = [
      project.map { self.project(nested: $0.id, as: "relationships") },
      server.map { device(nested: $0, as: "relationships") },
      network.flatMap { self.network(nested: $0.id, as: "relationships") },
    ]
    return [
      "id": event.id.json, "href": link("/events/\(event.id)"), "type": .string(event.type),
      "body": .string(event.body), "interpolated": .string(event.body), "state": "success", "ip": nil,
      "created_at": time(event.createdAt), "modified_by": [:], "relationships": .array(things.compactMap { $0 }),
      "toprack": [
        "by": JSON(event.by), "server": JSON(server?.hostname), "server_id": JSON(event.server?.description),
        "project": JSON(project?.name), "project_id": JSON(event.project?.description),
      ],
    ]
  }
}
