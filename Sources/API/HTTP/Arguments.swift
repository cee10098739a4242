// What a caller sent: members of the JSON body, and the query. The same argument travels in the one or the other
// depending on the client, so both are asked, and the body wins.
//
// Absent, empty and `{}` bodies are alike; so are a member that is absent and one that is null; members nobody asks
// for are ignored, and so is the content type.

import HTTPTypes
import Hummingbird
import NIOCore
import Net
import Rack

/// The arguments of one request. Each accessor answers `nil` for "not given", and throws a 422 that names the member,
/// its value and what would be valid.
struct Arguments: Sendable {
  /// The longest body that is read, in bytes.
  static let bodyLimit = 1 << 20

  let body: JSON
  let query: [String: String]
  /// All values of each name in the query, in order; `name[]` counts as `name`.
  private(set) var lists: [String: [String]] = [:]

  /// `body`: the bytes of the body, at most `bodyLimit`. `query`: percent-decoded.
  init(body: [UInt8], query: [String: String]) throws {
    self.query = query
    let isBlank = body.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    let value = isBlank ? [:] : try JSON(reading: body)
    switch value {
    case .object: self.body = value
    case .null: self.body = [:]
    default: throw APIError(.badRequest, "the body must be a JSON object, not \(value.kind)")
    }
  }

  /// `members`: of the body.
  init(members: [JSON.Member], query: [String: String] = [:]) { (body, self.query) = (.object(members), query) }

  /// A request whose body has come, and is not read.
  struct Raw: Sendable {
    fileprivate let body: ByteBuffer
    fileprivate let query: [(String, String)]

    /// Reads the query first: what is wrong with it needs no body.
    init(_ request: Request) async throws {
      query = try Arguments.pairs(of: request)
      body = try await request.body.collect(upTo: Arguments.bodyLimit)
    }
  }

  /// Reads the body, which takes its time; `isDocument`: it is no list of arguments.
  init(_ raw: Raw, isDocument: Bool = false) throws {
    let query = raw.query
    try self.init(body: isDocument ? [] : Array(raw.body.readableBytesView), query: Dictionary(query) { $1 })
    for (name, value) in query {
      lists[name.hasSuffix("[]") ? String(name.dropLast(2)) : name, default: []].append(value)
    }
  }

  /// The body as text. Throws 400 when it is no UTF-8.
  static func document(_ raw: Raw) throws(APIError) -> String {
    guard let text = String(validating: raw.body.readableBytesView, as: UTF8.self) else {
      throw APIError(.badRequest, "the body is not valid UTF-8")
    }
    return text
  }

  /// The query of `request`, decoded; of repeated names the last one counts. Throws 400 when it has too many fields.
  static func query(of request: Request) throws(APIError) -> [String: String] {
    Dictionary(try pairs(of: request)) { $1 }
  }

  private static func pairs(of request: Request) throws(APIError) -> [(String, String)] {
    guard let text = request.uri.query else { return [] }
    let pairs = try FormFields(text.utf8, of: "the query").pairs.map { ($0.name, $0.value ?? "") }
    for (name, value) in pairs where name == "include" || name == "exclude" {
      guard value.utf8.count(where: { $0 == UInt8(ascii: ",") }) < Expansion.nameLimit else {
        throw APIError(
          .badRequest, "\(name) has more than \(Expansion.nameLimit) names; valid are up to \(Expansion.nameLimit)")
      }
    }
    return pairs
  }

  /// The member `name` of the body, or of the query; `nil` when neither has it or it is null.
  func value(_ name: String) -> JSON? {
    if let value = body[name], value != .null { return value }
    return query[name].map(JSON.string)
  }

  func string(_ name: String) throws(APIError) -> String? {
    switch value(name) {
    case nil: return nil
    case .string(let text): return text
    case .some(let other): throw .invalid("\(name) must be a text, not \(other.kind)")
    }
  }

  /// A whole number, or a text of digits.
  func integer(_ name: String) throws(APIError) -> Int? {
    guard let value = value(name) else { return nil }
    switch value {
    case .integer(let number): return number
    case .number(let number) where Int(exactly: number) != nil: return Int(exactly: number)
    case .string(let text): if let number = Self.digits(text) { return number }
    default: break
    }
    throw .invalid("\(name) must be a whole number, not \(Self.shown(value))")
  }

  func boolean(_ name: String) throws(APIError) -> Bool? {
    guard let value = value(name) else { return nil }
    switch value {
    case .boolean(let flag): return flag
    // A query has what Python writes, too.
    case .string("true"), .string("True"): return true
    case .string("false"), .string("False"): return false
    default: throw .invalid("\(name) must be true or false, not \(Self.shown(value))")
    }
  }

  /// A network as its number or its UUID.
  func network(_ name: String) throws(APIError) -> NetworkReference? {
    guard let value = value(name) else { return nil }
    switch value {
    case .integer(let number): return .number(number)
    case .string(let text):
      if let number = Self.digits(text) { return .number(number) }
      if let id = NetworkID(text) { return .id(id) }
    default: break
    }
    throw .invalid("\(name) must be the number of a virtual network or its UUID, not \(Self.shown(value))")
  }

  static let blockRule = "a block of addresses as a.b.c.d/length"

  /// A block as text; an address without a length is a block of one.
  func block(_ name: String) throws(APIError) -> IPPrefix? {
    guard let text = try string(name) else { return nil }
    do { return try IPPrefix(reading: text) } catch { throw .invalid("\(name) is not valid: \(error.message)") }
  }

  /// `read`, with a 422 when it finds nothing. `what` says what is expected: "the number or UUID of a network".
  func required<Value>(
    _ name: String, _ what: String, _ read: (String) throws -> Value?
  ) throws -> Value {
    guard let value = try read(name) else { throw APIError.invalid("\(name) is missing: give \(what)") }
    return value
  }

  /// The value of a text of 1 to 18 decimal digits.
  static func digits(_ text: String) -> Int? {
    guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }

  /// A value in an error text, cut to a length that fits a line.
  static func shown(_ value: JSON) -> String { cut(String(decoding: value.text, as: UTF8.self), to: 80) }

  /// `text`, or as much of it as `limit` scalars hold with a mark of what is missing. Not by characters: of these one
  /// can be a megabyte.
  static func cut(_ text: String, to limit: Int) -> String {
    let scalars = text.unicodeScalars
    guard text.utf8.count > limit, !scalars.dropFirst(limit).isEmpty else { return text }
    return String(scalars.prefix(limit - 3)) + "…"
  }
}
