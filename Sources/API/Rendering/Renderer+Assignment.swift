// Networks on a port, and batches of changes of them.

import FoundationEssentials
import Rack

extension Renderer {
  /// What is on a port now, in the order of attachment. An assignment is not a thing of its own: its identifier follows
  /// from the port and the network, and is the same when the network comes again.
  func assignments(of port: Port, _ server: Server) -> [(id: String, json: JSON)] {
    port.networks.compactMap { rack.networks[$0] }.map { network in
      let id = UUID(naming: "toprack assignment \(port.id) \(network.id)").text
      let since = time(port.attachedAt[network.id] ?? server.updatedAt)
      return (
        id,
        [
          "id": .string(id), "href": link("/ports/\(port.id)/vlan-assignments/\(id)"),
          "vlan": .integer(network.vxlan), "native": .boolean(port.native == network.id), "state": "assigned",
          "created_at": since, "updated_at": since, "port": self.port(nested: port, of: server, as: "port"),
          "virtual_network": self.network(nested: network.id, as: "virtual_network") ?? nil,
        ]
      )
    }
  }

  func batch(_ batch: AssignmentBatch, on port: Port, of server: Server) -> JSON {
    let entries: [JSON] = batch.entries.map { entry in
      [
        "id": .string(UUID(naming: "toprack batch \(batch.id) \(entry.network)").text),
        "vlan": .integer(entry.vxlan), "state": entry.isAssigned ? "assigned" : "unassigned",
        "native": .boolean(entry.isNative),
      ]
    }
    return [
      "id": batch.id.json, "href": link("/ports/\(port.id)/vlan-assignments/batches/\(batch.id)"),
      "state": "completed", "quantity": .integer(entries.count), "error_messages": [],
      "created_at": time(batch.createdAt), "updated_at": time(batch.createdAt),
      "port": self.port(nested: port, of: server, as: "port"), "project": project(nested: batch.project),
      "vlan_assignments": .array(entries),
    ]
  }
}
