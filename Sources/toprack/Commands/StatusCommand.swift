// `status`: the daemon as a whole.

import ArgumentParser

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how the daemon is, what it holds, and what is wrong.",
    discussion: """
      Problems are NICs that the rack should have and the host does not give, for example because another interface has \
      the name.

      Example: toprack status
      """)

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws {
    let answer = try await global.client.get("/toprack/status")
    try global.output.print(json: try answer.value()) {
      let status: RackStatus = try answer.decoded()
      var facts = [
        ("version", status.version), ("rack", status.rackId), ("running since", status.startedAt),
        (
          "at start", "\(status.start.adopted) NICs adopted, \(status.start.made) made, \(status.start.removed) removed"
        ),
        ("servers", "\(status.servers)"), ("networks", "\(status.networks)"),
        (
          "stations",
          "\(status.stations) of at most \(status.stationLimit); \(status.stationsEvicted) evicted, "
            + "\(status.stationsRefused) refused, \(status.stationMoves) moves"
        ),
        ("storm limit", status.stormLimit == 0 ? "none" : "\(status.stormLimit) floods a second from a NIC"),
        ("aging", "\(status.agingSeconds) s"), ("LACP rate", status.lacpRate), ("workers", "\(status.workers)"),
        ("I/O", status.io),
      ]
      facts += status.problems.isEmpty ? [("problems", "none")] : status.problems.map { ("problem", $0) }
      return Table.facts(facts)
    }
  }
}
