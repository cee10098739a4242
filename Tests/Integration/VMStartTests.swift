import Foundation
import Glibc
import Testing

/// Starts of virtual machines that are watched closely: from the first byte on, and with a daemon that ends in between.
extension Integration {
  @Suite("Starts of virtual machines") struct VMStartTests {
    @Test("what a machine says first is in its console's scrollback, at every start")
    func firstByte() throws {
      let lab = try MachineLab()
      for round in 1...6 {
        if round.isMultiple(of: 2) {
          // A console that is open already, and one that comes later.
          let console = try lab.lab.console("web1", "--no-replay")
          try console.wait(for: "Use ~? for help.]\r\n")
          try lab.run()
          try console.wait(for: "ECHO-MACHINE\r\n")
        } else {
          try lab.run()
          let console = try lab.lab.console("web1")
          for _ in 1...round { try console.wait(for: "ECHO-MACHINE\r\n") }
        }
        _ = try lab.ask("DELETE", "vm?force=true")
      }
    }

    @Test("a guest that the last daemon was about to let go runs with the next one")
    func heldByTheLast() throws {
      let lab = try MachineLab()
      let status = try lab.run()
      let pid = try #require(status["pid"].int)
      let id = try #require(status["server_id"].string)
      let words = try lab.words(of: pid)
      #expect(words.contains("-S"))
      lab.lab.daemon.kill()
      kill(pid_t(pid), SIGKILL)
      #expect(try lab.lab.poll { !lab.isAlive(pid) })
      // As a kill between QEMU's start and the daemon's next word leaves it.
      let record = URL(fileURLWithPath: "\(lab.lab.daemon.state)/machines/\(id)/record.json")
      var members = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: record)) as? [String: Any])
      members["process"] = nil
      members["accelerator"] = nil
      try JSONSerialization.data(withJSONObject: members).write(to: record)
      try runSuccessfully(["ip", "netns", "exec", lab.machine.namespace.name] + words)
      try lab.lab.daemon.start()
      #expect(try lab.poll { $0["state"].string == "running" })
      let again = try lab.status()
      #expect(again["pid"].int != nil && again["pid"].int != pid && again["accelerator"].string != nil)
      try lab.lab.console("web1").waitForEcho()
    }

    @Test("kill -9 of the daemon at any moment of a start: the next one has the machine, once, and it runs")
    func killedInTheMiddle() throws {
      for moment in ["record.json", "qmp.sock", "pid", "console.log"] {
        let lab = try MachineLab()
        let request = try lab.runner()
        let folder = "\(lab.lab.daemon.state)/machines"
        #expect(
          try lab.lab.poll {
            let machines = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return machines.contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)/\(moment)") }
          })
        lab.lab.daemon.kill()
        _ = request.wait(until: .after(.seconds(30)))
        try lab.lab.daemon.start()
        #expect(try lab.poll { $0["state"].string == "running" }, "killed when there was \(moment)")
        try lab.lab.console("web1").waitForEcho()
        let pid = try #require(try lab.status()["pid"].int)
        #expect(lab.processes == [pid], "killed when there was \(moment)")
        #expect(try lab.ask("DELETE", "vm?force=true")["state"].string == "stopped")
      }
    }

    @Test("a service that starts QEMU and does not say so leaves none behind, at a first start and at a later one")
    func unanswered() throws {
      let lab = try MachineLab()
      let socket = "\(lab.lab.daemon.directory)/start.sock"
      let answers = "\(lab.lab.daemon.directory)/answers"
      let systemd = try ChildProcess(["python3", "-c", Self.silent, socket, MachineLab.starter, answers])
      #expect(try lab.lab.poll { FileManager.default.fileExists(atPath: socket) })
      #expect(try lab.lab.daemon.stop() == 0)
      try lab.lab.daemon.start(environment: ["INVOCATION_ID": "0", "TOPRACK_MACHINE_SOCKET": socket])
      let refused = try lab.refused("PUT", "vm", lab.body)
      #expect(refused.0 == 503 && refused.1.contains("without an answer"), "\(refused)")
      #expect(try lab.lab.poll { lab.processes.isEmpty })
      #expect(try lab.refused("GET", "vm", nil).0 == 404)
      let namespace = lab.machine.namespace
      #expect(try lab.lab.poll { try Interface.list(in: namespace).map(\.name).sorted() == ["eth0", "eth1"] })

      try Data().write(to: URL(fileURLWithPath: answers))
      let pid = try #require(try lab.run()["pid"].int)
      try FileManager.default.removeItem(atPath: answers)
      kill(pid_t(pid), SIGKILL)
      #expect(try lab.poll { $0["state"].string == "failed" })
      try lab.lab.toprack("server", "reboot", "web1")
      #expect(
        try lab.poll {
          $0["state"].string == "failed" && $0["reason"].string?.contains("without an answer") == true
        })
      #expect(try lab.lab.poll { lab.processes.isEmpty })
      withExtendedLifetime(systemd) {}
    }

    /// Passes a start on, and hangs up when QEMU runs; where there is the file of its third word it is a good one.
    private static let silent = """
      import os, socket, subprocess, sys
      s = socket.socket(socket.AF_UNIX)
      s.bind(sys.argv[1])
      s.listen(8)
      while True:
          c = s.accept()[0]
          if os.fork() == 0:
              if os.path.exists(sys.argv[3]):
                  os.dup2(c.fileno(), 0)
                  os.dup2(c.fileno(), 1)
                  os.execv(sys.argv[2], [sys.argv[2]])
              words = b''
              while piece := c.recv(65536): words += piece
              p = subprocess.Popen([sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
              p.stdin.write(words)
              p.stdin.close()
              answer = b''
              while not answer.endswith(b'\\0'): answer += p.stdout.read(1)
              if b'-pidfile' not in words: c.send(answer)
              c.close()
              os._exit(0)
          c.close()
      """

    @Test("one who starts a machine for the daemon and finds it gone ends the machine")
    func goneAsker() throws {
      let lab = try MachineLab()
      let words = try lab.words(of: #require(try lab.run()["pid"].int))
      _ = try lab.ask("DELETE", "vm?force=true")
      let file = "\(lab.lab.daemon.directory)/alone"
      var request = ["", words[0], "-nodefaults", "-display", "none", "-m", "16", "-S", "-daemonize", "-pidfile", file]
      request = request.map { $0 + "\0" }
      let asker = """
        import socket, subprocess, sys
        ours, its = socket.socketpair()
        ours.send(sys.argv[2].replace('|', '\\0').encode())
        ours.shutdown(socket.SHUT_WR)
        p = subprocess.Popen([sys.argv[1]], stdin=its, stdout=its)
        its.close()
        ours.close()
        sys.exit(p.wait())
        """
      let line = request.joined().replacingOccurrences(of: "\0", with: "|")
      let ended = try run(["python3", "-c", asker, MachineLab.starter, line], limit: .seconds(30))
      #expect(ended.status == 1, "\(ended.errors)")
      #expect(try lab.lab.poll { lab.processes(with: file).isEmpty })
    }
  }
}
