import Cabling
import Logging
import Ports
package import Rack

/// Names inside a namespace that somebody has chosen: giving NICs others, and saying which are free.
extension NICs {
  /// Calls a server's interfaces as `Server.nicNames` says, where they are not called so yet; both at once, so that
  /// they can take each other's. When it throws, they are called as before.
  ///
  /// - Parameters:
  ///   - before: where they are. Both have to be in `home`, the server's namespace.
  /// - Throws: `Refusal` for a name that something else has, and `Unavailable` when the kernel does not let it be done;
  ///   before Linux 6.2 it renames nothing that is up.
  package func rename(
    _ server: Server, _ before: [PortName: NICLocation], slot: Int, home: NamespaceIdentity?
  ) throws -> [PortName: NICLocation] {
    let wanted = PortName.nics.filter { before[$0]?.device != server.nicNames[$0] }
    guard !wanted.isEmpty else { return before }
    let repair = "'toprack server repair \(server.hostname)' first"
    for nic in PortName.nics {
      guard let location = before[nic] else {
        throw Unavailable(message: "\(nic.rawValue) of \(server.hostname) is lost: \(repair)")
      }
      guard NICCondition.isHome(location, home) else {
        throw Refusal.invalid(
          "\(nic.rawValue) of \(server.hostname) is not \(NICCondition.words(server.place.namespace)) but "
            + "\(NICCondition.words(location.namespace)): \(repair)")
      }
    }
    let space = try NetworkNamespaces.handle(of: server.place.namespace)
    let own = Set(before.values.map(\.index))
    for nic in wanted {
      guard let holder = try Links.find(server.nicNames[nic], in: space), !own.contains(holder.index) else { continue }
      throw try taken(server.nicNames[nic], by: holder, in: space, of: server)
    }
    var names: [PortName: String] = before.mapValues(\.device)
    func call(_ nic: PortName, _ name: String) throws {
      guard try plane.move(Wires.nic(nic, slot: slot), to: space, name: name) else {
        throw Unavailable(message: "\(nic.rawValue) of \(server.hostname) is gone: \(repair)")
      }
      names[nic] = name
    }
    do {
      // One that is called as the other is to be makes room.
      for nic in wanted where wanted.contains(where: { $0 != nic && server.nicNames[$0] == names[nic] }) {
        try call(nic, NICName(unlikeOthers: nic, of: server).device)
      }
      for nic in wanted { try call(nic, server.nicNames[nic]) }
      var after = before
      for nic in PortName.nics {
        after[nic] = try look(nic, of: server, slot: slot, madeName: server.nicNames[nic])?.0
      }
      return after
    } catch {
      for nic in wanted where names[nic] != before[nic]!.device {
        _ = try? plane.move(
          Wires.nic(nic, slot: slot), to: space, name: NICName(unlikeOthers: nic, of: server).device)
      }
      for nic in wanted where names[nic] != before[nic]!.device {
        _ = try? plane.move(Wires.nic(nic, slot: slot), to: space, name: before[nic]!.device)
      }
      throw Unavailable.orRefusal(error)
    }
  }

  /// Calls a server's interfaces as they are called where nothing is in the way; another server had the names when they
  /// were made, and has gone. One that cannot be renamed keeps the name that it has.
  package func takeNames(
    _ server: Server, _ locations: [PortName: NICLocation], slot: Int
  ) -> [PortName: NICLocation] {
    var after = locations
    do {
      let space = try NetworkNamespaces.handle(of: server.place.namespace)
      for (nic, location) in locations {
        let name = NICName(nic, of: server)
        guard location.device != name.device else { continue }
        _ = try plane.move(Wires.nic(nic, slot: slot), to: space, name: name.device)
        try setAlternative(name, in: space, named: server.place.namespace)
        after[nic] = try look(nic, of: server, slot: slot, madeName: name.device)?.0 ?? location
      }
    } catch {
      logger.warning("interfaces not renamed", metadata: ["server": "\(server.hostname)", "error": "\(error)"])
    }
    return after
  }

  /// The refusal of a name that `holder` has, which is no NIC of `server`. It names two that are free.
  func taken(_ device: String, by holder: Link, in space: NamespaceHandle, of server: Server) throws -> Refusal {
    let isMarked = holder.alias?.hasPrefix("toprack ") == true && marks.owned(holder.alias) == nil
    // Those of the server itself go, or are renamed.
    let own = PortName.nics.map { marks.mark(server.id, $0) }
    let others = try space.links().filter { link in !own.contains { $0 == link.alias } }
    let names = Set(others.flatMap { [$0.name, $0.alternativeName ?? ""] })
    // There is always one more number than there are names.
    let free = (0...names.count + 1).map { "eth\($0)" }.filter { !names.contains($0) }.prefix(2)
    return .invalid(
      "\(place(device, server.place.namespace)) exists already and is "
        + "\(isMarked ? "another rack's" : "not Toprack's"): name the NICs otherwise, as with "
        + "--nics \(free.joined(separator: ",")), remove or rename it, or choose another namespace")
  }
}
