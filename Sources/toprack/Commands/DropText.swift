// Drops for people: within 80 columns, and in column while more of them come.

import Rack

/// A frame that went no further.
struct Drop: Decodable, Equatable {
  let time: String, server: String?, nic: String, direction: String, reason: String, length: Int, summary: String
  let advice: String
}

/// The lines of drops that are printed one after another: where, why and when, what the frame says, and what to change
/// unless that was just said.
final class DropText {
  static let width = 80
  static let heading = line("TIME", "NIC", "DIR", "REASON", "BYTES")
  private static let indent = "  "
  private var said: String?

  func lines(_ drop: Drop) -> [String] {
    let place = (drop.server.map { "\($0)/" } ?? "") + drop.nic
    // "2026-11-28T03:15:19.123456789Z": of the day it is the microseconds that fit.
    let time = String(drop.time.dropFirst(11).prefix(15))
    var lines = [
      Self.line(time, place, drop.direction, drop.reason, "\(drop.length)"),
      Self.cut(Self.indent + drop.summary.visibleInLine),
    ]
    if drop.advice != said { lines += Self.wrapped(drop.advice.visibleInLine, after: "\(Self.indent)-> ") }
    said = drop.advice
    return lines
  }

  /// Widths hold the longest reason, and most names.
  private static func line(_ time: String, _ place: String, _ direction: String, _ reason: String, _ length: String)
    -> String
  {
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    let name = place.visibleInLine
    return "\(padded(time, 15))  \(padded(name, 23))  \(padded(direction, 3))  \(padded(reason, 21))  \(length)"
  }

  private static func cut(_ text: String) -> String {
    text.count <= width ? text : "\(text.prefix(width - 1))…"
  }

  /// Words that are longer than a line stay whole: commands are copied.
  static func wrapped(_ text: String, after mark: String) -> [String] {
    let indent = String(repeating: " ", count: mark.count)
    var lines: [String] = []
    var line = mark
    for word in text.split(separator: " ") {
      let isFirst = line.count == mark.count
      if !isFirst, line.count + 1 + word.count > width {
        lines.append(line)
        line = indent + word
      } else {
        line += isFirst ? String(word) : " \(word)"
      }
    }
    return lines + [line]
  }
}
