import Rack

/// A piece of a file as it stands there: a word, a list, or keys with their values, each with its place.
///
/// Aliases are followed already, so a piece may be in the tree many times; they share their memory. `size` counts it
/// each time.
struct LabNode: Hashable, Sendable {
  struct Place: Hashable, Sendable {
    /// From 1; columns in characters. Both 0: not in the text.
    var line = 0
    var column = 0
    /// The `PATH=VALUE` that it is from.
    var option: String?
  }

  enum Content: Hashable, Sendable {
    /// `isPlain`: without quotes, so it can be a number, a truth value or nothing.
    case scalar(String, isPlain: Bool)
    case list([LabNode])
    /// Each key once.
    case map([Entry])
  }

  struct Entry: Hashable, Sendable {
    var key: String
    var place: Place
    var value: LabNode
  }

  var place: Place
  var content: Content
  /// Pieces in it, with itself.
  var size = 1
  /// How deep it goes: 1 when nothing is in it.
  var height = 1

  init(_ place: Place, _ content: Content) { (self.place, self.content) = (place, content) }

  var entries: [Entry]? { if case .map(let entries) = content { entries } else { nil } }
  var items: [LabNode]? { if case .list(let items) = content { items } else { nil } }
  var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
  var plain: String? { if case .scalar(let text, isPlain: true) = content { text } else { nil } }

  /// Nothing stands there, or a word for nothing (YAML 1.2, 10.3.2).
  var isNull: Bool { ["", "~", "null", "Null", "NULL"].contains(plain) }

  /// YAML 1.2, 10.3.2: `yes` and `on` are words.
  var boolean: Bool? {
    switch plain {
    case "true", "True", "TRUE": true
    case "false", "False", "FALSE": false
    default: nil
    }
  }

  /// Decimal, as in JSON: `012` and `0x10` are none.
  var integer: Int? {
    guard let plain, let number = Int(plain), plain == String(number) else { return nil }
    return number
  }

  subscript(key: String) -> LabNode? { entries?.first { $0.key == key }?.value }

  /// Where the key stands.
  func place(of key: String) -> Place { entries?.first { $0.key == key }?.place ?? place }

  /// What it is, in a message.
  var words: String {
    switch content {
    case .scalar(let text, _): isNull ? "nothing" : text.quoted
    case .list: "a list"
    case .map: "keys with values"
    }
  }

  /// With what `other` says in addition or otherwise. Keys are joined as far down as `isJoined` says, of the path from
  /// here; what is not joined is taken whole.
  func overridden(by other: LabNode, path: [String] = [], isJoined: ([String]) -> Bool) -> LabNode {
    guard isJoined(path), var entries, let others = other.entries else { return other }
    for entry in others {
      if let index = entries.firstIndex(where: { $0.key == entry.key }) {
        let joined = entries[index].value.overridden(by: entry.value, path: path + [entry.key], isJoined: isJoined)
        entries[index] = Entry(key: entry.key, place: entry.place, value: joined)
      } else {
        entries.append(entry)
      }
    }
    return LabNode(place, .map(entries))
  }
}
