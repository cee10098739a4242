// Requests over the daemon's socket, connections kept.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

struct Client: Sendable {
  private let base: String

  init(socket: String) {
    base = "http+unix://" + (socket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? socket)
  }

  /// The answer as an object; throws for any status that is no success.
  @discardableResult
  func send(_ method: String, _ path: String, _ body: [String: Any]? = nil) async throws -> [String: Any] {
    let data = try await bytes(method, path, body)
    return try JSONSerialization.jsonObject(with: Data(data.readableBytesView)) as? [String: Any] ?? [:]
  }

  /// The answer is read and not looked at.
  func read(_ path: String) async throws { _ = try await bytes("GET", path, nil) }

  private func bytes(_ method: String, _ path: String, _ body: [String: Any]?) async throws -> ByteBuffer {
    var request = HTTPClientRequest(url: base + path)
    request.method = HTTPMethod(rawValue: method)
    if let body { request.body = .bytes(try JSONSerialization.data(withJSONObject: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
    let answer = try await response.body.collect(upTo: 256 << 20)
    guard (200..<300).contains(response.status.code) else {
      throw BenchFault("\(method) \(path): \(response.status) \(String(buffer: answer))")
    }
    return answer
  }
}
