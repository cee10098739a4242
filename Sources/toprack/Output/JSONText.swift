// JSON for people and for scripts: members sorted by name, two spaces a level, `"a": 1` and `[]`.

import Foundation

enum JSONText {
  /// `value` as JSONSerialization takes it.
  static func pretty(_ value: Any) throws -> String {
    let options: JSONSerialization.WritingOptions = [
      .prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed,
    ]
    let data = try JSONSerialization.data(withJSONObject: value, options: options)
    return harmless(String(decoding: tidied(Array(data)), as: UTF8.self))
  }

  /// The same JSON with what steers a terminal, and what nobody sees, as `\u009b`: controls, formats and separators
  /// (Cc, Cf, Zl, Zp). Serializers escape C0 alone. Always, and not for a terminal alone: it is the same value to
  /// whoever reads it, and a file of today is on somebody's terminal tomorrow.
  static func harmless(_ json: String) -> String {
    guard json.utf8.contains(where: { $0 >= 0x7F }) else { return json }
    return json.unicodeScalars.reduce(into: "") { text, scalar in
      guard isHidden(scalar) else { return text.unicodeScalars.append(scalar) }
      for unit in UTF16.encode(scalar)! {
        let digits = String(unit, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
  }

  /// C0 outside of a text is the form of the JSON itself.
  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x7F else { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
  }

  /// Foundation writes `"a" : 1`, and an empty list with an empty line in it; nobody else does.
  private static func tidied(_ text: [UInt8]) -> [UInt8] {
    var tidy: [UInt8] = []
    tidy.reserveCapacity(text.count)
    var isInText = false
    var isEscaped = false
    for byte in text {
      if isInText {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInText = false
        }
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInText = true
        case UInt8(ascii: ":"): if tidy.last == UInt8(ascii: " ") { tidy.removeLast() }
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
          let content = tidy.lastIndex { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") } ?? 0
          if tidy[content] == UInt8(ascii: "[") || tidy[content] == UInt8(ascii: "{") {
            tidy.removeLast(tidy.count - 1 - content)
          }
        default: break
        }
      }
      tidy.append(byte)
    }
    return tidy
  }
}
