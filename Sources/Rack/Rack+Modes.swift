/// From any state to one of the four modes, in one step. What that does is asked of `change(of:to:)` first.
extension Rack {
  /// What it would do now to take the server to the mode.
  ///
  /// What the mode cannot carry must be detached first. Between layer3 and hybrid the addresses stay; what becomes of
  /// them otherwise says `AddressChange`.
  public func change(of server: Server, to mode: NetworkMode) -> ModeResult {
    var result = ModeResult(mode)
    do throws(Refusal) {
      try mustNotBeFrozen(server)
      result.isCurrent = Self.isSettled(server, in: mode)
      if result.isCurrent { return result }
      try mustHave(mode, server)
      result.displaced = Self.displaced(from: server, by: mode)
      try mustBeFree(server, for: mode, result.displaced)
      result.addresses = try addressChange(of: server, to: mode)
      result.leaving = server.members.filter { !mode.members.contains($0) }
      result.joining = mode.members.filter { !server.members.contains($0) }
    } catch {
      result.refusal = error
    }
    return result
  }

  func setMode(of old: Server, to mode: NetworkMode, with source: inout some Entropy) throws(Refusal) -> Outcome {
    let change = change(of: old, to: mode)
    if let refusal = change.refusal { throw refusal }
    guard !change.isCurrent else { return Outcome(subject: .server(old.id)) }
    var new = old
    new.setMembers(Set(mode.members))
    new.layer = mode.layer
    new.lose(change.addresses)
    new.get(change.addresses, with: &source)
    return outcome(of: old, to: new, pools: change.addresses.pools, subject: .server(old.id))
  }

  /// Whether the server is in the mode and in none of the passing states that count as it. A hybrid server may have
  /// either NIC in the bond.
  private static func isSettled(_ server: Server, in mode: NetworkMode) -> Bool {
    server.mode == mode && server.members.count == mode.members.count
  }

  /// Refuses what the plan of the server does not have.
  private func mustHave(_ mode: NetworkMode, _ server: Server) throws(Refusal) {
    let plan = Catalogue.plan(server.plan)
    if mode == .hybridBonded, plan?.allows(mode) == true {
      throw .invalid(
        "hybrid-bonded is layer3 with a virtual network on bond0: take \(server.hostname) to layer3, then attach one to "
          + "bond0" + hybridBondedAdvice(for: server))
    }
    let modes = plan?.modes ?? []
    guard modes.contains(mode) else {
      throw .invalid(
        "\(server.hostname) is a \(server.plan), which has no mode \(mode.rawValue); "
          + "valid is \(modes.map(\.rawValue).listed())")
    }
  }

  private static func displaced(from server: Server, by mode: NetworkMode) -> [ModeResult.Displaced] {
    server.ports.filter { !$0.networks.isEmpty && !mode.switchedPorts.contains($0.name) }
      .map { ModeResult.Displaced(port: $0.name, networks: $0.networks) }
  }

  private func mustBeFree(
    _ server: Server, for mode: NetworkMode, _ displaced: [ModeResult.Displaced]
  ) throws(Refusal) {
    guard !displaced.isEmpty else { return }
    throw Refusal(
      kind: .invalid,
      messages: displaced.map {
        "\($0.port.rawValue) of \(server.hostname) carries virtual network \(numbers(of: $0.networks)), "
          + "which it cannot in mode \(mode.rawValue): detach first"
      })
  }
}
