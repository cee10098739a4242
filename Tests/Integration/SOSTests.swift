import Foundation
import Testing

/// Consoles by SSH: real clients, Debian's sshd with an /etc of its own, real namespaces.
extension Integration {
  @Suite("Consoles by SSH") struct SOSTests {
    private static let greeting = "Use ~? for help.]\r\n"

    @Test("in every mode a server is at its console by its name and its UUID, without any address in layer 2")
    func modes() throws {
      let lab = try Lab()
      let server = try lab.machine("web1")
      let ssh = try SOSServer(lab)
      let key = try ssh.key("anna")
      try lab.toprack("ssh-key", "add", "anna", "\(key).pub")
      let id = try #require(try lab.toprack.json("server", "show", "web1")["id"].string)
      for mode in Mode.allCases {
        try lab.toprack("server", "mode", "web1", mode.rawValue)
        for login in ["web1", id] {
          let session = try ssh.session(login, key: key, size: (40, 120))
          #expect(try session.wait(for: Self.greeting).contains("[SOS session for web1, read-write, 1 connected."))
          try session.type("echo $((1000+\(mode.rawValue.count))) $(ip -br -4 addr | wc -l) $(stty size)\r")
          // Nobody has set up an address inside, and none was needed.
          try session.wait(for: "\(1000 + mode.rawValue.count) 0 40 120")
          // To ssh itself `~~` is one `~`.
          try session.type("\r~~.")
          #expect(try session.end() == 0)
        }
      }
      let events = try lab.toprack("events", "--server", "web1")
      let print = try run(["ssh-keygen", "-l", "-f", "\(key).pub"], limit: .seconds(20)).text
      let fingerprint = try #require(print.split(separator: " ").first { $0.hasPrefix("SHA256:") })
      #expect(
        events.contains("anna (\(fingerprint)) came to the console of web1 from 127.0.0.1 by SSH, with the keyboard"))
      #expect(events.contains("anna (\(fingerprint)) left the console of web1 after"))
      withExtendedLifetime(server) {}
    }

    @Test("whoever has no key of it hears one and the same refusal; keys count as they are at the moment")
    func keys() throws {
      let lab = try Lab()
      let server = try lab.machine("web1", .layer2Individual)
      try lab.toprack("project", "create", "other")
      let ssh = try SOSServer(lab)
      let (own, foreign, unknown) = (try ssh.key("own"), try ssh.key("foreign"), try ssh.key("unknown", kind: "rsa"))
      try lab.toprack("ssh-key", "add", "own", "\(own).pub", "--project", "default")
      try lab.toprack("ssh-key", "add", "foreign", "\(foreign).pub", "--project", "other")
      let id = try #require(try lab.toprack.json("server", "show", "web1")["id"].string)
      let nobody = UUID().uuidString.lowercased()
      for (login, key) in [
        ("web1", foreign), ("web1", unknown), (id, foreign), (nobody, own), ("nosuch", own), ("root", own),
        ("sshd", own), ("toprack-sos", own),
      ] {
        let knock = try ssh.knock(login, key: key)
        #expect(knock.status == 255 && knock.text.isEmpty, "\(login)")
        #expect(knock.errors == "\(login)@127.0.0.1: Permission denied (publickey).\r\n", "\(login)")
      }
      let session = try ssh.session("web1", key: own)
      try session.wait(for: Self.greeting)
      try lab.toprack("ssh-key", "add", "late", "\(unknown).pub", "--project", "default")
      let late = try ssh.session("web1", key: unknown)
      try late.wait(for: "2 connected. \(Self.greeting)")
      try lab.toprack("ssh-key", "remove", "late")
      #expect(try ssh.knock("web1", key: unknown).status == 255)
      // Whose key has gone may stay for some seconds, and not longer.
      try late.wait(for: "[the key was removed]\r\n", until: .after(.seconds(60)))
      #expect(try late.end() == 1)
      try session.type("echo still $((3*3))\r")
      try session.wait(for: "still 9")
      withExtendedLifetime(server) {}
    }

    @Test("a new name counts at once, and who is at the console of a server that is deleted hears why it ends")
    func names() throws {
      let lab = try Lab()
      let server = try lab.machine("web1", .layer2Bonded)
      let ssh = try SOSServer(lab)
      let key = try ssh.key("anna")
      try lab.toprack("ssh-key", "add", "anna", "\(key).pub")
      try lab.toprack("server", "set", "web1", "--hostname", "www1")
      #expect(
        try lab.poll {
          try !String(contentsOfFile: "\(lab.daemon.state)/sos/passwd", encoding: .utf8).contains("web1:")
        })
      #expect(try ssh.knock("web1", key: key).status == 255)
      let session = try ssh.session("www1", key: key)
      #expect(try session.wait(for: Self.greeting).contains("SOS session for www1"))
      try lab.toprack("server", "delete", "www1")
      try session.wait(for: "[www1 was deleted]\r\n")
      #expect(try session.end() == 1)
      withExtendedLifetime(server) {}
    }

    @Test("nothing but the console goes through: no forwarding, no files, no command")
    func onlyTheConsole() throws {
      let lab = try Lab()
      let server = try lab.machine("web1", .hybrid)
      let ssh = try SOSServer(lab)
      let key = try ssh.key("anna")
      try lab.toprack("ssh-key", "add", "anna", "\(key).pub")
      // A command is not run; the console comes instead, and leaves at the end of the input.
      let command = try run(ssh.command(key: key, ["web1@127.0.0.1", "id"]), limit: .seconds(60))
      #expect(command.status == 0 && command.text.contains("[SOS session for web1") && !command.text.contains("uid="))
      for program in ["scp", "sftp"] {
        let target = program == "scp" ? ["/etc/hostname", "web1@127.0.0.1:/tmp/stolen"] : ["web1@127.0.0.1"]
        #expect(try run(ssh.command(program, key: key, target), limit: .seconds(60)).status != 0, "\(program)")
      }
      // The old protocol of scp is a command, too.
      let old = try run(
        ssh.command("scp", key: key, ["-O", "/etc/hostname", "web1@127.0.0.1:/tmp/stolen"]), limit: .seconds(60))
      #expect(old.status != 0 && !FileManager.default.fileExists(atPath: "/tmp/stolen"))
      for options in [["-R", "\(ssh.port + 1):127.0.0.1:\(ssh.port)"], ["-W", "127.0.0.1:\(ssh.port)"]] {
        let forward = try run(
          ssh.command(key: key, ["-o", "ExitOnForwardFailure=yes", "-N"] + options + ["web1@127.0.0.1"]),
          limit: .seconds(60))
        #expect(forward.status == 255, "\(options): \(forward.errors)")
      }
      #expect(ssh.log.contains("refused local port forward"))
      withExtendedLifetime(server) {}
    }

    @Test("two watch, the keyboard is taken, 64 KiB are replayed, and a daemon that was killed has it all again")
    func sharedAndReplayed() throws {
      let lab = try Lab()
      let server = try lab.machine("web1", .layer2Individual)
      let ssh = try SOSServer(lab)
      let key = try ssh.key("anna")
      try lab.toprack("ssh-key", "add", "anna", "\(key).pub")
      let first = try ssh.session("web1", key: key)
      try first.wait(for: Self.greeting)
      try first.type("seq 1 20000 | tr '\\n' ' '; echo end $((5*5))\r")
      try first.wait(for: "end 25")
      let second = try ssh.session("web1", key: key)
      let replay = try second.wait(for: "read-only, 2 connected. \(Self.greeting)")
      #expect(replay.utf8.count >= 64 << 10 && replay.contains("19999 20000") && !replay.contains(" 5000 "))
      try second.type("\u{1D}t")
      try second.wait(for: "[you have the keyboard now]\r\n")
      try first.wait(for: "has taken the keyboard]\r\n")
      try second.type("echo second $((6*6))\r")
      try first.wait(for: "second 36")
      second.resize(rows: 33, columns: 99)
      // ssh's own escape: the connection ends, and the console hears that its visitor has left.
      try second.type("\r~.")
      #expect(try second.end() == 255)
      try first.wait(for: "has left; ~t takes the keyboard]\r\n")

      lab.daemon.kill()
      try first.wait(for: "[toprackd has ended, and with it this session; come again when it is back]\r\n")
      #expect(try first.end() == 1)
      let meanwhile = try ssh.knock("web1", key: key)
      #expect(meanwhile.status == 255 && meanwhile.errors.contains("Permission denied"))
      try lab.daemon.start()
      #expect(try lab.poll { try ssh.knock("web1", key: key).status == 0 })
      let again = try ssh.session("web1", key: key)
      let kept = try again.wait(for: Self.greeting)
      #expect(kept.contains("second 36") && kept.contains("19999 20000"))
      try again.type("echo again $((7*7))\r")
      try again.wait(for: "again 49")
      withExtendedLifetime(server) {}
    }

    @Test("wrong words to toprack-sos are one line that says what would be right")
    func wrongWords() throws {
      for (arguments, text) in [
        (["--listen", "2222"], "--listen must be ADDRESS:PORT, as 0.0.0.0:2222 or [::]:2222, not 2222"),
        (["--listen", "127.0.0.1:70000"], "--listen must be ADDRESS:PORT"),
        (["--state", "/nonexistent"], "no toprackd keeps consoles in /nonexistent: start it first"),
        (["--state", "/tmp"], "no toprackd keeps consoles in /tmp: start it first, or name its state directory"),
        (["--stat", "x"], "unknown argument --stat"),
      ] {
        let refused = try SOSServer.refused(arguments)
        #expect(refused.status == 1 && refused.errors.contains(text), "\(arguments): \(refused.errors)")
      }
    }
  }
}
