import CPcap
import Foundation
import Glibc

/// A virtual machine on a machine's two NICs: a whole Linux, with a bonding driver that the host's kernel may not have.
///
/// `scripts/guest` builds what it boots, and `toprack vm attach` joins its NICs to the machine's, as it would for a
/// user. QEMU emulates the processor: slower than KVM, and the same everywhere. Boots in some 5 s.
final class Guest: GuestShell {
  /// The folder that `scripts/guest` printed: TOPRACK_GUEST. Tests with a guest run only when it is given.
  static let image = ProcessInfo.processInfo.environment["TOPRACK_GUEST"].flatMap { $0.isEmpty ? nil : $0 }

  /// The folder that `scripts/guest-cloud` printed: TOPRACK_GUEST_CLOUD.
  static let cloudImage = ProcessInfo.processInfo.environment["TOPRACK_GUEST_CLOUD"].flatMap { $0.isEmpty ? nil : $0 }

  private let lab: Lab
  private let namespace: NetworkNamespace
  private let directory: String
  private let process: ChildProcess
  private let commands: LineSocket
  private let monitor: LineSocket

  /// `speed`: whether its NICs report one, as `vm attach` has it. `options`: more of that.
  init(in lab: Lab, on machine: Machine, speed: Bool = true, options: String...) throws {
    Orphans.sweepOnce
    self.lab = lab
    namespace = machine.namespace
    directory = "\(lab.daemon.directory)/vm-\(machine.name)"
    guard let image = Self.image else { throw HarnessError("TOPRACK_GUEST is not set") }
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let way = try Way(to: machine, in: lab, options)
    let nics = way.arguments.map { word in
      speed ? word : word.replacingOccurrences(of: ",speed=10000,duplex=full", with: "")
    }

    let emulator =
      way.opening + [
        "ip", "netns", "exec", namespace.name, "qemu-system-x86_64", "-name", machine.name, "-accel", "tcg", "-cpu",
        "max",
        "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
      ]
    let system = [
      "-kernel", "\(image)/vmlinux", "-initrd", "\(image)/initrd",
      "-append", "console=ttyS0 quiet mitigations=off panic=-1 random.trust_cpu=on",
    ]
    let devices = [
      "-serial", "file:\(directory)/console", "-qmp", "unix:\(directory)/monitor,server=on,wait=off",
      "-device", "virtio-serial-pci", "-chardev", "socket,id=cmd0,path=\(directory)/cmd0,server=on,wait=off",
      "-device", "virtserialport,chardev=cmd0,name=cmd0",
    ]
    process = try ChildProcess(emulator + system + devices + nics)
    let deadline = Deadline.after(.seconds(120))
    do {
      commands = try LineSocket(path: "\(directory)/cmd0", until: deadline)
      monitor = try LineSocket(path: "\(directory)/monitor", until: deadline)
      _ = try monitor.line(until: deadline)
      try monitor.send("{\"execute\":\"qmp_capabilities\"}")
      _ = try monitor.line(until: deadline)
      // What is written before somebody listens waits in the port: the answer comes when the machine has booted.
      _ = try Self.run("true", by: commands, until: deadline)
    } catch {
      let console = (try? String(contentsOfFile: "\(directory)/console", encoding: .utf8)) ?? ""
      throw HarnessError(
        "\(machine.name) did not boot: \(error)\n\(String(decoding: process.standardError, as: UTF8.self))\(console)")
    }
  }

  deinit {
    process.signal(SIGKILL)
    _ = process.wait(until: .after(.seconds(10)))
  }

  func attempt(_ script: String, limit: Duration) throws -> (status: Int, output: String) {
    try Self.run(script, by: commands, until: .after(limit))
  }

  /// Pulls the cable of NIC `number` out of the guest, or puts it in: the guest loses carrier, the switch does not.
  func setLink(_ number: Int, up: Bool) throws {
    try monitor.send("{\"execute\":\"set_link\",\"arguments\":{\"name\":\"nic\(number)\",\"up\":\(up)}}")
    let deadline = Deadline.after(.seconds(10))
    while true {
      let answer = try monitor.line(until: deadline)
      if answer.contains("\"return\"") { return }
      if answer.contains("\"error\"") { throw HarnessError("set_link: \(answer)") }
    }
  }

  private static func run(_ script: String, by socket: LineSocket, until deadline: Deadline) throws -> (Int, String) {
    try socket.send(Data(script.utf8).base64EncodedString())
    let head = try socket.line(until: deadline).split(separator: " ").compactMap { Int($0) }
    guard head.count == 2 else { throw HarnessError("the guest answered nonsense") }
    return (head[0], String(decoding: try socket.bytes(head[1], until: deadline), as: UTF8.self))
  }
}

/// What `toprack vm attach` says of the way from a machine's NICs to QEMU.
private struct Way {
  /// QEMU's for its NICs. The serial line is the guest's own.
  let arguments: [String]
  /// What opens the descriptors that they name, before the command behind it.
  let opening: [String]

  init(to machine: Machine, in lab: Lab, _ options: [String]) throws {
    let finished = try lab.toprack.attempt(["--json", "vm", "attach", machine.name, "--no-rom"] + options)
    guard finished.status == 0 else { throw CommandRefused(finished) }
    let answer = try JSON(finished.output)
    let words = (answer["qemu"].array ?? []).compactMap(\.string)
    arguments = stride(from: 0, to: words.count - 1, by: 2).filter { ["-netdev", "-device"].contains(words[$0]) }
      .flatMap { words[$0...($0 + 1)] }
    let files = (answer["descriptors"].object ?? [:]).compactMapValues(\.string)
    let redirections = files.map { "\($0.key)<>\($0.value)" }.joined(separator: " ")
    opening = files.isEmpty ? [] : ["bash", "-c", "exec \"$@\" \(redirections)", "bash"]
  }
}
