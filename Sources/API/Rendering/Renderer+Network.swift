// Virtual networks.

import Rack

extension Renderer {
  func network(_ network: VirtualNetwork) -> JSON { networks([network])[0] }

  /// Asks every server once, however many networks there are.
  func networks(_ networks: [VirtualNetwork]) -> [JSON] {
    var instances: [NetworkID: [Server]] = [:]
    for server in rack.servers.values {
      for network in Set(server.ports.flatMap(\.networks)) { instances[network, default: []].append(server) }
    }
    return networks.map { network in
      let holders = (instances[network.id] ?? []).sorted { $0.hostname < $1.hostname }
      return brief(network).adding(
        ("description", JSON(network.description)), ("facility_code", JSON(network.facility)),
        ("facility", network.facility.map(catalogue.facility(code:)) ?? nil),
        ("metro_code", .string(network.metro)),
        ("metro", Catalogue.metro(network.metro).map(catalogue.metro) ?? nil),
        ("assigned_to", project(id: network.project)), ("created_at", time(network.createdAt)),
        ("tags", .array(network.tags.map(JSON.string))),
        ("internet_gateway", nil), ("metal_gateways", []),
        ("instances", .array(holders.map { reference("/devices/\($0.id)") })))
    }
  }

  /// The network as a nested object: some clients read the link, others id and number.
  func brief(_ network: VirtualNetwork) -> JSON {
    ["id": network.id.json, "href": link("/virtual-networks/\(network.id)"), "vxlan": .integer(network.vxlan)]
  }
}
