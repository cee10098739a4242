import Testing

/// The uplink and servers' addresses over a start of the daemon, and starts that are refused.
extension Integration {
  @Suite("Layer 3: restart and start") struct RoutedRestartTests {
    @Test("after a kill the next start adopts the uplink, and servers go on with the gateway that they know")
    func killed() throws {
      let lab = try Lab(withHost: true)
      let host = try lab.hostNamespace()
      let a = try lab.routed("a")
      let b = try lab.routed("b", .hybrid, facility: "sjc1")
      try a.expectPings(b.all + Layer3RoutingTests.uplink)
      let mac = try a.gatewayMAC()
      func uplink() throws -> [String] {
        let name = host.name
        return try [
          Interface.list(in: host).map { "\($0)" }.joined(),
          run(["ip", "-n", name, "-brief", "address", "show", "toprack0"]).text,
          run(["ip", "-n", name, "route"]).text, run(["ip", "-n", name, "-6", "route"]).text,
        ]
      }
      let before = try uplink()
      #expect(before[2].contains("198.18.0.0/") && before[2].contains("10.64.0.0/") && before[3].contains("2001:db8::"))
      for _ in 1...2 {
        lab.daemon.kill()
        #expect(try uplink()[0] == before[0], "it outlives the daemon")
        try lab.daemon.start()
        #expect(try uplink() == before, "adopted, with its routes")
        // No announcement, no new address, no ARP: what the servers' kernels know is right.
        try a.expectPings(b.all + Layer3RoutingTests.uplink)
        try b.expectPings(a.all + Layer3RoutingTests.uplink)
        #expect(try a.gatewayMAC() == mac)
        #expect(try host.ping(a.publicIPv4, count: 2, []).lost == 0)
        #expect(try a.configured().addresses == a.addresses)
      }
      let report = try TCPTransfer.send(1_000_000, from: a.namespace, to: b.publicIPv6, in: b.namespace)
      #expect(report.right == 1_000_000)
    }

    @Test("a connection outlives a kill of the daemon")
    func connection() throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let b = try lab.routed("b")
      let stream = try ChildProcess(
        ["ip", "netns", "exec", b.namespace.name, "ping", "-n", "-i", "0.01", "-W", "1", a.publicIPv4])
      try b.expectPings([a.publicIPv4])
      lab.daemon.kill()
      try lab.daemon.start()
      try b.expectPings([a.publicIPv4])
      stream.signal(2)
      let status = stream.wait(until: .after(.seconds(10)))
      let report = PingReport(
        Finished(command: [], status: status ?? -1, output: stream.standardOutput, errors: ""))
      print("\(report.lost) of \(report.sent) pings, 10 ms apart, lost over a kill and a start")
      #expect(report.received > 5)
    }

    @Test("an uplink that is another rack's is refused, with the rack and the way out")
    func rival() throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      let refused = try lab.daemon.rival(
        state: "\(lab.daemon.directory)/other-state", socket: "\(lab.daemon.directory)/other.sock", uplink: "toprack0")
      #expect(refused.status == 1)
      #expect(refused.errors.contains("interface toprack0 is the uplink of rack \(rack)"), "\(refused.errors)")
      #expect(refused.errors.contains("--uplink NAME, or none"), "\(refused.errors)")
      // Another name does not help while the pools are the same: the first rack's routes are there.
      let clash = try lab.daemon.rival(
        state: "\(lab.daemon.directory)/other-state", socket: "\(lab.daemon.directory)/other.sock", uplink: "toprack1")
      #expect(clash.status == 1)
      #expect(clash.errors.contains("overlaps") && clash.errors.contains("toprack0"), "\(clash.errors)")
      #expect(try Interface.list(in: lab.hostNamespace()).map(\.name) == ["toprack0"], "nothing was made")
      try a.expectPings(Layer3RoutingTests.uplink)
    }

    @Test("a route of the host that overlaps a pool is refused with the names of both; without it the start works")
    func clash() throws {
      let lab = try Lab(withHost: true)
      let host = try lab.hostNamespace()
      let a = try lab.routed("a")
      #expect(try lab.daemon.stop() == 0)
      try host.run("sh", "-ec", "ip link add lab0 type veth peer name lab1; ip link set lab0 up; ip link set lab1 up")
      for (route, pool) in [
        ("198.18.4.0/24", "public-ipv4 of ewr1, 198.18.0.0/19"), ("10.65.0.0/16", "private-ipv4 of sjc1, 10.65.0.0/16"),
        ("2001:db8:1000::/48", "public-ipv6 of sjc1, 2001:db8:1000::/36"),
      ] {
        try host.run("ip", "route", "add", route, "dev", "lab0")
        do {
          try lab.daemon.start()
          Issue.record("it started beside \(route)")
        } catch {
          #expect("\(error)".contains("pool \(pool)") && "\(error)".contains("the host's route \(route)"), "\(error)")
        }
        try host.run("ip", "route", "del", route, "dev", "lab0")
      }
      // What leaves open where a packet goes is no clash.
      try host.run("ip", "route", "add", "default", "dev", "lab0")
      try host.run("ip", "route", "add", "unreachable", "10.0.0.0/8")
      try lab.daemon.start()
      try a.expectPings(Layer3RoutingTests.uplink)
    }

    @Test("an interface of the uplink's name that is not Toprack's is left alone, and refuses the start")
    func foreign() throws {
      let lab = try Lab(withHost: true)
      let host = try lab.hostNamespace()
      #expect(try lab.daemon.stop() == 0)
      try host.run("sh", "-ec", "ip link del toprack0; ip link add toprack0 type veth peer name other")
      do {
        try lab.daemon.start()
        Issue.record("it started")
      } catch {
        #expect("\(error)".contains("toprack0 exists already and is not Toprack's"), "\(error)")
      }
      #expect(try Interface.list(in: host).map(\.name).sorted() == ["other", "toprack0"])
      try host.run("ip", "link", "del", "toprack0")
      try lab.daemon.start()
    }

    @Test("an uplink that somebody deleted is reported by status, and made again by the next start")
    func deletedUplink() throws {
      let lab = try Lab(withHost: true)
      let host = try lab.hostNamespace()
      let a = try lab.routed("a")
      let b = try lab.routed("b")
      try host.run("ip", "link", "del", "toprack0")
      #expect(try lab.toprack("status").contains("uplink toprack0 is gone"))
      try a.expectPings(b.all)
      lab.daemon.kill()
      try lab.daemon.start()
      try a.expectPings(Layer3RoutingTests.uplink)
    }
  }
}
