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

  let endpoint: Endpoint
  let token: String?
  let trust: Trust
  private let http: HTTPClient
  private let timeout: TimeAmount

  /// `timeout`: a daemon that makes NICs for a hundred servers still answers within seconds.
  init(_ endpoint: Endpoint, token: String?, trust: Trust, timeout: TimeAmount = .seconds(60)) throws {
    (self.endpoint, self.token, self.trust, self.timeout) = (endpoint, token, trust, timeout)
    http = try trust.client()
  }

  /// The longest answer that is read, in bytes.
  private static let answerLimit = 256 << 20

  func get(_ path: String, _ query: [String: String?] = [:]) async throws -> Answer {
    try await send(.GET, try Self.whole(path), query)
  }

  func post(_ path: String, _ body: [String: Any]) async throws -> Answer {
    try await send(.POST, try Self.whole(path), body: JSONSerialization.data(withJSONObject: body))
  }

  func put(_ path: String, _ body: [String: Any]) async throws -> Answer {
    try await send(.PUT, try Self.whole(path), body: JSONSerialization.data(withJSONObject: body))
  }

  @discardableResult
  func delete(_ path: String, _ query: [String: String?] = [:]) async throws -> Answer {
    try await send(.DELETE, try Self.whole(path), query)
  }

  /// `path`, which would be another one if a name in it was empty.
  private static func whole(_ path: String) throws -> String {
    guard !path.hasSuffix("/"), !path.contains("//") else {
      throw Failure.refused("a name is empty: give the name or the UUID of what is meant")
    }
    return path
  }

  /// One segment of a path.
  static func segment(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-_~"))) ?? ""
  }

  /// `path` may have a query already; `body` is JSON.
  func send(
    _ method: HTTPMethod, _ path: String, _ query: [String: String?] = [:], body: Data? = nil
  ) async throws -> Answer {
    var request = try request(path, query)
    request.method = method
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(body)
    }
    let response: HTTPClientResponse
    let answer: Answer
    do {
      response = try await http.execute(request, timeout: timeout)
      answer = try await Self.answer(of: response)
    } catch {
      throw Failure.unreachable(endpoint.unreachable(error, timeout: timeout))
    }
    try check(response.status, answer)
    return answer
  }

  /// Sends a document, or nothing, and hands out the answer whatever its status is.
  func exchange(
    _ method: HTTPMethod, _ path: String, document: String? = nil, ifMatch: Int? = nil, timeout: TimeAmount
  ) async throws -> (status: HTTPResponseStatus, answer: Answer) {
    var request = try request(path, [:])
    request.method = method
    if let ifMatch { request.headers.add(name: "If-Match", value: "\"\(ifMatch)\"") }
    if let document {
      request.headers.add(name: "Content-Type", value: "application/yaml")
      request.body = .bytes(Data(document.utf8))
    }
    do {
      let response = try await http.execute(request, timeout: timeout)
      return (response.status, try await Self.answer(of: response))
    } catch {
      throw Failure.unreachable(endpoint.unreachable(error, timeout: timeout))
    }
  }

  /// Begins to read an answer that has no end, and hands out its bytes as they come.
  func stream(
    _ path: String, lastEvent: String? = nil, accepting type: String = "text/event-stream"
  ) async throws -> HTTPClientResponse.Body {
    var request = try request(path, [:])
    request.headers.replaceOrAdd(name: "Accept", value: type)
    if let lastEvent { request.headers.add(name: "Last-Event-ID", value: lastEvent) }
    let response: HTTPClientResponse
    var refusal = Answer(Data())
    do {
      response = try await http.execute(request, deadline: .distantFuture)
      if !(200..<300).contains(response.status.code) { refusal = try await Self.answer(of: response) }
    } catch {
      throw Failure.unreachable(endpoint.unreachable(error, timeout: timeout))
    }
    try check(response.status, refusal)
    return response.body
  }

  /// Reads a file, and hands out its bytes as they come. Returns how many there were.
  func download(_ path: String, _ take: (ArraySlice<UInt8>) throws -> Void) async throws -> Int {
    var request = try request(path, [:])
    request.headers.replaceOrAdd(name: "Accept", value: "*/*")
    var refusal = Answer(Data())
    let response: HTTPClientResponse
    var count = 0
    do {
      response = try await http.execute(request, deadline: .distantFuture)
      if (200..<300).contains(response.status.code) {
        for try await chunk in response.body {
          count += chunk.readableBytes
          try take(ArraySlice(chunk.readableBytesView))
        }
      } else {
        refusal = try await Self.answer(of: response)
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure.unreachable(endpoint.unreachable(error, timeout: timeout))
    }
    try check(response.status, refusal)
    return count
  }

  private func request(_ path: String, _ query: [String: String?]) throws -> HTTPClientRequest {
    var request = HTTPClientRequest(url: location(path, query))
    request.headers.add(name: "Accept", value: "application/json")
    if let token { request.headers.add(name: "X-Auth-Token", value: token) }
    return request
  }

  static func answer(of response: HTTPClientResponse) async throws -> Answer {
    Answer(Data(try await response.body.collect(upTo: answerLimit).readableBytesView))
  }

  func check(_ status: HTTPResponseStatus, _ answer: Answer) throws {
    guard !(200..<300).contains(status.code) else { return }
    var messages =
      answer.errors ?? [
        "the API answered \(status), and does not say why: is the URL or the socket the right one?"
      ]
    if status == .unauthorized {
      messages.append(
        token == nil
          ? "give a token with --token or $TOPRACK_TOKEN; 'toprack token create' on the daemon's machine makes one"
          : "the token given is not one of the rack, or was revoked; 'toprack token list' on its machine has those it knows"
      )
    }
    throw Failure(kind: .refused, messages: messages)
  }

  /// Path and query.
  func target(_ path: String, _ query: [String: String?]) -> String {
    let pairs = query.compactMapValues(\.self).sorted { $0.key < $1.key }
    let tail = pairs.map { "\($0.key)=\(Self.segment($0.value))" }.joined(separator: "&")
    return path + (tail.isEmpty ? "" : (path.contains("?") ? "&" : "?") + tail)
  }

  private func location(_ path: String, _ query: [String: String?]) -> String {
    let target = target(path, query)
    switch endpoint {
    case .socket(let socket): return "http+unix://\(Self.segment(socket))\(target)"
    case .url(let url): return (url.hasSuffix("/") ? String(url.dropLast()) : url) + target
    }
  }
}
