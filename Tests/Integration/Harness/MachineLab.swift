import Foundation
import Glibc

/// A rack with one server, and a disk for its virtual machine.
final class MachineLab {
  let lab: Lab
  let machine: Machine
  let disk: String
  static let starter =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/scripts/machine-start"

  init(settings: String? = nil) throws {
    lab = try Lab(settings: settings)
    machine = try lab.machine("web1", .layer2Individual)
    disk = "\(lab.daemon.directory)/echo.img"
    try EchoMachine.write(to: disk)
  }

  deinit { _ = try? answer("DELETE", "vm?force=true") }

  var body: String { #"{"disk": "\#(disk)", "memory": 67108864}"# }

  /// `more`: members of the body.
  @discardableResult
  func run(_ more: String = "") throws -> JSON {
    try ask("PUT", "vm", more.isEmpty ? body : body.dropLast() + ", \(more)}")
  }

  func machines() throws -> [JSON] {
    try HTTPAnswer("GET", "/toprack/vms", socket: lab.daemon.socket).json["vms"].array ?? [.null]
  }

  func status() throws -> JSON { try ask("GET", "vm") }

  func answer(_ method: String, _ what: String, _ body: String? = nil) throws -> HTTPAnswer {
    try HTTPAnswer(method, "/toprack/devices/\(machine.name)/\(what)", body: body, socket: lab.daemon.socket)
  }

  func ask(_ method: String, _ what: String, _ body: String? = nil) throws -> JSON {
    let answer = try answer(method, what, body)
    guard (200..<300).contains(answer.status) else {
      throw HarnessError("\(method) \(what): \(answer.status) \(answer.errors ?? [])")
    }
    return answer.json
  }

  func refused(_ method: String, _ what: String, _ body: String?) throws -> (Int, String) {
    let answer = try answer(method, what, body)
    return (answer.status, answer.errors?.joined(separator: "\n") ?? "no error")
  }

  func poll(_ condition: (JSON) -> Bool) throws -> Bool {
    try lab.poll(for: .seconds(40)) { condition(try status()) }
  }

  func isAlive(_ pid: Int) -> Bool {
    let status = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
    guard let end = status.lastIndex(of: ")") else { return false }
    return !status[status.index(after: end)...].hasPrefix(" Z")
  }

  func owner(of pid: Int) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("Uid:") }
    return line.flatMap { Int($0.split(separator: "\t")[1]) } ?? -1
  }

  /// Somebody who starts a machine and waits.
  func runner(_ more: String...) throws -> ChildProcess {
    try ChildProcess(
      ["\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket, "vm", "run", "web1", "--disk", disk]
        + ["--memory", "64M"] + more)
  }

  /// QEMUs of this rack, by their numbers.
  var processes: [Int] { processes(with: lab.daemon.state) }

  /// QEMUs that have `text` among their words.
  func processes(with text: String) -> [Int] {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { Int($0) } ?? []
    return numbers.filter { number in
      guard let words = try? words(of: number), words.first?.contains("qemu-system-") == true else { return false }
      return isAlive(number) && words.contains { $0.contains(text) }
    }
  }

  func words(of pid: Int) throws -> [String] {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/cmdline"))
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
      String(decoding: $0, as: UTF8.self)
    }
  }
}
