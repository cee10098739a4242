// How commands fail: one line on standard error, and an exit status that a script can tell apart.

import ArgumentParser
import Foundation
import Rack

/// An end without success.
struct Failure: Error {
  enum Kind: Int32 {
    case refused = 1, usage = 2, unreachable = 3
    /// Of labs: there is, or was, something to do (--detailed-exitcode).
    case pending = 4
    /// It is applied, and a check failed.
    case unproven = 5
  }

  let kind: Kind
  /// One line each.
  let messages: [String]
  /// They begin with the place in a file, as editors and CI know it: FILE:LINE:COLUMN.
  var isPlaced = false

  static func refused(_ message: String) -> Failure { Failure(kind: .refused, messages: [message]) }
  static func usage(_ message: String) -> Failure { Failure(kind: .usage, messages: [message]) }
  /// A group's name alone.
  static func missingCommand(of group: any ParsableCommand.Type) -> Failure {
    let name = "toprack \(group._commandName)"
    let commands = group.configuration.subcommands.map { $0._commandName }.joined(separator: ", ")
    return usage("give a command of '\(name)': \(commands); see '\(name) --help'")
  }
  static func unreachable(_ message: String) -> Failure { Failure(kind: .unreachable, messages: [message]) }

  /// Ends the program as `error` asks. Requests for help and version end with status 0.
  static func report(_ error: any Error) -> Never {
    if let failure = error as? Failure {
      for message in failure.messages { write(failure.isPlaced ? message : "toprack: \(message)") }
      exit(failure.kind.rawValue)
    }
    if Toprack.exitCode(for: error).isSuccess {
      Output.write(Toprack.fullMessage(for: error))
      exit(0)
    }
    // The parser's message says what is wrong, and the usage line that it would add names the command.
    let lines = Toprack.message(for: error).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    guard Toprack.exitCode(for: error) == .validationFailure else {
      // What no command has expected; it says what it is as well as it can.
      write("toprack: \(lines.joined(separator: " "))")
      exit(Kind.refused.rawValue)
    }
    let whole = Toprack.fullMessage(for: error)
    let command = whole.firstMatch(of: /Usage: (toprack(?: [a-z][a-z-]*)*)/)?.output.1 ?? "toprack"
    var message = lines.joined(separator: " ")
    // What the value has to be, unless the message lists it: "Help:  <name>  Hostname, unique in its project."
    if !message.contains("Please provide"), let help = whole.firstMatch(of: /Help:  .*?>  ([^\n]+)/)?.output.1 {
      message += ": \(help)"
    }
    if message.hasSuffix(".") { message.removeLast() }
    write("toprack: \(message); see '\(command) --help'")
    exit(Kind.usage.rawValue)
  }

  /// Says something on standard error that is no failure.
  static func note(_ message: String) { write("toprack: \(message)") }

  private static func write(_ line: String) {
    FileHandle.standardError.write(Data((line.visible + "\n").utf8))
  }
}
