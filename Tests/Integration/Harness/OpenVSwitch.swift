import Foundation
import Glibc

/// Open vSwitch as a machine's operating system: its userspace data path in the machine's namespace, on the machine's NICs.
///
/// The database and the switch are processes of their own, with their files and sockets in a directory of the lab, so
/// that nothing of an Open vSwitch on the host is touched. The kernel's stack still sees what arrives on a NIC, and would
/// answer ARP for the addresses of Open vSwitch's internal ports there: `init` stops that. Open vSwitch in userspace
/// neither finishes checksums nor cuts super-frames that it gets: who sends it TCP calls `NetworkNamespace.stopOffloads`.
final class OpenVSwitch {
  let namespace: NetworkNamespace
  private let lab: Lab
  private let machine: String
  private let directory: String
  private let database: ChildProcess
  private let process: ChildProcess
  private var databaseSocket: String { "\(directory)/db.sock" }

  init(in lab: Lab, on machine: Machine) throws {
    Orphans.sweepOnce
    self.lab = lab
    self.machine = machine.name
    namespace = machine.namespace
    directory = "\(lab.daemon.directory)/ovs-\(machine.name)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try runSuccessfully([
      "ovsdb-tool", "create", "\(directory)/conf.db", "/usr/share/openvswitch/vswitch.ovsschema",
    ])
    for interface in [machine.eth0.interface, machine.eth1.interface] {
      try namespace.run("ip", "link", "set", interface, "arp", "off")
      try namespace.run("sh", "-c", "echo 8 > /proc/sys/net/ipv4/conf/\(interface)/arp_ignore")
    }

    let folders = ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"]
    let environment = Dictionary(uniqueKeysWithValues: folders.map { [directory] in ($0, directory) })
    let place = ["ip", "netns", "exec", namespace.name]
    database = try ChildProcess(
      place + [
        "ovsdb-server", "\(directory)/conf.db", "--remote=punix:\(directory)/db.sock", "--unixctl=\(directory)/db.ctl",
      ], environment: environment)
    do {
      try runSuccessfully([
        "ovs-vsctl", "--db=unix:\(directory)/db.sock", "--retry", "--timeout=20", "--no-wait", "init",
      ])
    } catch {
      throw HarnessError("\(error)\novsdb-server: \(String(decoding: database.standardError, as: UTF8.self))")
    }
    process = try ChildProcess(
      place + [
        "ovs-vswitchd", "unix:\(directory)/db.sock", "--disable-system", "--unixctl=\(directory)/switch.ctl",
      ],
      environment: environment)
    try addBridge("br0")
  }

  deinit {
    // Nothing of it outlives its directory and its namespace: no need to be polite.
    for child in [process, database] {
      child.signal(SIGKILL)
      _ = child.wait(until: .after(.seconds(5)))
    }
  }

  /// Changes the configuration, as `ovs-vsctl` does, and returns when the switch has taken it over.
  func configure(_ words: String...) throws {
    try runSuccessfully(["ovs-vsctl", "--db=unix:\(databaseSocket)", "--timeout=20"] + words)
  }

  /// Asks the running switch, as `ovs-appctl` does.
  func ask(_ words: String...) throws -> String {
    try runSuccessfully(["ovs-appctl", "--timeout=20", "-t", "\(directory)/switch.ctl"] + words).text
  }

  func addBridge(_ name: String) throws {
    try configure("add-br", name, "--", "set", "bridge", name, "datapath_type=netdev")
  }

  /// A port with these NICs as an aggregate that speaks LACP; with one NIC, an aggregate of one.
  func addBond(
    _ name: String = "bond0", of nics: [String] = ["eth0", "eth1"], to bridge: String = "br0", fast: Bool = true
  )
    throws
  {
    let rate = "other_config:lacp-time=\(fast ? "fast" : "slow")"
    if nics.count > 1 {
      try runSuccessfully(
        ["ovs-vsctl", "--db=unix:\(databaseSocket)", "--timeout=20", "add-bond", bridge, name] + nics
          + ["bond_mode=balance-tcp", "lacp=active", rate])
    } else {
      try configure("add-port", bridge, nics[0], "--", "set", "port", nics[0], "lacp=active", rate)
    }
  }

  /// An interface of the machine in `vlan`, or untagged, with an address, as its programs would use it: what the switch hands
  /// over to the kernel. The test sits on the kernel's side.
  func addInterface(_ name: String, vlan: Int?, address: String? = nil) throws -> NIC {
    if let vlan {
      try configure("add-port", "br0", name, "tag=\(vlan)", "--", "set", "interface", name, "type=internal")
    } else {
      try configure("add-port", "br0", name, "--", "set", "interface", name, "type=internal")
    }
    try namespace.silence()
    if let address { try namespace.run("ip", "address", "add", address, "dev", name) }
    guard let mac = try Interface.list(in: namespace).first(where: { $0.name == name })?.mac.flatMap({ MAC($0) }) else {
      throw HarnessError("Open vSwitch made no interface \(name) in \(namespace.name)")
    }
    return try NIC(of: lab, machine: machine, port: name, interface: name, namespace: namespace, mac: mac)
  }

  /// What Open vSwitch says of one link of a bond.
  struct Member: Equatable, Sendable {
    /// Frames are taken from it and sent by it. (`lacp/show` says "distributing" of an expired member, too.)
    var isEnabled: Bool
    /// "current", "expired" or "defaulted".
    var status: String
    var partnerSystem: String
    var partnerKey: Int
  }

  /// The links that speak LACP, by interface.
  func members() throws -> [String: Member] {
    var members: [String: Member] = [:]
    var name: String?
    for line in try ask("lacp/show").split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      if words.first == "member:", words.count > 2 {
        name = words[1].dropLast().description
        members[name!] = Member(isEnabled: false, status: String(words[2]), partnerSystem: "?", partnerKey: 0)
      }
      guard let name, let value = words.last else { continue }
      if line.contains("may_enable:") { members[name]?.isEnabled = value == "true" }
      if line.contains("partner sys_id:") { members[name]?.partnerSystem = String(value) }
      if line.contains("partner key:") { members[name]?.partnerKey = Int(value) ?? 0 }
    }
    return members
  }

  /// The interfaces that carry.
  func enabled() throws -> Set<String> { Set(try members().filter(\.value.isEnabled).keys) }

  /// Ends the switch as a crash would, its links staying up.
  func crash() {
    process.signal(SIGKILL)
    _ = process.wait(until: .after(.seconds(5)))
  }
}

extension NetworkNamespace {
  /// Makes the kernel finish checksums and cut segments before frames leave by `interface`, for receivers that cannot.
  func stopOffloads(_ interface: String) throws {
    try run("ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off")
  }
}

/// Processes that a test run which was killed left in its namespaces.
enum Orphans {
  /// Ends those whose command line names the directory of a test process that is no more.
  static let sweepOnce: Void = {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for pid in entries.compactMap({ Int32($0) }) {
      let command = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
      guard let mark = command.range(of: "/tmp/toprack-test-"),
        let owner = Int32(command[mark.upperBound...].prefix { $0.isNumber })
      else { continue }
      if Glibc.kill(owner, 0) != 0, errno == ESRCH { Glibc.kill(pid, SIGKILL) }
    }
  }()
}
