// Signing in, with a token or, by the Unix socket, as the user that one is; and out.

import HTTPTypes
import Rack

struct SignInPage {
  /// Attempts from one address: ten at once, then one every six seconds. Right ones count as well, or it would not be a
  /// limit.
  private let attempts: RateLimiter
  private static let path = "\(Portal.path)/sign-in"
  /// The longest token that is looked at.
  private static let tokenLimit = 256

  init(now: @escaping @Sendable () -> Duration) { attempts = RateLimiter(every: .seconds(6), burst: 10, now: now) }

  func register(on routes: inout PortalRoutes) {
    routes.open(.get, "/sign-in") { stranger in await show(stranger, fault: nil) }
    routes.open(.post, "/sign-in", signIn)
    routes.post("/sign-out") { visit in
      visit.site.sessions.end(visit.key)
      return PortalAnswer.redirect(Self.path)
        .with(PortalCookie(name: visit.cookieName, value: nil, isSecure: visit.isSecure))
    }
  }

  private func show(_ stranger: Stranger, fault: APIError?) async -> PortalAnswer {
    let name = await Self.formCookie(stranger)
    // The one that is there stays, for another tab with the same form.
    let known = stranger.cookies[name].flatMap { $0.utf8.count == TokenText.length ? $0 : nil }
    let formToken = known ?? TokenText.make()
    var fields = stranger.site.frame(title: "Sign in", .nowhere)
    fields["formToken"] = formToken
    fields["to"] = Self.target(stranger)
    if let fault { fields["fault"] = ["lines": fault.messages] as Fields }
    if case .user(let user) = stranger.peer { fields["user"] = Self.isTrusted(stranger) ? user : nil }
    let answer = PortalAnswer.html(fault?.status ?? .ok, stranger.site.templates.render("sign-in", fields))
    return answer.with(PortalCookie(name: name, value: formToken, isSecure: stranger.isSecure, path: Self.path))
  }

  private func signIn(_ stranger: Stranger) async throws -> PortalAnswer {
    let formToken = stranger.cookies[await Self.formCookie(stranger)]
    guard let formToken, SessionCookie.isSame(try stranger.arguments.string(SessionCookie.field), formToken) else {
      return await show(
        stranger, fault: APIError(.forbidden, "the form was too old, or cookies are not taken; send it again"))
    }
    let level = attempts.take(stranger.peer.share)
    if let wait = level.retry {
      var answer = await show(
        stranger, fault: APIError(.tooManyRequests, "too many attempts from your address; try again in \(wait) s"))
      answer.headers[.retryAfter] = "\(wait)"
      return answer
    }
    guard let identity = try await identity(stranger) else {
      return await show(
        stranger, fault: APIError(.unauthorized, "there is no such token: it is mistyped, or was revoked"))
    }
    let key = stranger.site.sessions.begin(identity)
    return PortalAnswer.redirect(Self.target(stranger) ?? Portal.path)
      .with(
        PortalCookie(name: await SessionCookie.name(stranger.keeper), value: key, isSecure: stranger.isSecure))
  }

  private func identity(_ stranger: Stranger) async throws -> Session.Identity? {
    guard let text = try stranger.arguments.string("token") else {
      // The socket has asked already who may.
      guard case .user(let name) = stranger.peer, try stranger.arguments.string("as_user") != nil,
        Self.isTrusted(stranger)
      else { return nil }
      return .user(name)
    }
    let trimmed = String(text.drop { $0.isWhitespace }.prefix { !$0.isWhitespace })
    guard trimmed.utf8.count <= Self.tokenLimit,
      let token = TokenText.token(trimmed, among: await stranger.keeper.rack.tokens.values)
    else { return nil }
    return .token(token.id)
  }

  /// By a tunnel to the socket a browser is as good as its user, but so is every page in it that can be made to look as
  /// if it came from here: a name of its own that points to this machine. Such a name is not taken.
  private static func isTrusted(_ stranger: Stranger) -> Bool { stranger.request.isToLocalName }

  private static func formCookie(_ stranger: Stranger) async -> String {
    await SessionCookie.name(stranger.keeper) + "-form"
  }

  /// The page that was asked for; none but one of ours.
  private static func target(_ stranger: Stranger) -> String? {
    guard let to = try? stranger.arguments.string("to"), to == Portal.path || to.hasPrefix(Portal.path + "/"),
      !to.contains("//"), to.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") })
    else { return nil }
    return to
  }
}
