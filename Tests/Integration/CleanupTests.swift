import Foundation
import Glibc
import Testing

/// `toprack cleanup` of what is more than NICs: virtual machines, and what was made in a container's namespace.
extension Integration {
  @Suite("Leftovers of virtual machines and containers") struct CleanupTests {
    @Test(
      "ends a dead rack's virtual machines and takes their interfaces, says so before, and none while a daemon runs")
    func machines() throws {
      let lab = try MachineLab()
      let pid = try #require(try lab.run()["pid"].int)
      let namespace = lab.machine.namespace
      let rack = try #require(try lab.lab.toprack.json("status")["rack_id"].string)
      func cleanUp(_ more: String...) throws -> Finished {
        try lab.lab.toprack.attempt(["cleanup", "--rack", lab.lab.daemon.state] + more)
      }
      #expect(try cleanUp().status == 1)
      #expect(try cleanUp("--dry-run").status == 1)
      #expect(lab.isAlive(pid))

      lab.lab.daemon.kill()
      let trial = try cleanUp("--dry-run")
      let names = try Interface.list(in: namespace).map(\.name).sorted()
      #expect(names.count == 4 && lab.isAlive(pid) && namespace.exists)
      #expect(trial.status == 0 && trial.errors.isEmpty, "\(trial.errors)")
      #expect(trial.text.contains("would end process \(pid), the virtual machine of server "), "\(trial.text)")
      for name in names { #expect(trial.text.contains("would remove \(name) in netns \(namespace.name)\n"), "\(name)") }
      #expect(trial.text.contains("would remove netns \(namespace.name)\n"))
      let other = try lab.lab.toprack("cleanup", "--rack", UUID().uuidString)
      #expect(other == "nothing to remove\n" && lab.isAlive(pid))

      // One whose file names somebody else is not ended by its name.
      let file = try #require(try lab.words(of: pid).first { $0.hasSuffix("/pid") })
      let bytes = try String(contentsOfFile: file, encoding: .utf8)
      try "\(getpid())".write(toFile: file, atomically: true, encoding: .utf8)
      let wary = try cleanUp()
      #expect(wary.status == 1 && wary.errors.contains("'kill \(pid)' ends it"), "\(wary.errors)")
      #expect(lab.isAlive(pid))

      try bytes.write(toFile: file, atomically: true, encoding: .utf8)
      let cleaned = try lab.lab.toprack.attempt(["--json", "cleanup", "--rack", rack])
      // Its NICs went the first time, and it is still known by its state.
      #expect(!lab.isAlive(pid), "\(cleaned.text) \(cleaned.errors)")
      #expect(try JSON(cleaned.output)["machines"][0]["process"].int == pid)
    }

    @Test("takes all of a dead rack at once: machine, its TAPs, NICs, and the namespace that they held")
    func whole() throws {
      let lab = try MachineLab()
      let pid = try #require(try lab.run()["pid"].int)
      lab.lab.daemon.kill()
      let cleaned = try lab.lab.toprack.attempt(["cleanup", "--rack", lab.lab.daemon.state])
      #expect(cleaned.status == 0 && cleaned.errors.isEmpty, "\(cleaned.text) \(cleaned.errors)")
      #expect(cleaned.text.hasPrefix("ended process \(pid), the virtual machine of server "))
      #expect(!lab.isAlive(pid) && !lab.machine.namespace.exists)
      #expect(try lab.lab.toprack("cleanup", "--rack", lab.lab.daemon.state) == "nothing to remove\n")
      // The rack's state is as it was.
      try lab.lab.daemon.start()
      #expect(try lab.status()["reason"].string?.hasPrefix("QEMU has ended while toprackd did not run") == true)
      #expect(try lab.run()["state"].string == "running")
    }

    @Test("what --configure made in a container's namespace goes by its mark, and the container's own stays")
    func configured() throws {
      let lab = try Lab()
      let space = lab.namespace("container")
      try space.create()
      try lab.toprack("network", "create", "--vxlan", "100")
      let created = try lab.toprack.attempt(["server", "create", "web1", "--netns=\(space.name)", "--configure"])
      #expect(created.status == 0, "\(created.errors)")
      let id = try #require(try lab.toprack.json("server", "show", "web1")["id"].string)
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      // One of ours and one of the container's. Where this kernel has no bonding they are interfaces that it has.
      for (name, alias) in [("bond0", "toprack \(rack) \(id) config"), ("own", "my own"), ("lo7", "toprack-like")] {
        let isThere = try Interface.list(in: space).contains { $0.name == name }
        if !isThere { try space.run("ip", "tuntap", "add", "dev", name, "mode", "tap") }
        try space.run("ip", "link", "set", "dev", name, "alias", alias)
      }
      lab.daemon.kill()
      let trial = try lab.toprack("cleanup", "--rack", rack, "--dry-run")
      #expect(trial.contains("would remove bond0 in netns \(space.name)\n"), "\(trial)")
      #expect(try Interface.list(in: space).contains { $0.name == "bond0" })
      let cleaned = try lab.toprack("cleanup", "--rack", rack)
      #expect(cleaned.contains("removed bond0 in netns \(space.name)\n"), "\(cleaned)")
      #expect(space.exists)
      #expect(try Interface.list(in: space).map(\.name).sorted() == ["lo7", "own"])
    }
  }
}
