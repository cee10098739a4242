import Cabling
import Dataplane
import Host
public import Rack
import Switching

/// `toprack server repair`: brings a server's namespace and NICs to where they belong, at somebody's word.
extension Control {
  /// A namespace that has lost its name gets it again; in one that somebody has made anew under the name, the NICs are
  /// made anew. A lost NIC is made again; one that was moved or renamed is put back; an alias is set again. MTU and
  /// addresses are the server's own.
  ///
  /// - Returns: what was done, as sentences.
  /// - Throws: `Refusal` for a server that is whole, and where somebody else has a NIC's name; `Unavailable` when the
  ///   system does not let it be done; what was done before stays.
  public func repair(_ server: ServerID, by requester: Requester? = nil) async throws -> [String] {
    if isStopping { throw Unavailable(message: "toprackd is stopping and takes no further change") }
    if host.repairs.count >= CommandQueue.limit {
      throw Unavailable(message: "\(CommandQueue.limit) repairs are waiting, which is the limit; try again later")
    }
    return try await withCheckedThrowingContinuation { continuation in
      host.repairs.append(HostState.Repair(server: server, requester: requester, continuation: continuation))
      doChores()
    }
  }

  /// Between two groups.
  func repairNow(_ id: ServerID, by requester: Requester?) async throws -> [String] {
    guard let server = rack.servers[id], let slot = wires.slotOf[id] else {
      throw Refusal.notFound("server \(id) does not exist")
    }
    var done: [String] = []
    let remake = try await repairNamespace(of: server, slot, &done)
    do {
      let target = try NetworkNamespaces.handle(of: server.place.namespace)
      for nic in PortName.nics {
        if let what = try await repair(NICKey(id, nic), server, slot, in: target, remake: remake) { done.append(what) }
      }
    } catch {
      if !done.isEmpty {
        await note(
          "device.repair", "\(server.hostname) repaired in part: \(done.joined(separator: ", "))", of: id,
          by: requester)
      }
      throw Unavailable.orRefusal(error)
    }
    guard !done.isEmpty else {
      throw Refusal.invalid(
        "\(server.hostname) is whole: its NICs are where they belong and nothing is to be repaired")
    }
    await note("device.repair", "\(server.hostname) repaired: \(done.joined(separator: ", "))", of: id, by: requester)
    return done
  }

  /// True: the NICs have to be made anew, since the name has another namespace now.
  private func repairNamespace(of server: Server, _ slot: Int, _ done: inout [String]) async throws -> Bool {
    guard let name = server.place.namespace else { return false }
    let home = host.homes[server.id]
    let file = NetworkNamespaces.file(of: name)
    if let home, let file, home.isSame(as: file) { return false }
    var isNew = false
    do {
      if file == nil || NetworkNamespaces.abandonedMark(of: name) != nil {
        let restored = try await nics.restoreNamespace(
          name, of: server, slot: slot, home: home, owned: host.ownNamespaces.contains(server.id))
        (host.homes[server.id], isNew) = (restored.home, restored.isNew)
        done.append("network namespace \(name) \(isNew ? "made" : "has its name again")")
      } else {
        host.homes[server.id] = try NetworkNamespaces.identity(of: name)
        host.ownNamespaces.remove(server.id)
        isNew = home != nil
        if home == nil { return false }
      }
    } catch {
      throw Unavailable(message: "\(error)")
    }
    problems.clear(kind: "namespace-lost", server: server.id)
    watchNICs(of: server)
    return isNew
  }

  /// Returns what was done to it; `nil`: nothing is wrong with it.
  private func repair(
    _ key: NICKey, _ server: Server, _ slot: Int, in target: NamespaceHandle, remake: Bool
  ) async throws -> String? {
    let name = key.nic.rawValue
    let old = host.locations[key.server]?[key.nic]
    var seen: NICLocation?
    if let old { seen = try await nics.look(key.nic, of: server, slot: slot, madeName: old.madeName)?.0 }
    guard let old, let location = seen, !remake else {
      if let old { host.lost[key] = HostState.Loss(last: old, reason: "") }
      try await makeAgain(key, server, slot, in: target)
      return "\(name) made \(remake ? "anew" : "again")"
    }
    await found(key, server, location)
    let index = Wires.nic(key.nic, slot: slot)
    var words: [String] = []
    if !location.isAt(target.identity) || location.device != old.madeName {
      try await nics.putBack(key.nic, of: server, at: location, slot: slot, to: target)
      words.append("put back")
    }
    if host.locations[key.server]?[key.nic]?.alias != nics.marks.mark(key.server, key.nic) {
      try await nics.mark(key.nic, of: server, slot: slot)
      words.append("marked again")
    }
    guard !words.isEmpty, let place = try dataplane.place(of: index) else { return nil }
    await found(key, server, nics.locate(place, of: server, madeName: old.madeName))
    watchNICs(of: server)
    return "\(name) \(words.joined(separator: " and "))"
  }
}

extension NICLocation {
  fileprivate func isAt(_ home: NamespaceIdentity) -> Bool { space?.isSame(as: home) ?? false }
}
