import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTesting
import NIOCore
import Rack
import Synchronization
import Testing

@testable import API

@Suite("Long answers") struct LongAnswerTests {
  /// A rack with so many networks, each of 10 kB, and one server on one of them.
  private static func fill(_ api: WholeAPI, _ count: Int) async throws -> String {
    let project = try await api.project()
    let tags = (0..<128).map { "\"\(String(repeating: "y", count: 76))\($0 + 100)\"" }.joined(separator: ",")
    for number in 0..<count {
      try await api.call(
        .post, "/projects/\(project)/virtual-networks",
        #"{"facility": "ewr1", "vxlan": \#(1000 + number), "tags": [\#(tags)]}"#, 201)
    }
    return project
  }

  @Test("a short list has its length, and a long one goes out in pieces; both are the same text as ever")
  func forms() async throws {
    try await WholeAPI.test { api in
      let project = try await Self.fill(api, 60)
      for path in ["/projects/\(project)/virtual-networks", "/toprack/virtual-networks"] {
        let short = try await api.ask(.get, "\(path)?vxlan=1000")
        #expect(short.status == .ok && short.headers[.contentLength] == "\(short.bytes.count)")
        let long = try await api.ask(.get, path)
        #expect(long.status == .ok && long.headers[.contentType] == "application/json; charset=utf-8")
        #expect(long.headers[.contentLength] == nil, "nobody has seen its end yet")
        #expect(long.json["virtual_networks"]?.elements.count == 60)
        #expect(long.json["virtual_networks"]?[0] == short.json["virtual_networks"]?[0])
        #expect(long.bytes == long.json.text, "no more and no less than the list")
      }
      let path = "/projects/\(project)/virtual-networks"
      try await api.refuse(.get, "\(path)?metro=xx", nil, 422, "valid are ny")
      #expect(try await api.ask(.head, path).status == .ok)
      #expect(try await api.ask(.head, path).bytes.isEmpty)
    }
  }

  @Test("a client that reads a long list by any socket has all of it, and the connection serves on")
  func overTCP() async throws {
    try await Serving.api { port, token, keeper in
      let names = try await keeper.fillNetworks(100, ofBytes: 12_000)
      let client = try RawClient(port, window: 4096)
      client.send(Serving.get("/toprack/virtual-networks", token))
      let answer = await client.receive(until: "\r\n0\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.lowercased().contains("transfer-encoding: chunked"))
      #expect(answer.matches(of: #/"vxlan":/#).count == names)
      client.send("HEAD /toprack/virtual-networks HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\n\r\n")
      #expect(await client.receive(until: "\r\n\r\n").contains(" 200 OK\r\n"))
      let old = try RawClient(port)
      old.send("GET /toprack/virtual-networks HTTP/1.0\r\nHost: x\r\nX-Auth-Token: \(token)\r\n\r\n")
      let text = await old.receive()
      #expect(text.contains(" 200 OK\r\n") && text.hasSuffix("]}") && text.matches(of: #/"vxlan":/#).count == names)
    }
  }

  /// Whether a connection at the server's side is established.
  private static func isEstablished(at port: UInt16) -> Bool {
    let table = (try? String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8)) ?? ""
    let end = String(format: ":%04X", port)
    return table.split(separator: "\n").dropFirst().contains { line in
      let words = line.split(separator: " ")
      return words[1].hasSuffix(end) && words[3] == "01"
    }
  }

  @Test("of an answer that nobody reads the system takes little as well, and the connection ends in its time")
  func unread() async throws {
    var limits = ConnectionLimits()
    limits.reading = .milliseconds(500)
    try await Serving.api(limits) { port, token, keeper in
      _ = try await keeper.fillNetworks(100, ofBytes: 12_000)
      let client = try RawClient(port, window: 4096)
      client.send(Serving.get("/toprack/virtual-networks", token))
      for _ in 0..<3000 where Self.isEstablished(at: port) { try await Task.sleep(for: .milliseconds(10)) }
      #expect(!Self.isEstablished(at: port))
      withExtendedLifetime(client) {}
    }
  }

  /// What a client has taken so far.
  private final class Taken: ResponseBodyWriter, Sendable {
    private let pieces = Mutex<[Int]>([])
    var sizes: [Int] { pieces.withLock(\.self) }
    let whenWritten: @Sendable (Int) async throws -> Void

    init(_ whenWritten: @escaping @Sendable (Int) async throws -> Void = { _ in }) { self.whenWritten = whenWritten }

    func write(_ buffer: ByteBuffer) async throws {
      pieces.withLock { $0.append(buffer.readableBytes) }
      try await whenWritten(buffer.readableBytes)
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws { pieces.withLock { $0.append(0) } }
  }

  /// A list of so many texts of 10 kB, and how many of them have been rendered.
  private static func texts(_ count: Int) -> (listing: Listing, rendered: @Sendable () -> Int) {
    let box = Box()
    let elements = Listing.Elements(count: count) {
      { index in
        box.count.withLock { $0 += 1 }
        return .string("\(index % 10)\(String(repeating: "x", count: 10_000))")
      }
    }
    return (Listing(["a": .elements(elements), "b": .json(1)]), { box.count.withLock(\.self) })
  }

  private final class Box: Sendable { let count = Mutex(0) }

  @Test("an element is rendered when those before it have been taken, and none for a client that has gone")
  func lazily() async throws {
    let (listing, rendered) = Self.texts(1000)
    let (answers, caller) = (UntakenAnswers(), Caller(name: "a"))
    let isThere = Mutex(true)
    let body = try await answers.body(listing, for: caller, .free) { isThere.withLock(\.self) }
    #expect(body.contentLength == nil && rendered() < 8, "the beginning")
    #expect(answers.count(of: caller) == Listing.share)
    let total = Mutex(0)
    let taken = Taken { size in
      total.withLock { $0 += size }
      #expect(rendered() * 10_000 <= total.withLock(\.self) + 20_000, "nothing is rendered ahead")
      if total.withLock({ $0 > 5_000_000 }) { isThere.withLock { $0 = false } }
    }
    await #expect(throws: CancellationError.self) { try await body.write(taken) }
    #expect(taken.sizes.dropFirst().allSatisfy { (1...(Listing.pieceSize + 11_000)).contains($0) })
    #expect(rendered() < 530, "\(rendered())")
  }

  @Test("an answer is counted until it has been taken, and who has too much of it gets no further one")
  func counted() async throws {
    let (answers, caller) = (UntakenAnswers(), Access(scope: .all, by: "anna").caller)
    do {
      let (listing, _) = Self.texts(40)
      try await answers.body(listing, for: caller, .free) { true }.write(Taken())
      let short = try await answers.body(Self.texts(3).listing, for: caller, .free) { true }
      #expect(short.contentLength == 30_000 + 3 * 4 + 2 + #"{"a":[],"b":1}"#.utf8.count - 3)
      let whole = answers.body([UInt8](repeating: 0, count: 1 << 20), for: caller)
      #expect(answers.count(of: caller) == 1 << 20 && whole.contentLength == 1 << 20)
      let taken = Taken()
      try await whole.write(taken)
      #expect(taken.sizes == Array(repeating: UntakenAnswers.pieceSize, count: 16) + [0])
    }
    #expect(answers.count(of: caller) == 0)
  }

  @Test("beyond the limit the answer is 429 with when to come again, and nothing has been done")
  func tooMany() async throws {
    let keeper = RackAlone()
    var routes = Routes(keeper: keeper)
    APIResponder.register(on: &routes)
    let answers = routes.accounts.answers
    let lease = Mutex<UntakenAnswers.Lease?>(
      answers.take(UntakenAnswers.limit, Access(scope: .all, by: "anna").caller))
    try await Application(responder: LocalResponder(routes, keeper: keeper)).test(.router) { client in
      let body = ByteBuffer(string: #"{"name": "x"}"#)
      let refused = try await client.execute(uri: "/projects", method: .post, body: body)
      #expect(refused.status == .tooManyRequests && refused.headers[.retryAfter] == "1")
      #expect(String(buffer: refused.body).contains("anna has answers of 64 MiB that have not been read"))
      #expect(await keeper.rack.projects.count == 1)
      lease.withLock { $0 = nil }
      #expect(try await client.execute(uri: "/projects", method: .post, body: body).status == .created)
    }
  }
}

extension RackAlone {
  /// Makes so many networks, of so many bytes in an answer, and says how many there are.
  func fillNetworks(_ count: Int, ofBytes size: Int) throws -> Int {
    let tags = (0..<(size / 80)).map { String(repeating: "y", count: 74) + "\(100 + $0)" }
    for number in 0..<count {
      _ = try perform(
        .createNetwork(
          NetworkRequest(
            project: project, place: .facility("ewr1"), vxlan: 1000 + number, description: nil,
            tags: Array(tags.prefix(128)))), by: "test")
    }
    return rack.networks.count
  }
}
