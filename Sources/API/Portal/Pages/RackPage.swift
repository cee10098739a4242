// The picture of a project's servers in one facility, on a page, and as a file of its own.

import AsyncAlgorithms
import Control
import Rack

struct RackPage {
  /// Servers in one picture.
  private static let size = 12

  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/rack") { visit in
      let (project, fields) = try await draw(visit)
      return visit.page("rack", title: "Rack of \(project.name)", in: .project(project, .rack), fields)
    }
    routes.get("/projects/:id/rack.svg") { visit in
      let (_, fields) = try await draw(visit)
      let text = visit.site.templates.render("rack-file", fields.merging(["style": PictureStyle.text]) { $1 })
      return .file("rack.svg", type: "image/svg+xml", [Array(text.utf8)].async)
    }
  }

  private func draw(_ visit: Visit) async throws -> (Project, Fields) {
    let view = await visit.call.view()
    let project = try visit.project(in: view)
    let all = view.servers(of: project)
    let networks = view.networks(of: project)
    let places = Catalogue.facilities.map(\.code).filter { code in
      all.contains { $0.facility == code } || networks.contains { $0.facility == code }
    }
    let wanted = visit.given("facility")
    let facility = places.first { $0 == wanted } ?? places.first ?? Catalogue.defaultFacility.code
    let here = all.filter { $0.facility == facility }
    let pages = max(1, (here.count + Self.size - 1) / Self.size)
    let page = min(max(1, try visit.arguments.integer("page") ?? 1), pages)
    let shown = here.dropFirst((page - 1) * Self.size).prefix(Self.size)
    let traffic = await visit.call.traffic()
    let lacp = Dictionary(grouping: await visit.call.lacp(of: nil), by: \.server)
    let picture = RackPicture(
      servers: shown.map { .init($0, traffic[$0.id] ?? [:], lacp[$0.id] ?? [], view) },
      networks: networks.filter { $0.place.reaches(facility: facility) })
    let path = "\(Portal.path)/projects/\(project.id)/rack"
    let fields: Fields = [
      "picture": picture.fields, "poll": 5, "facility": facility, "hasServers": !here.isEmpty,
      "places": places.map { ["code": $0, "isChosen": $0 == facility, "path": "\(path)?facility=\($0)"] as Fields },
      "hasPlaces": places.count > 1, "page": page, "hasPages": pages > 1,
      "pages": (1...pages).map {
        ["number": $0, "isChosen": $0 == page, "path": "\(path)?facility=\(facility)&page=\($0)"] as Fields
      },
      "file": "\(path).svg?facility=\(facility)&page=\(page)",
      "servers": shown.map { server -> Fields in
        visit.fields(of: server).merging([
          "ports": server.ports.compactMap { port -> Fields? in
            let attached = view.attached(to: port, of: server)
            guard port.name == .bond0 ? !server.members.isEmpty : !port.bonded else { return nil }
            return [
              "name": port.name.rawValue, "isRouted": server.isRouted(port.name),
              "networks": attached.map(visit.fields(of:)), "hasNetworks": !attached.isEmpty,
              "isDark": attached.isEmpty && !server.isRouted(port.name),
            ]
          }
        ]) { $1 }
      },
    ]
    return (project, fields)
  }
}
