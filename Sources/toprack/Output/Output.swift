// Printing: text or JSON, to a reader that may leave at any time.
//
// Text has words of others in it: names, events, what a server calls its interfaces. It goes out with what would steer
// a terminal written visibly (`String.visible`); JSON with the same as `\u009b` (`JSONText.harmless`); scripts go out
// as they are.

import Foundation
import Rack

struct Output {
  let json: Bool

  /// Prints `value` as JSON when that was asked for, and the text otherwise.
  func print(json value: @autoclosure () throws -> Any, text: () throws -> String) throws {
    if json {
      Self.writeUnchanged(try JSONText.pretty(value()))
    } else {
      Self.write(try text())
    }
  }

  /// What `print` prints; with `asLine` JSON is one line.
  func shown(json value: @autoclosure () throws -> Any, asLine: Bool, text: () throws -> String) throws -> String {
    guard json else { return try text() }
    return asLine ? try EventText.json(value()) : try JSONText.pretty(value())
  }

  /// Ends the program when what reads its output is gone. For one that may have nothing to write for hours.
  static func endUnlessRead() {
    var entry = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
    if poll(&entry, 1, 0) > 0, entry.revents & Int16(POLLERR) != 0 { exit(0) }
  }

  /// Writes `text` for people, with nothing in it that steers a terminal but the bold headings of tables.
  static func write(_ text: String) { writeUnchanged(terminalText(text)) }

  static func terminalText(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard line.hasPrefix(Table.bold), line.hasSuffix(Table.plain) else { return String(line).visible }
      return Table.bold + String(line.dropFirst(Table.bold.count).dropLast(Table.plain.count)).visible + Table.plain
    }.joined(separator: "\n")
  }

  /// Writes `text` and a newline, if it has none at its end. When the reader is gone the program ends, without
  /// complaint.
  static func writeUnchanged(_ text: String) {
    guard !text.isEmpty else { return }
    var bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written >= 0 {
        bytes = bytes.dropFirst(written)
      } else if errno == EPIPE {
        exit(0)
      } else if errno != EINTR {
        FileHandle.standardError.write(Data("toprack: standard output: \(String(cString: strerror(errno)))\n".utf8))
        exit(1)
      }
    }
  }
}
