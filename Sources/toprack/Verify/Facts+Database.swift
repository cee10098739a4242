// What the database says, in the words of each source that is compared with it.

import Foundation
import Net
import Rack

extension Facts {
  /// As the API should show it.
  static func api(of rack: Rack) -> Facts {
    let names = Names(rack)
    var facts = Facts()
    for project in rack.projects.values { facts.add(names.project("\(project.id)"), ["name": project.name]) }
    for network in rack.networks.values {
      facts.add(
        names.network("\(network.id)"),
        [
          "number": "\(network.vxlan)", "place": network.place.code, "description": network.description ?? "",
          "project": names.project("\(network.project)"), "tags": network.tags.sortedList,
        ])
    }
    for reservation in rack.reservations.values {
      facts.add(
        names.block("\(reservation.id)"),
        ["block": "\(reservation.block)", "project": names.project("\(reservation.project)")])
    }
    for key in rack.sshKeys.values {
      facts.add(
        names.sshKey("\(key.id)"),
        [
          "label": key.label, "key": key.key.text, "tags": key.tags.sortedList,
          "owner": key.owner.project.map { names.project("\($0)") } ?? "the user",
        ])
    }
    for lab in rack.labs.values {
      let belongings = rack.belongings(of: lab.id)
      facts.add(
        names.lab("\(lab.id)"),
        [
          "name": lab.name, "project": names.project("\(lab.project)"), "generation": "\(lab.generation)",
          "servers": Array(belongings.servers.keys).sortedList, "networks": Array(belongings.networks.keys).sortedList,
          "addresses": Array(belongings.reservations.keys).sortedList,
          "checkpoints": Array(lab.checkpoints.keys).sortedList,
        ])
    }
    for mirror in rack.mirrors.values {
      facts.add(
        names.mirror("\(mirror.id)"),
        [
          "from": rack.words(of: mirror.source), "to": rack.words(of: mirror.end),
          "direction": mirror.direction.rawValue, "filter": mirror.filter ?? "",
          "project": names.project("\(mirror.project)"),
        ])
    }
    for server in rack.servers.values {
      let name = names.server("\(server.id)")
      facts.add(
        name,
        [
          "id": "\(server.id)", "hostname": server.hostname, "plan": server.plan, "facility": server.facility,
          "project": names.project("\(server.project)"), "mode": server.mode.rawValue,
          "namespace": server.place.namespace ?? "",
          "NIC names": server.place.namespace == nil ? "" : "\(server.nicNames.eth0), \(server.nicNames.eth1)",
          "state": server.state.rawValue,
          "locked": "\(server.isLocked)", "description": server.details.description ?? "",
          "tags": server.details.tags.sortedList, "SSH keys": server.sshKeys.map { "\($0)" }.sortedList,
          "addresses":
            (server.addresses.map { "\($0.address)/\($0.network.length)" }
            + server.blocks.map { "\($0.block)" }).sortedList,
        ])
      for port in server.ports {
        facts.add(
          "\(name) \(port.name.rawValue)",
          [
            "id": "\(port.id)", "bonded": "\(port.bonded)", "MAC": port.mac?.description ?? "",
            "networks": port.networks.map { names.network("\($0)") }.sortedList,
            "native network": port.native.map { names.network("\($0)") } ?? "",
          ])
      }
    }
    return facts
  }

  /// As frames should be forwarded, and cables plugged.
  static func wire(of rack: Rack) -> Facts {
    let names = Names(rack)
    var facts = Facts()
    func words(_ id: NetworkID) -> String {
      DomainWords(network: names.network("\(id)"), vid: rack.networks[id]?.vxlan ?? 0).text
    }
    for server in rack.servers.values {
      let label = names.server("\(server.id)")
      let routes = server.addresses.map(\.address) + server.blocks.map { RouteWords(block: $0.block).text }
      let wiring = Dictionary(uniqueKeysWithValues: server.wiring.map { ($0.name, $0) })
      for name in PortName.allCases {
        let port = wiring[name]
        var (role, untagged, tagged): (String, NetworkID?, Set<NetworkID>) = ("absent", nil, [])
        switch port?.role {
        case nil: break
        case .dark: role = "dark"
        case .routed(let networks): (role, tagged) = ("routed", networks)
        case .switched(let network, let networks): (role, untagged, tagged) = ("switched", network, networks)
        }
        facts.add(
          "\(label) \(name.rawValue)",
          [
            "role": role, "members": (port?.members ?? []).map(\.rawValue).sortedList,
            "untagged": untagged.map(words) ?? "", "tagged": tagged.map(words).sortedList,
            "routes": port?.role.isRouted == true ? routes.sortedList : "", "contradictions": "",
          ])
      }
      for nic in PortName.nics {
        facts.add("\(label) \(nic.rawValue)", ["carrier": server.hasCarrier(nic) ? "on" : "off"])
      }
    }
    return facts
  }

  /// As the interfaces should be. Their MTU is their own system's to set; the switch has to know it.
  static func kernel(of rack: Rack) -> Facts {
    let names = Names(rack)
    var facts = Facts()
    for server in rack.servers.values {
      for port in server.wiring where !port.members.isEmpty {
        facts.add("\(names.server("\(server.id)")) \(port.name.rawValue)", ["MTU": sameMTU])
      }
      for nic in PortName.nics {
        facts.add(
          "\(names.server("\(server.id)")) \(nic.rawValue)",
          [
            "kind": "TAP", "MAC": server[nic].mac?.description ?? "",
            "mark": "toprack \(rack.id.uuidString.lowercased()) \(server.id) \(nic.rawValue)",
            "carrier": server.hasCarrier(nic) ? "on" : "off",
          ])
      }
    }
    return facts
  }
}

/// A broadcast domain on a port.
struct DomainWords {
  let network: String
  let vid: Int
  var text: String { "\(network) (VID \(vid))" }
}

/// An elastic block as the routing table has it: one of a single address is that address.
struct RouteWords {
  let block: IPPrefix
  var text: String { block.isOne ? "\(block.base)" : "\(block)" }
}
