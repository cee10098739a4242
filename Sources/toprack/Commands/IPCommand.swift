// `ip`: its commands, and the list of all addresses.

import ArgumentParser

struct IPCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ip", abstract: "Addresses of servers, and elastic blocks that outlive them.",
    subcommands: [List.self, Reserve.self, Assign.self, Unassign.self, Release.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
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
        """, aliases: ["ls"])

    @Argument(help: "Name, PROJECT/NAME or UUID; all servers when left out.", completion: .servers) var server: String?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

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
}
