import Cabling
import Ports
package import Rack
import Switching

/// Where NICs are, in words and for the database.
extension NICs {
  /// Where the NIC is now, asked of its TAP; `nil`: it is gone.
  package func look(_ nic: PortName, of server: Server, slot: Int, madeName: String) throws -> (NICLocation, TAPPlace)?
  {
    guard let place = try plane.place(of: Wires.nic(nic, slot: slot)) else { return nil }
    return (locate(place, of: server, madeName: madeName), place)
  }

  package nonisolated func locate(_ place: TAPPlace, of server: Server, madeName: String) -> NICLocation {
    NICLocation(place, namespace: Self.name(of: place.namespace, likely: server.place.namespace), madeName: madeName)
  }

  /// The name of a namespace: `nil` for the daemon's own, `net:[4026532463]` for one that has none.
  package nonisolated static func name(of space: NamespaceIdentity, likely: String?) -> String? {
    if let own, own.isSame(as: space) { return nil }
    if let likely, NetworkNamespaces.file(of: likely)?.isSame(as: space) == true { return likely }
    return NetworkNamespaces.list().first { NetworkNamespaces.file(of: $0)?.isSame(as: space) == true } ?? "\(space)"
  }

  /// The daemon's own namespace, and the run of the machine: neither changes.
  package static let own = try? NetworkNamespaces.identity(of: nil)
  package static let boot = bootIdentity()

  /// Makes a NIC that is lost again, in `space` or in the server's own namespace. What is at the place that the
  /// database has is taken instead, if it is there: it was busy for a moment.
  package func makeAgain(
    _ nic: PortName, of server: Server, slot: Int, in space: NamespaceHandle?, mtu: Int?, record: NICLedger.Place?
  ) async throws -> NICLocation {
    if space == nil { _ = try ensureNamespace(of: server) }
    let space = try space ?? NetworkNamespaces.handle(of: server.place.namespace)
    let index = Wires.nic(nic, slot: slot)
    if let record, record.space.isSame(as: space.identity), !plane.isAttached(index),
      let link = try space.links().first(where: { $0.index == record.index }), link.isTAP, link.isPersistent,
      link.name == record.name || marks.owned(link.alias) == .nic(server.id, nic)
    {
      let tap = try TAP.open(link.name, in: space, carrier: server.hasCarrier(nic))
      if let seen = try tap.whereabouts(), seen.index == record.index {
        try await plane.attach(tap, as: index, mtu: seen.mtu, carrier: server.hasCarrier(nic))
        return locate(seen, of: server, madeName: record.name)
      }
    }
    let name = try freeName(nic, of: server, in: space)
    return try await make(nic, called: name, of: server, slot: slot, in: space, mtu: mtu)
  }

  /// Moves a NIC to `space` under its name.
  package func putBack(
    _ nic: PortName, of server: Server, at location: NICLocation, slot: Int, to space: NamespaceHandle
  )
    throws
  {
    let index = Wires.nic(nic, slot: slot)
    guard try plane.move(index, to: space, name: location.madeName) else {
      throw Unavailable(message: "\(place(location.device, location.namespace)) is gone")
    }
  }

  /// Sets the NIC's mark.
  package func mark(_ nic: PortName, of server: Server, slot: Int) throws {
    _ = try plane.configure(Wires.nic(nic, slot: slot), alias: marks.mark(server.id, nic))
  }

  /// A namespace whose name is gone gets it again, or is made anew where none of its NICs is left. Returns which it is.
  package func restoreNamespace(_ name: String, of server: Server, slot: Int, home: NamespaceIdentity?, owned: Bool)
    throws
    -> (home: NamespaceIdentity, isNew: Bool)
  {
    // What is there now is a file without a namespace.
    if NetworkNamespaces.exists(name) { try NetworkNamespaces.remove(name) }
    let handles = PortName.nics.compactMap { plane.home(of: Wires.nic($0, slot: slot)) }
    let mark = owned ? marks.namespaceMark : ""
    if let home, let old = handles.first(where: { $0.identity.isSame(as: home) }) {
      try old.bind(to: name, mark: mark)
      return (home, false)
    }
    try NetworkNamespaces.create(name, alias: mark)
    return (try NetworkNamespaces.identity(of: name), true)
  }
}

extension NICLocation {
  /// For the database; `nil` of one that nobody has looked at.
  package var record: NICPlace? {
    space.map {
      NICPlace(
        boot: NICs.boot, device: $0.device, inode: $0.inode, cookie: $0.cookie, index: index, name: device,
        madeName: madeName)
    }
  }
}

extension NICPlace {
  /// `nil`: of another run of the machine.
  package var thisRun: NICLedger.Place? {
    guard boot == NICs.boot else { return nil }
    return NICLedger.Place(
      space: NamespaceIdentity(device: device, inode: inode, cookie: cookie), index: index, name: name)
  }
}
