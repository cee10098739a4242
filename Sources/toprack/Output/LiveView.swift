// Something that is looked at again and again: on a terminal in place, as top(1) has it, elsewhere one picture below the
// other, for scripts.
//
// On a terminal it has the second screen to itself, so that what was there before is there again afterwards. Whatever
// ends it gives the terminal back: `q`, Ctrl-C, a signal, a daemon that has gone.

import Foundation
import Rack
import Synchronization

struct LiveView {
  struct Size: Equatable, Sendable { let rows: Int, columns: Int }

  /// Between two looks.
  let interval: Duration
  /// How many there are; `nil`: until somebody ends it.
  let count: Int?
  /// A line of JSON each, whatever standard output is.
  let isJSON: Bool
  /// On a terminal, how one leaves.
  var hint = "q ends"

  private enum Item: Sendable {
    case key(UInt8)
    case resized
    case due
  }

  /// `look` gives the picture: for the room that there is, or for a pipe, which has all.
  func run(_ look: (Size?) async throws -> String) async throws {
    guard !isJSON, isatty(STDOUT_FILENO) == 1 else { return try await print(look) }
    try await show(look)
  }

  private func print(_ look: (Size?) async throws -> String) async throws {
    var shown = 0
    while true {
      let text = try await look(nil)
      if isJSON { Output.writeUnchanged(text) } else { Output.write(shown > 0 ? "\n" + text : text) }
      shown += 1
      if shown == count { return }
      // Nobody may be there to read the next one.
      Output.endUnlessRead()
      try await Task.sleep(for: interval)
    }
  }

  private func show(_ look: (Size?) async throws -> String) async throws {
    let (items, source) = AsyncStream.makeStream(of: Item.self)
    let signals = watchSignals(source)
    defer { for signal in signals { signal.cancel() } }
    Screen.enter()
    defer { Screen.leave() }
    if RawTerminal() != nil { readKeys(source) }
    let clock = Task { [interval] in
      while (try? await Task.sleep(for: interval)) != nil { source.yield(.due) }
    }
    defer { clock.cancel() }
    var shown = 0
    var text = try await look(Self.size)
    Screen.draw(text, hint)
    shown += 1
    if shown == count { return }
    for await item in items {
      switch item {
      case .key(UInt8(ascii: "q")), .key(UInt8(ascii: "Q")): return
      case .key(3): Screen.leave(exiting: 128 + SIGINT)
      case .key: break
      case .resized:
        // What is known, in the new room, until there is more.
        Screen.draw(text, hint)
      case .due:
        text = try await look(Self.size)
        Screen.draw(text, hint)
        shown += 1
        if shown == count { return }
      }
    }
  }

  private static var size: Size? { RawTerminal.size.map { Size(rows: $0.rows, columns: $0.columns) } }

  /// A thread of its own, since a read of standard input waits.
  private func readKeys(_ source: AsyncStream<Item>.Continuation) {
    Thread.detachNewThread {
      var key: UInt8 = 0
      while true {
        let count = read(STDIN_FILENO, &key, 1)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        source.yield(.key(key))
      }
    }
  }

  private func watchSignals(_ source: AsyncStream<Item>.Continuation) -> [any DispatchSourceSignal] {
    TerminalSignals.watch {
      source.yield(.resized)
    } ended: {
      Screen.leave(exiting: $0)
    }
  }
}

/// The second screen of the terminal. Threads: safe to share; `leave` may be called any number of times.
enum Screen {
  private static let isEntered = Mutex(false)

  static func enter() {
    isEntered.withLock { $0 = true }
    // The second screen, without a cursor, and without breaking long lines.
    put("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
  }

  static func leave() {
    isEntered.withLock { isEntered in
      if isEntered { put("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l") }
      isEntered = false
    }
    RawTerminal.restore()
  }

  static func leave(exiting status: Int32) -> Never {
    leave()
    exit(status)
  }

  /// As much of the text as there is room for, from the top, and the hint in the last line.
  static func draw(_ text: String, _ hint: String) {
    let size = RawTerminal.size ?? (24, 80)
    put(picture(text, hint, rows: size.rows, columns: size.columns))
  }

  /// Each line is cut to the width, and what was behind it is taken away.
  static func picture(_ text: String, _ hint: String, rows: Int, columns: Int) -> String {
    var lines = Output.terminalText(text).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.count > rows - 1 { lines = Array(lines.prefix(max(0, rows - 1))) }
    lines.append(rows > 1 ? hint : lines.first ?? "")
    return "\u{1B}[H" + lines.suffix(rows).map { cut($0, columns) + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J"
  }

  /// A bold heading stays bold.
  static func cut(_ line: String, _ columns: Int) -> String {
    guard line.hasPrefix(Table.bold), line.hasSuffix(Table.plain) else { return String(line.prefix(columns)) }
    return Table.bold + line.dropFirst(Table.bold.count).dropLast(Table.plain.count).prefix(columns) + Table.plain
  }

  private static func put(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written > 0 {
        bytes = bytes.dropFirst(written)
      } else if errno == EAGAIN {
        var entry = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
      } else if errno != EINTR {
        return
      }
    }
  }
}
