// `facility`: the datacenters.

import ArgumentParser

struct FacilityCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "facility", abstract: "Datacenters.", subcommands: [List.self, Fail.self, Heal.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the facilities.",
      discussion: "A virtual network never leaves its facility, or its metro.\n\nExample: toprack facility list",
      aliases: ["ls"])

    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/facilities")
      try global.output.print(json: try answer.value("facilities")) {
        var table = Table("FACILITY", "METRO", "PLACE")
        for facility in try answer.decoded(as: FacilityList.self).facilities {
          table.add(facility.code, facility.metro?.code ?? "-", facility.name)
        }
        return table.text
      }
    }
  }
}
