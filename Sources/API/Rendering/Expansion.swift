// `include` and `exclude`: which nested things a client wants whole, and which as links only.
//
// Both are lists of dotted names, `include=project,network_ports.virtual_networks`. A name that nothing asks about is
// without effect, so nothing here knows which names there are. Each level of an answer asks for its own names, and
// hands what is said about the next level on (`Renderer.inside`).

/// What a request says about nested things, as seen from one level of the answer.
struct Expansion: Hashable, Sendable {
  enum Wish: Hashable, Sendable { case include, exclude }

  /// Levels of a dotted name; further ones are without effect.
  static let depth = 3
  /// Things that are shown whole in one answer because of `include`; further ones stay links. Without it a short
  /// request could ask for an answer that does not fit into memory.
  static let limit = 5000
  /// Bytes that they have together, about: what a project's owner writes on a thing is up to a hundred times as long as
  /// the rest of it.
  static let byteLimit = 8 << 20
  /// Names in one list; a request with more is refused.
  static let nameLimit = 64
  static let none = Expansion()

  private var wishes: [String: Wish] = [:]
  private var below: [String: Expansion] = [:]

  private init() {}

  init(_ arguments: Arguments) {
    for name in Self.names("include", arguments) { add(.include, name) }
    for name in Self.names("exclude", arguments) { add(.exclude, name) }
  }

  private static func names(_ list: String, _ arguments: Arguments) -> [ArraySlice<Substring>] {
    (arguments.query[list] ?? "").split(separator: ",").map { $0.split(separator: ".").prefix(depth) }
  }

  /// What is included brings the things it lies in; what is excluded leaves them as they are.
  private mutating func add(_ wish: Wish, _ name: ArraySlice<Substring>) {
    guard let first = name.first.map(String.init) else { return }
    let rest = name.dropFirst()
    if wish == .include || rest.isEmpty { wishes[first] = wish }
    if !rest.isEmpty { below[first, default: .none].add(wish, rest) }
  }

  /// What is wanted of the nested `name`; `nil`: nothing is said.
  subscript(name: String) -> Wish? { wishes[name] }

  /// What is said about the things in the nested `name`.
  func inside(_ name: String) -> Expansion { below[name] ?? .none }
}
