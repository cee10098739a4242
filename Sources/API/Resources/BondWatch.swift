// What bonds make of a switch that fails or is healed: which member carries, and after how long.

import Control
import Rack

/// Looks at the bonds of a facility before its switch changes, and again until each has found its way.
struct BondWatch {
  /// A member that carries now, or that should and does not.
  struct Move: Sendable {
    let server: ServerID
    let hostname: String
    /// `nil`: none carries.
    let nic: PortName?
    let milliseconds: Int?
    let text: String

    func json(_ view: View) -> JSON {
      [
        "server": .string(hostname), "server_id": server.json,
        "project": JSON(view[server].flatMap { view[$0.project] }?.name), "nic": JSON(nic?.rawValue),
        "ms": milliseconds.map { .integer($0) } ?? .null, "text": .string(text),
      ]
    }
  }

  /// How long is looked; LACP at its fast rate has agreed by then.
  private static let patience = Duration.seconds(5)
  private static let pause = Duration.milliseconds(5)

  private let facility: String
  private let before: [LACPMember]
  private let nics: Set<PortName>
  private let start = ContinuousClock.now

  /// - Parameters:
  ///   - members: those of all bonds, before the change.
  ///   - nics: what is on the switches that change.
  init(facility: String, _ members: [LACPMember], nics: Set<PortName>) {
    (self.facility, before, self.nics) = (facility, members, nics)
  }

  func moves(_ call: Call, failed: Bool) async -> [Move] {
    let servers = Set(await call.view().servers.filter { $0.facility == facility }.map(\.id))
    let wanted = failed ? left(servers) : await returning(servers, await call.lacp(of: nil))
    var moves: [ServerID: Move] = [:]
    while moves.count < wanted.count, ContinuousClock.now - start < Self.patience, !Task.isCancelled {
      for member in await call.lacp(of: nil) where wanted[member.server] == member.port && member.carriesNow {
        guard moves[member.server] == nil else { continue }
        let time = Int((ContinuousClock.now - start) / .milliseconds(1))
        let words = failed ? "moved to \(member.port.rawValue)" : "carries by \(member.port.rawValue) again"
        moves[member.server] = Move(
          server: member.server, hostname: member.hostname, nic: member.port, milliseconds: time,
          text: "bond0 of \(member.hostname) \(words) after \(time) ms")
      }
      if moves.count < wanted.count { try? await Task.sleep(for: Self.pause) }
    }
    let names = Dictionary(before.map { ($0.server, $0.hostname) }) { one, _ in one }
    let rest = wanted.filter { moves[$0.key] == nil }.map { id, nic in
      let name = names[id] ?? "\(id)"
      let words = failed ? "does not carry: \(nic.rawValue) is no way out" : "does not carry by \(nic.rawValue) yet"
      return Move(server: id, hostname: name, nic: nil, milliseconds: nil, text: "bond0 of \(name) \(words)")
    }
    return (moves.values + rest).sorted {
      ($0.milliseconds ?? .max, $0.hostname) < ($1.milliseconds ?? .max, $1.hostname)
    }
  }

  /// Of each bond that carried by what is lost: the other member.
  private func left(_ servers: Set<ServerID>) -> [ServerID: PortName] {
    var wanted: [ServerID: PortName] = [:]
    for member in before where servers.contains(member.server) && nics.contains(member.port) && member.carriesNow {
      wanted[member.server] = member.port == .eth0 ? .eth1 : .eth0
    }
    return wanted
  }

  /// Of each bond that speaks LACP, or that has nothing else: the member that comes back.
  private func returning(_ servers: Set<ServerID>, _ now: [LACPMember]) async -> [ServerID: PortName] {
    let known = Dictionary(before.map { (Key(server: $0.server, nic: $0.port), $0) }) { one, _ in one }
    var wanted: [ServerID: PortName] = [:]
    for member in now where servers.contains(member.server) && nics.contains(member.port) {
      // It was there, and stays as it is.
      guard known[Key(server: member.server, nic: member.port)] == nil else { continue }
      let other = known[Key(server: member.server, nic: member.port == .eth0 ? .eth1 : .eth0)]
      guard other.map({ $0.distributing || !$0.carriesNow }) ?? (wanted[member.server] == nil) else { continue }
      wanted[member.server] = member.port
    }
    return wanted
  }

  private struct Key: Hashable { let server: ServerID, nic: PortName }
}

extension LACPMember {
  /// Frames leave by it: LACP has agreed with the partner, or it carries alone.
  fileprivate var carriesNow: Bool { linkUp && (distributing || fallback) }
}
