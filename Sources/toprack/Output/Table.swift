// Columns that line up.

import Foundation
import Rack

/// Rows of text below a heading. Columns of numbers are flush right.
struct Table {
  static let bold = "\u{1B}[1m"
  static let plain = "\u{1B}[0m"

  private let columns: [String]
  private var rows: [[String]] = []

  init(_ columns: String...) { self.columns = columns }

  mutating func add(_ cells: String...) {
    precondition(cells.count == columns.count, "a row has as many cells as the table has columns")
    rows.append(cells.map(\.visibleInLine))
  }

  var isEmpty: Bool { rows.isEmpty }

  /// The heading is bold on a terminal, unless NO_COLOR asks for plain text (no-color.org).
  var text: String {
    let widths = columns.indices.map { column in ([columns] + rows).map { $0[column].count }.max() ?? 0 }
    let isNumeric = columns.indices.map { column in
      !rows.isEmpty && rows.allSatisfy { $0[column] == "-" || Int($0[column]) != nil }
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - cells[column].count)
        return isNumeric[column] ? space + cells[column] : cells[column] + space
      }
      return padded.joined(separator: "  ").replacing(/\ +$/, with: "")
    }
    let isTerminal = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    let heading = isTerminal ? Self.bold + line(columns) + Self.plain : line(columns)
    return ([heading] + rows.map(line)).joined(separator: "\n")
  }

  /// "NAME: value" lines with the values below each other.
  static func facts(_ facts: [(String, String)]) -> String {
    let width = facts.map(\.0.count).max() ?? 0
    return facts.map { name, value in
      name + String(repeating: " ", count: width - name.count) + "  " + value.visibleInLine
    }.joined(separator: "\n")
  }
}
