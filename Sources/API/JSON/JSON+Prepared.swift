// Values whose text is known: those that stand in many answers and never change are written once, and what the rack
// keeps as text goes out as that text. Reading it into a tree for each answer would take a hundred bytes of memory for
// as few as two of text.

/// A value and its text.
final class PreparedJSON: Sendable {
  let text: [UInt8]
  /// `nil`: to be read when somebody looks.
  private let known: JSON?

  init(_ value: JSON) { (known, text) = (value, value.text) }

  /// `text`: an object that was read when it came, and written by `JSON.text`.
  init(kept text: String) { (known, self.text) = (nil, Array(text.utf8)) }

  /// The value itself. Of a kept text it is read each time, for the few who look into it.
  var value: JSON { known ?? (try? JSON(reading: text)) ?? [:] }
}

extension JSON {
  /// The same value, with its text written now and for all answers.
  var prepared: JSON {
    if case .prepared = self { return self }
    return .prepared(PreparedJSON(self))
  }

  /// The value itself, prepared or not.
  var plain: JSON { if case .prepared(let prepared) = self { prepared.value } else { self } }
}

/// Whether a text is known makes no difference to the value.
extension JSON: Hashable {
  static func == (one: JSON, other: JSON) -> Bool {
    switch (one.plain, other.plain) {
    case (.null, .null): true
    case (.boolean(let one), .boolean(let other)): one == other
    case (.integer(let one), .integer(let other)): one == other
    case (.number(let one), .number(let other)): one == other
    case (.string(let one), .string(let other)): one == other
    case (.array(let one), .array(let other)): one == other
    case (.object(let one), .object(let other)): one == other
    default: false
    }
  }

  func hash(into hasher: inout Hasher) {
    switch plain {
    case .null, .prepared: break
    case .boolean(let value): hasher.combine(value)
    case .integer(let value): hasher.combine(value)
    case .number(let value): hasher.combine(value)
    case .string(let value): hasher.combine(value)
    case .array(let elements): hasher.combine(elements)
    case .object(let members): hasher.combine(members)
    }
  }
}
