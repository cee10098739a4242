// Rates for people and for scripts.

import Foundation
import Rack

enum TopText {
  private struct Column {
    let title: String
    let isText: Bool
    let cell: (TopRow) -> String
  }

  /// `columns`: of the terminal; what has no room is left out, the least wanted first. `nil`: there is room for all.
  static func text(_ rows: [TopRow], columns: Int?, isBold: Bool) -> String {
    guard !rows.isEmpty else { return "no NICs" }
    let labels = ServerLabels(rows.map { ($0.server, $0.serverID) })
    let server = Column(title: "SERVER", isText: true) { labels.label($0.server, $0.project).visibleInLine }
    let all = [
      server, Column(title: "NIC", isText: true) { $0.linkUp ? $0.nic : $0.nic + " down" },
      Column(title: "RX BIT/S", isText: false) { number($0.rxBits) },
      Column(title: "TX BIT/S", isText: false) { number($0.txBits) },
      Column(title: "P/S", isText: false) { number($0.rxPackets + $0.txPackets) },
      Column(title: "DROPS/S", isText: false) { number($0.drops) },
    ]
    var cells = all.map { column in [column.title] + rows.map(column.cell) }
    var widths = cells.map { $0.map(\.count).max() ?? 0 }
    var shown = Array(all.indices)
    if let columns {
      func width() -> Int { shown.reduce(0) { $0 + widths[$1] } + 2 * (shown.count - 1) }
      // Names may be long: they give way first, but for a part by which they are known.
      widths[0] = min(widths[0], max(nameWidth, widths[0] - max(0, width() - columns)))
      for unwanted in [4, 5, 3, 2] where width() > columns { shown.removeAll { $0 == unwanted } }
      cells[0] = cells[0].map { shortened($0, widths[0]) }
    }
    func line(_ row: Int) -> String {
      let parts = shown.map { column in
        let space = String(repeating: " ", count: max(0, widths[column] - cells[column][row].count))
        return all[column].isText ? cells[column][row] + space : space + cells[column][row]
      }
      return parts.joined(separator: "  ").replacing(/\ +$/, with: "")
    }
    let isPlain = ProcessInfo.processInfo.environment["NO_COLOR"] != nil || !isBold
    let heading = isPlain ? line(0) : Table.bold + line(0) + Table.plain
    return ([total(rows), heading] + (1...rows.count).map(line)).joined(separator: "\n")
  }

  private static let nameWidth = 8

  private static func shortened(_ text: String, _ width: Int) -> String {
    text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
  }

  private static func total(_ rows: [TopRow]) -> String {
    func sum(_ value: KeyPath<TopRow, Double>) -> String { number(rows.reduce(0) { $0 + $1[keyPath: value] }) }
    return "\(rows.count) NICs: \(sum(\.rxBits)) bit/s in, \(sum(\.txBits)) out, \(sum(\.drops)) drops/s"
  }

  /// "0", "999", "1.23k", "45.6M", "789G": three digits that count, at most.
  static func number(_ value: Double) -> String {
    var (value, unit) = (value, 0)
    let units = ["", "k", "M", "G", "T", "P"]
    while value >= 999.5, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    if unit == 0 {
      return value > 0 && value < 9.95 ? trimmed(String(format: "%.1f", value)) : "\(Int(value.rounded()))"
    }
    return String(format: value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value) + units[unit]
  }

  private static func trimmed(_ text: String) -> String { text.hasSuffix(".0") ? String(text.dropLast(2)) : text }

  /// One object in a line.
  static func json(_ rows: [TopRow], _ new: Traffic, since old: Traffic) throws -> String {
    let nics: [[String: Any]] = rows.map { row in
      [
        "server": row.server, "server_id": row.serverID, "project": row.project, "facility": row.facility,
        "nic": row.nic, "link_up": row.linkUp, "rx_bps": rounded(row.rxBits), "tx_bps": rounded(row.txBits),
        "rx_pps": rounded(row.rxPackets), "tx_pps": rounded(row.txPackets), "drops_ps": rounded(row.drops),
      ]
    }
    return try EventText.json(["uptime_us": new.uptimeUs, "interval_us": new.uptimeUs - old.uptimeUs, "nics": nics])
  }

  private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
