// Virtual networks.

import Rack

extension Renderer {
  func network(_ network: VirtualNetwork) -> JSON {
    let members = brief(network).adding(
      ("description", JSON(network.description)), ("facility_code", JSON(network.facility)),
      ("facility", facility(network.facility)), ("metro_code", .string(network.metro)),
      ("metro", metro(network.metro)), ("assigned_to", project(nested: network.project, as: "assigned_to")),
      ("assigned_to_virtual_circuit", false), ("created_at", time(network.createdAt)))
    return members.adding(
      ("tags", .list(network.tags)), ("internet_gateway", nil), ("metal_gateways", []),
      ("instances", .array(instances(of: network.id))))
  }

  /// The devices that are on a network, by hostname; each once, however many of its ports are.
  private func instances(of network: NetworkID) -> [JSON] {
    var last: ServerID?
    return rack.ports(carrying: network).compactMap { server, _ in
      defer { last = server.id }
      return server.id == last ? nil : device(nested: server, as: "instances")
    }
  }

  /// The network as a nested object: some clients read the link, others id and number. `nil`: there is none.
  func network(nested id: NetworkID, as name: String) -> JSON? {
    rack.networks[id].map { network in reference(name, brief(network)) { $0.network(network) } }
  }

  private func brief(_ network: VirtualNetwork) -> JSON {
    ["id": network.id.json, "href": link("/virtual-networks/\(network.id)"), "vxlan": .integer(network.vxlan)]
  }
}
