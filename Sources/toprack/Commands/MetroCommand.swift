// `metro list`.

import ArgumentParser

struct MetroCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metro", abstract: "Metropolitan areas, in which facilities lie.", subcommands: [List.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the metros.",
      discussion: "A virtual network of a metro reaches all of its facilities.\n\nExample: toprack metro list",
      aliases: ["ls"])

    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/locations/metros")
      try global.output.print(json: try answer.value("metros")) {
        var table = Table("METRO", "PLACE", "COUNTRY")
        for metro in try answer.decoded(as: MetroList.self).metros { table.add(metro.code, metro.name, metro.country) }
        return table.text
      }
    }
  }
}
