// Who may come in, asked before anything else of a request: path, id and state say nothing to strangers. What one may
// do inside, the routes say.

import FoundationEssentials
import HTTPTypes
import Rack

/// Finds out who asks, by the token and the connection, and how much they have asked already.
struct Door: Sendable {
  /// Requests a second for each token; twice as many at once.
  static let defaultRate = 1000
  /// For those who come without a valid token, by address. A valid one is never kept waiting by a stranger's guesses
  /// from the same address: 238 bits are not guessed at any rate. Many at once are taken: one may try each operation
  /// without a token and hear that each wants one.
  static let strangerRate = 20
  /// Seconds' worth of requests that a stranger may make at once.
  static let strangerBurst = 20
  /// Requests a second for the pages that are for everybody, by address: the sign-in page with its style is four.
  static let visitorRate = 50
  static let visitorBurst = 500

  enum Answer: Sendable {
    /// With headers for the answer.
    case admitted(Access, HTTPFields)
    case refused(APIError, HTTPFields)
  }

  private let keeper: any RackKeeper
  private let placement: Placement
  private let callers: RateLimiter
  private let strangers: RateLimiter
  private let visitors: RateLimiter
  private let metricsAreOpen: Bool

  /// `metricsAreOpen`: metrics are everybody's to read.
  init(
    keeper: any RackKeeper, rate: Int = defaultRate, placement: Placement = .own, metricsAreOpen: Bool = false,
    now: @escaping @Sendable () -> Duration = RateLimiter.monotonic()
  ) {
    (self.keeper, self.placement, self.metricsAreOpen) = (keeper, placement, metricsAreOpen)
    callers = RateLimiter(rate: rate, burst: 2 * rate, now: now)
    let strangerRate = min(rate, Self.strangerRate)
    strangers = RateLimiter(rate: strangerRate, burst: Self.strangerBurst * strangerRate, now: now)
    visitors = RateLimiter(rate: Self.visitorRate, burst: Self.visitorBurst, now: now)
  }

  /// For metrics: where they are open, strangers see what who may see everything does, within their rate.
  func answerMetrics(_ request: HTTPRequest, from peer: Peer) async -> Answer {
    guard metricsAreOpen else { return await answer(request, from: peer) }
    let answer = await answerAnybody(request, from: peer)
    guard case .admitted(let access, let headers) = answer, access.scope == .none else { return answer }
    return .admitted(Access(scope: .all, isReadOnly: true, by: "stranger \(peer.share)"), headers)
  }

  /// For what is everybody's to read: strangers come in as well, within their rate.
  func answerAnybody(_ request: HTTPRequest, from peer: Peer) async -> Answer {
    let answer = await answer(request, from: peer)
    guard case .refused(let error, let headers) = answer, error.status == .unauthorized else { return answer }
    return .admitted(Access(scope: .none, isReadOnly: true, by: "nobody"), headers)
  }

  /// Seconds to wait for one who has looked at too many of the portal's open pages; `nil`: this one is granted. By the
  /// Unix socket come users of this machine, who need not wait.
  func waitOfVisitor(_ peer: Peer) -> Int? {
    guard case .address = peer else { return nil }
    return visitors.take(peer.share).retry
  }

  func answer(_ request: HTTPRequest, from peer: Peer) async -> Answer {
    let text = request.headerFields[.token] ?? request.bearer ?? ""
    if text.isEmpty, case .user(let name) = peer { return trusted(request, name) }
    guard !text.isEmpty, let token = TokenText.token(text, among: await keeper.rack.tokens.values) else {
      return refuse(stranger: peer)
    }
    let level = callers.take(token.id.description)
    if level.retry != nil { return tooMany(level, "token \(token.name)") }
    return .admitted(access(of: token), Self.headers(level))
  }

  /// What a token gives, here and at the portal.
  func access(of token: AccessToken) -> Access { Access(of: token, placement: placement) }

  /// Seconds to wait for one who has asked too much with `token`, here or at the portal; `nil`: the request is granted.
  func wait(of token: AccessToken) -> Int? { callers.take(token.id.description).retry }

  /// Who comes by the socket is its user; but when the socket is forwarded to a port, every page in that user's browser
  /// can send there. A page cannot set the token's header, so it is only here that one has to ask.
  private func trusted(_ request: HTTPRequest, _ name: String) -> Answer {
    if !request.isFromOwnPage {
      return .refused(
        APIError(.forbidden, "a page of another site sent this: without a token, only a page of the same address may"),
        [:])
    }
    if let foreign = request.nameOfOthers {
      return .refused(
        APIError(
          .forbidden,
          "the request is for \(foreign), a name that others can point here: without a token, use localhost or an address"
        ),
        [:])
    }
    return .admitted(Access(scope: .all, by: name), [:])
  }

  private func refuse(stranger: Peer) -> Answer {
    let name = stranger.share
    let level = strangers.take(name)
    if level.retry != nil { return tooMany(level, "requests without a valid token from \(name)") }
    return .refused(APIError(.unauthorized, "Invalid authentication token"), Self.headers(level))
  }

  private func tooMany(_ level: RateLimiter.Level, _ what: String) -> Answer {
    let wait = level.retry ?? 1
    var headers = Self.headers(level)
    headers[.retryAfter] = "\(wait)"
    return .refused(APIError(.tooManyRequests, "too many requests: \(what); try again in \(wait) s"), headers)
  }

  /// As the original has them: requests, requests, and the time when all are there again in Unix seconds.
  private static func headers(_ level: RateLimiter.Level) -> HTTPFields {
    [
      .rateLimit: "\(level.limit)", .rateRemaining: "\(level.remaining)",
      .rateReset: "\(Int(Date.now.timeIntervalSince1970) + level.reset)",
    ]
  }
}

extension HTTPRequest {
  /// The token as RFC 6750 2.1 has it, which is how Prometheus sends one; `nil`: there is none. A page of another site
  /// cannot send it, as little as the token's own header.
  fileprivate var bearer: String? {
    guard let value = headerFields[.authorization] else { return nil }
    let words = value.split(separator: " ")
    return words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : nil
  }
}

extension HTTPField.Name {
  fileprivate static let token = HTTPField.Name("X-Auth-Token")!
  fileprivate static let rateLimit = HTTPField.Name("X-RateLimit-Limit")!
  fileprivate static let rateRemaining = HTTPField.Name("X-RateLimit-Remaining")!
  fileprivate static let rateReset = HTTPField.Name("X-RateLimit-Reset")!
}
