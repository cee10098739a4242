import Dataplane
import Gateway
import Ports
import Rack
import Switching
import Wire

/// The steps of a command around its commit, each a walk over the effects that `Rack` asked for.
extension Control {
  /// A server's namespace is made with it exactly when it does not exist; the caller cannot know that.
  func located(_ command: Command) -> Command {
    guard case .createServer(var request) = command, let namespace = request.place.namespace else { return command }
    request.place = .namespace(namespace, made: !NetworkNamespaces.exists(namespace))
    return .createServer(request)
  }

  /// Before the commit: what can fail. When it throws, it has undone itself.
  func prepare(_ outcome: Outcome) async throws(Unavailable) {
    for effect in outcome.effects {
      switch effect {
      case .makeNICs(let id):
        let slot = try wires.openSlot(for: id)
        do {
          wires.locations[id] = try await nics.make(outcome.server(id)!, slot: slot)
        } catch {
          wires.closeSlot(of: id)
          throw error as? Unavailable ?? Unavailable(message: "\(error)")
        }
      case .openDomain(let id):
        try wires.openDomain(for: id)
      case .setMTU(let id):
        try await nics.setMTU(
          outcome.server(id)!.mtu, of: wires.locations[id, default: [:]], slot: wires.slotOf[id],
          before: working.servers[id]!.mtu)
      case .removeNICs, .rewire, .setPower, .reboot, .closeDomain, .setAging, .setLACPRate: break
      }
    }
  }

  /// Instead of the commit: undoes `prepare`.
  func takeBack(_ outcome: Outcome) async {
    for effect in outcome.effects {
      switch effect {
      case .makeNICs(let id):
        await nics.remove(outcome.server(id)!, wires.locations[id, default: [:]], slot: wires.slotOf[id]!)
        wires.closeSlot(of: id)
      case .openDomain(let id):
        wires.closeDomain(of: id)
      case .setMTU(let id):
        // A server that was made in the same group goes as a whole.
        guard let before = rack.servers[id]?.mtu else { break }
        try? await nics.setMTU(
          before, of: wires.locations[id, default: [:]], slot: wires.slotOf[id], before: before)
      case .removeNICs, .rewire, .setPower, .reboot, .closeDomain, .setAging, .setLACPRate: break
      }
    }
  }

  /// After the commit: one transaction on the forwarding plane for the whole group. Where two of it concern one port, the later counts.
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
      case .makeNICs, .setMTU, .reboot: break
      }
    }
    if !change.ports.isEmpty || !change.domains.isEmpty { await dataplane.apply(change, routing) }
    for (id, isOn) in carriers { if let slot = wires.slotOf[id] { await nics.setCarrier(isOn, slot: slot) } }
  }

  /// The first half of a reboot: what the server's ports were is over and its cables are pulled. The second half, by which all is as it
  /// was, is added to the group's own change.
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
        if let slot = wires.slotOf[server.id] {
          await nics.remove(server, wires.locations[server.id, default: [:]], slot: slot)
        }
        wires.closeSlot(of: server.id)
        start.problems[server.id] = nil
        problems.clearAll(of: server.id)
      case .closeDomain(let id):
        wires.closeDomain(of: id)
      case .makeNICs, .rewire, .setMTU, .setPower, .reboot, .openDomain, .setAging, .setLACPRate: break
      }
    }
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
