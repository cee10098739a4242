import Foundation
import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Callers who take too much, over a socket", .serialized) struct SharesOverTCPTests {
  private var small: ConnectionLimits {
    var limits = ConnectionLimits()
    limits.connections = 8
    return limits
  }

  private var news: Event {
    Event(id: EventID(UUID()), type: "x", body: "x", createdAt: Date(timeIntervalSince1970: 0), project: nil)
  }

  @Test("an idle connection on each place locks nobody out either: the one that is idle for longest goes")
  func idle() async throws {
    try await Serving.api(small) { port, token, _ in
      let clients = try (0..<8).map { _ in try RawClient(port) }
      for client in clients {
        client.send(Serving.get("/toprack/settings", token))
        #expect(await client.receive(until: "}}").contains("200 OK"))
      }
      clients[0].send(Serving.get("/toprack/settings", token))
      #expect(await clients[0].receive(until: "}}").contains("200 OK"))
      let late = try RawClient(port)
      late.send(Serving.get("/toprack/settings", token))
      #expect(await late.receive(until: "}}").contains("200 OK"))
      #expect(await clients[1].receive() == "")
      clients[0].send(Serving.get("/toprack/settings", token))
      #expect(await clients[0].receive(until: "}}").contains("200 OK"))
    }
  }

  @Test("half-sent requests on every place lock nobody out: the oldest of them goes for each who comes")
  func halfSent() async throws {
    try await Serving.api(small) { port, token, _ in
      let hostile = try (0..<8).map { _ in try RawClient(port) }
      for client in hostile { client.send("GET /projects HTTP/1.1\r\nX: ") }
      for _ in 0..<5 {
        let client = try RawClient(port)
        client.send(Serving.get("/toprack/settings", token))
        #expect(await client.receive(until: "}}").hasPrefix("HTTP/1.1 200 OK\r\n"))
      }
      withExtendedLifetime(hostile) {}
    }
  }

  @Test("when all places are taken by requests under way, one more is told so, and when to come again")
  func full() async throws {
    try await Serving.api(small) { port, token, keeper in
      let streams = try (0..<8).map { _ in try RawClient(port) }
      for client in streams {
        client.send(Serving.get("/events/stream", token))
        #expect(await client.receive(until: ": toprack events").contains("200 OK"))
      }
      let late = try RawClient(port)
      late.send(Serving.get("/toprack/settings", token))
      let answer = await late.receive()
      #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n") && answer.contains("\r\nRetry-After: 1\r\n"))
      #expect(answer.hasSuffix("{\"errors\":[\"\(ConnectionPlace.refusal)\"]}"))
      streams[3].end()
      // The end is seen when something is written.
      for _ in 0..<1000 {
        await keeper.publish(news)
        let again = try RawClient(port)
        again.send(Serving.get("/toprack/settings", token))
        if await again.receive(until: "}}").hasPrefix("HTTP/1.1 200 OK\r\n") { return }
      }
      Issue.record("a place that was given back is nobody's")
    }
  }

  @Test("one token has so many event streams, and others theirs; one that ends makes room")
  func streams() async throws {
    try await Serving.api { port, token, keeper in
      let streams = try (0..<EventStream.limit).map { _ in try RawClient(port) }
      for client in streams {
        client.send(Serving.get("/events/stream", token))
        #expect(await client.receive(until: ": toprack events").contains("200 OK"))
      }
      let more = try RawClient(port)
      more.send(Serving.get("/events/stream", token))
      let answer = await more.receive(until: "}")
      #expect(answer.hasPrefix("HTTP/1.1 429 ") && answer.contains("\r\nRetry-After: 1\r\n"), "\(answer)")
      #expect(answer.contains("token test has \(EventStream.limit) event streams open, which is the limit"))
      more.send("HEAD /events/stream HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\n\r\n")
      #expect(await more.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 429 "))
      let other = try RawClient(port)
      other.send(Serving.get("/events/stream", try await keeper.token("other")))
      #expect(await other.receive(until: ": toprack events").contains("200 OK"))
      streams[0].end()
      // The end is seen when something is written.
      for _ in 0..<1000 {
        await keeper.publish(news)
        let again = try RawClient(port)
        again.send(Serving.get("/events/stream", token))
        if await again.receive(until: "\n\n").contains("200 OK") { return }
      }
      Issue.record("a stream that has ended is still counted")
    }
  }

  @Test("the sign-in form is not read further than its limit, however many fields come")
  func form() async throws {
    try await Serving.api { port, _, _ in
      let body = (0..<42_000).map { "f\($0)=1" }.joined(separator: "&").prefix(250_000)
      let client = try RawClient(port)
      client.send("POST /portal/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
      client.send(String(body), within: .seconds(20))
      let answer = await client.receive(until: "</html>")
      #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("the form has more than 64 fields"))
      let long = try RawClient(port)
      long.send("POST /portal/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n")
      #expect(await long.receive(until: "</html>").hasPrefix("HTTP/1.1 413 "), "without a byte of it")
    }
  }

  @Test("the description is for everybody, within the strangers' rate")
  func description() async throws {
    let keeper = RackAlone()
    let clock = TestClock()
    let door = Door(keeper: keeper, rate: 2, now: clock.now)
    var request = HTTPRequest(method: .get, scheme: nil, authority: "x", path: "/openapi.yaml")
    let remote = Peer.address("192.0.2.1")
    for _ in 0..<(2 * Door.strangerBurst) {
      guard case .admitted(let access, _) = await door.answerAnybody(request, from: remote) else {
        Issue.record("refused")
        return
      }
      #expect(access.scope == .none && access.isReadOnly)
    }
    guard case .refused(let error, let headers) = await door.answerAnybody(request, from: remote) else {
      Issue.record("let in")
      return
    }
    #expect(error.status == .tooManyRequests && headers[.retryAfter] == "1")
    #expect(await door.answerAnybody(request, from: .user("anna")).isAdmitted)
    request.headerFields[HTTPField.Name("X-Auth-Token")!] = try await keeper.token("whole")
    #expect(await door.answerAnybody(request, from: remote).isAdmitted, "a token has its own rate")
  }
}

extension Door.Answer {
  fileprivate var isAdmitted: Bool { if case .admitted = self { true } else { false } }
}
