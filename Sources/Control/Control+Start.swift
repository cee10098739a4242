import Cabling
public import Dataplane
import FoundationEssentials
import Gateway
import Host
public import Logging
import Net
public import Rack
public import Store
public import Switching
import Wire

/// What the start found and did.
struct StartReport: Sendable {
  let version: String
  let at: Date
  /// The same on the clock that never goes back.
  let instant = ContinuousClock.now
  var adopted = 0, made = 0, removed = 0
  /// Sentences about what belongs to no server.
  var problems: [String] = []
}

extension Control {
  /// Enough NICs, ports and domains for a full rack; for `Dataplane.Configuration.limits`.
  public static var switchLimits: Switch.Limits {
    var limits = Switch.Limits()
    limits.nics = max(limits.nics, 2 * Rack.serverLimit + Wires.ownLimit)
    limits.ports = max(limits.ports, 3 * Rack.serverLimit + 1 + Wires.ownLimit)
    return limits
  }

  /// Loads the rack, brings the machine's interfaces in line with it, and sets the forwarding plane to work.
  ///
  /// - Parameters:
  ///   - dataplane: one that runs and has nothing attached.
  ///   - limits: those that the forwarding plane was made with.
  ///   - newRackLACPFast: the LACP rate of a rack that has no state yet.
  ///   - plan: the ranges that addresses come from.
  ///   - hybridBonded: whether VLANs can be attached to bond0 in layer 3; `nil`: where the facility has that.
  ///   - quotas: what one project can have.
  ///   - gateway: the way out of the rack; without, there is none, and no metadata service.
  ///   - sosHost: where the API says that consoles are.
  ///   - awaitsSystems: whether servers are being installed until their operating systems are heard.
  ///   - version: what `status` says.
  /// - Throws: `StoreFault` when there is no usable state, `UplinkRefusal` when the host has something in the way.
  ///   Servers' interfaces that cannot be had are no error: `status` names them, and the rest works.
  public static func start(
    store: Store, dataplane: Dataplane, limits: Switch.Limits = Switch.Limits(), newRackLACPFast: Bool = false,
    plan: AddressPlan = AddressPlan(), hybridBonded: Bool? = nil, quotas: Quotas = Quotas(),
    gateway settings: GatewaySettings = .closed, sosHost: SOSHost = SOSHost(),
    awaitsSystems: Bool = false, version: String, logger: Logger
  ) async throws -> Control {
    let rack = try await store.load(
      newRackLACPFast: newRackLACPFast, plan: plan, hybridBonded: hybridBonded, quotas: quotas)
    var wires = Wires(limits)
    for network in rack.networks.values { try wires.openDomain(for: network.id) }
    // In the order in which they came, so that a lack of ports meets the youngest.
    let servers = rack.servers.values.sorted { ($0.createdAt, $0.hostname) < ($1.createdAt, $1.hostname) }
    var wanted: [(server: Server, slot: Int)] = []
    for server in servers { wanted.append((server, try wires.openSlot(for: server.id))) }

    // Before anything else of the host is touched: it may refuse.
    let gateway = try await GatewayStart.open(
      settings, rack: rack, addresses: plan, wires: wires, dataplane: dataplane, logger: logger)
    let nics = NICs(
      rack: rack.id, plane: dataplane, logger: logger, removesStrays: store.readOnlyReason == nil)
    let places = try await store.nicPlaces()
    let found = await nics.reconcile(wanted, places: places)
    var host = HostState()
    host.locations = found.locations
    for problem in found.problems.map(\.text) + found.others { logger.warning("\(problem)") }
    // A full disk is no reason to forward nothing.
    do { try await store.commit([], places: found.changes(to: places)) } catch {
      logger.error("places of NICs not written", metadata: ["error": "\(error)"])
    }

    let change = WireChange(from: WireImage(), to: WireImage(of: rack, gateway.plan))
    await dataplane.follow(change, wires, host, rack.id, beside: (gateway.change, gateway.routing))

    let report = StartReport(
      version: version, at: SystemEntropy().now, adopted: found.adopted, made: found.made, removed: found.removed,
      problems: found.others + gateway.problems)
    logger.info(
      "started",
      metadata: [
        "rack": "\(rack.id.uuidString.lowercased())", "servers": "\(servers.count)",
        "networks": "\(rack.networks.count)", "adopted": "\(found.adopted)", "made": "\(found.made)",
        "removed": "\(found.removed)", "strays": "\(found.strays.count)",
      ])
    let control = Control(
      rack: rack, store: store, dataplane: dataplane, nics: nics, wires: wires, gateway: gateway.running(),
      sosHost: sosHost, awaitsSystems: awaitsSystems, start: report, logger: logger)
    await control.begin(found, places)
    await control.followMirrors(of: rack)
    await control.sweep(found.strays)
    await control.watchGuard()
    await control.awaitAll()
    return control
  }
}

extension Control {
  /// Removes what a daemon before us has left behind, one after another, while the rack is at work.
  fileprivate func sweep(_ strays: [NICs.Stray]) {
    guard !strays.isEmpty else { return }
    let deadline = ContinuousClock.now + NICs.patience
    begin { [weak self, nics] in
      for stray in strays {
        guard await self?.isStopping == false else { return }
        await self?.noteStray(await nics.remove(stray, until: deadline))
      }
    }
  }

  /// `fault`: why a stray is still there.
  private func noteStray(_ fault: String?) {
    guard let fault else {
      start.removed += 1
      return
    }
    start.problems.append(fault)
    logger.warning("\(fault)")
  }

  /// Takes over what the start has found, and watches it from now on.
  fileprivate func begin(_ found: NICs.Reconciliation, _ places: [ServerID: [PortName: NICPlace]]) {
    (host.locations, host.homes, host.ownNamespaces) = (found.locations, found.homes, found.ownNamespaces)
    for (id, locations) in host.locations {
      guard let server = rack.servers[id] else { continue }
      for nic in locations.keys { judge(NICKey(id, nic), server) }
    }
    for problem in found.problems {
      problems.raise(problem)
      guard problem.kind == "nic-lost", let server = problem.server, let nic = problem.port else { continue }
      let key = NICKey(server, nic)
      host.lost[key] = HostState.Loss(last: nil, reason: problem.text, record: places[server]?[nic])
      healSoon(key, in: HealingPace.shortest)
    }
    startWatching()
  }
}

extension NICs.Reconciliation {
  /// The places that differ from what the database has.
  fileprivate func changes(to places: [ServerID: [PortName: NICPlace]]) -> [NICPlaceChange] {
    locations.flatMap { server, nics in
      nics.compactMap { nic, location in
        guard let record = location.record, record != places[server]?[nic] else { return nil }
        return NICPlaceChange(server: server, nic: nic, place: record)
      }
    }
  }
}
