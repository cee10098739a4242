import Net
import Rack

/// The state of a lab: every key of all that belongs to it, with its addresses, and the file that was applied.
struct LabCheckpoint: Codable {
  /// Of this form; another one is not read.
  var version = 1
  var applied: String
  var networks: [LabEntry<LabTarget.Network>]
  var servers: [LabEntry<LabTarget.Server>]
  var blocks: [LabEntry<LabTarget.Block>]

  var target: LabTarget { LabTarget(networks: networks, servers: servers, blocks: blocks) }
  var text: String { LabJSONText.text(self) }

  init?(_ text: String) {
    guard let read = LabJSONText.value(Self.self, text), read.version == 1 else { return nil }
    self = read
  }

  init(_ lab: Lab, _ view: LabView) {
    applied = lab.applied
    networks = view.belongings.networks.keys.sorted().compactMap { name in
      view.network(name).map { LabEntry(name, LabTarget.Network($0, lab)) }
    }
    servers = view.belongings.servers.keys.sorted().compactMap { name in
      view.server(name).map { LabEntry(name, LabTarget.Server($0, name, lab, view)) }
    }
    blocks = view.belongings.reservations.keys.sorted().compactMap { name in
      view.block(name).map { reservation in
        // Parts that go to several servers are left as they are.
        var server = view.rack.assignments(of: reservation.id).isEmpty ? "" : nil
        if let holder = view.holder(of: reservation), holder.lab == lab.id { server = holder.membership?.name }
        return LabEntry(
          name,
          LabTarget.Block(
            size: reservation.block.length, facility: reservation.facility, server: server,
            block: "\(reservation.block)"))
      }
    }
  }

  /// Others' networks that were on ports and are gone.
  func missing(in rack: Rack) -> [String] {
    servers.flatMap { entry in
      PortName.allCases.compactMap { port -> String? in
        let gone = (entry.value.ports[port]?.foreign ?? []).filter { rack.networks[$0] == nil }
        if gone.isEmpty { return nil }
        return
          "\(port.rawValue) of \(entry.name) carried virtual network \(gone.map { "\($0)" }.listed()), which is gone"
      }
    }
  }
}

extension LabTarget.Network {
  fileprivate init(_ network: VirtualNetwork, _ lab: Lab) {
    self.init(vxlan: network.vxlan, description: network.description ?? "", tags: lab.plain(network.tags))
    switch network.place {
    case .facility(let code): facility = code
    case .metro(let code): metro = code
    }
  }
}

extension LabTarget.Server {
  fileprivate init(_ server: RackServer, _ name: String, _ lab: Lab, _ view: LabView) {
    (plan, facility, mode, os) = (server.plan, server.facility, server.mode, server.operatingSystem)
    (description, tags) = (server.details.description ?? "", lab.plain(server.details.tags))
    (userdata, mtu, configure) = (server.details.userdata, server.mtu, server.isConfigured)
    place = server.filePlace(name)
    if server.place != .host { (eth0, eth1) = (server.nicNames.eth0, server.nicNames.eth1) }
    for port in server.ports {
      var kept = LabTarget.Port()
      for id in port.networks {
        if let membership = view.rack.networks[id]?.membership, membership.lab == lab.id {
          kept.networks.append(membership.name)
          if port.effectiveNative == id { kept.native = membership.name }
        } else {
          kept.foreign.append(id)
          if port.effectiveNative == id { kept.foreignNative = id }
        }
      }
      ports[port.name] = kept
    }
    links = Dictionary(uniqueKeysWithValues: PortName.nics.map { ($0, LabLink(server.links[$0])) })
    addresses = Dictionary(uniqueKeysWithValues: server.addresses.map { ($0.kind.rawValue, "\($0.network)") })
  }
}

extension RackServer {
  /// As a file says it.
  func filePlace(_ name: String) -> LabPlace {
    guard let namespace = place.namespace else { return .host }
    return isOwnNamespace(namespace, name) ? .netns : .namespace(namespace)
  }
}
