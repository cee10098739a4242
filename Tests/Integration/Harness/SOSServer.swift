import Foundation
import Glibc

/// `scripts/sos` beside a lab's daemon: Debian's sshd for the consoles, and clients of it.
final class SOSServer {
  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  let port: Int
  private let lab: Lab
  private let process: ChildProcess

  /// Returns when it listens.
  init(_ lab: Lab) throws {
    self.lab = lab
    port = Int.random(in: 20_000..<30_000)
    process = try ChildProcess(
      ["\(Self.repository)/scripts/sos", "--state", lab.daemon.state, "--listen", "127.0.0.1:\(port)"])
    let deadline = Deadline.after(.seconds(60))
    while !log.contains("Server listening on 127.0.0.1 port \(port)") {
      guard !process.hasExited, !deadline.hasPassed else { throw HarnessError("sshd is not there:\n\(log)") }
    }
  }

  deinit { process.signal(SIGTERM) }

  var log: String { String(decoding: process.standardError, as: UTF8.self) }

  /// Runs the script with arguments that it refuses.
  static func refused(_ arguments: [String]) throws -> Finished {
    try run(["\(repository)/scripts/sos"] + arguments, limit: .seconds(20))
  }

  /// A new key of the name `label`: the path of its private half. Its public one is beside it, `.pub`.
  func key(_ label: String, kind: String = "ed25519") throws -> String {
    let path = "\(lab.daemon.directory)/\(label)"
    let made = try run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", label, "-f", path], limit: .seconds(60))
    guard made.status == 0 else { throw HarnessError("ssh-keygen: \(made.errors)") }
    return path
  }

  /// The words of an SSH client.
  func command(_ program: String = "ssh", key: String, _ options: [String] = []) -> [String] {
    [program, program == "ssh" ? "-p" : "-P", "\(port)", "-i", key]
      + [
        "BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR", "ConnectTimeout=20",
      ].flatMap { ["-o", $0] } + options
  }

  /// Somebody at a terminal.
  func session(_ login: String, key: String, size: (rows: Int, columns: Int)? = (24, 80)) throws -> ConsoleClient {
    try ConsoleClient(
      command(key: key, [size == nil ? "-T" : "-tt", "\(login)@127.0.0.1"]), size: size)
  }

  /// One who only knocks, and must not get in.
  func knock(_ login: String, key: String) throws -> Finished {
    try run(command(key: key, ["-T", "\(login)@127.0.0.1"]), limit: .seconds(60))
  }
}
