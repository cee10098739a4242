import Foundation
import Testing

/// Consoles by the command line, with real shells in real namespaces.
extension Integration {
  @Suite("Consoles") struct ConsoleTests {
    private static let readWrite = "read-write, 1 connected. Use ~? for help.]\r\n"

    @Test("a server without any address has a shell in its namespace, in every mode, at a terminal of this size")
    func shell() throws {
      let lab = try Lab()
      let web = try lab.machine("web1", .layer2Individual)
      let console = try lab.console("web1", size: (40, 120))
      #expect(try console.wait(for: Self.readWrite).contains("\r\n[SOS session for web1, "))
      try console.type("ip -br -4 addr show dev eth0; echo $((6*7)) $(hostname) $(stty size)\r")
      let text = try console.wait(for: "42 web1 40 120")
      #expect(text.contains("eth0") == false || !text.contains("10."), "no address")
      #expect(!console.isCooked)
      console.resize(rows: 50, columns: 100)
      // The size arrives by itself; the shell is asked until it has it.
      var seen = ""
      for _ in 0..<50 where !seen.contains("50 100") {
        try console.type("echo s: $(stty size)\r")
        seen = try console.wait(for: "s: ") + (try console.wait(for: "\r\n"))
        if !seen.contains("50 100") { seen = try console.wait(for: "\r\n") }
      }
      #expect(seen.contains("50 100"))
      try console.type("ip link set eth0 up\r")
      #expect(try lab.poll { try lab.toprack.json("port", "show", "web1", "eth0")["link_up"].bool == true })
      try console.type("\r~.")
      #expect(try console.end() == 0)
      #expect(console.isCooked, "the terminal has its form again")
      for mode in Mode.allCases {
        try lab.toprack("server", "mode", "web1", mode.rawValue)
        let console = try lab.console("web1", "--no-replay", size: nil)
        try console.wait(for: Self.readWrite)
        try console.type("echo mode $((1000+\(mode.rawValue.count)))\r")
        try console.wait(for: "mode \(1000 + mode.rawValue.count)")
        console.endInput()
        #expect(try console.end() == 0, "the end of standard input leaves")
      }
      withExtendedLifetime(web) {}
    }

    @Test("the shell is a stranger on the host: it owns nothing, and sees neither processes nor the state")
    func confined() throws {
      let lab = try Lab()
      _ = try lab.machine("web1")
      let console = try lab.console("web1", size: nil)
      try console.wait(for: Self.readWrite)
      try console.type(
        "echo $(id -un) $(id -u); touch /etc/toprack-was-here; ls \(lab.daemon.state); ls /run/netns; "
          + "echo $(ls -d /proc/[0-9]* | wc -l) seen; grep CapBnd /proc/self/status; echo done\r")
      let text = try console.wait(for: "\ndone") + ""
      #expect(text.contains("console 187904") && text.contains("0000000000003400"))
      #expect(!text.contains("rack.sqlite") && !FileManager.default.fileExists(atPath: "/etc/toprack-was-here"))
      #expect(!text.contains("trt-"))
      // Its own: the shell, a subshell, ls and wc.
      #expect(text.contains(/[\r\n][1-6] seen/), "\(text)")
    }

    @Test("two watch, the keyboard is taken and given, ~w tells who, and the events tell of all of them")
    func takeOver() throws {
      let lab = try Lab()
      _ = try lab.machine("web1", .layer2Bonded)
      let first = try lab.console("web1")
      try first.wait(for: Self.readWrite)
      try first.type("echo from $((1+1))\r")
      try first.wait(for: "from 2")
      let second = try lab.console("web1")
      #expect(try second.wait(for: "Use ~? for help.]\r\n").contains("from 2"), "what was said before")
      try second.type("x")
      try second.wait(for: "[read-only: ~t takes the keyboard]\r\n")
      try second.type("\r~t")
      try second.wait(for: "[you have the keyboard now]\r\n")
      try first.wait(for: "has taken the keyboard]\r\n")
      try second.type("echo by $((3+3))\r")
      try first.wait(for: "by 6")
      let third = try lab.console("web1", "--take", "--no-replay")
      #expect(try third.wait(for: "Use ~? for help.]\r\n").contains("read-write, 3 connected"))
      try second.wait(for: "has taken the keyboard]\r\n")
      let watcher = try lab.console("web1", "--read-only")
      try watcher.wait(for: "read-only, 4 connected. Use ~? for help.]\r\n")
      try watcher.type("~t")
      try watcher.wait(for: "[this session is read-only and cannot take the keyboard]\r\n")
      try watcher.type("~w")
      let who = try watcher.wait(for: "]\r\n")
      #expect(who.components(separatedBy: "from the Unix socket").count == 5)
      let entry = try lab.toprack.json("console", "list")["consoles"][0]
      #expect(entry["server"].string == "web1" && entry["watchers"].array?.count == 4 && entry["since"].string != nil)
      #expect(entry["writer"].string == "root")
      #expect(try lab.toprack("console", "list").contains("web1"))
      try third.type("~.")
      #expect(try third.end() == 0)
      try first.wait(for: "has left; ~t takes the keyboard]\r\n")
      #expect(try lab.toprack.json("console", "list")["consoles"][0]["writer"].string == nil, "nobody is promoted")
      #expect(
        try lab.poll {
          let types = try lab.events().compactMap { $0["type"].string }
          return types.count { $0 == "console.connect" } == 4 && types.contains("console.disconnect")
        })
      let text = try #require(try lab.events().first { $0["type"].string == "console.disconnect" }?["body"].string)
      #expect(text.contains("root left the console of web1 after") && text.contains("had the keyboard"))
    }

    @Test("a serial line: heard before anybody comes, 64 KiB replayed, slow watchers let go, set and taken away")
    func serial() throws {
      let lab = try Lab()
      let name = lab.hostname("vm")
      let path = "\(lab.daemon.directory)/serial"
      try lab.toprack("server", "create", name)
      let none = try lab.toprack.attempt(["console", name])
      #expect(none.status == 1)
      #expect(
        none.errors == "toprack: \(name) has no console: it is neither a VM nor a namespace; give --serial\n")
      #expect(try lab.toprack.attempt(["server", "set", name, "--serial", "here"]).status == 1)
      try lab.toprack("server", "set", name, "--serial", path)
      #expect(try lab.toprack("server", "show", name).contains(path))
      let port = try SerialPort(path)
      try port.accept()
      let said = (0..<90_000).map { UInt8(ascii: "a") + UInt8($0 % 26) }
      try port.say(said)
      try port.say("login: ")
      let log = "\(lab.daemon.state)/consoles/\(name).log"
      #expect(try lab.poll { FileManager.default.contents(atPath: log)?.count == said.count + 7 })
      let all = said + Array("login: ".utf8)
      let reader = try lab.console(name, size: nil)
      #expect(try reader.bytes(65_536) == all.suffix(65_536))
      try reader.wait(for: Self.readWrite)
      try reader.type("root\r")
      try port.hear("root\r")
      // One whose output nobody takes.
      let sleeper = try lab.console(name, size: nil)
      #expect(try lab.poll { try lab.toprack.json("console", "list")["consoles"][0]["watchers"].array?.count == 2 })
      let piece = [UInt8](repeating: UInt8(ascii: "."), count: 65_536)
      for _ in 0..<40 {
        try port.say(piece)
        _ = try reader.bytes(piece.count)
      }
      #expect(try lab.poll { try lab.toprack.json("console", "list")["consoles"][0]["watchers"].array?.count == 1 })
      sleeper.kill()
      try reader.type("\r~.")
      #expect(try reader.end() == 0)
      let last = try lab.console(name)
      try last.wait(for: Self.readWrite)
      try lab.toprack("server", "set", name, "--no-serial")
      #expect(try last.end() == 1)
      #expect(last.errors.contains("has no console any more"))
    }

    @Test("power off is said and the shell ends; on again it is another; the end of the server ends the session")
    func power() throws {
      let lab = try Lab()
      _ = try lab.machine("web1")
      let console = try lab.console("web1")
      try console.wait(for: Self.readWrite)
      try console.type("X=before; echo $X-$((1+1))\r")
      try console.wait(for: "before-2")
      try lab.toprack("server", "power", "web1", "off")
      try console.wait(for: "[web1 is switched off]\r\n")
      let late = try lab.console("web1", "--read-only")
      try late.wait(for: "Use ~? for help.]\r\n\r\n[web1 is switched off]\r\n")
      try lab.toprack("server", "power", "web1", "on")
      try console.wait(for: "[web1 is switched on]\r\n")
      try console.type("echo X:$X:$((2+2))\r")
      try console.wait(for: "X::4")
      try lab.toprack("server", "delete", "web1")
      #expect(try console.end() == 1)
      #expect(console.errors == "toprack: web1 was deleted\n" && console.isCooked)
      #expect(try late.end() == 1)
    }

    @Test("kill -9 of the daemon ends the client with a reason; the next one sees what was said before")
    func killed() throws {
      let lab = try Lab()
      _ = try lab.machine("web1")
      let console = try lab.console("web1")
      try console.wait(for: Self.readWrite)
      try console.type("echo before $((5+5))\r")
      try console.wait(for: "before 10")
      let log = "\(lab.daemon.state)/consoles/web1.log"
      #expect(try lab.poll { (try? String(contentsOfFile: log, encoding: .utf8))?.contains("before 10") == true })
      lab.daemon.kill()
      #expect(try console.end() == 1)
      #expect(console.errors == "toprack: the connection to toprackd was lost\n" && console.isCooked)
      #expect(try lab.toprack.attempt(["console", "web1"]).status == 3)
      try lab.daemon.start()
      let again = try lab.console("web1")
      #expect(try again.wait(for: Self.readWrite).contains("before 10"))
      try again.type("echo again $((6+6))\r")
      try again.wait(for: "again 12")
      #expect(try lab.daemon.stop() == 0)
      #expect(try again.end() == 1)
      #expect(again.errors == "toprack: toprackd is stopping\n")
    }

    @Test("with a token, over TLS: a read-only one watches, another project's server is not there, 17 are one too many")
    func remote() throws {
      let lab = try Lab(settings: "listen: 127.0.0.1:0\ntls-self-signed: true\n")
      _ = try lab.machine("web1", .layer2Individual)
      let url = try #require(
        lab.daemon.log.split(whereSeparator: { " ,\n".contains($0) }).last { $0.hasPrefix("https://127.0.0.1:") }
      ).trimmingCharacters(in: .punctuationCharacters)
      func console(_ token: String, _ options: String...) throws -> ConsoleClient {
        try ConsoleClient(
          [
            "\(Daemon.binaries)/toprack", "--url", url, "--ca-cert", "\(lab.daemon.state)/tls-cert.pem", "--token",
            token, "console", "web1",
          ] + options, size: nil)
      }
      func token(_ arguments: String...) throws -> String {
        let made = try lab.toprack.attempt(["token", "create"] + arguments + ["--quiet"])
        guard made.status == 0 else { throw CommandRefused(made) }
        return made.text.trimmingCharacters(in: .newlines)
      }
      try lab.toprack("project", "create", "other")
      let (own, reader) = (try token("own", "--project", "default"), try token("reader", "--read-only"))
      let foreign = try token("foreign", "--project", "other")
      let writer = try console(own)
      try writer.wait(for: Self.readWrite)
      let watcher = try console(reader)
      try watcher.wait(for: "read-only, 2 connected. Use ~? for help.]\r\n")
      try writer.type("echo tls $((7+7))\r")
      try watcher.wait(for: "tls 14")
      try watcher.type("~t")
      try watcher.wait(for: "cannot take the keyboard]\r\n")
      let refused = try console(foreign)
      #expect(try refused.end() == 1 && refused.errors.contains("there is no server \"web1\""))
      let taker = try console(reader, "--take")
      #expect(try taker.end() == 1 && taker.errors.contains("read-only"))
      let readers = try (2...8).map { _ in try console(reader, "--no-replay") }
      for one in readers { try one.wait(for: "for help.]\r\n") }
      let ninth = try console(reader)
      #expect(try ninth.end() == 1 && ninth.errors.contains("8 read-only watchers, which is the limit"))
      let crowd = try (10...16).map { _ in try console(own, "--no-replay") }
      for one in crowd { try one.wait(for: "for help.]\r\n") }
      let late = try console(own)
      #expect(try late.end() == 1 && late.errors.contains("16 watchers, which is the limit"))
      try writer.type("echo still $((8+8))\r")
      try crowd[6].wait(for: "still 16")
    }
  }
}
