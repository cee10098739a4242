// One JSON value. Objects keep the order of their members, so that an answer reads as it was written here and two
// equal answers are equal bytes.
//
// The reader is JSONReader.swift, the writer JSON+Text.swift. Both are our own because the API promises two things
// that Codable does not give: an explicit `null` where clients look for the member, and an error that names the line
// and column of unreadable text.

/// A JSON value (RFC 8259). Whole numbers that fit stay whole; everything else is a `Double`.
enum JSON: Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([Member])
  /// One of the above whose text is known already.
  case prepared(PreparedJSON)

  /// A named value in an object.
  struct Member: Hashable, Sendable {
    let name: String
    let value: JSON

    init(name: String, value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// A string, or `null`.
  init(_ text: String?) {
    self = text.map(JSON.string) ?? .null
  }

  /// The member `name`; `nil` when this is no object or has no such member. Of repeated members the last one counts.
  subscript(name: String) -> JSON? {
    guard case .object(let members) = plain else { return nil }
    return members.last { $0.name == name }?.value
  }

  /// The element at `index`; `nil` when this is no array or is shorter.
  subscript(index: Int) -> JSON? {
    guard case .array(let elements) = plain, elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  /// The kind of value, as an error text says it: "a number".
  var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "true or false"
    case .integer, .number: "a number"
    case .string: "a text"
    case .array: "an array"
    case .object: "an object"
    case .prepared(let prepared): prepared.value.kind
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  init(stringLiteral value: String) { self = .string(value) }
  init(integerLiteral value: Int) { self = .integer(value) }
  init(booleanLiteral value: Bool) { self = .boolean(value) }
  init(nilLiteral: ()) { self = .null }
  init(arrayLiteral elements: JSON...) { self = .array(elements) }
  init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { Member(name: $0.0, value: $0.1) })
  }
}
