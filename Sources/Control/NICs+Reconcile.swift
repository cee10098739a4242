import Dataplane
import Glibc
import Ports
import Rack
import Switching

/// The start: what the database wants against what the machine has.
///
/// Every namespace is listed once. An interface with our mark whose server wants it is adopted where it is, under the
/// name that it has: somebody may have moved or renamed it. One that nobody wants is removed, then what is missing is
/// made. A NIC that cannot be had is a problem of its server; the rest goes on. An adopted one has the state's MTU afterwards: a
/// daemon may have been killed after it had set another one and before that was committed.
///
/// The daemon before us may have ended a moment ago: an interface that is busy is tried again until `patience` is over.
extension NICs {
  /// For all interfaces together, from the start.
  private static let patience = Duration.seconds(3)

  struct Reconciliation: Sendable {
    var locations: [ServerID: [PortName: NICLocation]] = [:]
    var adopted = 0, made = 0, removed = 0
    /// Sentences, by server; `nil` for what belongs to none.
    var problems: [ServerID?: [String]] = [:]
  }

  /// The machine's interfaces at one moment.
  private struct Inventory {
    var marked: [OwnershipMarks.Owned: [NICLocation]] = [:]
    var mtus: [NICLocation: Int] = [:]
    var ourNamespaces: Set<String> = []
    /// Uplinks of ours that somebody moved away from the host; those on the host are the business of `Uplinks`.
    var strayUplinks: [NICLocation] = []
    var faults: [String: String] = [:]
  }

  func reconcile(_ wanted: [(server: Server, slot: Int)]) async -> Reconciliation {
    var result = Reconciliation()
    let deadline = ContinuousClock.now + Self.patience
    let inventory = takeInventory(&result)
    let byID = Dictionary(uniqueKeysWithValues: wanted.map { ($0.server.id, $0.server) })

    var keep: [OwnershipMarks.Owned: NICLocation] = [:]
    for (owned, locations) in inventory.marked {
      guard case .nic(let id, let nic) = owned else { continue }
      let server = byID[id]
      let home = server.map { (NICName(nic, of: $0).device, $0.place.namespace) }
      let kept = server == nil ? nil : locations.first { ($0.device, $0.namespace) == home! } ?? locations.first
      keep[owned] = kept
      for location in locations where location != kept {
        await remove(location, until: deadline, &result)
      }
    }
    for location in inventory.strayUplinks { await remove(location, until: deadline, &result) }
    let wantedNamespaces = Set(wanted.compactMap { $0.server.place.namespace })
    if removesStrays {
      for namespace in inventory.ourNamespaces.subtracting(wantedNamespaces) { removeNamespace(namespace) }
    }

    for (server, slot) in wanted {
      for nic in PortName.nics {
        do {
          if let location = keep[.nic(server.id, nic)] {
            let carrier = server.isPoweredOn
            let tap = try await TAP.open(
              location.device, in: location.namespace, carrier: carrier, until: deadline)
            if inventory.mtus[location] != server.mtu {
              try Links.configure(location.device, in: location.namespace, mtu: server.mtu)
            }
            try await dataplane.attach(tap, as: Self.index(nic, slot: slot), carrier: carrier)
            result.locations[server.id, default: [:]][nic] = location
            result.adopted += 1
          } else {
            result.locations[server.id, default: [:]][nic] = try await makeMissing(nic, of: server, slot, inventory)
            result.made += 1
          }
        } catch {
          result.problems[server.id, default: []].append("\(nic.rawValue) of \(server.hostname): \(error)")
        }
      }
    }
    return result
  }

  private func takeInventory(_ result: inout Reconciliation) -> Inventory {
    var inventory = Inventory()
    for namespace in [nil] + NetworkNamespaces.list().map(Optional.some) {
      if let namespace, let mark = NetworkNamespaces.abandonedMark(of: namespace), marks.owned(mark) == .namespace {
        // A daemon was killed while it made or removed this one.
        try? NetworkNamespaces.remove(namespace)
        continue
      }
      do {
        for link in try Links.list(in: namespace) {
          switch marks.owned(link.alias) {
          case .nic(let server, let nic):
            let location = NICLocation(device: link.name, alternative: link.alternativeName, namespace: namespace)
            inventory.marked[.nic(server, nic), default: []].append(location)
            inventory.mtus[location] = link.mtu
          case .namespace:
            if let namespace { inventory.ourNamespaces.insert(namespace) }
          case .uplink:
            guard namespace != nil else { break }
            inventory.strayUplinks.append(
              NICLocation(device: link.name, alternative: link.alternativeName, namespace: namespace))
          case nil: break
          }
        }
      } catch {
        // Other programs leave dead names there; it is a problem only for a server that wants this one.
        if let namespace { inventory.faults[namespace] = "\(error)" } else { result.problems[nil] = ["\(error)"] }
      }
    }
    return inventory
  }

  private func makeMissing(
    _ nic: PortName, of server: Server, _ slot: Int, _ inventory: Inventory
  ) async throws -> NICLocation {
    let namespace = server.place.namespace
    if let namespace, let fault = inventory.faults[namespace] { throw Unavailable(message: fault) }
    _ = try ensureNamespace(of: server)
    return try await make(nic, called: try freeName(nic, of: server), of: server, slot: slot)
  }

  /// Removes an interface of ours that nobody wants.
  private func remove(
    _ location: NICLocation, until deadline: ContinuousClock.Instant, _ result: inout Reconciliation
  ) async {
    guard removesStrays else {
      result.problems[nil, default: []].append(
        "\(location.device)\(location.namespace.map { " in network namespace \($0)" } ?? "") is not in the state that is at work, and left"
      )
      return
    }
    do {
      try await TAP.open(location.device, in: location.namespace, until: deadline).remove()
      result.removed += 1
    } catch {
      result.problems[nil, default: []].append("left behind: \(error)")
    }
  }
}
