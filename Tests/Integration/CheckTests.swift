import Foundation
import Testing

/// Checks of labs, asked from inside servers' namespaces and judged by what the switch has seen.
extension Integration {
  @Suite("Checks of labs") struct CheckTests {
    /// Runs checks, and returns what came of each by its name: `passed: 3 sent, …`.
    private func check(_ lab: Lab, _ checks: String...) throws -> [String] {
      let body = "{\"checks\": [\(checks.joined(separator: ","))]}"
      let answer = try JSON(Data(lab.toprack("api", "POST", "/toprack/checks", body).utf8))
      return (answer["checks"].array ?? []).map { "\($0["result"].string ?? "?"): \($0["seen"].string ?? "?")" }
    }

    private func expect(
      _ found: [String], _ wanted: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(found.count == wanted.count, sourceLocation: sourceLocation)
      for (found, wanted) in zip(found, wanted) {
        #expect(found.hasPrefix(wanted), "\(found)", sourceLocation: sourceLocation)
      }
    }

    private func address(_ machine: Machine, _ address: String) throws {
      try machine.namespace.run("ip", "address", "add", address, "dev", "eth0")
    }

    @Test("two servers in a VLAN reach each other; in another VLAN one is deaf to it, which passes only with a link")
    func reach() throws {
      let lab = try Lab()
      try lab.networks(1001, 1002)
      let (web1, web2) = (try lab.individual("web1", 1001), try lab.individual("web2", 1001))
      let db = try lab.individual("db", 1002)
      for (machine, number) in [(web1, 1), (web2, 2), (db, 3)] { try address(machine, "10.0.1.\(number)/24") }
      expect(
        try check(
          lab, #"{"from": "web1", "ping": "10.0.1.2"}"#, #"{"from": "web1", "ping": "10.0.1.3", "within": "500ms"}"#,
          #"{"from": "web1", "deaf": "10.0.1.3", "within": "1500ms"}"#,
          #"{"from": "web1", "deaf": "10.0.1.2", "within": "1500ms"}"#, #"{"server": "web1", "link": "eth0"}"#,
          #"{"server": "web1", "lacp": "both", "within": "100ms"}"#),
        "passed: 3 sent, 3 answered, ", "failed: 1 sent, none answered", "passed: ", "failed: ", "passed: eth0 is up",
        "failed: eth0 is in no bond: the mode of web1 is layer2-individual")

      // Not a frame leaves: that nobody answers means nothing.
      try web1.namespace.run("ip", "link", "set", "eth0", "down")
      expect(
        try check(
          lab, #"{"from": "web1", "deaf": "10.0.1.3", "within": "500ms"}"#,
          #"{"server": "web1", "link": "eth0", "within": "200ms"}"#),
        "proves-nothing: nothing was sent: network is unreachable", "failed: link of eth0 is down")
      // The kernel sends, and the cable is pulled.
      try web1.namespace.run("ip", "link", "set", "eth0", "up")
      try lab.toprack("wait", "web1", "--link")
      try web1.namespace.run("ip", "tuntap", "add", "dev", "other", "mode", "tap")
      try web1.namespace.run("ip", "link", "set", "other", "up")
      try web1.namespace.run("ip", "route", "add", "10.0.9.0/24", "dev", "other")
      expect(
        try check(lab, #"{"from": "web1", "deaf": "10.0.9.3", "within": "500ms"}"#),
        "proves-nothing: packets leave by other, which is no NIC of the server")
      try lab.toprack("server", "power", "web1", "off")
      expect(
        try check(lab, #"{"from": "web1", "deaf": "10.0.1.3", "within": "500ms"}"#),
        "failed: web1 is switched off: 'toprack server power web1 on'")
    }

    @Test("TCP and HTTP: a service that listens, one that refuses, one that says nothing, and a status that is another")
    func services() throws {
      let lab = try Lab()
      try lab.networks(1001)
      let (web1, web2) = (try lab.individual("web1", 1001), try lab.individual("web2", 1001))
      try address(web1, "10.0.1.1/24")
      try address(web2, "10.0.1.2/24")
      let program = """
        import http.server, socket, threading
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(503 if self.path == '/busy' else 200, 'evil \\x1b[2J')
                self.end_headers()
            def log_message(self, *words): pass
        mute = socket.create_server(('10.0.1.2', 81))
        junk = socket.create_server(('10.0.1.2', 82))
        def talk():
            while True:
                peer, _ = junk.accept()
                peer.sendall(b'SSH-2.0-OpenSSH\\r\\n' * 9)
        threading.Thread(target=talk, daemon=True).start()
        http.server.HTTPServer(('10.0.1.2', 80), Handler).serve_forever()
        """
      let service = try ChildProcess(["ip", "netns", "exec", web2.namespace.name, "python3", "-c", program])
      defer { service.signal(9) }
      expect(
        try check(
          lab, #"{"from": "web1", "tcp": "10.0.1.2:80", "within": "30s"}"#,
          #"{"from": "web1", "http": "http://10.0.1.2/", "within": "30s"}"#,
          #"{"from": "web1", "http": "http://10.0.1.2/busy", "status": 503, "within": "30s"}"#),
        "passed: connected", "passed: 200 OK", "passed: 503 Service Unavailable")
      expect(
        try check(
          lab, #"{"from": "web1", "http": "http://10.0.1.2/busy", "within": "300ms"}"#,
          #"{"from": "web1", "tcp": "10.0.1.2:9", "within": "300ms"}"#,
          #"{"from": "web1", "http": "http://10.0.1.2:81/", "within": "700ms"}"#,
          #"{"from": "web1", "http": "http://10.0.1.2:82/", "within": "2s"}"#,
          #"{"from": "web1", "http": "https://10.0.1.2:82/", "within": "2s"}"#,
          #"{"from": "web1", "tcp": "10.99.0.1:80", "within": "300ms"}"#),
        "failed: 503 Service Unavailable, not 200", "failed: connection refused", "failed: no answer within ",
        "failed: the answer is no HTTP", "failed: no TLS came about", "failed: network is unreachable")
    }

    @Test("the process that reads what others send is nobody, and cannot become anybody")
    func rights() throws {
      let program = """
        import socket
        server = socket.create_server(('127.0.0.1', 0))
        print(server.getsockname()[1], flush=True)
        peer, _ = server.accept()
        server.accept()
        """
      let server = try ChildProcess(["python3", "-c", program])
      defer { server.signal(9) }
      let deadline = Deadline.after(.seconds(20))
      func port() -> Int? {
        Int(String(decoding: server.standardOutput, as: UTF8.self).trimmingCharacters(in: .newlines))
      }
      while port() == nil, !deadline.hasPassed {}
      let url = "http://127.0.0.1:\(try #require(port()))/"
      let probe = try ChildProcess(["\(Daemon.binaries)/toprackd", "---probe", "http", url, "-", "60000"])
      defer { probe.signal(9) }
      var status = ""
      while !status.contains("NoNewPrivs:\t1"), !deadline.hasPassed {
        status = (try? String(contentsOfFile: "/proc/\(probe.pid)/status", encoding: .utf8)) ?? ""
      }
      for line in [
        "Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534", "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1",
      ] {
        #expect(status.contains(line), "\(status)")
      }
      let wrong = try run(["\(Daemon.binaries)/toprackd", "---probe", "http", "http://web2/", "-", "1000"])
      #expect(wrong.status == 2 && wrong.text.contains("is no address"), "\(wrong.text)")
    }

    @Test("LACP with Open vSwitch comes true within its time")
    func lacp() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      let web1 = try lab.machine("web1", .layer2Bonded)
      expect(
        try check(lab, #"{"server": "web1", "lacp": "both", "within": "200ms"}"#),
        "failed: no partner on eth0")
      let ovs = try OpenVSwitch(in: lab, on: web1)
      try ovs.addBond()
      expect(
        try check(
          lab, #"{"server": "web1", "lacp": "both", "within": "60s"}"#, #"{"server": "web1", "lacp": "eth1"}"#),
        "passed: in sync on eth0 and eth1", "passed: in sync on eth1")
    }

    @Test("what the daemon cannot ask fails with a sentence: from a virtual machine, from a server of another project")
    func refusals() throws {
      let lab = try Lab()
      try lab.networks(1001)
      _ = try lab.individual("web1", 1001)
      try lab.toprack("vm", "attach", "web1")
      expect(
        try check(
          lab, #"{"from": "web1", "ping": "10.0.1.2", "within": "10m"}"#,
          #"{"from": "web9", "ping": "10.0.1.2", "within": "10m"}"#),
        "failed: web1 is a virtual machine, in which the daemon runs nothing",
        "failed: there is no server \"web9\" in project default")
      try lab.toprack("vm", "detach", "web1")
    }

    @Test(
      "a server on the host asks from its interface, by its routes; a project's token does not reach the host by it")
    func onHost() throws {
      let lab = try Lab(settings: "listen: 127.0.0.1:8080\n", withHost: true)
      let host = try #require(lab.host)
      try lab.networks(1001)
      try lab.toprack("server", "create", "h")
      try lab.toprack("server", "mode", "h", "layer2-individual")
      try lab.toprack("port", "attach", "h", "eth0", "1001")
      let web2 = try lab.individual("web2", 1001)
      try address(web2, "10.0.1.2/24")
      try host.run("sh", "-c", "ip address add 10.0.1.1/24 dev h-eth0; ip link set h-eth0 up")
      try lab.toprack("wait", "h", "--link")
      let service = try ChildProcess([
        "ip", "netns", "exec", web2.namespace.name, "python3", "-m", "http.server", "--bind", "10.0.1.2", "80",
      ])
      defer { service.signal(9) }
      expect(
        try check(
          lab, #"{"from": "h", "ping": "10.0.1.2"}"#, #"{"from": "h", "tcp": "10.0.1.2:80", "within": "30s"}"#,
          #"{"from": "h", "deaf": "10.0.1.9", "within": "500ms"}"#),
        "passed: ", "passed: connected", "passed: ")
      let token = try lab.toprack("token", "create", "t", "--project", "default", "--quiet")
        .trimmingCharacters(in: .newlines)
      let body = #"{"checks": [{"from": "h", "http": "http://127.0.0.1:8080/", "status": 401}]}"#
      let finished = try run([
        "nsenter", "--net=/run/netns/\(host.name)", "\(Daemon.binaries)/toprack", "--url", "http://127.0.0.1:8080",
        "--token", token, "api", "POST", "/toprack/checks", body,
      ])
      #expect(finished.text.contains("the token is not for the host's network"), "\(finished.text)\(finished.errors)")
      // By the network it waits, too.
      let waited = try run([
        "nsenter", "--net=/run/netns/\(host.name)", "\(Daemon.binaries)/toprack", "--url", "http://127.0.0.1:8080",
        "--token", token, "wait", "web2", "--link",
      ])
      #expect(waited.status == 0, "\(waited.errors)")
    }
  }
}
