// Events for people: lines that stay in column while more of them come.

import Foundation
import Rack

enum EventText {
  static let heading = line("TIME", "TYPE", "WHO", "EVENT")

  static func line(_ event: Event) -> String {
    line(event.createdAt, event.type, event.toprack.by ?? "-", event.body)
  }

  /// Widths hold the longest type and most names.
  private static func line(_ time: String, _ type: String, _ who: String, _ text: String) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    return "\(padded(time, 20))  \(padded(type, 22))  \(padded(who.visibleInLine, 10))  \(text.visibleInLine)"
  }

  /// An object of the API in one line.
  static func json(_ event: Any) throws -> String {
    JSONText.harmless(
      String(
        decoding: try JSONSerialization.data(withJSONObject: event, options: [.sortedKeys, .withoutEscapingSlashes]),
        as: UTF8.self))
  }
}
