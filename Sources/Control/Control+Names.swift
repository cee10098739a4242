import Cabling
import Dataplane
import Host
import Logging
import Rack

/// The step of a command that gives a server's interfaces other names inside its namespace.
extension Control {
  /// Before the commit.
  func nameNICs(of server: Server) async throws {
    guard let slot = wires.slotOf[server.id] else { return }
    let before = host.locations[server.id, default: [:]]
    let after = try await nics.rename(server, before, slot: slot, home: host.homes[server.id])
    take(after, of: server, slot: slot)
  }

  /// Instead of the commit: as they were called before.
  func takeBackNames(of id: ServerID) async {
    // A server that was made in the same group goes as a whole.
    guard let server = rack.servers[id], let slot = wires.slotOf[id] else { return }
    let now = host.locations[id, default: [:]]
    do {
      take(try await nics.rename(server, now, slot: slot, home: host.homes[id]), of: server, slot: slot)
    } catch {
      // Then they are seen to be renamed, and `server repair` helps.
      logger.error("names not taken back", metadata: ["server": "\(server.hostname)", "error": "\(error)"])
    }
  }

  /// After the end of a server whose place this one has taken.
  func takeNames(of server: Server) async {
    guard let slot = wires.slotOf[server.id] else { return }
    let before = host.locations[server.id, default: [:]]
    take(await nics.takeNames(server, before, slot: slot), of: server, slot: slot)
    for nic in before.keys { host.unwritten.insert(NICKey(server.id, nic)) }
    await writePlaces()
  }

  /// What the watch has seen meanwhile is no news.
  private func take(_ locations: [PortName: NICLocation], of server: Server, slot: Int) {
    for (nic, location) in locations {
      settle(NICKey(server.id, nic), server, location)
      watchNIC(nic, location, slot)
    }
  }
}
