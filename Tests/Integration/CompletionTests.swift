import Foundation
import Testing

extension Integration {
  /// What the shells complete, by the scripts that `toprack completion` prints, as a user has it: a real shell, and a
  /// daemon to ask.
  @Suite("Completion") struct CompletionTests {
    /// A lab with the completion scripts in its directory.
    private struct Desk {
      let lab: Lab

      init() throws {
        lab = try Lab()
        for shell in ["bash", "zsh", "fish"] {
          let script = try lab.toprack("completion", shell)
          // zsh finds the function of a command by the file's name.
          let name = shell == "zsh" ? "_toprack" : "toprack.\(shell)"
          try script.write(toFile: "\(lab.daemon.directory)/\(name)", atomically: true, encoding: .utf8)
        }
      }

      func run(_ command: [String], socket: String? = nil) throws -> Finished {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return try IntegrationTests.run(
          command,
          environment: [
            "PATH": "\(Daemon.binaries):\(path)", "HOME": lab.daemon.directory,
            "TOPRACK_SOCKET": socket ?? lab.daemon.socket, "TERM": "xterm",
          ])
      }

      /// What bash offers when the tabulator is pressed at the end of `line`.
      func bash(_ line: String, socket: String? = nil) throws -> [String] {
        let words = line.components(separatedBy: " ").map { "'\($0)'" }.joined(separator: " ")
        let script = """
          source '\(lab.daemon.directory)/toprack.bash'
          COMP_LINE='\(line)' COMP_POINT=${#COMP_LINE} COMP_WORDS=(\(words)) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
          read -r _ _ _ _ function _ < <(complete -p toprack)
          "$function" toprack "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
          ((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
          """
        let finished = try run(["bash", "--norc", "-c", script], socket: socket)
        #expect(finished.status == 0)
        #expect(finished.errors.isEmpty, "\(finished.errors)")
        return finished.text.split(separator: "\n").map(String.init)
      }

      /// Types `line`, the tabulator and return into an interactive shell that `start` begins, and waits until it has
      /// printed something that matches `pattern` of zsh.
      func type(_ line: String, into start: String, setup: String, until pattern: String) throws -> Finished {
        let script = """
          zmodload zsh/zpty
          zpty shell \(start)
          zpty -w shell "\(setup); echo set''up"
          zpty -r shell text '*setup*' || exit 1
          zpty -w -n shell $'\(line)\\t\\r'
          zpty -r shell text '\(pattern)' || exit 1
          print -r -- "$text"
          zpty -d shell
          """
        return try run(["timeout", "30", "zsh", "-f", "-c", script])
      }
    }

    @Test("bash completes commands, options and modes")
    func fixedWords() throws {
      let desk = try Desk()
      #expect(try desk.bash("toprack netw") == ["network"])
      #expect(try desk.bash("toprack port att") == ["attach"])
      #expect(try desk.bash("toprack server mode web1 layer2-") == ["layer2-bonded", "layer2-individual"])
      #expect(try desk.bash("toprack server create --pla") == ["--plan"])
      #expect(try desk.bash("toprack server create web1 --netns --pla") == ["--plan"])
    }

    @Test("bash completes what the rack has, from the daemon that the line names")
    func liveWords() throws {
      let desk = try Desk()
      let lab = desk.lab
      for name in ["web1", "web2", "db1"] {
        try lab.toprack("server", "create", name, "--netns=\(lab.namespace(name).name)")
      }
      try lab.networks(1001, 1002, 2001)
      try lab.networks(3001, facility: "ams1")
      try lab.toprack("server", "mode", "web1", "hybrid")
      try lab.toprack("port", "attach", "web1", "eth1", "1001")

      #expect(try desk.bash("toprack server show ").sorted() == ["db1", "web1", "web2"])
      #expect(try desk.bash("toprack server show w").sorted() == ["web1", "web2"])
      #expect(try desk.bash("toprack port show web1 ") == ["bond0", "eth0", "eth1"])
      #expect(try desk.bash("toprack port attach web1 eth1 ") == ["1002", "2001"])
      #expect(try desk.bash("toprack port detach web1 eth1 ") == ["1001"])
      #expect(try desk.bash("toprack port native web1 eth1 ") == ["1001", "none"])
      #expect(try desk.bash("toprack network delete 3") == ["3001"])
      #expect(try desk.bash("toprack server create x --project ") == ["default"])
      #expect(try desk.bash("toprack server create x --facility ams") == ["ams1"])
      #expect(try desk.bash("toprack server create x --plan x1") == ["x1.small.x86"])

      let key = "\(lab.daemon.directory)/key.pub"
      try "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGGHj0ogRnvWnHoVbJ0sKcB6sRYPAv8EsAIZDwHyDi/K anna@laptop\n".write(
        toFile: key, atomically: true, encoding: .utf8)
      try lab.toprack("ssh-key", "add", "laptop", key)
      #expect(try desk.bash("toprack ssh-key show ") == ["laptop"])
      #expect(try desk.bash("toprack ssh-key rem") == ["remove"])

      try lab.toprack("project", "create", "shop")
      try lab.toprack("server", "create", "web1", "--project", "shop", "--netns=\(lab.namespace("shop").name)")
      #expect(try desk.bash("toprack server show ").sorted() == ["db1", "default/web1", "shop/web1", "web2"])
      #expect(try desk.bash("toprack port detach default/web1 eth1 ") == ["1001"])
      #expect(try desk.bash("toprack port detach shop/web1 eth1 ").isEmpty)

      let nowhere = "/tmp/no-such.sock"
      #expect(try desk.bash("toprack server show ", socket: nowhere).isEmpty)
      #expect(try desk.bash("toprack --socket \(lab.daemon.socket) server show db", socket: nowhere) == ["db1"])
    }

    @Test("what a project is called is no command in any shell, and a script of before runs none either")
    func hostileNames() throws {
      let desk = try Desk()
      let lab = desk.lab
      let mark = "\(lab.daemon.directory)/ran"
      for name in ["$(touch \(mark))", "`touch \(mark)`", "x;touch \(mark)", "my shop", "plain"] {
        try lab.toprack("project", "create", name)
      }
      let offered = try desk.bash("toprack project show ")
      #expect(offered.contains("plain") && offered.contains("default") && offered.count == 6, "\(offered)")
      #expect(offered.allSatisfy { $0 == "plain" || $0 == "default" || UUID(uuidString: $0) != nil }, "\(offered)")

      // The words that such a script gets, and what it would do with any.
      let words = try run(
        ["\(Daemon.binaries)/toprack", "---completion", "project", "show", "--", "positional@0", "3", "0", "toprack"]
          + ["project", "show", ""], environment: ["TOPRACK_SOCKET": lab.daemon.socket, "SAP_SHELL": "bash"])
      #expect(words.text.contains("plain") && !words.text.contains("touch"), "\(words.text)\(words.errors)")
      let script = try String(contentsOfFile: "\(lab.daemon.directory)/toprack.bash", encoding: .utf8)
      let evil = try runSuccessfully([
        "bash", "--norc", "-c",
        script + "\ncur=''; COMPREPLY=(); __toprack_add_completions -W $'a\\n$(touch \(mark))\\nb c'; "
          + "printf '%s\\n' \"${COMPREPLY[@]}\"",
      ])
      #expect(evil.text == "a\n$(touch \(mark))\nb c\n")
      #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test("zsh completes a server's name")
    func zsh() throws {
      let desk = try Desk()
      try desk.lab.toprack("server", "create", "webserver1", "--netns=\(desk.lab.namespace("w").name)")
      let finished = try desk.type(
        "toprack server show webs", into: "zsh -f -i",
        setup: "PS1=; fpath=('\(desk.lab.daemon.directory)' \\$fpath); autoload -U compinit; compinit -D -u",
        until: "*mode *layer3*")
      #expect(finished.status == 0, "\(finished.text)\(finished.errors)")
    }

    @Test("zsh takes a colon for itself")
    func colon() throws {
      let desk = try Desk()
      try desk.lab.toprack("project", "create", "shop:front")
      let finished = try desk.type(
        "toprack project show shop", into: "zsh -f -i",
        setup: "PS1=; fpath=('\(desk.lab.daemon.directory)' \\$fpath); autoload -U compinit; compinit -D -u",
        until: "*shop:front*servers*none*")
      #expect(finished.status == 0, "\(finished.text)\(finished.errors)")
    }

    @Test("fish completes a server's name")
    func fish() throws {
      let desk = try Desk()
      try desk.lab.toprack("server", "create", "webserver1", "--netns=\(desk.lab.namespace("w").name)")
      let finished = try desk.type(
        "toprack server show webs", into: "fish --no-config",
        setup: "source '\(desk.lab.daemon.directory)/toprack.fish'", until: "*mode *layer3*")
      #expect(finished.status == 0, "\(finished.text)\(finished.errors)")
    }
  }
}
