// `drops`: the last frames that went no further, why, and what to change.

import ArgumentParser
import Foundation

struct DropsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drops", abstract: "Show the last frames that the switch dropped, why, and what to change.",
    discussion: """
      The switch keeps the last 4096 drops of each of its threads, with their first 96 bytes. Direction is the switch's \
      view: in from the server, out to it. docs/drops.md has all reasons.

      --follow goes on as frames are dropped, until it is interrupted; it misses none, and says how many were \
      overwritten before they could be told. With --json each is a line then.

      Examples:
        toprack drops
        toprack drops web1:eth0 --follow
        toprack drops --reason vlan-not-allowed --json | jq -r .[].advice
      """)

  @Argument(
    help: ArgumentHelp(
      "Only those of this server, or of its port: SERVER or SERVER:PORT; bond0 means both of its members.",
      valueName: "server[:port]"),
    completion: .servers)
  var target: String?
  @Option(help: ArgumentHelp("Only those with this reason, as untagged-not-allowed.", valueName: "reason"))
  var reason: String?
  @Option(help: ArgumentHelp("How many of the past, at most 5000.", valueName: "N")) var limit = 100
  @Flag(name: .shortAndLong, help: "Go on with those that come.") var follow = false
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func validate() throws {
    guard (0...5000).contains(limit) else {
      throw ValidationError("--limit \(limit) is not valid; valid are 0 to 5000")
    }
  }

  func run() async throws {
    let client = try global.client
    let (server, port) = Self.parts(of: target)
    let query = ["server": server, "port": port, "reason": reason]
    let answer = try await client.get(
      "/toprack/drops", query.merging(["limit": "\(limit)"]) { $1 })
    let past: Past = try answer.decoded()
    guard follow else {
      let table = DropText()
      return try global.output.print(json: try answer.value("drops")) {
        past.drops.isEmpty
          ? "no drops" : ([DropText.heading] + past.drops.flatMap(table.lines)).joined(separator: "\n")
      }
    }
    let table = DropText()
    if !global.json { Output.write(DropText.heading) }
    let objects = try answer.value("drops") as? [Any] ?? []
    for (drop, object) in zip(past.drops, objects) { try write(drop, object, table) }
    let follower = EventFollower(
      client: client, notice: Failure.note, path: Self.path(query, after: past.next), things: "drops")
    try await follower.run {
      past.next
    } receive: { data in
      let answer = Answer(data)
      if let count = (try answer.value() as? [String: Any])?["overwritten"] as? Int {
        return Failure.note("\(count) \(count == 1 ? "drop was" : "drops were") overwritten before they could be told")
      }
      try write(try answer.decoded(), try answer.value(), table)
    }
  }

  /// A port's name has no colon, and neither has a hostname; a project's name may.
  static func parts(of target: String?) -> (server: String?, port: String?) {
    guard let target, let colon = target.lastIndex(of: ":") else { return (target, nil) }
    let port = String(target[target.index(after: colon)...])
    guard !port.contains("/"), !port.isEmpty else { return (target, nil) }
    return (String(target[..<colon]), port)
  }

  private static func path(_ query: [String: String?], after: String) -> String {
    let items = query.merging(["after": after]) { $1 }.sorted { $0.key < $1.key }.compactMap { name, value in
      value.map { "\(name)=\(Client.segment($0))" }
    }
    return "/toprack/drops/stream?" + items.joined(separator: "&")
  }

  private func write(_ drop: Drop, _ object: Any, _ table: DropText) throws {
    if global.json { return Output.writeUnchanged(try EventText.json(object)) }
    Output.write(table.lines(drop).joined(separator: "\n"))
  }

  private struct Past: Decodable {
    let drops: [Drop]
    let next: String
  }
}
