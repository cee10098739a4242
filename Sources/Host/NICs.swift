import Cabling
package import FoundationEssentials
import Glibc
package import Logging
package import Ports
package import Rack
import Switching

/// Makes and removes servers' interfaces and namespaces, and hands them to the forwarding plane.
///
/// Touches only what carries this rack's mark. An interface that exists and does not is an error, never taken over.
///
/// ## Threads
/// An actor on a thread of its own, since these system calls block; removing an interface takes the kernel tens of
/// milliseconds. `Control` calls it for one command at a time.
package actor NICs {
  private let executor = BlockingExecutor(label: "toprack.nics")
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  package nonisolated let marks: OwnershipMarks
  package let plane: any NICPlane
  package let logger: Logger

  /// False: the state may be older than what is on the host, so nothing that it does not know is taken away.
  package let removesStrays: Bool

  package init(rack: UUID, plane: any NICPlane, logger: Logger, removesStrays: Bool = true) {
    marks = OwnershipMarks(rack: rack)
    self.removesStrays = removesStrays
    self.plane = plane
    self.logger = logger
  }

  /// What has been made for a server.
  package struct Made: Sendable {
    package var locations: [PortName: NICLocation] = [:]
    /// The server's own namespace, or the host's.
    package var home: NamespaceIdentity
    package var madeNamespace = false
  }

  /// Makes both NICs of a new server, and its namespace if there is none. When it throws, nothing is left. A name that
  /// somebody else has is a `Refusal`, everything else `Unavailable`.
  ///
  /// - Parameter former: a server that goes in the same change and has the namespace until then. The new one's NICs
  ///   stand beside its until `takeNames`.
  package func make(_ server: Server, slot: Int, insteadOf former: Server? = nil) async throws -> Made {
    var madeNamespace = false
    var locations: [PortName: NICLocation] = [:]
    do {
      madeNamespace = try ensureNamespace(of: server)
      // Between the look and now somebody has made one of that name: it is not the server's.
      if case .namespace(let name, made: true) = server.place, !madeNamespace, former == nil {
        throw Refusal.invalid("network namespace \(name) was made by another program meanwhile: choose another name")
      }
      for nic in PortName.nics {
        let name = try former == nil ? freeName(nic, of: server) : NICName(unlikeOthers: nic, of: server)
        locations[nic] = try await make(nic, called: name, of: server, slot: slot)
      }
      let home = try NetworkNamespaces.identity(of: server.place.namespace)
      return Made(locations: locations, home: home, madeNamespace: madeNamespace)
    } catch {
      await detach(locations.keys, slot: slot)
      if madeNamespace, let namespace = server.place.namespace { removeNamespace(namespace, nil) }
      throw Unavailable.orRefusal(error)
    }
  }

  /// Makes one NIC, in `space` or in the server's own namespace, instead of the one that is attached in its place if
  /// there is one. The caller has looked that the name is free. `mtu`: not the server's.
  package func make(
    _ nic: PortName, called name: NICName, of server: Server, slot: Int, in space: NamespaceHandle? = nil,
    mtu: Int? = nil
  ) async throws -> NICLocation {
    let space = try space ?? NetworkNamespaces.handle(of: server.place.namespace)
    let tap = try TAP.open(name.device, in: space, carrier: server.hasCarrier(nic))
    try Links.configure(
      name.device, in: space, mac: server[nic].mac, mtu: mtu ?? server.mtu, queueLength: TAP.queueLength,
      alias: marks.mark(server.id, nic))
    try setAlternative(name, in: space, named: server.place.namespace)
    try tap.setPersistent(true)  // only now that it is marked
    do {
      guard let place = try tap.whereabouts() else { throw Unavailable(message: "\(name.device) went as it was made") }
      let index = Wires.nic(nic, slot: slot)
      if plane.isAttached(index) { await plane.detach(index, removing: true, isolation: #isolation) }
      try await plane.attach(tap, as: index, mtu: place.mtu, carrier: server.hasCarrier(nic))
      return locate(place, of: server, madeName: name.device)
    } catch {
      try? TAP.open(name.device, in: space).remove()
      throw error
    }
  }

  /// Gives an interface its alternative name, unless another server's of that hostname is called so. Throws for an
  /// interface that is not ours.
  ///
  /// The kernel says whether the name is taken. `if_nametoindex` would not: it takes no name of more than 15 bytes.
  func setAlternative(_ name: NICName, in space: NamespaceHandle, named namespace: String?) throws {
    guard let alternative = name.alternative else { return }
    do {
      try Links.configure(name.device, in: space, alternativeName: alternative)
    } catch {
      guard error.errno == EEXIST else { throw error }
      let holder = try Links.list(in: space).first { $0.name == alternative || $0.alternativeName == alternative }
      guard let holder, case .nic = marks.owned(holder.alias) else { throw Self.foreign(alternative, namespace) }
    }
  }

  /// Removes a server's NICs, wherever they are now, and its namespace if this rack made it: then `home` is what its
  /// name has to lead to.
  package func remove(_ server: Server, slot: Int, ownNamespace home: NamespaceIdentity?) async {
    await detach(PortName.nics, slot: slot)
    if let home, let namespace = server.place.namespace { removeNamespace(namespace, home) }
  }

  /// Both at once: the kernel waits for itself while an interface goes.
  private func detach(_ nics: some Sequence<PortName>, slot: Int) async {
    await withTaskGroup(of: Void.self) { group in
      for nic in nics {
        group.addTask { await self.plane.detach(Wires.nic(nic, slot: slot), removing: true, isolation: #isolation) }
      }
    }
  }

  /// Sets the MTU of all or, when one refuses or is gone, puts back what was.
  package func setMTU(_ mtu: Int, of before: [PortName: NICLocation], slot: Int) async throws(Unavailable) {
    var done: [PortName] = []
    do {
      for (nic, location) in before {
        guard try plane.configure(Wires.nic(nic, slot: slot), mtu: mtu) else {
          throw Unavailable(message: "\(place(location.device, location.namespace)) is gone")
        }
        done.append(nic)
      }
    } catch {
      for nic in done { _ = try? plane.configure(Wires.nic(nic, slot: slot), mtu: before[nic]!.mtu) }
      throw Unavailable(message: "\(error)")
    }
    for nic in done { await plane.setMTU(mtu, of: Wires.nic(nic, slot: slot)) }
  }

  package func restoreMTUs(_ mtus: [PortName: Int], slot: Int) async {
    for (nic, mtu) in mtus {
      let index = Wires.nic(nic, slot: slot)
      guard (try? plane.configure(index, mtu: mtu)) == true else { continue }
      await plane.setMTU(mtu, of: index)
    }
  }

  /// Plugs the cables of these NICs, and pulls those of the others.
  package func setCarriers(_ plugged: Set<PortName>, slot: Int) {
    for nic in PortName.nics { plane.setCarrier(Wires.nic(nic, slot: slot), plugged.contains(nic)) }
  }

  // MARK: Namespaces

  /// Makes the server's namespace unless it exists. True: it was made, and carries our mark.
  package func ensureNamespace(of server: Server) throws(PortsFault) -> Bool {
    guard let name = server.place.namespace, !NetworkNamespaces.exists(name) else { return false }
    try NetworkNamespaces.create(name, alias: marks.namespaceMark)
    return true
  }

  /// Removes the namespace of that name if it is still `home`; without, if it carries our mark. One that somebody
  /// removed or made anew is left alone.
  package func removeNamespace(_ name: String, _ home: NamespaceIdentity?) {
    do {
      guard let file = NetworkNamespaces.file(of: name) else { return }
      let isOurs =
        try home?.isSame(as: file) ?? Links.list(in: name).contains { marks.owned($0.alias) == .namespace }
      if isOurs { try NetworkNamespaces.remove(name) }
    } catch {
      logger.warning("network namespace not removed", metadata: ["namespace": "\(name)", "error": "\(error)"])
    }
  }

  /// The NIC's name. On the host, where another server may have been called so, one that is the NIC's alone; throws for
  /// an interface that is not ours.
  package func freeName(_ nic: PortName, of server: Server, in space: NamespaceHandle? = nil) throws -> NICName {
    let name = NICName(nic, of: server)
    let namespace = server.place.namespace
    for text in [name.device, name.alternative].compactMap({ $0 }) {
      // Alternative names count too. Asked first, because a host can have thousands of interfaces.
      if namespace == nil, unsafe if_nametoindex(text) == 0 { continue }
      // Somebody inside can have made thousands.
      let home = try space ?? NetworkNamespaces.handle(of: namespace)
      let holder =
        try text.utf8.count <= Links.nameLimit
        ? Links.find(text, in: home)
        : home.links().first { $0.name == text || $0.alternativeName == text }
      guard let holder else { continue }
      guard namespace == nil else { throw try taken(text, by: holder, in: home, of: server) }
      guard case .nic = marks.owned(holder.alias) else { throw Self.foreign(text, namespace) }
      return NICName(unlikeOthers: nic, of: server)
    }
    return name
  }

  package static func foreign(_ device: String, _ namespace: String?) -> Refusal {
    .invalid(
      "\(place(device, namespace)) exists already and is not Toprack's: remove or rename it, or choose another "
        + (namespace == nil ? "hostname" : "namespace"))
  }
}
