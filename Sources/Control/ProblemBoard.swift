import Rack

/// The problems that were found while the daemon runs, until they are over. One of a kind at a place: what is raised
/// again takes the place of what was there.
///
/// ## Threads
/// Belongs to `Control`.
struct ProblemBoard {
  private struct Key: Hashable {
    var kind: String
    var server: ServerID?
    var port: PortName?
  }

  private var problems: [Key: Problem] = [:]

  var all: [Problem] { Array(problems.values) }

  func contains(kind: String, server: ServerID? = nil, port: PortName? = nil) -> Bool {
    problems[Key(kind: kind, server: server, port: port)] != nil
  }

  /// True: there was none of its kind at its place.
  @discardableResult
  mutating func raise(_ problem: Problem) -> Bool {
    let key = Key(kind: problem.kind, server: problem.server, port: problem.port)
    return problems.updateValue(problem, forKey: key) == nil
  }

  /// The problem that is over; `nil`: there was none.
  @discardableResult
  mutating func clear(kind: String, server: ServerID? = nil, port: PortName? = nil) -> Problem? {
    problems.removeValue(forKey: Key(kind: kind, server: server, port: port))
  }

  /// The server is gone, and its problems with it.
  mutating func clearAll(of server: ServerID) { problems = problems.filter { $0.key.server != server } }
}
