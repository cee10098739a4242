// `plan list`.

import ArgumentParser

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Server types.", subcommands: [List.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the plans and the network modes that each can have.", discussion: "Example: toprack plan list",
      aliases: ["ls"])

    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/plans")
      try global.output.print(json: try answer.value("plans")) {
        var table = Table("PLAN", "MODES", "MACHINE")
        for plan in try answer.decoded(as: PlanList.self).plans {
          table.add(plan.slug, plan.toprack.modes.joined(separator: ","), plan.description)
        }
        return table.text
      }
    }
  }
}
