import Cabling
import Dataplane
import FoundationEssentials
import Gateway
import Host
import Net
import Rack
import Store
import Switching
import Wire

/// The four steps of a command around its commit: `prepare` what can fail, or take it back; `forward` by the new state;
/// `dispose` of what is left. What each does follows from the difference that the command's records make to the wire
/// (`WireChange`), and taking back is the difference the other way.
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
  func prepare(_ step: Step) async throws {
    // What the wire is by the time.
    var image = step.wire.before
    do {
      for server in step.made {
        try await make(server, insteadOf: step.former(of: server))
        image.servers[server.id] = step.change.made[server.id]
      }
      for (id, vid) in step.change.opened {
        try wires.openDomain(for: id)
        image.networks[id] = vid
      }
      for (id, moved) in step.change.moved {
        try await move(step.servers[id]!)
        image.servers[id] = moved
      }
      for (id, mtu) in step.change.mtus {
        try await setMTU(mtu, of: id)
        image.servers[id]?.mtu = mtu
      }
      for (id, names) in step.change.names {
        try await nameNICs(of: step.servers[id]!)
        image.servers[id]?.names = names
      }
    } catch {
      await undo(WireChange(from: image, to: step.wire.before), step)
      throw error
    }
  }

  /// Instead of the commit: undoes `prepare`.
  func takeBack(_ step: Step) async { await undo(step.wire.undo, step) }

  private func undo(_ change: WireChange, _ step: Step) async {
    // A server that was made in the same group goes as a whole.
    for id in change.names.keys where rack.servers[id] != nil { await takeBackNames(of: id) }
    for id in change.mtus.keys where rack.servers[id] != nil { await restoreMTU(of: id) }
    for id in change.moved.keys { await moveBack(id, step.servers[id]!) }
    await end(change, step.servers)
  }

  /// After the commit: one transaction on the forwarding plane for the whole group, whatever the servers and networks
  /// went through in between.
  func forward(_ group: [Step]) async {
    var change = WireStep(group.flatMap(\.outcome.changes), on: rack, gateway.plan).change
    let rebooting = group.flatMap(\.outcome.acts).compactMap { act in
      if case .reboot(let id) = act { working.servers[id] } else { nil }
    }
    if !rebooting.isEmpty {
      await switchOff(rebooting)
      // The second half of a reboot: all is as it was.
      for server in rebooting {
        change.rewired[server.id] = ServerImage(of: server, gateway.plan)
        change.carriers[server.id] = server.plugged
      }
    }
    await dataplane.follow(change, wires, host, rack.id)
    await followMirrors(of: working)
    var carriers = change.carriers
    // NICs were made as the server was then; another command of the group may have changed that.
    if group.count > 1 {
      carriers.merge(change.made.mapValues(\.carriers)) { $1 }
      carriers.merge(change.moved.mapValues(\.carriers)) { $1 }
    }
    for (id, plugged) in carriers {
      if let slot = wires.slotOf[id] { await nics.setCarriers(plugged, slot: slot) }
    }
  }

  /// The first half of a reboot: what the server's ports were is over and its cables are pulled.
  private func switchOff(_ servers: [Server]) async {
    var absence = WireChange()
    absence.removed = Set(servers.map(\.id))
    await dataplane.follow(absence, wires, host, rack.id)
    for server in servers { if let slot = wires.slotOf[server.id] { await nics.setCarriers([], slot: slot) } }
  }

  /// At the end: what is no longer used.
  func dispose(_ step: Step) async {
    for id in step.change.moved.keys { await endMove(of: id) }
    await end(step.change, step.servers)
    for id in step.change.removed { problems.clearAll(of: id) }
    for server in step.made where step.former(of: server) != nil { await takeNames(of: server) }
  }

  private func end(_ change: WireChange, _ servers: [ServerID: Server]) async {
    for id in change.removed { if let server = servers[id] { await remove(server) } }
    for id in change.closed { wires.closeDomain(of: id) }
  }
}

/// A command that was decided, and what it does to the wire.
struct Step {
  let outcome: Outcome
  let wire: WireStep
  let change: WireChange
  /// The servers that it touches: as they will be, or as they were.
  let servers: [ServerID: Server]

  init(_ outcome: Outcome, on rack: Rack, _ plan: RoutingPlan) {
    self.outcome = outcome
    var wire = WireStep(outcome.changes, on: rack, plan)
    var servers: [ServerID: Server] = [:]
    for change in outcome.changes {
      switch change {
      case .server(let server, replacing: _): servers[server.id] = server
      case .serverDeleted(let id): servers[id] = rack.servers[id]
      default: break
      }
    }
    for case .refit(let id) in outcome.acts {
      servers[id] = rack.servers[id]
      if let server = rack.servers[id] { wire.refit(server, plan) }
    }
    (self.wire, change, self.servers) = (wire, wire.change, servers)
  }

  /// Those whose NICs are to be made, in a fixed order.
  var made: [Server] {
    change.made.keys.compactMap { servers[$0] }.sorted { ($0.createdAt, $0.hostname) < ($1.createdAt, $1.hostname) }
  }

  /// The server that goes in the same change, and whose namespace and names a new one takes over.
  func former(of server: Server) -> Server? {
    change.removed.lazy.compactMap { servers[$0] }.first { former in
      if case .namespace(let name, _) = server.place { return former.place.namespace == name }
      return former.place == .host && former.hostname.lowercased() == server.hostname.lowercased()
    }
  }

  /// Where the NICs are that it has made or named, for the database.
  func places(in host: HostState) -> [NICPlaceChange] {
    (Array(change.made.keys) + change.moved.keys + change.names.keys).flatMap { id in
      host.locations[id, default: [:]].compactMap { nic, location in
        location.record.map { NICPlaceChange(server: id, nic: nic, place: $0) }
      }
    }
  }
}

extension Dataplane {
  /// Puts a change into force, all of it or nothing.
  func follow(
    _ change: WireChange, _ wires: Wires, _ host: HostState, _ rack: UUID,
    beside others: (ForwardingChange, RoutingChange) = (ForwardingChange(), RoutingChange())
  ) async {
    var (forwarding, routing) = wires.transaction(change) { Set(host.locations[$0, default: [:]].keys) }
    forwarding.ports.merge(others.0.ports) { $1 }
    forwarding.domains.merge(others.0.domains) { $1 }
    routing.interfaces.merge(others.1.interfaces) { $1 }
    routing.pools = others.1.pools
    if let seconds = change.aging { await setAging(seconds: seconds) }
    if let fast = change.lacpFast { await setLACP(system: MACAddress(systemOf: rack), fastRate: fast) }
    if !forwarding.ports.isEmpty || !forwarding.domains.isEmpty || !routing.isEmpty { await apply(forwarding, routing) }
    for (nic, link) in wires.links(change) {
      await setImpairment(to: link.toServer, from: link.fromServer, of: nic)
    }
  }
}

/// The parts of the steps that are about interfaces.
extension Control {
  private func make(_ server: Server, insteadOf former: Server?) async throws {
    let slot = try wires.openSlot(for: server.id)
    do {
      let made = try await nics.make(server, slot: slot, insteadOf: former)
      host.locations[server.id] = made.locations
      host.homes[server.id] = made.home
      let isOwn = former.map { host.ownNamespaces.contains($0.id) } ?? false
      if made.madeNamespace || isOwn { host.ownNamespaces.insert(server.id) }
    } catch {
      wires.closeSlot(of: server.id)
      throw error
    }
  }

  /// Makes a server's NICs anew at its place; those that it has stay until `endMove`.
  private func move(_ server: Server) async throws {
    guard let slot = wires.slotOf[server.id], let old = working.servers[server.id] else { return }
    let former = HostState.Former(
      server: old, slot: slot, locations: host.locations[server.id, default: [:]], home: host.homes[server.id],
      isOwn: host.ownNamespaces.contains(server.id))
    let next = try wires.openNextSlot(for: server.id)
    do {
      let made = try await nics.make(server, slot: next)
      stopWatchingNICs(of: server.id, slot: slot)
      host.forget(server.id, slot: slot)
      host.former[server.id] = former
      host.locations[server.id] = made.locations
      host.homes[server.id] = made.home
      if made.madeNamespace { host.ownNamespaces.insert(server.id) }
    } catch {
      wires.closeFormerSlot(of: server.id, isBack: true)
      throw error
    }
  }

  private func moveBack(_ id: ServerID, _ server: Server) async {
    guard let former = host.former.removeValue(forKey: id), let slot = wires.slotOf[id] else { return }
    await nics.remove(server, slot: slot, ownNamespace: host.ownNamespaces.contains(id) ? host.homes[id] : nil)
    host.forget(id, slot: slot)
    wires.closeFormerSlot(of: id, isBack: true)
    host.locations[id] = former.locations
    host.homes[id] = former.home
    if former.isOwn { host.ownNamespaces.insert(id) }
    watchNICs(of: former.server)
  }

  /// The NICs at a server's former place go.
  private func endMove(of id: ServerID) async {
    guard let former = host.former.removeValue(forKey: id), let server = rack.servers[id] else { return }
    let isFree = former.server.place.namespace.flatMap(rack.server(inNamespace:)) == nil
    await nics.remove(former.server, slot: former.slot, ownNamespace: former.isOwn && isFree ? former.home : nil)
    noteFormer(server, slot: former.slot)
    wires.closeFormerSlot(of: id)
    problems.clearAll(of: id)
    watchNICs(of: server)
  }

  /// Removes a server's NICs and its namespace, and forgets where they were.
  private func remove(_ server: Server) async {
    guard let slot = wires.slotOf[server.id] else { return }
    stopWatchingNICs(of: server.id, slot: slot)
    // One that goes for another leaves it the namespace, and so does the other when it has not come to be.
    let holder = server.place.namespace.flatMap(rack.server(inNamespace:))
    let isLast = holder == nil || holder?.id == server.id
    let own = isLast && host.ownNamespaces.contains(server.id) ? host.homes[server.id] : nil
    await nics.remove(server, slot: slot, ownNamespace: own)
    host.forget(server.id, slot: slot)
    noteFormer(server, slot: slot)
    wires.closeSlot(of: server.id)
  }

  private func setMTU(_ mtu: Int, of id: ServerID) async throws(Unavailable) {
    guard let slot = wires.slotOf[id] else { return }
    let locations = host.locations[id, default: [:]]
    try await nics.setMTU(mtu, of: locations, slot: slot)
    if host.mtusBefore[id] == nil { host.mtusBefore[id] = locations.mapValues(\.mtu) }
    for nic in locations.keys { host.locations[id]?[nic]?.mtu = mtu }
  }

  private func restoreMTU(of id: ServerID) async {
    guard let slot = wires.slotOf[id] else { return }
    let before = host.mtusBefore[id, default: [:]]
    await nics.restoreMTUs(before, slot: slot)
    for (nic, mtu) in before { host.locations[id]?[nic]?.mtu = mtu }
  }

  /// A server's own system may have set another MTU since: then the same command does something.
  func followMTU(_ command: Command, _ outcome: inout Outcome) {
    guard case .setMTU(let id, let mtu) = command, !outcome.changed, let server = rack.servers[id],
      host.locations[id, default: [:]].values.contains(where: { $0.mtu != mtu })
    else { return }
    outcome.acts = [.refit(id)]
    outcome.events = [
      Event(
        id: EventID(entropy.identifier()), type: "device.mtu", body: "\(server.hostname) has MTU \(mtu)",
        createdAt: entropy.now, project: server.project, server: id)
    ]
  }
}
