import Foundation
import Testing

extension Integration {
  @Suite("Commands for servers, networks, ports and projects") struct ResourceCommandTests {
    @Test("server set changes name, notes and locks at once, and server show has them")
    func serverSet() throws {
      let lab = try Lab()
      try lab.toprack(
        "server", "create", "web1", "--netns=\(lab.namespace("web1").name)", "--tag", "one", "--description", "first",
        "--customdata", #"{"rack": 7}"#)
      let created = try lab.toprack.json("server", "show", "web1")
      #expect(created["tags"] == .array([.string("one")]))
      #expect(created["description"].string == "first")
      #expect(created["customdata"]["rack"].int == 7)

      let file = "\(lab.daemon.directory)/userdata"
      try "#cloud-config\n".write(toFile: file, atomically: true, encoding: .utf8)
      try lab.toprack(
        "server", "set", "web1", "--hostname", "www1", "--description", "front end", "--tag", "prod", "--tag", "eu",
        "--userdata", file, "--lock", "--freeze-network")
      let changed = try lab.toprack.json("server", "show", "www1")
      #expect(changed["id"] == created["id"])
      #expect(changed["tags"] == .array([.string("prod"), .string("eu")]))
      #expect(changed["userdata"].string == "#cloud-config\n")
      #expect(changed["customdata"]["rack"].int == 7)
      let shown = try lab.toprack("server", "show", "www1")
      for word in ["front end", "prod, eu", "deletion, bond and mode"] { #expect(shown.contains(word), "\(word)") }

      #expect(try lab.toprack.attempt(["server", "delete", "www1"]).status == 1)
      #expect(try lab.toprack.attempt(["server", "mode", "www1", "hybrid"]).status == 1)
      try lab.toprack("server", "set", "www1", "--unlock", "--unfreeze-network", "--no-tags")
      #expect(try lab.toprack.json("server", "show", "www1")["tags"] == .array([]))
      try lab.toprack("server", "mode", "www1", "hybrid")
      try lab.toprack("server", "delete", "www1")
    }

    @Test("server power takes the carrier away and brings it back")
    func power() throws {
      let lab = try Lab()
      try lab.networks(100)
      let nic = try lab.individual("web1", 100).eth0
      func linkUp() throws -> Bool? { try lab.toprack.json("port", "show", "web1", "eth0")["link_up"].bool }
      #expect(try lab.poll { try linkUp() == true })
      #expect(try lab.toprack("server", "power", "web1", "off") == "web1 is off\n")
      #expect(try lab.poll { try linkUp() == false })
      #expect(try lab.toprack("server", "list").contains("off"))
      #expect(try lab.toprack.attempt(["server", "reboot", "web1"]).status == 1)
      #expect(try lab.toprack("server", "power", "web1", "on") == "web1 is on\n")
      #expect(try lab.poll { try linkUp() == true })
      #expect(try lab.toprack("server", "reboot", "web1") == "web1 rebooted\n")
      #expect(try lab.poll { try linkUp() == true })
      _ = nic
    }

    @Test("port batch changes all that is asked for, or nothing")
    func batch() throws {
      let lab = try Lab()
      try lab.networks(101, 102, 103)
      try lab.toprack("server", "create", "web1", "--netns=\(lab.namespace("web1").name)")
      try lab.toprack("server", "mode", "web1", "hybrid")
      func vlans() throws -> String { try lab.toprack("port", "batch", "web1", "eth1", "--detach", "103") }
      #expect(
        try lab.toprack("port", "batch", "web1", "eth1", "--attach", "101", "--attach", "102", "--native", "101")
          == "web1 eth1: VLAN 101 native, 102 tagged\n")
      #expect(try vlans() == "web1 eth1: VLAN 101 native, 102 tagged\n", "what is detached already is no error")

      let refused = try lab.toprack.attempt(["port", "batch", "web1", "eth1", "--attach", "103", "--attach", "999"])
      #expect(refused.status == 1)
      #expect(refused.errors.contains("999"))
      #expect(try vlans() == "web1 eth1: VLAN 101 native, 102 tagged\n")

      #expect(
        try lab.toprack("port", "batch", "web1", "eth1", "--no-native") == "web1 eth1: VLAN 101 tagged, 102 tagged\n")
      #expect(
        try lab.toprack("port", "batch", "web1", "eth1", "--detach", "101", "--attach", "103", "--native", "102")
          == "web1 eth1: VLAN 102 native, 103 tagged\n")
      let assignments = try lab.toprack.json("port", "assignments", "web1", "eth1").array ?? []
      #expect(assignments.map { $0["vlan"].int } == [102, 103])
      #expect(assignments.map { $0["native"].bool } == [true, false])
    }

    @Test("a network of a metro is listed as one, changed and deleted")
    func metroNetwork() throws {
      let lab = try Lab()
      try lab.toprack("network", "create", "--metro", "ny", "--vxlan", "1001")
      try lab.networks(1001)
      #expect(try lab.toprack("network", "list").contains("metro ny"))
      let ambiguous = try lab.toprack.attempt(["network", "delete", "1001"])
      #expect(ambiguous.status == 1)
      for word in ["ewr1", "metro ny", "--metro"] { #expect(ambiguous.errors.contains(word), "\(word)") }
      try lab.toprack("network", "set", "1001", "--metro", "ny", "--description", "storage", "--tag", "x")
      let networks = try lab.toprack.json("network", "list").array ?? []
      let changed = try #require(networks.first { $0["facility_code"] == .null })
      #expect(changed["description"].string == "storage")
      #expect(changed["tags"] == .array([.string("x")]))
      try lab.toprack("network", "delete", "1001", "--metro", "ny")
      try lab.toprack("network", "delete", "1001")
    }

    @Test("projects are made, used, renamed and deleted")
    func projects() throws {
      let lab = try Lab()
      try lab.toprack("project", "create", "my shop")
      #expect(try lab.toprack("project", "list").contains("my shop"))
      try lab.toprack("server", "create", "web1", "--netns=\(lab.namespace("a").name)", "--project", "my shop")
      try lab.toprack("server", "create", "web2", "--netns=\(lab.namespace("b").name)")
      try lab.toprack("network", "create", "--vxlan", "100", "--project", "my shop")
      #expect(Lab.names(try lab.toprack.json("server", "list", "--project", "my shop")) == ["web1"])
      #expect(try lab.toprack.json("network", "list", "--project", "default").array?.isEmpty == true)
      let environment = ["TOPRACK_PROJECT": "my shop", "TOPRACK_SOCKET": lab.daemon.socket]
      let listed = try run(["\(Daemon.binaries)/toprack", "server", "list", "--json"], environment: environment)
      #expect(Lab.names(try JSON(listed.output)) == ["web1"])
      let shown = try lab.toprack("project", "show", "my shop")
      for word in ["web1", "100 in ewr1"] { #expect(shown.contains(word), "\(word)") }

      #expect(try lab.toprack.attempt(["project", "delete", "my shop"]).status == 1)
      try lab.toprack("project", "rename", "my shop", "shop")
      try lab.toprack("server", "delete", "web1")
      try lab.toprack("network", "delete", "100")
      try lab.toprack("project", "delete", "shop")
      #expect(try lab.toprack.json("project", "list").array?.count == 1)
    }

    @Test("api sends what it is told, and prints what comes")
    func api() throws {
      let lab = try Lab()
      let made = try JSON(lab.toprack.attempt(["api", "post", "/projects", #"{"name": "x"}"#]).output)
      #expect(made["name"].string == "x")
      let id = try #require(made["id"].string)
      let file = "\(lab.daemon.directory)/body"
      try #"{"name": "y"}"#.write(toFile: file, atomically: true, encoding: .utf8)
      try lab.toprack("api", "PATCH", "/metal/v1/projects/\(id)", "@\(file)")
      #expect(try JSON(lab.toprack.attempt(["api", "GET", "projects/\(id)?include=x"]).output)["name"].string == "y")
      #expect(try lab.toprack("api", "DELETE", "/projects/\(id)") == "")
      let missing = try lab.toprack.attempt(["api", "GET", "/projects/\(id)"])
      #expect(missing.status == 1)
      #expect(missing.output.isEmpty)
    }
  }
}
