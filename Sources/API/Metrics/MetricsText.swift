// Metrics as Prometheus reads them, in the two forms that it asks for.
//
//     # HELP toprack_nic_receive_bytes_total Bytes that came from the server.
//     # TYPE toprack_nic_receive_bytes_total counter
//     toprack_nic_receive_bytes_total{server="web1",project="default",facility="ewr1",nic="eth0"} 1234
//
// The text format 0.0.4 calls a counter by the name of its samples, OpenMetrics 1.0 without `_total`, and ends with
// `# EOF`. docs/decisions/0037-metrics.md says why this is written here.
//
// Sources: Prometheus, "Exposition formats"; OpenMetrics 1.0.0.

import HTTPTypes

/// Which form an answer has.
enum MetricsFormat: Hashable, Sendable {
  case text, openMetrics

  var contentType: String {
    switch self {
    case .text: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// What `accept` likes best, RFC 9110 12.5.1; the text format when it says nothing of either. OpenMetrics counts only
  /// where it is named, in version 1 or none.
  init(accept: String?) {
    var likes: (text: Double, open: Double) = (0, 0)
    for range in (accept ?? "").lowercased().split(separator: ",") {
      let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" && $0 != "\"" } }
      guard let type = parts.first else { continue }
      func parameter(_ name: String) -> String? {
        parts.dropFirst().first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
      }
      let quality = parameter("q").map { Double($0) ?? 0 } ?? 1
      let version = parameter("version")
      switch type {
      case "application/openmetrics-text" where version?.hasPrefix("1.") ?? true: likes.open = max(likes.open, quality)
      case "text/plain" where version ?? "0.0.4" == "0.0.4", "text/*", "*/*": likes.text = max(likes.text, quality)
      default: break
      }
    }
    self = likes.open > 0 && likes.open >= likes.text ? .openMetrics : .text
  }
}

/// One family: what its samples are called, and what they mean.
struct MetricsFamily: Sendable {
  enum Kind: String, Sendable { case counter, gauge, histogram }

  /// Of a counter with `_total`.
  let name: String
  let kind: Kind
  /// One sentence.
  let help: String
}

/// Text that grows by whole lines.
struct MetricsText {
  let format: MetricsFormat
  private(set) var bytes: [UInt8] = []

  init(_ format: MetricsFormat) { self.format = format }

  /// What has been written since it was taken last.
  mutating func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  mutating func begin(_ family: MetricsFamily) {
    let isShort = format == .openMetrics && family.kind == .counter
    let name = isShort ? String(family.name.dropLast("_total".count)) : family.name
    append("# HELP \(name) \(Self.escaped(family.help, quotes: format == .openMetrics))\n")
    append("# TYPE \(name) \(family.kind.rawValue)\n")
  }

  mutating func sample(_ name: String, _ labels: MetricsLabels, _ value: UInt64) {
    line(name, labels)
    append("\(value)\n")
  }

  mutating func sample(_ name: String, _ labels: MetricsLabels, _ value: Int) {
    line(name, labels)
    append("\(value)\n")
  }

  mutating func sample(_ name: String, _ labels: MetricsLabels, _ value: Double) {
    line(name, labels)
    append("\(value)\n")
  }

  mutating func sample(_ name: String, _ labels: MetricsLabels, _ value: Bool) {
    sample(name, labels, value ? 1 : 0)
  }

  /// Samples without labels.
  mutating func sample(_ name: String, _ value: UInt64) { sample(name, MetricsLabels(), value) }
  mutating func sample(_ name: String, _ value: Int) { sample(name, MetricsLabels(), value) }
  mutating func sample(_ name: String, _ value: Double) { sample(name, MetricsLabels(), value) }

  mutating func end() { if format == .openMetrics { append("# EOF\n") } }

  private mutating func line(_ name: String, _ labels: MetricsLabels) {
    append(name)
    if !labels.bytes.isEmpty {
      bytes.append(UInt8(ascii: "{"))
      bytes += labels.bytes
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: " "))
  }

  private mutating func append(_ text: String) { bytes += text.utf8 }

  /// A quote is escaped in the value of a label, and in the help of OpenMetrics alone.
  static func escaped(_ text: String, quotes: Bool = true) -> String {
    guard
      text.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") })
    else { return text }
    return text.unicodeScalars.reduce(into: "") { escaped, scalar in
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"": escaped += quotes ? "\\\"" : "\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
  }
}

/// Labels as they stand in a line. They are made once for a NIC and used for each of its families.
struct MetricsLabels: ExpressibleByDictionaryLiteral, Sendable {
  fileprivate(set) var bytes: [UInt8] = []

  init() {}
  init(dictionaryLiteral labels: (String, String)...) { for (name, value) in labels { add(name, value) } }

  func adding(_ name: String, _ value: String) -> MetricsLabels {
    var labels = self
    labels.add(name, value)
    return labels
  }

  private mutating func add(_ name: String, _ value: String) {
    if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
    bytes += name.utf8
    bytes += "=\"".utf8
    bytes += MetricsText.escaped(value).utf8
    bytes.append(UInt8(ascii: "\""))
  }
}
