// The log: one line an event, on standard error. Below systemd the journal keeps time and process, so a line begins with
// the journal's priority instead (sd-daemon(3)); elsewhere with time and level.

import Foundation
import Logging
import Rack

struct StandardErrorLog: LogHandler {
  let label: String
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let isJournal = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] != nil

  init(label: String, level: Logger.Level) {
    self.label = label
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var text = event.message.description
    for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }
    ) {
      text += " \(key)=\(value)"
    }
    if let error = event.error { text += ": \(error)" }
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ").visibleInLine
    let start =
      isJournal ? "<\(Self.priority(event.level))>" : "\(Date().formatted(.iso8601)) \(event.level.rawValue) "
    let bytes = Array((start + line + "\n").utf8)
    // One write a line, so that lines of several threads do not mix. A reader that is gone is no reason to stop.
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  private static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
