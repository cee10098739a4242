// `ip reserve | assign | unassign | release`: elastic blocks, which outlive the servers that have them.

import ArgumentParser
import Foundation

extension IPCommand {
  struct Reserve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reserve an elastic block: public IPv4 addresses that a project keeps.",
      discussion: """
        It answers once it is assigned to a server.

        Example: toprack ip reserve --size 30
        """)

    @Option(
      help: ArgumentHelp("29 for 8 addresses, 30 for 4, 31 for 2, 32 for one.", valueName: "length"),
      completion: .list(["29", "30", "31", "32"]))
    var size: Int
    @OptionGroup var place: PlaceOption
    @OptionGroup var project: ProjectOption
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      guard (29...32).contains(size) else {
        throw Failure.refused("an elastic block cannot be a /\(size); valid are 29, 30, 31 and 32")
      }
      let client = try global.client
      let project = try await project.project(client)
      let answer = try await client.post(
        "/projects/\(project.id)/ips",
        ["type": "public_ipv4", "quantity": 1 << (32 - size), place.member.name: place.member.value])
      try global.output.print(json: try answer.value()) {
        let block: Reservation = try answer.decoded()
        return "\(block.text) in \(block.facility.code) reserved: \(block.id)"
      }
    }
  }

  struct Assign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Route a reserved block, or a part of one, to a server.",
      discussion: """
        The server must be in layer3 or hybrid, of the block's project and facility. Its operating system has to be told, \
        see 'toprack server network-config'.

        Examples:
          toprack ip assign web1 198.18.24.0/30
          toprack ip assign web2 198.18.24.3
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Argument(
      help: ArgumentHelp("Block, address, or the UUID of a reservation.", valueName: "block"),
      completion: .reservedBlocks)
    var block: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let device = try await client.device(server)
      let text = UUID(uuidString: block) == nil ? block : try await client.reservation(block).text
      let answer = try await client.post("/devices/\(device.id)/ips", ["address": text])
      try global.output.print(json: try answer.value()) {
        let address: Device.Address = try answer.decoded()
        return "\(address.text) is routed to \(device.hostname): \(address.id)"
      }
    }
  }

  struct Unassign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a block away from its server. It stays reserved.",
      discussion: """
        A reserved block of which several parts are assigned is taken away from all servers.

        Example: toprack ip unassign 198.18.24.0/30
        """)

    @Argument(
      help: ArgumentHelp("Block, address, or UUID.", valueName: "block"), completion: .assignedBlocks)
    var block: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let found = try await client.assignments(block)
      for assignment in found { try await client.delete("/ips/\(assignment.id)") }
      try global.output.print(
        json: ["unassigned": found.map { ["id": $0.id, "block": $0.text, "server": $0.toprack.server] }]
      ) {
        found.map { "\($0.text) is no longer routed to \($0.toprack.server); it stays reserved" }.joined(
          separator: "\n")
      }
    }
  }

  struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Give a reserved block back. It must be assigned to no server.",
      discussion: "Example: toprack ip release 198.18.24.0/30", aliases: ["rm", "remove"])

    @Argument(
      help: ArgumentHelp("Block, address, or the UUID of a reservation.", valueName: "block"),
      completion: .reservedBlocks)
    var block: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let reservation = try await client.reservation(block)
      if !reservation.toprack.servers.isEmpty {
        throw Failure.refused(
          "\(reservation.text) is assigned to \(reservation.toprack.servers.joined(separator: ", ")): "
            + "'toprack ip unassign \(reservation.text)' first")
      }
      try await client.delete("/ips/\(reservation.id)")
      try global.output.print(json: ["released": ["id": reservation.id, "block": reservation.text]]) {
        "\(reservation.text) released"
      }
    }
  }
}

extension Client {
  /// A reservation by its block or UUID.
  fileprivate func reservation(_ reference: String) async throws -> NamedReservation {
    let list: AddressList = try await get("/toprack/ips").decoded()
    guard let found = list.ipReservations.first(where: { $0.id == reference.lowercased() || $0.isBlock(reference) })
    else { throw Failure.refused("\"\(reference)\" is not reserved; see 'toprack ip list'") }
    return found
  }

  /// The assignments of a block, or of a reserved block; never empty.
  fileprivate func assignments(_ reference: String) async throws -> [NamedAddress] {
    let list: AddressList = try await get("/toprack/ips").decoded()
    let id = reference.lowercased()
    let elastic = list.ipAddresses.filter { !$0.management }
    let exact = elastic.filter { $0.id == id || $0.isBlock(reference) }
    let found =
      exact.isEmpty ? elastic.filter { $0.parentBlock?.id == id || $0.parentBlock?.isBlock(reference) == true } : exact
    if let first = list.ipAddresses.first(where: { $0.management && [$0.id, $0.text, $0.address].contains(id) }) {
      throw Failure.refused(
        "\(first.text) is \(first.toprack.server)'s own; it goes with a conversion to a layer-2 mode, or with the server"
      )
    }
    guard !found.isEmpty else {
      throw Failure.refused("\"\(reference)\" is assigned to no server; see 'toprack ip list'")
    }
    return found
  }
}
