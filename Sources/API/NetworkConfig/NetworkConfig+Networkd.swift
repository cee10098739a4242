import Net
import Rack

extension NetworkConfig {
  /// Commands for sh that write the files, take away what is there, and start systemd-networkd again.
  var networkd: [String] {
    var lines = [
      "# \(hostname) is \(mode). Type this into its operating system, as root, in sh. It writes files of systemd-networkd,",
      "# takes away what is on \(nics.map(\.name).joined(separator: " and ")), and can be typed again after each change.",
      "rm -f /etc/systemd/network/60-toprack-*",
    ]
    if !bond.isEmpty {
      lines += file(
        "bond0.netdev",
        [
          "[NetDev]", "Name=bond0", "Kind=bond", "MTUBytes=\(mtu)", "", "[Bond]", "Mode=\(bondingMode.name)",
          "MIIMonitorSec=100ms",
        ] + (hashPolicy.map { ["TransmitHashPolicy=\($0)"] } ?? []))
    }
    for nic in bond { lines += file("\(nic).network", match(nic) + ["", "[Network]", "Bond=bond0"]) }
    for port in ports {
      lines += file("\(port.name).network", [remark(on: port)] + match(port.name) + network(port))
      for vlan in port.tagged {
        let name = port.interface(of: vlan)
        lines += file(
          "\(name).netdev", ["[NetDev]", "Name=\(name)", "Kind=vlan", "MTUBytes=\(mtu)", "", "[VLAN]", "Id=\(vlan)"])
        lines += file(
          "\(name).network",
          ["[Match]", "Name=\(name)", "", "[Network]", "LinkLocalAddressing=ipv6", "ConfigureWithoutCarrier=yes"])
      }
    }
    return lines + namedCleanUp + ["systemctl restart systemd-networkd"]
  }

  /// By the MAC address that the NIC was made with: in a bond it has that of another one.
  private func match(_ name: String) -> [String] {
    ["[Match]", mac(of: name).map { "PermanentMACAddress=\($0)" } ?? "Name=\(name)", "", "[Link]", "MTUBytes=\(mtu)"]
  }

  private func network(_ port: Port) -> [String] {
    var lines = ["", "[Network]"]
    lines.append(port.isTaggedOnly ? "LinkLocalAddressing=no" : "LinkLocalAddressing=ipv6")
    // A bond has carrier only when a member has, and a VLAN when its bond has; its addresses need not wait for that.
    if port.name == "bond0" { lines.append("ConfigureWithoutCarrier=yes") }
    if port.isRouted { lines.append("IPv6AcceptRA=no") }
    lines += port.addresses.map { "Address=\($0.address)/\($0.network.length)" }
    lines += port.elastic.map { "Address=\($0)" }
    lines += port.tagged.map { "VLAN=\(port.interface(of: $0))" }
    for route in port.routes {
      lines += ["", "[Route]"]
      if let destination = route.destination { lines.append("Destination=\(destination)") }
      lines.append("Gateway=\(route.gateway)")
    }
    return lines
  }

  private func file(_ name: String, _ content: [String]) -> [String] {
    ["cat > /etc/systemd/network/60-toprack-\(name) <<'EOF'"] + content + ["EOF"]
  }

  /// networkd finds NICs by their MAC address, so the names in what goes before must be looked up where they are not
  /// ours.
  private var namedCleanUp: [String] { hasFixedNames ? cleanUp : ["ip link delete bond0 2>/dev/null"] }
}
