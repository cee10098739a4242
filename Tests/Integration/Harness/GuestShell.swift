import Foundation

/// A shell in a virtual machine, however it is reached.
protocol GuestShell: AnyObject {
  /// Runs a shell script in the guest, whatever becomes of it.
  func attempt(_ script: String, limit: Duration) throws -> (status: Int, output: String)
}

extension GuestShell {
  func attempt(_ script: String) throws -> (status: Int, output: String) {
    try attempt(script, limit: .seconds(60))
  }

  /// Runs a shell script in the guest, which must succeed, and returns what it printed.
  @discardableResult
  func run(_ script: String, limit: Duration = .seconds(60)) throws -> String {
    let (status, output) = try attempt(script, limit: limit)
    guard status == 0 else { throw HarnessError("in the guest, `\(script)` ended with \(status): \(output)") }
    return output
  }
}

/// The guest of `scripts/guest` by its server's console, where its init has a shell: what somebody types at `toprack
/// console`.
final class ConsoleShell: GuestShell {
  private let lab: Lab
  private let server: String
  private var client: ConsoleClient
  private var number = 0

  /// Waits until the guest has booted.
  init(in lab: Lab, _ server: String) throws {
    (self.lab, self.server) = (lab, server)
    client = try lab.console(server, "--take", size: nil)
    try client.wait(for: "GUEST-READY", until: .after(.seconds(180)))
  }

  /// The daemon was away, and with it the connection. What the guest said meanwhile is passed over.
  func reconnect() throws {
    client.kill()
    client = try lab.console(server, "--take", "--no-replay", size: nil)
  }

  /// The terminal takes lines of 4095 characters, so a script has some 2900. What it prints comes in base64 between two
  /// marks that the line itself, which is echoed, does not have.
  func attempt(_ script: String, limit: Duration) throws -> (status: Int, output: String) {
    number += 1
    let text = Data(script.utf8).base64EncodedString()
    try client.type(
      "echo \(text) | base64 -d >/tmp/c; sh /tmp/c </dev/null >/tmp/o 2>&1; "
        + "echo '<'\"<\(number) $? $(base64 /tmp/o | tr -d '\\n') \(number)>\"'>'\n")
    let deadline = Deadline.after(limit)
    try client.wait(for: "<<\(number) ", until: deadline)
    let answer = try client.wait(for: " \(number)>>", until: deadline)
    let words = answer.dropLast(" \(number)>>".count).split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2, let status = Int(words[0]), let output = Data(base64Encoded: String(words[1])) else {
      throw HarnessError("the guest answered nonsense: \(answer)")
    }
    return (status, String(decoding: output, as: UTF8.self))
  }
}
