import Foundation
import Testing

extension Integration {
  /// Two tenants who know nothing of each other and call everything alike.
  @Suite("Tenancy") struct TenancyTests {
    /// A rack whose host has nothing else on it, with the projects shop and lab and a token of each.
    private struct Desk {
      let lab: Lab
      let tokens: [String: String]

      init(settings: String = "") throws {
        lab = try Lab(settings: "listen: 127.0.0.1:8080\n" + settings, withHost: true)
        var tokens: [String: String] = [:]
        for name in ["shop", "lab"] {
          try lab.toprack("project", "create", name)
          tokens[name] = try lab.toprack("token", "create", "t-\(name)", "--project", name, "--quiet")
            .trimmingCharacters(in: .newlines)
        }
        self.tokens = tokens
      }

      /// The tool with the token of a project.
      func toprack(as project: String, _ arguments: String...) throws -> Finished {
        try run(
          [
            "nsenter", "--net=/run/netns/\(lab.host?.name ?? "")", "\(Daemon.binaries)/toprack", "--url",
            "http://127.0.0.1:8080", "--token", tokens[project] ?? "",
          ] + arguments)
      }

      /// Creates a server with the token of a project; its namespace goes with the lab.
      func server(_ name: String, of project: String, _ options: String...) throws -> JSON {
        let finished = try run(
          [
            "nsenter", "--net=/run/netns/\(lab.host?.name ?? "")", "\(Daemon.binaries)/toprack", "--url",
            "http://127.0.0.1:8080", "--token", tokens[project] ?? "", "--json", "server", "create", name,
          ] + options)
        guard finished.status == 0 else { throw CommandRefused(finished) }
        return try JSON(finished.output)
      }
    }

    private static func name(_ text: String) -> String { "\(text)-\(getpid())" }

    @Test("two projects have a web1 each, in namespaces of their own, and verify agrees, also after a kill")
    func alike() throws {
      let desk = try Desk()
      let lab = desk.lab
      let name = Self.name("web1")
      var namespaces: [String] = []
      var ids: [String: String] = [:]
      defer { for id in ids.values { _ = try? lab.toprack.attempt(["server", "delete", id]) } }
      for project in ["shop", "lab"] {
        let server = try desk.server(name, of: project)
        ids[project] = server["id"].string
        #expect(server["toprack"]["place"].string == "namespace")
        namespaces.append(try #require(server["toprack"]["namespace"].string))
      }
      let short = try #require(ids["lab"]).prefix(8)
      #expect(namespaces == [name, "\(name)-\(short)"])
      for namespace in namespaces {
        let links = try runSuccessfully(["ip", "-n", namespace, "-o", "link"]).text
        #expect(links.contains(" eth0: ") && links.contains(" eth1: "), "\(links)")
      }

      // Whose is meant: one's own; for those who see all, none until it is said.
      #expect(try JSON(desk.toprack(as: "lab", "--json", "server", "show", name).output)["id"].string == ids["lab"])
      let refused = try lab.toprack.attempt(["server", "show", name])
      #expect(refused.status == 1)
      #expect(
        refused.errors.contains(
          "\(name) is the name of 2 servers: lab/\(name) (\(ids["lab"] ?? "")), shop/\(name) (\(ids["shop"] ?? "")); "
            + "name one by PROJECT/NAME or its UUID"), "\(refused.errors)")
      #expect(try lab.toprack.json("server", "show", "lab/\(name)")["id"].string == ids["lab"])
      #expect(try lab.toprack.json("server", "show", ids["shop"] ?? "")["id"].string == ids["shop"])
      for command in [
        ["server", "mode", "lab/\(name)", "hybrid"], ["server", "power", "lab/\(name)", "off"],
        ["server", "set", "lab/\(name)", "--tag", "t"], ["set", "mtu", "lab/\(name)", "9000"],
        ["port", "show", "lab/\(name)", "eth1"], ["ip", "list", "lab/\(name)"],
        ["fdb", "show", "--server", "lab/\(name)"],
        ["fdb", "flush", "--server", "lab/\(name)"], ["lacp", "show", "lab/\(name)"],
        ["events", "--server", "lab/\(name)"],
        ["neighbour", "list", "lab/\(name)"], ["server", "network-config", "lab/\(name)"],
        ["server", "power", "lab/\(name)", "on"], ["server", "reboot", "lab/\(name)"],
      ] {
        let finished = try lab.toprack.attempt(command)
        #expect(finished.status == 0, "\(command): \(finished.errors)")
        let ambiguous = try lab.toprack.attempt(command.map { $0 == "lab/\(name)" ? name : $0 })
        #expect(ambiguous.status == 1 && ambiguous.errors.contains("2 servers"), "\(command): \(ambiguous.errors)")
      }
      #expect(try lab.toprack.json("server", "show", "shop/\(name)")["toprack"]["mode"].string == "layer3")
      #expect(try lab.toprack.json("server", "show", "lab/\(name)")["toprack"]["mtu"].int == 9000)

      for _ in 0..<2 {
        let verified = try lab.verify()
        #expect(verified.status == 0, "\(verified.text)\(verified.errors)")
        lab.daemon.kill()
        try lab.daemon.start()
      }
      try lab.toprack("server", "delete", "shop/\(name)")
      #expect(!NetworkNamespace(name: name).exists && NetworkNamespace(name: namespaces[1]).exists)
      // Now the name means one.
      try lab.toprack("server", "delete", name)
      #expect(!NetworkNamespace(name: namespaces[1]).exists)
    }

    @Test("a project's token gets neither the host nor a namespace that exists, and is not told whose it is")
    func places() throws {
      let desk = try Desk()
      let lab = desk.lab
      let victim = Self.name("victim")
      let server = try desk.server("secret-host", of: "shop", "--netns=\(victim)")
      defer { _ = try? lab.toprack.attempt(["server", "delete", server["id"].string ?? ""]) }
      let foreign = lab.namespace("foreign")
      try foreign.create()
      // Its root writes the mark of a namespace that the rack has made.
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      try foreign.run("ip", "link", "set", "lo", "alias", "toprack \(rack) netns")
      var refusals: Set<String> = []
      for name in [victim, foreign.name] {
        let refused = try desk.toprack(as: "lab", "server", "create", "intruder", "--netns=\(name)")
        #expect(refused.status == 1 && refused.errors.contains("is not free"), "\(refused.errors)")
        #expect(!refused.errors.contains("secret-host") && !refused.errors.contains("shop"))
        refusals.insert(refused.errors.replacing(name, with: "NAME"))
      }
      #expect(refusals.count == 1)
      #expect(try foreign.run("ip", "-o", "link").text.split(separator: "\n").count == 1)
      let project = try #require(
        try lab.toprack.json("project", "list").array?.first { $0["name"].string == "lab" }?["id"].string)
      let body =
        #"{"hostname": "h", "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12", "toprack": {"netns": false}}"#
      let onHost = try desk.toprack(as: "lab", "api", "POST", "/projects/\(project)/devices", body)
      #expect(onHost.status == 1 && onHost.errors.contains("a network namespace of its own"), "\(onHost.errors)")
      // Who sees all may.
      try lab.toprack("server", "create", "operator", "--project", "lab", "--netns=\(foreign.name)")
      try lab.toprack("server", "delete", "operator")
      try lab.toprack("server", "create", "onhost", "--project", "lab")
      #expect(try lab.toprack.json("server", "show", "onhost")["toprack"]["place"].string == "host")
      try lab.toprack("server", "delete", "onhost")
    }

    @Test("placement any gives a project's token the host and what exists; quotas end at what is set")
    func settings() throws {
      let desk = try Desk(settings: "placement: any\nquota-servers: 2\nquota-networks: 1\nquota-addresses: 4\n")
      let foreign = desk.lab.namespace("foreign")
      try foreign.create()
      #expect(try desk.server("onhost", of: "lab")["toprack"]["place"].string == "host")
      #expect(
        try desk.server("inside", of: "lab", "--netns=\(foreign.name)")["toprack"]["namespace"].string == foreign.name)
      let servers = try desk.toprack(as: "lab", "server", "create", "third")
      #expect(servers.status == 1 && servers.errors.contains("has 2 servers, and its quota is 2"), "\(servers.errors)")
      // The quota is the project's, whoever asks.
      let operators = try desk.lab.toprack.attempt(["server", "create", "third", "--project", "lab"])
      #expect(operators.status == 1 && operators.errors.contains("quota-servers"), "\(operators.errors)")
      #expect(try desk.toprack(as: "lab", "network", "create").status == 0)
      let networks = try desk.toprack(as: "lab", "network", "create")
      #expect(networks.status == 1 && networks.errors.contains("its quota is 1"), "\(networks.errors)")
      #expect(try desk.toprack(as: "lab", "ip", "reserve", "--size", "30").status == 0)
      let blocks = try desk.toprack(as: "lab", "ip", "reserve", "--size", "32")
      #expect(blocks.status == 1 && blocks.errors.contains("has 4 elastic addresses"), "\(blocks.errors)")
      #expect(try desk.toprack(as: "shop", "ip", "reserve", "--size", "30").status == 0)
    }

    @Test("projects of one name are told apart by UUID, and none of them is the default by its name")
    func projects() throws {
      let desk = try Desk()
      let lab = desk.lab
      #expect(try desk.toprack(as: "lab", "project", "rename", "lab", "default").status == 0)
      for command in [["project", "show", "default"], ["server", "create", "x"], ["network", "create"]] {
        let refused = try lab.toprack.attempt(command)
        #expect(refused.status == 1, "\(command)")
        #expect(refused.errors.contains("default is the name of 2 projects"), "\(command): \(refused.errors)")
      }
      // For the tenant there is one.
      #expect(try desk.toprack(as: "lab", "network", "create", "--vxlan", "1001").status == 0)
      let ids = try lab.toprack.json("project", "list").array?.filter { $0["name"].string == "default" } ?? []
      #expect(ids.count == 2)
      for id in ids.compactMap({ $0["id"].string }) { try lab.toprack("project", "show", id) }
      #expect(try lab.verify().status == 0)
    }
  }
}
