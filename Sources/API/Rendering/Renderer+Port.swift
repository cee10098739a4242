// Ports, as the Metal API has them.

import Control
import Rack

extension Renderer {
  /// `nics`: what the host knows of the server's NICs; empty for "nothing".
  func port(_ port: Port, of server: Server, nics: [PortName: NICStatus]) -> JSON {
    let isBond = port.name == .bond0
    let layer2 = Catalogue.plan(server.plan)?.layer2 ?? .all
    return [
      "id": port.id.json, "href": link("/ports/\(port.id)"), "name": .string(port.name.rawValue),
      "type": isBond ? "NetworkBondPort" : "NetworkPort",
      "data": ["bonded": .boolean(port.bonded), "mac": JSON(port.mac.map(Self.text(ofMAC:)))],
      "network_type": isBond ? .string(server.mode.rawValue) : nil,
      "native_virtual_network": port.native.flatMap { rack.networks[$0] }.map(brief) ?? nil,
      "virtual_networks": .array(port.networks.compactMap { rack.networks[$0] }.map(brief)),
      "bond": isBond ? nil : ["id": server.bond0.id.json, "name": .string(PortName.bond0.rawValue)],
      "disbond_operation_supported": .boolean(layer2 != .none), "connected_port": nil,
      "hardware": reference("/devices/\(server.id)"), "toprack": place(of: server, nics: nics, names: [port.name]),
    ]
  }

  /// Where the NICs are: `place`, `namespace`, `interfaces` by NIC, `mtu`; `alternative_names` by NIC when there are any.
  func place(of server: Server, nics: [PortName: NICStatus], names: [PortName]) -> JSON {
    let wanted = names == [.bond0] ? PortName.nics : names.filter { $0 != .bond0 }
    let interfaces = wanted.compactMap { name in
      nics[name].map { JSON.Member(name: name.rawValue, value: .string($0.interface)) }
    }
    let place: JSON = [
      "place": server.place.namespace == nil ? "host" : "namespace", "namespace": JSON(server.place.namespace),
      "interfaces": .object(interfaces), "mtu": .integer(server.mtu),
    ]
    // Interfaces whose own name had to be short.
    let alternatives = wanted.compactMap { name in
      nics[name]?.alternative.map { JSON.Member(name: name.rawValue, value: .string($0)) }
    }
    return alternatives.isEmpty ? place : place.adding(("alternative_names", .object(alternatives)))
  }

  /// Six octets, lower case, with colons.
  static func text(ofMAC mac: UInt64) -> String {
    (0..<6).map { index in
      let octet = UInt8(truncatingIfNeeded: mac >> (40 - 8 * index))
      return (octet < 16 ? "0" : "") + String(octet, radix: 16)
    }.joined(separator: ":")
  }
}
