import Dataplane
import FoundationEssentials
import Glibc
import Logging
import Ports
import Rack
import Switching

/// Makes and removes servers' interfaces and namespaces, and hands them to the forwarding plane.
///
/// Touches only what carries this rack's mark. An interface that exists and does not is an error, never taken over.
///
/// ## Threads
/// An actor on a thread of its own, since these system calls block; removing an interface takes the kernel tens of
/// milliseconds. `Control` calls it for one command at a time.
actor NICs {
  private let executor = BlockingExecutor(label: "toprack.nics")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  let marks: OwnershipMarks
  let dataplane: Dataplane
  let logger: Logger

  /// False: the state may be older than what is on the host, so nothing that it does not know is taken away.
  let removesStrays: Bool

  init(rack: UUID, dataplane: Dataplane, logger: Logger, removesStrays: Bool = true) {
    marks = OwnershipMarks(rack: rack)
    self.removesStrays = removesStrays
    self.dataplane = dataplane
    self.logger = logger
  }

  static func index(_ nic: PortName, slot: Int) -> NICIndex { NICIndex(2 * slot + (nic == .eth1 ? 1 : 0)) }
  static func name(of nic: NICIndex) -> PortName { nic.value % 2 == 0 ? .eth0 : .eth1 }

  /// Makes both NICs of a new server, and its namespace if there is none. When it throws, nothing is left.
  func make(_ server: Server, slot: Int) async throws -> [PortName: NICLocation] {
    var madeNamespace = false
    var locations: [PortName: NICLocation] = [:]
    do {
      madeNamespace = try ensureNamespace(of: server)
      for nic in PortName.nics {
        locations[nic] = try await make(nic, called: try freeName(nic, of: server), of: server, slot: slot)
      }
      return locations
    } catch {
      await detach(locations, slot: slot)
      if madeNamespace, let namespace = server.place.namespace { removeNamespace(namespace) }
      throw Unavailable(message: "\(error)")
    }
  }

  /// Makes one NIC. The caller has looked that the name is free.
  func make(_ nic: PortName, called name: NICName, of server: Server, slot: Int) async throws -> NICLocation {
    let namespace = server.place.namespace
    let tap = try TAP.open(name.device, in: namespace, carrier: server.isPoweredOn)
    try Links.configure(
      name.device, in: namespace, mac: server[nic].mac, mtu: server.mtu, queueLength: TAP.queueLength,
      alias: marks.mark(server.id, nic), alternativeName: name.alternative)
    try tap.setPersistent(true)  // only now that it is marked
    do {
      try await dataplane.attach(tap, as: Self.index(nic, slot: slot), carrier: server.isPoweredOn)
    } catch {
      try? TAP.open(name.device, in: namespace).remove()
      throw error
    }
    return NICLocation(device: name.device, alternative: name.alternative, namespace: namespace)
  }

  /// Removes a server's NICs, wherever they are now, and its namespace if this rack made it.
  func remove(_ server: Server, _ locations: [PortName: NICLocation], slot: Int) async {
    await detach(locations, slot: slot)
    if let namespace = server.place.namespace { removeNamespace(namespace) }
  }

  /// Both at once: the kernel waits for itself while an interface goes.
  private func detach(_ locations: [PortName: NICLocation], slot: Int) async {
    await withTaskGroup(of: Void.self) { group in
      for nic in locations.keys {
        group.addTask { await self.dataplane.detach(Self.index(nic, slot: slot), removing: true) }
      }
    }
  }

  /// Sets the MTU of all or, when one refuses, puts back what was.
  func setMTU(_ mtu: Int, of locations: [PortName: NICLocation], before: Int) throws(Unavailable) {
    do {
      for location in locations.values { try Links.configure(location.device, in: location.namespace, mtu: mtu) }
    } catch {
      for location in locations.values { try? Links.configure(location.device, in: location.namespace, mtu: before) }
      throw Unavailable(message: "\(error)")
    }
  }

  /// Plugs or pulls the cables of both NICs.
  func setCarrier(_ isOn: Bool, slot: Int) {
    for nic in PortName.nics { dataplane.setCarrier(Self.index(nic, slot: slot), isOn) }
  }

  // MARK: Namespaces

  /// Makes the server's namespace unless it exists. True: it was made, and carries our mark.
  func ensureNamespace(of server: Server) throws(PortsFault) -> Bool {
    guard let name = server.place.namespace, !NetworkNamespaces.exists(name) else { return false }
    try NetworkNamespaces.create(name, alias: marks.namespaceMark)
    return true
  }

  /// Removes the namespace of that name if it carries our mark. One that somebody removed or made anew is left alone.
  func removeNamespace(_ name: String) {
    guard NetworkNamespaces.exists(name) else { return }
    do {
      guard try Links.list(in: name).contains(where: { marks.owned($0.alias) == .namespace }) else { return }
      try NetworkNamespaces.remove(name)
    } catch {
      logger.warning("network namespace not removed", metadata: ["namespace": "\(name)", "error": "\(error)"])
    }
  }

  /// The NIC's name. On the host, where another server may have been called so, one that is the NIC's alone; throws for an interface
  /// that is not ours.
  func freeName(_ nic: PortName, of server: Server) throws -> NICName {
    let name = NICName(nic, of: server)
    let namespace = server.place.namespace
    for text in [name.device, name.alternative].compactMap({ $0 }) {
      // Alternative names count too. Asked first, because a host can have thousands of interfaces.
      if namespace == nil, if_nametoindex(text) == 0 { continue }
      let holder = try Links.list(in: namespace).first { $0.name == text || $0.alternativeName == text }
      guard let holder else { continue }
      guard namespace == nil, case .nic = marks.owned(holder.alias) else { throw Self.foreign(text, namespace) }
      return NICName(unlikeOthers: nic, of: server)
    }
    return name
  }

  static func foreign(_ device: String, _ namespace: String?) -> Unavailable {
    Unavailable(
      message:
        "\(place(device, namespace)) exists already and is not Toprack's: remove or rename it, or choose another "
        + (namespace == nil ? "hostname" : "namespace"))
  }
}
