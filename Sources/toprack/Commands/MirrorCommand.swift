// `mirror add | list | remove`: copies of frames for somebody who looks.

import ArgumentParser

struct MirrorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mirror", abstract: "Mirrors: copies of a port's or a network's frames, for somebody who looks.",
    subcommands: [Add.self, List.self, Remove.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension MirrorCommand {
  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Copy the frames of a port or a virtual network to a NIC or an interface.",
      discussion: """
        A port's frames are copied as they are on the wire, each way; those of bond0 are its members'. A network's are \
        copied once, as they came in, tagged with its number. The end is a NIC outside the bond without virtual networks, \
        or an Ethernet interface of the daemon's machine; nothing comes back from there.

        Examples:
          toprack mirror add look --from web1:eth0 --to probe:eth1
          toprack mirror add web --from vxlan:1001 --filter 'tcp port 80' --to mon0
        """)

    @Argument(help: "A name for it, unique in its project.") var name: String
    @Option(help: ArgumentHelp("Whose frames.", valueName: "SERVER:PORT|vxlan:N")) var from: String
    @Option(help: ArgumentHelp("As the switch sees it: in, out or both. (default: both, of a network in)"))
    var direction: String?
    @Option(help: ArgumentHelp("Only frames that match, in the language of tcpdump.", valueName: "expression"))
    var filter: String?
    @Option(help: ArgumentHelp("Who gets them.", valueName: "SERVER:PORT|DEVICE")) var to: String
    @Option(
      help: "Project, by name or UUID, when the names exist in several. (default: $TOPRACK_PROJECT, else any)",
      completion: .projects)
    var project: String?
    @Option(help: "Facility, when the number exists in several places.", completion: .facilities) var facility: String?
    @Option(help: "Metro, when the number exists in several places.", completion: .metros) var metro: String?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if facility != nil, metro != nil { throw ValidationError("--facility and --metro exclude each other") }
    }

    func run() async throws {
      var body: [String: Any] = ["name": name, "from": from, "to": to]
      let given = [
        ("direction", direction), ("filter", filter), ("project", project ?? ProjectFilter.fromEnvironment),
        ("facility", facility), ("metro", metro),
      ]
      for case (let member, let value?) in given { body[member] = value }
      let answer = try await global.client.post("/toprack/mirrors", body)
      try global.output.print(json: try answer.value()) {
        let mirror: Mirror = try answer.decoded()
        return "mirror \(mirror.name) copies \(mirror.from) (\(mirror.direction)) to \(mirror.to)"
          + (mirror.problem.map { "\nit sends nothing now: \($0)" } ?? "")
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the mirrors, and what they have sent.",
      discussion: """
        SENT  frames that the end has taken, since the start of toprackd
        LOST  frames that found no room on the way, or that the end did not take

        Example: toprack mirror list
        """, aliases: ["ls"])

    @OptionGroup var filter: ProjectFilter
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let project = try await filter.project(client)
      let answer = try await client.get("/toprack/mirrors", ["project": project?.id])
      try global.output.print(json: try answer.value("mirrors")) {
        var table = Table("MIRROR", "FROM", "DIRECTION", "FILTER", "TO", "SENT", "LOST", "PROJECT", "PROBLEM")
        for mirror in try answer.decoded(as: MirrorList.self).mirrors {
          table.add(
            mirror.name, mirror.from, mirror.direction, mirror.filter ?? "", mirror.to, "\(mirror.sent)",
            "\(mirror.lost)", mirror.project.name, mirror.problem ?? "")
        }
        return table.isEmpty
          ? "no mirrors; 'toprack mirror add NAME --from SERVER:PORT --to SERVER:PORT' makes one" : table.text
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove a mirror.",
      discussion: "Example: toprack mirror remove look", aliases: ["rm", "delete"])

    @Argument(help: ArgumentHelp("Name or UUID.", valueName: "mirror"), completion: .mirrors) var mirror: String
    @Option(
      help: "Project, by name or UUID, when the name exists in several. (default: $TOPRACK_PROJECT, else any)",
      completion: .projects)
    var project: String?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await global.client.delete(
        "/toprack/mirrors/\(Client.segment(mirror))", ["project": project ?? ProjectFilter.fromEnvironment])
      try global.output.print(json: ["removed": ["mirror": mirror]]) { "mirror \(mirror) removed" }
    }
  }
}
