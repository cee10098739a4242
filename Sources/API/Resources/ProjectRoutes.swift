// Projects: list and show.

import Rack

struct ProjectRoutes {
  func register(on routes: inout Routes) {
    routes.get("/projects", list)
    routes.get("/projects/:id", show)
  }

  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let renderer = call.renderer(view)
    let page = try Page(call.arguments)
    let projects = view.projects.sorted { ($0.createdAt, $0.name) < ($1.createdAt, $1.name) }
    return .ok([
      "projects": .array(page.slice(of: projects).map(renderer.project)),
      "meta": page.meta(total: projects.count, call: call),
    ])
  }

  private func show(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let project = try view.known(project: call.identifier(of: "project"))
    return .ok(call.renderer(view).project(project))
  }
}
