// Mirrors, with what they have done.

import Control
import Rack

extension Renderer {
  /// `from` and `to` as they are given: `web1:eth0`, `vxlan:1001`, `mon0`. `problem` is null while its end takes what it
  /// sends.
  func mirror(_ mirror: Mirror, _ status: MirrorStatus?) -> JSON {
    [
      "id": mirror.id.json, "href": link("/toprack/mirrors/\(mirror.id)"), "name": .string(mirror.name),
      "project": project(nested: mirror.project), "from": .string(rack.words(of: mirror.source)),
      "direction": .string(mirror.direction.rawValue), "filter": JSON(mirror.filter),
      "to": .string(rack.words(of: mirror.end)), "sent": .integer(Int(clamping: status?.sent ?? 0)),
      "lost": .integer(Int(clamping: status?.lost ?? 0)), "problem": JSON(status?.fault),
      "created_at": time(mirror.createdAt),
    ]
  }
}
