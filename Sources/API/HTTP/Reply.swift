// What a resource answers.

import HTTPTypes
import HummingbirdCore

/// An answer that is a success.
struct Reply: Sendable {
  let status: HTTPResponse.Status
  let content: Content

  enum Content: Sendable {
    case nothing
    case json(JSON)
    /// Bytes of a media type.
    case document([UInt8], type: String)
    /// Its media type, and what writes it for as long as it lasts.
    case stream(String, @Sendable (inout any ResponseBodyWriter) async throws -> Void)
  }

  static func ok(_ body: JSON) -> Reply { Reply(status: .ok, content: .json(body)) }
  static func created(_ body: JSON) -> Reply { Reply(status: .created, content: .json(body)) }
  static func stream(
    _ type: String, _ body: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
  ) -> Reply { Reply(status: .ok, content: .stream(type, body)) }
  static let accepted = Reply(status: .accepted, content: .nothing)
  static let noContent = Reply(status: .noContent, content: .nothing)
}
