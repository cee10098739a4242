// What HTTP/1.1 asks of a request's head, beyond what its parser does. Two programs that read a head differently are
// how requests are smuggled past one of them, so what can be read in two ways is refused.

import HTTPTypes
import NIOCore
import NIOHTTP1

/// Judges heads. Sources: RFC 9110, RFC 9112.
enum HeadRules {
  /// A head that may pass, in the one form that is known here: the target begins with `/` (or is `*` of OPTIONS),
  /// `Host` is who is meant, and `Connection` is `close` when this is the last request. Throws what the client is told.
  ///
  /// - Parameters:
  ///   - bodyLimit: bytes.
  ///   - wantsHost: whether there must be one, as HTTP/1.1 says. At a Unix socket there is no host, and clients name
  ///     none.
  static func pass(_ head: HTTPRequestHead, bodyLimit: Int, wantsHost: Bool) throws(APIError) -> HTTPRequestHead {
    try checkHost(head, isWanted: wantsHost)
    try checkFraming(head, limit: bodyLimit)
    try checkExpectation(head)
    var head = head
    try normalizeTarget(&head)
    if isLast(head) { head.headers.replaceOrAdd(name: "Connection", value: "close") }
    return head
  }

  /// Whether the connection ends with the answer. A client of HTTP/1.0 is not asked to find an answer's end by itself.
  static func isLast(_ head: HTTPRequestHead) -> Bool { head.version == .http1_0 || !head.isKeepAlive }

  /// Whether the client waits for a word before it sends the body, RFC 9110 10.1.1.
  static func expectsContinue(_ head: HTTPRequestHead) -> Bool {
    head.version != .http1_0 && head.headers.contains(name: "Expect")
  }

  /// RFC 9112 3.2: one, and one that can be a host.
  private static func checkHost(_ head: HTTPRequestHead, isWanted: Bool) throws(APIError) {
    let hosts = head.headers["Host"]
    guard hosts.count <= 1 else { throw bad("there are \(hosts.count) Host headers; valid is one") }
    guard let host = hosts.first else {
      guard head.version == .http1_0 || !isWanted else { throw bad("there is no Host header; HTTP/1.1 wants one") }
      return
    }
    guard isAuthority(host) else { throw bad("Host \(Arguments.shown(.string(host))) is no host and port") }
  }

  private static func isAuthority(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !#"/?#@\"<>{}|^`,"#.utf8.contains($0) }
  }

  /// RFC 9112 6: where the body ends must be said once.
  private static func checkFraming(_ head: HTTPRequestHead, limit: Int) throws(APIError) {
    let lengths = head.headers["Content-Length"]
    let codings = head.headers["Transfer-Encoding"]
    guard codings.isEmpty || lengths.isEmpty else {
      throw bad("there are both Content-Length and Transfer-Encoding; valid is one of them")
    }
    if !codings.isEmpty {
      guard head.version != .http1_0 else { throw bad("HTTP/1.0 has no Transfer-Encoding; give Content-Length") }
      guard codings.count == 1, codings[0].lowercased() == "chunked" else {
        throw bad(
          "Transfer-Encoding \(Arguments.shown(.string(codings.joined(separator: ", ")))) is not valid; valid is chunked"
        )
      }
    }
    guard lengths.count <= 1 else { throw bad("there are \(lengths.count) Content-Length headers; valid is one") }
    guard let length = lengths.first else { return }
    guard !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw bad("Content-Length \(Arguments.shown(.string(length))) is not valid; valid is a number of bytes")
    }
    guard let count = Int(length), count <= limit else { throw .tooLong(limit: limit) }
  }

  private static func checkExpectation(_ head: HTTPRequestHead) throws(APIError) {
    guard expectsContinue(head) else { return }
    let expectations = head.headers["Expect"]
    guard expectations.allSatisfy({ $0.lowercased() == "100-continue" }) else {
      throw APIError(
        .expectationFailed,
        "Expect \(Arguments.shown(.string(expectations.joined(separator: ", ")))) is not valid; valid is 100-continue")
    }
  }

  /// RFC 9112 3.2: origin-form stays, absolute-form becomes origin-form with its own host, `*` is for OPTIONS alone.
  private static func normalizeTarget(_ head: inout HTTPRequestHead) throws(APIError) {
    if head.method == .CONNECT { throw APIError(.notImplemented, "CONNECT is not possible: this is no proxy") }
    let target = head.uri
    if target.hasPrefix("/") || target == "*" && head.method == .OPTIONS { return }
    guard let scheme = ["http://", "https://"].first(where: { target.lowercased().hasPrefix($0) }) else {
      throw bad("the target \(Arguments.shown(.string(target))) is not valid; valid is a path that begins with /")
    }
    let rest = target.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.isEmpty, isAuthority(String(authority)) else {
      throw bad("the target \(Arguments.shown(.string(target))) has no valid host")
    }
    let path = rest.dropFirst(authority.count)
    head.uri = path.hasPrefix("/") ? String(path) : "/" + path
    head.headers.replaceOrAdd(name: "Host", value: String(authority))
  }

  private static func bad(_ message: String) -> APIError { APIError(.badRequest, message) }
}
