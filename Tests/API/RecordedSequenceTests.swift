import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Net
import Rack
import Testing
import Yams

@testable import API

/// Calls of clients as they were recorded, by client and version, in Tests/Clients/recorded; its README has their form.
/// Those that can be had run in `scripts/test --clients` themselves; these run everywhere.
@Suite("Recorded sequences of calls, by client and version") struct RecordedSequenceTests {
  /// Points of issue 7b that clients showed, and SSH keys.
  static let lines = (14...27).map(String.init) + ["24b"]

  @Test("there is one for every point that clients showed")
  func complete() throws {
    let told = try RecordedSequence.read()
    #expect(told.filter { $0.calls.isEmpty }.map(\.what) == [])
    #expect(Set(Self.lines).subtracting(told.map(\.line)).sorted() == [])
  }

  @Test("each call is answered as its client needs it", arguments: RecordedSequence.all)
  func replay(_ sequence: RecordedSequence) async throws {
    try await WholeAPI.test { api in
      var names = ["project": try await api.project()]
      let machines = api.machines
      for call in sequence.calls {
        let call = call.with(names)
        let answer: WholeAPI.Answer
        if let hostname = call.machine {
          answer = try await api.ask(call.method, call.path, call.body, as: hostname, of: machines)
        } else {
          answer = try await api.ask(call.method, call.path, call.body, with: call.sentHeaders)
        }
        let text = String(decoding: answer.bytes.prefix(600), as: UTF8.self)
        let comment = "\(call.method.rawValue) \(call.path): \(text)"
        #expect(answer.status.code == call.status, "\(comment)")
        for header in call.headers {
          #expect(HTTPField.Name(header).flatMap { answer.headers[$0] }?.isEmpty == false, "\(header) of \(comment)")
        }
        for claim in call.claims {
          let fault = claim.fault(in: answer.json)
          #expect(fault == nil, "\(comment)")
        }
        for (name, path) in call.keeps {
          names[name] = try #require(answer.json.at(path)?.string, "\(path) of \(comment)")
        }
      }
    }
  }
}

/// Calls of one client, one after the other.
struct RecordedSequence: Sendable, CustomTestStringConvertible {
  let client: String
  let line: String
  let what: String
  let calls: [Call]

  var testDescription: String { "\(client), \(line): \(what)" }

  struct Call: Sendable {
    var method: HTTPRequest.Method
    var path: String
    var body: String?
    var status: Int
    /// The server that sends it, to the metadata service; nil: a client of the API.
    var machine: String?
    /// Headers that the client sends with every call of the sequence.
    var sentHeaders: HTTPFields
    /// Headers that the answer has.
    var headers: [String]
    var claims: [Claim]
    /// Names for members of the answer, which later calls have in braces.
    var keeps: [String: String]

    /// With what was kept in the place of names.
    func with(_ names: [String: String]) -> Call {
      func filled(_ text: String) -> String {
        names.reduce(text) { $0.replacing("{\($1.key)}", with: $1.value) }
      }
      var call = self
      call.path = filled(path)
      call.body = body.map(filled)
      call.claims = claims.map { claim in
        var claim = claim
        if case .string(let text) = claim.value { claim.value = .string(filled(text)) }
        return claim
      }
      return call
    }
  }

  /// What the client needs at a place of the answer.
  struct Claim: Sendable {
    let place: String
    /// `equals`, `has`, `lacks`, `count` or `is`.
    let verb: String
    var value: JSON

    /// What is wrong; nil: nothing.
    func fault(in answer: JSON) -> String? {
      let found = answer.at(place)
      let holds: Bool
      switch (verb, found) {
      case ("equals", _): holds = found == value
      case ("count", let found?): holds = .integer(found.elements.count) == value
      case ("has", .string(let text)?): holds = text.contains(value.string ?? "\u{0}")
      case ("has", let found?): holds = found.elements.contains(value)
      case ("lacks", let found?): holds = !found.elements.contains(value)
      case ("is", _): holds = Self.kinds[value.string ?? ""]?(found) ?? false
      default: holds = false
      }
      return holds ? nil : "\(place) \(verb) \(value): it is \(found.map { "\($0)" } ?? "absent")"
    }

    private static let kinds: [String: @Sendable (JSON?) -> Bool] = [
      "absent": { $0 == nil },
      "present": { $0 != nil && $0 != .null },
      "text": { $0?.string?.isEmpty == false },
      "list": { if case .array? = $0?.plain { true } else { false } },
      "uuid": { $0?.string.flatMap(UUID.init(uuidString:)) != nil },
      // RFC 3339, as Go reads it.
      "time": { $0?.string.flatMap { try? Date($0, strategy: .iso8601) } != nil },
      "address": { found in
        found?.string.flatMap { IPAddress($0) } != nil
      },
    ]
  }
}

extension RecordedSequence {
  /// All of them; none when they cannot be read, which `read` says.
  static let all = (try? read()) ?? []

  static func read() throws -> [RecordedSequence] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Clients/recorded")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "yaml" }.sorted { $0.path < $1.path }
    return try files.flatMap { file in
      let node = try #require(try Yams.compose(yaml: String(contentsOf: file, encoding: .utf8)))
      let client = "\(node["client"]?.string ?? "") \(node["version"]?.string ?? "")"
      return try (node["sequences"]?.array() ?? []).map { try RecordedSequence($0, client, file.lastPathComponent) }
    }
  }

  private init(_ node: Node, _ client: String, _ file: String) throws {
    self.client = client
    line = try #require(node["line"]?.string, "\(file): a sequence without a line")
    what = try #require(node["what"]?.string, "\(file): a sequence that does not say what it is")
    var headers: HTTPFields = [:]
    for (name, value) in node["with"]?.mapping ?? [:] {
      headers[try #require(HTTPField.Name(name.string ?? ""), "\(file): a header without a name")] = value.string
    }
    calls = try (node["calls"]?.array() ?? []).map { try Call($0, headers, file) }
  }
}

extension RecordedSequence.Call {
  fileprivate init(_ node: Node, _ sentHeaders: HTTPFields, _ file: String) throws {
    self.sentHeaders = sentHeaders
    let known: Set = ["send", "body", "status", "as", "headers", "answer", "keep"]
    let words = (node["send"]?.string ?? "").split(separator: " ", maxSplits: 1)
    let strange = (node.mapping ?? [:]).keys.compactMap(\.string).filter { !known.contains($0) }
    try #require(words.count == 2 && strange.isEmpty, "\(file): a call has METHOD and path, and no \(strange)")
    (method, path) = (try #require(HTTPRequest.Method(String(words[0]))), String(words[1]))
    status = try #require(node["status"]?.int, "\(file): \(path) has no status")
    body = node["body"]?.string
    machine = node["as"]?.string
    headers = (node["headers"]?.array() ?? []).compactMap(\.string)
    claims = try (node["answer"]?.mapping ?? [:]).map { key, value in
      let verbs = ["has", "lacks", "count", "is"]
      let words = (key.string ?? "").split(separator: " ").map(String.init)
      try #require(words.count == 1 || words.count == 2 && verbs.contains(words[1]), "\(file): \(words)")
      return .init(place: words[0], verb: words.count == 2 ? words[1] : "equals", value: try JSON(written: value))
    }
    keeps = Dictionary(
      uniqueKeysWithValues: (node["keep"]?.mapping ?? [:]).map { ($0.key.string ?? "", $0.value.string ?? "") })
  }
}

extension JSON {
  /// What is at a place: members and indices with "/" between, `name=value` for the element of an array whose member
  /// has that value; a name on an array is that member of each element. `base` of a text is what stands behind its
  /// last "/", by which clients know whom a link is to.
  fileprivate func at(_ place: String) -> JSON? {
    place.split(separator: "/").reduce(self as JSON?) { found, step in
      guard let found else { return nil }
      if step == "base", case .string(let text) = found {
        return .string(text.split(separator: "/").last.map(String.init) ?? text)
      }
      guard case .array(let elements) = found.plain else { return found[String(step)] }
      if let index = Int(step) { return found[index] }
      let parts = step.split(separator: "=", maxSplits: 1).map(String.init)
      if parts.count == 2 { return elements.first { $0[parts[0]]?.string == parts[1] } }
      return .array(elements.compactMap { $0[parts[0]] })
    }
  }

  /// As the file has it: what stands in quotes is a text.
  fileprivate init(written node: Node) throws {
    switch node {
    case .mapping(let mapping):
      self = .object(try mapping.map { Member(name: $0.key.string ?? "", value: try JSON(written: $0.value)) })
    case .sequence(let sequence): self = .array(try sequence.map(JSON.init(written:)))
    case .scalar(let scalar):
      switch (scalar.style, node.null, node.bool, node.int) {
      case (.singleQuoted, _, _, _), (.doubleQuoted, _, _, _): self = .string(scalar.string)
      case (_, .some, _, _): self = .null
      case (_, _, let flag?, _): self = .boolean(flag)
      case (_, _, _, let number?): self = .integer(number)
      default: self = .string(scalar.string)
      }
    case .alias: throw APIError.invalid("a recorded sequence has an alias")
    }
  }
}

extension WholeAPI {
  /// The metadata service of the same rack, whose reports are events of it.
  fileprivate var machines: MetadataResponder {
    let keeper = keeper
    return MetadataResponder(
      lookup: { address in
        let rack = await keeper.rack
        return rack.server(at: address).map { MetadataSubject(rack: rack, server: $0) }
      }, privateSubnets: ["10.0.0.0/8"]
    ) { report, server in await keeper.note(report.type, report.body, of: server) }
  }

  /// Asks as a server does, from its public address.
  fileprivate func ask(
    _ method: HTTPRequest.Method, _ path: String, _ body: String?, as hostname: String, of machines: MetadataResponder
  ) async throws -> Answer {
    let list = try await call(.get, "/projects/\(project())/devices")["devices"]?.elements ?? []
    let device = list.first { $0["hostname"]?.string == hostname }
    let text = try #require(device?["ip_addresses"]?[0]?["address"]?.string, "\(hostname) has no address")
    let response = await machines.respond(method, path, from: IPAddress(text)) { Array((body ?? "").utf8) }
    var collected = ByteBuffer()
    try await response.body.write(Collector { collected.writeImmutableBuffer($0) })
    let bytes = Array(collected.readableBytesView)
    return Answer(
      status: response.status, headers: response.headers, bytes: bytes, json: (try? JSON(reading: bytes)) ?? .null)
  }
}

private struct Collector: ResponseBodyWriter {
  let append: (ByteBuffer) -> Void
  mutating func write(_ buffer: ByteBuffer) async throws { append(buffer) }
  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
