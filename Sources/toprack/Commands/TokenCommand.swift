// `token create | list | revoke`: who may use the API over TCP.

import ArgumentParser

struct TokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Tokens, which clients of the API over TCP prove their rights by.",
    subcommands: [Create.self, List.self, Revoke.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension TokenCommand {
  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a token, and print it: this once, because the rack keeps only its hash.",
      discussion: """
        Without --project it is for all of the rack, whatever $TOPRACK_PROJECT says. With it, it is for what belongs to that \
        project; nothing else exists for it.

        Examples:
          toprack token create laptop
          toprack token create monitoring --read-only
          export TOPRACK_TOKEN=$(toprack token create ci --project web --quiet)
        """)

    @Argument(help: "A name for people, unique in the rack; events say it.") var name: String
    @Option(
      help: ArgumentHelp("The one project that it is for, by name or UUID.", valueName: "project"),
      completion: .projects)
    var project: String?
    @Flag(help: "It can look at everything that it is for, and change nothing.") var readOnly = false
    @Flag(name: .shortAndLong, help: "Print the token and nothing else.") var quiet = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      var body: [String: Any] = ["name": name, "read_only": readOnly]
      if let project { body["project"] = try await client.project(project).id }
      let answer = try await client.post("/toprack/tokens", body)
      try global.output.print(json: try answer.value()) {
        let token: Token = try answer.decoded()
        guard let text = token.token else { throw Failure.refused("the API's answer has no token") }
        return quiet ? text : "\(text)\n\ntoken \(token.name) for \(token.rights); it is not shown again"
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the tokens, without their texts, which nobody has any more.",
      discussion: "Example: toprack token list", aliases: ["ls"])

    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/tokens")
      try global.output.print(json: try answer.value("tokens")) {
        var table = Table("TOKEN", "PROJECT", "ACCESS", "CREATED", "ID")
        for token in try answer.decoded(as: TokenList.self).tokens {
          table.add(
            token.name, token.scope, token.readOnly ? "read-only" : "read-write", token.createdAt,
            token.id)
        }
        return table.isEmpty ? "no tokens; 'toprack token create NAME' makes one" : table.text
      }
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a token's rights away, at once.",
      discussion: "Example: toprack token revoke laptop", aliases: ["rm", "remove", "delete"])

    @Argument(help: ArgumentHelp("Name or UUID.", valueName: "token"), completion: .tokens) var token: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await global.client.delete("/toprack/tokens/\(Client.segment(token))")
      try global.output.print(json: ["revoked": ["token": token]]) { "token \(token) revoked" }
    }
  }
}

extension Token {
  /// `(all)` is all of the rack. A project that is called so, or looks like it, stands in quotes.
  var scope: String {
    guard let name = project?.name else { return "(all)" }
    let isPlain = name.first.map { $0 != "(" && $0 != "\"" && !$0.isWhitespace } ?? false
    return isPlain ? name : "\"\(name)\""
  }

  /// "all projects, read-only"
  fileprivate var rights: String {
    (project.map { "project \($0.name)" } ?? "all projects") + (readOnly ? ", read-only" : "")
  }
}
