import Foundation
import HTTPTypes
import NIOCore
import Rack
import Testing

@testable import API

/// The API on the loopback interface, with limits that a test can wait for.
@Suite("The API over TCP", .serialized) struct APIServiceTests {
  @Test("requests are answered one after another on one connection, with server, date and rates")
  func keepAlive() async throws {
    try await Serving.api { port, token, _ in
      let client = try RawClient(port)
      for _ in 0..<3 {
        client.send(Serving.get("/toprack/settings", token))
        let answer = await client.receive(until: "}}")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        for header in ["Server: test", "Date: ", "X-RateLimit-Limit: 2000", "X-RateLimit-Remaining: "] {
          #expect(answer.contains("\r\n\(header)"))
        }
      }
      client.send("GET /projects HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(await client.receive(until: "}").hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
    }
  }

  @Test("a request that does not come is not waited for: no byte, half a head, half a body")
  func slowRequests() async throws {
    var limits = ConnectionLimits()
    limits.request = .milliseconds(300)
    try await Serving.api(limits) { port, token, _ in
      let (silent, head, body) = (try RawClient(port), try RawClient(port), try RawClient(port))
      head.send("GET /projects HTTP/1.1\r\nX: ")
      body.send("POST /toprack/tokens HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\nContent-Length: 100\r\n\r\n{")
      #expect(await silent.receive() == "")
      #expect(await head.receive() == "")
      #expect(await body.receive() == "")
    }
  }

  @Test("a connection that has been answered is not waited for for ever")
  func idle() async throws {
    var limits = ConnectionLimits()
    limits.idle = .milliseconds(300)
    try await Serving.api(limits) { port, token, _ in
      let client = try RawClient(port)
      client.send(Serving.get("/toprack/settings", token))
      #expect(await client.receive().hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test("a request line without end, a header too long and too many headers are not read to their end")
  func heads() async throws {
    try await Serving.api { port, token, _ in
      let line = try RawClient(port)
      line.send("GET /" + String(repeating: "x", count: 600_000), within: .seconds(5))
      #expect(!(await line.receive()).contains("200 OK"))
      let long = try RawClient(port)
      long.send(
        "GET /projects HTTP/1.1\r\nX-Auth-Token: \(token)\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n")
      #expect(!(await long.receive()).contains("200 OK"))
      let many = try RawClient(port)
      let headers = (0..<200).map { "X-\($0): y\r\n" }.joined()
      many.send("GET /projects HTTP/1.1\r\nX-Auth-Token: \(token)\r\n\(headers)\r\n")
      #expect(!(await many.receive()).contains("200 OK"))
    }
  }

  // MARK: Events

  private func event(_ type: String, _ project: ProjectID? = nil) -> Event {
    Event(
      id: EventID(UUID()), type: type, body: "\(type) happened",
      createdAt: Date(timeIntervalSince1970: 1_563_439_598), project: project, by: "anna")
  }

  @Test("events come as they happen, in the form of server-sent events, each project's to its own")
  func events() async throws {
    try await Serving.api { port, token, keeper in
      let project = try #require(await keeper.rack.project(named: "default")).id
      let own = try await keeper.token("own", project: project)
      let (whole, tenant) = (try RawClient(port), try RawClient(port))
      whole.send(Serving.get("/events/stream", token))
      tenant.send(Serving.get("/events/stream", own))
      #expect(await whole.receive(until: ": toprack events").contains("Content-Type: text/event-stream"))
      _ = await tenant.receive(until: ": toprack events")
      let events = [
        event("settings.update"), event("device.create", project), event("device.delete", ProjectID(UUID())),
      ]
      for event in events { await keeper.publish(event) }
      let last = event("port.assign", project)
      await keeper.publish(last)
      let text = await whole.receive(until: "id: \(last.id)")
      for event in events {
        #expect(text.contains("id: \(event.id)\nevent: \(event.type)\ndata: {\"id\":\"\(event.id)\""))
      }
      #expect(text.contains(#""server_id":null,"project":"default","project_id":"\#(project)"}"#))
      let seen = await tenant.receive(until: "id: \(last.id)")
      #expect(seen.contains("id: \(events[1].id)\n"))
      #expect(!seen.contains("settings.update") && !seen.contains("device.delete"))
    }
  }

  @Test("a stream is taken up again after the last event that was seen, by header or query")
  func resume() async throws {
    try await Serving.api { port, token, keeper in
      let events = (0..<1_200).map { event("device.update.\($0)") }
      for event in events { await keeper.publish(event) }
      let client = try RawClient(port)
      client.send(
        "GET /events/stream HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\nLast-Event-ID: \(events[9].id)\r\n\r\n")
      let text = await client.receive(until: "id: \(events[1_199].id)\n")
      let ids = text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
      #expect(ids == events[10...].map(\.id.description))
      let new = event("device.update")
      await keeper.publish(new)
      _ = await client.receive(until: "id: \(new.id)\n")
      let other = try RawClient(port)
      other.send(Serving.get("/events/stream?since=\(events[1_198].id)", token))
      #expect(await other.receive(until: "id: \(new.id)\n").contains("id: \(events[1_199].id)\n"))
      let unknown = try RawClient(port)
      unknown.send(Serving.get("/events/stream?since=\(UUID().uuidString)", token))
      #expect(await unknown.receive(until: "}").hasPrefix("HTTP/1.1 404"))
    }
  }

  @Test("a stream without events gives signs of life, and ends when its token is revoked")
  func heartbeat() async throws {
    try await Serving.api(heartbeat: .milliseconds(50)) { port, token, keeper in
      let client = try RawClient(port)
      client.send(Serving.get("/events/stream", token))
      let text = await client.receive(until: ": still here")
      #expect(text.contains(": still here"))
      let id = try #require(await keeper.rack.tokens.values.first).id
      _ = try await keeper.perform(.revokeToken(id), by: "test")
      #expect(await client.receive(until: "0\r\n\r\n").hasSuffix("0\r\n\r\n"))
    }
  }

  @Test("who follows and does not read is let go, and holds up nobody")
  func slowFollower() async throws {
    var limits = ConnectionLimits()
    limits.reading = .seconds(3)
    try await Serving.api(limits, heartbeat: .milliseconds(100)) { port, token, keeper in
      let (idle, diligent) = (try RawClient(port, window: 16_384), try RawClient(port))
      for client in [idle, diligent] {
        client.send(Serving.get("/events/stream", token))
        _ = await client.receive(until: ": toprack events")
      }
      let events = (0..<12_000).map { event("device.update.\($0)") }
      for event in events { await keeper.publish(event) }
      let last = event("device.last")
      await keeper.publish(last)
      #expect(await diligent.receive(until: "id: \(last.id)\n").contains("id: \(last.id)\n"))
      #expect(await keeper.watchers(fallTo: 1), "the idle one has been let go")
      #expect(!(await idle.receive()).contains("id: \(last.id)\n"))
    }
  }
}
