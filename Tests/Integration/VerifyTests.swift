import Foundation
import GRDB
import Testing

extension Integration {
  @Suite("verify: database, API and wire compared") struct VerifyTests {
    /// Lines that `verify` prints.
    private static func differences(_ lab: Lab) throws -> [String] {
      let finished = try lab.verify()
      #expect(finished.status == 1, "\(finished.text)\(finished.errors)")
      return finished.text.split(separator: "\n").map(String.init)
    }

    /// A server of each kind of port, and one on the host.
    private static func furnished() throws -> Lab {
      let lab = try Lab()
      try lab.networks(100, 200)
      _ = try lab.machine("individual", .layer2Individual, vlans: [("eth0", 100), ("eth1", 100), ("eth1", 200)])
      _ = try lab.machine("bonded", .layer2Bonded, vlans: [("bond0", 100), ("bond0", 200)], native: [("bond0", 200)])
      _ = try lab.machine("hybrid", .hybrid, vlans: [("eth1", 200)])
      _ = try lab.machine("routed")
      try lab.toprack("set", "mtu", "routed", "9000")
      return lab
    }

    private static func edit(_ lab: Lab, _ sql: String) throws {
      var configuration = Configuration()
      configuration.busyMode = .timeout(5)
      let queue = try DatabaseQueue(path: "\(lab.daemon.state)/rack.sqlite", configuration: configuration)
      try queue.write { try $0.execute(sql: sql) }
    }

    @Test("a rack that is as it should be agrees, also after a restart and while nothing is in it")
    func agrees() throws {
      let empty = try Lab()
      let nothing = try empty.verify()
      #expect(nothing.status == 0)
      #expect(nothing.text == "verify: 0 servers, 0 networks, 0 ports: database, API and wire agree\n")

      let lab = try Self.furnished()
      let want = "verify: 4 servers, 2 networks, 12 ports: database, API and wire agree\n"
      #expect(try lab.verify().text == want)
      // The daemon says where its database is.
      #expect(try lab.toprack("verify") == want)
      let json = try JSON(lab.verify(["--json"]).output)
      #expect(json["ports"].int == 12)
      #expect(json["differences"].array?.isEmpty == true)
      lab.daemon.kill()
      try lab.daemon.start()
      #expect(try lab.verify().text == want)
    }

    @Test("an interface that was changed, marked otherwise or made by somebody else is named")
    func kernel() throws {
      let lab = try Self.furnished()
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      let server = try #require(try lab.toprack.json("server", "show", "hybrid")["id"].string)
      func namespace(_ name: String) -> NetworkNamespace { lab.namespace(name) }
      // The server's own, and no contradiction.
      try namespace("bonded").run("ip", "link", "set", "eth0", "mtu", "1400")
      try namespace("bonded").run("ip", "link", "set", "eth1", "address", "02:00:00:00:00:99")
      try namespace("hybrid").run("ip", "link", "set", "eth0", "alias", "mine")
      try namespace("routed").run("ip", "link", "set", "eth0", "carrier", "off")
      try namespace("hybrid").run("ip", "tuntap", "add", "stray", "mode", "tap")
      try namespace("hybrid").run("ip", "link", "set", "stray", "alias", "toprack \(rack) \(server) eth0")
      let lines = try Self.differences(lab)
      #expect(lines.count == 4, "\(lines)")
      for (beginning, words) in [
        ("kernel: bonded eth1: MAC", "is 02:00:00:00:00:99"),
        ("kernel: hybrid eth0: mark", "is mine, in the database it is toprack \(rack) \(server) eth0"),
        ("kernel: interface stray in netns \(namespace("hybrid").name)", "is here and not in the database"),
        ("kernel: routed eth0: carrier", "is off, in the database it is on"),
      ] {
        #expect(lines.contains { $0.hasPrefix(beginning) && $0.contains(words) }, "\(beginning): \(lines)")
      }
    }

    @Test("a database that somebody has edited differs from API, wire and interfaces in just that")
    func database() throws {
      let lab = try Self.furnished()
      try Self.edit(
        lab,
        """
        UPDATE server SET mtu = 1400 WHERE hostname = 'routed';
        UPDATE server SET description = 'edited' WHERE hostname = 'hybrid';
        UPDATE network SET vxlan = 201 WHERE vxlan = 200;
        DELETE FROM port_network WHERE port IN
          (SELECT port.id FROM port JOIN server ON server.id = port.server
           WHERE hostname = 'individual' AND port.name = 'eth0');
        DELETE FROM address WHERE kind = 'publicIPv6' AND server IN (SELECT id FROM server WHERE hostname = 'routed');
        UPDATE server SET powered_on = 0 WHERE hostname = 'bonded';
        """)
      let lines = try Self.differences(lab)
      for (beginning, words) in [
        ("API: hybrid: description", "is none, in the database it is edited"),
        ("API: network 201 of ewr1 in default: number", "is 200, in the database it is 201"),
        ("wire: hybrid eth1: untagged", "(VID 200), in the database it is network 201 of ewr1 in default (VID 201)"),
        ("API: individual eth0: networks", "is network 100 of ewr1 in default, in the database it is none"),
        ("wire: individual eth0: role", "is switched, in the database it is dark"),
        ("API: routed: addresses", "2001:db8"), ("wire: routed bond0: routes", "2001:db8"),
        ("API: bonded: state", "is active, in the database it is inactive"),
        ("wire: bonded bond0: role", "is switched, in the database it is absent"),
        ("kernel: bonded eth0: carrier", "is on, in the database it is off"),
      ] {
        #expect(lines.contains { $0.hasPrefix(beginning) && $0.contains(words) }, "\(beginning): \(lines)")
      }
      let named = ["routed", "hybrid", "individual", "bonded", "network 201"]
      #expect(lines.allSatisfy { line in named.contains { line.contains($0) } }, "\(lines)")

      // The daemon has noticed nothing, and what was edited is no state that contradicts itself: a start makes it true.
      try Self.edit(lab, "UPDATE server SET powered_on = 1")
      lab.daemon.kill()
      try lab.daemon.start()
      let finished = try lab.verify()
      #expect(finished.status == 0, "\(finished.text)")
    }

    @Test("a lab agrees, and differs in what somebody has edited of it")
    func labs() throws {
      let lab = try Lab()
      defer { _ = try? lab.toprack("lab", "destroy", "a", "--yes") }
      let file = "\(lab.daemon.directory)/a.toprack.yml"
      try "lab: a\nnetworks: {n: }\nservers:\n  w[1-2]: {}\n".write(toFile: file, atomically: true, encoding: .utf8)
      try lab.toprack("lab", "apply", file)
      #expect(try lab.verify().status == 0)
      try Self.edit(
        lab, "UPDATE lab SET generation = 7; UPDATE server SET lab = NULL, lab_name = NULL WHERE hostname = 'w2'")
      let lines = try Self.differences(lab)
      #expect(lines.contains("API: lab a of default: generation is 1, in the database it is 7"), "\(lines)")
      #expect(lines.contains("API: lab a of default: servers is w1, w2, in the database it is w1"), "\(lines)")
      try Self.edit(
        lab,
        "UPDATE lab SET generation = 1; UPDATE server SET lab = (SELECT id FROM lab), lab_name = 'w2' WHERE hostname = 'w2'"
      )
      #expect(try lab.verify().status == 0)
    }

    @Test("a state that breaks a rule of the rack is named, and so is the database of another rack")
    func rules() throws {
      let lab = try Self.furnished()
      try Self.edit(lab, "UPDATE server SET plan = 't1.small.x86' WHERE hostname = 'bonded'")
      let lines = try Self.differences(lab)
      #expect(
        lines.contains { $0.hasPrefix("database: server bonded: plan t1.small.x86 has no mode layer2-bonded") },
        "\(lines)")

      let other = try Lab()
      let finished = try lab.verify(state: other.daemon.state)
      #expect(finished.status == 1)
      #expect(finished.errors.contains("the daemon at the API is that of rack"), "\(finished.errors)")
      let none = try lab.verify(state: "/nonexistent")
      #expect(none.status == 1 && none.errors.contains("/nonexistent/rack.sqlite"), "\(none.errors)")
    }
  }
}
