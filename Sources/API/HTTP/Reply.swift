// What a resource answers.

import HTTPTypes
import HummingbirdCore

/// An answer that is a success.
struct Reply: Sendable {
  let status: HTTPResponse.Status
  let body: Body
  var headers = HTTPFields()

  enum Body: Sendable {
    case none
    case json(JSON)
    /// Rendered as it is taken.
    case list(Listing)
    /// Bytes of a media type.
    case document([UInt8], type: String)
    /// Of a media type, written for as long as it lasts.
    case stream(type: String, @Sendable (inout any ResponseBodyWriter) async throws -> Void)
    /// The connection becomes a console.
    case console(ConsoleOpening)
  }

  static func ok(_ body: JSON) -> Reply { Reply(status: .ok, body: .json(body)) }
  static func created(_ body: JSON) -> Reply { Reply(status: .created, body: .json(body)) }
  static func stream(
    _ type: String, _ body: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
  ) -> Reply { Reply(status: .ok, body: .stream(type: type, body)) }
  static let accepted = Reply(status: .accepted, body: .none)
  static let noContent = Reply(status: .noContent, body: .none)
}
