// IP assignments of a server, and reservations of a project.
//
// Strict clients tell the two apart by their members: an assignment has `assigned_to` and no `type`, a reservation has
// `type` and no `assigned_to`.

import FoundationEssentials
import Net
import Rack

extension Renderer {
  func addresses(of server: Server) -> [JSON] { server.listedAddresses.map { address($0, of: server) } }

  func address(_ place: ListedAddress, of server: Server) -> JSON {
    switch place {
    case .own(let address): part("ip_addresses", "/ips/\(address.id)") { $0.address(address, of: server) }
    case .block(let block): part("ip_addresses", "/ips/\(block.id)") { $0.assignment(block, of: server) }
    }
  }

  /// A management address.
  func address(_ address: Address, of server: Server) -> JSON {
    assignment(
      id: address.id.json, href: "/ips/\(address.id)", block: address.network, gateway: .string(address.gateway),
      address: address.address, isPublic: address.kind.isPublic, management: true, since: address.createdAt, of: server)
  }

  /// An elastic block, which is routed to the server's public address. Clients want a gateway all the same.
  func assignment(_ assignment: BlockAssignment, of server: Server) -> JSON {
    self.assignment(
      id: assignment.id.json, href: "/ips/\(assignment.id)", block: assignment.block,
      gateway: .string("\(assignment.block.gateway)"), address: "\(assignment.block.base)", isPublic: true,
      management: false, since: assignment.createdAt, of: server
    )
    .adding(("parent_block", rack.reservations[assignment.reservation].map(parent) ?? nil))
  }

  private func assignment(
    id: JSON, href: String, block: IPPrefix, gateway: JSON, address: String, isPublic: Bool, management: Bool,
    since: Date, of server: Server
  ) -> JSON {
    [
      "id": id, "href": link(href), "address_family": .integer(block.family),
      "network": .string("\(block.base)"), "netmask": .string("\(block.netmask)"), "cidr": .integer(block.length),
      "gateway": gateway, "address": .string(address), "public": .boolean(isPublic),
      "management": .boolean(management), "manageable": true, "enabled": true, "global_ip": nil,
      "created_at": time(since), "details": nil, "tags": [], "customdata": [:],
      "project": project(nested: server.project), "project_lite": reference("/projects/\(server.project)"),
      "facility": facility(server.facility), "metro": metro(facility: server.facility),
      "assigned_to": device(nested: server, as: "assigned_to"),
      "interface": port(nested: server.bond0, of: server, as: "interface"),
    ]
  }

  private func parent(_ reservation: Reservation) -> JSON {
    let block = reservation.block
    return [
      "href": link("/ips/\(reservation.id)"), "id": reservation.id.json, "network": .string("\(block.base)"),
      "netmask": .string("\(block.netmask)"), "cidr": .integer(block.length),
    ]
  }

  func reservation(_ reservation: Reservation) -> JSON {
    let block = reservation.block
    let note = reservation.note
    return [
      "id": reservation.id.json, "href": link("/ips/\(reservation.id)"), "type": "public_ipv4",
      "address_family": .integer(block.family), "network": .string("\(block.base)"),
      "netmask": .string("\(block.netmask)"), "cidr": .integer(block.length),
      "gateway": .string("\(block.gateway)"), "address": .string("\(block.base)"),
      "quantity": .integer(Int(block.size)),
      "public": true, "management": false,
      "manageable": true, "enabled": true, "global_ip": false, "addon": true, "bill": true, "state": "created",
      "created_at": time(reservation.createdAt), "details": JSON(note.details), "tags": .list(note.tags),
      "customdata": JSON(kept: note.customdata), "project": project(nested: reservation.project),
      "project_lite": reference("/projects/\(reservation.project)"), "facility": facility(reservation.facility),
      "metro": metro(facility: reservation.facility),
      "assignments": .array(
        rack.assignments(of: reservation.id).map { server, assignment in
          reference("assignments", reference("/ips/\(assignment.id)")) { $0.assignment(assignment, of: server) }
        }),
      "available": link("/ips/\(reservation.id)/available"),
    ]
  }
}

/// What a list of a server's addresses has as one entry.
enum ListedAddress: Sendable {
  case own(Address)
  case block(BlockAssignment)
}

extension Server {
  /// All in the order that clients rely on: public IPv4, public IPv6, private IPv4, then the elastic blocks that are
  /// routed to it.
  var listedAddresses: [ListedAddress] {
    [Address.Kind.publicIPv4, .publicIPv6, .privateIPv4].compactMap(address).map(ListedAddress.own)
      + blocks.map(ListedAddress.block)
  }
}
