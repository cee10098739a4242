public import Rack

/// Something that is wrong now. `toprack status` prints it, the portal shows it where it belongs.
public struct Problem: Hashable, Sendable {
  /// What kind it is: a short name that never changes meaning, `nic-lost`, `storm`.
  public var kind: String
  /// `nil`: it concerns the rack as a whole, and only those who see all of it.
  public var server: ServerID?
  /// `nil`: the server as a whole.
  public var port: PortName?
  /// One or two sentences, which name the server and the port, and say what to do.
  public var text: String

  public init(kind: String, server: ServerID? = nil, port: PortName? = nil, text: String) {
    (self.kind, self.server, self.port, self.text) = (kind, server, port, text)
  }
}

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
