// A server for people.

enum ServerText {
  static func facts(_ device: Device) -> String {
    let interfaces = device.toprack.interfaces.sorted { $0.key < $1.key }
    let nics = interfaces.map { nic, interface in
      let elsewhere = device.toprack.namespaces?[nic].map { $0.map { " in netns \($0)" } ?? " on the host" } ?? ""
      let label = device.toprack.namespace == nil && nic != interface ? "\(nic) = \(interface)" : device.label(of: nic)
      return label + elsewhere
    }
    var facts = [
      ("server", device.hostname), ("id", device.id), ("mode", device.toprack.mode), ("power", device.power),
      ("plan", device.plan.slug), ("facility", device.facility.code), ("project", device.project.name),
      ("system", device.operatingSystem.name),
      ("NICs", "\(nics.joined(separator: ", ")) (\(device.place)), MTU \(device.toprack.mtu)"),
    ]
    if device.state == "provisioning" { facts.append(("state", "provisioning: its system was not heard yet")) }
    if device.toprack.configure == true {
      facts.append(("configured", device.toprack.configured ?? "not yet"))
    }
    if let serial = device.toprack.serial { facts.append(("serial", serial)) }
    if let description = device.description { facts.append(("description", description)) }
    if !device.tags.isEmpty { facts.append(("tags", device.tags.joined(separator: ", "))) }
    if let keys = device.sshKeys?.count, keys > 0 { facts.append(("SSH keys", "\(keys)")) }
    if let password = device.rootPassword { facts.append(("password", "\(password), of root, shown for a day")) }
    if let sos = device.sos { facts.append(("console", sos)) }
    let locks = (device.locked ? ["deletion"] : []) + (device.networkFrozen ? ["bond and mode"] : [])
    if !locks.isEmpty { facts.append(("locked", locks.joined(separator: ", "))) }
    for address in device.ipAddresses {
      facts.append(("address", "\(address.text) \(address.kind)" + (address.gateway.map { ", gateway \($0)" } ?? "")))
    }
    for port in device.networkPorts {
      var text = port.data.mac ?? (port.data.bonded ? "bonded" : "no members")
      if port.data.mac != nil, port.data.bonded { text += ", in bond0" }
      let numbers = port.toprack.virtualNetworks.map { $0.form == "native" ? $0.text : "\($0.vxlan)" }
      if !numbers.isEmpty { text += ", VLAN \(numbers.joined(separator: ", "))" }
      facts.append((device.label(of: port.name), text))
    }
    for problem in device.toprack.problems ?? [] { facts.append(("problem", problem)) }
    return Table.facts(facts)
  }

  /// What a change of mode did.
  static func change(_ change: ModeChange.Change, of device: Device) -> String {
    guard change.changed else { return "\(device.hostname) is \(device.toprack.mode) already; nothing changed" }
    var lines = ["\(device.hostname) is \(device.toprack.mode)"]
    if !change.released.isEmpty { lines.append("released for good: \(change.released.joined(separator: ", "))") }
    if !change.unassigned.isEmpty {
      lines.append("unassigned, still reserved: \(change.unassigned.joined(separator: ", "))")
    }
    if !change.given.isEmpty { lines.append("new addresses: \(change.given.joined(separator: ", "))") }
    return lines.joined(separator: "\n")
  }
}
