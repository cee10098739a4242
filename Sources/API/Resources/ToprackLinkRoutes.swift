// Links between NICs and the switch: what is wrong with them, each way, and their cables.

import Rack

struct ToprackLinkRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/links", list)
    routes.get("/toprack/links/:server/:nic", show)
    routes.put("/toprack/links/:server/:nic") { try await set($0, replacing: true) }
    routes.patch("/toprack/links/:server/:nic") { try await set($0, replacing: false) }
  }

  /// A line a direction: of one server or NIC; else of all on which something is set, or with `all` of all.
  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try call.arguments.string("server").map { try view.known(serverNamed: $0) }
    let nic = try call.arguments.string("nic").map { try Self.nic($0, of: server) }
    let isWhole = try call.arguments.boolean("all") ?? (server != nil)
    let servers = server.map { [$0] } ?? view.servers.sorted { ($0.hostname, "\($0.id)") < ($1.hostname, "\($1.id)") }
    let lines = servers.flatMap { server in
      PortName.nics.filter { nic == nil || $0 == nic }
        .filter { isWhole || !server.linkWords($0).isEmpty }
        .flatMap { nic in LinkDirection.allCases.map { Line(server: server, nic: nic, direction: $0) } }
    }
    return .list(call.elements(lines, view) { $0.link($1.nic, $1.direction, of: $1.server) })
  }

  private struct Line: Sendable { let server: Server, nic: PortName, direction: LinkDirection }

  private func show(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try view.known(serverNamed: call.parameter("server"))
    return .ok(call.renderer(view).link(try Self.nic(call.parameter("nic"), of: server), of: server))
  }

  private func set(_ call: Call, replacing: Bool) async throws -> Reply {
    let server = try await call.view().known(serverNamed: call.parameter("server"))
    let nic = try Self.nic(call.parameter("nic"), of: server)
    try await call.perform(.setLink(server.id, nic, try LinkUpdate(call.arguments, replacing: replacing)))
    let view = await call.view()
    return .ok(call.renderer(view).link(nic, of: try view.known(server: server.id)))
  }

  /// A NIC of `server`, by any of its names; without a server by the usual ones.
  private static func nic(_ name: String, of server: Server?) throws(APIError) -> PortName {
    let valid = PortName.nics.map(\.rawValue).joined(separator: ", ")
    if let nic = server.map({ $0.port(named: name) }) ?? PortName(rawValue: name), nic != .bond0 { return nic }
    throw .unknown(
      "\(server?.hostname ?? "a server") has no NIC \(Arguments.shown(.string(name))); valid are \(valid)")
  }
}
