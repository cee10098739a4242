import Cabling
import Glibc
import Ports
package import Rack
import Switching

/// The start: what the database wants against what the machine has.
///
/// Every namespace is listed once, and `NICLedger` says which interface is which NIC. Those are adopted where they are,
/// under the name that they have: somebody may have moved or renamed them. What is missing is made. A NIC that cannot
/// be had is a problem of its server; the rest goes on. An adopted one keeps its MTU, which is its own system's.
///
/// Nothing is forwarded meanwhile, so nobody inside a server may make this last: strays, of which root there can make
/// as many as he likes, are removed when the rack is at work (`Reconciliation.strays`). Only those are removed at once
/// that have the name of a NIC that is to be made.
///
/// The daemon before us may have ended a moment ago: interfaces that are busy are tried again, all of them in turn,
/// until `patience` is over. Once some are free, the others have `restPatience`: whoever is inside can hold one for
/// ever.
extension NICs {
  package static let patience = Duration.seconds(3)
  private static let restPatience = Duration.seconds(1)
  /// In one namespace. A daemon that was killed leaves fewer; more are somebody's who wants to be in the way.
  private static let strayLimit = 256

  package struct Reconciliation: Sendable {
    package var locations: [ServerID: [PortName: NICLocation]] = [:]
    /// Each server's own namespace; none where it is gone.
    package var homes: [ServerID: NamespaceIdentity] = [:]
    /// Servers whose namespace we have made.
    package var ownNamespaces: Set<ServerID> = []
    package var adopted = 0, made = 0, removed = 0
    package var problems: [Problem] = []
    /// Sentences about what belongs to no server.
    package var others: [String] = []
    /// To be removed, at leisure.
    package var strays: [Stray] = []
  }

  /// An interface of ours that nobody wants.
  package struct Stray: Sendable {
    package let found: NICLedger.Found
    package let space: NamespaceHandle
  }

  /// The machine's interfaces at one moment.
  private struct Inventory {
    var found: [NICLedger.Found] = []
    var spaces: [NamespaceIdentity: NamespaceHandle] = [:]
    var ourNamespaces: Set<String> = []
    /// Uplinks of ours that somebody moved away from the host; those on the host are the business of `Uplinks`.
    var strayUplinks: [NICLedger.Found] = []
    var faults: [String: String] = [:]
  }

  package func reconcile(
    _ wanted: [(server: Server, slot: Int)], places: [ServerID: [PortName: NICPlace]]
  ) async -> Reconciliation {
    var result = Reconciliation()
    let questions = wanted.flatMap { server, _ in
      PortName.nics.map { nic in
        NICLedger.Wanted(
          key: NICKey(server.id, nic), namespace: server.place.namespace, place: places[server.id]?[nic]?.thisRun)
      }
    }
    let inventory = takeInventory(
      named: Set(wanted.compactMap { $0.server.place.namespace }), also: questions.compactMap { $0.place?.space },
      &result)
    let ledger = NICLedger(questions, inventory.found)
    say(ledger, wanted.map(\.server), &result)

    // Adopted first: then nothing that is removed afterwards, by its name, can be one of them.
    await adoptAll(ledger, inventory, wanted, places, &result)
    let strays = ledger.strays + inventory.strayUplinks.filter { !ledger.verdicts.values.contains(.adopt($0)) }
    result.strays = few(strays.map { Stray(found: $0, space: inventory.spaces[$0.space]!) }, &result)
    let names = Set(
      wanted.flatMap { server, _ in
        PortName.nics.filter { ledger.verdicts[NICKey(server.id, $0)] == .missing }
          .map { place(NICName($0, of: server).device, server.place.namespace) }
      })
    let inTheWay = result.strays.filter { names.contains(place($0.found.name, $0.found.namespace)) }
    result.strays.removeAll { names.contains(place($0.found.name, $0.found.namespace)) }
    for stray in inTheWay {
      if await remove(stray, until: .now) == nil { result.removed += 1 } else { result.strays.append(stray) }
    }
    let wantedNamespaces = Set(wanted.compactMap { $0.server.place.namespace })
    if removesStrays {
      for namespace in inventory.ourNamespaces.subtracting(wantedNamespaces) { removeNamespace(namespace, nil) }
    }

    for (server, slot) in wanted {
      for nic in PortName.nics where ledger.verdicts[NICKey(server.id, nic)] == .missing {
        do {
          if let namespace = server.place.namespace, let fault = inventory.faults[namespace] {
            throw Unavailable(message: fault)
          }
          if try ensureNamespace(of: server) { result.ownNamespaces.insert(server.id) }
          let name = try freeName(nic, of: server)
          result.locations[server.id, default: [:]][nic] = try await make(nic, called: name, of: server, slot: slot)
          result.made += 1
        } catch {
          result.problems.append(Self.lost(nic, of: server, error))
        }
      }
      result.homes[server.id] = try? NetworkNamespaces.identity(of: server.place.namespace)
      if case .namespace(let namespace, made: true) = server.place,
        inventory.ourNamespaces.contains(namespace) || Self.isPlace(result.homes[server.id], of: places[server.id])
      {
        result.ownNamespaces.insert(server.id)
      }
    }
    return result
  }

  /// Whether the database has a NIC of a server in `home`. The mark on `lo` is root's inside to write, or to take away.
  private static func isPlace(_ home: NamespaceIdentity?, of places: [PortName: NICPlace]?) -> Bool {
    guard let home, let places else { return false }
    return places.values.contains { $0.thisRun?.space.isSame(as: home) == true }
  }

  /// A NIC that cannot be had, and why.
  package static func lost(_ nic: PortName, of server: Server, _ error: any Error) -> Problem {
    Problem(
      kind: "nic-lost", server: server.id, port: nic,
      text: "\(nic.rawValue) of \(server.hostname) is lost: \(error); then 'toprack server repair \(server.hostname)' "
        + "makes it again")
  }

  /// The places of what is in doubt are named to those alone who see all of the rack: they can be another project's.
  private func say(_ ledger: NICLedger, _ servers: [Server], _ result: inout Reconciliation) {
    func list(_ interfaces: [NICLedger.Found]) -> String {
      let names = interfaces.map { place($0.name, $0.namespace) }.sorted()
      let more = names.count > 8 ? ["\(names.count - 8) more"] : []
      return (names.prefix(8) + more).joined(separator: " and ")
    }
    for server in servers {
      for nic in PortName.nics {
        let key = NICKey(server.id, nic)
        let name = "\(nic.rawValue) of \(server.hostname)"
        if case .contested(let claimants) = ledger.verdicts[key] {
          result.problems.append(
            Problem(
              kind: "nic-claimed", server: server.id, port: nic,
              text:
                "\(name) is not where it was, and \(claimants.count) interfaces have its alias: none of them is used; "
                + "'toprack server repair \(server.hostname)' makes it anew and leaves them alone"))
          result.others.append(
            "\(list(claimants)) have the alias of \(name), which is not where it was: take it away from those that are not it "
              + "(ip link set NAME alias '') and restart toprackd, or 'toprack server repair \(server.hostname)'")
        }
        if let pretenders = ledger.pretenders[key] {
          result.others.append(
            "\(list(pretenders)) \(pretenders.count == 1 ? "has" : "have") the alias of \(name), and is not that NIC: "
              + "nothing was done to it; 'ip link set NAME alias TEXT' in its namespace gives it another")
        }
      }
    }
  }

  /// Whether those that are busy are left, when the last of `adopted` came so long ago, or none has since the start.
  package static func givesUp(after time: Duration, adopted: Int) -> Bool {
    time > (adopted == 0 ? patience : restPatience)
  }

  /// Takes all that can be had at once, and then again and again those that were busy.
  private func adoptAll(
    _ ledger: NICLedger, _ inventory: Inventory, _ wanted: [(server: Server, slot: Int)],
    _ places: [ServerID: [PortName: NICPlace]], _ result: inout Reconciliation
  ) async {
    var left = wanted.flatMap { server, slot in PortName.nics.map { (server: server, slot: slot, nic: $0) } }
    var lastSuccess = ContinuousClock.now
    while !left.isEmpty {
      var busy: [(server: Server, slot: Int, nic: PortName, error: any Error)] = []
      for (server, slot, nic) in left {
        guard case .adopt(let found) = ledger.verdicts[NICKey(server.id, nic)] else { continue }
        do {
          let madeName = places[server.id]?[nic]?.madeName ?? NICName(nic, of: server).device
          let location = try await adopt(found, in: inventory, as: nic, of: server, slot, madeName)
          result.locations[server.id, default: [:]][nic] = location
          result.adopted += 1
          lastSuccess = .now
        } catch {
          if (error as? PortsFault)?.errno == EBUSY {
            busy.append((server, slot, nic, error))
          } else {
            result.problems.append(Self.lost(nic, of: server, error))
          }
        }
      }
      if Self.givesUp(after: ContinuousClock.now - lastSuccess, adopted: result.adopted) {
        for (server, _, nic, error) in busy { result.problems.append(Self.lost(nic, of: server, error)) }
        return
      }
      left = busy.map { ($0.server, $0.slot, $0.nic) }
      if !left.isEmpty { try? await Task.sleep(for: .milliseconds(10)) }
    }
  }

  /// `strays`, but for those of namespaces where there are too many.
  private func few(_ strays: [Stray], _ result: inout Reconciliation) -> [Stray] {
    var few: [Stray] = []
    for group in Dictionary(grouping: strays, by: \.found.space).values {
      if group.count <= Self.strayLimit {
        few += group
      } else {
        result.others.append(
          "\(group.count) interfaces \(NICCondition.words(group[0].found.namespace)) have aliases of servers that do "
            + "not exist: no daemon leaves more than \(Self.strayLimit), so none of them was touched; remove them there"
        )
      }
    }
    return few
  }

  private func adopt(
    _ found: NICLedger.Found, in inventory: Inventory, as nic: PortName, of server: Server, _ slot: Int,
    _ madeName: String
  ) async throws -> NICLocation {
    let tap = try await TAP.open(
      found.name, in: inventory.spaces[found.space]!, named: found.namespace, carrier: server.hasCarrier(nic),
      until: .now)
    guard let seen = try tap.whereabouts(), seen.index == found.index else {
      throw Unavailable(message: "\(place(found.name, found.namespace)) was another one a moment later")
    }
    // Somebody may have taken it away (netplan does); what somebody has written is left.
    var location = locate(seen, of: server, madeName: madeName)
    if location.alias == nil {
      try tap.configure(alias: marks.mark(server.id, nic))
      location.alias = marks.mark(server.id, nic)
    }
    try await plane.attach(
      tap, as: Wires.nic(nic, slot: slot), mtu: seen.mtu, carrier: server.hasCarrier(nic))
    return location
  }

  /// `named`: the namespaces of servers. A namespace with several names is listed once, by a server's name if it has
  /// one.
  private func takeInventory(
    named wanted: Set<String>, also places: [NamespaceIdentity], _ result: inout Reconciliation
  ) -> Inventory {
    var inventory = Inventory()
    let names = NetworkNamespaces.list().sorted { a, b in
      (wanted.contains(a) ? 0 : 1, a) < (wanted.contains(b) ? 0 : 1, b)
    }
    for namespace in [nil] + names.map(Optional.some) {
      if let namespace, let mark = NetworkNamespaces.abandonedMark(of: namespace), marks.owned(mark) == .namespace {
        // A daemon was killed while it made or removed this one.
        try? NetworkNamespaces.remove(namespace)
        continue
      }
      do {
        let handle = try NetworkNamespaces.handle(of: namespace)
        guard inventory.spaces[handle.identity] == nil else { continue }
        try list(handle, namespace, isNameless: false, into: &inventory)
      } catch {
        // Other programs leave dead names there; it is a problem only for a server that wants this one.
        if let namespace { inventory.faults[namespace] = "\(error)" } else { result.others.append("\(error)") }
      }
    }
    // A NIC may have been moved to the namespace of a process, a container's, that has no name.
    let nameless = Set(places).filter { place in !inventory.spaces.keys.contains { $0.isSame(as: place) } }
    for handle in NetworkNamespaces.handles(ofProcessesIn: nameless) {
      try? list(handle, "\(handle.identity)", isNameless: true, into: &inventory)
    }
    return inventory
  }

  private func list(
    _ space: NamespaceHandle, _ namespace: String?, isNameless: Bool, into inventory: inout Inventory
  ) throws {
    let links = try space.links()
    inventory.spaces[space.identity] = space
    for link in links {
      let mark = marks.owned(link.alias)
      let found = NICLedger.Found(
        space: space.identity, namespace: namespace, isNameless: isNameless, index: link.index, name: link.name,
        isPersistentTAP: link.isTAP && link.isPersistent, mark: mark)
      inventory.found.append(found)
      if mark == .namespace, link.name == "lo", let namespace { inventory.ourNamespaces.insert(namespace) }
      if mark == .uplink, namespace != nil, found.isPersistentTAP { inventory.strayUplinks.append(found) }
    }
  }

  /// Removes an interface of ours that nobody wants. Returns why it is still there; `nil`: it is gone.
  package func remove(_ stray: Stray, until deadline: ContinuousClock.Instant) async -> String? {
    let found = stray.found
    guard removesStrays else {
      return "\(place(found.name, found.namespace)) is not in the state that is at work, and left"
    }
    do {
      let tap = try await TAP.open(found.name, in: stray.space, named: found.namespace, until: deadline)
      // Between the look and now another may have got the name. One that was made by opening it goes by itself.
      if let seen = try tap.whereabouts(), seen.index == found.index, marks.owned(seen.alias) == found.mark {
        try tap.remove()
      }
      return nil
    } catch {
      return "left behind: \(error)"
    }
  }
}
