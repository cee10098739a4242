// IP assignments of a server. All of them are management addresses.

import Rack

extension Renderer {
  func address(_ address: Address, of server: Server) -> JSON {
    let link = link("/ips/\(address.id)")
    return [
      "id": address.id.json, "href": link, "address_family": .integer(address.network.family),
      "network": .string(address.network.address(0)), "netmask": .string(address.network.netmask),
      "cidr": .integer(address.network.length), "gateway": .string(address.gateway),
      "address": .string(address.address),
      "public": .boolean(address.kind.isPublic), "management": true, "manageable": true, "enabled": true,
      "global_ip": nil, "created_at": time(address.createdAt), "details": nil, "tags": [], "customdata": [:],
      "project": [:], "project_lite": [:], "facility": catalogue.facility(code: server.facility),
      "metro": catalogue.metro(facility: server.facility), "assigned_to": reference("/devices/\(server.id)"),
      "interface": reference("/ports/\(server.bond0.id)"),
    ]
  }
}
