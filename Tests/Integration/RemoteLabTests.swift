import Foundation
import Testing

/// Labs over TCP, with tokens of projects.
extension Integration {
  @Suite("Labs from afar") struct RemoteLabTests {
    /// Two projects whose labs have one name, and a lab of blue's that red has none like.
    private struct Desk {
      let lab: Lab
      let url: String
      let file: String

      init() throws {
        lab = try Lab(settings: "listen: 127.0.0.1:0\n")
        let word = lab.daemon.log.split(whereSeparator: { " ,\n".contains($0) }).last {
          $0.hasPrefix("http://127.0.0.1:")
        }
        url = String(try #require(word).trimmingCharacters(in: .punctuationCharacters))
        file = "\(lab.daemon.directory)/shop.toprack.yml"
        for project in ["red", "blue"] { try lab.toprack("project", "create", project) }
        try write(
          """
          lab: shop
          networks: {back: {vxlan: 1001}}
          servers: {web1: {mode: hybrid, ports: {eth1: [back]}}}
          """)
      }

      func write(_ text: String) throws { try text.write(toFile: file, atomically: true, encoding: .utf8) }

      func token(_ project: String, _ options: String...) throws -> String {
        let name = ([project] + options).joined(separator: "-")
        let made = try lab.toprack.attempt(
          ["token", "create", name, "--quiet", "--project", project] + options)
        guard made.status == 0 else { throw CommandRefused(made) }
        return made.text.trimmingCharacters(in: .whitespacesAndNewlines)
      }

      /// With a token, from afar: the socket is not used.
      func ask(_ token: String, _ arguments: String...) throws -> Finished {
        try run(
          ["env", "-u", "TOPRACK_SOCKET", "\(Daemon.binaries)/toprack", "--url", url, "--token", token] + arguments,
          limit: .seconds(60))
      }

      func json(_ token: String, _ arguments: String...) throws -> JSON {
        let finished = try run(
          ["env", "-u", "TOPRACK_SOCKET", "\(Daemon.binaries)/toprack", "--url", url, "--token", token] + arguments
            + ["--json"])
        guard finished.status == 0 else { throw CommandRefused(finished) }
        return try JSON(finished.output)
      }

      /// Takes away what a test leaves, and the namespaces with it.
      func clear() {
        for entry in (try? lab.toprack.json("lab", "list").array) ?? [] {
          guard let name = entry["name"].string, let project = entry["project"]["name"].string else { continue }
          _ = try? lab.toprack("lab", "destroy", "\(project)/\(name)", "--yes")
        }
      }
    }

    @Test("a project's token applies, compares, exports and destroys its own lab; another's is not there, by any name")
    func projects() throws {
      let desk = try Desk()
      defer { desk.clear() }
      let (red, blue) = (try desk.token("red"), try desk.token("blue"))
      for token in [red, blue] {
        #expect(try desk.ask(token, "lab", "diff", desk.file, "--detailed-exitcode").status == 4)
        let applied = try desk.ask(token, "lab", "apply", desk.file)
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(try desk.ask(token, "lab", "apply", desk.file, "--detailed-exitcode").status == 0)
      }
      for (token, project) in [(red, "red"), (blue, "blue")] {
        let labs = try desk.json(token, "lab", "list").array ?? []
        #expect(labs.map { $0["project"]["name"].string } == [project] && labs[0]["name"].string == "shop")
        #expect(try desk.json(token, "server", "list").array?.count == 1)
        let exported = try desk.ask(token, "lab", "export", "shop")
        #expect(exported.status == 0 && exported.text.contains("lab: shop"), "\(exported.errors)")
      }
      let server = try desk.json(blue, "server", "show", "web1")["id"].string

      // One that blue alone has.
      try desk.write("lab: extra\nservers: {x1: {}}\n")
      #expect(try desk.ask(blue, "lab", "apply", desk.file).status == 0)
      for name in ["extra", "blue/shop", "blue/extra"] {
        // As one that nobody has.
        let nobodys = name.replacingOccurrences(of: "blue", with: "none").replacingOccurrences(of: "extra", with: "etc")
        for command in [["export"], ["check"], ["save"], ["restore", "--yes"], ["destroy", "--yes"]] {
          let options = Array(command.dropFirst())
          let refused = try run(
            [
              "\(Daemon.binaries)/toprack", "--url", desk.url, "--token", red, "lab", command[0], name,
            ] + options)
          let unknown = try run(
            [
              "\(Daemon.binaries)/toprack", "--url", desk.url, "--token", red, "lab", command[0], nobodys,
            ] + options)
          #expect(
            refused.status == 1 && refused.errors.contains("there is no "), "\(command) \(name): \(refused.errors)")
          #expect(
            refused.errors.replacingOccurrences(of: "blue", with: "none").replacingOccurrences(of: "extra", with: "etc")
              == unknown.errors)
        }
      }
      try desk.write("lab: shop\nproject: blue\nservers: {web1: {}}\n")
      for command in ["apply", "diff"] {
        let refused = try desk.ask(red, "lab", command, desk.file)
        #expect(
          refused.status == 2 && refused.errors.contains("shop.toprack.yml:2:10: there is no project"),
          "\(refused.errors)")
      }

      // Whoever sees both says which.
      let ambiguous = try desk.lab.toprack.attempt(["lab", "destroy", "shop", "--yes"])
      #expect(ambiguous.status == 1 && ambiguous.errors.contains("blue/shop, red/shop"), "\(ambiguous.errors)")

      #expect(try desk.ask(red, "lab", "destroy", "shop").status == 1, "it is asked for")
      let gone = try desk.ask(red, "lab", "destroy", "shop", "--yes")
      #expect(gone.status == 0, "\(gone.errors)")
      #expect(try desk.json(red, "lab", "list").array?.isEmpty == true)
      #expect(try desk.json(red, "server", "list").array?.isEmpty == true)
      #expect(try desk.json(blue, "server", "show", "web1")["id"].string == server)
      #expect(try desk.json(blue, "lab", "list").array?.compactMap { $0["name"].string } == ["extra", "shop"])
      #expect(try desk.lab.toprack("verify").contains("agree"))
    }

    @Test("a read-only token sees what a file would do, and cannot have it done")
    func readOnly() throws {
      let desk = try Desk()
      defer { desk.clear() }
      let (red, reader) = (try desk.token("red"), try desk.token("red", "--read-only"))
      // Before there is a lab.
      let first = try desk.ask(reader, "lab", "apply", desk.file, "--dry-run", "--detailed-exitcode")
      #expect(first.status == 4 && first.text.contains("+ server web1"), "\(first.errors)")
      let refusedFirst = try desk.ask(reader, "lab", "apply", desk.file)
      #expect(refusedFirst.status == 1 && refusedFirst.errors.contains("read-only"), "\(refusedFirst.errors)")
      #expect(try desk.ask(red, "lab", "apply", desk.file).status == 0)

      let events = try desk.lab.toprack.json("api", "GET", "/events?per_page=1")["meta"]["total"].int
      #expect(try desk.ask(reader, "lab", "diff", desk.file, "--detailed-exitcode").status == 0)
      #expect(try desk.ask(reader, "lab", "apply", desk.file).status == 0, "there is nothing to do")
      #expect(try desk.ask(reader, "lab", "export", "shop").status == 0)
      #expect(try desk.json(reader, "lab", "list").array?.count == 1)
      let other = ["--set", "servers.web1.mode=layer2-individual"]
      for command in [["diff"], ["apply", "--dry-run"]] {
        let planned = try run(
          ["\(Daemon.binaries)/toprack", "--url", desk.url, "--token", reader, "lab"] + command
            + [desk.file, "--detailed-exitcode"] + other)
        #expect(planned.status == 4 && planned.text.contains("hybrid → layer2-individual"), "\(planned.errors)")
      }
      for command in [
        ["apply", desk.file, "--yes"] + other, ["destroy", "shop", "--yes"], ["save", "shop"], ["check", "shop"],
      ] {
        let refused = try run(
          ["\(Daemon.binaries)/toprack", "--url", desk.url, "--token", reader, "lab"] + command)
        #expect(refused.status == 1 && refused.errors.contains("read-only"), "\(command): \(refused.errors)")
      }
      #expect(try desk.lab.toprack.json("api", "GET", "/events?per_page=1")["meta"]["total"].int == events)
    }
  }
}
