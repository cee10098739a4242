import Foundation
import Testing

extension Integration {
  @Suite("The API over TCP, with tokens") struct RemoteAccessTests {
    /// What curl got: the status, and the body.
    private struct Answer {
      let status: Int
      let json: JSON
    }

    /// `https://…` or `http://…`, as the daemon has logged it.
    private func address(_ lab: Lab, _ scheme: String) throws -> String {
      let word = lab.daemon.log.split(whereSeparator: { " ,\n".contains($0) }).last {
        $0.hasPrefix("\(scheme)://127.0.0.1:")
      }
      return String(try #require(word).trimmingCharacters(in: .punctuationCharacters))
    }

    private func curl(
      _ lab: Lab, _ url: String, _ token: String?, method: String = "GET", body: String? = nil
    ) throws -> Answer {
      var command = [
        "curl", "-sS", "-X", method, "--cacert", "\(lab.daemon.state)/tls-cert.pem", "-w", "\n%{http_code}",
      ]
      if let token { command += ["-H", "X-Auth-Token: \(token)"] }
      if let body { command += ["-d", body] }
      let finished = try run(command + [url], limit: .seconds(20))
      try #require(finished.status == 0, "\(finished.errors)")
      var lines = finished.text.components(separatedBy: "\n")
      let status = Int(lines.removeLast()) ?? 0
      return Answer(status: status, json: (try? JSON(Data(lines.joined(separator: "\n").utf8))) ?? .null)
    }

    private func token(_ lab: Lab, _ body: String) throws -> String {
      let made = try HTTPAnswer("POST", "/toprack/tokens", body: body, socket: lab.daemon.socket)
      #expect(made.status == 201)
      return try #require(made.json["token"].string)
    }

    private func firstToken(_ lab: Lab) throws -> String {
      try String(contentsOfFile: "\(lab.daemon.state)/token", encoding: .utf8).trimmingCharacters(
        in: .whitespacesAndNewlines)
    }

    @Test("the first start leaves a token and a certificate that work; later starts keep them, also when it is revoked")
    func firstToken() throws {
      let lab = try Lab(settings: "listen: 127.0.0.1:0\ntls-self-signed: true\n")
      let token = try firstToken(lab)
      for file in ["token", "tls-key.pem"] {
        let mode = try FileManager.default.attributesOfItem(atPath: "\(lab.daemon.state)/\(file)")[.posixPermissions]
        #expect(mode as? Int == 0o600)
      }
      let url = try address(lab, "https")
      #expect(try curl(lab, url + "/metal/v1/projects", token).json["projects"][0]["name"].string == "default")
      let stranger = try curl(lab, url + "/metal/v1/projects", nil)
      #expect(stranger.status == 401)
      #expect(stranger.json == .object(["error": .string("Invalid authentication token")]))
      #expect(try curl(lab, url + "/nothing", "wrong").status == 401)
      let certificate = try String(contentsOfFile: "\(lab.daemon.state)/tls-cert.pem", encoding: .utf8)

      let revoked = try HTTPAnswer("DELETE", "/toprack/tokens/first", socket: lab.daemon.socket)
      #expect(revoked.status == 204)
      #expect(try curl(lab, url + "/projects", token).status == 401)
      #expect(try lab.daemon.stop() == 0)
      try lab.daemon.start()
      let tokens = try HTTPAnswer("GET", "/toprack/tokens", socket: lab.daemon.socket).json["tokens"].array
      #expect(tokens?.isEmpty == true)
      #expect(try String(contentsOfFile: "\(lab.daemon.state)/tls-cert.pem", encoding: .utf8) == certificate)
    }

    @Test("a token for a project has its servers, a read-only one changes nothing, and too many requests are 429")
    func rights() throws {
      let lab = try Lab(settings: "listen: [\"127.0.0.1:0\"]\nrate-limit: 5\n")
      let url = try address(lab, "http")
      let project = try HTTPAnswer("POST", "/projects", body: #"{"name":"tenant"}"#, socket: lab.daemon.socket)
      try #require(project.status == 201)
      let namespace = lab.namespace("web1")
      try lab.toprack("server", "create", "web1", "--netns=\(namespace.name)")
      let id = try #require(try lab.toprack.json("server", "show", "web1")["id"].string)
      let whole = try firstToken(lab)
      let tenant = try token(lab, #"{"name":"tenant","project":"tenant"}"#)
      let reader = try token(lab, #"{"name":"reader","read_only":true}"#)
      #expect(try curl(lab, url + "/devices/\(id)", whole).json["hostname"].string == "web1")
      #expect(try curl(lab, url + "/devices/\(id)", tenant).status == 404)
      #expect(try curl(lab, url + "/devices/\(id)", tenant, method: "DELETE").status == 404)
      #expect(
        try curl(lab, url + "/toprack/settings/aging", tenant, method: "PUT", body: #"{"seconds":20}"#).status == 403)
      #expect(try curl(lab, url + "/devices/\(id)", reader).status == 200)
      let refused = try curl(lab, url + "/devices/\(id)", reader, method: "DELETE")
      #expect(refused.status == 403)
      #expect(refused.json["errors"][0].string?.contains("read-only") == true)
      let many = try run(
        [
          "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}\n", "-H", "X-Auth-Token: \(tenant)",
          "\(url)/projects?[1-40]",
        ])
      let statuses = Set(many.text.split(separator: "\n"))
      #expect(statuses == ["200", "429"])
      #expect(try lab.toprack.json("server", "show", "web1")["id"].string == id)
    }

    @Test("events are streamed as they happen, with who did it, and the daemon's stop ends the stream")
    func events() throws {
      let lab = try Lab(settings: "listen: 127.0.0.1:0\n")
      let url = try address(lab, "http")
      let stream = try ChildProcess([
        "curl", "-sN", "-H", "X-Auth-Token: \(try firstToken(lab))", "\(url)/events/stream",
      ])
      func text() -> String { String(decoding: stream.standardOutput, as: UTF8.self) }
      #expect(try lab.poll { text().contains(": toprack events") })
      try lab.networks(100)
      #expect(try lab.poll { text().contains("event: virtual_network.create") })
      #expect(text().contains(#""by":"root""#))
      let start = ContinuousClock.now
      #expect(try lab.daemon.stop() == 0)
      #expect(Pace.allows(ContinuousClock.now - start, under: .seconds(3)))
      #expect(stream.wait(until: .after(.seconds(5))) == 0, "the stream has ended in order")
    }

    @Test(
      "what cannot be listened at stops the start with one line, and nothing of the host is touched",
      arguments: [
        ("listen: 192.0.2.1:80", 1, "192.0.2.1:80 cannot be listened at: the machine does not have the address"),
        ("listen: here", 2, "has no port from 0 to 65535; valid are"),
        ("listen: 127.0.0.1:0\ntls-cert: /none.pem", 2, "give both or neither"),
        ("listen: 127.0.0.1:0\ntls-cert: /none.pem\ntls-key: /none.key", 1, "/none.pem cannot be read"),
        ("listen: 127.0.0.1:0\nrate-limit: 0", 2, "rate-limit must be a whole number from 1"),
      ] as [(String, Int32, String)])
    func faults(_ settings: String, _ status: Int32, _ says: String) throws {
      let directory = FileManager.default.temporaryDirectory.appendingPathComponent("toprack-listen-\(UUID())").path
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: directory) }
      try settings.write(toFile: "\(directory)/toprackd.yaml", atomically: true, encoding: .utf8)
      let finished = try run(
        [
          "\(Daemon.binaries)/toprackd", "--config", "\(directory)/toprackd.yaml", "--state", "\(directory)/state",
          "--socket", "\(directory)/s", "--uplink", "none",
        ], limit: .seconds(10))
      #expect(finished.status == status)
      #expect(finished.errors.contains(says), "\(finished.errors)")
      #expect(finished.errors.split(separator: "\n").count == 1)
      #expect(!FileManager.default.fileExists(atPath: "\(directory)/s"))
    }
  }
}
