import CPcap
import Glibc

/// A Unix stream socket to a program that answers in lines.
final class LineSocket {
  private let descriptor: Int32
  private let name: String
  private var buffer: [UInt8] = []

  /// Connects as soon as somebody listens at `path`.
  init(path: String, until deadline: Deadline) throws {
    name = path
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    while withUnixAddress(path, { connect(descriptor, $0, $1) }) != 0 {
      guard errno == ENOENT || errno == ECONNREFUSED, !deadline.hasPassed else {
        throw HarnessError("connect \(path): \(String(cString: strerror(errno)))")
      }
    }
  }

  /// A pair of connected sockets: this one, and the descriptor of the other, which the caller gives to a program, and closes.
  static func pair(_ name: String) throws -> (LineSocket, other: Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw HarnessError("socketpair: \(String(cString: strerror(errno)))")
    }
    return (LineSocket(descriptor: ends[0], name: name), ends[1])
  }

  private init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  deinit { close(descriptor) }

  func send(_ line: String) throws {
    var bytes = Array((line + "\n").utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { throw HarnessError("\(name): \(String(cString: strerror(errno)))") }
      bytes = bytes.dropFirst(count)
    }
  }

  func line(until deadline: Deadline) throws -> String {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        defer { buffer.removeFirst(end + 1) }
        return String(decoding: buffer[..<end], as: UTF8.self)
      }
      try fill(until: deadline)
    }
  }

  func bytes(_ count: Int, until deadline: Deadline) throws -> [UInt8] {
    while buffer.count < count { try fill(until: deadline) }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  private func fill(until deadline: Deadline) throws {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, deadline.milliseconds) > 0 else { throw HarnessError("\(name): no answer in time") }
    var room = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &room, room.count, 0)
    guard count > 0 else { throw HarnessError("\(name): closed") }
    buffer += room[..<count]
  }
}
