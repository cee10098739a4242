import Hummingbird
import HummingbirdTesting
import HTTPTypes
import NIOCore
import Rack
import Testing

@testable import API

/// The portal of a rack alone, and a browser before it as far as HTTP goes: it keeps cookies and follows nothing.
actor Browser {
  struct Answer {
    let status: Int
    let headers: HTTPFields
    let text: String

    var location: String? { headers[.location] }
    /// What the form on the page proves itself with.
    var formToken: String? {
      text.firstMatch(of: #/name="form_token" value="([^"]*)"/#).map { String($0.output.1) }
    }
  }

  nonisolated let keeper: RackAlone
  /// What rates and sessions are counted by; it stands still unless the test moves it.
  nonisolated let clock: TestClock
  private let client: any TestClientProtocol
  private var cookies: [String: String] = [:]

  private init(keeper: RackAlone, clock: TestClock, client: any TestClientProtocol) {
    (self.keeper, self.clock, self.client) = (keeper, clock, client)
  }

  static func test(
    peer: Peer = .address("192.0.2.1"), isSecure: Bool = false,
    _ body: @Sendable @escaping (Browser) async throws -> Void
  ) async throws {
    let keeper = RackAlone()
    let clock = TestClock()
    let responder = Connected(
      responder: APIResponder(keeper: keeper, now: clock.now), peer: peer, isSecure: isSecure)
    try await Application(responder: responder).test(.router) {
      try await body(Browser(keeper: keeper, clock: clock, client: $0))
    }
  }

  /// As the connection would say it.
  private struct Connected: HTTPResponder {
    let responder: APIResponder
    let peer: Peer
    let isSecure: Bool

    func respond(to request: Request, context: APIContext) async throws -> Response {
      var context = context
      (context.peer, context.isSecure) = (peer, isSecure)
      return try await responder.respond(to: request, context: context)
    }
  }

  func get(_ path: String, _ headers: HTTPFields = [:]) async throws -> Answer {
    try await ask(.get, path, headers, "")
  }

  func post(_ path: String, _ fields: [String: String], _ headers: HTTPFields = [:]) async throws -> Answer {
    let body = fields.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
    return try await ask(.post, path, headers, body)
  }

  private func ask(
    _ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields, _ body: String
  ) async throws -> Answer {
    var headers = headers
    if !cookies.isEmpty { headers[.cookie] = cookies.map { "\($0)=\($1)" }.joined(separator: "; ") }
    let response = try await client.execute(uri: path, method: method, headers: headers, body: ByteBuffer(string: body))
    for line in response.headers[values: .setCookie] {
      let pair = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      cookies[String(pair[0])] = line.contains("Max-Age=0") ? nil : String(pair[1])
    }
    return Answer(status: response.status.code, headers: response.headers, text: String(buffer: response.body))
  }

  /// With a new token.
  @discardableResult
  func signIn(project: ProjectID? = nil, isReadOnly: Bool = false) async throws -> String {
    let token = try await keeper.token("t\(cookies.count)\(isReadOnly)", project: project, isReadOnly: isReadOnly)
    let page = try await get("/portal/sign-in")
    let answer = try await post(
      "/portal/sign-in", ["form_token": try #require(page.formToken), "token": token])
    #expect(answer.status == 303, "\(answer.text)")
    return token
  }

  /// Sends a form as the page at `page` would.
  func send(_ path: String, from page: String, _ fields: [String: String] = [:]) async throws -> Answer {
    let token = try #require(try await get(page).formToken)
    return try await post(path, fields.merging(["form_token": token]) { $1 })
  }
}

extension RackAlone {
  var project: ProjectID { rack.project(named: "default")!.id }

  func server(_ hostname: String, description: String? = nil, facility: String = "ewr1") throws -> Server {
    let outcome = try perform(
      .createServer(
        ServerRequest(
          hostname: hostname, plan: "c3.small.x86", facility: facility, operatingSystem: "debian_12", project: project,
          place: .host, details: ServerDetails(description: description))), by: "test")
    guard case .server(let id) = outcome.subject else { preconditionFailure() }
    return rack.servers[id]!
  }

  func network(_ number: Int, description: String? = nil, facility: String = "ewr1") throws -> VirtualNetwork {
    let outcome = try perform(
      .createNetwork(NetworkRequest(project: project, facility: facility, vxlan: number, description: description)),
      by: "test")
    guard case .network(let id) = outcome.subject else { preconditionFailure() }
    return rack.networks[id]!
  }
}
