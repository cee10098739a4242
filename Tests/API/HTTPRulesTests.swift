import Foundation
import Rack
import Testing

@testable import API

/// What is sent, and the status that must come back, on a connection that then ends.
struct HTTPVector: Sendable, CustomTestStringConvertible {
  let name: String
  /// `TOKEN` stands for a valid one.
  let text: String
  let status: Int
  let words: String

  init(_ name: String, _ text: String, _ status: Int, _ words: String = "") {
    (self.name, self.text, self.status, self.words) = (name, text, status, words)
  }

  var testDescription: String { name }

  private static let start = "GET /toprack/settings HTTP/1.1\r\nX-Auth-Token: TOKEN\r\n"
  private static let post = "POST /projects HTTP/1.1\r\nHost: x\r\nX-Auth-Token: TOKEN\r\n"

  static let refused: [HTTPVector] = [
    HTTPVector("no Host", start + "\r\n", 400, "there is no Host header"),
    HTTPVector("two Hosts", start + "Host: a\r\nHost: b\r\n\r\n", 400, "there are 2 Host headers"),
    HTTPVector("the same Host twice", start + "Host: a\r\nhost: a\r\n\r\n", 400, "there are 2 Host headers"),
    HTTPVector("a list as Host", start + "Host: a, b\r\n\r\n", 400, "is no host and port"),
    HTTPVector("a path in Host", start + "Host: a/b\r\n\r\n", 400, "is no host and port"),
    HTTPVector("another transfer coding", post + "Transfer-Encoding: gzip\r\n\r\n", 400),
    HTTPVector("a coding behind chunked", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    HTTPVector("chunked and more", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    HTTPVector("two transfer codings", post + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    HTTPVector(
      "both a length and chunks", post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    HTTPVector("a chunk size that is none", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
    HTTPVector("a chunk size of 17 digits", post + "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n", 400),
    HTTPVector("a chunk that is longer than it says", post + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n", 400),
    HTTPVector("two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    HTTPVector("the same length twice", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
    HTTPVector("a list as length", post + "Content-Length: 2, 2\r\n\r\n{}", 400),
    HTTPVector("a length below 0", post + "Content-Length: -1\r\n\r\n{}", 400),
    HTTPVector("a length with a sign", post + "Content-Length: +2\r\n\r\n{}", 400),
    HTTPVector("a length in hexadecimal", post + "Content-Length: 0x2\r\n\r\n{}", 400),
    HTTPVector("a length of 30 digits", post + "Content-Length: 111111111111111111111111111111\r\n\r\n", 400),
    HTTPVector("a body that is announced as too long", post + "Content-Length: 1048577\r\n\r\n", 413, "1048576 bytes"),
    HTTPVector(
      "too long a body for one who would wait for a word",
      post + "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", 413),
    HTTPVector("an expectation that nobody knows", post + "Expect: a miracle\r\nContent-Length: 2\r\n\r\n{}", 417),
    HTTPVector("a target that is no path", "GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    HTTPVector("a star", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    HTTPVector("a target of another scheme", "GET ftp://x/projects HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    HTTPVector("a proxy", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", 501),
    HTTPVector("another version", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    HTTPVector("no HTTP", "\u{1}\u{2}\u{3}\r\n\r\n", 400),
    HTTPVector("a space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    HTTPVector("a folded header", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    HTTPVector("a header too long", start + "Host: x\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n", 431),
    HTTPVector(
      "too many headers", start + "Host: x\r\n" + (0..<200).map { "X-\($0): y\r\n" }.joined() + "\r\n", 431),
    HTTPVector("a target too long", "GET /\(String(repeating: "x", count: 40_000)) HTTP/1.1\r\nHost: x\r\n\r\n", 431),
  ]

  static let answered: [HTTPVector] = [
    HTTPVector("HTTP/1.0 without a Host", "GET /toprack/settings HTTP/1.0\r\nX-Auth-Token: TOKEN\r\n\r\n", 200),
    HTTPVector("the last request", start + "Host: x\r\nConnection: TE, close\r\n\r\n", 200),
    HTTPVector(
      "an absolute target, whose host counts",
      "GET http://y/toprack/settings HTTP/1.1\r\nHost: x\r\nX-Auth-Token: TOKEN\r\nConnection: close\r\n\r\n", 200),
    HTTPVector(
      "the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: x\r\nX-Auth-Token: TOKEN\r\nConnection: close\r\n\r\n", 204),
    HTTPVector(
      "chunks",
      post + "Connection: close\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\n{\"nam\r\n8;x=y\r\ne\": \"p\"}\r\n0\r\n\r\n",
      201),
  ]
}

@Suite("HTTP as it is on the wire", .serialized) struct HTTPRulesTests {
  private func check(_ vector: HTTPVector, _ port: UInt16, _ token: String) async throws {
    let client = try RawClient(port)
    client.send(vector.text.replacing("TOKEN", with: token))
    let answer = await client.receive()
    #expect(
      answer.hasPrefix("HTTP/1.1 \(vector.status) ") || answer.hasPrefix("HTTP/1.0 \(vector.status) "), "\(answer)")
    #expect(vector.words.isEmpty || answer.contains(vector.words), "\(answer)")
    #expect(answer.contains("\r\nConnection: close\r\n"), "\(answer)")
    #expect(answer.ranges(of: "\r\nServer: ").count == 1, "one answer, and nothing behind it")
  }

  @Test("what can be read in two ways, or not at all, is answered with what is wrong, and the connection ends")
  func refused() async throws {
    try await Serving.api { port, token, _ in
      for vector in HTTPVector.refused { try await check(vector, port, token) }
    }
  }

  @Test("what is unusual and valid is answered")
  func answered() async throws {
    try await Serving.api { port, token, _ in
      for vector in HTTPVector.answered { try await check(vector, port, token) }
    }
  }

  @Test("a refusal waits for its turn behind the requests before it, and what comes behind it is not read")
  func order() async throws {
    try await Serving.api { port, token, keeper in
      let client = try RawClient(port)
      client.send(
        Serving.get("/toprack/settings", token) + "GET /projects HTTP/1.1\r\n\r\n"
          + "POST /projects HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\nContent-Length: 12\r\n\r\n{\"name\":\"p\"}"
      )
      let answer = await client.receive()
      let first = try #require(answer.firstRange(of: "HTTP/1.1 200 OK"))
      let second = try #require(answer.firstRange(of: "HTTP/1.1 400 Bad Request"))
      #expect(first.lowerBound < second.lowerBound && answer.ranges(of: "\r\nServer: ").count == 2)
      #expect(await keeper.rack.projects.count == 1)
    }
  }

  @Test("a body that is announced as too long is refused at once, and the client can read so while it is still sending")
  func tooLong() async throws {
    try await Serving.api { port, token, _ in
      let client = try RawClient(port)
      client.send("POST /projects HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\nContent-Length: 9999999\r\n\r\n")
      #expect(await client.receive(until: "bytes\"]}").hasPrefix("HTTP/1.1 413 "))
      // One that is not announced is refused when it is too long.
      let chunks = try RawClient(port)
      chunks.send("POST /projects HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\nTransfer-Encoding: chunked\r\n\r\n")
      let chunk = "10000\r\n" + String(repeating: " ", count: 0x10000) + "\r\n"
      for _ in 0..<40 { chunks.send(chunk, within: .seconds(20)) }
      #expect(await chunks.receive(until: "bytes\"]}").hasPrefix("HTTP/1.1 413 "))
    }
  }

  @Test("one who is answered before the body has come, and goes or sends what is none, disturbs nobody")
  func answeredEarly() async throws {
    try await Serving.api { port, token, _ in
      for rest in ["{", "zz\r\n", ""] {
        let framing = rest.hasPrefix("z") ? "Transfer-Encoding: chunked" : "Content-Length: 100"
        let client = try RawClient(port)
        client.send("POST /projects HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n")
        #expect(await client.receive(until: "}").hasPrefix("HTTP/1.1 401 "))
        client.send(rest)
        client.end()
      }
      let last = try RawClient(port)
      last.send("POST /projects HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
      #expect(await last.receive(until: "}").hasPrefix("HTTP/1.1 401 "))
      last.send("{}" + Serving.get("/toprack/settings", token))
      #expect(await last.receive() == "", "it was the last request, and the connection ends")
      let client = try RawClient(port)
      client.send(Serving.get("/toprack/settings", token))
      #expect(await client.receive(until: "}}").hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
  }

  @Test("one who waits for a word before the body gets it, once, and none when the body is not wanted")
  func expectation() async throws {
    try await Serving.api { port, token, _ in
      let client = try RawClient(port)
      client.send(
        "POST /projects HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n\r\n"
      )
      #expect(await client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      client.send("{\"name\":\"p\"}" + Serving.get("/toprack/settings", token))
      let answer = await client.receive(until: "}}")
      #expect(answer.hasPrefix("HTTP/1.1 201 Created\r\n") && answer.contains("HTTP/1.1 200 OK\r\n"))
    }
  }

  @Test("an answer to HEAD has a head alone, whatever it says, and the next answer follows it")
  func head() async throws {
    try await Serving.api { port, token, _ in
      let client = try RawClient(port)
      for (path, status) in [("/toprack/settings", 200), ("/nothing", 404), ("/projects/x", 404)] {
        client.send("HEAD \(path) HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\n\r\n")
        let answer = await client.receive(until: "\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.hasSuffix("\r\n\r\n"), "\(answer)")
        #expect(answer.contains("Content-Length: "))
      }
      client.send("HEAD /projects HTTP/1.1\r\nHost: x\r\n\r\n")
      let stranger = await client.receive(until: "\r\n\r\n")
      #expect(stranger.hasPrefix("HTTP/1.1 401 ") && stranger.hasSuffix("\r\n\r\n"))
      client.send(Serving.get("/toprack/settings", token))
      #expect(await client.receive(until: "}}").hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
  }

  @Test("the Unix socket has the same rules, but that nobody has to name a host there")
  func local() async throws {
    try await Serving.local { path, _ in
      for host in ["", "Host:\r\n", "Host: localhost\r\n"] {
        let client = try RawClient(path: path)
        client.send("GET /toprack/settings HTTP/1.1\r\n\(host)\r\n")
        #expect(await client.receive(until: "}}").hasPrefix("HTTP/1.1 200 "))
      }
      let client = try RawClient(path: path)
      client.send("GET /projects HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
      #expect(await client.receive().hasPrefix("HTTP/1.1 400 "))
    }
  }
}
