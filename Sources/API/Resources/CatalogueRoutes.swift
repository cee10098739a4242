// GET only: facilities, metros, plans, operating systems. They are the same for everybody and never change while the
// daemon runs. A project sees all of them.

import FoundationEssentials
import Rack

struct CatalogueRoutes {
  func register(on routes: inout Routes) {
    collection("facilities", "facility", at: "/facilities", isOfProjects: true, on: &routes) { renderer, _ in
      Catalogue.facilities.map { ($0.id, renderer.facility($0)) }
    }
    routes.get("/toprack/catalogue") { _ in .ok(Self.contents) }
    collection("metros", "metro", at: "/locations/metros", on: &routes) { renderer, _ in
      Catalogue.metros.map { ($0.id, renderer.metro($0)) }
    }
    collection("plans", "plan", at: "/plans", isOfProjects: true, on: &routes) { renderer, arguments in
      let filter = try PlanFilter(arguments)
      return Catalogue.plans.filter(filter.matches).map { ($0.id, renderer.plan($0)) }
    }
    collection("operating_systems", "operating system", at: "/operating-systems", on: &routes) { renderer, _ in
      Catalogue.operatingSystems.map { ($0.id, renderer.operatingSystem($0)) }
    }
  }

  /// The whole catalogue as a file of the daemon has it, for programs that have to know what it knows.
  private static let contents = encoded()

  private static func encoded() -> JSON {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(Catalogue.current)).flatMap { try? JSON(reading: Array($0)) } ?? [:]
  }

  /// The list at `path`, and each entry below it by its UUID. `isOfProjects`: the list is below each project, too.
  private func collection(
    _ member: String, _ kind: String, at path: String, isOfProjects: Bool = false, on routes: inout Routes,
    entries: @escaping @Sendable (CatalogueRenderer, Arguments) throws -> [(id: UUID, json: JSON)]
  ) {
    let list: Routes.Handler = { call in
      let renderer = CatalogueRenderer(prefix: call.prefix, expansion: Expansion(call.arguments))
      return .ok([member: .array(try entries(renderer, call.arguments).map(\.json))])
    }
    routes.get(path, list)
    if isOfProjects {
      routes.get("/projects/:id\(path)") { call in
        _ = try await call.view().known(project: call.identifier(of: "project"))
        return try await list(call)
      }
    }
    routes.get("\(path)/:id") { call in
      let id = UUID(uuidString: call.parameter("id"))
      let renderer = CatalogueRenderer(prefix: call.prefix, expansion: Expansion(call.arguments))
      let nothing = try Arguments(body: [], query: [:])
      guard let entry = try entries(renderer, nothing).first(where: { $0.id == id }) else { throw call.unknown(kind) }
      return .ok(entry.json)
    }
  }
}

/// Filters of the list of plans.
private struct PlanFilter {
  private let slug: String?
  private let type: String?
  private let categories: [String]?

  init(_ arguments: Arguments) throws(APIError) {
    slug = try arguments.string("slug").flatMap { $0.isEmpty ? nil : $0 }
    type = try arguments.string("type").flatMap { $0.isEmpty ? nil : $0 }
    categories = try arguments.names("categories")
  }

  func matches(_ plan: Plan) -> Bool {
    if let slug, Catalogue.plan(slug) != plan { return false }
    if let type, type != CatalogueRenderer.type { return false }
    return categories?.contains(where: CatalogueRenderer.categories(of: plan).contains) ?? true
  }
}
