// The form for a new server. It is read as the API reads the same request, so it is refused for the same reasons.

import Rack

struct NewServerPage {
  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/servers/new") { visit in try await show(visit, nil) }
    routes.post("/projects/:id/servers/new") { visit in
      let project = try await visit.project(in: visit.call.view())
      return try await visit.attempt("server") {
        let outcome = try await visit.call.perform(.createServer(try Self.request(visit, project)))
        guard case .server(let id) = outcome.subject, let server = await visit.call.view()[id] else {
          return .redirect("\(Portal.path)/projects/\(project.id)/servers")
        }
        visit.leave("\(server.hostname) was created", ["\(server.plan) in \(server.facility), \(server.mode.title)"])
        return .redirect(Portal.path(of: server))
      } page: {
        try await show(visit, $0)
      }
    }
  }

  /// The place of the NICs as the API has it.
  private static func request(_ visit: Visit, _ project: Project) throws -> ServerRequest {
    let arguments = visit.arguments
    let own: JSON =
      switch try arguments.string("place") {
      case "own": ["netns": true]
      case "namespace": ["netns": .string(try arguments.string("namespace") ?? "")]
      case "host": ["netns": false]
      default: [:]
      }
    var members: [JSON.Member] = [JSON.Member(name: "toprack", value: own)]
    for name in ["hostname", "plan", "facility", "operating_system", "description"] {
      if let value = arguments.value(name) { members.append(JSON.Member(name: name, value: value)) }
    }
    return try DeviceRequest(Arguments(members: members), project: project.id).request
  }

  private func show(_ visit: Visit, _ fault: FormFault?) async throws -> PortalAnswer {
    let project = try await visit.project(in: visit.call.view())
    func options(_ name: String, _ all: [(String, String)]) -> [Fields] {
      let chosen = visit.given(name)
      return all.map { visit.option($0.0, $0.1, isChosen: $0.0 == chosen) }
    }
    let plans = Catalogue.plans.map { plan in
      let modes =
        switch plan.layer2 {
        case .none: "layer 3 only"
        case .hybridOnly: "layer 3 and hybrid"
        case .all: "all modes"
        }
      return (plan.slug, "\(plan.slug) – \(modes)")
    }
    var fields: Fields = [
      "plans": options("plan", plans),
      "facilities": options("facility", Catalogue.facilities.map { ($0.code, "\($0.code) – \($0.name)") }),
      "systems": options("operating_system", Catalogue.operatingSystems.map { ($0.slug, $0.name) }),
    ]
    for name in ["hostname", "description", "namespace"] { fields[name] = visit.given(name) }
    let isFree = visit.access.placesFreely
    fields["placesFreely"] = isFree
    fields["placeIs"] = [visit.given("place") ?? (isFree ? "host" : "own"): true] as Fields
    return visit.page("server-new", title: "New server", in: .project(project, .servers), fault: fault, fields)
  }
}
