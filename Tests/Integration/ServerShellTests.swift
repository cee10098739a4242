import Foundation
import Testing

extension Integration {
  @Suite("A shell where a server's NICs are") struct ServerShellTests {
    @Test("a command runs in the server's namespace, and its status and output are the answer")
    func command() throws {
      let lab = try Lab()
      let a = lab.namespace("a")
      try lab.toprack("server", "create", "a", "--netns=\(a.name)")
      func shell(_ arguments: String...) throws -> Finished {
        try lab.toprack.attempt(["server", "shell", "a", "--"] + arguments)
      }
      #expect(try shell("ip", "-o", "link").text.contains(" eth1: "))
      #expect(try shell("sh", "-c", "echo $TOPRACK_SERVER; ls /sys/class/net; exit 7").text == "a\neth0\neth1\nlo\n")
      #expect(try shell("sh", "-c", "exit 7").status == 7)
      // What looks like an option of ours is the command's, and words stay whole.
      #expect(try shell("printf", "%s|", "--json", "a b", "").text == "--json|a b||")
      let nothing = try shell("no-such-program")
      #expect(nothing.status != 0 && nothing.errors.contains("no-such-program"), "\(nothing.errors)")
      // By its project and by its UUID.
      let id = try #require(try lab.toprack.json("server", "show", "a")["id"].string)
      for name in ["default/a", id] {
        #expect(try lab.toprack.attempt(["server", "shell", name, "--", "true"]).status == 0)
      }
    }

    @Test("without a command it is the user's shell, which reads what is typed")
    func typed() throws {
      let lab = try Lab()
      let a = lab.namespace("a")
      try lab.toprack("server", "create", "a", "--netns=\(a.name)")
      let command = "'\(Daemon.binaries)/toprack' --socket '\(lab.daemon.socket)' server shell a"
      let typed = try run(["sh", "-c", "echo 'ip -o link show eth0; exit 3' | SHELL=/bin/sh \(command)"])
      #expect(typed.status == 3 && typed.text.contains(" eth0: "), "\(typed.text) \(typed.errors)")
    }

    @Test(
      "a server on the host has the host's shell; one whose NICs were moved apart is refused, and one that is not there"
    )
    func elsewhere() throws {
      let lab = try Lab()
      let host = lab.hostname("h")
      try lab.toprack("server", "create", host)
      let there = try lab.toprack.attempt(["server", "shell", host, "--", "ls", "/sys/class/net"])
      #expect(there.text.contains("\(host)-eth0\n"), "\(there.text) \(there.errors)")
      let (a, b) = (lab.namespace("a"), lab.namespace("b"))
      try lab.toprack("server", "create", "a", "--netns=\(a.name)")
      try b.create()
      try a.run("ip", "link", "set", "eth1", "netns", b.name)
      var answer = try lab.toprack.attempt(["server", "shell", "a", "--", "true"])
      #expect(
        try lab.poll {
          answer = try lab.toprack.attempt(["server", "shell", "a", "--", "true"])
          return answer.status == 1 && answer.errors.contains("toprack server repair a")
        }, "\(answer.errors)")
      #expect(answer.errors.contains("netns \(a.name) and netns \(b.name)"), "\(answer.errors)")
      for (arguments, status, says) in [
        (["server", "shell", "nobody"], Int32(1), "there is no server \"nobody\""),
        (["server", "shell", "a", "ip", "link"], 2, "nexpected"), (["server", "shell"], 2, "'<server>'"),
        (["server", "shell", "a", "--json"], 2, "--json and a shell exclude each other"),
      ] {
        let refused = try lab.toprack.attempt(arguments)
        #expect(refused.status == status && refused.errors.contains(says), "\(refused.errors)")
      }
      let remote = try run(["\(Daemon.binaries)/toprack", "--url", "http://127.0.0.1:1", "server", "shell", "a"])
      #expect(remote.status == 1 && remote.errors.contains("on the daemon's machine"), "\(remote.errors)")
    }
  }
}
