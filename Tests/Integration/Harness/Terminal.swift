import Foundation
import Glibc

/// A terminal of a test's own, with a program at its other end.
final class Terminal {
  private let main: Int32
  private let program: Int32
  /// All that has been shown.
  private(set) var shown = ""

  init(rows: UInt16, columns: UInt16) throws {
    // What posix_openpt(3), unlockpt(3) and ptsname(3) do; ioctl_tty(2).
    main = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var (lock, number) = (Int32(0), Int32(0))
    guard main >= 0, ioctl(main, Self.setLock, &lock) == 0, ioctl(main, Self.number, &number) == 0 else {
      throw HarnessError("no terminal: \(String(cString: strerror(errno)))")
    }
    let name = "/dev/pts/\(number)"
    program = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard program >= 0 else { throw HarnessError("no terminal: \(String(cString: strerror(errno)))") }
    resize(rows: rows, columns: columns)
  }

  private static let setLock: UInt = 0x4004_5431  // TIOCSPTLCK
  private static let number: UInt = 0x8004_5430  // TIOCGPTN

  deinit {
    close(main)
    close(program)
  }

  func start(_ command: [String], environment: [String: String] = [:]) throws -> ChildProcess {
    try ChildProcess(command, environment: environment, conversation: program)
  }

  func resize(rows: UInt16, columns: UInt16) {
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(main, UInt(TIOCSWINSZ), &size)
  }

  func type(_ text: String) { _ = text.withCString { write(main, $0, strlen($0)) } }

  /// Whether what a program finds at the terminal is lines with an echo, as it was at first.
  var isCooked: Bool {
    var form = termios()
    return tcgetattr(program, &form) == 0 && form.c_lflag & tcflag_t(ICANON | ECHO) == tcflag_t(ICANON | ECHO)
  }

  /// Waits until `condition` holds for what was shown since the last call that held; nil: it did not in time.
  func wait(within limit: Duration = .seconds(20), until condition: (String) -> Bool) -> String? {
    let deadline = Deadline.after(limit)
    var new = ""
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      if condition(new) { return new }
      var entry = pollfd(fd: main, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, deadline.milliseconds) > 0 else { return nil }
      let count = read(main, &buffer, buffer.count)
      guard count > 0 else { return nil }
      let text = String(decoding: buffer.prefix(count), as: UTF8.self)
      new += text
      shown += text
    }
  }
}
