// `ip list | reserve | assign | unassign | release`: addresses of servers, and elastic blocks.

import ArgumentParser
import Foundation

struct IPCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ip", abstract: "Addresses of servers, and elastic blocks that outlive them.",
    subcommands: [List.self, Reserve.self, Assign.self, Unassign.self, Release.self])

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    throw ValidationError("give a command of 'toprack ip': list, reserve, assign, unassign or release")
  }
}

extension IPCommand {
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the addresses and elastic blocks of a server, or of all.",
      discussion: """
        KIND  public, private   a server's own; GATEWAY is its other end
              elastic           a block that is routed to the server
              reserved          a block that a project keeps; SERVER says who has it or parts of it

        Examples:
          toprack ip list
          toprack ip list web1
        """)

    @Argument(help: "Name or UUID; all servers when left out.") var server: String?
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/ips", ["server": server])
      try global.output.print(json: try answer.value()) {
        let list: AddressList = try answer.decoded()
        var table = Table("ADDRESS", "KIND", "SERVER", "FACILITY", "PROJECT", "GATEWAY", "ID")
        for address in list.ipAddresses {
          table.add(
            address.text, address.kind, address.toprack.server, address.facility.code, address.toprack.project,
            address.gateway ?? "-", address.id)
        }
        for block in list.ipReservations {
          let servers = block.toprack.servers.joined(separator: ", ")
          table.add(
            block.text, "reserved", servers.isEmpty ? "-" : servers, block.facility.code, block.toprack.project, "-",
            block.id)
        }
        return table.isEmpty ? "no addresses; a server in layer3 has some" : table.text
      }
    }
  }

  struct Reserve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reserve an elastic block: public IPv4 addresses that a project keeps.",
      discussion: """
        It answers once it is assigned to a server.

        Example: toprack ip reserve --size 30
        """)

    @Option(help: ArgumentHelp("29 for 8 addresses, 30 for 4, 31 for 2, 32 for one.", valueName: "length"))
    var size: Int
    @Option(help: "Facility; see 'toprack facility list'.") var facility = "ewr1"
    @Option(help: "Project, by name or UUID.") var project = "default"
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      guard (29...32).contains(size) else {
        throw Failure.refused("an elastic block cannot be a /\(size); valid are 29, 30, 31 and 32")
      }
      let client = global.client
      let project = try await client.project(project)
      let answer = try await client.post(
        "/projects/\(Client.segment(project.id))/ips",
        ["type": "public_ipv4", "quantity": 1 << (32 - size), "facility": facility])
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

    @Argument(help: "Name or UUID.") var server: String
    @Argument(help: ArgumentHelp("Block, address, or the UUID of a reservation.", valueName: "block")) var block: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let client = global.client
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

    @Argument(help: ArgumentHelp("Block, address, or UUID.", valueName: "block")) var block: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let client = global.client
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
      discussion: "Example: toprack ip release 198.18.24.0/30")

    @Argument(help: ArgumentHelp("Block, address, or the UUID of a reservation.", valueName: "block")) var block: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let client = global.client
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
