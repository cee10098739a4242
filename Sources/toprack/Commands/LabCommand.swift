// `lab`: whole labs from one file. `apply` and its like have a file of their own.

import ArgumentParser
import Foundation
import Labs
import NIOHTTP1

struct LabCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "Whole labs from one file: servers, networks, modes, and checks.",
    discussion: """
      Examples:
        toprack lab apply shop.toprack.yml
        toprack lab diff shop.toprack.yml
        toprack lab check shop
        toprack lab destroy shop
      """,
    subcommands: [
      Apply.self, Diff.self, Check.self, Destroy.self, List.self, Export.self, Save.self, Restore.self, Import.self,
      Schema.self,
    ])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension LabCommand {
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the labs.",
      discussion: """
        GENERATION  grows with each change of the lab or of something that belongs to it, whoever makes it

        Example: toprack lab list --project shop
        """, aliases: ["ls"])

    @OptionGroup var filter: ProjectFilter
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let project = try await filter.project(client)
      let answer = try await client.get("/toprack/labs", ["project": project?.id])
      try global.output.print(json: try answer.value("labs")) {
        var table = Table("NAME", "PROJECT", "GENERATION", "SERVERS", "NETWORKS", "ADDRESSES", "CHECKPOINTS", "CHANGED")
        for lab in try answer.decoded(as: LabList.self).labs {
          table.add(
            lab.name, lab.project.name, "\(lab.generation)", "\(lab.servers.count)", "\(lab.networks.count)",
            "\(lab.addresses.count)", lab.checkpoints.isEmpty ? "-" : lab.checkpoints.joined(separator: ", "),
            lab.updatedAt)
        }
        return table.isEmpty ? "no labs; 'toprack lab apply FILE' makes one" : table.text
      }
    }
  }

  struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a lab as it is now as a file; without a name, what belongs to no lab.",
      discussion: """
        What is applied from it is the same but for identifiers and addresses, which are new.

        Examples:
          toprack lab export shop > shop.toprack.yml
          toprack lab export --project shop
        """)

    @Argument(help: "Name, or PROJECT/NAME.", completion: .labs) var lab: String?
    @Option(
      help: "Project, by name or UUID. (default: $TOPRACK_PROJECT, else the only one)", completion: .projects)
    var project: String?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let query = (project ?? ProjectFilter.fromEnvironment).map { [("project", $0)] } ?? []
      let path: String
      if let lab {
        path = try LabRequests.path(named: lab, "/file", lab.contains("/") ? [] : query)
      } else {
        path = client.target("/toprack/export", Dictionary(uniqueKeysWithValues: query.map { ($0.0, .some($0.1)) }))
      }
      let answer = try await LabRequests.send(.GET, path, to: client, json: global.json)
      let text = String(decoding: answer.data, as: UTF8.self)
      try global.output.print(json: ["file": text]) { text }
    }
  }

  struct Save: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Keep the state of a lab under a name, to go back to it.",
      discussion: """
        Modes, VLANs and addresses are kept in the daemon's state, also when the lab is destroyed.

        Example: toprack lab save shop --as before-upgrade
        """)

    @Argument(help: "Name, or PROJECT/NAME.", completion: .labs) var lab: String
    @Option(
      name: .customLong("as"), help: ArgumentHelp("Name of the checkpoint. (default: the lab's)", valueName: "name"))
    var checkpoint: String?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let name = checkpoint ?? String(lab.split(separator: "/").last ?? "")
      let path = try LabRequests.path(named: lab, "/checkpoints/\(Client.segment(name))")
      let answer = try await LabRequests.send(.PUT, path, to: client, json: global.json)
      try global.output.print(json: try answer.value()) {
        "checkpoint \(name) of lab \(lab) saved; 'toprack lab restore \(lab) --from \(name)' goes back to it"
      }
    }
  }

  struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the JSON Schema of lab files, for editors.",
      discussion: """
        Editors complete and check a file whose first line names the schema:

          # yaml-language-server: $schema=lab.schema.json

        Example: toprack lab schema > lab.schema.json
        """)

    func run() throws { Output.writeUnchanged(LabSchema.json) }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a lab file that is made of another program's.",
      discussion: """
        containerlab: each node becomes a server whose NICs are in the node's namespace (clab-LAB-NODE), each link a \
        VLAN. What cannot be carried over is said on standard error.

        Example: toprack lab import --containerlab srl02.clab.yml > srl02.toprack.yml
        """)

    @Option(
      help: ArgumentHelp("Topology file of containerlab; - is standard input.", valueName: "file"),
      completion: .file(extensions: ["yml", "yaml"]))
    var containerlab: String

    func run() throws {
      let name = containerlab == "-" ? "standard input" : containerlab
      switch ContainerlabImport.read(try TextSource.read(containerlab)) {
      case .success(let (file, notes)):
        for note in notes { Failure.note(note) }
        Output.writeUnchanged(LabWriter.yaml(file))
      case .failure(let faults):
        throw LabRequests.failure(faults.faults.map { LabFaultList.Fault($0) }, file: name, json: false)
      }
    }
  }
}
