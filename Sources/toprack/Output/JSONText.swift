// JSON for people and for scripts: members sorted by name, two spaces a level, `"a": 1` and `[]`.

import Foundation

enum JSONText {
  /// `value` as JSONSerialization takes it.
  static func pretty(_ value: Any) throws -> String {
    let options: JSONSerialization.WritingOptions = [
      .prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed,
    ]
    let data = try JSONSerialization.data(withJSONObject: value, options: options)
    return String(decoding: tidied(Array(data)), as: UTF8.self)
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
