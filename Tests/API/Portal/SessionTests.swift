import Foundation
import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Sessions of the portal") struct SessionTests {
  private let clock = TestClock()

  @Test("one ends when it is not used, and after half a day in any case")
  func ends() {
    let sessions = Sessions(now: clock.now)
    let key = sessions.begin(.user("anna"))
    clock.advance(by: Sessions.idleLimit - .seconds(1))
    #expect(sessions.session(key)?.identity == .user("anna"))
    clock.advance(by: Sessions.idleLimit - .seconds(1))
    #expect(sessions.isOpen(key), "it was used in between")
    clock.advance(by: .seconds(1))
    #expect(!sessions.isOpen(key) && sessions.session(key) == nil && sessions.count == 0)

    let other = sessions.begin(.user("anna"))
    for _ in 0..<12 {
      #expect(sessions.session(other) != nil)
      clock.advance(by: .seconds(3600))
    }
    #expect(sessions.session(other) == nil)
  }

  @Test("what is not a session's key opens none, and one that has ended does not either")
  func keys() {
    let sessions = Sessions(now: clock.now)
    let key = sessions.begin(.user("anna"))
    #expect(key.utf8.count == TokenText.length)
    #expect(sessions.session("") == nil && sessions.session(String(key.dropLast())) == nil)
    sessions.end(key)
    #expect(sessions.session(key) == nil)
  }

  @Test("when there are too many, the one that was unused for longest gives way: first of the same identity")
  func limits() {
    let sessions = Sessions(now: clock.now)
    let bystander = sessions.begin(.user("bystander"))
    var keys: [String] = []
    for _ in 0..<Sessions.identityLimit {
      clock.advance(by: .seconds(1))
      keys.append(sessions.begin(.user("anna")))
    }
    clock.advance(by: .seconds(1))
    _ = sessions.session(keys[0])
    clock.advance(by: .seconds(1))
    _ = sessions.begin(.user("anna"))
    #expect(sessions.isOpen(keys[0]) && !sessions.isOpen(keys[1]) && sessions.isOpen(bystander))
    for number in 0..<Sessions.limit { _ = sessions.begin(.user("user \(number)")) }
    #expect(sessions.count == Sessions.limit && !sessions.isOpen(bystander))
  }

  @Test("a note is shown once, and few are kept")
  func notes() {
    let sessions = Sessions(now: clock.now)
    let key = sessions.begin(.user("anna"))
    for number in 0..<20 { sessions.leave(Note("\(number)"), for: key) }
    #expect(sessions.takeNotes(of: key).map(\.title) == (12..<20).map(String.init))
    #expect(sessions.takeNotes(of: key).isEmpty)
  }

  @Test("cookies are read as browsers send them")
  func cookies() {
    let cookies = Cookies([.cookie: "a=1; toprack-x=abc;b = 2 ; a=3; flag"])
    #expect(cookies["a"] == "1" && cookies["toprack-x"] == "abc" && cookies["b"] == "2" && cookies["flag"] == nil)
  }

  @Test(
    "a form of another site's page is told apart by what the browser says",
    arguments: [
      ("same-origin", nil, true), ("none", nil, true), ("cross-site", nil, false), ("same-site", nil, false),
      (nil, "https://rack:8443", true), (nil, "https://evil:8443", false), (nil, "null", false), (nil, nil, true),
    ] as [(String?, String?, Bool)])
  func origin(_ site: String?, _ origin: String?, _ expected: Bool) {
    var request = HTTPRequest(method: .post, scheme: nil, authority: "rack:8443", path: "/portal")
    request.headerFields[HTTPField.Name("Sec-Fetch-Site")!] = site
    request.headerFields[.origin] = origin
    #expect(request.isFromOwnPage == expected)
  }

  @Test(
    "names that only this machine answers",
    arguments: [
      ("localhost:8080", true), ("127.0.0.1", true), ("[::1]:80", true), ("rack.localhost:1", true),
      ("127.evil.example", false), ("evil.example:8080", false), ("localhost.evil.example", false), ("[::2]", false),
    ])
  func names(_ authority: String, _ expected: Bool) {
    let request = HTTPRequest(method: .get, scheme: nil, authority: authority, path: "/portal")
    #expect(request.isToLocalName == expected)
  }
}
