// The paths of the metadata service. There is no token: who asks is known by the address it asks from, which the switch
// has checked when the packet came in.

import Control
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Net
import Rack

/// A server that has some address, in its rack.
struct MetadataSubject: Sendable {
  let rack: Rack
  let server: Server
  /// When it asks.
  var now = Date.distantFuture
}

/// Answers one request.
struct MetadataResponder: Sendable {
  /// The server that has this address.
  typealias Lookup = @Sendable (IPAddress) async -> MetadataSubject?

  /// Keeps a report of a server.
  typealias Keep = @Sendable (MachineReport, ServerID) async -> Void

  let lookup: Lookup
  let privateSubnets: [String]
  let keep: Keep
  /// Each report is written to disk, so a machine has a few a second at most.
  let limiter: RateLimiter
  /// Of all that a machine asks, by its address. One that boots reads some forty paths.
  let requests: RateLimiter
  /// Whoever asks more than that waits for each answer, so that a connection costs next to nothing meanwhile.
  let pause: @Sendable (Duration) async -> Void

  static let requestRate = 50
  static let requestBurst = 500

  init(
    lookup: @escaping Lookup, privateSubnets: [String],
    limiter: RateLimiter = RateLimiter(every: .seconds(1), burst: 30),
    requests: RateLimiter = RateLimiter(rate: requestRate, burst: requestBurst),
    pause: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }, keep: @escaping Keep
  ) {
    (self.lookup, self.privateSubnets, self.limiter, self.keep) = (lookup, privateSubnets, limiter, keep)
    (self.requests, self.pause) = (requests, pause)
  }

  private enum Body {
    case json(JSON)
    case text(String)
  }

  /// `source`: what the request came from; `nil` when that is no IPv4 address. `content`: reads the request's body, at
  /// most `MachineReport.bodyLimit` bytes of it; `nil` when it is longer.
  func respond(
    _ method: HTTPRequest.Method, _ target: String, from source: IPAddress?,
    content: () async throws -> [UInt8]? = { [] }
  ) async -> Response {
    if let source, let seconds = requests.take(source.description).retry {
      await pause(.seconds(seconds))
      var response = Self.error(
        .tooManyRequests,
        "\(source) asks more than \(Self.requestRate) times a second; the next answer is there in \(seconds) s")
      response.headers[.retryAfter] = "\(seconds)"
      return response
    }
    guard let source, let subject = await lookup(source) else {
      return Self.error(.notFound, "no server has the address \(source?.description ?? "that you ask from")")
    }
    let path = target.prefix { $0 != "?" }.split(separator: "/")
    if let call = Self.calls[path.map(String.init)] {
      guard method == .post else { return Self.notAllowed(method, path, "POST") }
      return await take(call, of: subject.server, content)
    }
    let isFolder = target.prefix { $0 != "?" }.hasSuffix("/")
    guard let body = body(path, isFolder: isFolder, of: subject) else {
      return Self.error(.notFound, "there is nothing at \(Self.shown(path))")
    }
    guard method == .get || method == .head else { return Self.notAllowed(method, path, "GET, HEAD") }
    return Self.response(.ok, body)
  }

  private enum Call {
    case phoneHome, userState
  }

  /// Where machines report; older software puts `/events` behind what it was told.
  private static let calls: [[String]: Call] = [
    ["phone-home"]: .phoneHome, ["phone-home", "events"]: .phoneHome,
    ["events"]: .userState, ["events", "events"]: .userState,
  ]

  private func take(_ call: Call, of server: Server, _ content: () async throws -> [UInt8]?) async -> Response {
    if let seconds = limiter.take(server.id.description).retry {
      var response = Self.error(
        .tooManyRequests, "\(server.hostname) reports too often; the next report is taken in \(seconds) s")
      response.headers[.retryAfter] = "\(seconds)"
      return response
    }
    do {
      guard let bytes = try await content() else {
        return Self.error(.contentTooLarge, "a report has at most \(MachineReport.bodyLimit) bytes")
      }
      let report =
        switch call {
        case .phoneHome: MachineReport(phoneHomeOf: server)
        case .userState: try MachineReport(userState: bytes, of: server)
        }
      await keep(report, server.id)
      return Response(status: .ok)
    } catch {
      let fault = APIError(error)
      return Self.error(fault.status, fault.messages[0])
    }
  }

  private func body(_ path: [Substring], isFolder: Bool, of subject: MetadataSubject) -> Body? {
    let renderer = MetadataRenderer(
      rack: subject.rack, server: subject.server, privateSubnets: privateSubnets, now: subject.now)
    switch path.first {
    case nil: return .text("2009-04-04\nlatest")
    case "metadata" where path.count == 1: return .json(renderer.json)
    case "userdata" where path.count == 1: return .text(subject.server.details.userdata)
    case "2009-04-04", "latest":
      switch path.dropFirst().first {
      case nil: return .text("meta-data\nuser-data")
      case "user-data" where path.count == 2: return .text(subject.server.details.userdata)
      case "meta-data": return renderer.text(at: path.dropFirst(2), isFolder: isFolder).map(Body.text)
      default: return nil
      }
    default: return nil
    }
  }

  // MARK: Responses

  private static func notAllowed(_ method: HTTPRequest.Method, _ path: [Substring], _ allowed: String) -> Response {
    var response = error(
      .methodNotAllowed, "\(method.rawValue) \(shown(path)) is not possible; valid are \(allowed)")
    response.headers[.allow] = allowed
    return response
  }

  static func error(_ status: HTTPResponse.Status, _ message: String) -> Response {
    response(status, .json(["error": .string(message)]))
  }

  private static func response(_ status: HTTPResponse.Status, _ body: Body) -> Response {
    let (type, bytes) =
      switch body {
      case .json(let json): ("application/json; charset=utf-8", json.text)
      case .text(let text): ("text/plain; charset=utf-8", Array(text.utf8))
      }
    return Response(
      status: status, headers: [.contentType: type, .contentLength: "\(bytes.count)"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  /// A path for an error, cut to what a line takes.
  private static func shown(_ path: [Substring]) -> String {
    Arguments.cut("/" + path.joined(separator: "/"), to: 100)
  }
}

extension MetadataResponder {
  init(control: Control, privateSubnets: [String]) {
    self.init(
      lookup: { address in
        let (rack, now) = (await control.rack, await control.now)
        return rack.server(at: address).map { MetadataSubject(rack: rack, server: $0, now: now) }
      }, privateSubnets: privateSubnets
    ) { report, server in
      await control.note(report.type, report.body, of: server)
      if report.saysUp { await control.heard(server) }
    }
  }
}

extension IPAddress {
  /// The address that a connection came from. The service's link has IPv4 only.
  init?(_ address: SocketAddress?) {
    guard case .v4 = address, let text = address?.ipAddress else { return nil }
    self.init(text)
  }
}
