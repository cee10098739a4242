// Projects: list and show.

import Control
import Rack

struct ProjectRoutes {
  let control: Control

  func register(on routes: inout Routes) {
    routes.get("/projects", list)
    routes.get("/projects/:id", show)
  }

  private func list(_ call: Call) async throws -> Reply {
    let rack = await control.rack
    let renderer = Renderer(rack: rack, prefix: call.prefix)
    let page = try Page(call.arguments)
    let projects = rack.projects.values.sorted { ($0.createdAt, $0.name) < ($1.createdAt, $1.name) }
    return .ok([
      "projects": .array(page.slice(of: projects).map(renderer.project)),
      "meta": page.meta(total: projects.count, call: call),
    ])
  }

  private func show(_ call: Call) async throws -> Reply {
    let rack = await control.rack
    let project = try rack.known(project: call.identifier(of: "project"))
    return .ok(Renderer(rack: rack, prefix: call.prefix).project(project))
  }
}
