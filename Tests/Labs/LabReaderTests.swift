import Labs
import Rack
import Testing

@Suite("Reading lab files") struct LabReaderTests {
  @Test("the contract's example")
  func example() throws {
    let (file, positions) = try LabReader.read(LabReading.example, baseDirectory: "/labs").get()
    let web = LabServer(mode: .hybrid, ports: [.eth1: LabPort(networks: ["web"])])
    #expect(
      file
        == LabFile(
          name: "shop", defaults: LabDefaults(facility: "ewr1", plan: "c3.small.x86", project: "shop"),
          networks: [
            LabEntry("web", LabNetwork(vxlan: 1001)), LabEntry("db", LabNetwork(vxlan: 1002, description: "back end")),
          ],
          servers: [
            LabEntry("web1", web), LabEntry("web2", web),
            LabEntry(
              "fw1",
              LabServer(
                mode: .layer2Bonded, place: .netns, nics: LabNICNames(eth0: "eth1", eth1: "eth2"),
                ports: [.bond0: LabPort(networks: ["web", "db"], native: "web")])),
            LabEntry(
              "db1",
              LabServer(
                mode: .layer2Individual,
                ports: [.eth0: LabPort(networks: ["db"]), .eth1: LabPort(networks: [])],
                vm: LabMachine(kernel: "/labs/k", initrd: "/labs/i", memory: 256 << 20))),
          ],
          addresses: [LabEntry("front", LabAddressBlock(size: 29, server: "web1"))],
          checks: [
            LabCheck(name: "web1 ping 10.0.1.2", question: .ping(from: "web1", to: "10.0.1.2"), milliseconds: 10_000),
            LabCheck(name: "fw1 lacp both", question: .lacp(server: "fw1", nic: nil), milliseconds: 10_000),
          ]))
    #expect(positions[["servers", "web2"]] == .init(line: 5, column: 3))
    #expect(positions[["servers", "web2", "mode"]] == .init(line: 5, column: 20))
    #expect(positions[["servers", "fw1", "ports", "bond0", "native"]] == .init(line: 8, column: 50))
    #expect(positions[["checks", "1"]] == .init(line: 13, column: 53))
    #expect(positions[["networks", "db", "vxlan"]] == .init(line: 3, column: 44))
    #expect(positions[["networks", "db", "tags"]] == .init(line: 3, column: 32))
  }

  @Test("the same as JSON")
  func json() throws {
    let text = #"""
      {"lab": "a", "networks": {"n": {"vxlan": 7, "description": "\ud83d\ude00 \u00e4 \/"}},
      	"servers": {"w[01-02]": {"configure": true, "ports": {"eth1": ["n"]}}, "x": {}}, "checks": []}
      """#
    let file = try LabReading.file(text)
    #expect(file.networks == [LabEntry("n", LabNetwork(vxlan: 7, description: "😀 ä /"))])
    #expect(file.servers.map(\.name) == ["w01", "w02", "x"])
    #expect(file.servers[0].value == LabServer(configure: true, ports: [.eth1: LabPort(networks: ["n"])]))
  }

  @Test("words are words, whatever they look like; nothing is nothing")
  func scalars() throws {
    let file = try LabReading.file(
      """
      lab: 012
      networks: {on: {vxlan: 2, description: no, tags: [yes, 1, 0x10, ~x]}}
      servers: {no: , web1: null, "7": {}}
      checks:
      """)
    #expect(file.name == "012")
    #expect(
      file.networks == [LabEntry("on", LabNetwork(vxlan: 2, description: "no", tags: ["yes", "1", "0x10", "~x"]))])
    #expect(file.servers == [LabEntry("no", LabServer()), LabEntry("web1", LabServer()), LabEntry("7", LabServer())])
  }

  @Test("a plain server overrides keys of a range, wherever it stands; a port is whole")
  func overrides() throws {
    let (file, positions) = try LabReader.read(
      """
      lab: a
      networks: {x: , y: , z: }
      servers:
        web2:
          mtu: 9000
          ports:
            eth0: [z]
        web[1-3]: {mode: layer2-individual, mtu: 1400, ports: {eth0: {networks: [x, y], native: x}, eth1: [y]}}
      """
    ).get()
    #expect(file.servers.map(\.name) == ["web1", "web2", "web3"])
    #expect(file.servers[0].value == file.servers[2].value)
    #expect(
      file.servers[1].value
        == LabServer(
          mode: .layer2Individual, mtu: 9000,
          ports: [.eth0: LabPort(networks: ["z"]), .eth1: LabPort(networks: ["y"])]))
    #expect(positions[["servers", "web2", "mtu"]] == .init(line: 5, column: 10))
    #expect(positions[["servers", "web2", "mode"]] == .init(line: 8, column: 20))
    #expect(positions[["servers", "web3", "mtu"]] == .init(line: 8, column: 44))
    #expect(positions[["servers", "web2", "ports", "eth0"]] == .init(line: 7, column: 7))
  }

  @Test("anchors, aliases and merge keys: own keys count before merged ones, earlier ones before later ones")
  func anchors() throws {
    let file = try LabReading.file(
      """
      lab: a
      networks: {n: &net {tags: &t [a*b, "*t"]}, m: *net}
      servers:
        a: &a {mtu: 1400, plan: c3.medium.x86, tags: *t}
        b: &b {<<: *a, mtu: 1500}
        c: {mode: layer3, <<: [*b, {mtu: 1300, mode: hybrid}]}
      """)
    #expect(file.networks[0].value == file.networks[1].value)
    #expect(file.networks[1].value.tags == ["a*b", "*t"])
    #expect(file.servers[1].value == LabServer(plan: "c3.medium.x86", tags: ["a*b", "*t"], mtu: 1500))
    #expect(file.servers[2].value == LabServer(plan: "c3.medium.x86", mode: .layer3, tags: ["a*b", "*t"], mtu: 1500))
  }

  @Test("ranges in checks are a check each, with its name")
  func checks() throws {
    let file = try LabReading.file(
      """
      lab: a
      servers: {"w[8-11]": {}}
      checks:
        - {from: w[9-10], ping: "fd00::1"}
        - {from: w8, tcp: "10.0.0.1:80", within: 500ms}
        - {from: w8, tcp: "[fd00::1]:80"}
        - {from: w8, http: http://10.0.0.1/, status: 404, within: 2m}
        - {from: w8, http: http://10.0.0.1/}
        - {from: w8, deaf: 10.0.0.1}
        - {server: w8, lacp: eth1}
        - {server: w8, link: eth0}
      """.replacing("from: w[9-10]", with: "from: \"w[9-10]\""))
    #expect(
      file.checks.map(\.name) == [
        "w9 ping fd00::1", "w10 ping fd00::1", "w8 tcp 10.0.0.1:80", "w8 tcp [fd00::1]:80",
        "w8 http http://10.0.0.1/ 404", "w8 http http://10.0.0.1/", "w8 deaf 10.0.0.1", "w8 lacp eth1", "w8 link eth0",
      ])
    #expect(file.checks.map(\.milliseconds) == [5000, 5000, 500, 5000, 120_000, 5000, 5000, 5000, 5000])
    #expect(file.checks[3].question == .tcp(from: "w8", host: "fd00::1", port: 80))
  }

  @Test("what the catalogue calls otherwise is kept by its own name")
  func catalogue() throws {
    let file = try LabReading.file("lab: a\ndefaults: {plan: baremetal_0, facility: EWR1}\n")
    #expect(file.defaults == LabDefaults(facility: "ewr1", plan: "t1.small.x86"))
  }

  @Test("places, sizes and paths")
  func places() throws {
    let file = try LabReading.file(
      """
      lab: a
      servers:
        a: {place: host, vm: {disk: ../x/./d.qcow2, snapshot: true, memory: 2GiB, cpus: 2, cloud-init: true}}
        b: {place: "netns:clab a", vm: {kernel: /k, append: console=ttyS0, restart: no, memory: 1048576K}}
        c: {place: vm, nics: {eth0: lan}}
      """)
    #expect(file.servers.map(\.value.place) == [.host, .namespace("clab a"), .vm])
    #expect(
      file.servers[0].value.vm
        == LabMachine(disk: "/x/d.qcow2", snapshot: true, memory: 2 << 30, cpus: 2, cloudInit: true))
    #expect(
      file.servers[1].value.vm == LabMachine(kernel: "/k", append: "console=ttyS0", memory: 1 << 30, restart: "no"))
  }
}
