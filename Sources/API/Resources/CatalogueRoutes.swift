// GET only: facilities, metros, plans, operating systems. They are the same for everybody and never change while the
// daemon runs.

import FoundationEssentials
import Rack

struct CatalogueRoutes {
  func register(on routes: inout Routes) {
    collection("facilities", "facility", at: "/facilities", on: &routes) { renderer in
      Catalogue.facilities.map { ($0.id, renderer.facility($0)) }
    }
    collection("metros", "metro", at: "/locations/metros", on: &routes) { renderer in
      Catalogue.metros.map { ($0.id, renderer.metro($0)) }
    }
    collection("plans", "plan", at: "/plans", on: &routes) { renderer in
      Catalogue.plans.map { ($0.id, renderer.plan($0)) }
    }
    collection("operating_systems", "operating system", at: "/operating-systems", on: &routes) { renderer in
      Catalogue.operatingSystems.map { ($0.id, renderer.operatingSystem($0)) }
    }
  }

  /// The list at `path`, and each entry below it by its UUID.
  private func collection(
    _ member: String, _ kind: String, at path: String, on routes: inout Routes,
    entries: @escaping @Sendable (CatalogueRenderer) -> [(id: UUID, json: JSON)]
  ) {
    routes.get(path) { call in
      .ok([member: .array(entries(CatalogueRenderer(prefix: call.prefix)).map(\.json))])
    }
    routes.get("\(path)/:id") { call in
      let id = UUID(uuidString: call.parameter("id"))
      guard let entry = entries(CatalogueRenderer(prefix: call.prefix)).first(where: { $0.id == id }) else {
        throw APIError.unknown("there is no \(kind) \(Arguments.shown(.string(call.parameter("id"))))")
      }
      return .ok(entry.json)
    }
  }
}
