// Consoles: which there are and who is there, and the way to one.

import Consoles
import HTTPTypes
import Rack

struct ToprackConsoleRoutes {
  let gate: ConsoleGate

  func register(on routes: inout Routes) {
    routes.get("/toprack/consoles", list)
    routes.get("/toprack/devices/:server/console", open)
  }

  /// Of each server that has one, by name.
  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let statuses = await gate.statuses()
    let renderer = call.renderer(view)
    let servers = view.servers.sorted {
      ($0.hostname, $0.createdAt, $0.id.description) < ($1.hostname, $1.createdAt, $1.id.description)
    }
    return .ok([
      "consoles": .array(
        servers.compactMap { server in
          let machine = gate.console(of: server, in: view)
          return machine.source.map { renderer.console(of: server, $0, statuses[server.id]) }
        })
    ])
  }

  private func open(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(serverNamed: call.parameter("server"))
    return Reply(status: .switchingProtocols, body: .console(try await gate.open(server, for: call)))
  }
}
