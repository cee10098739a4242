import FoundationEssentials
import Yams

@testable import API

/// The description of the API, and whether an answer is as it says. Of JSON Schema it knows what the description uses.
struct Description {
  let document: JSON

  init() throws {
    guard let node = try Yams.compose(yaml: String(decoding: DescriptionRoutes.text, as: UTF8.self)) else {
      throw APIError.invalid("the description is empty")
    }
    document = try Self.json(node)
  }

  private static func json(_ node: Node) throws -> JSON {
    switch node {
    case .mapping(let mapping):
      .object(try mapping.map { JSON.Member(name: $0.key.string ?? "", value: try json($0.value)) })
    case .sequence(let sequence): .array(try sequence.map(json))
    case .scalar:
      if node.null != nil {
        .null
      } else if let flag = node.bool {
        .boolean(flag)
      } else if let number = node.int {
        .integer(number)
      } else if let number = node.float {
        .number(number)
      } else {
        .string(node.string ?? "")
      }
    case .alias: throw APIError.invalid("the description has an alias")
    }
  }

  /// Method and path of each operation: "GET /projects/{id}".
  var operations: Set<String> {
    Set(
      (document["paths"]?.members ?? []).flatMap { path in
        path.value.members.map { "\($0.name.uppercased()) \(path.name)" }
      })
  }

  /// What `#/components/…` points at.
  func target(_ reference: String) -> JSON? {
    guard reference.hasPrefix("#/") else { return nil }
    return reference.dropFirst(2).split(separator: "/").reduce(document as JSON?) { $0?[String($1)] }
  }

  func resolved(_ value: JSON) -> JSON {
    value["$ref"]?.string.flatMap(target).map(resolved) ?? value
  }

  /// What is wrong with the answer of an operation; empty when it is as described.
  func faults(_ method: String, _ path: String, _ status: Int, _ body: JSON) -> [String] {
    guard let answer = document["paths"]?[path]?[method]?["responses"]?[String(status)].map(resolved) else {
      return ["\(method) \(path) has no status \(status)"]
    }
    guard let schema = answer["content"]?["application/json"]?["schema"] else {
      return body == .null ? [] : ["\(method) \(path): a body that is not described"]
    }
    return faults(body, schema, at: "\(method) \(path)", isClosed: true)
  }

  /// `isClosed`: members that are not described are wrong.
  private func faults(_ value: JSON, _ schema: JSON, at place: String, isClosed: Bool) -> [String] {
    if let reference = schema["$ref"]?.string {
      guard let target = target(reference) else { return ["\(place): \(reference) is nowhere"] }
      return faults(value, target, at: place, isClosed: isClosed && !reference.hasSuffix("/Link"))
    }
    var found: [String] = []
    if let branches = schema["anyOf"]?.elements {
      let all = branches.map { faults(value, $0, at: place, isClosed: isClosed) }
      if !all.contains([]) { found += all.first { !$0.isEmpty } ?? [] }
    }
    for part in schema["allOf"]?.elements ?? [] { found += faults(value, part, at: place, isClosed: false) }
    if let only = schema["const"], only != value { found.append("\(place) is \(value), not \(only)") }
    if let words = schema["enum"]?.elements, !words.contains(value) { found.append("\(place) is \(value)") }
    if let type = schema["type"] {
      let types = type.string.map { [$0] } ?? type.elements.compactMap(\.string)
      if !types.contains(where: { value.isOf($0) }) { return found + ["\(place) is \(value.kind), not \(types)"] }
    }
    found += limits(value, schema, at: place)
    if let items = schema["items"] {
      found += value.elements.enumerated().flatMap {
        faults($0.element, items, at: "\(place)[\($0.offset)]", isClosed: isClosed)
      }
    }
    for name in schema["required"]?.elements.compactMap(\.string) ?? [] where value[name] == nil {
      found.append("\(place) has no \(name)")
    }
    for member in value.members {
      if let schema = schema["properties"]?[member.name] ?? schema["additionalProperties"] {
        found += faults(member.value, schema, at: "\(place).\(member.name)", isClosed: isClosed)
      } else if isClosed, schema["properties"] != nil {
        found.append("\(place).\(member.name) is not described")
      }
    }
    return found
  }

  private func limits(_ value: JSON, _ schema: JSON, at place: String) -> [String] {
    var found: [String] = []
    if case .integer(let most) = schema["maxItems"], value.elements.count > most {
      found.append("\(place) is too long")
    }
    if case .integer(let least) = schema["minItems"], value.elements.count < least {
      found.append("\(place) is too short")
    }
    if case .integer(let number) = value {
      if case .integer(let most) = schema["maximum"], number > most { found.append("\(place) is \(number)") }
      if case .integer(let least) = schema["minimum"], number < least { found.append("\(place) is \(number)") }
    }
    if let text = value.string {
      switch schema["format"]?.string {
      case "uuid": if UUID(uuidString: text) == nil || text != text.lowercased() { found.append("\(place) is \(text)") }
      case "date-time":
        if text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) == nil { found.append("\(place) is \(text)") }
      default: break
      }
    }
    return found
  }
}

extension JSON {
  fileprivate func isOf(_ type: String) -> Bool {
    switch plain {
    case .null: type == "null"
    case .boolean: type == "boolean"
    case .integer: type == "integer" || type == "number"
    case .number: type == "number"
    case .string: type == "string"
    case .array: type == "array"
    case .object: type == "object"
    case .prepared: false
    }
  }
}
