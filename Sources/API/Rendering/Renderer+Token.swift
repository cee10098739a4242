// Tokens, without what they are known by.

import Rack

extension Renderer {
  /// `project` is null for a token that opens the whole rack.
  func token(_ token: AccessToken) -> JSON {
    [
      "id": token.id.json, "href": link("/toprack/tokens/\(token.id)"), "name": .string(token.name),
      "project": token.project.map { project(nested: $0) } ?? nil, "read_only": .boolean(token.isReadOnly),
      "created_at": time(token.createdAt),
    ]
  }
}
