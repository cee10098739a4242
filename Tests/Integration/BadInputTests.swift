import Testing

extension Integration {
  @Suite("Bad input") struct BadInputTests {
    struct Case: CustomTestStringConvertible, Sendable {
      let command: [String]
      let status: Int32
      /// A word that the one line on stderr must hold: the thing, or the rule.
      let says: String
      /// Lines on stderr: one for each thing that is wrong.
      let lines: Int
      init(_ command: String..., status: Int32 = 1, says: String, lines: Int = 1) {
        self.command = command
        self.status = status
        self.says = says
        self.lines = lines
      }
      var testDescription: String { command.map { $0.count > 40 ? "\($0.prefix(20))…" : $0 }.joined(separator: " ") }
    }

    private static let long = String(repeating: "x", count: 300)

    /// In a rack with web1 (layer2-individual, 100 on eth0, and 100 and 200 on eth1), routed (layer3), bonded
    /// (layer2-bonded), hybrid, tiny (t1.small.x86), x1 (x1.small.x86), far (sjc1, layer2-individual), networks 100,
    /// 200 and 300 in ewr1, and 500 in sjc1.
    static let cases: [Case] = [
      Case("server", "create", "web1", says: "web1"),
      Case("server", "create", "WEB1", says: "web1"),
      Case("server", "create", "a/b", says: "a/b"),
      Case("server", "create", "..", says: ".."),
      Case("server", "create", "two words", says: "two words"),
      Case("server", "create", long, says: "63"),
      Case("server", "create", "new", "--plan", "m9.huge.x86", says: "m9.huge.x86"),
      Case("server", "create", "new", "--facility", "mars1", says: "mars1"),
      Case("server", "create", "new", "--project", "nobody", says: "nobody"),
      Case("server", "create", "new", "--netns=a/b", says: "a/b"),
      Case("server", "create", "new", "--netns=..", says: ".."),
      Case("server", "create", "new", "--netns=\(long)", says: "255"),
      Case("server", "create", status: 2, says: ""),
      Case("server", "show", "nobody", says: "nobody"),
      Case("server", "show", long, says: "xxx"),
      Case("server", "show", "a/b", says: "a/b"),
      Case("server", "show", "", says: "a name is empty"),
      Case("server", "reboot", "", says: "a name is empty"),
      Case("server", status: 2, says: "create, list, show, set, delete, mode, power, reboot, repair, network-config"),
      Case("server", "create", status: 2, says: "Hostname, unique in its project"),
      Case("network", "create", "--vxlan", "x", status: 2, says: "Number, 2 to 3999"),
      Case("capacity", "--facility", "mars1", says: "valid are am6, ams1"),
      Case("capacity", "--plan", "huge", says: "c3.small.x86"),
      Case("verify", "--state", "/nowhere", says: "verify runs where the daemon does"),
      Case("server", "delete", "nobody", says: "nobody"),
      Case("server", "mode", "nobody", "hybrid", says: "nobody"),
      Case("server", "mode", "web1", "layer4", says: "layer4"),
      Case("server", "mode", "web1", "", says: "layer2-bonded"),
      Case("server", "mode", "web1", "layer3", says: "100", lines: 2),
      Case("server", "mode", "web1", "layer2-bonded", says: "100", lines: 2),
      Case("server", "mode", "tiny", "hybrid", says: "t1.small.x86"),
      Case("server", "mode", "x1", "layer2-bonded", says: "x1.small.x86"),
      Case("network", "create", "--vxlan", "0", says: "2"),
      Case("network", "create", "--vxlan", "1", says: "3999"),
      Case("network", "create", "--vxlan", "4000", says: "3999"),
      Case("network", "create", "--vxlan", "4095", says: "3999"),
      Case("network", "create", "--vxlan", "4096", says: "3999"),
      Case("network", "create", "--vxlan", "99999999999999999999", status: 2, says: "99999999999999999999"),
      Case("network", "create", "--vxlan", "text", status: 2, says: "text"),
      Case("network", "create", "--vxlan=-5", says: "3999"),
      Case("network", "create", "--vxlan", "100", says: "100"),
      Case("network", "create", "--facility", "mars1", says: "mars1"),
      Case("network", "create", "--project", "nobody", says: "nobody"),
      Case("network", "delete", "100", says: "web1", lines: 2),
      Case("network", "delete", "999", says: "999"),
      Case("network", "delete", "0", says: "0"),
      Case("network", "delete", "00000000-0000-4000-8000-000000000000", says: "00000000-0000-4000-8000-000000000000"),
      Case("network", "delete", "text", says: "text"),
      Case("port", "show", "nobody", says: "nobody"),
      Case("port", "show", "web1", "eth7", says: "eth7"),
      Case("port", "show", "web1", long, says: "xxx"),
      Case("port", "attach", "nobody", "eth0", "100", says: "nobody"),
      Case("port", "attach", "web1", "eth2", "100", says: "eth2"),
      Case("port", "attach", "web1", "eth0", "100", says: "100", lines: 2),
      Case("port", "attach", "web1", "bond0", "100", says: "bond0"),
      Case("port", "attach", "web1", "eth0", "0", says: "0"),
      Case("port", "attach", "web1", "eth0", "1", says: "1"),
      Case("port", "attach", "web1", "eth0", "4095", says: "4095"),
      Case("port", "attach", "web1", "eth0", "4096", says: "4096"),
      Case("port", "attach", "web1", "eth0", "500", says: "500"),
      Case("port", "attach", "web1", "eth0", "999", says: "999"),
      Case("port", "attach", "web1", "eth0", "text", says: "text"),
      Case("port", "attach", "far", "eth0", "100", says: "100"),
      Case("port", "attach", "routed", "bond0", "300", says: "layer"),
      Case("port", "attach", "routed", "eth0", "300", says: "bond0"),
      Case("port", "attach", "bonded", "eth1", "300", says: "bond0"),
      Case("port", "attach", "hybrid", "eth0", "300", says: "bond0"),
      Case("port", "attach", "hybrid", "bond0", "300", says: "bond0"),
      Case("port", "attach", "tiny", "bond0", "300", says: "t1.small.x86"),
      Case("port", "detach", "web1", "eth0", "200", says: "200", lines: 2),
      Case("port", "detach", "web1", "eth0", "999", says: "999", lines: 2),
      Case("port", "detach", "web1", "eth0", "text", says: "text"),
      Case("port", "detach", "routed", "bond0", "100", says: "100", lines: 2),
      Case("port", "native", "web1", "eth0", "100", says: "100"),
      Case("port", "native", "web1", "eth0", "200", says: "200", lines: 2),
      Case("port", "native", "web1", "eth1", "300", says: "300", lines: 2),
      Case("port", "native", "routed", "bond0", "100", says: "layer 3"),
      Case("ip", "list", "nobody", says: "nobody"),
      Case("ip", "reserve", status: 2, says: "--size"),
      Case("ip", "reserve", "--size", "28", says: "29, 30, 31 and 32"),
      Case("ip", "reserve", "--size", "33", says: "29, 30, 31 and 32"),
      Case("ip", "reserve", "--size", "four", status: 2, says: "four"),
      Case("ip", "reserve", "--size", "30", "--facility", "mars1", says: "mars1"),
      Case("ip", "reserve", "--size", "30", "--project", "nobody", says: "nobody"),
      Case("ip", "assign", "nobody", "198.18.24.0/30", says: "nobody"),
      Case("ip", "assign", "routed", "198.18.24.0/30", says: "reserve one first"),
      Case("ip", "assign", "routed", "198.18.24.1/30", says: "198.18.24.0/30"),
      Case("ip", "assign", "routed", "198.18.24.0/16", says: "198.18.0.0/16"),
      Case("ip", "assign", "routed", "::1", says: "IPv4"),
      Case("ip", "assign", "routed", long, says: "xxx"),
      Case("ip", "assign", "routed", "00000000-0000-4000-8000-000000000000", says: "not reserved"),
      Case("ip", "unassign", "198.18.24.0/30", says: "assigned to no server"),
      Case("ip", "release", "198.18.24.0/30", says: "not reserved"),
      Case("ip", "release", "text", says: "text"),
      Case("server", "network-config", "nobody", says: "nobody"),
      Case("server", "network-config", "routed", "--format", "windows", says: "ip, netplan, ifupdown, networkd"),
      Case("fdb", "show", "--server", "nobody", says: "nobody"),
      Case("fdb", "flush", "--server", "nobody", says: "nobody"),
      Case("restore", "/dev/null", "--state", "/tmp/toprack-nowhere", says: "is no backup of a rack"),
      Case("restore", "/nowhere/backup", "--state", "/tmp/toprack-nowhere", says: "/nowhere/backup"),
      Case("restore", "backup", status: 2, says: "--state"),
      Case("backup", "/nowhere/backup", says: "/nowhere/backup"),
      Case("backup", "/tmp", says: "/tmp"),
      Case("set", "aging", "0", says: "0"),
      Case("set", "aging", "-1", status: 2, says: ""),
      Case("set", "aging", "text", status: 2, says: "text"),
      Case("set", "aging", "99999999999", says: "99999999999"),
      Case("set", "mtu", "web1", "67", says: "67"),
      Case("set", "mtu", "web1", "65522", says: "65522"),
      Case("set", "mtu", "nobody", "1500", says: "nobody"),
      Case("no-such-command", status: 2, says: "no-such-command"),
      Case("servers", "list", status: 2, says: "did you mean 'server'?"),
      Case("server", "lst", status: 2, says: "did you mean 'list'?"),
      Case(
        "attach", "web1", "eth0", "100", status: 2, says: "did you mean 'toprack port attach' or 'toprack vm attach'?"),
      Case("server", "list", "--projct", "x", status: 2, says: "did you mean '--project'?"),
      Case("server", "create", "new", "--no-such-option", status: 2, says: "no-such-option"),
    ]

    @Test("every wrong value is refused with its exit status and one clear line, and changes nothing")
    func commandLine() throws {
      let lab = try BadInputTests.rack()
      let before = try lab.configuration()
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      for entry in Self.cases {
        let finished = try lab.toprack.attempt(entry.command)
        #expect(finished.status == entry.status, "\(entry.testDescription): \(finished.errors)")
        #expect(finished.output.isEmpty, "\(entry.testDescription): nothing on stdout but \(finished.text)")
        #expect(
          finished.errors.lowercased().contains(entry.says.lowercased()), "\(entry.testDescription): \(finished.errors)"
        )
        if finished.status == 1 {
          #expect(finished.errors.hasPrefix("toprack: "), "\(entry.testDescription): \(finished.errors)")
          // One line for each thing that is wrong, and nothing else.
          #expect(
            finished.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("toprack: ") },
            "\(entry.testDescription): \(finished.errors)")
          #expect(
            finished.errors.split(separator: "\n").count == entry.lines,
            "\(entry.testDescription): \(finished.errors)")
        }
      }
      #expect(try lab.configuration() == before)
      #expect(try Interface.list().allSatisfy { $0.alias?.contains(rack) != true }, "no NIC on the host")
      #expect(NetworkNamespace.all.allSatisfy { !["new", "a", Self.long].contains($0) }, "no namespace")
    }

    @Test("a URL that is none is wrong usage, in one line that says what would be valid")
    func malformedURL() throws {
      for url in ["127.0.0.1:1", "ftp://127.0.0.1", "http://", "http://127.0.0.1:0"] {
        for (arguments, environment, source) in [
          (["--url", url], [:], "--url"), ([], ["TOPRACK_URL": url], "$TOPRACK_URL"),
        ] as [([String], [String: String], String)] {
          let finished = try run(["\(Daemon.binaries)/toprack"] + arguments + ["status"], environment: environment)
          #expect(finished.status == 2)
          #expect(finished.errors.hasPrefix("toprack: \(source) '\(url)' "), "\(finished.errors)")
          #expect(finished.errors.contains("valid are http://HOST:PORT"), "\(finished.errors)")
          #expect(finished.errors.split(separator: "\n").count == 1, "\(finished.errors)")
        }
      }
    }

    @Test("a daemon that is not there gives exit status 3 and names the socket")
    func notReachable() throws {
      let finished = try Toprack(socket: "/tmp/toprack-no-such-\(Counter().next()).sock").attempt(["status"])
      #expect(finished.status == 3)
      #expect(finished.errors.contains("/tmp/toprack-no-such"), "\(finished.errors)")
      #expect(finished.errors.contains("toprackd"), "\(finished.errors)")
    }

    @Test("an interface of somebody else with the name of a NIC is refused, named and left alone")
    func takenInterface() throws {
      let lab = try Lab()
      let name = lab.hostname("trtx")
      try runSuccessfully(["ip", "tuntap", "add", "\(name)-eth1", "mode", "tap"])
      defer { _ = try? run(["ip", "link", "del", "\(name)-eth1"]) }
      func interfaces() throws -> [Interface] { try Interface.list().filter { $0.name.hasPrefix("\(name)-") } }
      let before = try interfaces()
      #expect(before.count == 1)
      let refused = try lab.toprack.attempt(["server", "create", name])
      #expect(refused.status == 1)
      #expect(refused.errors.contains("\(name)-eth1"), "\(refused.errors)")
      let project = try #require(
        HTTPAnswer("GET", "/projects", socket: lab.daemon.socket).json["projects"][0]["id"].string)
      let body =
        #"{"hostname":"\#(name)","plan":"c3.small.x86","facility":"ewr1","operating_system":"debian_12"}"#
      let answer = try HTTPAnswer("POST", "/projects/\(project)/devices", body: body, socket: lab.daemon.socket)
      #expect(answer.status == 422)
      #expect(!lab.daemon.log.contains(" error "), "\(lab.daemon.log)")
      #expect(try interfaces() == before, "and eth0, which was made first, is gone again")
      #expect(try Lab.names(lab.toprack.json("server", "list")).isEmpty)
    }

    @Test("the API answers 4xx with a list of errors, and changes nothing")
    func api() throws {
      let lab = try BadInputTests.rack()
      let before = try lab.configuration()
      let socket = lab.daemon.socket
      let device = try lab.toprack.json("server", "show", "web1")
      let id = try #require(device["id"].string)
      let ports = try #require(device["network_ports"].array)
      let bond = try #require(ports[0]["id"].string)
      let eth0 = try #require(ports[1]["id"].string)
      let projects = try HTTPAnswer("GET", "/projects", socket: socket).json
      let project = try #require(projects["projects"][0]["id"].string)
      let nobody = "00000000-0000-4000-8000-000000000000"
      let big = "{\"hostname\": \"\(String(repeating: "x", count: 2 << 20))\"}"

      let requests: [(method: String, path: String, body: String?, status: Int)] = [
        ("GET", "/no/such/path", nil, 404),
        ("GET", "/metal/v1/nothing", nil, 404),
        ("GET", "/devices/\(nobody)", nil, 404),
        ("GET", "/devices/not-a-uuid", nil, 404),
        ("GET", "/ports/\(nobody)", nil, 404),
        ("GET", "/virtual-networks/\(nobody)", nil, 404),
        ("GET", "/projects/\(nobody)", nil, 404),
        ("DELETE", "/devices/\(nobody)", nil, 404),
        ("POST", "/projects/\(nobody)/devices", "{}", 404),
        ("POST", "/projects/\(project)/devices", "{}", 422),
        (
          "POST", "/projects/\(project)/devices",
          "{\"hostname\":\"n\",\"plan\":\"nope\",\"facility\":\"ewr1\",\"operating_system\":\"debian_12\"}", 422
        ),
        (
          "POST", "/projects/\(project)/devices",
          "{\"hostname\":\"web1\",\"plan\":\"c3.small.x86\",\"facility\":\"nope\",\"operating_system\":\"debian_12\"}",
          422
        ),
        (
          "POST", "/projects/\(project)/devices",
          "{\"hostname\":\"a/b\",\"plan\":\"c3.small.x86\",\"facility\":\"ewr1\",\"operating_system\":\"debian_12\"}",
          422
        ),
        ("POST", "/projects/\(project)/devices", "{\"hostname\":17}", 422),
        ("POST", "/projects/\(project)/devices", "{\"hostname\":", 400),
        ("POST", "/projects/\(project)/devices", "[1, 2", 400),
        ("POST", "/projects/\(project)/devices", "\u{1}\u{2}", 400),
        ("POST", "/projects/\(project)/devices", big, 413),
        ("POST", "/projects/\(project)/virtual-networks", "{\"facility\":\"ewr1\",\"vxlan\":4095}", 422),
        ("POST", "/projects/\(project)/virtual-networks", "{\"facility\":\"ewr1\",\"vxlan\":1}", 422),
        ("POST", "/projects/\(project)/virtual-networks", "{\"facility\":\"ewr1\",\"vxlan\":100}", 422),
        ("POST", "/projects/\(project)/virtual-networks", "{\"facility\":\"ewr1\",\"vxlan\":\"many\"}", 422),
        ("POST", "/projects/\(project)/virtual-networks", "{\"facility\":\"nope\"}", 422),
        ("POST", "/projects/\(project)/virtual-networks", "{}", 422),
        ("POST", "/ports/\(eth0)/assign", nil, 422),
        ("POST", "/ports/\(eth0)/assign", "{}", 422),
        ("POST", "/ports/\(eth0)/assign", "{\"vnid\":\"100\"}", 422),
        ("POST", "/ports/\(eth0)/assign", "{\"vnid\":\"\(nobody)\"}", 404),
        ("POST", "/ports/\(eth0)/assign", "{\"vnid\":[]}", 422),
        ("POST", "/ports/\(eth0)/unassign", "{\"vnid\":\"300\"}", 422),
        ("POST", "/ports/\(eth0)/native-vlan", "{\"vnid\":\"100\"}", 422),
        ("POST", "/ports/\(eth0)/convert/layer-2", "{}", 422),
        ("POST", "/ports/\(eth0)/bond", "{}", 422),
        ("POST", "/ports/\(bond)/bond", "{}", 422),
        ("POST", "/ports/\(bond)/convert/layer-3", "{}", 422),
        ("POST", "/ports/\(bond)/convert/layer-3", "{\"request_ips\":[\"a\",\"b\"]}", 422),
        ("POST", "/ports/\(bond)/fly", "{}", 404),
        ("PUT", "/toprack/devices/\(id)/mode", "{\"mode\":\"layer4\"}", 422),
        ("PUT", "/toprack/devices/\(nobody)/mode", "{\"mode\":\"layer3\"}", 404),
        ("PUT", "/toprack/settings/aging", "{\"seconds\":0}", 422),
        ("PUT", "/toprack/settings/aging", "{}", 422),
      ]
      for request in requests {
        let answer = try HTTPAnswer(request.method, request.path, body: request.body, socket: socket)
        let what = "\(request.method) \(request.path) \((request.body ?? "").prefix(80))"
        #expect(answer.status == request.status, "\(what): \(String(decoding: answer.body.prefix(300), as: UTF8.self))")
        #expect(answer.errors != nil, "\(what): \(String(decoding: answer.body.prefix(300), as: UTF8.self))")
        #expect(answer.headers["content-type"]?.hasPrefix("application/json") == true, "\(what)")
      }
      #expect(try lab.configuration() == before)
      let wrongMethod = try HTTPAnswer("PATCH", "/plans", socket: socket)
      #expect(wrongMethod.status == 404 || wrongMethod.status == 405)
      #expect(wrongMethod.errors != nil)
    }

    /// The rack that `cases` describes.
    private static func rack() throws -> Lab {
      let lab = try Lab()
      try lab.networks(100, 200, 300)
      try lab.networks(500, facility: "sjc1")
      func server(_ name: String, _ options: String...) throws {
        let finished = try lab.toprack.attempt(
          ["server", "create", name, "--netns=\(lab.namespace(name).name)"] + options)
        guard finished.status == 0 else { throw CommandRefused(finished) }
      }
      try server("web1")
      try server("routed")
      try server("bonded")
      try server("hybrid")
      try server("tiny", "--plan", "t1.small.x86")
      try server("x1", "--plan", "x1.small.x86")
      try server("far", "--facility", "sjc1")
      try lab.toprack("server", "mode", "web1", "layer2-individual")
      try lab.toprack("server", "mode", "far", "layer2-individual")
      try lab.toprack("server", "mode", "bonded", "layer2-bonded")
      try lab.toprack("server", "mode", "hybrid", "hybrid")
      try lab.toprack("port", "attach", "web1", "eth0", "100")
      try lab.toprack("port", "attach", "web1", "eth1", "100")
      try lab.toprack("port", "attach", "web1", "eth1", "200")
      return lab
    }
  }
}
