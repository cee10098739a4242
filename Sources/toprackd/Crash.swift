// A crash is over at once. Swift's own backtracer starts a program that reads the process's memory and debug
// information, and holds all threads, and with them all interfaces, for some ten seconds meanwhile
// (docs/decisions/0024).

import CCrash
import Foundation

enum Crash {
  /// To be called first of all. Who has asked for Swift's backtracer, by `enable=yes` or `enable=tty` in
  /// SWIFT_BACKTRACE, gets it.
  static func install() {
    let environment = ProcessInfo.processInfo.environment
    let wanted = (environment["SWIFT_BACKTRACE"] ?? "").split(separator: ",").map { $0.lowercased() }
    if wanted.contains("enable=yes") || wanted.contains("enable=tty") { return }
    // For as long as the process lives.
    crash_install(strdup("toprackd"), environment["JOURNAL_STREAM"] == nil ? 0 : 1)
  }
}
