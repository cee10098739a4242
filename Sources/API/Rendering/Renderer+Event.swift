// Events, in the lists of the Metal API and in the stream.

import Rack

extension Renderer {
  /// `toprack` has who asked for the change, and the names of what it concerns; null where a thing is gone or there is none.
  func event(_ event: Event) -> JSON {
    let things = [
      event.project.map { "/projects/\($0)" }, event.server.map { "/devices/\($0)" },
      event.network.map { "/virtual-networks/\($0)" },
    ]
    return [
      "id": event.id.json, "href": link("/events/\(event.id)"), "type": .string(event.type),
      "body": .string(event.body), "interpolated": .string(event.body), "state": "success", "ip": nil,
      "created_at": time(event.createdAt), "modified_by": [:],
      "relationships": .array(things.compactMap { $0.map(reference) }),
      "toprack": [
        "by": JSON(event.by), "server": JSON(event.server.flatMap { rack.servers[$0] }?.hostname),
        "project": JSON(event.project.flatMap { rack.projects[$0] }?.name),
      ],
    ]
  }
}
