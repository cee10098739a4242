import Foundation
import Glibc

/// A named pipe that a program writes lines into, and the end at which a test waits for them.
final class Fifo {
  let path: String
  private var descriptor: Int32
  private var rest: [UInt8] = []

  init(path: String) throws {
    self.path = path
    unlink(path)
    guard mkfifo(path, 0o600) == 0 else { throw HarnessError("\(path): \(String(cString: strerror(errno)))") }
    descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw HarnessError("\(path): \(String(cString: strerror(errno)))") }
  }

  deinit {
    close()
    unlink(path)
  }

  /// The reader goes away.
  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// The next line, without its end; nil when none is complete at the deadline.
  func line(within limit: Duration = .seconds(20)) -> String? {
    let deadline = Deadline.after(limit)
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        defer { rest.removeSubrange(...end) }
        return String(decoding: rest[..<end], as: UTF8.self)
      }
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, deadline.milliseconds) > 0 else { return nil }
      let count = read(descriptor, &buffer, buffer.count)
      if count > 0 {
        rest += buffer.prefix(count)
      } else if count == 0 {
        return nil
      }
    }
  }
}
