import Foundation
import Testing

extension Integration {
  /// In a namespace that is the daemon's host, where every port is free.
  @Suite("Tokens and TLS from the command line") struct TokenCommandTests {
    private static let settings = "listen: 127.0.0.1:8443\ntls-self-signed: true\n"

    private struct Desk {
      let lab: Lab
      let host: NetworkNamespace

      init() throws {
        lab = try Lab(settings: TokenCommandTests.settings, withHost: true)
        host = try #require(lab.host)
      }

      var certificate: String { "\(lab.daemon.state)/tls-cert.pem" }
      var url: String { "https://127.0.0.1:8443" }

      /// The tool on the daemon's host, without anything in the environment but what is given.
      func toprack(_ arguments: String..., environment: [String: String] = [:]) throws -> Finished {
        let clean = ["TOPRACK_SOCKET", "TOPRACK_URL", "TOPRACK_TOKEN", "TOPRACK_CA_CERT"].flatMap { ["-u", $0] }
        return try run(
          ["nsenter", "--net=/run/netns/\(host.name)", "env"] + clean + environment.map { "\($0.key)=\($0.value)" }
            + ["\(Daemon.binaries)/toprack"] + arguments)
      }

      /// With a token, by TLS.
      func toprack(token: String, _ arguments: [String]) throws -> Finished {
        try run(
          [
            "nsenter", "--net=/run/netns/\(host.name)", "\(Daemon.binaries)/toprack", "--url", url, "--ca-cert",
            certificate, "--token", token,
          ] + arguments)
      }

      func token(_ name: String, _ options: String...) throws -> String {
        let finished = try lab.toprack.attempt(["token", "create", name, "--quiet"] + options)
        guard finished.status == 0 else { throw CommandRefused(finished) }
        let lines = finished.text.split(separator: "\n").map(String.init)
        #expect(lines.count == 1, "the token and nothing else")
        return try #require(lines.first)
      }
    }

    @Test("a token is printed once, opens the API by TLS, is listed, and opens nothing once it is revoked")
    func token() throws {
      let desk = try Desk()
      let token = try desk.token("laptop")
      let user = try desk.toprack(token: token, ["user"])
      #expect(user.status == 0, "\(user.errors)")
      let listed = try desk.lab.toprack("token", "list")
      #expect(listed.contains("laptop") && listed.contains("(all)"))
      #expect(!listed.contains(token))
      let made = try desk.lab.toprack.json("token", "create", "other", "--read-only")
      #expect(made["read_only"].bool == true)
      #expect(made["token"].string?.isEmpty == false)
      #expect(try desk.lab.toprack.attempt(["token", "create", "other"]).status == 1)

      try desk.lab.toprack("token", "revoke", "laptop")
      let refused = try desk.toprack(token: token, ["user"])
      #expect(refused.status == 1)
      #expect(refused.errors.contains("revoked"))
      #expect(try desk.lab.toprack.attempt(["token", "revoke", "laptop"]).status == 1)
    }

    @Test("a token of a project sees that alone, and is asked for no project; a read-only one changes nothing")
    func rights() throws {
      let desk = try Desk()
      let lab = desk.lab
      try lab.toprack("project", "create", "web")
      try lab.toprack("network", "create", "--vxlan", "100")
      let web = try desk.token("web", "--project", "web")
      let made = try desk.toprack(token: web, ["network", "create", "--vxlan", "200"])
      #expect(made.status == 0, "\(made.errors)")
      let listed = try JSON(desk.toprack(token: web, ["network", "list", "--json"]).output).array ?? []
      #expect(listed.map { $0["vxlan"].int } == [200])
      #expect(listed.first?["assigned_to"]["name"].string == "web")
      #expect(try desk.toprack(token: web, ["token", "list"]).status == 1)

      let reader = try desk.token("reader", "--read-only")
      #expect(try desk.toprack(token: reader, ["network", "list"]).status == 0)
      let refused = try desk.toprack(token: reader, ["network", "delete", "100"])
      #expect(refused.status == 1)
      #expect(refused.errors.contains("read-only"))
    }

    @Test("the URL, the token and the certificate can come out of the environment")
    func environment() throws {
      let desk = try Desk()
      let finished = try desk.toprack(
        "network", "list",
        environment: [
          "TOPRACK_URL": desk.url, "TOPRACK_TOKEN": try desk.token("x"), "TOPRACK_CA_CERT": desk.certificate,
        ])
      #expect(finished.status == 0, "\(finished.errors)")
    }

    @Test("what keeps one from the API is told apart, with what to do about it")
    func faults() throws {
      let desk = try Desk()
      let token = try desk.token("x")
      let untrusted = try desk.toprack("user", "--url", desk.url, "--token", token)
      #expect(untrusted.status == 3)
      #expect(untrusted.errors.contains("--ca-cert"))
      #expect(try desk.toprack("user", "--url", desk.url, "--token", token, "--insecure").status == 0)
      let closed = try desk.toprack("user", "--url", "https://127.0.0.1:9", "--token", token)
      #expect(closed.status == 3)
      #expect(closed.errors.contains("Connection refused"))
      let plain = try desk.toprack("user", "--url", "http://127.0.0.1:8443", "--token", token)
      #expect(plain.status == 3)
      #expect(plain.errors.contains("https://"))
      let without = try desk.toprack("user", "--url", desk.url, "--ca-cert", desk.certificate)
      #expect(without.status == 1)
      #expect(without.errors.contains("--token"))
      let noFile = try desk.toprack("user", "--url", desk.url, "--ca-cert", "/nowhere.pem")
      #expect(noFile.status == 1)
      #expect(noFile.errors.contains("/nowhere.pem"))
    }
  }
}
