// `why`: what is wrong between two servers.

import ArgumentParser

struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Say why two servers do not reach each other, and what cures it.",
    discussion: """
      Looks at links, bonds, VLANs and their forms, stations, neighbours, the frames that were dropped in the last \
      minutes, and what is set up in the servers' namespaces; traces both directions; and listens for half a second. \
      It changes nothing. Findings come the most likely first.

      Exit status: 0 all well, 1 something is wrong, 2 the question is.

      Examples:
        toprack why web1 web2
        toprack why web1:eth1 db1:eth1
        toprack why web1 10.0.1.2
      """)

  @Argument(
    help: ArgumentHelp("A server, SERVER:PORT, or an address.", valueName: "a"), completion: .servers) var from: String
  @Argument(
    help: ArgumentHelp("The other: a server, SERVER:PORT, or an address.", valueName: "b"), completion: .servers)
  var to: String
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws {
    let answer: Answer
    do {
      answer = try await global.client.get("/toprack/why", ["from": from, "to": to])
    } catch let failure as Failure where failure.kind == .refused {
      throw Failure(kind: .usage, messages: failure.messages)
    }
    let diagnosis: DiagnosisReport = try answer.decoded()
    try global.output.print(json: try answer.value()) { diagnosis.text }
    if !diagnosis.ok { throw Failure(kind: .refused, messages: []) }
  }
}

struct DiagnosisReport: Decodable {
  struct Finding: Decodable { var cause: String, text: String, cure: String }
  var ok: Bool
  var findings: [Finding]
  var path: [String]

  var text: String {
    let lines = findings.map { "\($0.cause): \($0.text)\n  cure: \($0.cure)" }
    return ((ok ? ["nothing is wrong"] : lines) + path.map { "path: \($0)" }).joined(separator: "\n")
  }
}
