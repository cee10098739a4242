// What a client sends that wants a WebSocket, RFC 6455 4.2.1.

import Crypto
import FoundationEssentials
import HTTPTypes

/// A request to go on by WebSocket, or why it is none that can be.
struct WebSocketHandshake: Sendable {
  /// What the server answers to the client's key.
  let accept: String

  /// `nil`: the request asks for no WebSocket.
  static func read(_ head: HTTPRequest) -> Result<WebSocketHandshake, APIError>? {
    guard head.method == .get else { return nil }
    let headers = head.headerFields
    let protocols = headers[values: .upgradeTo].flatMap { $0.split(separator: ",") }
    guard protocols.contains(where: { $0.trimmed.lowercased() == "websocket" }) else { return nil }
    guard headers[.version] == "13" else {
      return .failure(APIError(.upgradeRequired, "Sec-WebSocket-Version must be 13, that of RFC 6455"))
    }
    guard let key = headers[.key], Data(base64Encoded: key)?.count == 16 else {
      return .failure(APIError(.badRequest, "Sec-WebSocket-Key must be 16 bytes in base64"))
    }
    // The number is that of RFC 6455 1.3.
    let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
    return .success(WebSocketHandshake(accept: Data(digest).base64EncodedString()))
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}

extension HTTPField.Name {
  static let upgradeTo = HTTPField.Name("Upgrade")!
  fileprivate static let key = HTTPField.Name("Sec-WebSocket-Key")!
  fileprivate static let version = HTTPField.Name("Sec-WebSocket-Version")!
}
