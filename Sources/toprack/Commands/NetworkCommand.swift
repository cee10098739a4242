// `network create | list | delete`.

import ArgumentParser

struct NetworkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network", abstract: "Virtual networks: a VLAN of a project in a facility.",
    subcommands: [Create.self, List.self, Delete.self])

  @OptionGroup var global: GlobalOptions

  func run() async throws { throw ValidationError("give a command of 'toprack network': create, list or delete") }
}

extension NetworkCommand {
  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a virtual network.",
      discussion: """
        The number is the VLAN ID on the wire. Without --vxlan it is the next free one of 1000 to 1999.

        Example: toprack network create --vxlan 1001 --description storage
        """)

    @Option(help: ArgumentHelp("Number, 2 to 3999.", valueName: "N")) var vxlan: Int?
    @Option(help: "Facility; see 'toprack facility list'.") var facility = "ewr1"
    @Option(help: "Project, by name or UUID.") var project = "default"
    @Option(help: ArgumentHelp("A note for people.", valueName: "text")) var description: String?
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      // In the API 0 stands for "choose one"; nobody who types it means that.
      if vxlan == 0 { throw Failure.refused("virtual network number 0 is out of range; valid are 2 to 3999") }
      let client = global.client
      let project = try await client.project(project)
      var body: [String: Any] = ["facility": facility]
      if let vxlan { body["vxlan"] = vxlan }
      if let description { body["description"] = description }
      let answer = try await client.post("/projects/\(Client.segment(project.id))/virtual-networks", body)
      try global.output.print(json: try answer.value()) {
        let network: Network = try answer.decoded()
        return "virtual network \(network.vxlan) in \(network.facilityCode) created: \(network.id)"
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the virtual networks.", discussion: "Example: toprack network list")

    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/virtual-networks")
      try global.output.print(json: try answer.value("virtual_networks")) {
        var table = Table("VXLAN", "FACILITY", "PROJECT", "SERVERS", "ID", "DESCRIPTION")
        for network in try answer.decoded(as: NetworkList.self).virtualNetworks {
          table.add(
            "\(network.vxlan)", network.facilityCode, network.assignedTo.name, "\(network.instances.count)",
            network.id, network.description ?? "")
        }
        return table.isEmpty ? "no virtual networks; 'toprack network create' makes one" : table.text
      }
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a virtual network that is on no port.",
      discussion: """
        A number that exists in several facilities or projects needs --facility or --project, or the UUID instead.

        Example: toprack network delete 1001
        """)

    @Argument(help: ArgumentHelp("Number or UUID.", valueName: "N|UUID")) var network: String
    @Option(help: "Facility, when the number exists in several.") var facility: String?
    @Option(help: "Project, by name or UUID, when the number exists in several.") var project: String?
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let client = global.client
      let found = try await client.network(network, facility: facility, project: project)
      try await client.delete("/virtual-networks/\(found.id)")
      try global.output.print(
        json: ["deleted": ["id": found.id, "vxlan": found.vxlan, "facility_code": found.facilityCode]]
      ) {
        "virtual network \(found.vxlan) in \(found.facilityCode) deleted"
      }
    }
  }
}
