// Ports, as the Metal API has them.

import Control
import Host
import Net
import Rack

extension Renderer {
  func port(_ port: Port, of server: Server) -> JSON {
    let isBond = port.name == .bond0
    let layer2 = Catalogue.plan(server.plan)?.layer2 ?? .all
    return [
      "id": port.id.json, "href": link("/ports/\(port.id)"), "name": .string(port.name.rawValue),
      "type": isBond ? "NetworkBondPort" : "NetworkPort",
      "data": ["bonded": .boolean(port.bonded), "mac": JSON(port.mac?.description)],
      "network_type": isBond ? .string(server.mode.rawValue) : nil,
      "native_virtual_network": port.native.flatMap { network(nested: $0, as: "native_virtual_network") } ?? nil,
      "virtual_networks": .array(port.networks.compactMap { network(nested: $0, as: "virtual_networks") }),
      "bond": isBond ? nil : ["id": server.bond0.id.json, "name": .string(PortName.bond0.rawValue)],
      "disbond_operation_supported": .boolean(layer2 != .none), "connected_port": nil,
      "hardware": device(nested: server, as: "hardware"), "toprack": own(port, of: server),
    ]
  }

  /// The port as a nested object.
  func port(nested port: Port, of server: Server, as name: String) -> JSON {
    reference(name, ["href": link("/ports/\(port.id)"), "id": port.id.json, "name": .string(port.name.rawValue)]) {
      $0.port(port, of: server)
    }
  }

  /// Toprack's own view of a port: where it is, whether it is routed, and how the frames of its networks look there, in
  /// the order of attachment.
  private func own(_ port: Port, of server: Server) -> JSON {
    let forms = port.networks.compactMap { rack.networks[$0] }.map { network -> JSON in
      [
        "id": network.id.json, "vxlan": .integer(network.vxlan),
        "form": .string(server.form(of: network.id, on: port.name).rawValue),
      ]
    }
    return place(of: server, names: [port.name]).adding(
      ("routed", .boolean(server.isRouted(port.name))), ("virtual_networks", .array(forms)))
  }

  /// Where the NICs are: `place`, `namespace`, `interfaces` by NIC, `mtu`; `alternative_names` by NIC when there are
  /// any; `problems` as sentences. All of it as it is now, whoever has changed it. NICs that are in several namespaces
  /// are said to be in the server's own, and `namespaces` says which is where.
  func place(of server: Server, names: [PortName]) -> JSON {
    let nics = interfaces[server.id] ?? [:]
    let wanted = names == [.bond0] ? PortName.nics : names.filter { $0 != .bond0 }
    let interfaces = wanted.compactMap { name in
      nics[name].map { JSON.Member(name: name.rawValue, value: .string($0.device)) }
    }
    let present = wanted.compactMap { nics[$0] }
    let spaces = Set(present.map(\.namespace))
    let namespace = spaces.count == 1 ? spaces.first! : server.place.namespace
    var place: JSON = [
      "place": namespace == nil ? "host" : "namespace", "namespace": JSON(namespace),
      "interfaces": .object(interfaces), "mtu": .integer(present.map(\.mtu).min() ?? server.mtu),
      "problems": .list(
        problems[server.id, default: []].filter { $0.port.map(wanted.contains) ?? true }.map(\.text)),
    ]
    if spaces.count > 1 {
      let members = wanted.compactMap { name in
        nics[name].map { JSON.Member(name: name.rawValue, value: JSON($0.namespace)) }
      }
      place = place.adding(("namespaces", .object(members)))
    }
    // Interfaces whose own name had to be short.
    let alternatives = wanted.compactMap { name in
      nics[name]?.alternative.map { JSON.Member(name: name.rawValue, value: .string($0)) }
    }
    return alternatives.isEmpty ? place : place.adding(("alternative_names", .object(alternatives)))
  }
}
