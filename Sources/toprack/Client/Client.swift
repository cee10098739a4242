// Requests to the API, over the daemon's Unix socket or over TCP.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

struct Client: Sendable {
  enum Endpoint: Sendable {
    case socket(String)
    case url(String)
  }

  private let endpoint: Endpoint
  private let token: String?

  init(_ endpoint: Endpoint, token: String?) {
    self.endpoint = endpoint
    self.token = token
  }

  /// A daemon that makes NICs for a hundred servers still answers within seconds.
  private static let timeout = TimeAmount.seconds(60)
  /// The longest answer that is read, in bytes.
  private static let answerLimit = 256 << 20

  /// One attempt to connect: when nobody listens, that is the answer, at once.
  private static let http: HTTPClient = {
    var configuration = HTTPClient.Configuration.singletonConfiguration
    configuration.connectionPool.retryConnectionEstablishment = false
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }()

  func get(_ path: String, _ query: [String: String?] = [:]) async throws -> Answer {
    try await send(.GET, path, query, body: nil)
  }

  func post(_ path: String, _ body: [String: Any]) async throws -> Answer {
    try await send(.POST, path, [:], body: body)
  }

  func put(_ path: String, _ body: [String: Any]) async throws -> Answer {
    try await send(.PUT, path, [:], body: body)
  }

  @discardableResult
  func delete(_ path: String, _ query: [String: String?] = [:]) async throws -> Answer {
    try await send(.DELETE, path, query, body: nil)
  }

  /// One segment of a path.
  static func segment(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-_~"))) ?? ""
  }

  private func send(
    _ method: HTTPMethod, _ path: String, _ query: [String: String?], body: [String: Any]?
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: try location(path, query))
    request.method = method
    request.headers.add(name: "Accept", value: "application/json")
    if let token { request.headers.add(name: "X-Auth-Token", value: token) }
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(try JSONSerialization.data(withJSONObject: body))
    }
    let response: HTTPClientResponse
    let bytes: ByteBuffer
    do {
      response = try await Self.http.execute(request, timeout: Self.timeout)
      bytes = try await response.body.collect(upTo: Self.answerLimit)
    } catch {
      throw Failure.unreachable(unreachable(error))
    }
    let answer = Answer(Data(bytes.readableBytesView))
    guard (200..<300).contains(response.status.code) else {
      throw Failure(kind: .refused, messages: answer.errors ?? ["the API answered \(response.status)"])
    }
    return answer
  }

  private func location(_ path: String, _ query: [String: String?]) throws -> String {
    let pairs = query.compactMapValues(\.self).sorted { $0.key < $1.key }
    let tail = pairs.isEmpty ? "" : "?" + pairs.map { "\($0.key)=\(Self.segment($0.value))" }.joined(separator: "&")
    switch endpoint {
    case .socket(let socket): return "http+unix://\(Self.segment(socket))\(path)\(tail)"
    case .url(let url): return (url.hasSuffix("/") ? String(url.dropLast()) : url) + path + tail
    }
  }

  private func unreachable(_ error: any Error) -> String {
    let reason =
      switch error {
      case let error as IOError: String(cString: strerror(error.errnoCode))
      case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
        "no answer within \(Self.timeout.nanoseconds / 1_000_000_000) s"
      default: "\(error)"
      }
    switch endpoint {
    case .url(let url): return "the API at \(url) cannot be reached: \(reason)"
    case .socket(let path):
      let place = "the socket \(path)"
      guard access(path, F_OK) == 0 else {
        return errno == EACCES
          ? "\(place) may not be read: be root, or a member of its directory's group"
          : "toprackd cannot be reached: \(place) does not exist; is toprackd running? (--socket names another)"
      }
      guard access(path, R_OK | W_OK) == 0 else {
        return "\(place) may not be used: be root, or a member of its group"
      }
      return "toprackd cannot be reached at \(place): \(reason); is toprackd running?"
    }
  }
}
