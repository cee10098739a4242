// Every error that leaves the API, as one status and a list of lines. Clients read `{"errors": ["…"]}`; no error of a
// framework below may reach them in another form.

import Control
import HTTPTypes
import Hummingbird
import Labs
import NIOCore
import NIOHTTP1
import Rack

/// An answer that is not a success.
struct APIError: Error, Hashable, Sendable {
  let status: HTTPResponse.Status
  /// At least one; each names the thing, the rule, and what would be valid.
  let messages: [String]
  /// Seconds after which it can be tried again, where that is known.
  let retryAfter: Int?
  /// What is wrong with a lab file, and where.
  let faults: [LabFault]

  init(_ status: HTTPResponse.Status, _ messages: [String], retryAfter: Int? = nil, faults: [LabFault] = []) {
    (self.status, self.messages, self.retryAfter, self.faults) = (status, messages, retryAfter, faults)
  }

  init(_ status: HTTPResponse.Status, _ message: String, retryAfter: Int? = nil) {
    self.init(status, [message], retryAfter: retryAfter)
  }

  /// A value that cannot be accepted.
  static func invalid(_ message: String) -> APIError { APIError(.unprocessableContent, message) }

  /// A thing that is not there.
  static func unknown(_ message: String) -> APIError { APIError(.notFound, message) }

  static func tooLong(limit: Int) -> APIError {
    APIError(.contentTooLarge, "the body is too long: the limit is \(limit) bytes")
  }

  /// What is no HTTP. The parser's words are its own; they stand in no answer.
  static func unreadable(_ error: HTTPParserError) -> APIError {
    switch error {
    case .headerOverflow:
      APIError(.requestHeaderFieldsTooLarge, "the request line and the headers are too long, or too many")
    case .invalidVersion: APIError(.httpVersionNotSupported, "the version of HTTP is not supported; valid is HTTP/1.1")
    case .invalidChunkSize: APIError(.badRequest, "the body has a chunk without a valid size")
    case .invalidContentLength, .unexpectedContentLength:
      APIError(
        .badRequest, "Content-Length is not valid; valid is one number of bytes, and none beside Transfer-Encoding")
    case .invalidEOFState: APIError(.badRequest, "the request ends before its end")
    default: APIError(.badRequest, "the request is not readable as HTTP/1.1")
    }
  }

  /// What a client is told about `error`, whatever layer threw it.
  init(_ error: any Error) {
    switch error {
    case let error as APIError: self = error
    case let refusal as Refusal:
      self.init(refusal.kind == .notFound ? .notFound : .unprocessableContent, refusal.messages)
    case let fault as Unavailable: self.init(.serviceUnavailable, fault.message)
    case let fault as JSONFault: self.init(.badRequest, "the body is not readable as JSON: \(fault)")
    case is NIOTooManyBytesError: self = .tooLong(limit: Arguments.bodyLimit)
    case let error as HTTPParserError: self = .unreadable(error)
    case let error as any HTTPResponseError:
      self.init(error.status, error.status.reasonPhrase.lowercased())
    default:
      self.init(.internalServerError, "the request failed inside the daemon; its log says why")
    }
  }

  /// `{"errors": […]}`, and for one who is not let in `{"error": "…"}`, which is what clients look for.
  var body: JSON {
    if status == .unauthorized { return ["error": .string(messages[0])] }
    let errors = JSON.array(messages.map(JSON.string))
    return faults.isEmpty ? ["errors": errors] : ["errors": errors, "faults": .array(faults.map(\.json))]
  }
}
