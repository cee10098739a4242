// What a page answers, and the headers that every answer of the portal has.

import Control
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import ServiceLifecycle

struct PortalAnswer: Sendable {
  enum Body: Sendable {
    case none
    case bytes([UInt8])
    case stream(@Sendable (inout any ResponseBodyWriter) async throws -> Void)
    /// The connection becomes a console.
    case console(ConsoleOpening)
  }

  var status: HTTPResponse.Status
  var headers: HTTPFields = [:]
  var body: Body = .none

  static func html(_ status: HTTPResponse.Status = .ok, _ text: String) -> PortalAnswer {
    PortalAnswer(
      status: status, headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
      body: .bytes(Array(text.utf8)))
  }

  /// After a form was sent, so that a reload does not send it again.
  static func redirect(_ path: String) -> PortalAnswer {
    PortalAnswer(status: .seeOther, headers: [.location: path, .cacheControl: "no-store"])
  }

  /// A file to be kept, sent while it comes about. `name` has no characters that would need quoting; `place` is held
  /// until its end.
  static func file(
    _ name: String, type: String, _ chunks: some AsyncSequence<[UInt8], Never> & Sendable,
    _ place: CallerShares.Lease? = nil
  ) -> PortalAnswer {
    PortalAnswer(
      status: .ok,
      headers: [
        .contentType: type, .cacheControl: "no-store", .contentDisposition: "attachment; filename=\"\(name)\"",
      ],
      body: .stream { writer in
        defer { withExtendedLifetime(place) {} }
        for await chunk in chunks.cancelOnGracefulShutdown() { try await writer.write(ByteBuffer(bytes: chunk)) }
        try await writer.finish(nil)
      })
  }

  /// Frames as a file; `place` is held until its end.
  static func capture(_ name: String, _ capture: CaptureBody, _ place: CallerShares.Lease) -> PortalAnswer {
    PortalAnswer(
      status: .ok,
      headers: [
        .contentType: CaptureOrdering.Format.pcapng.mediaType, .cacheControl: "no-store",
        .contentDisposition: "attachment; filename=\"\(name)\"",
      ],
      body: .stream { writer in
        defer { withExtendedLifetime(place) {} }
        try await capture.write(CaptureFileEncoder(capture.running.source), to: &writer)
      })
  }

  func with(_ cookie: PortalCookie) -> PortalAnswer {
    var answer = self
    answer.headers.append(HTTPField(name: .setCookie, value: cookie.field))
    return answer
  }

  /// For one who is nobody in particular: short.
  var response: Response { response(UntakenAnswers(), Caller(name: "")) }

  func response(_ answers: UntakenAnswers, _ caller: Caller) -> Response {
    var headers = headers
    headers.append(contentsOf: Self.protection)
    switch body {
    case .none, .console: return Response(status: status, headers: headers)
    case .bytes(let bytes):
      return Response(status: status, headers: headers, body: answers.body(bytes, for: caller))
    case .stream(let write): return Response(status: status, headers: headers, body: ResponseBody(write))
    }
  }

  /// Nothing but our own style, script and event stream; no frames, no foreign form targets, no guessing of types.
  private static let protection: HTTPFields = [
    .contentSecurityPolicy: "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
      + "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    .xContentTypeOptions: "nosniff",
    HTTPField.Name("X-Frame-Options")!: "DENY",
    HTTPField.Name("Referrer-Policy")!: "same-origin",
    HTTPField.Name("Cross-Origin-Opener-Policy")!: "same-origin",
    HTTPField.Name("Cross-Origin-Resource-Policy")!: "same-origin",
  ]
}
