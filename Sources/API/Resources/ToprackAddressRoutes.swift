// Addresses of all servers and elastic blocks of all projects together, each with the names that people know them by.

import Net
import Rack

struct ToprackAddressRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/ips", list)
  }

  /// With `server`: those of one server alone.
  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try call.arguments.string("server").map { name throws(APIError) in try view.known(serverNamed: name) }
    let servers =
      server.map { [$0] }
      ?? view.servers.sorted { ($0.hostname, $0.id.description) < ($1.hostname, $1.id.description) }
    let wanted = server.map { Set($0.blocks.map(\.reservation)) }
    let reservations = view.reservations.filter { wanted?.contains($0.id) ?? true }
      .sorted { $0.block.base < $1.block.base }
    return .list([
      "ip_addresses": .elements(
        call.elements(servers.flatMap { server in server.listedAddresses.map { (server, $0) } }, view) {
          renderer, place in
          let (server, address) = place
          return renderer.address(address, of: server).adding(
            (
              "toprack",
              Self.project(server.project, view).adding(
                ("server", .string(server.hostname)), ("server_id", server.id.json))
            ))
        }),
      "ip_reservations": .elements(
        call.elements(reservations, view) { renderer, reservation in
          let servers = Set(view.assignments(of: reservation).map(\.server)).sorted { $0.hostname < $1.hostname }
          return renderer.reservation(reservation).adding(
            (
              "toprack",
              Self.project(reservation.project, view).adding(
                ("servers", .array(servers.map { .string($0.hostname) })),
                ("server_ids", .array(servers.map(\.id.json))))
            ))
        }),
    ])
  }

  private static func project(_ id: ProjectID, _ view: View) -> JSON {
    ["project": JSON(view[id]?.name), "project_id": id.json]
  }
}
