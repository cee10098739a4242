// The log: one entry an event, in one of three forms.
//
//     text      2026-01-02T03:04:05Z info web1 created: c3.small.x86 in ewr1 by=token laptop event=device.create
//     json      {"time":"2026-01-02T03:04:05.678Z","level":"info","message":"web1 created: …","event":"device.create",…}
//     journal   MESSAGE=web1 created: …  TOPRACK_EVENT=device.create  TOPRACK_SERVER=web1  …
//
// An entry is a message and fields: `event`, `server`, `nic`, `project`, `by`, `error` and the like. Who writes one puts
// no secret into it: no token, no user data, no password.

import Foundation
import Logging
import Rack

enum LogFormat: String, CaseIterable, Sendable { case text, json, journal }

/// What a logger hands over: the fields of the logger and of the event as one.
struct LogEntry {
  let date: Date
  let level: Logger.Level
  let message: String
  /// By name.
  let fields: [(name: String, value: String)]

  /// As one line, with what steers a terminal written visibly.
  var text: String {
    var text = message
    var rest = fields[...]
    let error = fields.last { $0.name == Self.error }
    rest = rest.filter { $0.name != Self.error }[...]
    for (name, value) in rest { text += " \(name)=\(value)" }
    if let error { text += ": \(error.value)" }
    return Self.oneLine(text)
  }

  /// The name of the field that has what was thrown.
  static let error = "error_value"

  static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ").visibleInLine
  }

  /// One object. The names of its own are those of no field.
  var json: String {
    var object = "{\"time\":\(Self.quoted(date.formatted(Self.style))),\"level\":\(Self.quoted(level.rawValue))"
    object += ",\"message\":\(Self.quoted(message))"
    for (name, value) in fields {
      object += ",\(Self.quoted(name == Self.error ? "error" : name)):\(Self.quoted(value))"
    }
    return object + "}"
  }

  private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  /// A string of JSON, in ASCII but for letters: what steers a terminal, and line ends that JSON allows, are escaped.
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case _ where scalar.steersText:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// The priority of syslog(3).
  var priority: Int {
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

/// Where entries go. Threads: safe to share; an entry is one write, so that those of several threads do not mix.
final class LogSink: Sendable {
  private let format: LogFormat
  private let journal: JournalSocket?
  /// Standard error is the journal's: it keeps time and process, and takes a priority before the line (sd-daemon(3)).
  private let isJournalStream: Bool

  /// `wanted`: `nil` for what suits the place.
  init(_ wanted: LogFormat?) {
    isJournalStream = Self.standardErrorIsJournal
    format = wanted ?? (isJournalStream ? .journal : .text)
    journal = format == .journal ? JournalSocket() : nil
  }

  func write(_ entry: LogEntry) {
    switch format {
    case .json: Self.write(entry.json)
    case .text: Self.write(line(entry))
    // Where the journal does not take it, it is a line all the same.
    case .journal: if journal?.send(entry) != true { Self.write(line(entry)) }
    }
  }

  private func line(_ entry: LogEntry) -> String {
    (isJournalStream ? "<\(entry.priority)>" : "\(entry.date.formatted(.iso8601)) \(entry.level.rawValue) ")
      + entry.text
  }

  private static func write(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // A reader that is gone is no reason to stop.
    _ = bytes.withUnsafeBytes { Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  /// JOURNAL_STREAM names the device and the inode of the stream that systemd has given us, systemd.exec(5); a standard
  /// error that was sent elsewhere since is another one.
  private static var standardErrorIsJournal: Bool {
    guard let stream = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] else { return false }
    var status = stat()
    guard fstat(STDERR_FILENO, &status) == 0 else { return false }
    return stream == "\(status.st_dev):\(status.st_ino)"
  }
}

struct DaemonLog: LogHandler {
  let label: String
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let sink: LogSink

  init(label: String, level: Logger.Level, sink: LogSink) {
    (self.label, logLevel, self.sink) = (label, level, sink)
  }

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).map {
      (name: $0.key, value: "\($0.value)")
    }.sorted { $0.name < $1.name }
    if let error = event.error { fields.append((LogEntry.error, "\(error)")) }
    sink.write(
      LogEntry(date: Date(), level: event.level, message: event.message.description, fields: fields))
  }
}
