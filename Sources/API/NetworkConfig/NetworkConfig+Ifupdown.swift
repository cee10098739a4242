import Net
import Rack

extension NetworkConfig {
  /// One file of stanzas, interfaces(5).
  var ifupdown: [String] {
    let packages = [bond.isEmpty ? nil : "ifenslave", ports.allSatisfy(\.tagged.isEmpty) ? nil : "vlan"].compactMap(
      \.self)
    var lines = [
      "# \(hostname) is \(mode). Write this to /etc/network/interfaces.d/toprack in its operating system, after 'ifdown' of",
      "# what an earlier mode left, and run 'ifup -a'."
        + (packages.isEmpty
          ? "" : " It needs the package\(packages.count > 1 ? "s" : "") \(packages.joined(separator: " and "))."),
    ]
    if let naming { lines.append(naming) }
    for port in ports {
      lines += ["", remark(on: port), "auto \(port.name)"]
      lines += port.isRouted ? routed(port) : ["iface \(port.name) inet manual"] + common(port)
      for vlan in port.tagged {
        let name = port.interface(of: vlan)
        lines += [
          "", "auto \(name)", "iface \(name) inet manual", "    vlan-raw-device \(port.name)", "    mtu \(mtu)",
        ]
      }
    }
    return lines
  }

  /// The first stanza of an interface makes it.
  private func common(_ port: Port) -> [String] {
    var lines: [String] = []
    if port.name == "bond0" {
      lines += [
        "    bond-slaves \(bond.joined(separator: " "))", "    bond-mode \(bondingMode.name)", "    bond-miimon 100",
      ]
      lines += hashPolicy.map { ["    bond-xmit-hash-policy \($0)"] } ?? []
    }
    return lines + ["    mtu \(mtu)"]
  }

  private func routed(_ port: Port) -> [String] {
    var lines: [String] = []
    for (index, address) in port.addresses.enumerated() {
      let family = address.network.family
      lines.append("iface \(port.name) \(family == 4 ? "inet" : "inet6") static")
      lines.append("    address \(address.address)/\(address.network.length)")
      for route in port.routes where route.gateway == address.gateway {
        lines.append(
          route.destination.map { "    up ip route replace \($0) via \(route.gateway) dev \(port.name)" }
            ?? "    gateway \(route.gateway)")
      }
      if family == 6 { lines += ["    accept_ra 0", "    dad-attempts 0"] }
      guard index == 0 else { continue }
      lines += common(port)
      lines += port.elastic.map { "    up ip address replace \($0) dev \(port.name)" }
    }
    return lines
  }
}
