// `lacp show`: what the switch and its partner say to each other on the links of each bond.

import ArgumentParser

struct LACPCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lacp", abstract: "Bonds as LACP sees them: partners, states, and what is wrong.",
    subcommands: [Show.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension LACPCommand {
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the links of a server's bond, or of all.",
      discussion: """
        CARRIES  in: its frames are taken; out: frames are sent by it;
                 alone: it carries by itself, as no LACP partner is in sync
        MUX      DETACHED, WAITING, ATTACHED or COLLECTING_DISTRIBUTING
        PARTNER  the partner's system; KEY, NUMBER: its key, and its number
                 for the link
        STATE    what the partner says of itself: A activity, T short timeout,
                 G aggregation, S synchronization, C collecting,
                 D distributing, F defaulted, E expired
        IN, OUT  LACPDUs received, sent
        HEARD    time since the last one was received

        A link that does not do its part has a line below the table that says why.

        Examples:
          toprack lacp show web1
          toprack lacp show --json
          toprack lacp show web1 --watch
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID; all servers when left out.", completion: .servers) var server: String?
    @OptionGroup var watch: WatchOption
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      try await watch.run(global) { asLine in
        let answer = try await client.get("/toprack/lacp", ["server": server])
        return try global.output.shown(json: try answer.value(), asLine: asLine) {
          let members: [LACPMember] = try answer.decoded()
          guard members.isEmpty else { return LACPText.blocks(members) }
          return server.map { "\($0) has no NIC in a bond" } ?? "no server has a NIC in a bond"
        }
      }
    }
  }
}
