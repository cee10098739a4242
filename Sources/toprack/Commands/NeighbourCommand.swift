// `neighbour list`: ARP and neighbour discovery, as the gateway sees them.

import ArgumentParser

struct NeighbourCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neighbour", abstract: "The gateway's neighbours: which MAC address has which server's address.",
    subcommands: [List.self], aliases: ["neighbor"])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension NeighbourCommand {
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List what ARP and neighbour discovery have found of a server, or of all.",
      discussion: """
        STATE    incomplete: asked, no answer yet; reachable: answered within the
                 last half minute or so; stale: not asked since; delay, probe: is
                 being asked again; failed: does not answer
        AGE      seconds since the state was entered

        An address that nobody has sent to is not listed. An uplink's host has the name of its interface.

        Example: toprack neighbour list web1
        """, aliases: ["ls"])

    @Argument(help: "Name, PROJECT/NAME or UUID; all when left out.", completion: .servers) var server: String?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/neighbours", ["server": server])
      try global.output.print(json: try answer.value()) {
        var table = Table("SERVER", "ADDRESS", "MAC", "STATE", "AGE S")
        let neighbours: [Neighbour] = try answer.decoded()
        let labels = ServerLabels(neighbours.compactMap { row in row.server.map { ($0, row.serverId ?? "") } })
        for neighbour in neighbours {
          table.add(
            neighbour.server.map { labels.label($0, neighbour.project) } ?? neighbour.interface ?? "-",
            neighbour.address, neighbour.mac ?? "-", neighbour.state,
            "\(neighbour.ageS)")
        }
        return table.isEmpty ? "no neighbours: nothing was sent to a server yet" : table.text
      }
    }
  }
}
