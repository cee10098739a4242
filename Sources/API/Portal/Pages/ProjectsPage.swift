// The first page: the projects that one sees.

import Rack

struct ProjectsPage {
  func register(on routes: inout PortalRoutes) {
    routes.get("") { visit in
      let view = await visit.call.view()
      let servers = Dictionary(grouping: view.servers, by: \.project)
      let networks = Dictionary(grouping: view.networks, by: \.project)
      let projects = view.projects.sorted { $0.name < $1.name }.map { project in
        Site.fields(of: project).merging([
          "servers": servers[project.id]?.count ?? 0, "networks": networks[project.id]?.count ?? 0,
        ]) { $1 }
      }
      return visit.page("projects", title: "Projects", ["projects": projects])
    }
    routes.get("/projects/:id") { visit in
      let project = try await visit.project(in: visit.call.view())
      return .redirect("\(Portal.path)/projects/\(project.id)/servers")
    }
  }
}

extension Visit {
  /// The project that the path names.
  func project(in view: View) throws(APIError) -> Project {
    try view.known(project: call.identifier(of: "project"))
  }

  /// The server that the path names, and its project.
  func server(in view: View) throws(APIError) -> (Server, Project) {
    let server = try view.known(server: call.identifier(of: "device"))
    return (server, try view.project(of: server))
  }
}
