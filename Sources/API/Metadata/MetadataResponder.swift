// The paths of the metadata service. There is no token: who asks is known by the address it asks from, which the switch has
// checked when the packet came in.

import Control
import HTTPTypes
import Hummingbird
import NIOCore
import Rack

/// A server that has some address, in its rack.
struct MetadataSubject: Sendable {
  let rack: Rack
  let server: Server
}

/// Answers one request.
struct MetadataResponder: Sendable {
  /// The server that has this address, the number in host order, of this family, 4 or 6.
  typealias Lookup = @Sendable (UInt128, Int) async -> MetadataSubject?

  let lookup: Lookup
  let privateSubnets: [String]

  private enum Body {
    case json(JSON)
    case text(String)
  }

  /// `source`: what the request came from; `nil` when that is no IPv4 address.
  func respond(_ method: HTTPRequest.Method, _ target: String, from source: SourceAddress?) async -> Response {
    guard let source, let subject = await lookup(UInt128(source.value), 4) else {
      return Self.error(.notFound, "no server has the address \(source?.description ?? "that you ask from")")
    }
    let path = target.prefix { $0 != "?" }.split(separator: "/")
    if Self.calls.contains(path.map(String.init)) {
      guard method == .post else { return Self.notAllowed(method, path, "POST") }
      return Response(status: .ok)
    }
    guard let body = body(path, of: subject) else {
      return Self.error(.notFound, "there is nothing at \(Self.shown(path))")
    }
    guard method == .get || method == .head else { return Self.notAllowed(method, path, "GET, HEAD") }
    return Self.response(.ok, body)
  }

  /// Where installers report; they want to hear that they were heard. A server here is active from the beginning.
  private static let calls: Set = [["phone-home"], ["events"]]

  private func body(_ path: [Substring], of subject: MetadataSubject) -> Body? {
    let renderer = MetadataRenderer(rack: subject.rack, server: subject.server, privateSubnets: privateSubnets)
    switch path.first {
    case nil: return .text("2009-04-04\nlatest")
    case "metadata" where path.count == 1: return .json(renderer.json)
    case "userdata" where path.count == 1: return .text(subject.server.details.userdata)
    case "2009-04-04", "latest":
      switch path.dropFirst().first {
      case nil: return .text("meta-data\nuser-data")
      case "user-data" where path.count == 2: return .text(subject.server.details.userdata)
      case "meta-data": return renderer.text(at: path.dropFirst(2)).map(Body.text)
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
    let text = "/" + path.joined(separator: "/")
    return text.count > 100 ? text.prefix(100) + "…" : text
  }
}

extension MetadataResponder {
  init(control: Control, privateSubnets: [String]) {
    self.init(
      lookup: { address, family in
        let rack = await control.rack
        return rack.server(at: address, family: family).map { MetadataSubject(rack: rack, server: $0) }
      }, privateSubnets: privateSubnets)
  }
}

/// The address that a connection came from. The service's link has IPv4 only.
struct SourceAddress: Hashable, Sendable, CustomStringConvertible {
  /// In host order.
  let value: UInt32

  init(_ value: UInt32) { self.value = value }

  init?(_ address: SocketAddress?) {
    guard case .v4 = address, let text = address?.ipAddress else { return nil }
    let octets = text.split(separator: ".").compactMap { UInt8($0) }
    guard octets.count == 4 else { return nil }
    value = octets.reduce(0) { $0 << 8 | UInt32($1) }
  }

  var description: String {
    [24, 16, 8, 0].map { String(UInt8(truncatingIfNeeded: value >> UInt32($0))) }.joined(separator: ".")
  }
}
