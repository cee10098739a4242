// What a port does on the wire, and where stations are: Toprack's own view, not part of the Metal API.

import Control
import Net
import Rack

extension Renderer {
  /// Mode, VLANs with their tagging, and counters of one port. bond0 sums its members and says which of them carry.
  func wire(_ name: PortName, of server: Server, nics: [PortName: NICStatus]) -> JSON {
    let port = server[name]
    let members = name == .bond0 ? server.members : [name]
    let present = members.compactMap { nics[$0] }
    func sum(_ counter: KeyPath<NICStatus, UInt64>) -> JSON {
      .integer(Int(clamping: present.reduce(0) { $0 + $1[keyPath: counter] }))
    }
    var drops: [String: UInt64] = [:]
    for nic in present { drops.merge(nic.drops, uniquingKeysWith: +) }

    let common: JSON = [
      "name": .string(name.rawValue), "id": port.id.json, "server": .string(server.hostname),
      "server_id": server.id.json, "project": projectName(of: server.id), "mode": .string(server.mode.rawValue),
      "bonded": .boolean(port.bonded),
      "link_up": .boolean(present.contains { $0.linkUp }), "mtu": .integer(present.map(\.mtu).min() ?? server.mtu),
      "routed": .boolean(server.isRouted(name)),
      "vlans": .array(vlans(of: port, server)),
      "native": port.native.flatMap { rack.networks[$0] }.map(\.vxlan).map(JSON.integer) ?? nil,
      "rx_packets": sum(\.rxPackets), "rx_bytes": sum(\.rxBytes),
      "tx_packets": sum(\.txPackets), "tx_bytes": sum(\.txBytes),
      "shut": shut(present.lazy.compactMap(\.shut).first { $0.port == name }),
      "storm": .boolean(present.contains { $0.storms }),
      "drops": .object(
        drops.sorted { $0.key < $1.key }.map { JSON.Member(name: $0.key, value: .integer(Int(clamping: $0.value))) }),
      "problems": .list(
        problems[server.id, default: []].filter { $0.port.map { $0 == name || members.contains($0) } ?? true }.map(
          \.text)),
    ]
    guard name == .bond0 else {
      let nic = nics[name]
      return common.adding(
        ("mac", JSON(port.mac?.description)), ("interface", JSON(nic?.interface)), ("link", link(name, of: server)),
        ("namespace", JSON(nic?.namespace)), ("carries", .boolean(nic?.carries ?? false)))
    }
    return common.adding(
      (
        "members",
        .array(
          members.map { member in
            [
              "name": .string(member.rawValue), "link_up": .boolean(nics[member]?.linkUp ?? false),
              "carries": .boolean(nics[member]?.carries ?? false),
            ]
          })
      ))
  }

  /// Of a port that the loop guard has shut; null: it is open.
  private func shut(_ shut: ShutPort?) -> JSON {
    guard let shut else { return nil }
    return [
      "reason": .string(shut.reason.rawValue), "until": time(shut.until), "times": .integer(shut.times),
      "text": .string(shut.text),
    ]
  }

  private func vlans(of port: Port, _ server: Server) -> [JSON] {
    port.networks.compactMap { rack.networks[$0] }.sorted { $0.vxlan < $1.vxlan }.map { network in
      let form = server.form(of: network.id, on: port.name)
      return [
        "vxlan": .integer(network.vxlan), "id": network.id.json, "form": .string(form.rawValue),
        "tagged": .boolean(form.isTagged), "native": .boolean(form == .native),
      ]
    }
  }

  /// A host behind a routed interface. `server` is null for the host of an uplink and for the metadata service,
  /// `interface` for a server.
  func neighbour(_ neighbour: NeighbourStatus) -> JSON {
    let (server, id, interface): (String?, ServerID?, String?) =
      switch neighbour.place {
      case .server(let id, let hostname): (hostname, id, nil)
      case .own(let interface): (nil, nil, interface)
      }
    return [
      "server": JSON(server), "server_id": JSON(id?.description), "project": id.map(projectName) ?? nil,
      "interface": JSON(interface), "address": .string(neighbour.address),
      "mac": JSON(neighbour.mac?.description), "state": .string(neighbour.state),
      "age_s": .integer(neighbour.age),
    ]
  }

  /// The name of a server's project, which tells it from another project's server of that hostname.
  func projectName(of server: ServerID) -> JSON {
    JSON(rack.servers[server].flatMap { rack.projects[$0.project] }?.name)
  }

  func station(_ station: Station) -> JSON {
    [
      "facility": .string(station.facility), "vxlan": .integer(station.vxlan),
      "mac": .string(station.mac.description), "server": .string(station.hostname),
      "server_id": station.server.json, "project": projectName(of: station.server),
      "port": .string(station.port.rawValue), "age_s": .integer(station.age), "moves": .integer(station.moves),
    ]
  }

  func status(_ status: Status) -> JSON {
    [
      "version": .string(status.version), "rack_id": .string(status.rackID.text),
      "state_directory": JSON(status.stateDirectory), "started_at": time(status.startedAt),
      "servers": .integer(status.servers), "networks": .integer(status.networks),
      "stations": .integer(status.stations), "station_limit": .integer(status.stationLimit),
      "stations_evicted": .integer(Int(clamping: status.stationsEvicted)),
      "stations_refused": .integer(Int(clamping: status.stationsRefused)),
      "station_moves": .integer(Int(clamping: status.stationMoves)), "storm_limit": .integer(status.stormLimit),
      "workers": .integer(status.workers),
      "io": .string(status.ioDriver), "aging_seconds": .integer(rack.aging),
      "lacp_rate": LACPRate(of: rack).json,
      "start": [
        "adopted": .integer(status.adopted), "made": .integer(status.made), "removed": .integer(status.removed),
      ],
      "problems": .array(status.problems.map { .string($0.text) }),
    ]
  }
}
