import CPcap
import Foundation
import Glibc
import Testing

extension Integration {
  @Suite("The daemon's log") struct LogTests {
    private func lines(_ daemon: Daemon) -> [Substring] { daemon.log.split(separator: "\n") }

    @Test("as JSON each line is an object with time, level, message and fields")
    func json() throws {
      let lab = try Lab(options: ["--log-format", "json"])
      let machine = try lab.individual("web1")
      try machine.namespace.run("ip", "link", "delete", "eth1")
      func entries() throws -> [JSON] { try lines(lab.daemon).map { try JSON(Data($0.utf8)) } }
      #expect(try lab.poll { try entries().contains { $0["event"].string == "port.lost" } })
      let all = try entries()
      #expect(all.allSatisfy { $0["time"].string?.hasSuffix("Z") == true && $0["message"].string != nil })
      let created = try #require(all.first { $0["event"].string == "device.create" })
      #expect(created["level"].string == "info" && created["by"].string == "user root")
      #expect(created["server"].string == "web1" && created["project"].string == "default")
      let lost = try #require(all.first { $0["event"].string == "port.lost" })
      #expect(lost["level"].string == "notice" && lost["nic"].string == "eth1" && lost["server"].string == "web1")
    }

    @Test("as text each line has time, level, message and fields")
    func text() throws {
      let lab = try Lab(options: ["--log-format", "text"])
      try lab.networks(100)
      let line = try #require(lines(lab.daemon).first { $0.contains("virtual network 100 created") })
      #expect(
        line.wholeMatch(
          of:
            /[0-9-]{10}T[0-9:]{8}Z info virtual network 100 created in facility ewr1 by=user root event=virtual_network.create project=default/
        ) != nil, "\(line)")
    }

    /// What the journal would hear.
    private final class Journal {
      private let descriptor: Int32

      init(_ path: String) throws {
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard withUnixAddress(path, { bind(descriptor, $0, $1) }) == 0 else {
          throw HarnessError("\(path): \(String(cString: strerror(errno)))")
        }
      }

      deinit { close(descriptor) }

      /// The fields of the next entry that has a field of this value.
      func entry(_ name: String, _ value: String) throws -> [String: String] {
        let deadline = Deadline.after(.seconds(20))
        while true {
          var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
          guard poll(&ready, 1, deadline.milliseconds) > 0 else { throw HarnessError("no entry with \(name)=\(value)") }
          var buffer = [UInt8](repeating: 0, count: 1 << 17)
          let count = recv(descriptor, &buffer, buffer.count, 0)
          let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
          let fields = Dictionary(
            text.split(separator: "\n").map { line in
              let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
              return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            }, uniquingKeysWith: { $1 })
          if fields[name] == value { return fields }
        }
      }
    }

    @Test("as a unit of systemd it goes to the journal with fields; where that does not listen, to standard error")
    func journal() throws {
      // A file system of its own at /run/systemd, and standard error as the journal's stream, as systemd says it.
      let script = """
        mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/journal \
        && mount --bind "$JOURNAL" /run/systemd/journal && export JOURNAL_STREAM=$(stat -L -c %d:%i /dev/stderr) && exec "$@"
        """
      let directory = FileManager.default.temporaryDirectory.appendingPathComponent("toprack-journal-\(UUID())").path
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let journal = try Journal("\(directory)/socket")
      let daemon = try Daemon(launcher: ["unshare", "--mount", "bash", "-c", script, "launch"])
      try daemon.start(environment: ["JOURNAL": directory])
      #expect(try journal.entry("TOPRACK_EVENT", "token.create")["TOPRACK_BY"] == "toprackd")
      let toprack = Toprack(socket: daemon.socket)
      try toprack("network", "create", "--vxlan", "100")
      let entry = try journal.entry("TOPRACK_EVENT", "virtual_network.create")
      #expect(entry["MESSAGE"] == "virtual network 100 created in facility ewr1")
      #expect(entry["PRIORITY"] == "6" && entry["SYSLOG_IDENTIFIER"] == "toprackd")
      #expect(entry["TOPRACK_PROJECT"] == "default" && entry["TOPRACK_BY"] == "user root")
      #expect(daemon.log == "")
      // The journal goes away.
      unlink("\(directory)/socket")
      try toprack("network", "create", "--vxlan", "101")
      #expect(daemon.log.hasPrefix("<6>virtual network 101 created in facility ewr1 "), "\(daemon.log)")
      #expect(try daemon.stop() == 0)
    }

    @Test("no token, user data, custom data or password is in a line of it, or in metrics, whatever is asked")
    func secrets() throws {
      let lab = try Lab(options: ["--log-level", "trace", "--log-format", "json"])
      var secrets = ["hush-userdata", "hush-customdata", "hush-wrong-token", "hush-broken"]
      secrets.append(try lab.daemon.firstToken())
      secrets.append(
        try lab.toprack("token", "create", "laptop", "--quiet").trimmingCharacters(in: .whitespacesAndNewlines))
      let project = try #require(try lab.toprack.json("project", "list").array?.first?["id"].string)
      let name = lab.namespace("web1").name
      func ask(_ method: String, _ path: String, _ body: String, _ header: String = "") throws -> HTTPAnswer {
        let request =
          "\(method) \(path) HTTP/1.1\r\nHost: toprack\r\nConnection: close\r\nContent-Type: application/json\r\n"
          + "\(header)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        return try HTTPAnswer(raw: Data(request.utf8), socket: lab.daemon.socket)
      }
      let body =
        #"{"hostname": "web1", "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12", "#
        + #""userdata": "hush-userdata", "customdata": {"k": "hush-customdata"}, "toprack": {"netns": "\#(name)"}}"#
      let made = try ask("POST", "/projects/\(project)/devices", body)
      #expect(made.status == 201)
      let id = made.json["id"].string ?? ""
      let password = try #require(
        try HTTPAnswer("GET", "/devices/\(id)", socket: lab.daemon.socket).json["root_password"].string)
      secrets.append(password)
      #expect(try ask("PUT", "/devices/\(id)", #"{"userdata": "hush-userdata-2"}"#).status == 200)
      #expect(try ask("POST", "/projects/\(project)/devices", body).status == 422)
      #expect(try ask("PUT", "/devices/\(id)", #"{"userdata": "hush-broken"#).status == 400)
      #expect(try ask("PUT", "/devices/\(id)", #"{"hostname": {"x": "hush-broken"}}"#).status == 422)
      #expect(try ask("GET", "/projects", "", "X-Auth-Token: hush-wrong-token\r\n").status == 401)
      #expect(try ask("GET", "/projects", "", "Authorization: Bearer hush-wrong-token\r\n").status == 401)
      #expect(try ask("GET", "/metrics", "", "X-Auth-Token: \(secrets[4])\r\n").status == 200)
      for action in ["reboot", "power_off", "power_on", "rescue"] {
        _ = try ask("POST", "/devices/\(id)/actions", #"{"type": "\#(action)"}"#)
      }
      #expect(try ask("POST", "/devices/\(id)/actions", #"{"type": "reinstall"}"#).status < 500)
      let metrics = String(decoding: try HTTPAnswer("GET", "/metrics", socket: lab.daemon.socket).body, as: UTF8.self)
      _ = try lab.daemon.stop()
      let log = lab.daemon.log
      #expect(log.contains("web1 created"))
      for secret in secrets {
        #expect(!log.contains(secret), "\(secret) is in the log")
        #expect(!metrics.contains(secret), "\(secret) is in the metrics")
      }
    }
  }
}
