// `os list`.

import ArgumentParser

struct OSCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "os", abstract: "Operating systems that a server can be said to have.", subcommands: [List.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the operating systems.",
      discussion: """
        A server's is a note for clients and for the metadata service: nothing is installed.

        Example: toprack os list
        """, aliases: ["ls"])

    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/operating-systems")
      try global.output.print(json: try answer.value("operating_systems")) {
        var table = Table("OS", "NAME")
        for system in try answer.decoded(as: OperatingSystemList.self).operatingSystems {
          table.add(system.slug, system.name)
        }
        return table.text
      }
    }
  }
}
