// A NIC has a name as a port of the switch, and one inside its server, which somebody may have chosen: `eth0 (n2:
// eth1)`.

/// `eth0`, or `eth0 (n2: eth1)` where it is called otherwise in the namespace.
func portLabel(_ name: String, inside interface: String?, of server: String, in namespace: String?) -> String {
  guard let interface, namespace != nil, interface != name else { return name }
  return "\(name) (\(server): \(interface))"
}

extension Device {
  /// What its system calls the NIC: as it was asked for, or as it is called now.
  private func names(inside name: String) -> [String] {
    [toprack.nics?[name], toprack.interfaces[name]].compactMap(\.self)
  }

  func label(of port: String) -> String {
    portLabel(port, inside: toprack.interfaces[port], of: hostname, in: toprack.namespace)
  }

  /// The port of that name; else the NIC that is called so inside. Fails as a refusal that lists them.
  func port(_ name: String) throws -> Port {
    let port =
      networkPorts.first { $0.name == name } ?? networkPorts.first { names(inside: $0.name).contains(name) }
    guard let port else {
      let valid = networkPorts.map { label(of: $0.name) }.joined(separator: ", ")
      throw Failure.refused("\(hostname) has no port \"\(name)\"; valid are \(valid)")
    }
    return port
  }

  /// All names by which `port` finds one, each once.
  var portNames: [String] {
    let names = networkPorts.map(\.name)
    var inside: [String] = []
    for name in names.flatMap(names(inside:)) where !names.contains(name) && !inside.contains(name) {
      inside.append(name)
    }
    return names + inside
  }
}

extension WirePort {
  var label: String { portLabel(name, inside: interface, of: server, in: namespace) }
}
