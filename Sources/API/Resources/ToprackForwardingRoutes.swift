// What the wire does, read from the tables of the forwarding plane and not from the rack: by it anybody can see that the two agree,
// as `toprack verify` does.

import Control
import Rack

struct ToprackForwardingRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/forwarding") { call in
      let forwarding = try await call.forwarding()
      let view = await call.view()
      return .list([
        "ports": .elements(call.elements(forwarding.ports, view) { Self.json($1) }),
        "nics": .elements(call.elements(forwarding.nics, view) { Self.json($1) }),
      ])
    }
  }

  private static func json(_ port: Forwarding.Port) -> JSON {
    let (server, hostname, name): (JSON, JSON, String) =
      switch port.owner {
      case .server(let id, let hostname, let name): (id.json, .string(hostname), name.rawValue)
      case .own(let name): (nil, nil, name)
      case .unknown(let index): (nil, nil, "port \(index)")
      }
    return [
      "server": server, "hostname": hostname, "port": .string(name), "role": .string(port.role.rawValue),
      "members": .array(port.members.map(JSON.string)), "untagged": port.untagged.map(json) ?? .null,
      "tagged": .array(port.tagged.map(json)), "mtu": .integer(port.mtu),
      "routes": .array(port.routes.map(JSON.string)), "faults": .array(port.faults.map(JSON.string)),
    ]
  }

  private static func json(_ domain: Forwarding.Domain) -> JSON {
    ["id": domain.network?.json ?? .null, "vxlan": .integer(domain.vxlan)]
  }

  private static func json(_ nic: Forwarding.NIC) -> JSON {
    [
      "server": nic.server.json, "hostname": .string(nic.hostname), "name": .string(nic.name.rawValue),
      "interface": .string(nic.interface), "namespace": JSON(nic.namespace), "carrier": .boolean(nic.carrier),
      "link_up": .boolean(nic.linkUp),
    ]
  }
}
