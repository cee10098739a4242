import Foundation

/// The command line tool, pointed at one daemon.
struct Toprack: Sendable {
  let socket: String

  /// Runs a command to its end, whatever it answers.
  func attempt(_ arguments: [String]) throws -> Finished {
    try run(["\(Daemon.binaries)/toprack", "--socket", socket] + arguments)
  }

  /// Runs a command that must succeed.
  @discardableResult
  func callAsFunction(_ arguments: String...) throws -> String {
    let finished = try attempt(arguments)
    guard finished.status == 0 else { throw CommandRefused(finished) }
    return finished.text
  }

  /// Runs a command that must succeed, with `--json`.
  func json(_ arguments: String...) throws -> JSON {
    let finished = try attempt(["--json"] + arguments)
    guard finished.status == 0 else { throw CommandRefused(finished) }
    return try JSON(finished.output)
  }
}

/// A command that should have succeeded did not.
struct CommandRefused: Error, CustomStringConvertible {
  let finished: Finished
  init(_ finished: Finished) { self.finished = finished }
  var description: String {
    "`\(finished.command.dropFirst(3).joined(separator: " "))` ended with \(finished.status): \(finished.errors)"
  }
}
