// `server`: its commands, and `server list | show | delete`.

import ArgumentParser

struct ServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server", abstract: "Servers: two NICs each, on the host or in a network namespace.",
    discussion: """
      A project has each name once. Where servers of several projects have one name, commands take PROJECT/NAME or a UUID.
      """,
    subcommands: [
      Create.self, List.self, Show.self, Update.self, Delete.self, Mode.self, Power.self, Reboot.self,
      Repair.self, NetworkConfiguration.self, Shell.self,
    ])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension ServerCommand {
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the servers.",
      discussion: """
        Examples:
          toprack server list --tag ci
          toprack server list --json
        """, aliases: ["ls"])

    @OptionGroup var filter: ProjectFilter
    @Option(help: ArgumentHelp("Only those with this tag.", valueName: "tag")) var tag: String?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let project = try await filter.project(client)
      let answer = try await client.get("/toprack/devices", ["tag": tag])
      // The list of all projects is without pages; the project's own has them.
      func isWanted(_ id: String?) -> Bool { project == nil || id == project?.id }
      try global.output.print(
        json: (try answer.value("devices") as? [[String: Any]] ?? []).filter {
          isWanted(($0["project"] as? [String: Any])?["id"] as? String)
        }
      ) {
        var table = Table("SERVER", "MODE", "POWER", "PLAN", "FACILITY", "PROJECT", "NICS")
        for device in try answer.decoded(as: DeviceList.self).devices where isWanted(device.project.id) {
          table.add(
            device.hostname, device.toprack.mode, device.power, device.plan.slug, device.facility.code,
            device.project.name, device.place)
        }
        if !table.isEmpty { return table.text }
        return tag == nil && project == nil
          ? "no servers; 'toprack server create NAME' makes one" : "no servers of that project or with that tag"
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a server: mode, power, addresses, ports, and what is written on it.",
      discussion: "Example: toprack server show web1")

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/devices/\(Client.segment(server))")
      try global.output.print(json: try answer.value()) { try ServerText.facts(answer.decoded()) }
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a server and its NICs.",
      discussion: """
        Its virtual networks are detached and its addresses freed. A namespace that was made for it goes too; one that \
        existed before stays. A locked server has to be unlocked first: 'toprack server set NAME --unlock'.

        Example: toprack server delete web1
        """, aliases: ["rm", "remove"])

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let device = try await client.device(server)
      try await client.delete("/devices/\(device.id)")
      try global.output.print(json: ["deleted": ["id": device.id, "hostname": device.hostname]]) {
        "\(device.hostname) deleted"
      }
    }
  }
}
