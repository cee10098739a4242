import Foundation
import Glibc
import Synchronization
import Testing

/// All tests that make real NICs. One after another: each of them fills the machine's two cores by itself.
@Suite("Toprack on real NICs", .serialized, .timeLimit(.minutes(15))) enum Integration {}

/// A private rack for one test: a daemon, the command line tool, and machines in namespaces. It takes away all that it
/// made when the test is over, however that ends.
final class Lab {
  let daemon: Daemon
  let toprack: Toprack
  /// The daemon's host, when the lab has made one; else it is the machine.
  let host: NetworkNamespace?
  private let prefix: String
  private var namespaces: [NetworkNamespace] = []
  private var hostnames: [String] = []

  /// `withHost`: the daemon runs in a namespace of its own, which is its host, with the uplink `toprack0` in it.
  /// Without, it runs on the machine and has no uplink. `options`: more of its command line.
  init(settings: String? = nil, withHost: Bool = false, options: [String] = []) throws {
    guard geteuid() == 0 else { throw HarnessError("integration tests make network interfaces: run them as root") }
    Self.sweepOnce
    Pace.watch()
    prefix = "trt-\(getpid())-\(Self.labs.next())-"
    let host = withHost ? NetworkNamespace(name: prefix + "host") : nil
    self.host = host
    daemon = try Daemon(settings: settings, host: host, options: options)
    toprack = Toprack(socket: daemon.socket)
    if let host {
      namespaces.append(host)
      try host.create()
      try host.run("ip", "link", "set", "lo", "up")
    }
    try daemon.start()
  }

  deinit {
    if !hostnames.isEmpty, !daemon.isRunning { try? daemon.start() }
    for name in hostnames { _ = try? toprack.attempt(["server", "delete", name]) }
    // NICs inside go with their namespace, whatever state the daemon is in.
    for namespace in namespaces where namespace.exists { try? namespace.remove() }
  }

  /// A namespace name that no other test uses; it is removed with the lab.
  func namespace(_ name: String) -> NetworkNamespace {
    let namespace = NetworkNamespace(name: prefix + name)
    namespaces.append(namespace)
    return namespace
  }

  /// A name for a server whose NICs are on the host, where no other may have it; the server is deleted with the lab.
  func hostname(_ name: String) -> String {
    let unique = "\(name)\(getpid() % 100_000)"
    hostnames.append(unique)
    return unique
  }

  /// Creates a server in a namespace of its own, silences and starts its NICs, and takes it to `mode` with `vlans` on
  /// its ports, in this order.
  func machine(
    _ name: String, _ mode: Mode? = nil, vlans: [(port: String, vlan: Int)] = [],
    native: [(port: String, vlan: Int)] = [],
    plan: String? = nil, facility: String? = nil
  ) throws -> Machine {
    let namespace = namespace(name)
    let place = (plan.map { ["--plan", $0] } ?? []) + (facility.map { ["--facility", $0] } ?? [])
    let created = try toprack.attempt(["server", "create", name, "--netns=\(namespace.name)"] + place)
    guard created.status == 0 else { throw CommandRefused(created) }
    try namespace.silence()
    if let mode { try toprack("server", "mode", name, mode.rawValue) }
    for (port, vlan) in vlans { try toprack("port", "attach", name, port, "\(vlan)") }
    for (port, vlan) in native { try toprack("port", "native", name, port, "\(vlan)") }
    let device = try toprack.json("server", "show", name)
    return try Machine(in: self, name: name, namespace: namespace, device: device)
  }

  /// A server in layer2-individual with `vlans` on eth0; the first of them native if asked for.
  func individual(_ name: String, _ vlans: Int..., native: Int? = nil, facility: String? = nil) throws -> Machine {
    try machine(
      name, .layer2Individual, vlans: vlans.map { ("eth0", $0) }, native: native.map { [("eth0", $0)] } ?? [],
      facility: facility)
  }

  func networks(_ numbers: Int..., facility: String = "ewr1") throws {
    for number in numbers { try toprack("network", "create", "--vxlan", "\(number)", "--facility", facility) }
  }

  /// Hostnames in the answer of `server list --json`, whichever way the list is wrapped.
  static func names(_ list: JSON) -> [String] {
    (list.array ?? list["devices"].array ?? []).compactMap { $0["hostname"].string }
  }

  private static let labs = Counter()

  /// Takes away what a test process that was killed left: names of namespaces and directories carry its number.
  private static let sweepOnce: Void = {
    func isOrphan(_ name: String, prefix: String) -> Bool {
      guard name.hasPrefix(prefix), let owner = Int32(name.dropFirst(prefix.count).prefix { $0.isNumber }) else {
        return false
      }
      return Glibc.kill(owner, 0) != 0 && errno == ESRCH
    }
    func list(_ directory: String) -> [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }
    let directories = list("/tmp").filter { isOrphan($0, prefix: "toprack-test-") }.map { "/tmp/\($0)" }
    for pid in list("/proc").compactMap({ Int32($0) }) {
      let command = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
      if directories.contains(where: { command.contains("--state\0\($0)/") }) { Glibc.kill(pid, SIGKILL) }
    }
    for directory in directories { try? FileManager.default.removeItem(atPath: directory) }
    for name in NetworkNamespace.all where isOrphan(name, prefix: "trt-") {
      try? NetworkNamespace(name: name).remove()
    }
  }()
}

enum Mode: String, CaseIterable, Sendable {
  case layer3, hybrid
  case layer2Bonded = "layer2-bonded"
  case layer2Individual = "layer2-individual"
}

/// A simulated machine: a server of the rack, with the test in its operating system's place.
struct Machine {
  let name: String
  let namespace: NetworkNamespace
  let eth0: NIC
  let eth1: NIC

  /// `prefix`: what stands before `eth0` in the names of its interfaces.
  init(in lab: Lab, name: String, namespace: NetworkNamespace, device: JSON, prefix: String = "") throws {
    self.name = name
    self.namespace = namespace
    func nic(_ port: String) throws -> NIC {
      let entry = device["network_ports"].array?.first { $0["name"].string == port }
      guard let mac = entry?["data"]["mac"].string.flatMap({ MAC($0) }) else {
        throw HarnessError("server show --json of \(name) has no MAC for \(port)")
      }
      return try NIC(of: lab, machine: name, port: port, interface: prefix + port, namespace: namespace, mac: mac)
    }
    eth0 = try nic("eth0")
    eth1 = try nic("eth1")
  }
}

/// Hands out 1, 2, 3 … to whoever asks.
final class Counter: Sendable {
  private let last = Mutex(0)
  func next() -> Int {
    last.withLock {
      $0 += 1
      return $0
    }
  }
}
