// One request and its answer as the resources see them: values only, nothing of the HTTP framework, so that a resource
// reads as what it does.

import HTTPTypes
import Rack

/// A request that has been read.
struct Call: Sendable {
  /// What links in the answer begin with.
  let prefix: String
  /// Path below the prefix, without the query.
  let path: String
  let parameters: [String: String]
  let arguments: Arguments

  /// The path parameter `name`, percent-decoded.
  func parameter(_ name: String) -> String { parameters[name] ?? "" }

  /// The path parameter `name` as the identifier of a `what`; 404 when it is none, as for one that nobody has.
  func identifier<Entity>(_ name: String = "id", of what: String) throws(APIError) -> Identifier<Entity> {
    guard let identifier = Identifier<Entity>(parameter(name)) else {
      throw .unknown("there is no \(what) \(Arguments.shown(.string(parameter(name)))): give its UUID")
    }
    return identifier
  }
}

/// An answer that is a success.
struct Reply: Sendable {
  let status: HTTPResponse.Status
  /// `nil`: no body at all.
  let body: JSON?

  static func ok(_ body: JSON) -> Reply { Reply(status: .ok, body: body) }
  static func created(_ body: JSON) -> Reply { Reply(status: .created, body: body) }
  static let noContent = Reply(status: .noContent, body: nil)
}
