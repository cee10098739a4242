// `user`: who one is for the API.

import ArgumentParser

struct UserCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user", abstract: "Show who you are for the API, and which projects you see.",
    discussion: "A quick test of --url, --token and --ca-cert.\n\nExample: toprack user --url https://rack1:8443")

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws {
    let client = try global.client
    let answer = try await client.get("/user")
    if global.json { return try global.output.print(json: try answer.value()) { "" } }
    let user: User = try answer.decoded()
    let projects = try await client.projects().map(\.name)
    Output.write(
      Table.facts([
        ("user", user.fullName), ("id", user.id),
        ("projects", projects.isEmpty ? "none" : projects.joined(separator: ", ")),
      ]))
  }
}
