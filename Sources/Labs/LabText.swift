import Rack

/// A value on its way to YAML: what fits a line stands in one, as `{a: 1, b: [x, y]}`, the rest below each other.
indirect enum LabText {
  /// In quotes where it needs some.
  case text(String)
  /// A number or a truth value.
  case bare(String)
  case list([String])
  case map([(String, LabText)])
  /// A key a line, even where all would fit one.
  case lines([(String, LabText)])
  /// A list, an item a line.
  case items([LabText])

  static let width = 100

  static func document(_ members: [(String, LabText)]) -> String {
    members.map { $0.1.lines(under: $0.0, indent: "") }.joined()
  }

  /// `nil`: it does not go into one line.
  var inLine: String? {
    switch self {
    case .text(let text): return LabText.isBlock(text) ? nil : LabText.word(text)
    case .bare(let text): return text
    case .list(let items): return "[" + items.map(LabText.word).joined(separator: ", ") + "]"
    case .map(let members):
      var parts: [String] = []
      for (key, value) in members {
        guard let text = value.inLine else { return nil }
        parts.append("\(LabText.word(key)): \(text)")
      }
      return "{" + parts.joined(separator: ", ") + "}"
    case .lines, .items: return nil
    }
  }

  private func lines(under key: String, indent: String) -> String {
    let start = indent + LabText.key(key) + ":"
    return start + value(indent: indent, column: start.count)
  }

  /// What follows a key or a dash, with the end of its line.
  private func value(indent: String, column: Int) -> String {
    let deeper = indent + "  "
    if let text = inLine, column + text.count < LabText.width || !canBreak { return " \(text)\n" }
    switch self {
    case .text(let text): return LabText.block(text, indent: deeper)
    case .map(let members), .lines(let members):
      return "\n" + members.map { $0.1.lines(under: $0.0, indent: deeper) }.joined()
    case .items(let items):
      return "\n" + items.map { "\(deeper)-" + $0.value(indent: deeper + "  ", column: deeper.count + 1) }.joined()
    case .bare(let text): return " \(text)\n"
    case .list(let items): return "\n" + items.map { "\(deeper)- \(LabText.word($0))\n" }.joined()
    }
  }

  private var canBreak: Bool {
    switch self {
    case .text, .bare: false
    case .list(let items): !items.isEmpty
    case .map(let members): !members.isEmpty
    case .lines, .items: true
    }
  }

  // MARK: Words

  /// A range is no list where keys stand below each other.
  private static func key(_ text: String) -> String {
    let isRange = text.first?.isLetter == true && LabRange.fault(of: text) == nil
    return isRange && isPlain(text.replacing("[", with: "").replacing("]", with: "")) ? text : word(text)
  }

  private static func word(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

  private static let reserved: Set<String> = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
  ]

  /// Whether it means itself without quotes, whoever reads it.
  private static func isPlain(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, let last = bytes.last, isLetterOrDigit(first) || first == UInt8(ascii: "/") else {
      return false
    }
    for (index, byte) in bytes.enumerated() where !isLetterOrDigit(byte) {
      switch byte {
      case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "@"),
        UInt8(ascii: "+"), UInt8(ascii: "="):
        continue
      case UInt8(ascii: ":"), UInt8(ascii: " "):
        guard index + 1 < bytes.count, bytes[index + 1] != UInt8(ascii: " ") else { return false }
      default: return false
      }
    }
    guard last != UInt8(ascii: ":"), !reserved.contains(text.lowercased()) else { return false }
    // Numbers of any kind, with colons (base 60) and hyphens (dates), are text to us only.
    let isNumberLike = text.utf8.allSatisfy { 0x30...0x39 ~= $0 || "_:-+".utf8.contains($0) } || Double(text) != nil
    let isOctalOrHex = text.utf8.count > 1 && first == 0x30 && "xXoObB".utf8.contains(bytes[1])
    return !isNumberLike && !isOctalOrHex
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    0x61...0x7A ~= byte || 0x41...0x5A ~= byte || 0x30...0x39 ~= byte
  }

  private static func quoted(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "\"") { quoted, scalar in
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case "\r": quoted += "\\r"
      default:
        guard isHidden(scalar) else { return quoted.unicodeScalars.append(scalar) }
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let (mark, width) = scalar.value > 0xFFFF ? ("U", 8) : ("u", 4)
        quoted += "\\\(mark)" + String(repeating: "0", count: max(0, width - digits.count)) + digits
      }
    } + "\""
  }

  /// What a file cannot have as it is.
  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    ["\u{FEFF}", "\u{FFFE}", "\u{FFFF}"].contains(scalar) || scalar.steersText || scalar.value >= 0x10_0000
  }

  // MARK: Texts of several lines

  /// Whether it stands better as a block: lines, none of which YAML would change.
  private static func isBlock(_ text: String) -> Bool {
    guard text.contains("\n"), let first = text.unicodeScalars.first, !first.properties.isWhitespace else {
      return false
    }
    return text.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || !isHidden($0) }
      && text.utf8.split(separator: 0x0A).allSatisfy { $0.contains { $0 != 0x20 && $0 != 0x09 } }
  }

  private static func block(_ text: String, indent: String) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    var mark = "|-"
    if text.hasSuffix("\n") {
      lines.removeLast()
      mark = text.hasSuffix("\n\n") ? "|+" : "|"
    }
    return " \(mark)\n" + lines.map { $0.isEmpty ? "\n" : "\(indent)\($0)\n" }.joined()
  }
}
