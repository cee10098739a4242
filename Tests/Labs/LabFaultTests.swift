import Labs
import Rack
import Testing

@Suite("Faults of lab files") struct LabFaultTests {
  @Test("what is no YAML is told with its place", arguments: LabFaultVector.yaml)
  func yaml(_ vector: LabFaultVector) { #expect(LabReading.faults(vector.text) == vector.faults) }

  @Test("all that is wrong with keys and values is told at once", arguments: LabFaultVector.values)
  func values(_ vector: LabFaultVector) { #expect(LabReading.faults(vector.text) == vector.faults) }

  @Test("all that does not go together is told at once", arguments: LabFaultVector.rules)
  func rules(_ vector: LabFaultVector) { #expect(LabReading.faults(vector.text) == vector.faults) }

  @Test("without a directory a path has to be absolute")
  func paths() {
    let text = "lab: a\nservers: {w: {vm: {disk: d.qcow2, kernel: /k}}}\n"
    #expect(LabReading.faults(text, baseDirectory: "/labs") == [])
    #expect(
      LabReading.faults(text, baseDirectory: nil) == [
        #"2:26: path "d.qcow2" is relative, and this file is not beside it: it came without a directory; valid is an "#
          + "absolute path of the daemon's host"
      ])
  }

  @Test("the nearest known word is a member of its own")
  func nearest() throws {
    guard case .failure(let faults) = LabReader.read("lab: a\nservers: {w: {pland: x, mode: layer-3}}\n") else {
      Issue.record("it was read")
      return
    }
    #expect(faults.faults.map(\.nearest) == ["plan", "layer3"])
  }

  @Test("a limit is told from both sides")
  func limits() {
    func text(_ bytes: Int) -> String {
      let start = "lab: a\n"
      return start + "#" + String(repeating: "x", count: bytes - start.utf8.count - 1)
    }
    #expect(LabReading.faults(text(1 << 20)) == [])
    #expect(
      LabReading.faults(text(1 << 20 + 1)) == ["1:1: the text has 1048577 bytes; valid are up to 1048576 (1 MiB)"])
    func deep(_ levels: Int) -> String {
      "lab: a\nnetworks: {n: {tags: " + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        + "}}"
    }
    #expect(LabReading.faults(deep(61)).map { $0.prefix(25) } == ["2:23: tag is a list; vali"])
    #expect(LabReading.faults(deep(62)).last?.contains("more than 64 levels deep") == true)
    let tags = { (count: Int) in "lab: a\nservers: {w: {tags: [" + String(repeating: "x,", count: count) + "]}}" }
    #expect(LabReading.faults(tags(128)) == [])
    #expect(LabReading.faults(tags(129)) == ["2:278: tags has 129 values; valid are up to 128"])
    #expect(LabReading.faults("lab: a\nservers: {\"w[1-1000]\": }") == [])
  }

  @Test("more faults than anybody reads are counted")
  func many() {
    let text = "lab: a\n" + (0..<1000).map { "x\($0): 1\n" }.joined()
    let faults = LabReading.faults(text)
    #expect(faults.count <= LabFaults.limit + 1)
    #expect(faults.first?.hasPrefix("2:1: unknown key \"x0\" in a lab file") == true)
  }
}

@Suite("Settings of a lab file, --set") struct LabSettingTests {
  static let text = """
    lab: a
    networks: {n: , m: }
    servers:
      web[1-3]: {mode: hybrid, ports: {eth1: [n]}}
      db.example: {plan: c3.small.x86}
    checks: [{server: db.example, link: eth0}]
    """

  @Test("a value goes where its path leads")
  func values() throws {
    let file = try LabReading.file(
      Self.text,
      settings: [
        ("defaults.plan", "c3.medium.x86"), ("servers.web2.mtu", "9000"),
        ("servers.web[1-3].mode", "layer2-individual"),
        ("servers.db.example.place", "host"), ("servers.web3.ports.eth1", "[n, m]"),
        ("servers.db.example.ports.eth1.networks", "[n, m]"), ("servers.db.example.ports.eth1.native", "m"),
        ("checks.0.within", "1s"), ("networks.n.vxlan", "5"), ("servers.web1.tags", ""), ("servers.web1.tags", "[]"),
        ("servers.web[1-3].ports.eth1.0", "m"),
      ])
    #expect(file.defaults.plan == "c3.medium.x86")
    #expect(file.servers.map(\.name) == ["web1", "web2", "web3", "db.example"])
    #expect(file.servers.prefix(3).allSatisfy { $0.value.mode == .layer2Individual })
    #expect(file.servers.map(\.value.mtu) == [nil, 9000, nil, nil])
    #expect(file.servers[0].value.tags == [])
    #expect(file.servers.map(\.value.ports[.eth1]?.networks) == [["m"], ["m"], ["n", "m"], ["n", "m"]])
    #expect(file.servers[3].value.ports[.eth1]?.native == "m")
    #expect(file.servers[3].value.place == .host)
    #expect(file.checks[0].milliseconds == 1000)
    #expect(file.networks[0].value.vxlan == 5)
  }

  @Test(
    "a path that leads nowhere is told with what is near; faults name the option",
    arguments: [
      ("defaults.plam", "x", #"there is no "plam" in defaults; the nearest is "plan""#),
      ("servers.web9.mode", "hybrid", #"there is no "web9" in servers; valid are web[1-3] and db.example"#),
      ("servers.db.exampel.mode", "x", #"there is no "db" in servers; the nearest is "db.example""#),
      (
        "servers.web1.mode", "hybird",
        #"unknown mode "hybird"; the nearest is "hybrid"; valid are layer3, hybrid, layer2-bonded and layer2-individual"#
      ),
      ("lab.x", "1", #"lab has no keys, and the path goes on with "x""#),
      ("checks.1.within", "1s", #"checks has 1 values, and no "1"; valid are numbers from 0"#),
      ("", "1", "the path has an empty part; valid is a path as defaults.plan or servers.web1.mode"),
      ("a..b", "1", "the path has an empty part; valid is a path as defaults.plan or servers.web1.mode"),
      ("defaults.plan", "", "plan has no value; valid is the slug of a plan"),
      ("defaults.plan", "[", "not YAML: did not find expected node content while parsing a flow node"),
      ("networks.m.vxlan", "4095", "vxlan 4095 is out of range; valid are 2 to 3999"),
    ])
  func faults(_ path: String, _ value: String, _ message: String) {
    #expect(LabReading.faults(Self.text, settings: [(path, value)]) == ["0:0: --set \(path)=\(value): \(message)"])
  }

  @Test("what a setting has put there stands at line 0")
  func places() throws {
    let (_, positions) = try LabReader.read(Self.text, settings: [("servers.web2.mtu", "9000")]).get()
    #expect(positions[["servers", "web2", "mtu"]] == .init(line: 0, column: 0))
    #expect(positions[["servers", "web2", "mode"]] == .init(line: 4, column: 20))
    #expect(positions[["servers", "web1", "mtu"]] == .init(line: 4, column: 3))
  }
}
