// `fdb show | flush`.

import ArgumentParser

struct FDBCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fdb", abstract: "The station table: which MAC address was heard where.",
    subcommands: [Show.self, Flush.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

/// Which stations a command is about.
struct StationFilter: ParsableArguments {
  @Option(help: "Only those behind this server, by name, PROJECT/NAME or UUID.", completion: .servers)
  var server: String?
  @Option(help: ArgumentHelp("Only those of networks with this number.", valueName: "N"), completion: .networks)
  var vxlan: Int?

  var query: [String: String?] { ["server": server, "vxlan": vxlan.map(String.init)] }
}

extension FDBCommand {
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the stations.",
      discussion: """
        A station that is silent for the ageing time is forgotten. Moves counts how often it went to another port: once \
        or twice for a machine that was moved, very often for a MAC address that two machines have, or a loop.

        Examples:
          toprack fdb show --vxlan 1001
          toprack fdb show --watch=5
        """)

    @OptionGroup var filter: StationFilter
    @OptionGroup var watch: WatchOption
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      try await watch.run(global) { asLine in try await shown(client, asLine) }
    }

    private func shown(_ client: Client, _ asLine: Bool) async throws -> String {
      let answer = try await client.get("/toprack/fdb", filter.query)
      return try global.output.shown(json: try answer.value(), asLine: asLine) {
        var table = Table("FACILITY", "VXLAN", "MAC", "SERVER", "PORT", "AGE S", "MOVES")
        // A long table comes in no order.
        let stations = try answer.decoded(as: [Station].self).sorted {
          ($0.facility, $0.vxlan, $0.mac) < ($1.facility, $1.vxlan, $1.mac)
        }
        let labels = ServerLabels(stations.map { ($0.server, $0.serverId) })
        for station in stations {
          table.add(
            station.facility, "\(station.vxlan)", station.mac, labels.label(station.server, station.project),
            station.port, "\(station.ageS)", "\(station.moves)")
        }
        return table.isEmpty ? "no stations" : table.text
      }
    }
  }

  struct Flush: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Forget stations; they are learned again from their next frame.",
      discussion: "Example: toprack fdb flush --server web1")

    @OptionGroup var filter: StationFilter
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.delete("/toprack/fdb", filter.query)
      try global.output.print(json: try answer.value()) {
        let count = try answer.value("flushed") as? Int ?? 0
        return "\(count) \(count == 1 ? "station" : "stations") forgotten"
      }
    }
  }
}
