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
    let capacity = try answer.decoded(as: Capacity.self).capacity
    try Self.mustExist(facility, "facility", among: Array(capacity.keys))
    try Self.mustExist(plan, "plan", among: capacity.values.flatMap(\.keys))
    func isWanted(_ place: String) -> Bool { facility == nil || place == facility }
    let all = try answer.value("capacity") as? [String: [String: Any]] ?? [:]
    try global.output.print(
      json: all.filter { isWanted($0.key) }.mapValues { $0.filter { plan == nil || $0.key == plan } }
    ) {
      var table = Table("FACILITY", "PLAN", "LEVEL")
      for (place, plans) in capacity.sorted(by: { $0.key < $1.key }) where isWanted(place) {
        for (slug, level) in plans.sorted(by: { $0.key < $1.key }) where plan == nil || slug == plan {
          table.add(place, slug, level.level)
        }
      }
      return table.isEmpty ? "the plan is not in that facility" : table.text
    }
  }

  private static func mustExist(_ name: String?, _ what: String, among names: [String]) throws {
    guard let name, !names.contains(name) else { return }
    throw Failure.refused(
      "\(what) \"\(name)\" does not exist; valid are \(Set(names).sorted().joined(separator: ", "))")
  }
}
