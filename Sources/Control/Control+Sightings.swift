import Cabling
import Dataplane
import FoundationEssentials
public import Net
import Observers
public import Rack
public import Switching

/// A frame at a server's NIC.
public struct Sighting: Sendable, Equatable {
  public var nic: PortName
  /// Why it went no further; nil: it did.
  public var reason: DropReason?
  /// As much of it as was kept.
  public var bytes: [UInt8]
}

/// What was seen of servers' frames, for those who look for a fault.
extension Control {
  /// The MAC address of the gateway on each link.
  public nonisolated var gatewayMAC: MACAddress? { gateway.plan.mac }

  /// Frames that went no further at the NICs of `server` in the last seconds, oldest first.
  public nonisolated func recentDrops(of server: ServerID, seconds: Int) async -> [Sighting] {
    guard let (nics, since) = await sightingPlace(of: server, seconds: seconds) else { return [] }
    return dataplane.dropLogs.flatMap { $0.read().records }
      .filter { nics[$0.frame.nic] != nil && $0.frame.time >= since }
      .sorted { $0.frame.time < $1.frame.time }
      .map { Sighting(nic: nics[$0.frame.nic]!, reason: $0.reason, bytes: $0.frame.bytes) }
  }

  /// Frames that come in by the NICs of servers within `time`. Empty, too, where all watches are taken.
  public nonisolated func listen(to servers: [ServerID], for time: Duration) async -> [ServerID: [Sighting]] {
    var owners: [NICIndex: (ServerID, PortName)] = [:]
    for server in servers {
      guard let place = await sightingPlace(of: server, seconds: 0) else { continue }
      for (index, nic) in place.nics { owners[index] = (server, nic) }
    }
    let order = WatchOrder(nics: .these(Set(owners.keys)), directions: .incoming, snapLength: 64)
    guard !owners.isEmpty, let watch = try? await dataplane.watch(order) else { return [:] }
    try? await Task.sleep(for: time)
    await dataplane.end(watch)
    var result: [ServerID: [Sighting]] = [:]
    var left = 10_000
    while left > 0, let frame = watch.next() {
      left -= 1
      guard let (server, nic) = owners[frame.nic] else { continue }
      result[server, default: []].append(Sighting(nic: nic, reason: frame.reason, bytes: frame.bytes))
    }
    return result
  }

  /// Numbers of NICs are given again: what was before the server is not its own.
  private func sightingPlace(of server: ServerID, seconds: Int) -> (nics: [NICIndex: PortName], since: UInt64)? {
    guard let slot = wires.slotOf[server], let known = rack.servers[server] else { return nil }
    let since = max(known.createdAt.timeIntervalSince1970, entropy.now.timeIntervalSince1970 - Double(seconds))
    let nics = PortName.nics.map { (Wires.nic($0, slot: slot), $0) }
    return (Dictionary(uniqueKeysWithValues: nics), UInt64(max(0, since) * 1_000_000_000))
  }
}
