// What the API says.

import Foundation
import Rack

extension Facts {
  /// The tree as it is shown to somebody who sees everything.
  static func api(by client: Client, names: Names) async throws -> Facts {
    let projects: Projects = try await client.get("/projects", ["per_page": "1000"]).decoded()
    let devices: Devices = try await client.get("/toprack/devices").decoded()
    let networks: Networks = try await client.get("/toprack/virtual-networks").decoded()
    let addresses: Addresses = try await client.get("/toprack/ips").decoded()
    let keys: Keys = try await client.get("/toprack/ssh-keys").decoded()
    let labs: Labs = try await client.get("/toprack/labs").decoded()
    let mirrors: MirrorList = try await client.get("/toprack/mirrors").decoded()
    var facts = Facts()
    for project in projects.projects { facts.add(names.project(project.id), ["name": project.name]) }
    for network in networks.virtualNetworks {
      facts.add(
        names.network(network.id),
        [
          "number": "\(network.vxlan)", "place": network.facilityCode ?? network.metroCode ?? "",
          "description": network.description ?? "", "project": names.project(network.assignedTo.id),
          "tags": network.tags.sortedList,
        ])
    }
    for block in addresses.ipReservations {
      facts.add(
        names.block(block.id),
        ["block": "\(block.network)/\(block.cidr)", "project": names.project(block.project.id)])
    }
    for key in keys.sshKeys {
      let isProjects = key.owner.href.contains("/projects/")
      facts.add(
        names.sshKey(key.id),
        [
          "label": key.label, "key": key.key, "tags": key.tags.sortedList,
          "owner": isProjects ? names.project(key.owner.id) : "the user",
        ])
    }
    for lab in labs.labs {
      facts.add(
        names.lab(lab.id),
        [
          "name": lab.name, "project": names.project(lab.project.id), "generation": "\(lab.generation)",
          "servers": lab.servers.sortedList, "networks": lab.networks.sortedList,
          "addresses": lab.addresses.sortedList, "checkpoints": lab.checkpoints.sortedList,
        ])
    }
    for mirror in mirrors.mirrors {
      facts.add(
        names.mirror(mirror.id),
        [
          "from": mirror.from, "to": mirror.to, "direction": mirror.direction, "filter": mirror.filter ?? "",
          "project": names.project(mirror.project.id),
        ])
    }
    for device in devices.devices { facts.add(device, names) }
    return facts
  }

  private mutating func add(_ device: Devices.Device, _ names: Names) {
    let name = names.server(device.id)
    add(
      name,
      [
        "id": device.id, "hostname": device.hostname, "plan": device.plan.slug, "facility": device.facility.code,
        "project": names.project(device.project.id), "mode": device.toprack.mode,
        "namespace": device.toprack.namespace ?? "",
        "NIC names": ["eth0", "eth1"].compactMap { device.toprack.nics?[$0] }.joined(separator: ", "),
        "state": device.state, "locked": "\(device.locked)",
        "description": device.description ?? "", "tags": device.tags.sortedList,
        "SSH keys": device.sshKeys.map(\.id).sortedList,
        "addresses": device.ipAddresses.map { "\($0.address)/\($0.cidr)" }.sortedList,
      ])
    for port in device.networkPorts {
      add(
        "\(name) \(port.name)",
        [
          "id": port.id, "bonded": "\(port.data.bonded)", "MAC": port.data.mac ?? "",
          "networks": port.virtualNetworks.map { names.network($0.id) }.sortedList,
          "native network": port.nativeVirtualNetwork.map { names.network($0.id) } ?? "",
        ])
    }
  }
}

private struct Projects: Decodable {
  struct Project: Decodable { let id: String, name: String }
  let projects: [Project]
}

private struct Reference: Decodable {
  let href: String
  /// Of a link that has only `href`.
  var id: String { href.split(separator: "/").last.map(String.init) ?? "" }
}

private struct Networks: Decodable {
  struct Network: Decodable {
    let id: String, vxlan: Int, description: String?, facilityCode: String?, metroCode: String?
    let assignedTo: Reference, tags: [String]
  }
  let virtualNetworks: [Network]
}

private struct Addresses: Decodable {
  struct Block: Decodable { let id: String, network: String, cidr: Int, project: Reference }
  let ipReservations: [Block]
}

private struct Keys: Decodable {
  struct Key: Decodable { let id: String, label: String, key: String, tags: [String], owner: Reference }
  let sshKeys: [Key]
}

private struct Labs: Decodable {
  struct Project: Decodable { let id: String }
  struct Lab: Decodable {
    let id: String, name: String, project: Project, generation: Int
    let servers: [String], networks: [String], addresses: [String], checkpoints: [String]
  }
  let labs: [Lab]
}

private struct Devices: Decodable {
  struct Slug: Decodable { let slug: String }
  struct Code: Decodable { let code: String }
  struct Address: Decodable { let address: String, cidr: Int }
  struct Toprack: Decodable { let mode: String, mtu: Int, namespace: String?, nics: [String: String]? }
  struct ID: Decodable { let id: String }
  struct Port: Decodable {
    struct Data: Decodable { let bonded: Bool, mac: String? }
    let id: String, name: String, data: Data, virtualNetworks: [ID], nativeVirtualNetwork: ID?
  }
  struct Device: Decodable {
    let id: String, hostname: String, description: String?, state: String, locked: Bool, tags: [String]
    let sshKeys: [Reference]
    let plan: Slug, facility: Code, project: Reference, ipAddresses: [Address], networkPorts: [Port], toprack: Toprack
  }
  let devices: [Device]
}
