// A server for people.

enum ServerText {
  static func facts(_ device: Device) -> String {
    let interfaces = device.toprack.interfaces.sorted { $0.key < $1.key }
    let nics = interfaces.map { $0.key == $0.value ? $0.value : "\($0.key) = \($0.value)" }
    var facts = [
      ("server", device.hostname), ("id", device.id), ("mode", device.toprack.mode), ("plan", device.plan.slug),
      ("facility", device.facility.code), ("project", device.project.name),
      ("NICs", "\(nics.joined(separator: ", ")) (\(device.place)), MTU \(device.toprack.mtu)"),
    ]
    for address in device.ipAddresses {
      let kind = address.isPublic ? "public" : "private"
      facts.append(("address", "\(address.address)/\(address.cidr) \(kind), gateway \(address.gateway)"))
    }
    for port in device.networkPorts {
      var text = port.data.mac ?? (port.data.bonded ? "bonded" : "no members")
      if port.data.mac != nil, port.data.bonded { text += ", in bond0" }
      let numbers = port.virtualNetworks.map { network in
        "\(network.vxlan)" + (network.id == port.nativeVirtualNetwork?.id ? " native" : "")
      }
      if !numbers.isEmpty { text += ", VLAN \(numbers.joined(separator: ", "))" }
      facts.append((port.name, text))
    }
    return Table.facts(facts)
  }
}
