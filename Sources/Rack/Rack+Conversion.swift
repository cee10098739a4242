/// The two primitive conversions of bond0.
extension Rack {
  /// The bond stays as it is, whole or not. Already there: only `reference` is attached, if it is not yet. bond0 takes
  /// it also with one member, as a server that was hybrid has it: bonding the other one then ends in layer2-bonded with
  /// that network.
  func convertToLayer2(
    _ name: PortName, attaching reference: NetworkReference?, of server: inout Server
  ) throws(Refusal) {
    try mustBeBond(name, of: server, converting: "layer 2")
    if let plan = Catalogue.plan(server.plan), plan.layer2 != .all {
      throw .invalid(
        "\(server.hostname) is a \(plan.slug), which has \(plan.modes.map(\.rawValue).listed()) only: "
          + "bond0 stays in layer 3")
    }
    if server.isRouted(.bond0) {
      server.lose(server.leavingLayer3)
      server.layer = 2
    }
    guard let reference else { return }
    let network = try network(reference, for: server)
    if !server.bond0.networks.contains(network.id) { try assign(.id(network.id), to: .bond0, of: &server) }
  }

  /// Makes the bond whole, and gives new addresses. Refused while a port carries networks.
  func convertToLayer3(
    _ port: PortID, requests: [AddressRequest]?, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    let (old, name) = try serverAndPort(port)
    try mustBeBond(name, of: old, converting: "layer 3")
    guard !old.isRouted(.bond0) else {
      throw .invalid(
        "bond0 is already layer3",
        "bond0 of \(old.hostname) is in layer 3 and has its addresses: there is nothing to convert")
    }
    let kinds = try Self.kinds(requests)
    for port in old.ports where !port.networks.isEmpty {
      throw .invalid(
        "\(port.name.rawValue) of \(old.hostname) carries virtual network \(numbers(of: port.networks)): "
          + "detach before converting to layer 3")
    }
    var new = old
    new.setMembers(Set(PortName.nics))
    new.layer = 3
    let addresses = try newAddresses(kinds, for: old)
    new.get(addresses, with: &source)
    return outcome(of: old, to: new, pools: addresses.pools, subject: .port(port))
  }

  /// What is requested twice is given once: one client sends its list several times over.
  static func kinds(_ requests: [AddressRequest]?) throws(Refusal) -> [Address.Kind] {
    guard let requests, !requests.isEmpty else { return Address.Kind.allCases }
    var kinds: [Address.Kind] = []
    for request in requests {
      guard
        let kind = Address.Kind.allCases.first(where: {
          $0.family == request.family && $0.isPublic == request.isPublic
        })
      else {
        throw .invalid(
          "there is no \(request.isPublic ? "public" : "private") address of family \(request.family); "
            + "valid are public and private of family 4, and public of family 6")
      }
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    return kinds
  }

  private func mustBeBond(_ name: PortName, of server: Server, converting layer: String) throws(Refusal) {
    guard name == .bond0 else {
      throw .invalid(
        "\(name.rawValue) of \(server.hostname) is not a bond port: convert bond0 to \(layer) instead")
    }
  }
}
