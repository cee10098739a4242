// The domain as JSON, in the forms that clients of the Metal API read. One file per kind of thing; this one has what
// they share.
//
// Nested objects carry `href`, `id` and the few members that some client reads, so that no client needs `include`.

import FoundationEssentials
import Rack

/// Renders things of one rack for one request.
struct Renderer {
  /// The rack as it was when the answer was begun.
  let rack: Rack
  /// What links begin with.
  let prefix: String

  var catalogue: CatalogueRenderer { CatalogueRenderer(prefix: prefix) }

  /// A link is a path, with the prefix of the request.
  func link(_ path: String) -> JSON { .string(prefix + path) }

  /// `{"href": …}`
  func reference(_ path: String) -> JSON { ["href": link(path)] }

  /// RFC 3339, UTC, whole seconds: `2019-07-18T08:46:38Z`.
  func time(_ date: Date) -> JSON { .string(date.formatted(.iso8601)) }
}

extension UUID {
  /// Lower-case 8-4-4-4-12.
  var text: String { uuidString.lowercased() }
}

extension Identifier {
  /// As a JSON string.
  var json: JSON { .string(description) }
}

extension JSON {
  /// The object with `members` added at its end.
  func adding(_ members: (String, JSON)...) -> JSON {
    guard case .object(let own) = self else { return self }
    return .object(own + members.map { Member(name: $0.0, value: $0.1) })
  }
}
