// What `POST /toprack/wait` asks.

import Checks
import Rack

struct WaitRequest: Sendable {
  static let longest = 3_600_000
  static let defaultTime = 60_000

  let servers: [Server]
  let conditions: [WaitCondition]
  let milliseconds: Int

  private static let names = ["link", "lacp", "address", "ping", "phone_home"]

  /// Throws 404 for a server that is not there, and 422 for whatever cannot be waited for.
  init(_ call: Call, _ view: View) throws {
    let arguments = call.arguments
    let names = try arguments.required("servers", "a list of names or UUIDs of servers") { try arguments.texts($0) }
    guard (1...Rack.serverLimit).contains(names.count) else {
      throw APIError.invalid("servers has \(names.count) entries; valid are 1 to \(Rack.serverLimit)")
    }
    var servers: [Server] = []
    for name in names {
      let server = try view.known(serverNamed: name)
      if !servers.contains(where: { $0.id == server.id }) { servers.append(server) }
    }
    milliseconds = try arguments.integer("timeout_ms") ?? Self.defaultTime
    guard (0...Self.longest).contains(milliseconds) else {
      throw APIError.invalid("timeout_ms \(milliseconds) is out of range; valid are 0 to \(Self.longest)")
    }
    self.servers = servers
    let conditions = try Self.conditions(arguments)
    self.conditions = conditions.isEmpty ? [.active] : conditions
  }

  private static func conditions(_ arguments: Arguments) throws -> [WaitCondition] {
    guard let value = arguments.value("conditions") else { return [] }
    guard case .object(let members) = value else {
      throw APIError.invalid("conditions must be an object, not \(value.kind)")
    }
    if let unknown = members.first(where: { !names.contains($0.name) }) {
      throw APIError.invalid(
        "condition \(Arguments.shown(.string(unknown.name))) is not known; valid are \(names.joined(separator: ", "))")
    }
    let given = Arguments(members: members)
    var conditions: [WaitCondition] = []
    switch given.value("link") {
    case nil, .boolean(false): break
    case .boolean(true): conditions.append(.link(nil))
    case .some(let other):
      guard case .string(let text) = other, let nic = PortName(rawValue: text), PortName.nics.contains(nic) else {
        throw APIError.invalid("link is \(Arguments.shown(other)); valid are true, eth0 and eth1")
      }
      conditions.append(.link(nic))
    }
    if try given.boolean("lacp") ?? false { conditions.append(.lacp) }
    if try given.boolean("address") ?? false { conditions.append(.address) }
    if let text = try given.string("ping") {
      do { conditions.append(.ping(try ProbeAddress(reading: text).description)) } catch {
        throw APIError.invalid("ping: \(error.message)")
      }
    }
    if try given.boolean("phone_home") ?? false { conditions.append(.phoneHome) }
    return conditions
  }

  /// The address that is to be pinged.
  var pinged: ProbeAddress? {
    for case .ping(let text) in conditions { return try? ProbeAddress(reading: text) }
    return nil
  }
}
