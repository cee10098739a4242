import Foundation
import Testing

extension Integration {
  @Suite("The command events") struct EventsCommandTests {
    /// `toprack events --follow` with its output where the test can wait for it.
    private struct Follower {
      let output: Fifo
      let process: ChildProcess

      init(_ lab: Lab, _ options: String...) throws {
        output = try Fifo(path: "\(lab.daemon.directory)/events")
        let command = [
          "'\(Daemon.binaries)/toprack'", "--socket", "'\(lab.daemon.socket)'", "events", "--follow",
        ]
        process = try ChildProcess([
          "bash", "-c", "exec " + (command + options).joined(separator: " ") + " >'\(output.path)'",
        ])
      }

      /// The next line that has `text` in it.
      func line(with text: String) -> String? {
        while let line = output.line() { if line.contains(text) { return line } }
        return nil
      }
    }

    @Test("the history is a table, the newest last, with who did it")
    func history() throws {
      let lab = try Lab()
      try lab.networks(100)
      try lab.toprack("server", "create", "web1", "--netns=\(lab.namespace("web1").name)")
      try lab.toprack("server", "mode", "web1", "hybrid")
      let lines = try lab.toprack("events").split(separator: "\n").map(String.init)
      #expect(lines.first?.hasPrefix("TIME") == true)
      #expect(lines.last?.contains("device.mode") == true)
      #expect(lines.last?.contains("root") == true)
      #expect(lines.last?.contains("web1") == true)
      #expect(lines.contains { $0.contains("virtual_network.create") })

      let limited = try lab.toprack("events", "--limit", "1").split(separator: "\n")
      #expect(limited.count == 2)
      #expect(limited.last.map(String.init) == lines.last)

      let ofServer = try lab.toprack("events", "--server", "web1")
      #expect(ofServer.contains("device.create"))
      #expect(!ofServer.contains("virtual_network.create"))

      let objects = try lab.toprack.attempt(["events", "--json"]).text.split(separator: "\n").map {
        try JSON(Data($0.utf8))
      }
      #expect(objects.last?["type"].string == "device.mode")
      #expect(objects.count == lines.count - 1)
    }

    @Test("--follow goes on with what happens, also when the daemon was killed and started again")
    func follow() throws {
      let lab = try Lab()
      try lab.networks(100)
      let follower = try Follower(lab)
      #expect(follower.output.line()?.hasPrefix("TIME") == true)
      #expect(follower.line(with: "virtual_network.create")?.contains("100") == true)
      try lab.networks(101)
      #expect(follower.line(with: "virtual_network.create")?.contains("101") == true)

      lab.daemon.kill()
      try lab.daemon.start()
      // Whether or not the follower is back by now: it continues after the last event that it has.
      try lab.networks(102)
      try lab.toprack("network", "delete", "100")
      #expect(follower.output.line()?.contains("102") == true)
      #expect(follower.output.line()?.contains("virtual_network.delete") == true)
      let notes = String(decoding: follower.process.standardError, as: UTF8.self)
      #expect(notes.contains("waiting for toprackd"))
      #expect(notes.contains("connected again"))

      follower.process.signal(SIGINT)
      #expect(follower.process.wait(until: .after(.seconds(10))) == 128 + SIGINT)
    }

    @Test("--follow --json prints an object a line, those of the server that is asked for")
    func followJSON() throws {
      let lab = try Lab()
      for name in ["web1", "web2"] {
        try lab.toprack("server", "create", name, "--netns=\(lab.namespace(name).name)")
      }
      let follower = try Follower(lab, "--json", "--server", "web2", "--limit", "1")
      let first = try JSON(Data(#require(follower.output.line()).utf8))
      // The last of the events of making a server.
      #expect(first["body"].string == "Provision complete")
      #expect(first["toprack"]["server"].string == "web2")
      try lab.toprack("server", "mode", "web1", "hybrid")
      try lab.toprack("server", "mode", "web2", "hybrid")
      let second = try JSON(Data(#require(follower.output.line()).utf8))
      #expect(second["type"].string == "device.mode")
      #expect(second["body"].string?.contains("web2") == true)
    }

    @Test("--follow ends without complaint when its reader is gone")
    func reader() throws {
      let lab = try Lab()
      let follower = try Follower(lab)
      #expect(follower.output.line()?.hasPrefix("TIME") == true)
      follower.output.close()
      try lab.networks(100)
      #expect(follower.process.wait(until: .after(.seconds(20))) == 0)
      #expect(follower.process.standardError.isEmpty)
    }
  }
}
