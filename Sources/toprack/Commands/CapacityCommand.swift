// `capacity`: where there is room for servers.

import ArgumentParser
import Foundation

struct CapacityCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capacity", abstract: "Show where there is room for another server of each plan.",
    discussion: "Example: toprack capacity --facility ewr1")

  @Option(help: ArgumentHelp("Only this facility.", valueName: "facility"), completion: .facilities)
  var facility: String?
  @Option(help: ArgumentHelp("Only this plan.", valueName: "plan"), completion: .plans) var plan: String?
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws {
    let answer = try await global.client.get("/capacity")
    try global.output.print(json: try answer.value("capacity")) {
      var table = Table("FACILITY", "PLAN", "LEVEL")
      let capacity = try answer.decoded(as: Capacity.self).capacity
      for (place, plans) in capacity.sorted(by: { $0.key < $1.key }) where facility == nil || place == facility {
        for (slug, level) in plans.sorted(by: { $0.key < $1.key }) where plan == nil || slug == plan {
          table.add(place, slug, level.level)
        }
      }
      return table.isEmpty ? "no capacity is known of that facility and plan" : table.text
    }
  }
}
