package import Rack

/// One change of a rack as the wire sees it: what the records that it touches were on the wire, and what they will be.
/// It costs as much as the change is large, however large the rack is.
package struct WireStep: Hashable, Sendable {
  package private(set) var before = WireImage()
  package private(set) var after = WireImage()

  /// - Parameter changes: those that make `rack` what it will be, in order.
  package init(_ changes: [Change], on rack: Rack, _ plan: RoutingPlan) {
    // Those that are touched, as they are by then. A switch that fails touches all of its facility.
    var servers: [ServerID: Server?] = [:]
    for change in changes {
      switch change {
      case .server(let server, replacing: _): servers[server.id] = server
      case .serverDeleted(let id): servers[id] = .some(nil)
      case .network(let network):
        before.networks[network.id] = rack.networks[network.id]?.vid
        after.networks[network.id] = network.vid
      case .networkDeleted(let id):
        before.networks[id] = rack.networks[id]?.vid
        after.networks[id] = nil
      case .aging(let seconds): (before.aging, after.aging) = (rack.aging, seconds)
      case .lacpRate(let fast): (before.lacpFast, after.lacpFast) = (rack.lacpFast, fast)
      case .failedSwitches(let facility, let switches):
        for server in rack.servers.values where server.facility == facility && servers[server.id] == nil {
          servers[server.id] = server
        }
        for case (let id, let server?) in servers where server.facility == facility {
          servers[id] = server.with(switches)
        }
      case .project, .projectDeleted, .reservation, .reservationDeleted, .pool, .token, .tokenDeleted, .sshKey,
        .sshKeyDeleted, .lab, .labDeleted, .mirror, .mirrorDeleted:
        break
      }
    }
    for (id, server) in servers {
      before.servers[id] = rack.servers[id].map { ServerImage(of: $0, plan) }
      after.servers[id] = server.map { ServerImage(of: $0, plan) }
    }
  }

  /// The MTU of a server's NICs is set once more, whatever it is.
  package mutating func refit(_ server: Server, _ plan: RoutingPlan) {
    let image = ServerImage(of: server, plan)
    if before.servers[server.id] == nil { before.servers[server.id] = image }
    before.servers[server.id]?.mtu = 0
    if after.servers[server.id] == nil { after.servers[server.id] = image }
  }

  package var change: WireChange { WireChange(from: before, to: after) }
  /// What makes the wire what it was again.
  package var undo: WireChange { WireChange(from: after, to: before) }
}
