// Checks as JSON has them, in the form of a lab's file: one object each, with one question.
//
//     {"from": "web1", "ping": "10.0.1.2", "within": "10s"}      {"server": "fw1", "lacp": "both"}

import Checks
import HTTPTypes
import Labs
import Rack

extension LabCheck {
  static let countLimit = 1000
  static let longest = 600_000
  private static let rule =
    "valid are ping, tcp, http and deaf with from, lacp and link with server, and with each name and within"

  /// All of them, or a 422 with what is wrong with each.
  static func reading(_ arguments: Arguments) throws -> [LabCheck] {
    let entries = try arguments.required("checks", "a list of checks") { try arguments.objects($0, rule) }
    guard entries.count <= countLimit else {
      throw APIError.invalid("checks has \(entries.count) entries; valid are up to \(countLimit)")
    }
    var (checks, faults): ([LabCheck], [String]) = ([], [])
    for (index, entry) in entries.enumerated() {
      do { checks.append(try LabCheck(entry)) } catch let error as APIError {
        faults += error.messages.map { "checks[\(index)]: \($0)" }
      } catch let fault as ProbeFault {
        faults.append("checks[\(index)]: \(fault.message)")
      }
    }
    guard faults.isEmpty else { throw APIError(.unprocessableContent, faults) }
    return checks
  }

  private init(_ entry: JSON) throws {
    guard case .object(let members) = entry else { throw APIError.invalid("it is \(entry.kind); \(Self.rule)") }
    let known = ["ping", "tcp", "http", "deaf", "lacp", "link"]
    let rest = ["from", "server", "status", "within", "name"]
    if let unknown = members.first(where: { !known.contains($0.name) && !rest.contains($0.name) }) {
      throw APIError.invalid("\(Arguments.shown(.string(unknown.name))) is not known; \(Self.rule)")
    }
    let given = Arguments(members: members)
    let questions = known.filter { given.value($0) != nil }
    guard questions.count == 1 else {
      throw APIError.invalid("it has \(questions.count) questions, and one is valid; \(Self.rule)")
    }
    let kind = questions[0]
    let text = try given.required(kind, "a text") { try given.string($0) }
    let subject = ["lacp", "link"].contains(kind) ? "server" : "from"
    let server = try given.required(subject, "the name of a server") { try given.string($0) }
    if let wrong = (["from", "server"].first { $0 != subject && given.value($0) != nil }) {
      throw APIError.invalid("\(wrong) is not for \(kind): it takes \(subject)")
    }
    if kind != "http", given.value("status") != nil { throw APIError.invalid("status is for http alone") }
    self.init(
      name: try given.string("name") ?? "\(server) \(kind) \(text)",
      question: try Self.question(kind, text, server, given), milliseconds: try Self.within(given))
    guard (1...200).contains(name.unicodeScalars.count), name == name.visibleInLine else {
      throw APIError.invalid("name is not valid; valid are 1 to 200 visible characters")
    }
  }

  private static func question(
    _ kind: String, _ text: String, _ server: String, _ given: Arguments
  ) throws -> Question {
    switch kind {
    case "ping": return .ping(from: server, to: try ProbeAddress(reading: text).description)
    case "deaf": return .deaf(from: server, to: try ProbeAddress(reading: text).description)
    case "tcp":
      let place = try ProbePort(reading: text)
      return .tcp(from: server, host: place.address.description, port: place.port)
    case "http":
      let status = try given.integer("status") ?? 200
      guard (100...599).contains(status) else {
        throw APIError.invalid("status \(status) is out of range; valid are 100 to 599")
      }
      return .http(from: server, url: try ProbeURL(reading: text).description, status: status)
    case "lacp":
      if text == "both" { return .lacp(server: server, nic: nil) }
      return .lacp(server: server, nic: try nic(text, "both, eth0 and eth1"))
    default: return .link(server: server, nic: try nic(text, "eth0 and eth1"))
    }
  }

  private static func nic(_ text: String, _ valid: String) throws(APIError) -> PortName {
    guard let nic = PortName(rawValue: text), PortName.nics.contains(nic) else {
      throw .invalid("\(Arguments.shown(.string(text))) is no NIC; valid are \(valid)")
    }
    return nic
  }

  private static func within(_ given: Arguments) throws(APIError) -> Int {
    guard let value = given.value("within") else { return 5_000 }
    let milliseconds: Int? =
      switch value {
      case .integer(let seconds) where seconds < 1_000_000: seconds * 1_000
      case .string(let text): TimeSpan.milliseconds(text)
      default: nil
      }
    guard let milliseconds, (1...longest).contains(milliseconds) else {
      throw .invalid("within is \(Arguments.shown(value)); \(TimeSpan.rule), up to \(longest / 60_000)m")
    }
    return milliseconds
  }
}
