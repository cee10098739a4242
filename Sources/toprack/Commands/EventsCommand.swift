// `events`: what was changed in the rack, by whom, and what is being changed now.

import ArgumentParser
import Foundation

struct EventsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events", abstract: "Show what was changed, when and by whom; the newest last.",
    discussion: """
      WHO is a user of the daemon's machine, or the name of a token.

      --follow goes on as things happen, until it is interrupted. When the daemon is restarted it waits for it, and misses \
      nothing. With --json each event is a line.

      Examples:
        toprack events --server web1
        toprack events --follow
        toprack events --follow --json | jq -r .body
      """)

  @Option(
    help: ArgumentHelp("Only those of this server, by name, PROJECT/NAME or UUID.", valueName: "server"),
    completion: .servers)
  var server: String?
  @OptionGroup var filter: ProjectFilter
  @Option(help: ArgumentHelp("How many of the past, at most 1000.", valueName: "N")) var limit = 20
  @Flag(name: .shortAndLong, help: "Go on with those that come.") var follow = false
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func validate() throws {
    guard (0...1000).contains(limit) else {
      throw ValidationError("--limit \(limit) is not valid; valid are 0 to 1000")
    }
  }

  func run() async throws {
    let client = try global.client
    let device = if let server { try await client.device(server) } else { Device?.none }
    let project = device == nil ? try await filter.project(client) : nil
    let subject = device.map { "/devices/\($0.id)" } ?? project.map { "/projects/\($0.id)" }

    /// Prints the past, oldest first. Answers the identifiers, newest first.
    func history() async throws -> [String] {
      let events = limit == 0 ? [] : try await past(client, of: subject)
      if !global.json, follow || !events.isEmpty { Output.write(EventText.heading) }
      for event in events.reversed() { try write(event) }
      return events.compactMap { $0["id"] as? String }
    }

    guard follow else {
      if try await history().isEmpty, !global.json, limit > 0 { Output.write("no events") }
      return
    }
    var printed: Set<String> = []
    try await EventFollower(client: client, notice: Failure.note).run {
      let ids = try await history()
      printed = Set(ids)
      return ids.first
    } receive: { data in
      let answer = Answer(data)
      let event: Event = try answer.decoded()
      // What happened while the past was printed comes by the stream, too.
      guard printed.remove(event.id) == nil, subject.map(event.concerns) ?? true else { return }
      try write(answer.value())
    }
  }

  /// Newest first.
  private func past(_ client: Client, of subject: String?) async throws -> [[String: Any]] {
    let answer = try await client.get((subject ?? "") + "/events", ["per_page": "\(limit)"])
    return try answer.value("events") as? [[String: Any]] ?? []
  }

  private func write(_ event: Any) throws {
    if global.json { return Output.writeUnchanged(try EventText.json(event)) }
    let data = try JSONSerialization.data(withJSONObject: event)
    Output.write(EventText.line(try Answer(data).decoded()))
  }
}
