// Facilities, metros, plans and operating systems: they need no rack, and never change. Each device has several of
// them, so their text is written once.

import FoundationEssentials
import Rack

/// Renders entries of the catalogue.
struct CatalogueRenderer {
  /// What links begin with.
  let prefix: String
  /// What is said about the things in the entry.
  var expansion = Expansion.none

  func facility(_ facility: Facility) -> JSON { ready(\.facilities, facility.code) ?? made(facility) }
  func metro(_ metro: Metro) -> JSON { ready(\.metros, metro.code) ?? made(metro) }
  func plan(_ plan: Plan) -> JSON { ready(\.plans, plan.slug) ?? made(plan) }
  func operatingSystem(_ system: OperatingSystem) -> JSON { ready(\.systems, system.slug) ?? made(system) }

  // MARK: Made once

  /// All entries, prepared, for one prefix.
  private struct Shelf {
    let facilities, metros, plans, systems: [String: JSON]

    init(prefix: String) {
      let renderer = CatalogueRenderer(prefix: prefix)
      func shelf<Entry>(_ entries: [Entry], _ name: (Entry) -> String, _ made: (Entry) -> JSON) -> [String: JSON] {
        Dictionary(uniqueKeysWithValues: entries.map { (name($0), made($0).prepared) })
      }
      facilities = shelf(Catalogue.facilities, \.code) { renderer.made($0) }
      metros = shelf(Catalogue.metros, \.code) { renderer.made($0) }
      plans = shelf(Catalogue.plans, \.slug) { renderer.made($0) }
      systems = shelf(Catalogue.operatingSystems, \.slug) { renderer.made($0) }
    }
  }

  private static let shelves = Dictionary(uniqueKeysWithValues: RequestPath.prefixes.map { ($0, Shelf(prefix: $0)) })

  private func ready(_ kind: KeyPath<Shelf, [String: JSON]>, _ name: String) -> JSON? {
    expansion == .none ? Self.shelves[prefix]?[keyPath: kind][name] : nil
  }

  // MARK: Made now

  private func link(_ path: String) -> JSON { .string(prefix + path) }
  private func reference(_ path: String) -> JSON { ["href": link(path)] }

  private func made(_ facility: Facility) -> JSON {
    [
      "id": .string(facility.id.text), "href": link("/facilities/\(facility.id.text)"),
      "code": .string(facility.code), "name": .string(facility.name), "features": .list(facility.features),
      "address": nil, "ip_ranges": [],
      "metro": Catalogue.metro(facility.metro).map { metro in
        expansion["metro"] == .exclude ? reference("/locations/metros/\(metro.id.text)") : made(metro)
      } ?? nil,
    ]
  }

  private func made(_ metro: Metro) -> JSON {
    [
      "id": .string(metro.id.text), "href": link("/locations/metros/\(metro.id.text)"),
      "code": .string(metro.code), "name": .string(metro.name), "country": .string(metro.country),
    ]
  }

  private func made(_ plan: Plan) -> JSON {
    let places = Catalogue.facilities.filter { $0.has(plan) }
    let facilities = places.map { facility in
      expansion["available_in"] == .include
        ? CatalogueRenderer(prefix: prefix, expansion: expansion.inside("available_in")).facility(facility)
        : reference("/facilities/\(facility.id.text)")
    }
    let metros = Catalogue.metros.filter { metro in places.contains { $0.metro == metro.code } }.map { metro in
      expansion["available_in_metros"] == .include
        ? self.metro(metro) : reference("/locations/metros/\(metro.id.text)")
    }
    return [
      "id": .string(plan.id.text), "href": link("/plans/\(plan.id.text)"),
      "slug": .string(plan.slug), "name": .string(plan.name), "class": .string(plan.slug),
      "description": .string(plan.summary), "line": "baremetal", "legacy": false, "type": .string(Self.type),
      "categories": .list(Self.categories(of: plan)),
      "specs": [
        "cpus": parts(plan.processors), "memory": ["total": .string(plan.memory)], "drives": parts(plan.drives),
        "nics": parts(plan.nics), "features": ["raid": .boolean(plan.drives.contains { $0.count > 1 }), "txt": false],
      ],
      "pricing": ["hour": .number(plan.pricePerHour)], "deployment_types": ["on_demand"],
      "available_in": .array(facilities), "available_in_metros": .array(metros),
      "toprack": ["modes": .list(plan.modes.map(\.rawValue))],
    ]
  }

  /// The type of all plans.
  static let type = "standard"

  /// What a plan is for: those with many spinning drives are for storage.
  static func categories(of plan: Plan) -> [String] {
    [plan.drives.contains { $0.type == "HDD" && $0.count > 2 } ? "storage" : "compute"]
  }

  private func parts(_ parts: [Plan.Part]) -> JSON {
    .array(
      parts.map { part in
        let sized: JSON = ["count": .integer(part.count), "type": .string(part.type)]
        return part.size.map { sized.adding(("size", .string($0))) } ?? sized
      })
  }

  private func made(_ system: OperatingSystem) -> JSON {
    [
      "id": .string(system.id.text), "href": link("/operating-systems/\(system.id.text)"),
      "slug": .string(system.slug), "name": .string(system.name), "distro": .string(system.distro),
      "version": .string(system.version), "provisionable_on": .list(Catalogue.plans.map(\.slug)),
    ]
  }
}
