import CPcap
import Foundation
import Glibc

/// One request over the daemon's Unix socket, written by hand, so that a test can also say what no client would.
struct HTTPAnswer {
  let status: Int
  let headers: [String: String]
  let body: Data

  /// Sends `request` byte for byte and reads one answer.
  init(raw request: Data, socket path: String) throws {
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    guard withUnixAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
      throw HarnessError("connect \(path): \(String(cString: strerror(errno)))")
    }
    // Writes and reads as the daemon lets it: it may answer, and read no more, before a long body is through.
    var sent = 0
    var answer = Data()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let deadline = Deadline.after(.seconds(20))
    while !Self.isComplete(answer) {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if sent < request.count { entry.events |= Int16(POLLOUT) }
      guard poll(&entry, 1, deadline.milliseconds) > 0 else { throw HarnessError("no whole answer within 20 s") }
      if entry.revents & Int16(POLLIN) != 0 {
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count <= 0 { break }
        answer += buffer.prefix(count)
      } else if entry.revents & Int16(POLLOUT) != 0 {
        let count = request.withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress! + sent, request.count - sent, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        sent += max(count, 0)
      } else {
        break
      }
    }
    guard let end = answer.range(of: Data("\r\n\r\n".utf8)) else {
      throw HarnessError("no HTTP answer: \(String(decoding: answer.prefix(200), as: UTF8.self))")
    }
    let head = String(decoding: answer[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    status = Int(head[0].split(separator: " ").dropFirst().first ?? "") ?? 0
    headers = Dictionary(
      head.dropFirst().compactMap { line in
        line.firstIndex(of: ":").map {
          (line[..<$0].lowercased(), line[line.index(after: $0)...].trimmingCharacters(in: .whitespaces))
        }
      }, uniquingKeysWith: { $1 })
    let rest = Data(answer[end.upperBound...])
    body = headers["transfer-encoding"] == "chunked" ? Self.joined(rest) : rest
  }

  /// What chunks hold (RFC 9112 7.1); a long list has them.
  private static func joined(_ chunks: Data) -> Data {
    var (body, rest) = (Data(), chunks[...])
    while let line = rest.range(of: Data("\r\n".utf8)),
      let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16), size > 0
    {
      body += rest[line.upperBound...].prefix(size)
      rest = rest[line.upperBound...].dropFirst(size + 2)
    }
    return body
  }

  /// Whether `answer` holds all of the body that its head announces; true for 204, which has none.
  private static func isComplete(_ answer: Data) -> Bool {
    guard let end = answer.range(of: Data("\r\n\r\n".utf8)) else { return false }
    let head = String(decoding: answer[..<end.lowerBound], as: UTF8.self).lowercased().components(separatedBy: "\r\n")
    if head[0].contains(" 204 ") { return true }
    if head.contains("transfer-encoding: chunked") { return answer.suffix(7) == Data("\r\n0\r\n\r\n".utf8) }
    guard let line = head.first(where: { $0.hasPrefix("content-length:") }),
      let length = Int(line.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces))
    else { return false }
    return answer.count - answer.distance(from: answer.startIndex, to: end.upperBound) >= length
  }

  /// An ordinary request; `body` goes as it is, whatever it says it is.
  init(_ method: String, _ path: String, body: String? = nil, socket: String) throws {
    var request = "\(method) \(path) HTTP/1.1\r\nHost: toprack\r\nConnection: close\r\n"
    if let body { request += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
    try self.init(raw: Data((request + "\r\n" + (body ?? "")).utf8), socket: socket)
  }

  var json: JSON { (try? JSON(body)) ?? .null }

  /// The texts of an error answer: `{"errors": ["…"]}`; nil when the body is anything else.
  var errors: [String]? {
    guard let texts = json["errors"].array?.compactMap(\.string), !texts.isEmpty else { return nil }
    return texts
  }
}
