// The servers of a project: mode, addresses, traffic and health at a glance. Each row is a few lookups, however large
// the rack.

import Control
import Rack

struct ServersPage {
  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/servers") { visit in
      let view = await visit.call.view()
      let project = try visit.project(in: view)
      let traffic = await visit.call.traffic()
      let lacp = Dictionary(grouping: await visit.call.lacp(of: nil), by: \.server)
      let servers = view.servers(of: project)
      let pages = try Pages(servers.count, visit)
      let rows = pages.slice(of: servers).map { server in
        row(server, traffic[server.id] ?? [:], lacp[server.id] ?? [], visit)
      }
      return visit.page(
        "servers", title: "Servers of \(project.name)", in: .project(project, .servers),
        [
          "servers": rows, "count": servers.count, "hasServers": !rows.isEmpty, "poll": 5,
          "pages": pages.fields("\(Portal.path)/projects/\(project.id)/servers"),
        ])
    }
  }

  private func row(
    _ server: Server, _ nics: [PortName: NICTraffic], _ lacp: [LACPMember], _ visit: Visit
  ) -> Fields {
    var fields = visit.fields(of: server)
    fields["id"] = server.id.description
    fields["addresses"] = server.addresses.map(\.address)
    fields["health"] = Health(server, nics, lacp).fields
    let rates = visit.site.history.rates(of: server.id)
    fields["rate"] = Words.rate(rates.last ?? 0)
    fields["curve"] = Sparkline.points(rates)
    return fields
  }
}
