import Net
import Rack

extension NetworkConfig {
  /// Commands for sh. They begin by taking away what is there, so they can be repeated.
  var ip: [String] {
    var lines = [
      "# \(hostname) is \(mode). Type this into its operating system, as root, in sh. It begins by taking away what is on",
      "# \(nics.map(\.name).joined(separator: " and ")), so it can be typed again after each change.",
    ]
    if let naming { lines.append(naming) }
    lines += ["ip link set lo up"] + cleanUp
    if !bond.isEmpty {
      lines += [
        "# bond0: \(bond.joined(separator: " and ")), \(bondingMode == .lacp ? "LACP" : bondingMode.name)",
        "modprobe bonding max_bonds=0 2>/dev/null",
        "ip link add bond0 mtu \(mtu) type bond mode \(bondingMode.name) miimon 100"
          + (hashPolicy.map { " xmit_hash_policy \($0)" } ?? ""),
      ]
      lines += bond.map { "ip link set \($0) master bond0" }
    }
    for port in ports {
      lines.append(remark(on: port))
      let size = port.name == "bond0" ? "" : " mtu \(mtu)"
      lines.append("ip link set \(port.name)\(size) up")
      for address in port.addresses {
        // Nobody else can have the address, so there is no need to wait until that is known.
        let flags = address.network.family == 6 ? " nodad" : ""
        lines.append("ip address add \(address.address)/\(address.network.length) dev \(port.name)\(flags)")
      }
      lines += port.elastic.map { "ip address add \($0) dev \(port.name)" }
      for route in port.routes {
        let destination = route.destination.map(\.description) ?? "default"
        let command = route.family == 6 ? "ip -6 route" : "ip route"
        lines.append("\(command) replace \(destination) via \(route.gateway) dev \(port.name)")
      }
      for vlan in port.tagged {
        let name = port.interface(of: vlan)
        lines.append("ip link add link \(port.name) name \(name) mtu \(mtu) type vlan id \(vlan)")
        lines.append("ip link set \(name) up")
      }
    }
    return lines
  }
}
