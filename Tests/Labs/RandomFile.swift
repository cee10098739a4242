import Labs
import Net
import Rack

/// A lab file that is right by itself, made up.
struct RandomFile {
  var random: SeededGenerator

  init(seed: Int) { random = SeededGenerator(seed: UInt64(seed)) }

  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
  private mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &random)]
  }
  private mutating func maybe<Value>(_ percent: Int, _ make: (inout RandomFile) -> Value) -> Value? {
    chance(percent) ? make(&self) : nil
  }

  /// Words that YAML could take for something else.
  private static let words = [
    "yes", "no", "null", "~", "012", "1.5", "0x10", "2001-01-01", "12:30:45", "a: b", "a #b", "#a", "- a", "[a]", "{a}",
    "*a",
    "&a", "!a", "'a'", "\"a\"", "a,b", "a]", "|", ">", "%a", "@a", "`a`", "ä 😀", " a ", "a:", ":a", "?", "a\\b", "<<",
    "=", "back end",
    "true", "+5", ".5", ".inf", "1e3", "---", "...", "\u{10F000}x", "x\u{FEFF}", "e\u{301}", "a  b", "",
  ]
  private static let texts = [
    "#!/bin/sh\necho hi\n", "a\nb", "a\n\n\n", "  a\nb\n", "a\n  b\n\n c", "\n", "a\tb\n\tc\n", "a\r\nb", "x\u{7}y\nz",
    "a\n \nb\n",
    "---\na: b\n", "*a\n# b\n", "a \nb \n", "\u{2028}\nx", "%a\n...\n", String(repeating: "long ", count: 60),
  ]

  private mutating func word() -> String { pick(Self.words) }
  private mutating func tag() -> String { pick(Self.words.filter { !$0.isEmpty }) }
  private mutating func tags() -> [String] {
    var tags: [String] = []
    for _ in 0..<Int.random(in: 0...3, using: &random) { tags.append(tag()) }
    return tags
  }

  mutating func file() -> LabFile {
    var file = LabFile(name: pick(["shop", "a", "0-0", "no", "12"]))
    file.project = maybe(30) { $0.pick(["shop", "My Project", "12", "a: b"]) }
    file.defaults = LabDefaults(
      facility: maybe(50) { $0.pick(["ewr1", "ny5"]) }, plan: maybe(50) { $0.pick(["c3.small.x86", "t1.small.x86"]) },
      place: maybe(30) { $0.pick([.netns, .vm]) }, project: file.project == nil ? maybe(20) { _ in "p" } : nil,
      os: maybe(20) { _ in "debian_12" })
    let names = ["web", "db", "a.b_c-d", "7", "no", "x1"].prefix(Int.random(in: 0...6, using: &random))
    for (index, name) in names.enumerated() { file.networks.append(LabEntry(name, network(index))) }
    file.servers = servers(Array(names))
    for name in ["front", "8"] where chance(40) {
      let server = file.servers.isEmpty ? nil : maybe(60) { [names = file.servers.map(\.name)] in $0.pick(names) }
      file.addresses.append(
        LabEntry(name, LabAddressBlock(size: Int.random(in: 29...32, using: &random), server: server)))
    }
    if !file.servers.isEmpty { file.checks = checks(file.servers.map(\.name)) }
    return file
  }

  private mutating func network(_ index: Int) -> LabNetwork {
    let isMetro = chance(20)
    return LabNetwork(
      vxlan: maybe(60) { _ in 100 + index }, facility: isMetro ? nil : maybe(30) { $0.pick(["sjc1", "ams1"]) },
      metro: isMetro ? "ny" : nil, description: maybe(30) { $0.word() }.map { $0.replacing("\u{FEFF}", with: "") },
      tags: maybe(30) { $0.tags() })
  }

  private mutating func servers(_ networks: [String]) -> [LabEntry<LabServer>] {
    var servers: [LabEntry<LabServer>] = []
    for stem in ["web", "db-", "", "x.y"] where chance(60) {
      let isPadded = chance(40)
      var number = pick([0, 1, 8, 98])
      var value = server(networks)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let digits = String(number)
        servers.append(
          LabEntry(stem + (isPadded ? String(repeating: "0", count: max(0, 3 - digits.count)) : "") + digits, value))
        number += chance(85) ? 1 : 2
        if chance(25) { value = server(networks) }
      }
    }
    if chance(40) { servers.append(LabEntry("plain", server(networks))) }
    // A namespace holds one server.
    for index in servers.indices {
      if case .namespace = servers[index].value.place { servers[index].value.place = .namespace("ns: \(index)") }
    }
    return servers
  }

  private mutating func server(_ networks: [String]) -> LabServer {
    var server = LabServer(
      plan: maybe(20) { _ in "c3.medium.x86" }, facility: maybe(20) { _ in "ny5" },
      mode: maybe(60) { $0.pick(NetworkMode.settable) },
      os: maybe(10) { _ in "alpine_3" }, description: maybe(20) { $0.word() }, tags: maybe(20) { $0.tags() },
      userdata: maybe(30) { $0.chance(50) ? $0.word() : $0.pick(Self.texts) }, mtu: maybe(20) { _ in 9000 },
      place: maybe(40) { $0.pick([.host, .netns, .namespace("n"), .vm]) })
    if server.place != .host {
      server.nics = maybe(20) {
        $0.pick([LabNICNames(), LabNICNames(eth0: "lan"), LabNICNames(eth0: "eth1", eth1: "eth2")])
      }
    }
    switch server.place {
    case .netns, .namespace: server.configure = maybe(40) { $0.chance(50) }
    default: if chance(30) { server.vm = machine() }
    }
    let valid: [PortName] =
      switch server.mode {
      case nil: PortName.allCases
      case .layer3: [.bond0]
      case let mode?: mode.switchedPorts
      }
    for port in valid where chance(50) {
      let all = networks.filter { _ in chance(50) }
      let canBeNative = all.count > 1 && !(server.mode == .layer3)
      server.ports[port] = LabPort(networks: all, native: canBeNative ? maybe(50) { $0.pick(all) } : nil)
    }
    if server.mode == .layer3, server.ports[.bond0]?.networks.isEmpty == false { server.mode = .hybridBonded }
    return server
  }

  private mutating func machine() -> LabMachine {
    var machine = LabMachine(
      disk: maybe(60) { $0.pick(["/d.qcow2", "/a b/#c: d", "/ä"]) },
      memory: maybe(40) { $0.pick([64 << 20, 3 << 30, 100 << 20 + 1]) },
      cpus: maybe(30) { _ in 4 }, cloudInit: maybe(30) { $0.chance(50) },
      restart: maybe(30) { $0.pick(["no", "on-failure"]) })
    if machine.disk == nil || chance(30) {
      machine.kernel = "/k"
      machine.initrd = maybe(50) { _ in "/i" }
      machine.append = maybe(50) { $0.pick(["", "console=ttyS0 a=\"b\"", "no"]) }
    }
    if machine.disk != nil { machine.snapshot = maybe(50) { $0.chance(50) } }
    return machine
  }

  private mutating func checks(_ servers: [String]) -> [LabCheck] {
    var checks: [LabCheck] = []
    for _ in 0..<Int.random(in: 0...5, using: &random) {
      let time = pick([5000, 10_000, 120_000, 1, 1500, 3_600_000])
      let kind = Int.random(in: 0..<8, using: &random)
      let asked = chance(50) ? servers : [pick(servers)]
      for server in asked {
        let question: LabCheck.Question =
          switch kind {
          case 0: .ping(from: server, to: "10.0.0.1")
          case 1: .ping(from: server, to: "fd00::")
          case 2: .tcp(from: server, host: "10.0.0.1", port: 80)
          case 3: .tcp(from: server, host: "fd00::1", port: 65_535)
          case 4: .http(from: server, url: "http://[fd00::1]:80/a?b={c},#d", status: 204)
          case 5: .deaf(from: server, to: "10.0.0.1")
          case 6: .lacp(server: server, nic: nil)
          default: .link(server: server, nic: .eth1)
          }
        checks.append(LabCheck(question, milliseconds: time))
      }
    }
    return checks
  }
}
