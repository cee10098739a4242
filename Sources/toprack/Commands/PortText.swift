// Ports for people.

enum PortText {
  static func table(_ ports: [WirePort]) -> String {
    var table = Table(
      "PORT", "BONDED", "LINK", "CARRIES", "VLANS", "RX PACKETS", "RX BYTES", "TX PACKETS", "TX BYTES", "DROPS")
    for port in ports {
      table.add(
        port.label, port.bonded ? "yes" : "no", link(of: port), carrying(port), vlans(of: port),
        "\(port.rxPackets)", "\(port.rxBytes)", "\(port.txPackets)", "\(port.txBytes)",
        "\(port.drops.values.reduce(0, +))")
    }
    guard let first = ports.first else { return "no ports" }
    // bond0's drops are those of its members.
    let drops = ports.filter { $0.members == nil && !$0.drops.isEmpty }.map { port in
      "dropped at \(port.label): "
        + port.drops.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
        .joined(separator: ", ")
    }
    var notes = drops.isEmpty ? [] : [drops.joined(separator: "\n")]
    let links = ports.compactMap { port in
      port.link.flatMap { $0.text.isEmpty ? nil : "link of \(port.label): \($0.text)" }
    }
    if !links.isEmpty { notes.append(links.joined(separator: "\n")) }
    for note in ports.compactMap(\.shut?.text) + ports.flatMap({ $0.problems ?? [] }) where !notes.contains(note) {
      notes.append(note)
    }
    return (["\(first.server) is \(first.mode)", table.text] + notes).joined(separator: "\n\n")
  }

  static func facts(_ port: WirePort) -> String {
    var facts = [
      ("port", "\(port.server) \(port.label)"), ("mode", port.mode), ("bonded", port.bonded ? "yes" : "no"),
      ("link", link(of: port)), ("VLANs", vlans(of: port)), ("MTU", "\(port.mtu)"),
    ]
    if let interface = port.interface {
      facts.append(("interface", interface + (port.namespace.map { " in netns \($0)" } ?? "")))
    }
    if let mac = port.mac { facts.append(("MAC", mac)) }
    if let link = port.link, !link.text.isEmpty { facts.append(("set on the link", link.text)) }
    for member in port.members ?? [] {
      let state = member.carries ? "carries" : "stands by"
      facts.append(("member", "\(member.name), link \(member.linkUp ? "up" : "down"), \(state)"))
    }
    facts += [
      ("received", "\(port.rxPackets) frames, \(port.rxBytes) bytes"),
      ("sent", "\(port.txPackets) frames, \(port.txBytes) bytes"),
    ]
    facts += port.drops.sorted { $0.key < $1.key }.map { ("dropped", "\($0.value) \($0.key)") }
    facts += (port.problems ?? []).map { ("problem", $0) }
    return Table.facts(facts)
  }

  /// "up", "down", or what the loop guard makes of it.
  private static func link(of port: WirePort) -> String {
    (port.linkUp ? "up" : "down") + (port.shut == nil ? "" : ", shut")
      + (port.link?.text.isEmpty == false ? ", impaired" : "")
  }

  /// Of a NIC "yes" or "no"; of bond0 those of its members that carry: "eth0 of eth0, eth1".
  private static func carrying(_ port: WirePort) -> String {
    guard let members = port.members else { return port.carries == true ? "yes" : "no" }
    guard !members.isEmpty else { return "no members" }
    let all = members.map(\.name).joined(separator: ", ")
    let active = members.filter(\.carries).map(\.name).joined(separator: ", ")
    return active == all ? all : "\(active.isEmpty ? "none" : active) of \(all)"
  }

  private static func vlans(of port: WirePort) -> String { words(port.vlans) ?? "-" }

  /// "web1 eth1: VLAN 1001 untagged"
  static func vlans(of port: Device.Port, of server: Device) -> String {
    "\(server.hostname) \(server.label(of: port.name)): "
      + (words(port.toprack.virtualNetworks).map { "VLAN \($0)" } ?? "no VLAN")
  }

  /// "1001 native, 1002 tagged"
  private static func words(_ vlans: [WirePort.VLAN]) -> String? {
    vlans.isEmpty ? nil : vlans.map(\.text).joined(separator: ", ")
  }
}
