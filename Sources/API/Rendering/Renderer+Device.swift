// Servers, which the Metal API calls devices.

import Control
import FoundationEssentials
import Rack

extension Renderer {
  /// `nics`: what the host knows of the server's NICs; empty for "nothing".
  func device(_ server: Server, nics: [PortName: NICStatus]) -> JSON {
    let plan = Catalogue.plan(server.plan)
    return [
      "id": server.id.json, "short_id": .string(server.id.short), "href": link("/devices/\(server.id)"),
      "hostname": .string(server.hostname), "description": nil, "state": "active", "tags": [], "user": "root",
      "iqn": .string(iqn(of: server)), "locked": false, "bonding_mode": .integer(plan?.bondingMode ?? 4),
      "billing_cycle": "hourly", "created_at": time(server.createdAt), "updated_at": time(server.createdAt),
      "operating_system": Catalogue.operatingSystem(server.operatingSystem).map(catalogue.operatingSystem) ?? nil,
      "facility": catalogue.facility(code: server.facility), "metro": catalogue.metro(facility: server.facility),
      "project": project(id: server.project), "plan": plan.map(catalogue.plan) ?? nil,
      "ip_addresses": .array(addresses(of: server)),
      "network_ports": .array(server.ports.map { port($0, of: server, nics: nics) }),
      "ssh_keys": [], "volumes": [], "userdata": "", "customdata": [:], "always_pxe": false, "ipxe_script_url": nil,
      "spot_instance": false, "provisioning_percentage": 100, "root_password": nil,
      "switch_uuid": .string(server.id.short), "hardware_reservation": nil, "storage": nil, "network_frozen": false,
      "toprack": place(of: server, nics: nics, names: PortName.nics)
        .adding(("mode", .string(server.mode.rawValue))),
    ]
  }

  /// An iSCSI name of RFC 3720 3.2.6.3.1: month of creation, and the server.
  func iqn(of server: Server) -> String {
    "iqn.\(server.createdAt.formatted(.iso8601).prefix(7)).net.packet:device.\(server.id.short)"
  }
}
