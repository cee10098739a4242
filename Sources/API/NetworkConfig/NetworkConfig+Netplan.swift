import Net
import Rack

extension NetworkConfig {
  /// One YAML file. Addresses are in quotes, since a plain scalar cannot end in a colon.
  var netplan: [String] {
    [
      "# \(hostname) is \(mode). Write this to /etc/netplan/60-toprack.yaml in its operating system, mode 600, and run",
      "# 'netplan apply'. A bond0 or VLANs of an earlier mode go with 'ip link delete', or with a reboot.",
      "network:", "  version: 2", "  renderer: networkd",
    ] + netplanInterfaces(naming: false)
  }

  /// What is below `network`, two spaces in. `naming`: NICs are known by their MAC address wherever they are, and are
  /// given their names; the bond has the first one's address.
  func netplanInterfaces(naming: Bool) -> [String] {
    var lines = ["  ethernets:"]
    let isBonded = !bond.isEmpty
    for nic in nicsInUse {
      let port = ports.first { $0.name == nic }
      if let port { lines.append("    " + remark(on: port)) }
      lines.append("    \(nic):")
      if let mac = naming ? nics.first(where: { $0.name == nic })?.mac : mac(of: nic) {
        lines += ["      match:", "        macaddress: \"\(mac)\""]
      }
      if naming { lines.append("      set-name: \(nic)") }
      lines += port.map(body(of:)) ?? ["      mtu: \(mtu)"]
    }
    if isBonded, let port = ports.first(where: { $0.name == "bond0" }) {
      lines += [
        "  bonds:", "    " + remark(on: port), "    bond0:", "      interfaces: [\(bond.joined(separator: ", "))]",
      ]
      // udev gives a bond an address of its own invention before it has a NIC.
      if naming { lines.append("      macaddress: \"\(nics[0].mac)\"") }
      lines += [
        "      parameters:", "        mode: \(bondingMode.name)", "        mii-monitor-interval: 100",
      ]
      lines += hashPolicy.map { ["        transmit-hash-policy: \($0)"] } ?? []
      lines += body(of: port)
    }
    let tagged = ports.flatMap { port in port.tagged.map { (port, $0) } }
    if !tagged.isEmpty { lines.append("  vlans:") }
    for (port, vlan) in tagged {
      lines += [
        "    \(port.interface(of: vlan)):", "      id: \(vlan)", "      link: \(port.name)", "      mtu: \(mtu)",
      ]
    }
    return lines
  }

  private func body(of port: Port) -> [String] {
    var lines = ["      mtu: \(mtu)"]
    if port.isTaggedOnly { lines.append("      link-local: []") }
    guard port.isRouted else { return lines }
    lines += ["      accept-ra: false", "      addresses:"]
    lines += port.addresses.map { "        - \"\($0.address)/\($0.network.length)\"" }
    lines += port.elastic.map { "        - \"\($0)\"" }
    lines.append("      routes:")
    for route in port.routes {
      let destination = route.destination.map(\.description) ?? (route.family == 6 ? "::/0" : "0.0.0.0/0")
      lines += ["        - to: \"\(destination)\"", "          via: \"\(route.gateway)\""]
    }
    return lines
  }
}
