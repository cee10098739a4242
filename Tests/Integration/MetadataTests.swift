import Testing

/// What servers are told at 169.254.169.254, asked by curl from inside them.
extension Integration {
  @Suite("Layer 3: metadata service") struct MetadataTests {
    private static func curl(_ namespace: NetworkNamespace, _ path: String, _ options: String...) throws -> Finished {
      try namespace.attempt(["curl", "-s", "-m", "5", "--noproxy", "*"] + options + ["http://169.254.169.254\(path)"])
    }

    private static func expect(
      _ server: RoutedServer, knowsItself comment: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let device = try server.lab.toprack.json("server", "show", server.name)
      let document = try JSON(curl(server.namespace, "/metadata").output)
      #expect(document["id"] == device["id"], "\(comment)", sourceLocation: sourceLocation)
      #expect(document["hostname"].string == server.name, "\(comment)", sourceLocation: sourceLocation)
      let addresses = (document["network"]["addresses"].array ?? []).compactMap { $0["address"].string }
      #expect(Set(addresses) == server.addresses.all, "\(comment)", sourceLocation: sourceLocation)
      let interfaces = document["network"]["interfaces"].array ?? []
      let nics = [server.machine.eth0, server.machine.eth1]
      #expect(interfaces.map { $0["mac"].string } == nics.map { "\($0.mac)" }, sourceLocation: sourceLocation)

      let values = [
        "instance-id": device["id"].string, "hostname": server.name, "plan": device["plan"]["slug"].string,
        "facility": device["facility"]["code"].string, "public-ipv4": server.publicIPv4,
        "public-ipv6": server.publicIPv6, "local-ipv4": server.privateIPv4,
      ]
      for (key, value) in values {
        let answer = try curl(server.namespace, "/2009-04-04/meta-data/\(key)").text
        #expect(answer == value, "\(key) \(comment)", sourceLocation: sourceLocation)
      }
      let keys = try curl(server.namespace, "/2009-04-04/meta-data/").text.split(separator: "\n").map(String.init)
      #expect(Set(values.keys).isSubset(of: keys), "\(keys)", sourceLocation: sourceLocation)
    }

    @Test("layer3 and hybrid servers are told of themselves, whichever of their addresses they ask from")
    func whoAsks() throws {
      let lab = try Lab()
      let a = try lab.routed("a")
      let b = try lab.routed("b", .hybrid, facility: "sjc1")
      for server in [a, b] {
        try Self.expect(server, knowsItself: "by default")
        for address in [server.publicIPv4, server.privateIPv4] {
          let answer = try Self.curl(server.namespace, "/2009-04-04/meta-data/hostname", "--interface", address)
          #expect(answer.text == server.name, "from \(address)")
        }
        let userdata = try Self.curl(server.namespace, "/userdata", "-w", "%{http_code}")
        #expect(userdata.text == "200")
        #expect(try Self.curl(server.namespace, "/nothing", "-w", " %{http_code}").text.hasSuffix(" 404"))
      }
      let bond = try JSON(Self.curl(b.namespace, "/metadata").output)["network"]["interfaces"].array ?? []
      #expect(bond.map { $0["bond"].string } == ["bond0", nil])
      // An elastic address is the server's, too.
      try lab.toprack("ip", "reserve", "--size", "32")
      try lab.toprack("ip", "assign", "a", "198.18.24.0/32")
      try a.namespace.run("ip", "address", "add", "198.18.24.0/32", "dev", "eth0")
      let elastic = try Self.curl(a.namespace, "/2009-04-04/meta-data/hostname", "--interface", "198.18.24.0")
      #expect(elastic.text == "a")
    }

    @Test("a server whose route to 169.254.169.254 is its own link is answered by ARP there, and by the service")
    func onTheLink() throws {
      let lab = try Lab()
      let a = try lab.routed("a")
      try a.namespace.run("ip", "route", "add", "169.254.0.0/16", "dev", "eth0", "src", a.publicIPv4)
      #expect(try Self.curl(a.namespace, "/2009-04-04/meta-data/hostname").text == "a")
      let neighbours = try a.namespace.run("ip", "neigh", "show", "169.254.169.254").text
      #expect(neighbours.contains("lladdr \(try a.gatewayMAC())"), "\(neighbours)")
      let other = try a.namespace.attempt(["arping", "-c", "1", "-w", "1", "-I", "eth0", "169.254.169.253"])
      #expect(other.text.contains("Received 0 response"), "nobody else is: \(other.text)")
    }

    @Test("a forged source is told nothing, and neither is whom it names; link-local sources are no exception")
    func forged() throws {
      let lab = try Lab()
      let a = try lab.routed("a")
      let b = try lab.routed("b")
      let gateway = try a.gatewayMAC()
      try b.expectPings(a.all)
      try a.namespace.silence()
      let capture = try Capture(on: "eth0", in: b.namespace)
      let syn: [UInt8] = [0x80, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 255, 255, 0, 0, 0, 0]
      for (source, reason) in [
        (b.publicIPv4, "spoofed-source"), ("169.254.1.1", "link-local"), ("169.254.169.254", "link-local"),
        ("8.8.8.8", "spoofed-source"),
      ] {
        try lab.expectDrops(reason, at: a.machine.eth0, source) {
          try a.machine.eth0.send(
            Packet.ip(6, from: a.machine.eth0.mac, source, to: gateway, "169.254.169.254", checksumAt: 16, syn))
        }
      }
      #expect(try Self.curl(b.namespace, "/2009-04-04/meta-data/hostname").text == "b", "after all of them")
      var answers = 0
      while let frame = try capture.next(until: .after(.zero)).flatMap({ Frame($0) }) {
        guard let packet = SeenPacket(frame), packet.number == 6 else { continue }
        if packet.payload[2...3].elementsEqual([0x80, 0]) { answers += 1 }
      }
      #expect(answers == 0, "no answer to the connection that a began in b's name")
    }

    @Test(
      "not in a layer-2 mode; back from it the server is told of its new addresses; and after a kill of the daemon again"
    )
    func conversions() throws {
      let lab = try Lab()
      var a = try lab.routed("a")
      let b = try lab.routed("b")
      try Self.expect(a, knowsItself: "at first")
      for mode in [Mode.layer2Bonded, .layer2Individual] {
        try lab.toprack("server", "mode", "a", mode.rawValue)
        #expect(try Self.curl(a.namespace, "/metadata", "-m", "1").status != 0, "\(mode)")
        try lab.toprack("server", "mode", "a", "layer3")
        a = try a.configured()
        try Self.expect(a, knowsItself: "back from \(mode)")
      }
      try lab.toprack("server", "mode", "a", "hybrid")
      try Self.expect(a, knowsItself: "hybrid")
      lab.daemon.kill()
      try lab.daemon.start()
      try Self.expect(a, knowsItself: "after a kill")
      try Self.expect(b, knowsItself: "after a kill")
    }

    @Test("forty requests at once are all answered, each with its own")
    func many() throws {
      let lab = try Lab()
      let servers = [try lab.routed("a"), try lab.routed("b")]
      let requests = try (0..<40).map { number in
        let server = servers[number % 2]
        return try (
          server.name,
          ChildProcess([
            "ip", "netns", "exec", server.namespace.name, "curl", "-s", "-m", "20", "--noproxy", "*",
            "http://169.254.169.254/latest/meta-data/hostname",
          ])
        )
      }
      for (name, request) in requests {
        #expect(request.wait(until: .after(.seconds(30))) == 0)
        #expect(String(decoding: request.standardOutput, as: UTF8.self) == name)
      }
    }
  }
}
