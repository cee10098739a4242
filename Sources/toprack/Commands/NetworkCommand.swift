// `network create | list | set | delete`.

import ArgumentParser

struct NetworkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network", abstract: "Virtual networks: a VLAN of a project in a facility or a metro.",
    subcommands: [Create.self, List.self, Update.self, Delete.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

/// Which network a command is about.
struct NetworkTarget: ParsableArguments {
  @Argument(help: ArgumentHelp("Number or UUID.", valueName: "N|UUID"), completion: .networks) var network: String
  @Option(help: "Facility, when the number exists in several places.", completion: .facilities) var facility: String?
  @Option(help: "Metro, when the number exists in several places.", completion: .metros) var metro: String?
  @Option(
    help: "Project, by name or UUID, when the number exists in several. (default: $TOPRACK_PROJECT, else any)",
    completion: .projects)
  var project: String?

  func validate() throws {
    if facility != nil, metro != nil { throw ValidationError("--facility and --metro exclude each other") }
  }

  func find(_ client: Client) async throws -> Network {
    var owner: Project?
    if let reference = project ?? ProjectFilter.fromEnvironment { owner = try await client.project(reference) }
    return try await client.network(network, facility: facility, metro: metro, project: owner)
  }
}

extension NetworkCommand {
  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a virtual network.",
      discussion: """
        The number is the VLAN ID on the wire. Without --vxlan it is the next free one of 1000 to 1999. A network of a \
        facility is for the servers there, one of a metro for those of all its facilities.

        Examples:
          toprack network create --vxlan 1001 --description storage
          toprack network create --vxlan 1001 --metro ny
        """)

    @Option(help: ArgumentHelp("Number, 2 to 3999.", valueName: "N")) var vxlan: Int?
    @OptionGroup var place: PlaceOption
    @OptionGroup var project: ProjectOption
    @Option(help: ArgumentHelp("A note for people.", valueName: "text")) var description: String?
    @Option(name: .customLong("tag"), help: ArgumentHelp("A tag; give one --tag for each.", valueName: "tag"))
    var tags: [String] = []
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      // In the API 0 stands for "choose one"; nobody who types it means that.
      if vxlan == 0 { throw Failure.refused("virtual network number 0 is out of range; valid are 2 to 3999") }
      let client = try global.client
      let project = try await project.project(client)
      var body: [String: Any] = [place.member.name: place.member.value]
      if let vxlan { body["vxlan"] = vxlan }
      if let description { body["description"] = description }
      if !tags.isEmpty { body["tags"] = tags }
      let answer = try await client.post("/projects/\(project.id)/virtual-networks", body)
      try global.output.print(json: try answer.value()) {
        let network: Network = try answer.decoded()
        return "virtual network \(network.vxlan) in \(network.place) created: \(network.id)"
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the virtual networks.",
      discussion: """
        PLACE    a facility, or a metro
        SERVERS  how many have it on a port

        Example: toprack network list --project web
        """, aliases: ["ls"])

    @OptionGroup var filter: ProjectFilter
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let project = try await filter.project(client)
      let path = project.map { "/projects/\($0.id)/virtual-networks" } ?? "/toprack/virtual-networks"
      let answer = try await client.get(path)
      try global.output.print(json: try answer.value("virtual_networks")) {
        var table = Table("VXLAN", "PLACE", "PROJECT", "SERVERS", "ID", "DESCRIPTION")
        for network in try answer.decoded(as: NetworkList.self).virtualNetworks {
          table.add(
            "\(network.vxlan)", network.place, network.assignedTo.name, "\(network.instances.count)", network.id,
            network.description ?? "")
        }
        return table.isEmpty ? "no virtual networks; 'toprack network create' makes one" : table.text
      }
    }
  }

  struct Update: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "set", abstract: "Change a virtual network's description and tags.",
      discussion: """
        Number, place and project are for life.

        Example: toprack network set 1001 --description storage --tag prod
        """)

    @OptionGroup var target: NetworkTarget
    @Option(help: ArgumentHelp("A note for people; an empty one is none.", valueName: "text")) var description: String?
    @Option(
      name: .customLong("tag"),
      help: ArgumentHelp("A tag, instead of those that it has; give one --tag for each.", valueName: "tag"))
    var tags: [String] = []
    @Flag(help: "Take all tags away.") var noTags = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if noTags, !tags.isEmpty { throw ValidationError("--tag and --no-tags exclude each other") }
      if description == nil, tags.isEmpty, !noTags {
        throw ValidationError("nothing to set: give --description, --tag or --no-tags")
      }
    }

    func run() async throws {
      let client = try global.client
      let network = try await target.find(client)
      var body: [String: Any] = [:]
      if let description { body["description"] = description }
      if noTags || !tags.isEmpty { body["tags"] = tags }
      let answer = try await client.put("/virtual-networks/\(network.id)", body)
      try global.output.print(json: try answer.value()) {
        "virtual network \(network.vxlan) in \(network.place) changed"
      }
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a virtual network that is on no port.",
      discussion: """
        A number that exists in several places or projects needs --facility, --metro or --project, or the UUID instead.

        Example: toprack network delete 1001
        """, aliases: ["rm", "remove"])

    @OptionGroup var target: NetworkTarget
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let found = try await target.find(client)
      try await client.delete("/virtual-networks/\(found.id)")
      let place: [String: Any] =
        found.facilityCode.map { ["facility_code": $0] } ?? ["metro_code": found.metroCode ?? ""]
      try global.output.print(
        json: ["deleted": place.merging(["id": found.id, "vxlan": found.vxlan]) { $1 }]
      ) {
        "virtual network \(found.vxlan) in \(found.place) deleted"
      }
    }
  }
}
