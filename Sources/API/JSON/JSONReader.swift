// JSON text to a value (RFC 8259), strict: no comments, no trailing comma, valid UTF-8 only.
//
// One pass over the bytes, recursive descent. A fault is thrown with the place where reading stopped; nothing of the
// text survives a fault. Depth is limited, so that a hostile body cannot use up the stack, and the number of values,
// each of which takes a hundred bytes of memory for as few as two of text; length is limited by the caller, who has the
// bytes already.

/// Why a text is not JSON, and where.
struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// Both count from 1; the column counts bytes.
  let line: Int, column: Int
  let reason: String

  var description: String { "line \(line), column \(column): \(reason)" }
}

extension JSON {
  /// The deepest nesting of arrays and objects that is read.
  static let depthLimit = 64
  /// The most values that are read, those inside others counted. The longest batch of assignments has some 2000.
  static let valueLimit = 32_768

  /// Reads one value that fills the whole text, but for white space around it.
  init(reading text: [UInt8]) throws(JSONFault) {
    var reader = JSONReader(text: text)
    self = try reader.document()
  }
}

private struct JSONReader {
  let text: [UInt8]
  var position = 0
  private var left = JSON.valueLimit

  init(text: [UInt8]) {
    self.text = text
  }

  mutating func document() throws(JSONFault) -> JSON {
    let value = try self.value(depth: 0)
    skipSpace()
    guard position == text.count else { throw fault("expected the end, found \(found)") }
    return value
  }

  private mutating func value(depth: Int) throws(JSONFault) -> JSON {
    skipSpace()
    guard depth < JSON.depthLimit else { throw fault("nested deeper than \(JSON.depthLimit) levels") }
    guard left > 0 else { throw fault("more than \(JSON.valueLimit) values") }
    left -= 1
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"): return try number()
    case .some(let byte) where isDigit(byte): return try number()
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw fault("expected a value, found \(found)")
    }
  }

  private mutating func object(depth: Int) throws(JSONFault) -> JSON {
    var members: [JSON.Member] = []
    position += 1
    skipSpace()
    if take("}") { return .object([]) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw fault("expected a member name in quotes, found \(found)") }
      let name = try string()
      skipSpace()
      guard take(":") else { throw fault("expected ':' after \(Arguments.shown(.string(name))), found \(found)") }
      members.append(JSON.Member(name: name, value: try value(depth: depth + 1)))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw fault("expected ',' or '}', found \(found)") }
    }
  }

  private mutating func array(depth: Int) throws(JSONFault) -> JSON {
    var elements: [JSON] = []
    position += 1
    skipSpace()
    if take("]") { return .array([]) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { throw fault("expected ',' or ']', found \(found)") }
    }
  }

  private mutating func string() throws(JSONFault) -> String {
    let start = position
    position += 1
    var bytes: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: bytes, as: UTF8.self) else {
          throw fault("the text that begins here is not valid UTF-8", at: start)
        }
        return string
      case UInt8(ascii: "\\"):
        bytes += String(try escape()).utf8
      case 0..<0x20:
        throw fault("a control character inside a text must be escaped")
      default:
        bytes.append(byte)
        position += 1
      }
    }
    throw fault("the text that begins here has no closing quote", at: start)
  }

  private mutating func escape() throws(JSONFault) -> Unicode.Scalar {
    let start = position
    position += 1
    let letter = next
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter ?? 0)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try hexadecimal(from: start)
      guard (0xD800..<0xDC00).contains(first) else {
        guard let scalar = Unicode.Scalar(first) else { throw fault("a lone surrogate", at: start) }
        return scalar
      }
      guard take("\\"), take("u") else { throw fault("a lone surrogate", at: start) }
      let second = try hexadecimal(from: start)
      guard (0xDC00..<0xE000).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      else { throw fault("a lone surrogate", at: start) }
      return scalar
    default:
      throw fault("an unknown escape; valid are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four digits", at: start)
    }
  }

  private mutating func hexadecimal(from start: Int) throws(JSONFault) -> UInt32 {
    guard position + 4 <= text.count,
      text[position..<position + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: text[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw fault("\\u needs four hexadecimal digits", at: start) }
    position += 4
    return value
  }

  private mutating func number() throws(JSONFault) -> JSON {
    let start = position
    _ = take("-")
    if take("0") {
      if let next, isDigit(next) { throw fault("a number must not begin with 0", at: start) }
    } else {
      try digits(from: start)
    }
    var isWhole = true
    if take(".") {
      isWhole = false
      try digits(from: start)
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      try digits(from: start)
    }
    let literal = String(decoding: text[start..<position], as: UTF8.self)
    if isWhole, let integer = Int(literal) { return .integer(integer) }
    guard let double = Double(literal), double.isFinite else { throw fault("the number is too large", at: start) }
    return .number(double)
  }

  private mutating func digits(from start: Int) throws(JSONFault) {
    guard let first = next, isDigit(first) else { throw fault("a number that ends too early", at: start) }
    while let byte = next, isDigit(byte) { position += 1 }
  }

  private mutating func word(_ word: String, _ value: JSON) throws(JSONFault) -> JSON {
    guard text[position...].starts(with: word.utf8) else { throw fault("expected a value, found \(found)") }
    position += word.utf8.count
    return value
  }

  private var next: UInt8? { position < text.count ? text[position] : nil }

  private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
  }

  /// What stands at the position, for an error text.
  private var found: String {
    switch next {
    case nil: "the end"
    case .some(let byte) where (0x21..<0x7F).contains(byte): "'\(Character(Unicode.Scalar(byte)))'"
    case .some(let byte): "byte \(byte)"
    }
  }

  private func fault(_ reason: String, at place: Int? = nil) -> JSONFault {
    let before = text.prefix(place ?? position)
    let line = before.count { $0 == 0x0A } + 1
    let column = before.count - (before.lastIndex(of: 0x0A) ?? -1)
    return JSONFault(line: line, column: column, reason: reason)
  }
}
