// Events.

import Rack

extension Renderer {
  func event(_ event: Event) -> JSON {
    // What has gone since has no link.
    var related: [JSON] = []
    if let id = event.project, rack.projects[id] != nil { related.append(reference("/projects/\(id)")) }
    if let id = event.server, let server = rack.servers[id] {
      related.append(device(nested: server, as: "relationships"))
    }
    if let id = event.network, rack.networks[id] != nil { related.append(reference("/virtual-networks/\(id)")) }
    return [
      "id": event.id.json, "href": link("/events/\(event.id)"), "type": .string(event.type),
      "body": .string(event.body), "interpolated": .string(event.body), "state": "active",
      "created_at": time(event.createdAt), "ip": nil, "modified_by": ["name": JSON(event.by)],
      "relationships": .array(related),
    ]
  }
}
