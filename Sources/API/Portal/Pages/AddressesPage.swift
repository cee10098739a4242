// IPs & Networks, tab IP addresses: what the project's servers have, and its elastic blocks.

import Net
import Rack

struct AddressesPage {
  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/ips") { visit in
      let view = await visit.call.view()
      let project = try visit.project(in: view)
      let all = view.servers(of: project).filter { !$0.addresses.isEmpty }
      let blocksOfAll = view.reservations.filter { $0.project == project.id }.sorted { $0.block.base < $1.block.base }
      // The two tables turn their pages together.
      let pages = try Pages(max(all.count, blocksOfAll.count), visit)
      let servers = all[pages.range.clamped(to: all.indices)].map { server -> Fields in
        var fields = visit.fields(of: server)
        fields["addresses"] = server.addresses.map {
          ["kind": $0.kind.title, "address": "\($0.address)/\($0.network.length)", "gateway": $0.gateway] as Fields
        }
        return fields
      }
      let blocks = blocksOfAll[pages.range.clamped(to: blocksOfAll.indices)]
        .map { reservation -> Fields in
          [
            "block": "\(reservation.block)", "facility": reservation.facility,
            "assignments": view.assignments(of: reservation).map { server, assignment in
              ["block": "\(assignment.block)", "name": server.hostname, "path": Portal.path(of: server)] as Fields
            },
          ]
        }
      return visit.page(
        "ips", title: "IP addresses of \(project.name)", in: .project(project, .networks),
        [
          "servers": servers, "hasServers": !servers.isEmpty, "blocks": blocks, "hasBlocks": !blocks.isEmpty,
          "hasNone": all.isEmpty, "ips": true, "pages": pages.fields("\(Portal.path)/projects/\(project.id)/ips"),
        ])
    }
  }
}
