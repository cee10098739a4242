/// Virtual networks on ports: assign, unassign, and the native one.
///
/// bond0 in layer 3 takes networks where that is offered (`Rack.offersHybridBonded(in:)`), all of them tagged; the
/// first makes the mode hybrid-bonded, and when the last leaves it is layer3 again. In layer 2 it takes them while it
/// has a member.
///
/// Native, case by case. It can be set only among two or more. Detaching another network never changes it, even when it
/// is the last one left: its frames were untagged and stay so, also when a second network comes again. Detaching the
/// native network clears it: of several left all are tagged, a single one left is untagged like any single network.
extension Rack {
  func assign(_ reference: NetworkReference, to name: PortName, of server: inout Server) throws(Refusal) {
    try mustCarryNetworks(name, of: server)
    let network = try network(reference, for: server)
    guard !server[name].networks.contains(network.id) else {
      throw .invalid(
        "Virtual network \(network.vxlan) already assigned",
        "virtual network \(network.vxlan) is already on \(name.rawValue) of \(server.hostname)")
    }
    guard server[name].networks.count < Self.networksPerPortLimit else {
      throw .invalid(
        "\(name.rawValue) of \(server.hostname) carries \(Self.networksPerPortLimit) virtual networks, "
          + "which is the limit; detach one first")
    }
    if let other = server[name].networks.compactMap({ networks[$0] }).first(where: { $0.vxlan == network.vxlan }) {
      throw .invalid(
        "\(name.rawValue) of \(server.hostname) carries virtual network \(other.vxlan) of \(other.place.words) already; "
          + "a port carries each number once, so \(network.vxlan) of \(network.place.words) has to go elsewhere")
    }
    server[name].networks.append(network.id)
  }

  func unassign(_ reference: NetworkReference, from name: PortName, of server: inout Server) throws(Refusal) {
    let id = try attached(reference, on: name, of: server)
    server[name].networks.removeAll { $0 == id }
    if server[name].native == id { server[name].native = nil }
  }

  func setNative(_ reference: NetworkReference?, on name: PortName, of server: inout Server) throws(Refusal) {
    guard let reference else {
      server[name].native = nil
      return
    }
    try mustCarryNetworks(name, of: server)
    let id = try attached(reference, on: name, of: server)
    if server.isRouted(name) {
      throw .invalid(
        "bond0 of \(server.hostname) is in layer 3, where what is untagged is routed: every virtual network on it is tagged, "
          + "and none can be native")
    }
    guard server[name].networks.count > 1 || server[name].native == id else {
      throw .invalid(
        "\(name.rawValue) of \(server.hostname) carries only virtual network \(numbers(of: [id])), which is untagged; "
          + "a native one is chosen among two or more")
    }
    server[name].native = id
  }

  /// The network on a port that `reference` means.
  private func attached(
    _ reference: NetworkReference, on name: PortName, of server: Server
  ) throws(Refusal) -> NetworkID {
    let there = server[name].networks
    let text: String
    switch reference {
    case .number(let number):
      if let id = there.first(where: { networks[$0]?.vxlan == number }) { return id }
      text = String(number)
    case .id(let id):
      guard let network = networks[id] else { throw .notFound("virtual network \(id) does not exist") }
      if there.contains(id) { return id }
      text = String(network.vxlan)
    }
    throw .invalid(
      "Virtual network \(text) not assigned",
      "virtual network \(text) is not on \(name.rawValue) of \(server.hostname), which carries "
        + (there.isEmpty ? "none" : numbers(of: there)))
  }

  /// Why no network can be put on a port of `server` now; `nil`: those that reach it can.
  public func refusal(ofNetworksOn name: PortName, of server: Server) -> Refusal? {
    do { try mustCarryNetworks(name, of: server) } catch { return error }
    return nil
  }

  /// Refuses unless networks can be put on the port now, and says where they can.
  func mustCarryNetworks(_ name: PortName, of server: Server) throws(Refusal) {
    try mustHaveLayer2(server)
    let port = "\(name.rawValue) of \(server.hostname)"
    let mode = server.mode
    if name == .bond0 {
      guard mode != .layer2Bonded else { return }
      let isCapable = server.isRouted(name) && Catalogue.plan(server.plan)?.layer2 == .all
      if isCapable, offersHybridBonded(in: server.facility), server.members == PortName.nics { return }
      let outside = PortName.nics.filter { !server[$0].bonded }.map(\.rawValue)
      let instead = outside.isEmpty ? "" : "attach to \(outside.listed("or")), or "
      throw .invalid(
        server.isRouted(name)
          ? "\(port) is in layer 3 and "
            + (mode == .hybridBonded ? "takes no further virtual network: " : "carries no virtual network: ")
            + instead + Self.convert(server, to: .bond0) + (isCapable ? hybridBondedAdvice(for: server) : "")
          : "the bond of \(server.hostname) is not whole, so bond0 takes no virtual network: \(instead)"
            + "convert it to layer2-bonded first")
    }
    guard server[name].bonded else { return }
    throw .invalid(
      "\(port) is a member of bond0: "
        + (mode == .layer2Bonded ? "attach to bond0, or " : "")
        + (mode == .hybrid ? "attach to \(name == .eth0 ? "eth1" : "eth0"), or " : "")
        + Self.convert(server, to: name))
  }

  /// Words for the modes in which `name` would carry networks, as far as the plan has them.
  private static func convert(_ server: Server, to name: PortName) -> String {
    let possible = Catalogue.plan(server.plan)?.modes ?? []
    let modes = possible.filter { $0.switchedPorts.contains(name) }.map(\.rawValue)
    guard !modes.isEmpty else { return "no other port, since plan \(server.plan) has no mode for that" }
    return name == .bond0
      ? "convert \(server.hostname) to \(modes.listed("or")) first"
      : "take \(name.rawValue) out first (mode \(modes.listed("or")))"
  }

  /// What the operator can do where VLANs on bond0 in layer 3 are not offered, or the server where they are.
  func hybridBondedAdvice(for server: Server) -> String {
    if offersHybridBonded(in: server.facility) { return "; with both NICs in the bond it would carry them tagged" }
    let offering = hybridBonded == nil ? Catalogue.facilities.filter(\.offersHybridBonded).map(\.code) : []
    let places = offering.isEmpty ? "" : "in the facilities \(offering.listed()), and "
    return
      "; virtual networks on bond0 in layer 3 are offered \(places)where toprackd has the setting hybrid_bonded: true"
  }

  func mustHaveLayer2(_ server: Server) throws(Refusal) {
    guard Catalogue.plan(server.plan)?.layer2 != Plan.Layer2.none else {
      throw .invalid(
        "\(server.hostname) is a \(server.plan), which has layer 3 only: "
          + "its ports stay bonded and carry no virtual network"
      )
    }
  }
}
