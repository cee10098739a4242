// `ssh-key add | list | show | remove`: keys that go onto new servers and open consoles.

import ArgumentParser
import Rack

struct SSHKeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ssh-key", abstract: "SSH keys: they go onto new servers, and open the consoles of all.",
    subcommands: [Add.self, List.self, Show.self, Remove.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw ValidationError("give a command of 'toprack ssh-key': add, list, show or remove") }
}

/// Which key a command is about.
struct SSHKeyTarget: ParsableArguments {
  @Argument(help: ArgumentHelp("Name, UUID or fingerprint.", valueName: "key"), completion: .sshKeys) var key: String
  @Option(
    help: "Project, by name or UUID, when several keys have the name. (default: $TOPRACK_PROJECT, else any)",
    completion: .projects)
  var project: String?

  func find(_ client: Client) async throws -> SSHKey {
    var owner: Project?
    if let reference = project ?? ProjectFilter.fromEnvironment { owner = try await client.project(reference) }
    return try await client.sshKey(key, project: owner)
  }
}

extension SSHKeyCommand {
  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a public key.",
      discussion: """
        With --project it is a key of that project, for its servers alone. Without, it is the rack's user's, for \
        servers of all projects; with the token of a project it is that project's.

        New servers get all keys of their project and of the user. Servers that are there already get it with \
        --to-servers; their consoles open to it at once.

        Examples:
          toprack ssh-key add laptop ~/.ssh/id_ed25519.pub
          toprack ssh-key add ci - --project shop < ci.pub
        """)

    @Argument(help: "A name for people, 1 to 80 characters.") var name: String
    @Argument(
      help: ArgumentHelp("File with the key, which ends in .pub; - is standard input.", valueName: "file"),
      completion: .file(extensions: ["pub"]))
    var file: String
    @Option(
      help: ArgumentHelp(
        "Project, by name or UUID. (default: $TOPRACK_PROJECT, else none: a key for all projects)", valueName: "project"
      ),
      completion: .projects)
    var project: String?
    @Option(name: .customLong("tag"), help: ArgumentHelp("A tag; give one --tag for each.", valueName: "tag"))
    var tags: [String] = []
    @Flag(help: "Also for the servers that are there already; the machines learn of it by their metadata.")
    var toServers = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let text = try TextSource.read(file, limit: SSHPublicKey.limit)
      // It is nobody else's business, and so it is not even sent.
      if SSHPublicKey.isPrivate(text) {
        let name = file == "-" ? "standard input" : file
        throw Failure.refused(
          "\(name) has a private key, which was not sent anywhere: give the public one, which ends in .pub")
      }
      let client = try global.client
      var path = "/ssh-keys"
      if let reference = project ?? ProjectFilter.fromEnvironment {
        path = "/projects/\(try await client.project(reference).id)/ssh-keys"
      }
      var body: [String: Any] = ["label": name, "key": text]
      if !tags.isEmpty { body["tags"] = tags }
      if toServers { body["instances_ids"] = [String]() }
      let answer = try await client.post(path, body)
      try global.output.print(json: try answer.value()) {
        let key: SSHKey = try answer.decoded()
        return "SSH key \(key.label) added for \(key.servers): \(key.id)\n\(key.toprack.sha256)"
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the SSH keys.",
      discussion: """
        PROJECT  whose servers it is for: "all" for a key of the rack's user

        Example: toprack ssh-key list --project shop
        """, aliases: ["ls"])

    @OptionGroup var filter: ProjectFilter
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let project = try await filter.project(client)
      let answer = try await client.get(project.map { "/projects/\($0.id)/ssh-keys" } ?? "/toprack/ssh-keys")
      try global.output.print(json: try answer.value("ssh_keys")) {
        var table = Table("NAME", "PROJECT", "TYPE", "BITS", "FINGERPRINT", "ADDED", "ID")
        for key in try answer.decoded(as: SSHKeyList.self).sshKeys {
          table.add(
            key.label, key.toprack.project ?? "all", key.toprack.type, "\(key.toprack.bits)", key.toprack.sha256,
            key.createdAt, key.id)
        }
        return table.isEmpty ? "no SSH keys; 'toprack ssh-key add NAME FILE' adds one" : table.text
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show an SSH key.", discussion: "Example: toprack ssh-key show laptop")

    @OptionGroup var target: SSHKeyTarget
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let answer = try await client.get("/ssh-keys/\(try await target.find(client).id)")
      try global.output.print(json: try answer.value()) {
        let key: SSHKey = try answer.decoded()
        var facts = [
          ("key", key.label), ("id", key.id), ("for", key.servers),
          ("type", "\(key.toprack.type), \(key.toprack.bits) bits"), ("fingerprint", key.toprack.sha256),
          ("MD5", key.fingerprint), ("added", key.createdAt),
        ]
        if key.updatedAt != key.createdAt { facts.append(("changed", key.updatedAt)) }
        if !key.tags.isEmpty { facts.append(("tags", key.tags.joined(separator: ", "))) }
        let line = key.key.split(whereSeparator: \.isNewline).joined(separator: " ")
        return Table.facts(facts) + "\n\(line)"
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove an SSH key.",
      discussion: """
        It opens no console any more. A machine that has read it at its first boot lets it in until it is removed \
        there, too.

        Example: toprack ssh-key remove laptop
        """, aliases: ["rm", "delete"])

    @OptionGroup var target: SSHKeyTarget
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let key = try await target.find(client)
      try await client.delete("/ssh-keys/\(key.id)")
      try global.output.print(json: ["removed": ["id": key.id, "label": key.label]]) { "SSH key \(key.label) removed" }
    }
  }
}

extension SSHKey {
  /// "servers of shop"
  fileprivate var servers: String { toprack.project.map { "servers of \($0)" } ?? "servers of all projects" }
}
