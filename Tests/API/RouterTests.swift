import Control
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Rack
import Testing

@testable import API

/// The real router and responder around routes that answer what they were asked.
@Suite("Router") struct RouterTests {
  private func test(_ body: @Sendable (any TestClientProtocol) async throws -> Void) async throws {
    var routes = Routes(keeper: RackAlone())
    routes.get("/things/:id") { call in
      .ok(["id": .string(call.parameter("id")), "prefix": .string(call.prefix), "q": JSON(call.arguments.query["q"])])
    }
    routes.post("/things/:id") { call in .created(call.arguments.body) }
    routes.delete("/things/:id") { _ in .noContent }
    routes.post("/refusals") { _ in throw Refusal.invalid("no") }
    routes.post("/unknowns") { _ in throw Refusal.notFound("nobody") }
    routes.post("/failures") { _ in throw CancellationError() }
    try await Application(responder: LocalResponder(routes)).test(.router, body)
  }

  private func json(_ response: TestResponse) throws -> JSON {
    #expect(response.headers[.contentType] == "application/json; charset=utf-8")
    return try JSON(reading: Array(response.body.readableBytesView))
  }

  @Test("the same tree answers below both prefixes, with and without repeated slashes")
  func prefixes() async throws {
    try await test { client in
      for (path, prefix) in [
        ("/things/7", ""), ("//things//7/", ""), ("/metal/v1/things/7", "/metal/v1"),
        ("/metal/v1//metal/v1/things/7?", "/metal/v1"),
      ] {
        let response = try await client.execute(uri: path, method: .get)
        #expect(response.status == .ok)
        #expect(try json(response) == ["id": "7", "prefix": .string(prefix), "q": nil])
      }
    }
  }

  @Test("parameters and queries are percent-decoded")
  func decoding() async throws {
    try await test { client in
      let response = try await client.execute(uri: "/things/a%2Fb%20c?q=x%2Cy+z", method: .get)
      #expect(try json(response) == ["id": "a/b c", "prefix": "", "q": "x,y z"])
    }
  }

  @Test("a created thing answers 201, a deleted one 204 without a body")
  func statuses() async throws {
    try await test { client in
      let created = try await client.execute(
        uri: "/things/7", method: .post, headers: [.contentType: "text/plain"], body: ByteBuffer(string: "{\"a\":1}\n"))
      #expect(created.status == .created)
      #expect(try json(created) == ["a": 1])
      let deleted = try await client.execute(uri: "/things/7", method: .delete, body: ByteBuffer(string: "{}"))
      #expect(deleted.status == .noContent)
      #expect(deleted.body.readableBytes == 0)
    }
  }

  @Test(
    "an unknown path answers 404 in the form of all errors", arguments: ["/", "/thing", "/things/1/2", "/metal/v1/x"])
  func unknownPath(_ path: String) async throws {
    try await test { client in
      let response = try await client.execute(uri: path, method: .get)
      #expect(response.status == .notFound)
      #expect(try json(response)["errors"]?[0] == .string("there is nothing at \"\(path)\""))
    }
  }

  @Test(
    "a method that a path does not have answers 405 and says which it has",
    arguments: [
      HTTPRequest.Method.put, .patch,
    ])
  func unknownMethod(_ method: HTTPRequest.Method) async throws {
    try await test { client in
      let response = try await client.execute(uri: "/metal/v1/things/7", method: method)
      #expect(response.status == .methodNotAllowed)
      #expect(response.headers[.allow] == "DELETE, GET, POST")
      let line = "\(method.rawValue) /metal/v1/things/7 is not possible; valid are DELETE, GET, POST"
      #expect(try json(response)["errors"] == [.string(line)])
    }
  }

  @Test("unreadable JSON answers 400 and says where it stops")
  func unreadable() async throws {
    try await test { client in
      let response = try await client.execute(
        uri: "/things/7", method: .post, body: ByteBuffer(string: "{\n  \"a\": }"))
      #expect(response.status == .badRequest)
      let line = "the body is not readable as JSON: line 2, column 8: expected a value, found '}'"
      #expect(try json(response)["errors"] == [.string(line)])
    }
  }

  @Test("a body of 1 MiB is read, and one byte more answers 413")
  func bodyLimit() async throws {
    try await test { client in
      let head = #"{"a":""#
      func body(_ count: Int) -> ByteBuffer {
        ByteBuffer(string: head + String(repeating: "x", count: count - head.utf8.count - 2) + "\"}")
      }
      let longest = try await client.execute(uri: "/things/7", method: .post, body: body(1 << 20))
      #expect(longest.status == .created)
      let longer = try await client.execute(uri: "/things/7", method: .post, body: body(1 << 20 + 1))
      #expect(longer.status == .contentTooLarge)
      #expect(try json(longer)["errors"] == ["the body is too long: the limit is 1048576 bytes"])
    }
  }

  @Test("refusals answer 422 and 404 with their lines, and faults 500 without their inside")
  func errors() async throws {
    try await test { client in
      let refused = try await client.execute(uri: "/refusals", method: .post)
      #expect(refused.status == .unprocessableContent)
      #expect(try json(refused) == ["errors": ["no"]])
      let unknown = try await client.execute(uri: "/unknowns", method: .post)
      #expect(unknown.status == .notFound)
      #expect(try json(unknown) == ["errors": ["nobody"]])
      let failed = try await client.execute(uri: "/failures", method: .post)
      #expect(failed.status == .internalServerError)
      #expect(try json(failed)["errors"] == ["the request failed inside the daemon; its log says why"])
    }
  }
}
