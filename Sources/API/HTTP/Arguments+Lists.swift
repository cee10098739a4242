// Members that are lists and objects, in the odd forms that clients give them.

import HTTPTypes

extension Arguments {
  /// A list of texts. One client says an empty list as `{}`. In a query the name stands several times, or the texts
  /// have commas between them.
  func texts(_ name: String) throws(APIError) -> [String]? {
    if body[name]?.given == nil, let values = lists[name] {
      return values.flatMap { $0.split(separator: ",").map(String.init) }
    }
    switch value(name) {
    case nil: return nil
    case .object([]): return []
    case .array(let elements):
      return try elements.map { element throws(APIError) in
        guard case .string(let text) = element else {
          throw .invalid("\(name) must be a list of texts; \(Self.shown(element)) is none")
        }
        return text
      }
    case .some(let other): throw .invalid("\(name) must be a list of texts, not \(other.kind)")
    }
  }

  /// Names in a query, separated by commas; a body has them as a list, too. `nil` when there are none.
  func names(_ name: String) throws(APIError) -> [String]? {
    if lists[name] != nil { return try texts(name).flatMap { $0.isEmpty ? nil : $0 } }
    if case .array = value(name) { return try texts(name) }
    let names = try string(name)?.split(separator: ",").map(String.init) ?? []
    return names.isEmpty ? nil : names
  }

  /// A JSON object as text: given as an object, or as one client does, as its text.
  func object(_ name: String) throws(APIError) -> String? {
    switch value(name) {
    case nil: return nil
    case .string(""): return "{}"
    case .some(.object(let members)): return String(decoding: JSON.object(members).text, as: UTF8.self)
    case .string(let text):
      if let value = try? JSON(reading: Array(text.utf8)), case .object = value {
        return String(decoding: value.text, as: UTF8.self)
      }
      throw .invalid("\(name) must be a JSON object, or its text; \(Self.shown(.string(text))) is none")
    case .some(let other): throw .invalid("\(name) must be a JSON object, not \(other.kind)")
    }
  }

  /// The name of a place, a list of them, or nothing: clients that cannot leave a member out say it empty.
  func place(_ name: String) -> JSON? {
    switch value(name) {
    case .some(.array(let names)):
      let named = names.filter { $0 != "" && $0 != .null }
      return named.isEmpty ? nil : .array(named)
    case .string(""): return nil
    case let other: return other
    }
  }

  /// The elements of a list of objects, which a query has as the text of one.
  func objects(_ name: String, _ rule: String) throws(APIError) -> [JSON]? {
    guard var value = value(name) else { return nil }
    if body[name]?.given == nil, case .string(let text) = value, let list = try? JSON(reading: Array(text.utf8)) {
      value = list
    }
    guard case .array(let entries) = value else { throw .invalid("\(name) is \(value.kind); \(rule)") }
    for entry in entries {
      guard case .object = entry else { throw .invalid("\(name) has the entry \(Self.shown(entry)); \(rule)") }
    }
    return entries
  }
}

/// Reads several arguments, and has what is wrong with each of them in the end.
struct Collecting {
  private var faults: [String] = []

  /// `nil`: it could not be read.
  mutating func callAsFunction<Value>(_ read: () throws(APIError) -> Value) -> Value? {
    do { return try read() } catch {
      faults += error.messages
      return nil
    }
  }

  /// Throws one 422 with all of it, when there is something.
  func check() throws(APIError) {
    guard faults.isEmpty else { throw APIError(.unprocessableContent, faults) }
  }
}
