// What people and their tools write on a server. `server create` and `server set` take the same.

import ArgumentParser

struct ServerNotes: ParsableArguments {
  @Option(help: ArgumentHelp("A note for people; an empty one is none.", valueName: "text")) var description: String?
  @Option(name: .customLong("tag"), help: ArgumentHelp("A tag; give one --tag for each.", valueName: "tag"))
  var tags: [String] = []
  @Option(
    help: ArgumentHelp(
      "File whose text the machine gets as user data when it boots; - is standard input.", valueName: "file"),
    completion: .file())
  var userdata: String?
  @Option(
    help: ArgumentHelp("A JSON object for tools, or @FILE with one in it.", valueName: "json"), completion: .file())
  var customdata: String?

  var isEmpty: Bool { description == nil && tags.isEmpty && userdata == nil && customdata == nil }

  /// The members of a request's body, of those that are given.
  func members() throws -> [String: Any] {
    var members: [String: Any] = [:]
    if let description { members["description"] = description }
    if !tags.isEmpty { members["tags"] = tags }
    if let userdata { members["userdata"] = try TextSource.read(userdata) }
    if let customdata { members["customdata"] = try TextSource.object(customdata, "--customdata") }
    return members
  }
}
