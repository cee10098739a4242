import Foundation
import Testing

/// Virtual machines that the daemon runs, with the real QEMU and a machine without an operating system (`EchoMachine`).
extension Integration {
  @Suite("Virtual machines") struct VirtualMachineTests {
    @Test("runs on the server's NICs as nobody, its serial port is the console, and it outlives kill -9 of the daemon")
    func life() throws {
      let lab = try MachineLab()
      let started = try lab.run()
      #expect(started["state"].string == "running" && started["spec"]["disk"].string == lab.disk)
      let pid = try #require(started["pid"].int)
      #expect(try lab.owner(of: pid) >= 0x7100_0000)
      let accelerator = try #require(started["accelerator"].string)
      #expect(accelerator == "kvm" || started["accelerator_reason"].string != nil)
      print("the virtual machine runs with \(accelerator): \(started["accelerator_reason"].string ?? "")")
      let ports = try #require(try lab.lab.toprack.json("port", "show", "web1").array)
      for port in ports where port["name"].string != "bond0" {
        let nic = started["nics"].array?.first { $0["nic"].string == port["name"].string }
        #expect(nic?["mac"].string == port["mac"].string && nic?["netns"].string == lab.machine.namespace.name)
        #expect(nic?["how"].string == "forward")
      }
      #expect(
        try lab.refused("PUT", "vm", lab.body) == (
          422, "web1 has a virtual machine already, which is running: 'toprack vm stop web1' ends it"
        ))

      let console = try lab.lab.console("web1")
      try console.wait(for: "Use ~? for help.]\r\n")
      try console.waitForEcho()
      try console.type("hello ")
      try console.wait(for: "hello ")
      // Its file is what the next daemon knows of it.
      let file = "\(lab.lab.daemon.state)/consoles/web1.log"
      #expect(try lab.lab.poll { try String(contentsOfFile: file, encoding: .utf8).contains("hello ") })
      lab.lab.daemon.kill()
      #expect(try console.end() == 1)
      try lab.lab.daemon.start()
      let again = try lab.status()
      #expect(
        again["pid"].int == pid && again["state"].string == "running" && again["accelerator"].string == accelerator)
      let next = try lab.lab.console("web1")
      #expect(try next.wait(for: "read-write, 1 connected. Use ~? for help.]\r\n").contains("hello "))
      try next.type("jumps")
      try next.wait(for: "jumps")

      try lab.lab.toprack("server", "reboot", "web1")
      try next.waitForEcho()
      #expect(try lab.status()["pid"].int == pid, "a reset, not another one")
      try lab.lab.toprack("server", "power", "web1", "off")
      try next.wait(for: "[web1 is switched off]")
      #expect(try lab.poll { $0["state"].string == "stopped" && $0["reason"].string == "web1 is switched off" })
      #expect(!lab.isAlive(pid))
      try lab.lab.toprack("server", "power", "web1", "on")
      try next.waitForEcho()
      let second = try #require(try lab.status()["pid"].int)
      #expect(second != pid)
      try lab.lab.toprack("server", "power", "web1", "off")
      #expect(try lab.poll { $0["state"].string == "stopped" })
      #expect(try lab.refused("PUT", "vm", lab.body).1.hasPrefix("web1 is switched off: "))
      try lab.lab.toprack("server", "power", "web1", "on")
      // One that is not up yet hears no button.
      try next.waitForEcho()

      let stopped = try lab.ask("DELETE", "vm")
      #expect(stopped["state"].string == "stopped")
      #expect(stopped["reason"].string?.hasPrefix("by 'toprack vm stop'; ") == true)
      try next.wait(for: "[console: another source]")
      #expect(
        try lab.lab.toprack.json("console", "list")["consoles"][0]["source"].string?.hasPrefix("namespace ") == true)
      #expect(try lab.machine.namespace.run("nft", "list", "tables").text == "")
      #expect(try Interface.list(in: lab.machine.namespace).map(\.name).sorted() == ["eth0", "eth1"])
      let types = try lab.lab.events().compactMap { $0["type"].string }
      #expect(types.count { $0 == "vm.started" } == 3 && types.count { $0 == "vm.stopped" } == 3)
      try lab.lab.toprack("server", "power", "web1", "off")
      try lab.lab.toprack("server", "power", "web1", "on")
      #expect(try lab.status()["state"].string == "stopped", "one that was stopped stays so")
    }

    @Test("QEMU that is killed has failed, and comes back where that is wanted; a guest that powers off has not failed")
    func failure() throws {
      let lab = try MachineLab()
      let first = try #require(try lab.run()["pid"].int)
      kill(pid_t(first), SIGKILL)
      #expect(
        try lab.poll { $0["state"].string == "failed" && $0["reason"].string?.contains("as when it is killed") == true }
      )
      #expect(try lab.lab.events().contains { $0["type"].string == "vm.failed" })
      let second = try #require(try lab.run(#""restart": "on-failure""#)["pid"].int)
      kill(pid_t(second), SIGKILL)
      #expect(try lab.poll { $0["state"].string == "running" && $0["pid"].int != second })
      let console = try lab.lab.console("web1")
      try console.waitForEcho()
      try console.type("q")
      #expect(try lab.poll { $0["state"].string == "stopped" && $0["reason"].string == "its guest has powered it off" })
      try lab.lab.toprack("server", "reboot", "web1")
      try console.waitForEcho()
      #expect(try lab.poll { $0["state"].string == "running" })
    }

    @Test("what happened while no daemon ran is found: an end, a server's end, and machines that go on")
    func whileAway() throws {
      let lab = try MachineLab()
      let pid = try #require(try lab.run()["pid"].int)
      #expect(try lab.lab.daemon.stop() == 0)
      #expect(lab.isAlive(pid), "it outlives an ordered stop, too")
      kill(pid_t(pid), SIGKILL)
      try lab.lab.daemon.start()
      #expect(
        try lab.poll {
          $0["state"].string == "failed"
            && $0["reason"].string?.hasPrefix("QEMU has ended while toprackd did not run") == true
        })
      let next = try #require(try lab.run()["pid"].int)
      let folder = "\(lab.lab.daemon.state)/machines"
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
      try lab.lab.toprack("server", "delete", "web1")
      #expect(try lab.lab.poll { !lab.isAlive(next) })
      #expect(try lab.lab.poll { try FileManager.default.contentsOfDirectory(atPath: folder) == [] })
      #expect(try lab.machines().isEmpty)
    }

    @Test("bad input is one line, and leaves nothing behind")
    func badInput() throws {
      let lab = try MachineLab()
      let text = "\(lab.lab.daemon.directory)/text"
      try "no disk".write(toFile: text, atomically: true, encoding: .utf8)
      let cases: [(String, String)] = [
        ("{}", "neither a disk nor a kernel is given: a machine boots one of them"),
        (#"{"disk": "/nothing/there"}"#, "disk /nothing/there: No such file or directory"),
        (#"{"disk": "/"}"#, "disk / is neither a file nor a disk of this host"),
        (
          #"{"disk": "\#(text)"}"#,
          "disk \(text) is no disk image: valid are qcow2, vmdk, vdi, vhdx, vpc, and a raw disk with a boot sector"
        ),
        (
          #"{"kernel": "\#(text)"}"#,
          "kernel \(text) is none: valid is what a distribution has as vmlinuz, or an ELF image"
        ),
        (#"{"disk": "\#(lab.disk)", "memory": 1048576}"#, "memory is 1 MiB; a machine needs at least 64 MiB"),
        (#"{"disk": "\#(lab.disk)", "cpus": 0}"#, "cpus must be at least 1, not 0"),
        (
          #"{"disk": "\#(lab.disk)", "restart": "always"}"#,
          "restart \"always\" is not known; valid are no and on-failure"
        ),
        (#"{"disk": 7}"#, "disk must be a text, not a number"),
      ]
      for (body, line) in cases { #expect(try lab.refused("PUT", "vm", body) == (422, line)) }
      #expect(
        try lab.refused("PUT", "vm", #"{"disk": "\#(lab.disk)", "memory": 1125899906842624}"#).1.contains(
          "and the host has "))
      #expect(
        try lab.refused("PUT", "vm", #"{"disk": "\#(lab.disk)", "cpus": 100000}"#).1.contains("and the host has "))
      // An image that only QEMU finds out about.
      try (Data("QFI".utf8) + Data([0xFB]) + Data(count: 4096)).write(to: URL(fileURLWithPath: "\(text).qcow2"))
      let broken = try lab.refused("PUT", "vm", #"{"disk": "\#(text).qcow2"}"#)
      #expect(broken.0 == 503 && broken.1.hasPrefix("QEMU does not start: ") && !broken.1.contains("\n"), "\(broken)")
      #expect(try lab.refused("GET", "vm", nil).0 == 404)
      #expect(
        try lab.refused("DELETE", "vm", nil) == (
          404, "web1 has no virtual machine: 'toprack vm run web1 --disk IMAGE' starts one"
        ))
      #expect(try lab.refused("DELETE", "attachment", nil).0 == 404)
      #expect(try lab.refused("PUT", "attachment", #"{"taps": {"eth7": "x"}}"#).0 == 422)
      #expect(
        try lab.refused("PUT", "attachment", #"{"taps": {"eth0": "eth1"}}"#).1.contains("is no TAP for a machine"))
      #expect(try Interface.list(in: lab.machine.namespace).map(\.name).sorted() == ["eth0", "eth1"])
      #expect(try lab.machines().isEmpty)
    }

    @Test("attached for somebody else's: TAPs and rules, made again with the NIC, kept over a restart, taken back")
    func attached() throws {
      let lab = try MachineLab()
      let taps = #"{"taps": {"eth0": "D0", "eth1": "D1"}}"#
      // One of them is there already.
      try lab.machine.namespace.run("ip", "tuntap", "add", "dev", "D1", "mode", "tap", "vnet_hdr")
      let status = try lab.ask("PUT", "attachment", taps)
      #expect(status["state"].string == "attached" && status["pid"].int == nil && status["spec"]["cpus"].int == nil)
      #expect(status["nics"].array?.map { $0["tap"].string } == ["D0", "D1"])
      #expect(status["nics"][0]["advice"].string != nil)
      #expect(try lab.refused("PUT", "vm", lab.body).1.hasPrefix("web1 is prepared for a machine of somebody else's"))
      let namespace = lab.machine.namespace
      func rules() throws -> String { try namespace.run("nft", "list", "ruleset").text }
      #expect(try rules().contains("fwd to \"D0\"") && (try rules().contains("fwd to \"eth1\"")))
      try namespace.run("ip", "link", "delete", "eth0")
      #expect(try lab.lab.poll { try Interface.list(in: namespace).contains { $0.name == "eth0" } })
      // Rules of an interface that is gone have gone with it.
      #expect(try lab.lab.poll { try rules().contains("fwd to \"D0\"") && (try rules().contains("fwd to \"eth0\"")) })
      lab.lab.daemon.kill()
      try namespace.run("nft", "flush", "ruleset")
      try lab.lab.daemon.start()
      #expect(try lab.status()["state"].string == "attached")
      #expect(try lab.lab.poll { try rules().contains("fwd to \"D0\"") && (try rules().contains("fwd to \"D1\"")) })
      #expect(try lab.answer("DELETE", "attachment").status == 204)
      #expect(try Interface.list(in: namespace).map(\.name).sorted() == ["D1", "eth0", "eth1"] && rules() == "")
      #expect(try lab.refused("GET", "vm", nil).0 == 404)

      let macvtap = try lab.ask("PUT", "attachment", #"{"how": "macvtap"}"#)
      #expect(macvtap["nics"][0]["device"].string?.hasPrefix("/dev/tap") == true)
      let link = try namespace.run("ip", "-d", "link", "show", macvtap["nics"][0]["tap"].string ?? "").text
      #expect(link.contains("macvtap mode passthru") && link.contains("allmulti"), "\(link)")
      #expect(try lab.answer("DELETE", "attachment").status == 204)
      #expect(try Interface.list(in: namespace).map(\.name).sorted() == ["D1", "eth0", "eth1"])
    }

    @Test(
      "a seed for cloud-init is a file system that Linux knows; rescue wants a system, and boots the one of the settings"
    )
    func seedAndRescue() throws {
      let lab = try MachineLab()
      let id = try #require(try lab.run(#""cloud_init": true"#)["server_id"].string)
      let seed = "\(lab.lab.daemon.state)/machines/\(id)/seed.img"
      #expect(try runSuccessfully(["blkid", "-p", "-o", "value", "-s", "LABEL", seed]).text == "CIDATA\n")
      #expect(try runSuccessfully(["blkid", "-p", "-o", "value", "-s", "TYPE", seed]).text == "vfat\n")
      let answer = try HTTPAnswer(
        "POST", "/devices/\(id)/actions", body: #"{"type": "rescue"}"#, socket: lab.lab.daemon.socket)
      #expect(answer.status == 422 && answer.errors?.first?.contains("rescue-kernel") == true)
      _ = try lab.ask("DELETE", "vm?force=true")
    }

    @Test(
      "rescue boots the system of the settings, and a reboot the disk again",
      .enabled(if: Guest.image != nil, "TOPRACK_GUEST is not set"))
    func rescue() throws {
      let image = try #require(Guest.image)
      let lab = try MachineLab(settings: "rescue-kernel: \(image)/vmlinux\nrescue-initrd: \(image)/initrd\n")
      let id = try #require(try lab.run(#""memory": 268435456"#)["server_id"].string)
      let console = try lab.lab.console("web1")
      try console.waitForEcho()
      let answer = try HTTPAnswer(
        "POST", "/devices/\(id)/actions", body: #"{"type": "rescue"}"#, socket: lab.lab.daemon.socket)
      #expect(answer.status == 202)
      try console.wait(for: "GUEST-READY", until: .after(.seconds(120)))
      try lab.lab.toprack("server", "reboot", "web1")
      try console.waitForEcho()
    }

    @Test(
      "a daemon that a service manager has started, or that is not root, says that it runs none, and still prepares NICs"
    )
    func asService() throws {
      let lab = try MachineLab()
      #expect(try lab.lab.daemon.stop() == 0)
      try lab.lab.daemon.start(environment: ["INVOCATION_ID": "0"])
      let refused = try lab.refused("PUT", "vm", lab.body)
      #expect(refused.0 == 503 && refused.1.hasPrefix("this daemon may not start virtual machines"), "\(refused)")
      #expect(try lab.answer("PUT", "attachment", "{}").status == 200)
      #expect(try lab.answer("DELETE", "attachment").status == 204)
    }

    @Test("a service of systemd has them started by another one, which is not closed in, and they go on without it")
    func byService() throws {
      let lab = try MachineLab()
      let socket = "\(lab.lab.daemon.directory)/start.sock"
      // What systemd does with Accept=yes.
      let systemd = try ChildProcess(["python3", "-c", Self.accepting, socket, MachineLab.starter])
      #expect(try lab.lab.poll { FileManager.default.fileExists(atPath: socket) })
      #expect(try lab.lab.daemon.stop() == 0)
      let environment = ["INVOCATION_ID": "0", "TOPRACK_MACHINE_SOCKET": socket]
      try lab.lab.daemon.start(environment: environment)
      let pid = try #require(try lab.run()["pid"].int)
      #expect(try lab.owner(of: pid) >= 0x7100_0000)
      let console = try lab.lab.console("web1")
      try console.wait(for: "Use ~? for help.]\r\n")
      try console.waitForEcho()
      try console.type("hello ")
      try console.wait(for: "hello ")
      lab.lab.daemon.kill()
      try lab.lab.daemon.start(environment: environment)
      #expect(try lab.status()["pid"].int == pid && lab.status()["state"].string == "running")
      let gone = try lab.refused("PUT", "vm", lab.body)
      #expect(gone.0 == 422, "\(gone)")
      #expect(try lab.ask("DELETE", "vm?force=true")["state"].string == "stopped")
      #expect(!lab.isAlive(pid))
      withExtendedLifetime(systemd) {}
    }

    private static let accepting = """
      import os, socket, sys
      s = socket.socket(socket.AF_UNIX)
      s.bind(sys.argv[1])
      s.listen(8)
      while True:
          c = s.accept()[0]
          if os.fork() == 0:
              os.dup2(c.fileno(), 0)
              os.dup2(c.fileno(), 1)
              os.execv(sys.argv[2], [sys.argv[2]])
          c.close()
      """

    @Test("a project's token runs none, and sees the state but no path of the host")
    func tenant() throws {
      let lab = try MachineLab()
      try lab.run()
      let token = try #require(try lab.lab.toprack.json("token", "create", "t", "--project", "default")["token"].string)
      let status = try lab.lab.toprack.attempt(["--token", token, "--json", "vm", "status", "web1"])
      let seen = try JSON(status.output)
      #expect(seen["state"].string == "running" && seen["console"].string == nil && seen["spec"]["cpus"].int == nil)
      let refused = try lab.lab.toprack.attempt(["--token", token, "vm", "stop", "web1"])
      #expect(refused.status != 0 && refused.errors.contains("concern the whole rack"))
    }
  }
}
