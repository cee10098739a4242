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

  /// The place of the NICs, and what they are in a namespace, as the API has it.
  private static func request(_ visit: Visit, _ project: Project) throws -> ServerRequest {
    let arguments = visit.arguments
    var own: [JSON.Member] = []
    switch try arguments.string("place") {
    case "own": own.append(JSON.Member(name: "netns", value: true))
    case "namespace": own.append(JSON.Member(name: "netns", value: .string(try arguments.string("namespace") ?? "")))
    case "host": own.append(JSON.Member(name: "netns", value: false))
    default: break
    }
    if let names = try names(arguments) { own.append(JSON.Member(name: "nics", value: names)) }
    if let flag = arguments.value("configure") {
      // What is no answer stays as it came, and is refused as such.
      own.append(JSON.Member(name: "configure", value: flag == "true" ? true : flag))
    }
    var members: [JSON.Member] = [JSON.Member(name: "toprack", value: .object(own))]
    for name in ["hostname", "plan", "facility", "operating_system", "description"] {
      if let value = arguments.value(name) { members.append(JSON.Member(name: name, value: value)) }
    }
    return try DeviceRequest(Arguments(members: members), project: project.id).request
  }

  /// What the interfaces are to be called inside; `nil` when nothing is said. One that is left out keeps its own name.
  private static func names(_ arguments: Arguments) throws -> JSON? {
    let given = try NICNames.fields.map { (nic, field) in (nic, try arguments.string(field) ?? "") }
    guard given.contains(where: { !$0.1.isEmpty }) else { return nil }
    return .object(
      given.map { nic, name in
        JSON.Member(name: nic.rawValue, value: .string(name.isEmpty ? nic.rawValue : name))
      })
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
    for name in ["hostname", "description", "namespace"] + NICNames.fields.map(\.field) {
      fields[name] = visit.given(name)
    }
    fields["configure"] = visit.given("configure") != nil
    let isFree = visit.access.placesFreely
    fields["placesFreely"] = isFree
    fields["placeIs"] = [visit.given("place") ?? (isFree ? "host" : "own"): true] as Fields
    return visit.page("server-new", title: "New server", in: .project(project, .servers), fault: fault, fields)
  }
}

extension NICNames {
  /// The fields of the form.
  fileprivate static let fields: [(nic: PortName, field: String)] = [(.eth0, "eth0_name"), (.eth1, "eth1_name")]
}
