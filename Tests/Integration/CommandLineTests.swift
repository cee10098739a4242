import Foundation
import Testing

extension Integration {
  @Suite("The command line tool") struct CommandLineTests {
    @Test("server show --json is the API's own device, with --json before or after the command")
    func deviceJSON() throws {
      let lab = try Lab()
      let namespace = lab.namespace("web1")
      try lab.toprack("server", "create", "web1", "--netns=\(namespace.name)")
      let before = try lab.toprack.json("server", "show", "web1")
      let after = try JSON(lab.toprack.attempt(["server", "show", "web1", "--json"]).output)
      #expect(before == after)
      let id = try #require(before["id"].string)
      let api = try HTTPAnswer("GET", "/devices/\(id)", socket: lab.daemon.socket)
      #expect(api.status == 200)
      #expect(api.json == before)
      #expect(before["hostname"].string == "web1")
      #expect(before["plan"]["slug"].string == "c3.small.x86")
      #expect(before["facility"]["code"].string == "ewr1")
      #expect(before["network_ports"].array?.map { $0["name"].string } == ["bond0", "eth0", "eth1"])
      #expect(before["ip_addresses"].array?.count == 3)
    }

    @Test("the counters of port show are the frames and bytes that a server sent and got")
    func counters() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      func counters(_ nic: NIC) throws -> [Int?] {
        let port = try lab.toprack.json("port", "show", nic.machine, nic.port)
        return ["rx_packets", "rx_bytes", "tx_packets", "tx_bytes"].map { port[$0].int }
      }
      #expect(try counters(a) == [0, 0, 0, 0])
      for number in 1...10 {
        let frame = Frame(to: .broadcast, from: a.mac, "count \(number)", size: 100 * number)
        try a.send(frame)
        try b.expect(frame)
      }
      #expect(try lab.poll { try counters(b) == [0, 0, 10, 5_500] })
      #expect(try counters(a) == [10, 5_500, 0, 0])
      #expect(try counters(b) == [0, 0, 10, 5_500])
      let port = try lab.toprack.json("port", "show", "a", "eth0")
      #expect(port["mode"].string == "layer2-individual")
      #expect(port["bonded"].bool == false)
      #expect(port["drops"] == .object([:]))
      #expect(try lab.toprack.json("port", "show", "a").array?.map { $0["name"].string } == ["bond0", "eth0", "eth1"])
    }

    @Test("without --json there are tables for people, that name what was asked for")
    func tables() throws {
      let lab = try Lab()
      try lab.networks(100)
      let namespace = lab.namespace("web1")
      try lab.toprack("server", "create", "web1", "--netns=\(namespace.name)")
      try lab.toprack("server", "mode", "web1", "hybrid")
      try lab.toprack("port", "attach", "web1", "eth1", "100")
      let servers = try lab.toprack("server", "list")
      for word in ["web1", "hybrid", "c3.small.x86", "ewr1", namespace.name] { #expect(servers.contains(word)) }
      #expect(try lab.toprack("network", "list").contains("100"))
      #expect(try lab.toprack("server", "show", "web1").contains("hybrid"))
      #expect(try lab.toprack("port", "show", "web1", "eth1").contains("100"))
      #expect(try lab.toprack("status").contains("1"))
      let plans = try lab.toprack("plan", "list")
      for plan in ["c3.small.x86", "t1.small.x86", "x1.small.x86"] { #expect(plans.contains(plan)) }
      let facilities = try lab.toprack("facility", "list")
      for facility in ["ewr1", "sjc1"] { #expect(facilities.contains(facility)) }
    }

    @Test("every command explains itself and ends with status 0")
    func help() throws {
      let nowhere = Toprack(socket: "/tmp/no-such.sock")
      let commands = [
        [], ["status"], ["plan", "list"], ["facility", "list"], ["metro", "list"], ["os", "list"],
        ["capacity"], ["user"],
        ["server", "create"], ["server", "list"], ["server", "show"], ["server", "set"], ["server", "delete"],
        ["server", "mode"], ["server", "power"], ["server", "reboot"],
        ["network", "create"], ["network", "list"], ["network", "set"], ["network", "delete"],
        ["port", "show"], ["port", "assignments"], ["port", "attach"], ["port", "detach"], ["port", "native"],
        ["port", "batch"], ["project", "list"], ["project", "show"], ["project", "create"], ["project", "rename"],
        ["project", "delete"], ["token", "create"], ["token", "list"], ["token", "revoke"], ["ssh-key", "add"],
        ["ssh-key", "list"], ["ssh-key", "show"], ["ssh-key", "remove"], ["events"], ["api"],
        ["ip", "list"], ["ip", "reserve"], ["ip", "assign"], ["ip", "unassign"], ["ip", "release"],
        ["server", "network-config"], ["lacp", "show"], ["fdb", "show"], ["fdb", "flush"], ["set", "aging"],
        ["set", "lacp-rate"], ["set", "mtu"],
        ["completion"], ["cleanup"], ["vm", "run"], ["vm", "stop"], ["vm", "status"], ["vm", "list"], ["vm", "attach"],
        ["vm", "detach"],
      ]
      for command in commands {
        let finished = try nowhere.attempt(command + ["--help"])
        #expect(finished.status == 0, "\(command)")
        #expect(finished.text.contains("USAGE"), "\(command)")
        #expect(finished.errors.isEmpty, "\(command)")
      }
    }

    @Test("both programs say which release they are, and the daemon that works as well")
    func version() throws {
      let lab = try Lab()
      let status = try #require(try lab.toprack.json("status")["version"].string)
      for program in ["toprack", "toprackd"] {
        let finished = try run(["\(Daemon.binaries)/\(program)", "--version"])
        #expect(finished.status == 0 && finished.errors.isEmpty, "\(finished.errors)")
        #expect(finished.text == "\(program) \(status)\n")
      }
    }

    @Test("short words stand for long ones")
    func aliases() throws {
      let lab = try Lab()
      try lab.networks(100)
      #expect(try lab.toprack("network", "ls") == lab.toprack("network", "list"))
      #expect(try lab.toprack("neighbor", "ls") == lab.toprack("neighbour", "list"))
      #expect(try lab.toprack("network", "rm", "100").contains("100 in ewr1 deleted"))
    }

    @Test("port show of a server has the reasons of the drops, by port")
    func reasons() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100).eth0
      #expect(!(try lab.toprack("port", "show", "a").contains("dropped")))
      for _ in 1...3 { try a.send(Frame(to: .broadcast, from: a.mac, tags: [.c(200)], "nobody's VLAN")) }
      #expect(try lab.poll { try lab.drops(a)["vlan-not-allowed"] == 3 })
      #expect(try lab.toprack("port", "show", "a").contains("\ndropped at eth0: 3 vlan-not-allowed\n"))
    }

    @Test("each change is one line of the daemon's log, with who wanted it")
    func logged() throws {
      let lab = try Lab()
      try lab.toprack("network", "create", "--vxlan", "100")
      try lab.toprack("set", "aging", "20")
      try lab.toprack("fdb", "flush")
      let token = try #require(try lab.toprack.json("token", "create", "laptop")["token"].string)
      let made = try lab.toprack.attempt(["--token", token, "network", "create", "--vxlan", "101"])
      #expect(made.status == 0, "\(made.errors)")
      let lines = lab.daemon.log.split(separator: "\n")
      for (words, who) in [
        ("info virtual network 100 created in facility ewr1", "user root"),
        ("info ageing time set to 20 s", "user root"), ("info 0 stations forgotten", "user root"),
        ("info token laptop created", "user root"), ("info virtual network 101 created", "token laptop"),
      ] {
        let found = lines.filter { $0.contains(words) }
        #expect(found.count == 1 && found[0].contains(" by=\(who) "), "\(words): \(found)")
      }
    }

    @Test("server create --vlan wires the server and makes the network; the next one shares it")
    func wiredAtOnce() throws {
      let lab = try Lab()
      func vlans(_ server: String, _ port: String) throws -> [Int] {
        try lab.toprack.json("port", "show", server, port)["vlans"].array?.compactMap { $0["vxlan"].int } ?? []
      }
      for name in ["a", "b"] {
        let made = try lab.toprack.json(
          "server", "create", name, "--netns=\(lab.namespace(name).name)", "--vlan", "1001")
        #expect(made["toprack"]["mode"].string == "layer2-individual")
        #expect(try vlans(name, "eth0") == [1001])
      }
      #expect(try lab.toprack.json("network", "list").array?.count == 1)
      try lab.toprack(
        "server", "create", "c", "--netns=\(lab.namespace("c").name)", "--mode", "hybrid", "--vlan", "1001", "--vlan",
        "eth1:1002")
      #expect(try vlans("c", "eth1").sorted() == [1001, 1002])
      let refused = try lab.toprack.attempt(
        ["server", "create", "d", "--netns=\(lab.namespace("d").name)", "--mode", "layer4"])
      #expect(refused.status == 1 && refused.errors.hasPrefix("toprack: d is made, but "), "\(refused.errors)")
    }

    @Test("a reader that goes away early is no error")
    func closedPipe() throws {
      let lab = try Lab()
      let command = "'\(Daemon.binaries)/toprack' --socket '\(lab.daemon.socket)' plan list --json"
      // A pipe whose reader is gone before the first byte is written.
      let pipe = "\(lab.daemon.directory)/pipe"
      let finished = try run([
        "bash", "-c", "mkfifo '\(pipe)'; exec 3<>'\(pipe)' 4>'\(pipe)' 3<&-; \(command) >&4; echo $?",
      ])
      #expect(finished.errors.isEmpty, "\(finished.errors)")
      #expect(["0", "141"].contains(finished.text.trimmingCharacters(in: .newlines)), "done, or ended by SIGPIPE")
    }

    @Test("--netns without a value names the namespace as the server")
    func namespaceOfServer() throws {
      let lab = try Lab()
      let namespace = lab.namespace("itself")
      try lab.toprack("server", "create", "--netns", namespace.name)
      #expect(namespace.exists)
      #expect(try Interface.list(in: namespace).map(\.name).sorted() == ["eth0", "eth1"])
    }
  }
}
