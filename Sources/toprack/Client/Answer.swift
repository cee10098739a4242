// What came back: JSON, to be printed as it is or decoded as far as a table needs it.

import Foundation

struct Answer {
  let data: Data

  init(_ data: Data) { self.data = data }

  func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
    guard (try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)) != nil else {
      throw Self.notJSON
    }
    do {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: data)
    } catch {
      throw Failure.refused(
        "the API's answer is not understood: \(Self.words(error)); is toprackd of another version? (toprack status)")
    }
  }

  /// What is not as it should be, without the decoder's own terms.
  private static func words(_ error: any Error) -> String {
    func path(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
      let keys = context.codingPath + (key.map { [$0] } ?? [])
      let name = keys.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
      return name.isEmpty ? "the answer" : "its member \(name)"
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context): return "\(path(context, key)) is missing"
    case DecodingError.valueNotFound(_, let context): return "\(path(context)) is null"
    case DecodingError.typeMismatch(_, let context): return "\(path(context)) is of another type"
    case DecodingError.dataCorrupted(let context): return "\(path(context)) is not valid"
    default: return "\(error)"
    }
  }

  /// The value as Foundation has it, or its member `name`.
  func value(_ name: String? = nil) throws -> Any {
    guard let value = try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) else {
      throw Self.notJSON
    }
    guard let name else { return value }
    guard let member = (value as? [String: Any])?[name] else {
      throw Failure.refused("the API's answer has no member \(name)")
    }
    return member
  }

  private static let notJSON = Failure.refused(
    "what answers is not Toprack's API: it does not speak JSON; is the URL or the socket the right one?")

  /// The lines of an error answer: `{"errors": […]}` or `{"error": "…"}`.
  var errors: [String]? {
    guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else { return nil }
    if let lines = object["errors"] as? [String], !lines.isEmpty { return lines }
    return (object["error"] as? String).map { [$0] }
  }
}
