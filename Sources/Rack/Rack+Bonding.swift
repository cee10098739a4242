/// NICs into and out of the bond. What is so already is no error.
extension Rack {
  /// Refused while a NIC that would join carries networks, but for those that bond0 carries already: these stay, on
  /// bond0.
  func bond(_ names: [PortName], of server: inout Server) throws(Refusal) {
    for name in names where !server[name].bonded {
      let others = server[name].networks.filter { !server.bond0.networks.contains($0) }
      guard others.isEmpty else {
        throw .invalid(
          "\(name.rawValue) of \(server.hostname) carries virtual network \(numbers(of: others)), "
            + "which a member of bond0 cannot: detach first")
      }
      (server[name].networks, server[name].native) = ([], nil)
    }
    server.setMembers(Set(server.members).union(names))
  }

  /// Networks on bond0 stay there in layer 2; in layer 3 they are in the way. They are carried by what is left of the
  /// bond, and by nobody once it is empty.
  func disbond(_ names: [PortName], of server: inout Server) throws(Refusal) {
    try mustHaveLayer2(server)
    let rest = Set(server.members).subtracting(names)
    if rest.isEmpty, Catalogue.plan(server.plan)?.layer2 == .hybridOnly {
      throw .invalid(
        "\(server.hostname) is a \(server.plan), which has layer3 and hybrid only: one NIC stays in bond0")
    }
    if server.isRouted(.bond0), !server.bond0.networks.isEmpty, rest != Set(server.members) {
      throw .invalid(
        "bond0 of \(server.hostname) is in layer 3 and carries virtual network \(numbers(of: server.bond0.networks)), "
          + "which only a whole bond does: detach first")
    }
    server.setMembers(rest)
  }
}

extension Server {
  mutating func setMembers(_ members: Set<PortName>) {
    for name in PortName.nics { self[name].bonded = members.contains(name) }
    bond0.bonded = !members.isEmpty
  }
}
