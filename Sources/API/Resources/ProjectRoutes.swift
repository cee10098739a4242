// Projects.

import Rack

struct ProjectRoutes {
  func register(on routes: inout Routes) {
    routes.get("/projects", list)
    routes.post("/projects", create)
    routes.get("/organizations/:id/projects") { call in
      try call.checkOrganization()
      return try await list(call)
    }
    routes.post("/organizations/:id/projects") { call in
      try call.checkOrganization()
      return try await create(call)
    }
    routes.get("/projects/:id") { call in try await show(call.identifier(of: "project"), call) }
    routes.put("/projects/:id", update)
    routes.patch("/projects/:id", update)
    routes.delete("/projects/:id", delete)
    routes.get("/projects/:id/bgp-config") { call in
      let view = await call.view()
      return .ok(call.renderer(view).bgpConfig(of: try view.known(project: call.identifier(of: "project"))))
    }
  }

  /// By age.
  private func list(_ call: Call) async throws -> Reply {
    let page = try Page(call.arguments)
    let view = await call.view()
    let projects = view.projects.sorted {
      ($0.createdAt, $0.name, $0.id.description) < ($1.createdAt, $1.name, $1.id.description)
    }
    return page.reply("projects", of: projects, call: call, view) { $0.project($1) }
  }

  private func show(_ id: ProjectID, _ call: Call) async throws -> Reply {
    let view = await call.view()
    return .ok(call.renderer(view).project(try view.known(project: id)))
  }

  private func create(_ call: Call) async throws -> Reply {
    let arguments = call.arguments
    if let organization = try arguments.string("organization_id"),
      organization.lowercased() != Owner.organization.text
    {
      throw APIError.invalid(
        "there is no organization \(Arguments.shown(.string(organization))); the only one is \(Owner.organization.text)"
      )
    }
    let name = try arguments.required("name", "1 to 80 characters") { try arguments.string($0) }
    let outcome = try await call.perform(
      .createProject(
        name: name, customdata: try arguments.object("customdata") ?? "{}",
        backendTransfer: try arguments.boolean("backend_transfer_enabled") ?? false))
    guard case .project(let id) = outcome.subject else { preconditionFailure("a created project is the subject") }
    let view = await call.view()
    return .created(call.renderer(view).project(try view.known(project: id)))
  }

  /// What is not given, or null, stays as it is.
  private func update(_ call: Call) async throws -> Reply {
    let project = try await call.view().known(project: call.identifier(of: "project"))
    try await call.perform(
      .updateProject(
        project.id, name: try call.arguments.string("name"), customdata: try call.arguments.object("customdata"),
        backendTransfer: try call.arguments.boolean("backend_transfer_enabled")))
    return try await show(project.id, call)
  }

  private func delete(_ call: Call) async throws -> Reply {
    let project = try await call.view().known(project: call.identifier(of: "project"))
    try await call.perform(.deleteProject(project.id))
    return .noContent
  }
}
