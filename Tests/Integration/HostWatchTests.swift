import Foundation
import Testing

extension Integration {
  @Suite("The host is watched") struct HostWatchTests {
    private func problems(_ lab: Lab) throws -> [String] {
      (try lab.toprack.json("status")["problems"].array ?? []).compactMap(\.string)
    }

    private func events(_ lab: Lab, _ server: String) throws -> [String] {
      try lab.toprack.attempt(["events", "--server", server, "--json"]).text.split(separator: "\n").compactMap {
        try JSON(Data($0.utf8))["type"].string
      }
    }

    @Test("a NIC that is deleted is back within a second, in its VLAN, and reaches others as before")
    func deleted() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      #expect(try lab.poll { try a.reaches(b) })
      let deleted = ContinuousClock.now
      try a.namespace.run("ip", "link", "del", "eth0")
      #expect(try lab.poll { try Interface.list(in: a.namespace).contains { $0.name == "eth0" } })
      #expect(Pace.allows(deleted.duration(to: .now), under: .seconds(1)))
      let again = try Machine(
        in: lab, name: "a", namespace: a.namespace, device: lab.toprack.json("server", "show", "a"))
      #expect(again.eth0.mac == a.eth0.mac)
      #expect(try lab.poll { try again.reaches(b) })
      #expect(try problems(lab) == [])
      let types = try events(lab, "a")
      #expect(types.contains("port.lost") && types.contains("port.restored"), "\(types)")
    }

    @Test("a name that would steer a terminal is written visibly in every sentence, and is itself in JSON")
    func visibly() throws {
      let lab = try Lab()
      try lab.toprack("server", "create", "a", "--netns=\(lab.namespace("a").name)")
      let name = "\u{1B}[2J\u{1B}]0;P\u{7}"
      try lab.namespace("a").run("ip", "link", "set", "eth0", "name", name)
      #expect(try lab.poll { try events(lab, "a").contains("port.renamed") })
      #expect(try problems(lab).contains { $0.contains(#"is called \x1b[2J\x1b]0;P\x07 and not eth0 now"#) })
      for command in [
        ["status"], ["server", "show", "a"], ["server", "list"], ["port", "show", "a", "eth0"], ["events"],
        ["server", "repair", "nobody\u{1B}[2J"],
      ] {
        let finished = try lab.toprack.attempt(command)
        #expect(!(finished.text + finished.errors).contains("\u{1B}"), "\(command): \(finished.text)\(finished.errors)")
      }
      let json = try lab.toprack.json("server", "show", "a")
      #expect(json["toprack"]["interfaces"]["eth0"].string == name)
      try lab.toprack("server", "repair", "a")
      #expect(try problems(lab) == [])
    }

    @Test("a NIC that is renamed and moved is shown where it is, keeps its VLAN over both, and repair puts it back")
    func followed() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let other = lab.namespace("other")
      try other.create()
      try a.namespace.run("ip", "link", "set", "eth0", "netns", other.name, "name", "lan0")
      #expect(try lab.poll { try events(lab, "a").contains("port.moved") })
      let device = try lab.toprack.json("server", "show", "a")
      #expect(device["toprack"]["interfaces"]["eth0"].string == "lan0")
      #expect(device["toprack"]["namespaces"]["eth0"].string == other.name)
      #expect(device["toprack"]["problems"].array?.count == 1)
      #expect(try lab.toprack("server", "show", "a").contains("toprack server repair a"))
      let port = try lab.toprack.json("port", "show", "a", "eth0")
      #expect(port["interface"].string == "lan0" && port["namespace"].string == other.name)
      #expect(try problems(lab).contains { $0.contains("lan0") && $0.contains(other.name) })

      try lab.toprack("set", "mtu", "a", "1400")
      #expect(try Interface.list(in: other).map(\.mtu) == [1400])
      try lab.toprack("server", "repair", "a")
      #expect(try problems(lab) == [])
      let refused = try lab.toprack.attempt(["server", "repair", "a"])
      #expect(refused.status == 1 && refused.errors.contains("a is whole"), "\(refused.errors)")
      try a.namespace.silence()
      try a.namespace.run("ip", "link", "set", "eth0", "up")
      let again = try Machine(
        in: lab, name: "a", namespace: a.namespace, device: lab.toprack.json("server", "show", "a"))
      #expect(try lab.poll { try again.reaches(b) })
    }

    @Test("a namespace that is deleted while the daemon runs is said, and repair makes it whole with its NICs")
    func namespace() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      try a.namespace.remove()
      #expect(try lab.poll { try events(lab, "a").contains("namespace.lost") })
      #expect(try problems(lab).contains { $0.contains(a.namespace.name) && $0.contains("toprack server repair a") })
      try lab.toprack("server", "repair", "a")
      #expect(try problems(lab) == [])
      let again = try Machine(
        in: lab, name: "a", namespace: a.namespace, device: lab.toprack.json("server", "show", "a"))
      #expect(again.eth0.mac == a.eth0.mac)
      #expect(try lab.poll { try again.reaches(b) })
      // Another one of that name.
      try a.namespace.remove()
      try a.namespace.create()
      #expect(try lab.poll { try problems(lab).contains { $0.contains(a.namespace.name) } })
      try lab.toprack("server", "repair", "a")
      #expect(try Interface.list(in: a.namespace).map(\.name).sorted() == ["eth0", "eth1"])
      #expect(try problems(lab) == [])
    }

    @Test("a namespace by a link, as containers have it: one that leads nowhere is said, and repair follows a new one")
    func link() throws {
      let lab = try Lab()
      let (first, second) = (lab.namespace("first"), lab.namespace("second"))
      try first.create()
      try second.create()
      let name = "\(lab.namespace("c").name)"
      func lead(to space: NetworkNamespace) throws {
        try runSuccessfully(["ln", "-sfn", "/run/netns/\(space.name)", "/run/netns/\(name)"])
      }
      try lead(to: first)
      defer { try? FileManager.default.removeItem(atPath: "/run/netns/\(name)") }
      try lab.toprack("server", "create", "c", "--netns=\(name)")
      let mac = try Interface.list(in: first).first { $0.name == "eth0" }?.mac
      try first.remove()
      #expect(try lab.poll { try problems(lab).contains { $0.contains("leads it to the one of process PID") } })
      for command in [["server", "repair", "c"], ["server", "create", "d", "--netns=\(name)"]] {
        let refused = try lab.toprack.attempt(command)
        #expect(refused.status == 1 && !refused.errors.contains("File exists"), "\(refused.errors)")
        #expect(command[1] == "create" || refused.errors.contains("is a link to"), "\(refused.errors)")
      }
      try lead(to: second)
      #expect(try lab.poll { try problems(lab).contains { $0.contains("is not the one of c any more") } })
      try lab.toprack("server", "repair", "c")
      #expect(try problems(lab) == [])
      let interfaces = try Interface.list(in: second)
      #expect(interfaces.map(\.name).sorted() == ["eth0", "eth1"] && interfaces.contains { $0.mac == mac })
    }

    @Test("nothing says success about a NIC that cannot be had: one line names it and what to do")
    func refusals() throws {
      let lab = try Lab()
      let host = lab.hostname("trtw")
      try lab.toprack("server", "create", host)
      try runSuccessfully(["ip", "link", "del", "\(host)-eth0"])
      // It has come back; somebody takes the name in the same moment as it goes once more.
      #expect(try lab.poll { try Interface.list().contains { $0.name == "\(host)-eth0" } })
      try runSuccessfully([
        "sh", "-c", "ip link del \(host)-eth0 && ip tuntap add \(host)-eth0 mode tap",
      ])
      for command in [
        ["set", "mtu", host, "1400"], ["server", "power", host, "off"], ["server", "reboot", host],
        ["server", "repair", host],
      ] {
        let refused = try lab.toprack.attempt(command)
        #expect(refused.status == 1, "\(command)")
        #expect(refused.errors.contains("\(host)-eth0"), "\(command): \(refused.errors)")
        #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
      }
      try runSuccessfully(["ip", "link", "del", "\(host)-eth0"])
      // The daemon may have made it again by itself a moment before.
      let repaired = try lab.toprack.attempt(["server", "repair", host])
      #expect(repaired.status == 0 || repaired.errors.contains("is whole"), "\(repaired.errors)")
      #expect(try problems(lab) == [])
    }
  }
}
