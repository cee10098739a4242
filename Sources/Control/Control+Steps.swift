import Dataplane
import Gateway
import Host
import Net
import Rack
import Store
import Switching
import Wire

/// The steps of a command around its commit, each a walk over the effects that `Rack` asked for.
extension Control {
  /// Whether the host has the namespace that a new server asks for, and whether installations wait for their systems;
  /// neither the caller nor the rack can know that.
  func located(_ command: Command) -> Command {
    if case .reinstall(let server, var installation) = command {
      installation.isAwaited = provisioning.isAwaited
      return .reinstall(server, installation)
    }
    guard case .createServer(var request) = command else { return command }
    request.isAwaited = provisioning.isAwaited
    let namespace = request.place.namespace(hostname: request.hostname)
    request.place.exists = namespace.map(NetworkNamespaces.exists) ?? false
    return .createServer(request)
  }

  /// Before the commit: what can fail. When it throws, it has undone itself.
  func prepare(_ outcome: Outcome) async throws {
    for effect in outcome.effects {
      switch effect {
      case .makeNICs(let id):
        let slot = try wires.openSlot(for: id)
        do {
          let made = try await nics.make(outcome.server(id)!, slot: slot)
          wires.locations[id] = made.locations
          host.homes[id] = made.home
          if made.madeNamespace { host.ownNamespaces.insert(id) }
        } catch {
          wires.closeSlot(of: id)
          throw error
        }
      case .openDomain(let id):
        try wires.openDomain(for: id)
      case .setMTU(let id):
        try await setMTU(outcome.server(id) ?? working.servers[id]!)
      case .nameNICs(let id):
        try await nameNICs(of: outcome.server(id)!)
      case .removeNICs, .rewire, .setPower, .reboot, .closeDomain, .setAging, .setLACPRate: break
      }
    }
  }

  /// Instead of the commit: undoes `prepare`.
  func takeBack(_ outcome: Outcome) async {
    for effect in outcome.effects {
      switch effect {
      case .makeNICs(let id):
        await remove(outcome.server(id)!)
      case .openDomain(let id):
        wires.closeDomain(of: id)
      case .setMTU(let id):
        // A server that was made in the same group goes as a whole.
        guard rack.servers[id] != nil, let slot = wires.slotOf[id] else { break }
        let before = host.mtusBefore[id, default: [:]]
        await nics.restoreMTUs(before, slot: slot)
        for (nic, mtu) in before { wires.locations[id]?[nic]?.mtu = mtu }
      case .nameNICs(let id):
        await takeBackNames(of: id)
      case .removeNICs, .rewire, .setPower, .reboot, .closeDomain, .setAging, .setLACPRate: break
      }
    }
  }

  /// After the commit: one transaction on the forwarding plane for the whole group. Where two of it concern one port,
  /// the later counts.
  func forward(_ outcomes: [Outcome]) async {
    var change = ForwardingChange()
    var routing = RoutingChange()
    var carriers: [ServerID: Bool] = [:]
    await switchOff(outcomes, &change, &routing, &carriers)
    for (outcome, effect) in outcomes.flatMap({ outcome in outcome.effects.map { (outcome, $0) } }) {
      switch effect {
      case .rewire(let id):
        let server = outcome.server(id)!
        change.ports.merge(wires.programs(for: server)) { $1 }
        routing.interfaces.merge(wires.interfaces(for: server, gateway.plan)) { $1 }
      case .removeNICs(let server):
        change.ports.merge(wires.absence(of: server.id)) { $1 }
        if let bond0 = wires.ports(of: server.id).first { routing.interfaces.updateValue(nil, forKey: bond0) }
      case .openDomain(let id):
        change.domains.updateValue(outcome.network(id)!.vid, forKey: wires.domainOf[id]!)
      case .closeDomain(let id):
        change.domains.updateValue(nil, forKey: wires.domainOf[id]!)
      case .setAging(let seconds):
        await dataplane.setAging(seconds: seconds)
      case .setLACPRate(let fast):
        await dataplane.setLACP(system: MACAddress(systemOf: rack.id), fastRate: fast)
      case .setPower(let id):
        carriers[id] = outcome.server(id)!.isPoweredOn
      case .makeNICs, .setMTU, .nameNICs, .reboot: break
      }
    }
    if !change.ports.isEmpty || !change.domains.isEmpty { await dataplane.apply(change, routing) }
    for (id, isOn) in carriers { if let slot = wires.slotOf[id] { await nics.setCarrier(isOn, slot: slot) } }
  }

  /// The first half of a reboot: what the server's ports were is over and its cables are pulled. The second half, by
  /// which all is as it was, is added to the group's own change.
  private func switchOff(
    _ outcomes: [Outcome], _ change: inout ForwardingChange, _ routing: inout RoutingChange,
    _ carriers: inout [ServerID: Bool]
  ) async {
    let rebooting = outcomes.flatMap(\.effects).compactMap { effect in
      if case .reboot(let id) = effect { working.servers[id] } else { nil }
    }
    guard !rebooting.isEmpty else { return }
    var absence = ForwardingChange()
    var silence = RoutingChange()
    for server in rebooting {
      absence.ports.merge(wires.absence(of: server.id)) { $1 }
      silence.interfaces.merge(wires.interfaces(for: server, gateway.plan).mapValues { _ in nil }) { $1 }
      change.ports.merge(wires.programs(for: server)) { $1 }
      routing.interfaces.merge(wires.interfaces(for: server, gateway.plan)) { $1 }
      carriers[server.id] = server.isPoweredOn
    }
    await dataplane.apply(absence, silence)
    for server in rebooting { if let slot = wires.slotOf[server.id] { await nics.setCarrier(false, slot: slot) } }
  }

  /// At the end: what is no longer used.
  func dispose(_ outcome: Outcome) async {
    for effect in outcome.effects {
      switch effect {
      case .removeNICs(let server):
        await remove(server)
        problems.clearAll(of: server.id)
      case .closeDomain(let id):
        wires.closeDomain(of: id)
      case .makeNICs, .rewire, .setMTU, .nameNICs, .setPower, .reboot, .openDomain, .setAging, .setLACPRate: break
      }
    }
  }
}

/// The parts of the steps that are about interfaces.
extension Control {
  /// Removes a server's NICs and its namespace, and forgets where they were.
  private func remove(_ server: Server) async {
    guard let slot = wires.slotOf[server.id] else { return }
    stopWatchingNICs(of: server.id, slot: slot)
    let own = host.ownNamespaces.contains(server.id) ? host.homes[server.id] : nil
    await nics.remove(server, slot: slot, ownNamespace: own)
    host.forget(server.id, slot: slot)
    wires.closeSlot(of: server.id)
  }

  private func setMTU(_ server: Server) async throws(Unavailable) {
    guard let slot = wires.slotOf[server.id] else { return }
    let locations = wires.locations[server.id, default: [:]]
    try await nics.setMTU(server.mtu, of: locations, slot: slot)
    if host.mtusBefore[server.id] == nil { host.mtusBefore[server.id] = locations.mapValues(\.mtu) }
    for nic in locations.keys { wires.locations[server.id]?[nic]?.mtu = server.mtu }
  }

  /// A server's own system may have set another MTU since: then the same command does something.
  func followMTU(_ command: Command, _ outcome: inout Outcome) {
    guard case .setMTU(let id, let mtu) = command, !outcome.changed, let server = rack.servers[id],
      wires.locations[id, default: [:]].values.contains(where: { $0.mtu != mtu })
    else { return }
    outcome.effects = [.setMTU(id)]
    outcome.events = [
      Event(
        id: EventID(entropy.identifier()), type: "device.mtu", body: "\(server.hostname) has MTU \(mtu)",
        createdAt: entropy.now, project: server.project, server: id)
    ]
  }

  /// Where the NICs are that an outcome has made or named, for the database.
  func madePlaces(_ outcome: Outcome) -> [NICPlaceChange] {
    (made(outcome) + named(outcome)).flatMap { server in
      wires.locations[server.id, default: [:]].compactMap { nic, location in
        location.record.map { NICPlaceChange(server: server.id, nic: nic, place: $0) }
      }
    }
  }

  func watchMade(_ outcome: Outcome) { for server in made(outcome) { watchNICs(of: server) } }

  private func made(_ outcome: Outcome) -> [Server] {
    outcome.effects.compactMap { if case .makeNICs(let id) = $0 { outcome.server(id) } else { nil } }
  }

  private func named(_ outcome: Outcome) -> [Server] {
    outcome.effects.compactMap { if case .nameNICs(let id) = $0 { outcome.server(id) } else { nil } }
  }

  func routing(of server: Server) -> RoutingChange {
    var routing = RoutingChange()
    routing.interfaces.merge(wires.interfaces(for: server, gateway.plan)) { $1 }
    return routing
  }
}

extension Outcome {
  /// The server as it will be.
  func server(_ id: ServerID) -> Server? {
    for case .server(let server, replacing: _) in changes where server.id == id { return server }
    return nil
  }

  func network(_ id: NetworkID) -> VirtualNetwork? {
    for case .network(let network) in changes where network.id == id { return network }
    return nil
  }
}
