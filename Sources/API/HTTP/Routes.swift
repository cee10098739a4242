// The table of routes: method and path to a function from `Call` to `Reply`. Around each function this file reads the
// body, logs what failed inside, and turns whatever was thrown into the one error form.
//
// A route changes something unless its method says otherwise (GET), or it declares that it does not. Read-only tokens are
// for those that change nothing; the others refuse them before a byte of the body is read.
//
// A path that exists answers 405 with `Allow` to the methods that it does not have; any other path answers 404.

import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Collects routes and builds the responder from them.
struct Routes {
  typealias Handler = @Sendable (Call) async throws -> Reply

  private let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
  private let keeper: any RackKeeper
  /// What callers share, here and at the portal.
  let accounts = CallerAccounts()
  /// What is asked, here and at the portal.
  let meter = RequestMeter()
  /// By path, as the router has it: "/devices/:id".
  private(set) var methods: [String: [HTTPRequest.Method]] = [:]

  /// `keeper`: whom the calls ask.
  init(keeper: any RackKeeper) {
    self.keeper = keeper
    router.add(middleware: UnknownPath())
  }

  mutating func get(_ path: String, _ handler: @escaping Handler) { on(.get, path, handler) }
  mutating func post(_ path: String, _ handler: @escaping Handler) { on(.post, path, handler) }
  mutating func put(_ path: String, _ handler: @escaping Handler) { on(.put, path, handler) }
  mutating func patch(_ path: String, _ handler: @escaping Handler) { on(.patch, path, handler) }
  mutating func delete(_ path: String, _ handler: @escaping Handler) { on(.delete, path, handler) }

  /// Takes a document, of any type, as its body.
  mutating func putDocument(_ path: String, _ handler: @escaping Handler) { on(.put, path, isDocument: true, handler) }
  /// `changesNothing`: it is a question whose words do not go into a GET.
  mutating func postDocument(_ path: String, changesNothing: Bool = false, _ handler: @escaping Handler) {
    on(.post, path, isDocument: true, changesNothing: changesNothing, handler)
  }

  private mutating func on(
    _ method: HTTPRequest.Method, _ path: String, isDocument: Bool = false, changesNothing: Bool = false,
    _ handler: @escaping Handler
  ) {
    methods[path, default: []].append(method)
    let isReading = changesNothing || method == .get
    router.on(RouterPath(path), method: method) { [keeper, accounts] request, context in
      if !isReading {
        do throws(APIError) { try context.access.requireWriting() } catch { return Self.response(error) }
      }
      return await Self.answer(request, context, keeper, accounts, isDocument: isDocument, handler)
    }
  }

  /// A GET with a body (draft-ietf-httpbis-safe-method-w-body), which no path has yet.
  private static let query = HTTPRequest.Method("QUERY")!
  private static let allMethods: [HTTPRequest.Method] = [
    .get, .head, .post, .put, .patch, .delete, .options, .trace, query,
  ]

  /// Call once, when every route is there.
  func responder() -> RouterResponder<APIContext> {
    for (path, allowed) in methods {
      for method in Self.allMethods where !allowed.contains(method) {
        if method == .head, allowed.contains(.get) { continue }
        let names = allowed.map(\.rawValue).sorted().joined(separator: ", ")
        router.on(RouterPath(path), method: method) { request, context in
          let path = context.prefix + request.uri.path
          let error = APIError(.methodNotAllowed, "\(method.rawValue) \(path) is not possible; valid are \(names)")
          return Self.response(error, headers: [.allow: names])
        }
      }
    }
    return router.buildResponder()
  }

  private static func answer(
    _ request: Request, _ context: APIContext, _ keeper: any RackKeeper, _ accounts: CallerAccounts,
    isDocument: Bool, _ handler: Handler
  ) async -> Response {
    do {
      let raw = try await Arguments.Raw(request)
      return try await Turn.withTurn(of: context.access.caller, accounts) { turn in
        try accounts.answers.check(context.access)
        var parameters: [String: String] = [:]
        for (name, value) in context.parameters {
          parameters[String(name)] = PercentEncoding.decode(value)
        }
        let call = Call(
          prefix: context.prefix, path: request.uri.path, parameters: parameters,
          arguments: try Arguments(raw, isDocument: isDocument), lastEventID: request.headers[.lastEventID],
          document: isDocument ? try Arguments.document(raw) : nil, ifMatch: request.headers[.ifMatch]?.unquotedTag,
          accept: request.headers[.accept], access: context.access,
          origin: CallOrigin(peer: context.peer, handshake: WebSocketHandshake.read(request.head)), keeper: keeper,
          isWanted: context.isWanted, turn: turn)
        let reply = try await handler(call)
        if case .console(let opening) = reply.body { try context.become(opening) }
        var response = try await response(reply, context, accounts.answers, turn)
        response.headers.append(contentsOf: reply.headers)
        return response
      }
    } catch {
      let answer = APIError(error)
      // One whose client has gone has not failed.
      if answer.status.kind == .serverError, !(error is CancellationError) {
        context.logger.error(
          "\(request.method.rawValue) \(request.uri.path) failed: \(error)",
          metadata: ["request": "\(context.requestID)"])
      }
      return response(answer)
    }
  }

  private static func response(
    _ reply: Reply, _ context: APIContext, _ answers: UntakenAnswers, _ turn: Turn
  ) async throws -> Response {
    let caller = context.access.caller
    return switch reply.body {
    case .none, .console: Response(status: reply.status)
    case .json(let body):
      Response(
        status: reply.status, headers: [.contentType: jsonType], body: answers.body(body.text, for: caller))
    case .list(let listing):
      Response(
        status: reply.status, headers: [.contentType: jsonType],
        body: try await answers.body(listing, for: caller, turn, isWanted: context.isWanted))
    case .document(let bytes, let type):
      Response(status: reply.status, headers: [.contentType: type], body: answers.body(bytes, for: caller))
    case .stream(let type, let body):
      Response(
        status: reply.status, headers: [.contentType: type, .cacheControl: "no-store"], body: ResponseBody(body))
    }
  }

  static func response(_ error: APIError, headers: HTTPFields = [:]) -> Response {
    var headers = headers
    if let seconds = error.retryAfter { headers[.retryAfter] = "\(seconds)" }
    if error.status == .upgradeRequired { headers[.upgradeTo] = "websocket" }
    headers[.contentType] = jsonType
    return Response(
      status: error.status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: error.body.text)))
  }

  static let jsonType = "application/json; charset=utf-8"
}

/// Answers a path that no route has. The handlers above throw nothing, so whatever arrives here is the router's own
/// "not found".
private struct UnknownPath: RouterMiddleware {
  func handle(
    _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let path = Arguments.shown(.string(context.prefix + request.uri.path))
      return Routes.response(.unknown("there is nothing at \(path)"))
    }
  }
}

extension String {
  /// An entity tag without its quotes, RFC 9110 8.8.3.
  fileprivate var unquotedTag: String {
    count > 1 && hasPrefix("\"") && hasSuffix("\"") ? String(dropFirst().dropLast()) : self
  }
}

extension HTTPField.Name {
  fileprivate static let lastEventID = HTTPField.Name("Last-Event-ID")!
}
