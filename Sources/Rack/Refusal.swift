/// Why a command was refused. Nothing has changed.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// What the command is about does not exist; 404 in HTTP.
    case notFound
    /// A rule forbids it; 422 in HTTP.
    case invalid
  }

  public let kind: Kind
  /// One line each: the thing, the rule, and what would be valid. Never empty.
  public let messages: [String]

  public init(kind: Kind, messages: [String]) {
    precondition(!messages.isEmpty, "a refusal says why")
    (self.kind, self.messages) = (kind, messages)
  }

  public static func notFound(_ message: String) -> Self { Self(kind: .notFound, messages: [message]) }
  public static func invalid(_ message: String) -> Self { Self(kind: .invalid, messages: [message]) }
  /// `words`: those of the original service, which clients compare with; they come first. Then ours, which say more.
  static func invalid(_ words: String, _ message: String) -> Self { Self(kind: .invalid, messages: [words, message]) }

  public var description: String { messages.joined(separator: "; ") }
}

extension Sequence<String> {
  /// `a`, `a and b`, `a, b and c`.
  package func listed(_ word: String = "and") -> String {
    let all = Array(self)
    guard let last = all.last, all.count > 1 else { return all.first ?? "" }
    return all.dropLast().joined(separator: ", ") + " \(word) " + last
  }
}

extension StringProtocol {
  /// The text in quotes, fit for one line of a message: control characters escaped, cut after 64 characters.
  package var quoted: String {
    var text = ""
    for scalar in unicodeScalars.prefix(64) {
      text += scalar.steersText ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return "\"" + text + (unicodeScalars.dropFirst(64).isEmpty ? "" : "…") + "\""
  }
}
