// Every error that leaves the API, as one status and a list of lines. Clients read `{"errors": ["…"]}`; no error of a
// framework below may reach them in another form.

import HTTPTypes
import Control
import Hummingbird
import NIOCore
import Rack

/// An answer that is not a success.
struct APIError: Error, Hashable, Sendable {
  let status: HTTPResponse.Status
  /// At least one; each names the thing, the rule, and what would be valid.
  let messages: [String]

  init(_ status: HTTPResponse.Status, _ messages: [String]) {
    self.status = status
    self.messages = messages
  }

  init(_ status: HTTPResponse.Status, _ message: String) {
    self.init(status, [message])
  }

  /// A value that cannot be accepted.
  static func invalid(_ message: String) -> APIError { APIError(.unprocessableContent, message) }

  /// A thing that is not there.
  static func unknown(_ message: String) -> APIError { APIError(.notFound, message) }

  /// What a client is told about `error`, whatever layer threw it.
  init(_ error: any Error) {
    switch error {
    case let error as APIError: self = error
    case let refusal as Refusal:
      self.init(refusal.kind == .notFound ? .notFound : .unprocessableContent, refusal.messages)
    case let fault as Unavailable: self.init(.serviceUnavailable, fault.message)
    case let fault as JSONFault: self.init(.badRequest, "the body is not readable as JSON: \(fault)")
    case is NIOTooManyBytesError:
      self.init(.contentTooLarge, "the body is too long: the limit is \(Arguments.bodyLimit) bytes")
    case let error as any HTTPResponseError:
      self.init(error.status, error.status.reasonPhrase.lowercased())
    default:
      self.init(.internalServerError, "the request failed inside the daemon; its log says why")
    }
  }

  /// `{"errors": […]}`, and for one who is not let in `{"error": "…"}`, which is what clients look for.
  var body: JSON {
    if status == .unauthorized { return ["error": .string(messages[0])] }
    return ["errors": .array(messages.map(JSON.string))]
  }
}
