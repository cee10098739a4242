// A terminal that gives each key as it is pressed, and gets back its form whatever ends the program.

import Foundation
import Synchronization

/// The terminal of standard input, raw: no echo, no lines, no signals by keys.
///
/// ## Threads
/// Safe to share. `restore` may be called any number of times, also at the exit of the program.
final class RawTerminal: Sendable {
  private static let former = Mutex<termios?>(nil)

  /// `nil`: standard input is no terminal.
  init?() {
    var form = termios()
    guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &form) == 0 else { return nil }
    Self.former.withLock { $0 = form }
    atexit { RawTerminal.restore() }
    cfmakeraw(&form)
    tcsetattr(STDIN_FILENO, TCSADRAIN, &form)
  }

  static func restore() {
    former.withLock { former in
      guard var form = former else { return }
      tcsetattr(STDIN_FILENO, TCSADRAIN, &form)
      former = nil
    }
  }

  /// Of the window; `nil`: standard output is none.
  static var size: (rows: Int, columns: Int)? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return nil }
    return (min(1000, Int(size.ws_row)), min(1000, Int(size.ws_col)))
  }
}
