// The table of the portal's pages. Around each page this file finds out who is there, reads the form, makes sure that
// it is one of ours, and turns whatever was thrown into a page that says so.

import Control
import HTTPTypes
import Hummingbird
import Logging
import Rack

/// Collects pages and builds the responder from them.
struct PortalRoutes {
  typealias Handler = @Sendable (Visit) async throws -> PortalAnswer
  typealias StrangerHandler = @Sendable (Stranger) async throws -> PortalAnswer

  private let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
  private let guards: Guards

  init(keeper: any RackKeeper, door: Door, accounts: CallerAccounts, site: Site) {
    guards = Guards(keeper: keeper, door: door, accounts: accounts, site: site)
    router.add(middleware: UnknownPage(site: site))
  }

  /// A page for those who are signed in. Others are sent to sign in, and come back.
  mutating func get(_ path: String, _ handler: @escaping Handler) { on(.get, path, handler) }

  /// What a form is sent to.
  mutating func post(_ path: String, _ handler: @escaping Handler) { on(.post, path, handler) }

  private mutating func on(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
    router.on(RouterPath(Portal.path + path), method: method) { [guards] request, context in
      await guards.answer(request, context) { try await guards.visit(request, context, handler) }
    }
  }

  /// For everybody.
  mutating func open(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping StrangerHandler) {
    router.on(RouterPath(Portal.path + path), method: method) { [guards] request, context in
      await guards.answer(request, context) { try await guards.stranger(request, context, handler) }
    }
  }

  /// Call once, when every page is there.
  func responder() -> RouterResponder<APIContext> { router.buildResponder() }
}

/// Somebody who is perhaps not signed in.
struct Stranger: Sendable {
  let request: HTTPRequest
  let arguments: Arguments
  let cookies: Cookies
  let peer: Peer
  let isSecure: Bool
  let path: String
  let parameters: [String: String]
  let keeper: any RackKeeper
  let site: Site
}

/// An answer in place of the page: not an error, but not the page either.
struct Detour: Error {
  let answer: PortalAnswer
}

/// What is asked before a page.
private struct Guards: Sendable {
  let keeper: any RackKeeper
  let door: Door
  let accounts: CallerAccounts
  let site: Site

  func answer(
    _ request: Request, _ context: APIContext, _ page: () async throws -> Response
  ) async -> Response {
    do {
      return try await page()
    } catch let detour as Detour {
      return detour.answer.response
    } catch {
      let answer = APIError(error)
      if answer.status.kind == .serverError {
        context.logger.error("\(request.method.rawValue) \(request.uri.path) failed: \(error)")
      }
      return site.errorPage(answer).response
    }
  }

  /// Those of one address are answered one after another.
  func stranger(
    _ request: Request, _ context: APIContext, _ page: PortalRoutes.StrangerHandler
  ) async throws -> Response {
    let stranger = try await stranger(request, context)
    let caller = Caller(name: "stranger \(context.peer.share)")
    return try await Turn.withTurn(of: caller, accounts) { _ in
      try await page(stranger).response(accounts.answers, caller)
    }
  }

  private func stranger(_ request: Request, _ context: APIContext) async throws -> Stranger {
    if let wait = door.waitOfVisitor(context.peer) {
      throw APIError(
        .tooManyRequests, "too many requests from \(context.peer.share); try again in \(wait) s", retryAfter: wait)
    }
    let isForm = request.method == .post
    if isForm, !request.head.isFromOwnPage { throw Self.foreignForm }
    return Stranger(
      request: request.head,
      arguments: isForm
        ? try await Arguments(formOf: request) : try Arguments(form: [], query: Arguments.query(of: request)),
      cookies: Cookies(request.headers), peer: context.peer, isSecure: context.isSecure, path: request.uri.path,
      parameters: parameters(context), keeper: keeper, site: site)
  }

  /// The page is made in the caller's turn, which is the same here and at the API.
  func visit(
    _ request: Request, _ context: APIContext, _ page: PortalRoutes.Handler
  ) async throws -> Response {
    let name = await SessionCookie.name(keeper)
    guard let key = Cookies(request.headers)[name], let session = site.sessions.session(key) else {
      throw toSignIn(request)
    }
    guard let access = try await access(of: session, context.peer) else {
      site.sessions.end(key)
      throw toSignIn(request)
    }
    let isForm = request.method == .post
    let handshake = WebSocketHandshake.read(request.head)
    // The cookie comes along with a WebSocket of any page.
    if isForm || handshake != nil, !request.head.isFromOwnPage { throw Self.foreignForm }
    let arguments =
      isForm ? try await Arguments(formOf: request) : try Arguments(form: [], query: Arguments.query(of: request))
    if isForm, !SessionCookie.isSame(try arguments.string(SessionCookie.field), session.formToken) {
      throw Self.foreignForm
    }
    return try await Turn.withTurn(of: access.caller, accounts) { turn in
      try accounts.answers.check(access)
      let call = Call(
        prefix: "", path: request.uri.path, parameters: parameters(context), arguments: arguments,
        lastEventID: request.headers[HTTPField.Name("Last-Event-ID")!], access: access,
        origin: CallOrigin(peer: context.peer, handshake: handshake), keeper: keeper, isWanted: context.isWanted,
        turn: turn)
      let problems = await call.problems()
      let visit = Visit(
        call: call, session: session, key: key, cookieName: name, isUpdate: request.headers[.update] != nil,
        isSecure: context.isSecure, site: site, problems: problems, facilities: await facilities(of: problems))
      let answer = try await page(visit)
      if case .console(let opening) = answer.body { try context.become(opening) }
      return answer.response(accounts.answers, access.caller)
    }
  }

  /// In which facility the servers are that something is wrong with.
  private func facilities(of problems: [Problem]) async -> [ServerID: String] {
    let servers = await keeper.rack.servers
    let places = problems.compactMap(\.server).compactMap { id in servers[id].map { (id, $0.facility) } }
    return Dictionary(places) { $1 }
  }

  /// The rights of a session now; `nil`: it has none any more.
  private func access(of session: Session, _ peer: Peer) async throws(APIError) -> Access? {
    switch session.identity {
    case .user(let name): return peer == .user(name) ? Access(scope: .all, by: name) : nil
    case .token(let id):
      guard let token = await keeper.rack.tokens[id] else { return nil }
      if let wait = door.wait(of: token) {
        throw APIError(
          .tooManyRequests, "too many requests: token \(token.name); try again in \(wait) s", retryAfter: wait)
      }
      return door.access(of: token)
    }
  }

  private func parameters(_ context: APIContext) -> [String: String] {
    var parameters: [String: String] = [:]
    for (name, value) in context.parameters { parameters[String(name)] = PercentEncoding.decode(value) }
    return parameters
  }

  private static let foreignForm = APIError(
    .forbidden,
    "the form was not sent by a page of this session, and nothing was changed; go back, load the page anew, "
      + "and send it again")

  /// To come back to the page, if it was one.
  private func toSignIn(_ request: Request) -> Detour {
    let target = request.method == .get ? "?to=\(PercentEncoding.encode(request.head.path ?? ""))" : ""
    return Detour(answer: .redirect("\(Portal.path)/sign-in\(target)"))
  }
}

extension HTTPField.Name {
  /// Sent by the script when it fetches a page that is shown already.
  static let update = HTTPField.Name("X-Portal-Update")!
}

extension Site {
  /// What went wrong, in the words of the API.
  func errorPage(_ error: APIError) -> PortalAnswer {
    var fields = frame(title: error.status.reasonPhrase, .nowhere)
    fields["lines"] = error.messages
    fields["code"] = error.status.code
    var answer = PortalAnswer.html(error.status, templates.render("error", fields))
    if let seconds = error.retryAfter { answer.headers[.retryAfter] = "\(seconds)" }
    return answer
  }
}

/// Answers a path below the portal that has no page.
private struct UnknownPage: RouterMiddleware {
  let site: Site

  func handle(
    _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do { return try await next(request, context) } catch {
      return site.errorPage(.unknown("there is no such page")).response
    }
  }
}
