import CPcap
import Foundation
import Glibc

/// A private `toprackd`: its state, socket and log are in a temporary directory that goes with it.
///
/// Start is over when the daemon says `READY=1` on the notify socket (sd_notify(3)), as systemd would see it.
final class Daemon {
  /// Where `toprackd` and `toprack` are: TOPRACK_BIN_DIR, else the folder in which this test bundle was built.
  static let binaries: String = {
    if let folder = ProcessInfo.processInfo.environment["TOPRACK_BIN_DIR"], !folder.isEmpty { return folder }
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().path
  }()

  /// TOPRACK_WORKERS: how many threads forward, where a test does not say so itself. As many as toprackd likes, else.
  private static let workers: [String] = {
    let count = ProcessInfo.processInfo.environment["TOPRACK_WORKERS"] ?? ""
    return count.isEmpty ? [] : ["--workers", count]
  }()

  let directory: String
  var state: String { "\(directory)/state" }
  var socket: String { "\(directory)/toprack.sock" }
  var notifySocket: String { "\(directory)/notify" }
  private let settings: String?
  private let options: [String]
  private let host: NetworkNamespace?
  private let launcher: [String]
  private var process: ChildProcess?
  private var listener: DatagramListener?

  /// `settings`: the text of a configuration file, for what has no option on the command line. `host`: the namespace
  /// that is the daemon's host, with the default uplink in it; nil: the machine's own, which gets none. `options`: more
  /// of its command line. `launcher`: a program that becomes the daemon, whose command line is behind it.
  init(
    settings: String? = nil, host: NetworkNamespace? = nil, options: [String] = [], launcher: [String] = []
  ) throws {
    var path = Array("/tmp/toprack-test-\(getpid())-XXXXXX".utf8CString)
    guard mkdtemp(&path) != nil else {
      throw HarnessError("no temporary directory: \(String(cString: strerror(errno)))")
    }
    directory = String(cString: &path)
    self.settings = settings
    self.options = options
    self.launcher = launcher
    self.host = host
  }

  deinit {
    process?.signal(SIGTERM)
    if process?.wait(until: .after(.seconds(10))) == nil { process?.signal(SIGKILL) }
    try? FileManager.default.removeItem(atPath: directory)
  }

  var pid: pid_t? { process?.pid }
  var isRunning: Bool { process.map { !$0.hasExited } ?? false }
  var log: String { process.map { String(decoding: $0.standardError, as: UTF8.self) } ?? "" }

  /// Starts the daemon and returns when it is ready. Throws with its log when it ends instead.
  ///
  /// - Parameter extra: more of its environment.
  func start(environment extra: [String: String] = [:]) throws {
    precondition(!isRunning)
    // The one before takes the path away when it ends.
    self.listener = nil
    let listener = try DatagramListener(path: notifySocket)
    self.listener = listener
    let child = try ChildProcess(command, environment: ["NOTIFY_SOCKET": notifySocket].merging(extra) { $1 })
    process = child
    let deadline = Deadline.after(.seconds(60))
    while true {
      if let message = listener.next(until: .after(.milliseconds(50))) {
        if message.split(separator: "\n").contains("READY=1") { return }
      } else if child.hasExited {
        throw HarnessError("toprackd ended with \(child.wait(until: deadline) ?? -1) before it was ready:\n\(log)")
      } else if deadline.hasPassed {
        throw HarnessError("toprackd was not ready after 60 s:\n\(log)")
      }
    }
  }

  /// Whether the daemon says `line` to its service manager; what else it says is passed over.
  func hears(_ line: String, until deadline: Deadline) throws -> Bool {
    while let message = listener?.next(until: deadline) {
      if message.split(separator: "\n").contains(Substring(line)) { return true }
    }
    return false
  }

  /// Returns its exit status, 128 + the number of the signal that ended it; nil: it is still there at `deadline`.
  func wait(until deadline: Deadline) -> Int32? { process?.wait(until: deadline) }

  /// Runs a second daemon with these arguments on the same host, which is expected to end by itself.
  func rival(state: String? = nil, socket: String? = nil, uplink: String = "none") throws -> Finished {
    let place = host.map { ["nsenter", "--net=/run/netns/\($0.name)"] } ?? []
    return try run(
      place + [
        "\(Self.binaries)/toprackd", "--state", state ?? self.state, "--socket", socket ?? self.socket, "--uplink",
        uplink,
      ], limit: .seconds(20))
  }

  /// Ends the daemon the polite way and returns its exit status.
  func stop() throws -> Int32 {
    process?.signal(SIGTERM)
    guard let status = process?.wait(until: .after(.seconds(20))) else {
      throw HarnessError("toprackd did not end within 20 s of SIGTERM:\n\(log)")
    }
    return status
  }

  /// Ends the daemon as a power cut would: it notices nothing.
  func kill() {
    process?.signal(SIGKILL)
    _ = process?.wait(until: .after(.seconds(10)))
  }

  private var command: [String] {
    var words = ["\(Self.binaries)/toprackd", "--state", state, "--socket", socket]
    if let host {
      words = ["nsenter", "--net=/run/netns/\(host.name)"] + words
    } else {
      words += ["--uplink", "none"]
    }
    if let settings {
      let file = "\(directory)/toprackd.yaml"
      try? settings.write(toFile: file, atomically: true, encoding: .utf8)
      words += ["--config", file]
    }
    return launcher + words + (options.contains("--workers") ? [] : Self.workers) + options
  }
}

/// A Unix datagram socket that hears what a service tells its manager.
private final class DatagramListener {
  private let descriptor: Int32
  private let path: String

  init(path: String) throws {
    self.path = path
    unlink(path)
    descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0, withUnixAddress(path, { bind(descriptor, $0, $1) }) == 0 else {
      throw HarnessError("notify socket \(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  func next(until deadline: Deadline) -> String? {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, deadline.milliseconds) > 0 else { return nil }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }
}

/// Calls `body` with the socket address of the file `path`.
func withUnixAddress<Value>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { room in
    precondition(path.utf8.count < room.count, "socket path too long: \(path)")
    room.copyBytes(from: path.utf8)
  }
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
  }
}
