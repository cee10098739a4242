import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Rack
import Testing

@testable import API

/// Every route of the API before a rack alone, as a client has them.
struct WholeAPI {
  let keeper: RackAlone
  private let client: any TestClientProtocol

  static func test(_ body: @Sendable @escaping (WholeAPI) async throws -> Void) async throws {
    let keeper = RackAlone()
    var routes = Routes(keeper: keeper)
    APIResponder.register(on: &routes)
    try await Application(responder: LocalResponder(routes, keeper: keeper)).test(.router) {
      try await body(WholeAPI(keeper: keeper, client: $0))
    }
  }

  struct Answer {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let bytes: [UInt8]
    /// `null` when there is no body, or no JSON.
    let json: JSON

    /// What an error says.
    var errors: [String] {
      guard case .array(let lines) = json["errors"] else { return [] }
      return lines.compactMap { if case .string(let line) = $0 { line } else { nil } }
    }
  }

  func ask(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, with headers: HTTPFields = [:]
  ) async throws -> Answer {
    let response = try await client.execute(
      uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
    let bytes = Array(response.body.readableBytesView)
    return Answer(
      status: response.status, headers: response.headers, bytes: bytes, json: (try? JSON(reading: bytes)) ?? .null)
  }

  /// Expects `status`, and returns the body.
  @discardableResult
  func call(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, _ status: Int = 200,
    at location: SourceLocation = #_sourceLocation
  ) async throws -> JSON {
    let answer = try await ask(method, path, body)
    #expect(
      answer.status.code == status,
      "\(method.rawValue) \(path) \(body ?? ""): \(String(decoding: answer.bytes.prefix(400), as: UTF8.self))",
      sourceLocation: location)
    return answer.json
  }

  /// Expects a refusal with `status`, a line of which has `words`.
  func refuse(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, _ status: Int = 422, _ words: String,
    at location: SourceLocation = #_sourceLocation
  ) async throws {
    let answer = try await ask(method, path, body)
    #expect(
      answer.status.code == status && answer.errors.contains { $0.contains(words) },
      "\(method.rawValue) \(path) \(body ?? ""): \(answer.status.code) \(answer.errors)", sourceLocation: location)
  }

  /// The UUID of the project that every rack begins with.
  func project() async throws -> String { try id(try await call(.get, "/projects")["projects"]?[0]) }

  /// A new server, whole. `more`: members of its body.
  func device(_ more: String = "", project: String? = nil) async throws -> JSON {
    let path: String
    if let project { path = project } else { path = try await self.project() }
    return try await call(
      .post, "/projects/\(path)/devices",
      #"{"plan": "c3.small.x86", "operating_system": "debian_12", "facility": "ewr1"\#(more)}"#, 201)
  }

  func network(_ number: Int, _ place: String = #""facility": "ewr1""#) async throws -> String {
    let project = try await project()
    return try id(
      try await call(.post, "/projects/\(project)/virtual-networks", #"{\#(place), "vxlan": \#(number)}"#, 201))
  }

  func id(_ thing: JSON?) throws -> String { try #require(thing?["id"]?.string) }
}

extension JSON {
  /// The text of a string.
  var string: String? { if case .string(let text) = self { text } else { nil } }

  var elements: [JSON] { if case .array(let elements) = plain { elements } else { [] } }

  var members: [JSON.Member] { if case .object(let members) = plain { members } else { [] } }
}
