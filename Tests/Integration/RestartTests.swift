import Foundation
import Glibc
import Net
import Testing

extension Integration {
  @Suite("Restart") struct RestartTests {
    @Test("SIGTERM ends the daemon within two seconds with status 0; NICs stay and are adopted by the next start")
    func politeRestart() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let before = try lab.configuration()
      let interfaces = try Interface.list(in: a.namespace)

      let asked = ContinuousClock.now
      #expect(try lab.daemon.stop() == 0)
      #expect(Pace.allows(asked.duration(to: .now), under: .seconds(2)))
      #expect(try Interface.list(in: a.namespace).map(\.index) == interfaces.map(\.index), "NICs outlive the daemon")

      try lab.daemon.start()
      #expect(try lab.configuration() == before)
      #expect(try Interface.list(in: a.namespace) == interfaces, "adopted, not made again")
      #expect(try lab.poll { try a.reaches(b) })
    }

    @Test("killed at any moment, the next start is in the last acknowledged state", arguments: [UInt64(1), 2, 3])
    func killed(seed: UInt64) throws {
      let lab = try Lab()
      var random = SeededGenerator(seed: seed)
      // What is not the rack's: it must be there, unchanged, after every start.
      let foreign = "trtf\(getpid())"
      try runSuccessfully(["ip", "tuntap", "add", foreign, "mode", "tap"])
      defer { _ = try? run(["ip", "link", "del", foreign]) }
      let foreignIndex = try Interface.list().first { $0.name == foreign }?.index

      var model = RackModel()
      var indexes: [String: [Int]] = [:]
      for round in 1...6 {
        let driver = CommandDriver(lab: lab, model: model, random: SeededGenerator(seed: random.next()))
        driver.start()
        // The moment is random, not awaited: anywhere in the stream of commands.
        usleep(UInt32(random.next() % 700_000))
        lab.daemon.kill()
        let (acknowledged, inFlight) = try driver.stop()
        try lab.daemon.start()

        model = try RackModel(lab)
        #expect(
          model == acknowledged || model == inFlight,
          "seed \(seed), round \(round): neither the last acknowledged state nor that of the command in flight")
        #expect(try Interface.list().first { $0.name == foreign }?.index == foreignIndex)

        for (name, server) in model.servers {
          let namespace = NetworkNamespace(name: lab.namespace(name).name)
          let interfaces = try Interface.list(in: namespace)
          #expect(interfaces.map(\.name).sorted() == ["eth0", "eth1"], "seed \(seed), round \(round): \(name)")
          let now = interfaces.map(\.index)
          if let before = indexes[server.id] {
            #expect(now == before, "seed \(seed), round \(round): \(name) was remade")
          }
          indexes[server.id] = now
        }
        for name in RackModel.names where model.servers[name] == nil {
          #expect(!lab.namespace(name).exists, "seed \(seed), round \(round): \(name) is not wanted")
        }
      }
      // And the wire agrees with the state.
      try lab.networks(3_900)
      let a = try lab.individual("wire-a", 3_900)
      let b = try lab.individual("wire-b", 3_900)
      #expect(try lab.poll { try a.reaches(b) })
    }

    @Test("interfaces that the state does not want any more are removed at start, wanted ones are made again")
    func reconcile() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      #expect(try lab.daemon.stop() == 0)
      let copy = "\(lab.daemon.directory)/older"
      try FileManager.default.copyItem(atPath: lab.daemon.state, toPath: copy)
      try lab.daemon.start()
      let late = lab.namespace("late")
      try lab.toprack("server", "create", "late", "--netns=\(late.name)")
      lab.daemon.kill()
      // The rack goes back to before "late", and loses both NICs of "a" to an accident.
      try FileManager.default.removeItem(atPath: lab.daemon.state)
      try FileManager.default.moveItem(atPath: copy, toPath: lab.daemon.state)
      try a.namespace.remove()
      try lab.daemon.start()

      #expect(!late.exists, "a stale server's namespace is removed")
      #expect(try Lab.names(lab.toprack.json("server", "list")).sorted() == ["a", "b"])
      #expect(try Interface.list(in: a.namespace).map(\.name).sorted() == ["eth0", "eth1"], "made again")
      try a.namespace.silence()
      let again = try Machine(
        in: lab, name: "a", namespace: a.namespace, device: lab.toprack.json("server", "show", "a"))
      #expect(again.eth0.mac == a.eth0.mac)
      #expect(try lab.poll { try again.reaches(b) })
    }

    @Test("a name whose namespace a kill left unmade is taken away at start and by cleanup; somebody else's stays")
    func abandonedNames() throws {
      let lab = try Lab()
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      let ours = lab.namespace("ours")
      let foreign = lab.namespace("foreign")
      try lab.namespace("any").create()  // so that the directory is there
      func abandon() throws {
        try "toprack \(rack) netns".write(toFile: "/run/netns/\(ours.name)", atomically: false, encoding: .utf8)
      }
      try "".write(toFile: "/run/netns/\(foreign.name)", atomically: false, encoding: .utf8)
      try abandon()
      lab.daemon.kill()
      try lab.daemon.start()
      #expect(!ours.exists)
      #expect(foreign.exists)
      try lab.toprack("server", "create", "web1", "--netns=\(ours.name)")
      try lab.toprack("server", "delete", "web1")
      try abandon()
      #expect(try lab.daemon.stop() == 0)
      try lab.toprack("cleanup", "--rack", lab.daemon.state)
      #expect(!ours.exists)
      #expect(foreign.exists)
    }

    @Test("a namespace that the rack has made goes with its server, whatever root inside writes on its lo")
    func marks() throws {
      let lab = try Lab()
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      let made = ["none", "other", "forged"].map(lab.namespace)
      let kept = lab.namespace("kept")
      try kept.create()
      for space in made + [kept] { try lab.toprack("server", "create", space.name, "--netns=\(space.name)") }
      let stranger = UUID().uuidString.lowercased()
      let server = UUID().uuidString.lowercased()
      for (space, mark) in zip(made, ["", "toprack \(stranger) netns", "toprack \(rack) \(server) eth0"]) {
        try space.run("ip", "link", "set", "lo", "alias", mark)
      }
      // What is in use is not the rack's that its lo names.
      let refused = try lab.toprack.attempt(["cleanup", "--rack", stranger])
      #expect(refused.status == 1 && refused.errors.contains("left alone"), "\(refused.errors)")
      #expect(made.allSatisfy { $0.exists })
      lab.daemon.kill()
      let dead = try lab.toprack.attempt(["cleanup", "--rack", stranger])
      #expect(dead.status == 1 && dead.errors.contains(rack), "\(dead.errors)")
      try lab.daemon.start()
      for space in made + [kept] { try lab.toprack("server", "delete", space.name) }
      #expect(!made.contains { $0.exists })
      #expect(kept.exists)
    }

    @Test("a second daemon on the same state or the same socket is refused with one clear line, and harms nothing")
    func rivals() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      for rival in [
        try lab.daemon.rival(socket: "\(lab.daemon.directory)/other.sock"),
        try lab.daemon.rival(state: "\(lab.daemon.directory)/other-state"),
      ] {
        #expect(rival.status == 1)
        #expect(rival.errors.contains(lab.daemon.directory), "\(rival.errors)")
      }
      #expect(try a.reaches(b))
      #expect(try lab.toprack.json("status").object != nil)
    }

    @Test("cleanup removes what a dead daemon left, refuses while one runs, and touches nothing else")
    func cleanup() throws {
      let lab = try Lab()
      let foreign = "trtf\(getpid())"
      try runSuccessfully(["ip", "tuntap", "add", foreign, "mode", "tap"])
      defer { _ = try? run(["ip", "link", "del", foreign]) }
      let host = lab.hostname("trth")
      let inside = lab.namespace("inside")
      let kept = lab.namespace("kept")
      try kept.create()
      try lab.toprack("server", "create", host)
      try lab.toprack("server", "create", "web1", "--netns=\(inside.name)")
      try lab.toprack("server", "create", "web2", "--netns=\(kept.name)")

      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      let refused = try lab.toprack.attempt(["cleanup", "--rack", rack])
      #expect(refused.status == 1)
      #expect(refused.errors.contains("daemon"), "\(refused.errors)")
      #expect(try Interface.list().contains { $0.name == "\(host)-eth0" })
      #expect(try Interface.list(in: inside).count == 2)

      lab.daemon.kill()
      #expect(try Interface.list().contains { $0.name == "\(host)-eth0" }, "it outlives the daemon")
      let others = try lab.toprack("cleanup", "--rack", UUID().uuidString)
      #expect(others == "nothing to remove\n", "that was another rack's")
      #expect(try Interface.list().contains { $0.name == "\(host)-eth0" })
      let cleaned = try lab.toprack.attempt(["cleanup", "--rack", rack.uppercased()])
      #expect(cleaned.status == 0 && cleaned.errors.isEmpty, "\(cleaned.errors)")
      #expect(cleaned.text.contains("\(host)-eth0"), "it says what it removed: \(cleaned.text)")
      let interfaces = try Interface.list()
      #expect(!interfaces.contains { $0.name.hasPrefix(host) })
      #expect(interfaces.contains { $0.name == foreign })
      #expect(!inside.exists)
      #expect(kept.exists)
      #expect(try Interface.list(in: kept).isEmpty)
    }
  }
}

extension Machine {
  /// Whether a broadcast from eth0 reaches `other`'s eth0; asked right after a start or a link change.
  func reaches(_ other: Machine) throws -> Bool {
    let frame = Frame(to: .broadcast, from: eth0.mac, "are you there, \(other.name)?")
    try eth0.send(frame)
    return try other.eth0.next(until: .after(.seconds(2))) { $0 == frame } != nil
  }
}
