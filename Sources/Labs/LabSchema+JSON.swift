// The table as a JSON Schema, for editors: yaml-language-server completes and checks by it. Draft 7, which it knows
// best.

import Rack

extension LabSchema {
  /// The same text for the same catalogue.
  public static var json: String {
    var members: [(String, LabJSON)] = [
      ("$schema", "http://json-schema.org/draft-07/schema#"),
      ("title", "Toprack lab"),
      ("description", "Networks, servers, address blocks and checks of one lab. Files are called *.toprack.yml."),
    ]
    members += object(root, oneOf: [])
    members.append(
      (
        "definitions",
        .object([
          ("network", .object(object(network, oneOf: [["facility", "metro"]], isNot: true))),
          ("server", .object(object(server, oneOf: []))),
          ("port", shape(.either(list: portList, map: port))),
          ("check", .object(object(check, oneOf: questions))),
        ])
      ))
    return LabJSON.object(members).text + "\n"
  }

  private static var portList: LabShape { port[0].shape }

  /// - Parameter isNot: the keys of the only set exclude each other.
  private static func object(_ keys: [LabKey], oneOf: [[String]], isNot: Bool = false) -> [(String, LabJSON)] {
    var members: [(String, LabJSON)] = [
      ("type", keys.contains(where: \.isRequired) || !oneOf.isEmpty && !isNot ? "object" : ["object", "null"]),
      ("properties", .object(keys.map { ($0.name, json($0)) })),
    ]
    let required = keys.filter(\.isRequired).map { LabJSON.string($0.name) }
    if !required.isEmpty { members.append(("required", .array(required))) }
    // With the type: a rule about keys holds for what has none, as null.
    let type: [(String, LabJSON)] = isNot ? [("type", "object")] : []
    let sets = oneOf.map { LabJSON.object(type + [("required", .array($0.map(LabJSON.string)))]) }
    if isNot { members.append(("not", sets[0])) } else if !sets.isEmpty { members.append(("oneOf", .array(sets))) }
    members.append(("additionalProperties", false))
    return members
  }

  private static func json(_ key: LabKey) -> LabJSON {
    var members: [(String, LabJSON)] = [("description", .string(key.summary))]
    switch key.name {
    case "bond0" where key.isPort, "eth0" where key.isPort, "eth1" where key.isPort:
      members = [("description", .string(key.summary)), ("allOf", [.object([("$ref", "#/definitions/port")])])]
    default:
      guard case .object(let more) = shape(key.shape) else { break }
      members += more
    }
    if let standard = key.standard { members.append(("default", key.shape.json(of: standard))) }
    return .object(members)
  }

  private static func shape(_ shape: LabShape) -> LabJSON {
    switch shape {
    case .word(let word): return .object(word.json)
    case .list(.map(let keys, _), let limit) where keys.map(\.name) == check.map(\.name):
      return .object([
        ("type", ["array", "null"]), ("maxItems", .integer(limit)),
        ("items", .object([("$ref", "#/definitions/check")])),
      ])
    case .list(let item, let limit):
      return .object([("type", "array"), ("maxItems", .integer(limit)), ("items", self.shape(item))])
    case .map(let keys, let oneOf): return .object(object(keys, oneOf: oneOf))
    case .named(let name, let value):
      return .object([
        ("type", ["object", "null"]),
        ("patternProperties", .object([(name.pattern ?? ".", named(value))])),
        ("additionalProperties", false),
      ])
    case .either(let list, let map): return .object([("oneOf", [self.shape(list), .object(object(map, oneOf: []))])])
    }
  }

  /// What stands under a name; long ones are definitions.
  private static func named(_ value: LabShape) -> LabJSON {
    guard case .map(let keys, _) = value else { return shape(value) }
    let known = [("network", network), ("server", server)]
    guard let name = known.first(where: { $0.1.map(\.name) == keys.map(\.name) })?.0 else { return shape(value) }
    return .object([("$ref", .string("#/definitions/\(name)"))])
  }
}

extension LabKey {
  fileprivate var isPort: Bool { if case .either = shape { true } else { false } }
}

extension LabShape {
  /// A default, which is written as text.
  fileprivate func json(of text: String) -> LabJSON {
    switch self {
    case .word(.integer): .integer(Int(text) ?? 0)
    case .word(.boolean): .boolean(text == "true")
    default: .string(text)
    }
  }
}

extension LabWord {
  /// ECMA 262.
  fileprivate var pattern: String? {
    switch self {
    case .lab: "^[a-z0-9-]{1,\(Self.labLimit)}$"
    case .label: "^[A-Za-z0-9][A-Za-z0-9._-]{0,\(Self.labelLimit - 1)}$"
    case .server: "^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$"
    case .serverKey, .servers: "^[A-Za-z0-9.-]{0,63}(\\[[0-9]{1,9}-[0-9]{1,9}\\][A-Za-z0-9.-]{0,60})?$"
    case .place: "^(host|netns|vm|netns:[^/]+)$"
    case .interface: "^[A-Za-z0-9._][A-Za-z0-9._-]{0,\(NICNames.limit - 1)}$"
    case .memory: "^[1-9][0-9]*([KMGT](iB)?|B)$"
    case .duration: "^[1-9][0-9]*(ms|s|m)$"
    case .percentage: "^(0|[0-9]{1,3}(\\.[0-9]{1,4}0*)?%)$"
    case .delay, .queue: "^(0|[0-9]+(\\.[0-9]+)?([mu]?s|[MU]?S))$"
    case .rate: "^(0|[0-9]+(\\.[0-9]+)?[kmgKMG]?[bB][iI][tT])$"
    case .address: "^[0-9A-Fa-f.:]+$"
    case .endpoint: "^([0-9.]+|\\[[0-9A-Fa-f.:]+\\]):[1-9][0-9]{0,4}$"
    case .url: "^http://[!-~]+$"
    default: nil
    }
  }

  fileprivate var json: [(String, LabJSON)] {
    func words(_ words: [String]) -> [(String, LabJSON)] { [("enum", .array(words.map(LabJSON.string)))] }
    switch self {
    case .boolean: return [("type", "boolean")]
    case .integer(let range):
      return [("type", "integer"), ("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound))]
    case .oneOf(let all): return words(all)
    case .mode: return words(NetworkMode.settable.map(\.rawValue))
    case .facility: return words(Catalogue.facilities.map(\.code))
    case .metro: return words(Catalogue.metros.map(\.code))
    case .plan: return words(Catalogue.plans.map(\.slug) + Catalogue.plans.compactMap(\.legacySlug))
    case .operatingSystem: return words(Catalogue.operatingSystems.map(\.slug))
    default:
      var members: [(String, LabJSON)] = [("type", "string")]
      if let pattern { members.append(("pattern", .string(pattern))) }
      if let range = lengths {
        members += [("minLength", .integer(range.lowerBound)), ("maxLength", .integer(range.upperBound))]
      }
      return members
    }
  }

  private var lengths: ClosedRange<Int>? {
    switch self {
    case .project: 1...Names.nameLimit
    case .description: 0...Names.descriptionLimit
    case .tag: 1...Names.tagLimit
    case .userdata: 0...Names.textLimit
    case .path: 1...Self.pathLimit - 1
    case .commandLine: 0...Self.commandLineLimit
    case .url: 8...Self.urlLimit
    default: nil
    }
  }
}

/// JSON whose members keep their order.
enum LabJSON: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByBooleanLiteral {
  case string(String)
  case integer(Int)
  case boolean(Bool)
  case array([LabJSON])
  case object([(String, LabJSON)])

  init(stringLiteral value: String) { self = .string(value) }
  init(arrayLiteral elements: LabJSON...) { self = .array(elements) }
  init(booleanLiteral value: Bool) { self = .boolean(value) }

  /// Indented; what has only words in it stands in one line.
  var text: String { text(indent: "") }

  private func text(indent: String) -> String {
    let deeper = indent + "  "
    switch self {
    case .string(let text): return Self.quoted(text)
    case .integer(let number): return String(number)
    case .boolean(let value): return String(value)
    case .array(let items) where items.allSatisfy(\.isShort):
      return "[" + items.map { $0.text(indent: deeper) }.joined(separator: ", ") + "]"
    case .array(let items):
      return "[\n" + items.map { deeper + $0.text(indent: deeper) }.joined(separator: ",\n") + "\n\(indent)]"
    case .object(let members):
      let lines = members.map { "\(deeper)\(Self.quoted($0.0)): \($0.1.text(indent: deeper))" }
      return lines.isEmpty ? "{}" : "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
    }
  }

  private var isShort: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
