// A server's console as a terminal in the page. Who may come, and what the connection becomes, is as in the API.

import Consoles
import HTTPTypes
import Rack

struct ConsolePage {
  let gate: ConsoleGate

  func register(on routes: inout PortalRoutes) {
    routes.get("/servers/:id/console", show)
    routes.get("/servers/:id/console/socket", open)
  }

  private func show(_ visit: Visit) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, project) = try visit.server(in: view)
    var fields = visit.fields(of: server)
    fields["refusal"] = gate.console(of: server, in: view).refusal
    return visit.page(
      "console", title: "Console of \(server.hostname)", in: .server(server, project, .console), ["is": fields])
  }

  /// A session of the browser is let in as long as it lasts.
  private func open(_ visit: Visit) async throws -> PortalAnswer {
    let (server, _) = try visit.server(in: await visit.call.view())
    var opening = try await gate.open(server, for: visit.call)
    let isWanted = opening.isWanted
    opening.isWanted = { await isWanted() && visit.site.sessions.isOpen(visit.key) }
    return PortalAnswer(status: .switchingProtocols, body: .console(opening))
  }
}
