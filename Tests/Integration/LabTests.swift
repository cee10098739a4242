import Foundation
import Net
import Testing

/// Whole labs from one file, by the command line, with real interfaces.
extension Integration {
  @Suite("Labs from one file") struct LabTests {
    static let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/labs").path

    /// The labs in docs/labs, by file and name.
    static let files = [
      ("hybrid-web-db", "shop"), ("firewall", "firewall"), ("every-mode", "modes"), ("three-facilities", "fifty"),
    ]

    private static func path(_ file: String) -> String { "\(examples)/\(file).toprack.yml" }

    /// Takes away what a test leaves, and the namespaces with it.
    private func clear(_ lab: Lab) {
      if !lab.daemon.isRunning { try? lab.daemon.start() }
      for name in (try? lab.toprack.json("lab", "list").array?.compactMap({ $0["name"].string })) ?? [] {
        _ = try? lab.toprack("lab", "destroy", name, "--yes")
      }
    }

    private func eventCount(_ lab: Lab) throws -> Int? {
      try lab.toprack.json("api", "GET", "/events?per_page=1")["meta"]["total"].int
    }

    private func isPending(_ lab: Lab, _ arguments: String...) throws -> Bool {
      let finished = try lab.toprack.attempt(arguments + ["--detailed-exitcode"])
      guard [0, 4].contains(finished.status) else { throw CommandRefused(finished) }
      return finished.status == 4
    }

    @Test(
      "each example is applied, applied again without any event, checked, exported, destroyed, and comes back",
      arguments: files)
    func examples(_ file: String, _ name: String) throws {
      let lab = try Lab()
      defer { clear(lab) }
      let path = Self.path(file)
      #expect(try isPending(lab, "lab", "diff", path))
      let began = ContinuousClock.now
      try lab.toprack("lab", "apply", path)
      print("\(file) applied in \(began.duration(to: .now).milliseconds) ms")
      let servers = try lab.toprack.json("server", "list").array?.count
      let events = try eventCount(lab)
      #expect(try !isPending(lab, "lab", "apply", path))
      #expect(try eventCount(lab) == events)
      #expect(try lab.toprack("verify").contains("agree"))
      let checks = try lab.toprack.attempt(["lab", "check", name])
      #expect(checks.status == 0, "\(checks.text)\(checks.errors)")

      let exported = "\(lab.daemon.directory)/exported.toprack.yml"
      try lab.toprack("lab", "export", name).write(toFile: exported, atomically: true, encoding: .utf8)
      #expect(try !isPending(lab, "lab", "diff", exported))
      #expect(try lab.toprack.attempt(["lab", "destroy", name]).status == 1, "it is asked for")
      #expect(try lab.toprack.json("server", "list").array?.count == servers)
      try lab.toprack("lab", "destroy", name, "--yes")
      #expect(try lab.toprack.json("server", "list").array?.isEmpty == true)
      #expect(try lab.toprack.json("network", "list").array?.isEmpty == true)
      try lab.toprack("lab", "apply", exported)
      #expect(try !isPending(lab, "lab", "diff", path), "what was exported is what the file says")
      #expect(try lab.toprack.json("server", "list").array?.count == servers)
      #expect(try lab.toprack("verify").contains("agree"))
    }

    @Test("killed in the middle of an apply, the next start has all of it or nothing", arguments: [UInt64(1), 2])
    func killed(seed: UInt64) throws {
      let lab = try Lab()
      defer { clear(lab) }
      var random = SeededGenerator(seed: seed)
      let rounds = ProcessInfo.processInfo.environment["TOPRACK_LAB_KILLS"].flatMap(Int.init) ?? 6
      var whole = 0
      for round in 1...rounds {
        let apply = try ChildProcess([
          "\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket, "lab", "apply", Self.path("three-facilities"),
        ])
        // The moment is random, not awaited: anywhere from the plan to the answer.
        usleep(UInt32(random.next() % 700_000))
        lab.daemon.kill()
        let status = apply.wait(until: .after(.seconds(30)))
        try lab.daemon.start()
        let servers = try lab.toprack.json("server", "list").array?.count ?? -1
        let networks = try lab.toprack.json("network", "list").array?.count ?? -1
        #expect([[0, 0], [50, 3]].contains([servers, networks]), "seed \(seed), round \(round)")
        if status == 0 { #expect(servers == 50, "seed \(seed), round \(round): it was said to be done") }
        let isVerified = try lab.poll { try lab.toprack.attempt(["verify"]).status == 0 }
        #expect(isVerified, "seed \(seed), round \(round)")
        let names = try lab.toprack.json("lab", "list").array?.count
        #expect(names == (servers == 0 ? 0 : 1), "seed \(seed), round \(round)")
        if servers > 0 {
          whole += 1
          #expect(try !isPending(lab, "lab", "diff", Self.path("three-facilities")))
          try lab.toprack("lab", "destroy", "fifty", "--yes")
        }
      }
      print("seed \(seed): \(whole) of \(rounds) were whole")
    }

    @Test("a plan that is losing needs a yes; a stranger on a network is named; what is wrong has its place")
    func refusals() throws {
      let lab = try Lab()
      defer { clear(lab) }
      let file = "\(lab.daemon.directory)/a.toprack.yml"
      func write(_ text: String) throws { try text.write(toFile: file, atomically: true, encoding: .utf8) }
      func attempt(_ arguments: String...) throws -> Finished { try lab.toprack.attempt(["lab"] + arguments) }

      try write("lab: a\nservers:\n  w1: {mode: hybird}\n  w2: {port: {}}\n")
      let wrong = try attempt("apply", file)
      #expect(wrong.status == 2 && wrong.errors.hasPrefix("\(file):3:14: "), "as editors know it")
      #expect(
        wrong.errors.contains("a.toprack.yml:3:14: ") && wrong.errors.contains("a.toprack.yml:4:8: "), "\(wrong.errors)"
      )
      let asJSON = try attempt("apply", file, "--json")
      let listed = try JSON(asJSON.output)["errors"].array
      #expect(asJSON.status == 2 && listed?.count == 2)

      try write("lab: a\nnetworks: {n: {vxlan: 1001}}\nservers: {w1: {mode: hybrid, ports: {eth1: [n]}}}\n")
      try lab.toprack("lab", "apply", file)
      let losing = try attempt("apply", file, "--set", "servers.w1.mode=layer2-individual")
      #expect(losing.status == 1 && losing.errors.contains("--yes") && losing.text.contains("given back for good"))
      #expect(try lab.toprack.json("server", "show", "w1")["toprack"]["mode"].string == "hybrid")
      try lab.toprack("lab", "apply", file, "--set", "servers.w1.mode=layer2-individual", "--yes")

      _ = try lab.individual("stranger", 1001)
      let held = try attempt("destroy", "a", "--yes")
      #expect(held.status == 1 && held.errors.contains("stranger"), "\(held.errors)")
      try lab.toprack("server", "delete", "stranger")
      try write("lab: b\nservers: {w1: {}}\n")
      let foreign = try attempt("apply", file, "--adopt")
      #expect(foreign.status == 1 && foreign.errors.contains("w1"), "\(foreign.errors)")
    }

    @Test("a server that is made anew is in its namespace, under its names, and the wire carries its frames")
    func anew() throws {
      let lab = try Lab()
      defer { clear(lab) }
      let (one, other) = (lab.namespace("w1"), lab.namespace("w2"))
      let file = "\(lab.daemon.directory)/a.toprack.yml"
      let text = """
        lab: a
        networks: {n: {vxlan: 1001}}
        servers:
          w1: {mode: layer2-individual, place: "netns:\(one.name)", ports: {eth0: [n]}}
          w2: {mode: layer2-individual, place: "netns:\(other.name)", ports: {eth0: [n]}}
        """
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      try lab.toprack("lab", "apply", file)
      func reach() throws -> Bool {
        for (namespace, address) in [(one, "192.0.2.1/24"), (other, "192.0.2.2/24")] {
          _ = try namespace.attempt(["ip", "address", "replace", address, "dev", "eth0"])
          _ = try namespace.attempt(["ip", "link", "set", "eth0", "up"])
        }
        return try lab.poll { try one.attempt(["ping", "-c", "1", "-W", "1", "192.0.2.2"]).status == 0 }
      }
      #expect(try reach())
      let before = try lab.toprack.json("server", "show", "w1")["id"].string
      try lab.toprack("lab", "apply", file, "--set", "servers.w1.plan=m3.large.x86", "--yes")
      #expect(try lab.toprack.json("server", "show", "w1")["id"].string != before)
      #expect(try Interface.list(in: one).map(\.name).sorted() == ["eth0", "eth1"])
      #expect(try reach())
      #expect(try lab.toprack("verify").contains("agree"))
      try lab.toprack("lab", "apply", file, "--set", "servers.w1.nics={eth0: net0}", "--yes")
      #expect(try Interface.list(in: one).map(\.name).sorted() == ["eth1", "net0"])
    }
  }
}
