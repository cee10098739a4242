// `project list | show | create | rename | delete`: tenants.

import ArgumentParser

struct ProjectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "project", abstract: "Projects: the tenants of the rack, whose networks never meet.",
    subcommands: [List.self, Show.self, Create.self, Rename.self, Delete.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension ProjectCommand {
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the projects.", discussion: "Example: toprack project list", aliases: ["ls"])

    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/projects", ["per_page": "1000"])
      try global.output.print(json: try answer.value("projects")) {
        var table = Table("PROJECT", "SERVERS", "CREATED", "ID")
        for project in try answer.decoded(as: ProjectList.self).projects {
          table.add(project.name, "\(project.devices.count)", project.createdAt, project.id)
        }
        return table.isEmpty ? "no projects; 'toprack project create NAME' makes one" : table.text
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a project: its servers, networks and elastic blocks.",
      discussion: "Example: toprack project show default")

    @Argument(help: "Name or UUID.", completion: .projects) var project: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let id = try await client.project(project).id
      let answer = try await client.get("/projects/\(id)")
      if global.json { return try global.output.print(json: try answer.value()) { "" } }
      let project: Project = try answer.decoded()
      let devices: DeviceList = try await client.get("/toprack/devices").decoded()
      let networks: NetworkList = try await client.get("/projects/\(id)/virtual-networks").decoded()
      let addresses: AddressList = try await client.get("/toprack/ips").decoded()
      func listed(_ texts: [String]) -> String { texts.isEmpty ? "none" : texts.joined(separator: ", ") }
      Output.write(
        Table.facts([
          ("project", project.name), ("id", project.id), ("created", project.createdAt),
          ("servers", listed(devices.devices.filter { $0.project.id == id }.map(\.hostname))),
          ("networks", listed(networks.virtualNetworks.map { "\($0.vxlan) in \($0.place)" })),
          ("blocks", listed(addresses.ipReservations.filter { $0.toprack.projectId == id }.map(\.text))),
        ]))
    }
  }

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a project.",
      discussion: """
        Where several projects have a name, commands take their UUIDs.

        Example: toprack project create web
        """)

    @Argument(help: "1 to 80 characters; another project may have it, too.") var name: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.post("/projects", ["name": name])
      try global.output.print(json: try answer.value()) {
        let project: Project = try answer.decoded()
        return "project \(project.name) created: \(project.id)"
      }
    }
  }

  struct Rename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Give a project another name.",
      discussion: "Its tokens and all that it has stay.\n\nExample: toprack project rename web shop")

    @Argument(help: "Name or UUID.", completion: .projects) var project: String
    @Argument(help: "1 to 80 characters; another project may have it, too.") var name: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let old = try await client.project(project)
      let answer = try await client.put("/projects/\(old.id)", ["name": name])
      try global.output.print(json: try answer.value()) { "project \(old.name) is \(name) now" }
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a project that has no servers, networks, elastic blocks and tokens any more.",
      discussion: "Example: toprack project delete web", aliases: ["rm", "remove"])

    @Argument(help: "Name or UUID.", completion: .projects) var project: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let found = try await client.project(project)
      try await client.delete("/projects/\(found.id)")
      try global.output.print(json: ["deleted": ["id": found.id, "name": found.name]]) {
        "project \(found.name) deleted"
      }
    }
  }
}
