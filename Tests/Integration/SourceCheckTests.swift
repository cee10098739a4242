import Testing

/// What a server must not send: a forged packet is dropped, counted under its reason, and nobody ever sees it.
extension Integration {
  @Suite("Layer 3: source check, RFC 2827, RFC 3704") struct SourceCheckTests {
    let lab: Lab
    let a: RoutedServer
    let b: RoutedServer
    let c: RoutedServer
    let gateway: MAC

    init() throws {
      lab = try Lab(withHost: true)
      a = try lab.routed("a")
      b = try lab.routed("b")
      c = try lab.routed("c", facility: "sjc1")
      gateway = try a.gatewayMAC()
      // The neighbours are known, so that packets go by the workers and overtake nothing.
      try a.expectPings(b.all + c.all)
      // Its kernel's own multicast would be counted.
      try a.namespace.silence()
    }

    /// Sends `frame` from a's eth0, which must be counted there as `reason`, and not come to b or the host.
    private func expectDropped(
      _ frame: Frame, _ reason: String, _ comment: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      try lab.expectDrops(reason, at: a.machine.eth0, comment, sourceLocation: sourceLocation) {
        try a.machine.eth0.send(frame)
      }
    }

    /// A packet of a's own that arrives at b; none with "forged" in it came there before.
    private func expectNothingForged(at server: RoutedServer, sourceLocation: SourceLocation = #_sourceLocation) throws
    {
      for (source, target) in [(a.publicIPv4, server.publicIPv4), (a.publicIPv6, server.publicIPv6)] {
        let text = "sentinel \(source) \(target)"
        try a.machine.eth0.send(Packet.udp(from: a.machine.eth0.mac, source, to: gateway, target, text))
        var forged: [Frame] = []
        let arrived = try server.machine.eth0.next(until: .after(.seconds(5))) { frame in
          if frame.contains("forged") { forged.append(frame) }
          return frame.contains(text)
        }
        #expect(arrived != nil, "\(text)", sourceLocation: sourceLocation)
        #expect(forged.isEmpty, sourceLocation: sourceLocation)
      }
    }

    @Test("a wrong source is never delivered, to a server nor to the host: each kind is counted for what it is")
    func sources() throws {
      let mac = a.machine.eth0.mac
      let watch = try Capture(on: "toprack0", in: lab.hostNamespace())
      let addresses = a.addresses
      let sources4: [(String, String)] = [
        (b.publicIPv4, "spoofed-source"), (c.privateIPv4, "spoofed-source"), ("198.18.9.9", "spoofed-source"),
        (addresses.publicIPv4.gateway, "spoofed-source"), (b.addresses.publicIPv4.gateway, "spoofed-source"),
        ("198.19.255.1", "spoofed-source"), ("8.8.8.8", "spoofed-source"),
        ("169.254.1.1", "link-local"), ("169.254.169.254", "link-local"),
        ("240.0.0.1", "class-e"), ("255.255.255.255", "class-e"), ("224.0.0.5", "multicast"),
        ("127.0.0.1", "martian"), ("0.0.0.0", "martian"), ("0.1.2.3", "martian"),
      ]
      let sources6: [(String, String)] = [
        (b.publicIPv6, "spoofed-source"), ("2001:db8::dead", "spoofed-source"), ("fd00::1", "spoofed-source"),
        (addresses.publicIPv6.gateway, "spoofed-source"), ("2001:db8:ffff:ffff::1", "spoofed-source"),
        ("fe80::1", "link-local"), ("ff02::1", "multicast"), ("::1", "martian"), ("::", "martian"),
        ("::ffff:198.18.0.1", "martian"),
      ]
      for (sources, targets) in [
        (sources4, [b.publicIPv4, Layer3RoutingTests.uplink[0]]),
        (sources6, [b.publicIPv6, Layer3RoutingTests.uplink[1]]),
      ] {
        for (source, reason) in sources {
          for target in targets where source != target {
            try expectDropped(
              Packet.udp(from: mac, source, to: gateway, target, "forged"), reason, "\(source) to \(target)")
          }
        }
      }
      // A whole conversation's answer, an error and a ping are no exceptions.
      try expectDropped(
        Packet.icmp(8, from: mac, b.publicIPv4, to: gateway, c.publicIPv4, Array("\0\0\0\0forged".utf8)),
        "spoofed-source", "an echo request")
      try expectDropped(
        Packet.icmp(0, from: mac, b.publicIPv4, to: gateway, c.publicIPv4, Array("\0\0\0\0forged".utf8)),
        "spoofed-source", "an echo reply")
      try expectNothingForged(at: b)
      try expectNothingForged(at: c)
      try a.expectPings([Layer3RoutingTests.uplink[0]])
      while let frame = try watch.next(until: .after(.zero)).flatMap({ Frame($0) }) {
        #expect(!frame.contains("forged"), "the host got \(frame)")
      }
    }

    @Test("source and destination the same, and destinations that no router forwards to: RFC 1812 5.3.7, RFC 4291 2.5")
    func destinations() throws {
      let mac = a.machine.eth0.mac
      let cases: [(String, String, String)] = [
        (b.publicIPv4, b.publicIPv4, "martian"), (a.publicIPv4, a.publicIPv4, "martian"),
        (b.publicIPv6, b.publicIPv6, "martian"),
        (a.publicIPv4, "127.0.0.1", "martian"), (a.publicIPv4, "0.0.0.0", "martian"),
        (a.publicIPv4, "240.0.0.1", "class-e"), (a.publicIPv4, "224.0.0.5", "multicast"),
        (a.publicIPv4, "255.255.255.255", "multicast"), (a.publicIPv4, "169.254.1.1", "link-local"),
        (a.publicIPv6, "::1", "martian"), (a.publicIPv6, "ff0e::1", "multicast"),
        (a.publicIPv6, "fe80::1234", "link-local"),
      ]
      for (source, target, reason) in cases {
        try expectDropped(
          Packet.udp(from: mac, source, to: gateway, target, "forged"), reason, "\(source) to \(target)")
      }
      // To everybody on the link, or to a MAC address that is not the gateway's.
      try expectDropped(
        Packet.udp(from: mac, a.publicIPv4, to: .broadcast, b.publicIPv4, "forged"), "not-for-gateway", "in a broadcast"
      )
      try expectDropped(
        Packet.udp(from: mac, a.publicIPv4, to: b.machine.eth0.mac, b.publicIPv4, "forged"), "not-for-gateway",
        "to b's MAC address")
      try expectNothingForged(at: b)
      try expectNothingForged(at: c)
    }

    @Test("nobody is told about any of them: no ICMP error goes to a forged source's owner or to the forger")
    func silence() throws {
      let mac = a.machine.eth0.mac
      for server in [a, b, c] {
        while try server.machine.eth0.next(until: .after(.zero), where: { _ in true }) != nil {}
      }
      for (source, target, reason) in [
        (b.publicIPv4, "198.18.9.9", "spoofed-source"), (c.publicIPv6, "2001:db8::9:9", "spoofed-source"),
        (a.publicIPv4, "240.0.0.1", "class-e"), (a.publicIPv4, "127.0.0.1", "martian"),
        (a.publicIPv6, "fe80::1234", "link-local"),
      ] {
        try expectDropped(
          Packet.udp(from: mac, source, to: gateway, target, hopLimit: 1, "forged"), reason, "\(source) to \(target)")
      }
      for server in [b, c] {
        try expectNothingForged(at: server)
      }
      try a.expectPings([a.addresses.publicIPv4.gateway])
      while let frame = try a.machine.eth0.next(until: .after(.zero), where: { _ in true }) {
        let isError = SeenPacket(frame)?.isICMPError ?? false
        #expect(!isError || !frame.contains("forged"), "\(frame)")
      }
    }

    @Test(
      "an ARP answer or announcement for others' addresses changes nothing, and requests for others are not answered")
    func arp() throws {
      let nic = a.machine.eth0
      func neighbours() throws -> [String: String] {
        let entries = try lab.toprack.json("neighbour", "list").array ?? []
        return Dictionary(
          entries.map { ($0["address"].string ?? "?", $0["mac"].string ?? "?") }, uniquingKeysWith: { "\($0) \($1)" })
      }
      let before = try neighbours()
      #expect(before[b.publicIPv4] == "\(b.machine.eth0.mac)")
      let thief = MAC.station(66)
      let frames = [
        Packet.arp(2, from: thief, b.publicIPv4, to: gateway, a.addresses.publicIPv4.gateway, targetMAC: gateway),
        Packet.arp(2, from: thief, b.publicIPv4, to: .broadcast, b.publicIPv4, targetMAC: thief),
        Packet.arp(1, from: thief, b.publicIPv4, to: .broadcast, b.publicIPv4, targetMAC: MAC(0)),
        Packet.arp(1, from: thief, b.publicIPv4, to: .broadcast, b.addresses.publicIPv4.gateway, targetMAC: MAC(0)),
        Packet.arp(from: nic.mac, a.publicIPv4, asking: b.publicIPv4),
        Packet.arp(from: nic.mac, a.publicIPv4, asking: b.addresses.publicIPv4.gateway),
        Packet.arp(from: nic.mac, a.publicIPv4, asking: "198.18.9.9"),
        Packet.arp(from: nic.mac, "0.0.0.0", asking: b.publicIPv4),
      ]
      while try nic.next(until: .after(.zero), where: { $0.etherType == 0x0806 }) != nil {}
      for (number, frame) in frames.enumerated() {
        try lab.expectDrops("not-answered", at: nic, "frame \(number)") { try nic.send(frame) }
      }
      // The gateway's own address for oneself: it says whose it is (RFC 5227 2.4).
      try nic.send(
        Packet.arp(
          1, from: thief, a.addresses.publicIPv4.gateway, to: .broadcast, a.addresses.publicIPv4.gateway,
          targetMAC: MAC(0)))
      let answer = try nic.next(until: .after(.seconds(5))) { $0.etherType == 0x0806 }
      #expect(answer?.source == gateway && answer?.destination == .broadcast, "the first ARP that came is the defence")
      #expect(answer?.payload[14..<18].elementsEqual(SeenPacket.octets(a.addresses.publicIPv4.gateway)) == true)
      let after = try neighbours()
      for server in [b, c] { for address in server.all { #expect(after[address] == before[address]) } }
      try c.expectPings(b.all)
      #expect(try neighbours()[b.publicIPv4] == "\(b.machine.eth0.mac)")
    }
  }
}

extension Frame {
  /// Whether `text` is somewhere in its payload.
  func contains(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    guard payload.count >= wanted.count else { return false }
    return (0...payload.count - wanted.count).contains { payload[$0..<$0 + wanted.count].elementsEqual(wanted) }
  }
}
