import Foundation
import Testing

extension Integration {
  @Suite("toprack top, and --watch") struct TopTests {
    private func toprack(_ lab: Lab, _ arguments: String...) -> [String] {
      ["\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket] + arguments
    }

    private func lab() throws -> (Lab, Machine) {
      let lab = try Lab()
      try lab.networks(100)
      return (lab, try lab.individual("busy", 100))
    }

    @Test("in a pipe it shows each look below the one before, and with --json in a line")
    func pipe() throws {
      let (lab, busy) = try lab()
      let child = try ChildProcess(toprack(lab, "top", "--count", "2", "--interval", "500ms", "--sort", "drops"))
      while !child.hasExited { try busy.eth0.send(Frame(to: .broadcast, from: busy.eth0.mac, "noise", size: 200)) }
      #expect(child.wait(until: .after(.seconds(10))) == 0)
      let text = String(decoding: child.standardOutput, as: UTF8.self)
      let looks = text.components(separatedBy: "\n\n")
      #expect(looks.count == 2)
      for look in looks {
        let lines = look.split(separator: "\n").map(String.init)
        #expect(lines.count == 4 && lines[1].hasPrefix("SERVER"), "\(text)")
        #expect(lines[2].hasPrefix("busy    eth0 "))
        let cells = lines[2].split(separator: " ").map(String.init)
        #expect(cells.count == 6 && cells[2] != "0" && cells[3] == "0" && cells[5] != "0")
      }
      #expect(!text.contains("\u{1B}"))

      let once = try lab.toprack.attempt(["top", "--once", "--json"])
      #expect(once.status == 0 && once.text.split(separator: "\n").count == 1)
      let json = try JSON(once.output)
      #expect(json["nics"].array?.count == 2)
      #expect(json["nics"].array?.first?["server"].string == "busy")
      #expect((json["interval_us"].int ?? 0) >= 1_000_000)
    }

    @Test(
      "wrong words are refused",
      arguments: [["--count", "0"], ["--sort", "x"], ["--interval", "1ms"], ["--once", "--count", "2"]])
    func wrong(_ words: [String]) throws {
      let finished = try run(["\(Daemon.binaries)/toprack", "top"] + words)
      #expect(finished.status == 2 && finished.errors.contains("toprack top --help"), "\(finished.errors)")
    }

    @Test("on a terminal it is in place, follows the window, and q gives everything back")
    func terminal() throws {
      let (lab, _) = try lab()
      let terminal = try Terminal(rows: 24, columns: 100)
      let child = try terminal.start(toprack(lab, "top", "--interval", "200ms"))
      let first = try #require(terminal.wait { $0.contains("q ends") })
      #expect(first.hasPrefix("\u{1B}[?1049h") && first.contains("DROPS/S") && first.contains("busy"))
      #expect(!terminal.isCooked)
      terminal.resize(rows: 3, columns: 20)
      child.signal(SIGWINCH)
      // The next pictures are of that size.
      let small = try #require(
        terminal.wait { text in
          text.components(separatedBy: "\u{1B}[H").dropFirst().dropLast().contains {
            $0.split(separator: "\r\n").count <= 3
          }
        })
      let picture = small.components(separatedBy: "\u{1B}[H").dropFirst().dropLast().last {
        $0.split(separator: "\r\n").count <= 3
      }
      let lines = try #require(picture).replacing(/\u{1B}\[[0-9]*[a-zA-Z]/, with: "").split(separator: "\r\n")
      #expect(lines.allSatisfy { $0.count <= 20 }, "\(lines)")
      terminal.type("q")
      #expect(terminal.wait { $0.hasSuffix("\u{1B}[?25h\u{1B}[?1049l") } != nil)
      #expect(child.wait(until: .after(.seconds(10))) == 0)
      #expect(terminal.isCooked)
    }

    @Test("Ctrl-C, a signal and a daemon that goes give the terminal back as well")
    func ends() throws {
      let (lab, _) = try lab()
      for way in ["\u{3}", "signal", "daemon"] {
        let terminal = try Terminal(rows: 24, columns: 80)
        let child = try terminal.start(toprack(lab, "lacp", "show", "--watch=200ms"))
        try #require(terminal.wait { $0.contains("q ends") } != nil)
        switch way {
        case "signal": child.signal(SIGTERM)
        case "daemon": _ = try lab.daemon.stop()
        default: terminal.type(way)
        }
        #expect(terminal.wait { $0.contains("\u{1B}[?1049l") } != nil, "\(way)")
        let status = child.wait(until: .after(.seconds(20)))
        #expect(status == ["signal": 128 + SIGTERM, "daemon": 3][way, default: 128 + SIGINT])
        #expect(terminal.isCooked, "\(way)")
      }
      try lab.daemon.start()
    }

    @Test("--watch repeats what a command shows, also in a pipe and as JSON")
    func watch() throws {
      let (lab, busy) = try lab()
      try busy.eth0.send(Frame(to: .broadcast, from: busy.eth0.mac, "here I am"))
      for (command, word) in [
        (["port", "show", "busy", "eth0"], "received"), (["fdb", "show"], busy.eth0.mac.description),
        (["lacp", "show"], "no server has a NIC in a bond"),
      ] {
        for options in [["--watch=200ms"], ["--watch=200ms", "--json"]] {
          let output = try Fifo(path: "\(lab.daemon.directory)/watched")
          let words = (toprack(lab) + command + options).map { "'\($0)'" }.joined(separator: " ")
          let child = try ChildProcess(["bash", "-c", "exec \(words) >'\(output.path)'"])
          var seen = 0
          while seen < 3, let line = output.line() {
            if options.contains("--json") { #expect((try? JSON(Data(line.utf8))) != nil) }
            if options.contains("--json") || line.contains(word) { seen += 1 }
          }
          #expect(seen == 3, "\(command) \(options)")
          // Whose reader has gone ends.
          output.close()
          #expect(child.wait(until: .after(.seconds(10))) == 0)
        }
      }
      let wrong = try lab.toprack.attempt(["fdb", "show", "--watch=never"])
      #expect(wrong.status == 2 && wrong.errors.contains("is no time"))
    }
  }
}
