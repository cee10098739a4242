// Servers, which the Metal API calls devices.

import Control
import FoundationEssentials
import Rack

extension Renderer {
  func device(_ server: Server) -> JSON {
    let details = server.details
    return [
      "id": server.id.json, "short_id": .string(server.id.short), "href": link("/devices/\(server.id)"),
      "hostname": .string(server.hostname), "description": JSON(details.description),
      "state": .string(server.state.rawValue),
      "tags": .list(details.tags), "user": "root", "iqn": .string(iqn(of: server)),
      "locked": .boolean(server.isLocked), "bonding_mode": .integer(server.bondingMode.rawValue),
      "billing_cycle": "hourly", "created_at": time(server.createdAt), "updated_at": time(server.updatedAt),
      "operating_system": operatingSystem(server.operatingSystem), "facility": facility(server.facility),
      "metro": metro(facility: server.facility), "project": project(nested: server.project),
      "plan": plan(server.plan), "ip_addresses": .array(addresses(of: server)),
      "network_ports": .array(
        server.ports.map { port in
          part("network_ports", "/ports/\(port.id)") { $0.port(port, of: server) }
        }),
      "ssh_keys": .array(server.sshKeys.compactMap { rack.sshKeys[$0] }.map { sshKey(nested: $0) }), "volumes": [],
      "userdata": .string(details.userdata),
      "customdata": JSON(kept: details.customdata), "always_pxe": .boolean(details.alwaysPXE),
      "ipxe_script_url": JSON(details.ipxeScriptURL), "spot_instance": false,
      "provisioning_percentage": .integer(server.isProvisioning ? 0 : 100),
      "root_password": JSON(access.rootPassword(of: server, at: now)), "sos": .string(sosHost.address(of: server)),
      "switch_uuid": .string(server.id.short), "hardware_reservation": nil, "storage": nil,
      "network_frozen": .boolean(server.isNetworkFrozen),
      "toprack": place(of: server, names: PortName.nics).adding(
        ("mode", .string(server.mode.rawValue)), ("serial", JSON(server.serial)), ("nics", nicNames(of: server)),
        ("configure", .boolean(server.isConfigured)), ("configured", JSON(configurations[server.id]))),
    ]
  }

  /// The device as a nested object.
  func device(nested server: Server, as name: String) -> JSON {
    reference(name, reference("/devices/\(server.id)")) { $0.device(server) }
  }

  /// What the interfaces are meant to be called inside the namespace; null on the host.
  private func nicNames(of server: Server) -> JSON {
    guard server.place.namespace != nil else { return nil }
    return ["eth0": .string(server.nicNames.eth0), "eth1": .string(server.nicNames.eth1)]
  }

  /// An iSCSI name of RFC 3720 3.2.6.3.1: month of creation, and the server.
  func iqn(of server: Server) -> String {
    "iqn.\(server.createdAt.formatted(.iso8601).prefix(7)).net.packet:device.\(server.id.short)"
  }
}
