// Facilities, metros, plans and operating systems: they need no rack.

import FoundationEssentials
import Rack

/// Renders entries of the catalogue.
struct CatalogueRenderer {
  /// What links begin with.
  let prefix: String

  private func link(_ path: String) -> JSON { .string(prefix + path) }
  private func reference(_ path: String) -> JSON { ["href": link(path)] }

  func facility(_ facility: Facility) -> JSON {
    [
      "id": .string(facility.id.text), "href": link("/facilities/\(facility.id.text)"),
      "code": .string(facility.code), "name": .string(facility.name),
      "features": .array(facility.features.map(JSON.string)), "address": nil, "ip_ranges": [],
      "metro": Catalogue.metro(facility.metro).map(metro) ?? nil,
    ]
  }

  func metro(_ metro: Metro) -> JSON {
    [
      "id": .string(metro.id.text), "href": link("/locations/metros/\(metro.id.text)"),
      "code": .string(metro.code), "name": .string(metro.name), "country": .string(metro.country),
    ]
  }

  /// The facility of that code as an object; `null` when the catalogue has none.
  func facility(code: String) -> JSON { Catalogue.facility(code).map(facility) ?? nil }

  /// The metro of the facility of that code as an object.
  func metro(facility code: String) -> JSON {
    Catalogue.facility(code).flatMap { Catalogue.metro($0.metro) }.map(metro) ?? nil
  }

  func plan(_ plan: Plan) -> JSON {
    [
      "id": .string(plan.id.text), "href": link("/plans/\(plan.id.text)"),
      "slug": .string(plan.slug), "name": .string(plan.name), "class": .string(plan.slug),
      "description": .string(plan.summary), "line": "baremetal", "type": "standard",
      "specs": [
        "cpus": parts(plan.processors), "memory": ["total": .string(plan.memory)], "drives": parts(plan.drives),
        "nics": parts(plan.nics), "features": ["raid": .boolean(plan.drives.contains { $0.count > 1 }), "txt": false],
      ],
      "pricing": ["hour": .number(plan.pricePerHour)], "deployment_types": ["on_demand"],
      "available_in": .array(Catalogue.facilities.map { reference("/facilities/\($0.id.text)") }),
      "available_in_metros": .array(Catalogue.metros.map { reference("/locations/metros/\($0.id.text)") }),
      "toprack": ["modes": .array(plan.modes.map { .string($0.rawValue) })],
    ]
  }

  private func parts(_ parts: [Plan.Part]) -> JSON {
    .array(
      parts.map { part in
        let sized: JSON = ["count": .integer(part.count), "type": .string(part.type)]
        return part.size.map { sized.adding(("size", .string($0))) } ?? sized
      })
  }

  func operatingSystem(_ system: OperatingSystem) -> JSON {
    [
      "id": .string(system.id.text), "href": link("/operating-systems/\(system.id.text)"),
      "slug": .string(system.slug), "name": .string(system.name), "distro": .string(system.distro),
      "version": .string(system.version), "provisionable_on": .array(Catalogue.plans.map { .string($0.slug) }),
    ]
  }
}
