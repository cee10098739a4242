// How commands fail: one line on standard error, and an exit status that a script can tell apart.

import ArgumentParser
import Foundation

/// An end without success.
struct Failure: Error {
  enum Kind: Int32 { case refused = 1, usage = 2, unreachable = 3 }

  let kind: Kind
  /// One line each.
  let messages: [String]

  static func refused(_ message: String) -> Failure { Failure(kind: .refused, messages: [message]) }
  static func unreachable(_ message: String) -> Failure { Failure(kind: .unreachable, messages: [message]) }

  /// Ends the program as `error` asks. Requests for help and version end with status 0.
  static func report(_ error: any Error) -> Never {
    if let failure = error as? Failure {
      for message in failure.messages { write("toprack: \(message)") }
      exit(failure.kind.rawValue)
    }
    if Toprack.exitCode(for: error).isSuccess {
      Output.write(Toprack.fullMessage(for: error))
      exit(0)
    }
    // The parser's first lines say what is wrong; its usage text is one --help away.
    let lines = Toprack.message(for: error).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    write("toprack: \(lines.joined(separator: " ")); see 'toprack --help'")
    exit(Kind.usage.rawValue)
  }

  private static func write(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
