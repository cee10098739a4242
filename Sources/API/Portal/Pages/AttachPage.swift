// Attaching a network, in the two steps of the product's pictures: the interface, then the network. What cannot be chosen is
// there as well, with the reason.

import Rack

struct AttachPage {
  func register(on routes: inout PortalRoutes) {
    routes.get("/servers/:id/attach") { visit in try await show(visit, nil, nil) }
    routes.get("/servers/:id/attach/:port") { visit in
      let (_, port) = try ServerNetworkPage.port(visit, in: await visit.call.view())
      return try await show(visit, port.name, nil)
    }
    routes.post("/servers/:id/attach/:port", attach)
  }

  private func attach(_ visit: Visit) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, port) = try ServerNetworkPage.port(visit, in: view)
    return try await visit.attempt("attach") {
      let network = try ServerNetworkPage.network(visit, in: view)
      try await visit.call.perform(.assign(port.id, .id(network.id)))
      let now = await visit.call.view()
      let forms = now[port.id].map { now.attached(to: $0.port, of: $0.server) } ?? []
      let form = forms.first { $0.network.id == network.id }?.form ?? .untagged
      var lines = ["Its frames are \(form.rawValue) there."]
      if forms.count == 2, port.networks.count == 1, port.native == nil {
        lines.append("There are two now, so the frames of the other one are tagged from now on, too.")
      }
      visit.leave("Network \(network.vxlan) is on \(port.name.rawValue) of \(server.hostname)", lines)
      return .redirect("\(Portal.path(of: server))/network")
    } page: {
      try await show(visit, port.name, $0)
    }
  }

  private func show(_ visit: Visit, _ chosen: PortName?, _ fault: FormFault?) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, project) = try visit.server(in: view)
    var fields = visit.fields(of: server)
    fields["ports"] = PortName.allCases.map { name -> Fields in
      let refusal = view.refusal(ofNetworksOn: name, of: server)
      var port: Fields = [
        "name": name.rawValue, "isChosen": name == chosen, "isOpen": refusal == nil,
        "state": ServerNetworkPage.state(of: server[name], server),
        "path": "\(Portal.path(of: server))/attach/\(name.rawValue)",
      ]
      port["refusal"] = refusal?.messages
      return port
    }
    if let chosen {
      fields["port"] = chosen.rawValue
      if view.refusal(ofNetworksOn: chosen, of: server) == nil {
        let networks = view.networks(of: project)
        let pages = try Pages(networks.count, visit)
        let (possible, others) = choices(pages.slice(of: networks), chosen, server, view, visit)
        fields["choose"] =
          [
            "pages": pages.fields("\(Portal.path(of: server))/attach/\(chosen.rawValue)"), "possible": possible,
            "hasPossible": !possible.isEmpty, "others": others, "hasOthers": !others.isEmpty,
          ] as Fields
      }
    }
    return visit.page(
      "attach", title: "Attach a network to \(server.hostname)", in: .server(server, project, .network), fault: fault,
      ["is": fields])
  }

  /// Of these networks those that can be put on the port, and the others with what the rack says of them.
  private func choices(
    _ networks: [VirtualNetwork], _ name: PortName, _ server: Server, _ view: View, _ visit: Visit
  ) -> (possible: [Fields], others: [Fields]) {
    var (possible, others): ([Fields], [Fields]) = ([], [])
    let given = visit.given("network")
    for network in networks {
      var fields = visit.fields(of: network)
      do {
        _ = try view.preview(.assign(server[name].id, .id(network.id)))
        fields["isChosen"] = network.id.description == given
        possible.append(fields)
      } catch {
        fields["refusal"] = APIError(error).messages
        others.append(fields)
      }
    }
    return (possible, others)
  }
}
