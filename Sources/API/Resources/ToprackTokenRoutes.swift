// Tokens: made, listed and revoked by those who may do everything. The text of one is in the answer that makes it, and never
// again anywhere.

import Rack

struct ToprackTokenRoutes {
  func register(on routes: inout Routes) {
    routes.post("/toprack/tokens", create)
    routes.get("/toprack/tokens", list)
    routes.get("/toprack/tokens/:token") { call in
      let view = await call.view()
      return .ok(call.renderer(view).token(try token(call, view)))
    }
    routes.delete("/toprack/tokens/:token", revoke)
  }

  private func create(_ call: Call) async throws -> Reply {
    let view = await call.view()
    _ = try view.tokens()
    let arguments = call.arguments
    let name = try arguments.required("name", "a name of 1 to 80 characters") { try arguments.string($0) }
    let project = try arguments.string("project").map { name throws(APIError) in try view.known(projectNamed: name).id }
    let text = TokenText.make()
    let outcome = try await call.perform(
      .createToken(
        TokenRequest(
          name: name, digest: TokenText.digest(text), project: project,
          isReadOnly: try arguments.boolean("read_only") ?? false)))
    guard case .token(let id) = outcome.subject else { preconditionFailure("a created token is the subject") }
    let new = await call.view()
    guard let token = try new.tokens().first(where: { $0.id == id }) else {
      throw APIError.unknown("token \(name) has been revoked already")
    }
    return .created(call.renderer(new).token(token).adding(("token", .string(text))))
  }

  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let tokens = try view.tokens().sorted { ($0.createdAt, $0.name) < ($1.createdAt, $1.name) }
    return .list(["tokens": .elements(call.elements(tokens, view) { $0.token($1) })])
  }

  private func revoke(_ call: Call) async throws -> Reply {
    try await call.perform(.revokeToken(try token(call, await call.view()).id))
    return .noContent
  }

  /// The one in the path, by UUID or by name.
  private func token(_ call: Call, _ view: View) throws(APIError) -> AccessToken {
    let reference = call.parameter("token")
    let tokens = try view.tokens()
    let id = TokenID(reference)
    guard let token = tokens.first(where: { $0.id == id }) ?? tokens.first(where: { $0.name == reference }) else {
      throw APIError.unknown(
        "there is no token \(Arguments.shown(.string(reference))): give the name or the UUID of one")
    }
    return token
  }
}
