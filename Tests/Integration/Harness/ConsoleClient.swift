import CPcap
import Foundation
import Glibc

/// `toprack console` as a person or a program has it: at a terminal, or at a pair of pipes.
///
/// What it prints is read here only when a test asks: one that is not asked is a slow reader.
final class ConsoleClient {
  private let child: ChildProcess
  private let descriptor: Int32
  /// The end that the program has; kept open, so that its terminal keeps its form.
  private let other: Int32
  private let name: String
  private(set) var shown: [UInt8] = []

  /// - Parameters:
  ///   - size: of the terminal; `nil`: there is none, but a socket.
  init(_ command: [String], size: (rows: Int, columns: Int)? = (24, 80)) throws {
    name = command.joined(separator: " ")
    if let size {
      descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
      // unlockpt(3) and ptsname(3), which Swift does not see: TIOCSPTLCK and TIOCGPTN.
      var (lock, number) = (Int32(0), Int32(0))
      guard descriptor >= 0, ioctl(descriptor, 0x4004_5431, &lock) == 0, ioctl(descriptor, 0x8004_5430, &number) == 0
      else { throw HarnessError("no terminal: \(String(cString: strerror(errno)))") }
      other = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
      guard other >= 0 else { throw HarnessError("no terminal: \(String(cString: strerror(errno)))") }
      Self.resize(descriptor, size.rows, size.columns)
    } else {
      var ends: [Int32] = [-1, -1]
      guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
        throw HarnessError("socketpair: \(String(cString: strerror(errno)))")
      }
      (descriptor, other) = (ends[0], ends[1])
    }
    child = try ChildProcess(command, environment: ["TERM": "vt100"], conversation: other)
    if size == nil { close(other) }
  }

  deinit {
    close(descriptor)
    if isTerminal { close(other) }
  }

  private var isTerminal: Bool { isatty(descriptor) == 1 }

  private static func resize(_ descriptor: Int32, _ rows: Int, _ columns: Int) {
    var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
  }

  func resize(rows: Int, columns: Int) {
    Self.resize(descriptor, rows, columns)
    // It is no process of this terminal's session, so the kernel does not tell it.
    child.signal(SIGWINCH)
  }

  /// Whether the terminal echoes, and waits for lines: not so while it is raw.
  var isCooked: Bool {
    var form = termios()
    return tcgetattr(other, &form) == 0 && form.c_lflag & tcflag_t(ECHO) != 0 && form.c_lflag & tcflag_t(ICANON) != 0
  }

  func type(_ text: String) throws { try type(Array(text.utf8)) }

  func type(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw HarnessError("\(name): \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(count)
    }
  }

  /// The end of standard input.
  func endInput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads until `text` has been shown behind what earlier calls have waited for, and returns what came until then.
  @discardableResult
  func wait(for text: String, until deadline: Deadline = .after(.seconds(30))) throws -> String {
    let wanted = Data(text.utf8)
    while true {
      let data = Data(shown)
      if let range = data.range(of: wanted) {
        defer { shown.removeFirst(range.upperBound) }
        return String(decoding: shown[..<range.upperBound], as: UTF8.self)
      }
      guard try fill(until: deadline) else {
        throw HarnessError(
          "\(name): not shown: \(text.debugDescription); but \(String(decoding: shown.suffix(500), as: UTF8.self))\n\(errors)"
        )
      }
    }
  }

  /// Reads so many bytes more.
  func bytes(_ count: Int, until deadline: Deadline = .after(.seconds(30))) throws -> [UInt8] {
    while shown.count < count {
      guard try fill(until: deadline) else { throw HarnessError("\(name): \(shown.count) bytes only") }
    }
    defer { shown.removeFirst(count) }
    return Array(shown.prefix(count))
  }

  /// False: nothing more comes.
  private func fill(until deadline: Deadline) throws -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, deadline.milliseconds) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return false }
    shown += buffer.prefix(count)
    return true
  }

  /// Its exit status, once it ends by itself.
  func end(until deadline: Deadline = .after(.seconds(30))) throws -> Int32 {
    while !child.hasExited {
      guard !deadline.hasPassed else { throw HarnessError("\(name) does not end") }
      // It may have something to say.
      _ = try fill(until: .after(.milliseconds(20)))
    }
    return child.wait(until: deadline) ?? -1
  }

  func kill() {
    child.signal(SIGKILL)
    _ = child.wait(until: .after(.seconds(10)))
  }

  var errors: String { String(decoding: child.standardError, as: UTF8.self) }
}

extension Lab {
  /// Somebody at the console of `server`, at a terminal.
  func console(_ server: String, _ options: String..., size: (rows: Int, columns: Int)? = (24, 80)) throws
    -> ConsoleClient
  {
    try ConsoleClient(
      ["\(Daemon.binaries)/toprack", "--socket", daemon.socket, "console", server] + options, size: size)
  }
}

/// A machine's serial port as QEMU makes it: a Unix socket that listens, and talks to one who connects.
final class SerialPort {
  let path: String
  private let listener: Int32
  private var client: Int32 = -1

  init(_ path: String) throws {
    self.path = path
    unlink(path)
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard withUnixAddress(path, { bind(listener, $0, $1) }) == 0, listen(listener, 4) == 0 else {
      throw HarnessError("serial \(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    if client >= 0 { close(client) }
    close(listener)
    unlink(path)
  }

  /// Waits for the daemon.
  func accept() throws {
    var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, 30_000) > 0 else { throw HarnessError("nobody connects to \(path)") }
    client = Glibc.accept(listener, nil, nil)
  }

  func say(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { throw HarnessError("serial: \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(count)
    }
  }

  func say(_ text: String) throws { try say(Array(text.utf8)) }

  func hear(_ text: String) throws {
    var heard: [UInt8] = []
    while !String(decoding: heard, as: UTF8.self).contains(text) {
      var entry = pollfd(fd: client, events: Int16(POLLIN), revents: 0)
      var buffer = [UInt8](repeating: 0, count: 4096)
      guard poll(&entry, 1, 30_000) > 0 else { throw HarnessError("serial: not heard: \(text)") }
      let count = read(client, &buffer, buffer.count)
      guard count > 0 else { throw HarnessError("serial: closed") }
      heard += buffer.prefix(count)
    }
  }
}
