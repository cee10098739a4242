/// From any state to one of the four modes, in one step.
extension Rack {
  /// What the mode cannot carry must be detached first. Between layer3 and hybrid the addresses stay; a layer-2 mode
  /// gives them back for good and unassigns elastic blocks; coming from layer 2 the server gets new ones.
  func setMode(of old: Server, to mode: NetworkMode, with source: inout some Entropy) throws(Refusal) -> Outcome {
    if Self.isSettled(old, in: mode) { return Outcome(subject: .server(old.id)) }
    if mode == .hybridBonded, Catalogue.plan(old.plan)?.allows(mode) == true {
      throw .invalid(
        "hybrid-bonded is layer3 with a virtual network on bond0: take \(old.hostname) to layer3, then attach one to bond0"
          + hybridBondedAdvice(for: old))
    }
    guard let plan = Catalogue.plan(old.plan), plan.modes.contains(mode) else {
      let modes = Catalogue.plan(old.plan)?.modes.map(\.rawValue) ?? []
      throw .invalid("\(old.hostname) is a \(old.plan), which has no mode \(mode.rawValue); valid is \(modes.listed())")
    }
    try mustBeFree(old, for: mode)

    var new = old
    var pools: [AddressPool] = []
    new.setMembers(Set(mode.members))
    new.layer = mode.layer
    switch (old.layer, mode.layer) {
    case (3, 2): releaseAddresses(of: &new)
    case (2, 3): pools = try giveAddresses(Address.Kind.allCases, to: &new, with: &source)
    default: break
    }
    return outcome(of: old, to: new, pools: pools, subject: .server(old.id))
  }

  /// Whether the server is in the mode and in none of the passing states that count as it. A hybrid server may have
  /// either NIC in the bond.
  private static func isSettled(_ server: Server, in mode: NetworkMode) -> Bool {
    server.mode == mode && server.members.count == mode.members.count
  }

  private func mustBeFree(_ server: Server, for mode: NetworkMode) throws(Refusal) {
    let faults = server.ports.compactMap { port -> String? in
      guard !port.networks.isEmpty, !mode.switchedPorts.contains(port.name) else { return nil }
      return "\(port.name.rawValue) of \(server.hostname) carries virtual network \(numbers(of: port.networks)), "
        + "which it cannot in mode \(mode.rawValue): detach first"
    }
    guard faults.isEmpty else { throw Refusal(kind: .invalid, messages: faults) }
  }
}
