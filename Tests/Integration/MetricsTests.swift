import Foundation
import Testing

extension Integration {
  @Suite("Metrics of a real rack") struct MetricsTests {
    /// `name{labels}` to its value.
    private func scrape(_ lab: Lab, accept: String? = nil) throws -> [String: Double] {
      let head = accept.map { "Accept: \($0)\r\n" } ?? ""
      let request = "GET /metrics HTTP/1.1\r\nHost: toprack\r\nConnection: close\r\n\(head)\r\n"
      let answer = try HTTPAnswer(raw: Data(request.utf8), socket: lab.daemon.socket)
      try #require(answer.status == 200)
      return Dictionary(
        uniqueKeysWithValues: String(decoding: answer.body, as: UTF8.self).split(separator: "\n").compactMap { line in
          guard !line.hasPrefix("#"), let space = line.lastIndex(of: " ") else { return nil }
          return (String(line[..<space]), Double(line[line.index(after: space)...]) ?? .nan)
        })
    }

    private func series(_ name: String, _ server: String, _ nic: String = "eth0", _ more: String = "") -> String {
      "toprack_\(name){server=\"\(server)\",project=\"default\",facility=\"ewr1\",nic=\"\(nic)\"\(more)}"
    }

    @Test("what crosses and what is dropped shows in the series that it belongs to, and in no other")
    func counters() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let c = try lab.individual("c", 200)
      let hello = Frame(to: .broadcast, from: b.eth0.mac, "here I am")
      try b.eth0.send(hello)
      try a.eth0.expect(hello)
      let before = try scrape(lab)
      let frame = Frame(to: b.eth0.mac, from: a.eth0.mac, "counted", size: 500)
      for _ in 0..<5 {
        try a.eth0.send(frame)
        try b.eth0.expect(frame)
      }
      let wrong = Frame(to: b.eth0.mac, from: a.eth0.mac, tags: [.c(300)], "dropped")
      try lab.expectDrops("vlan-not-allowed", count: 3, at: a.eth0) { for _ in 0..<3 { try a.eth0.send(wrong) } }
      let after = try scrape(lab)
      let changed = after.filter { name, value in
        name.hasPrefix("toprack_nic_") && value != before[name, default: 0]
      }.mapValues { $0 }
      var delta: [String: Double] = [:]
      for (name, value) in changed { delta[name] = value - before[name, default: 0] }
      #expect(
        delta == [
          series("nic_receive_packets_total", "a"): 8,
          series("nic_receive_bytes_total", "a"): Double(5 * 500 + 3 * wrong.bytes.count),
          series("nic_transmit_packets_total", "b"): 5, series("nic_transmit_bytes_total", "b"): 2500,
          series("nic_dropped_packets_total", "a", "eth0", ",reason=\"vlan-not-allowed\""): 3,
        ])
      #expect(after[series("nic_link_up", "c")] == 1)
      try c.eth0.takeDown()
      #expect(try lab.poll { try scrape(lab)[series("nic_link_up", "c")] == 0 })
      #expect(
        after[#"toprack_servers{project="default",facility="ewr1",mode="layer2-individual",state="active"}"#] == 3)
      #expect(after["toprack_stations"] == 2)
      #expect(after["toprack_store_commit_duration_seconds_count"] ?? 0 >= 8)
      #expect((after["toprack_process_resident_memory_bytes"] ?? 0) > 1e6)
      #expect(after[#"toprack_events_total{type="device.create"}"#] == 3)
      // What is gone has no series.
      try lab.toprack("server", "delete", "c")
      #expect(try scrape(lab).keys.allSatisfy { !$0.contains(#"server="c""#) })
    }

    @Test("bonds show what LACP makes of their NICs")
    func bonds() throws {
      let lab = try Lab()
      _ = try lab.machine("web1", .layer2Bonded)
      func state(_ state: String) throws -> Double? {
        try scrape(lab)[series("lacp_member_state", "web1", "eth0", ",state=\"\(state)\"")]
      }
      #expect(try state("partner") == 0)
      #expect(try lab.poll { try state("fallback") == 1 }, "the first NIC carries alone")
      #expect(try lab.poll { (try scrape(lab)[series("lacp_sent_pdus_total", "web1")] ?? 0) > 0 })
    }

    @Test(
      "promtool finds nothing to say to the metrics, the rules and their tests", .enabled(if: Prometheus.folder != nil))
    func promtool() throws {
      let lab = try Lab(withHost: true)
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      _ = try lab.machine("b", .layer3)
      try a.eth0.send(Frame(to: .broadcast, from: a.eth0.mac, "nobody is there"))
      let answer = try HTTPAnswer("GET", "/metrics", socket: lab.daemon.socket)
      #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      let file = "\(lab.daemon.directory)/metrics"
      try answer.body.write(to: URL(fileURLWithPath: file))
      let metrics = try Prometheus.promtool("check", "metrics", input: file)
      #expect(metrics.status == 0 && metrics.text + metrics.errors == "", "\(metrics.text)\(metrics.errors)")
      let folder = Prometheus.monitoring
      for arguments in [["check", "rules", "\(folder)/alerts.yml"], ["test", "rules", "\(folder)/alerts.test.yml"]] {
        let finished = try run(["\(Prometheus.folder ?? "")/promtool"] + arguments)
        #expect(finished.status == 0, "\(finished.text)\(finished.errors)")
      }
      // What rules and dashboard ask for is there; some comes only when it is needed.
      let rare: Set = ["toprack_server_problems", "toprack_problems"]
      let there = String(decoding: answer.body, as: UTF8.self)
      for name in ["alerts.yml", "dashboard.json"] {
        let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
        if name == "dashboard.json" { #expect(try JSON(Data(text.utf8))["panels"].array?.count ?? 0 > 10) }
        let names = Set(text.matches(of: /toprack_[a-z_]+/).map { String($0.output) }).subtracting(rare)
        #expect(names.count > 5)
        for metric in names { #expect(there.contains("\n\(metric)"), "\(metric) of \(name)") }
      }
    }

    @Test(
      "a Prometheus with the configuration of the documentation reads the rack", .enabled(if: Prometheus.folder != nil))
    func prometheus() throws {
      let lab = try Lab(withHost: true, options: ["--listen", "127.0.0.1:8443", "--tls-self-signed"])
      let host = try #require(lab.host)
      _ = try lab.machine("web1", .layer3)
      let directory = lab.daemon.directory
      let token = try lab.toprack("token", "create", "prometheus", "--read-only", "--quiet")
      try token.write(toFile: "\(directory)/toprack.token", atomically: true, encoding: .utf8)
      let text = try String(contentsOfFile: "\(Prometheus.monitoring)/prometheus.yml", encoding: .utf8)
        .replacing("/etc/prometheus/toprack.token", with: "\(directory)/toprack.token")
        .replacing("/etc/prometheus/toprack.pem", with: "\(lab.daemon.state)/tls-cert.pem")
        .replacing("- alerts.yml", with: "- \(Prometheus.monitoring)/alerts.yml")
        .replacing("scrape_interval: 15s", with: "scrape_interval: 1s")
      try text.write(toFile: "\(directory)/prometheus.yml", atomically: true, encoding: .utf8)
      let inside = ["ip", "netns", "exec", host.name]
      let server = try ChildProcess(
        inside + [
          "\(Prometheus.folder ?? "")/prometheus", "--config.file=\(directory)/prometheus.yml",
          "--storage.tsdb.path=\(directory)/tsdb", "--web.listen-address=127.0.0.1:9090",
        ])
      func query(_ expression: String) throws -> JSON {
        let finished = try run(
          inside + [
            "curl", "-s", "-G", "--data-urlencode", "query=\(expression)", "http://127.0.0.1:9090/api/v1/query",
          ])
        return (try? JSON(finished.output))?["data"]["result"] ?? .null
      }
      let isUp = try lab.poll(for: .seconds(60)) {
        try query(#"up{job="toprack"} == 1"#).array?.isEmpty == false
      }
      #expect(isUp, "\(String(decoding: server.standardError, as: UTF8.self).suffix(2_000))")
      let found = try query(#"toprack_nic_link_up{server="web1",nic="eth0"}"#)
      #expect(found.array?.first?["metric"]["project"].string == "default")
      // It asks for OpenMetrics, and by its own count has lost nothing of it.
      let scraped = try query("scrape_samples_scraped - scrape_samples_post_metric_relabeling").array?.first?["value"]
      #expect(scraped?.array?.last?.string == "0")
      server.signal(SIGTERM)
      #expect(server.wait(until: .after(.seconds(30))) == 0)
    }

    @Test("health needs no token over the network, metrics do, unless they are open")
    func strangers() throws {
      for isOpen in [false, true] {
        let lab = try Lab(
          settings: isOpen ? "metrics: open\n" : "metrics: token\n", withHost: true,
          options: ["--listen", "127.0.0.1:8443"])
        let host = try #require(lab.host)
        func ask(_ path: String, _ more: String...) throws -> String {
          try run(
            ["ip", "netns", "exec", host.name, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"] + more
              + ["http://127.0.0.1:8443\(path)"]
          ).text
        }
        #expect(try ask("/healthz") == "200")
        #expect(try ask("/readyz") == "200")
        #expect(try ask("/metrics") == (isOpen ? "200" : "401"))
        #expect(try ask("/toprack/traffic") == "401")
        #expect(try ask("/metrics", "-H", "Authorization: Bearer \(lab.daemon.firstToken())") == "200")
      }
    }
  }
}
