import Foundation
import NIOCore
import Testing

@testable import toprack

/// Somebody who listens on a port of this machine, and is not the API: takes one connection, sends `answer` when the
/// first bytes have come, and closes unless it is to be `silent`.
private final class Listener: Sendable {
  let port: UInt16
  private let descriptor: Int32

  init(_ answer: [UInt8], silent: Bool = false) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listening = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listening, $0, length) == 0 && listen(listening, 8) == 0 && getsockname(listening, $0, &length) == 0
      }
    }
    try #require(isBound)
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread {
      let peer = accept(listening, nil, nil)
      guard peer >= 0 else { return }
      var bytes = [UInt8](repeating: 0, count: 4096)
      _ = recv(peer, &bytes, bytes.count, 0)
      if silent {
        // Until the other one has had enough.
        while recv(peer, &bytes, bytes.count, 0) > 0 {}
      } else {
        _ = send(peer, answer, answer.count, Int32(MSG_NOSIGNAL))
      }
      close(peer)
    }
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }
}

@Suite("URLs that lead to no API") struct UnreachableTests {
  private func lines(_ url: String, timeout: TimeAmount = .seconds(20)) async throws -> (Int32, [String]) {
    do {
      _ = try await Client(.url(url), token: nil, trust: .system, timeout: timeout).get("/toprack/status")
      return (0, [])
    } catch let failure as Failure {
      return (failure.kind.rawValue, failure.messages)
    }
  }

  private static func port(_ listener: Listener) -> String { "127.0.0.1:\(listener.port)" }

  @Test(
    "a malformed one, or one of another scheme, is refused before it is tried, with what would be valid",
    arguments: [
      ("127.0.0.1:1", "does not begin with http:// or https://"),
      ("localhost", "does not begin with http:// or https://"), ("", "does not begin with http:// or https://"),
      ("ftp://rack1", "does not begin with http:// or https://"),
      ("/run/toprack/toprack.sock", "is a path: a Unix socket is given with --socket"),
      ("unix:///run/toprack/toprack.sock", "is a Unix socket: give its path with --socket"),
      ("http://", "has no host"), ("https:///projects", "has no host"), ("http://:8080", "has no host"),
      ("http://rack1:0", "has port '0', and a port is 1 to 65535"),
      ("http://rack1:65536", "has port '65536', and a port is 1 to 65535"),
      ("http://rack1:", "has port '', and a port is 1 to 65535"), ("http://rack 1", "is no URL"),
      ("http://rack1:x", "is no URL"), ("http://[::1", "is no URL"),
      ("http://me:secret@rack1", "has a user in it: who you are is said by a token, with --token"),
      ("http://rack1?x=1", "has a query, and is only the beginning of one"),
    ])
  func malformed(_ url: String, _ reason: String) {
    let fault = BaseURL.fault(of: url, from: "--url")
    #expect(
      fault == "--url '\(url)' \(reason); valid are http://HOST:PORT and, where the daemon has TLS, https://HOST:PORT")
  }

  @Test(
    "others are tried",
    arguments: [
      "http://127.0.0.1:8080", "https://rack1:8443", "http://[::1]:8080/", "HTTPS://rack1", "http://rack1/under/here",
    ])
  func valid(_ url: String) { #expect(BaseURL.fault(of: url, from: "--url") == nil) }

  @Test("a port where nobody listens, and a name that nobody knows")
  func nobody() async throws {
    #expect(
      try await lines("http://127.0.0.1:1")
        == (3, ["the API at http://127.0.0.1:1 cannot be reached: Connection refused"]))
    #expect(
      try await lines("http://nobody.invalid:8080")
        == (3, ["the API at http://nobody.invalid:8080 cannot be reached: the name nobody.invalid is not known"]))
  }

  @Test("somebody who takes the connection and never answers")
  func silent() async throws {
    let listener = try Listener([], silent: true)
    let url = "http://\(Self.port(listener))"
    #expect(
      try await lines(url, timeout: .milliseconds(200))
        == (3, ["the API at \(url) cannot be reached: no answer within 200 ms"]))
  }

  @Test("TLS where the URL has none, and none where it has")
  func mismatch() async throws {
    // An alert of TLS, as a server answers to what is no handshake.
    let tls = try Listener([0x15, 3, 1, 0, 2, 2, 0x46])
    let plain = "http://\(Self.port(tls))"
    #expect(
      try await lines(plain)
        == (3, ["what answers at \(plain) does not speak HTTP; if it speaks TLS, the URL begins with https://"]))
    let http = try Listener(Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8))
    let secure = "https://\(Self.port(http))"
    #expect(
      try await lines(secure)
        == (3, ["what answers at \(secure) does not speak TLS: if it is the API, the URL begins with http://"]))
    let closing = try Listener([])
    let closed = "http://\(Self.port(closing))"
    #expect(
      try await lines(closed)
        == (3, ["the API at \(closed) closed the connection; if it speaks TLS, the URL begins with https://"]))
    let gone = try Listener([])
    let secureAndClosed = "https://\(Self.port(gone))"
    let (status, messages) = try await lines(secureAndClosed)
    #expect(status == 3 && messages.count == 1, "\(messages)")
    #expect(messages[0].contains(secureAndClosed) && !messages[0].contains("("), "\(messages)")
  }

  @Test("what answers and is another service: SSH, a web site, another API")
  func others() async throws {
    let ssh = try Listener(Array("SSH-2.0-OpenSSH_9.2p1 Debian\r\n".utf8))
    let first = "http://\(Self.port(ssh))"
    #expect(
      try await lines(first).1 == [
        "what answers at \(first) does not speak HTTP; if it speaks TLS, the URL begins with https://"
      ])
    let site = try Listener(Array("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>".utf8))
    #expect(
      try await lines("http://\(Self.port(site))")
        == (1, ["the API answered 404 Not Found, and does not say why: is the URL or the socket the right one?"]))
    let other = try Listener(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"id\": 1}".utf8))
    let answer = try await Client(.url("http://\(Self.port(other))"), token: nil, trust: .system).get("/toprack/status")
    let failure = #expect(throws: Failure.self) { try answer.decoded(as: RackStatus.self) }
    #expect(
      failure?.messages[0].contains("is missing; is toprackd of another version?") == true, "\(failure?.messages ?? [])"
    )
  }
}
