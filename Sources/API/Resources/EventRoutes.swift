// What has happened, the newest first.

import Rack

struct EventRoutes {
  func register(on routes: inout Routes) {
    routes.get("/events") { call in try await list(call) { _ in (nil, nil) } }
    routes.get("/projects/:id/events") { call in
      try await list(call) { view in (try view.known(project: call.identifier(of: "project")), nil) }
    }
    routes.get("/devices/:id/events") { call in
      try await list(call) { view in (nil, try view.known(server: call.identifier(of: "device"))) }
    }
    routes.get("/events/:id") { call in
      let id: EventID = try call.identifier(of: "event")
      guard let event = try await call.event(id) else { throw APIError.unknown("there is no event \(id)") }
      return .ok(call.renderer(await call.view()).event(event))
    }
  }

  private func list(
    _ call: Call, of subject: (View) throws -> (Project?, Server?)
  ) async throws -> Reply {
    let page = try Page(call.arguments)
    let view = await call.view()
    let (project, server) = try subject(view)
    let (events, total) = try await call.events(of: project, server, page)
    return page.reply("events", page: events, total: total, call: call, view) { $0.event($1) }
  }
}
