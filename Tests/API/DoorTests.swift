import Foundation
import HTTPTypes
import Rack
import Synchronization
import Testing

@testable import API

extension RackAlone {
  /// Makes a token and gives its text.
  func token(_ name: String, project: ProjectID? = nil, isReadOnly: Bool = false) throws -> String {
    let text = TokenText.make()
    let digest = TokenText.digest(text)
    _ = try perform(
      .createToken(TokenRequest(name: name, digest: digest, project: project, isReadOnly: isReadOnly)), by: "test")
    return text
  }
}

/// A clock that goes when it is told to.
final class TestClock: Sendable {
  private let time = Mutex(Duration.zero)
  var now: @Sendable () -> Duration { { self.time.withLock(\.self) } }
  func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

@Suite("The door of the API") struct DoorTests {
  private let remote = Peer.address("192.0.2.1")

  private func request(_ method: HTTPRequest.Method = .get, token: String? = nil) -> HTTPRequest {
    var request = HTTPRequest(method: method, scheme: nil, authority: nil, path: "/projects")
    if let token { request.headerFields[HTTPField.Name("X-Auth-Token")!] = token }
    return request
  }

  private func access(_ answer: Door.Answer) -> Access? {
    if case .admitted(let access, _) = answer { access } else { nil }
  }

  private func status(_ answer: Door.Answer) -> Int? {
    if case .refused(let error, _) = answer { error.status.code } else { nil }
  }

  @Test("by the Unix socket one comes without a token, as the user that one is; with a wrong one one does not")
  func local() async throws {
    let door = Door(keeper: RackAlone())
    let anna = Peer.user("anna")
    #expect(access(await door.answer(request(), from: anna)) == Access(scope: .all, by: "anna"))
    #expect(access(await door.answer(request(.post, token: ""), from: anna)) == Access(scope: .all, by: "anna"))
    #expect(status(await door.answer(request(token: "wrong"), from: anna)) == 401)
  }

  /// A socket that is forwarded to a port is in reach of every page that its user looks at.
  @Test(
    "by the Unix socket no page of another site comes in without a token",
    arguments: [
      ("localhost:8080", "https://example.com", nil), ("localhost:8080", "null", nil),
      ("localhost:8080", nil, "cross-site"), ("localhost:8080", "http://localhost:9090", "same-site"),
      ("rebound.example.com:8080", "http://rebound.example.com:8080", nil),
      ("rebound.example.com", nil, nil), ("rebound.example.com.", nil, nil), ("127.0.0.1.example.com", nil, nil),
    ] as [(String, String?, String?)])
  func foreignPages(_ host: String, _ origin: String?, _ site: String?) async throws {
    let keeper = RackAlone()
    let door = Door(keeper: keeper)
    var request = request()
    request.authority = host
    request.headerFields[.origin] = origin
    request.headerFields[HTTPField.Name("Sec-Fetch-Site")!] = site
    #expect(status(await door.answer(request, from: .user("anna"))) == 403)
    // A page cannot send this header to another site.
    request.headerFields[HTTPField.Name("X-Auth-Token")!] = try await keeper.token("whole")
    #expect(access(await door.answer(request, from: .user("anna"))) != nil)
  }

  @Test(
    "by the Unix socket programs and pages of the same address come in, whatever host they name",
    arguments: [
      (nil, nil), ("localhost", nil), ("toprack", nil), ("%2Frun%2Ftoprack%2Ftoprack.sock", nil),
      ("127.0.0.1:8080", nil), ("", nil),
      ("[::1]:8080", "http://[::1]:8080"), ("192.0.2.7:8080", "http://192.0.2.7:8080"), ("lab.localhost", nil),
    ] as [(String?, String?)])
  func ownPages(_ host: String?, _ origin: String?) async {
    var request = request()
    request.authority = host
    request.headerFields[.origin] = origin
    #expect(access(await Door(keeper: RackAlone()).answer(request, from: .user("anna"))) != nil)
  }

  @Test("by TCP one needs a token, and has its rights")
  func remote() async throws {
    let keeper = RackAlone()
    let door = Door(keeper: keeper)
    #expect(status(await door.answer(request(), from: remote)) == 401)
    #expect(status(await door.answer(request(token: ""), from: remote)) == 401)
    let project = try #require(await keeper.rack.project(named: "default")).id
    let whole = try await keeper.token("whole")
    let own = try await keeper.token("own", project: project)
    #expect(status(await door.answer(request(token: String(whole.dropLast())), from: remote)) == 401)
    #expect(status(await door.answer(request(token: whole + "x"), from: remote)) == 401)
    let first = try #require(access(await door.answer(request(token: whole), from: remote)))
    #expect(first.scope == .all && !first.isReadOnly && first.by == "whole")
    let second = try #require(access(await door.answer(request(token: own), from: .user("anna"))))
    #expect(second.scope == .project(project) && second.by == "own", "by the socket, too, a token is what counts")
    let id = try #require(await keeper.rack.tokens.values.first { $0.name == "whole" }).id
    _ = try await keeper.perform(.revokeToken(id), by: "test")
    #expect(status(await door.answer(request(token: whole), from: remote)) == 401)
  }

  @Test("one who is not let in is told so in the words that clients know")
  func words() async throws {
    guard case .refused(let error, _) = await Door(keeper: RackAlone()).answer(request(), from: remote) else {
      Issue.record("let in")
      return
    }
    #expect(String(decoding: error.body.text, as: UTF8.self) == #"{"error":"Invalid authentication token"}"#)
  }

  @Test("a read-only token is let in as what it is", arguments: [HTTPRequest.Method.get, .head, .options, .post, .put])
  func reads(_ method: HTTPRequest.Method) async throws {
    let keeper = RackAlone()
    let token = try await keeper.token("reader", isReadOnly: true)
    #expect(access(await Door(keeper: keeper).answer(request(method, token: token), from: remote))?.isReadOnly == true)
  }

  @Test("each token has its rate; who has no token has the address's, which keeps no token waiting")
  func rates() async throws {
    let keeper = RackAlone()
    let clock = TestClock()
    let door = Door(keeper: keeper, rate: 2, now: clock.now)
    let (one, other) = (try await keeper.token("one"), try await keeper.token("other"))
    for left in [3, 2, 1, 0] {
      guard case .admitted(_, let headers) = await door.answer(request(token: one), from: remote) else {
        Issue.record("refused")
        return
      }
      #expect(headers[HTTPField.Name("X-RateLimit-Limit")!] == "4")
      #expect(headers[HTTPField.Name("X-RateLimit-Remaining")!] == "\(left)")
    }
    guard case .refused(let error, let headers) = await door.answer(request(token: one), from: remote) else {
      Issue.record("let in")
      return
    }
    #expect(error.status == .tooManyRequests)
    #expect(headers[.retryAfter] == "1")
    #expect(headers[HTTPField.Name("X-RateLimit-Remaining")!] == "0")
    #expect(access(await door.answer(request(token: other), from: remote)) != nil)
    for _ in 0..<(2 * Door.strangerBurst) {
      #expect(status(await door.answer(request(token: "guess"), from: remote)) == 401)
    }
    #expect(status(await door.answer(request(token: "guess"), from: remote)) == 429)
    #expect(status(await door.answer(request(token: "guess"), from: .address("192.0.2.2"))) == 401)
    #expect(access(await door.answer(request(token: other), from: remote)) != nil)
    clock.advance(by: .milliseconds(500))
    #expect(access(await door.answer(request(token: one), from: remote)) != nil)
    #expect(status(await door.answer(request(token: one), from: remote)) == 429)
    for _ in 0..<100 { #expect(access(await door.answer(request(), from: .user("anna"))) != nil) }
  }
}

@Suite("Rate limiter") struct RateLimiterTests {
  @Test("a bucket fills at its rate, and no further than its size")
  func refill() {
    let clock = TestClock()
    let limiter = RateLimiter(rate: 10, burst: 20, now: clock.now)
    for left in (0..<20).reversed() { #expect(limiter.take("a").remaining == left) }
    let empty = limiter.take("a")
    #expect(empty == RateLimiter.Level(limit: 20, remaining: 0, reset: 2, retry: 1))
    clock.advance(by: .milliseconds(250))
    #expect(limiter.take("a").remaining == 1)
    #expect(limiter.take("a").remaining == 0)
    #expect(limiter.take("a").retry == 1)
    clock.advance(by: .seconds(3600))
    #expect(limiter.take("a").remaining == 19)
  }

  @Test("however many callers there are, memory is bounded: those that are full again make room, and others share")
  func crowd() {
    let clock = TestClock()
    let limiter = RateLimiter(rate: 1, burst: 2, now: clock.now)
    for number in 0..<RateLimiter.bucketLimit { #expect(limiter.take("\(number)").retry == nil) }
    #expect(limiter.take("one more").remaining == 1)
    #expect(limiter.take("and another").remaining == 0)
    #expect(limiter.take("and a third").retry == 1)
    #expect(limiter.take("0").remaining == 0, "who was there before keeps what it has")
    clock.advance(by: .seconds(2))
    #expect(limiter.take("and a third").remaining == 1)
  }
}

@Suite("Texts of tokens") struct TokenTextTests {
  @Test("are long, of letters and digits, and different each time")
  func make() {
    let texts = (0..<100).map { _ in TokenText.make() }
    #expect(Set(texts).count == 100)
    for text in texts {
      #expect(text.utf8.count == 40)
      #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
  }

  @Test("are kept as SHA-256")
  func digest() {
    // FIPS 180-2 B.1.
    let hex = TokenText.digest("abc").map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    #expect(hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
