// A toprackd with state, socket and network namespace of its own, gone with the benchmark.

import Foundation
import Glibc
import Synchronization

final class PrivateDaemon: Sendable {
  let directory: String
  var socket: String { directory + "/socket" }
  private let namespace = "toprack-bench-\(getpid())"
  private let process = Mutex<Process?>(nil)

  init() throws {
    guard geteuid() == 0 else { throw BenchFault("making interfaces needs root") }
    directory = "/var/tmp/toprack-bench-\(getpid())"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Self.run("ip", "netns", "add", namespace)
  }

  /// Starts it, and says how long it took until it answered.
  func start() async throws -> Duration {
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/toprackd"
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    child.arguments = [
      "nsenter", "--net=/run/netns/\(namespace)", program, "--state", directory + "/state", "--socket", socket,
      "--uplink", "none", "--log-level", "warning",
    ]
    let client = Client(socket: socket)
    let began = ContinuousClock.now
    try child.run()
    process.withLock { $0 = child }
    while (try? await client.read("/toprack/settings")) == nil {
      guard child.isRunning else { throw BenchFault("toprackd ended with \(child.terminationStatus)") }
      guard ContinuousClock.now - began < .seconds(120) else { throw BenchFault("toprackd does not answer") }
      try await Task.sleep(for: .milliseconds(2))
    }
    return ContinuousClock.now - began
  }

  func residentMegabytes() throws -> Double {
    let pid = process.withLock { $0?.processIdentifier ?? 0 }
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
    return (Double(line.filter(\.isNumber)) ?? 0) / 1024
  }

  func kill() {
    process.withLock { child in
      guard let child, child.isRunning else { return }
      Glibc.kill(child.processIdentifier, SIGKILL)
      child.waitUntilExit()
    }
  }

  func end() {
    kill()
    // The namespace takes the interfaces along.
    try? Self.run("ip", "netns", "delete", namespace)
    try? FileManager.default.removeItem(atPath: directory)
  }

  private static func run(_ words: String...) throws {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    child.arguments = words
    try child.run()
    child.waitUntilExit()
    guard child.terminationStatus == 0 else { throw BenchFault("\(words.joined(separator: " ")) failed") }
  }
}
