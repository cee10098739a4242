import Glibc
import Testing

/// Changes of the network mode, seen from inside the server and from its neighbours.
extension Integration {
  @Suite("Layer 3: conversions") struct ConversionTests {
    @Test(
      "all twelve conversions: addresses stay, go for good or come new, and the wire is so when the command returns")
    func all() throws {
      let lab = try Lab(withHost: true)
      let b = try lab.routed("b")
      var a = try lab.routed("a")
      let mac = try a.gatewayMAC()
      var isRouted = true
      var everHad = a.addresses.all
      // A walk over all twelve.
      let walk: [Mode] = [
        .hybrid, .layer3, .layer2Bonded, .layer3, .layer2Individual, .layer3, .hybrid, .layer2Bonded, .hybrid,
        .layer2Individual, .hybrid, .layer2Bonded, .layer2Individual, .layer2Bonded, .layer3,
      ]
      for (step, mode) in walk.enumerated() {
        let comment = "step \(step), to \(mode)"
        let becomesRouted = mode == .layer3 || mode == .hybrid
        while try a.machine.eth0.next(until: .after(.zero), where: { _ in true }) != nil {}
        try lab.toprack("server", "mode", "a", mode.rawValue)
        let now = try lab.addresses("a")
        switch (isRouted, becomesRouted) {
        case (true, true):
          #expect(now == a.addresses.all, "\(comment)")
          try a.expectPings(b.all + Layer3RoutingTests.uplink, comment)
          try b.expectPings(a.all, comment)
        case (true, false):
          #expect(now.isEmpty, "\(comment)")
          try expectSilence(of: a, in: lab, comment)
          for address in a.all {
            let ping = try b.namespace.ping(address, count: 1, [])
            #expect(ping.received == 0 && ping.text.contains("+1 errors"), "\(comment): \(ping.text)")
          }
        case (false, false):
          #expect(now.isEmpty, "\(comment)")
          try expectSilence(of: a, in: lab, comment)
        case (false, true):
          #expect(now.count == 3 && now.isDisjoint(with: everHad), "\(comment): none that it had before")
          everHad.formUnion(now)
          a = try a.configured()
          #expect(a.addresses.all == now)
          try a.expectPings(b.all + Layer3RoutingTests.uplink, comment)
          try b.expectPings(a.all, comment)
          #expect(try a.gatewayMAC() == mac)
        }
        isRouted = becomesRouted
      }
    }

    /// Nobody answers at the gateway's addresses now, and a router advertisement has said that it goes (RFC 4861
    /// 6.2.5), once.
    private func expectSilence(of a: RoutedServer, in lab: Lab, _ comment: String) throws {
      let nic = a.machine.eth0
      var advertisements: [Int] = []
      func look(_ isWrong: (Frame) -> Bool) throws {
        while let frame = try nic.next(until: .after(.zero), where: { _ in true }) {
          if let packet = SeenPacket(frame) {
            if packet.icmpType == 134 {
              advertisements.append(Int(packet.payload[6]) << 8 | Int(packet.payload[7]))
            }
          } else {
            #expect(!isWrong(frame), "\(comment): an answer to ARP")
          }
        }
      }
      // What came before the conversion: the gateway may have asked then.
      try look { _ in false }
      try lab.expectDrops("no-vlan", count: 2, at: nic, comment) {
        try nic.send(Packet.arp(from: nic.mac, a.publicIPv4, asking: a.addresses.publicIPv4.gateway))
        try nic.send(Packet.arp(from: nic.mac, a.privateIPv4, asking: a.addresses.privateIPv4.gateway))
      }
      try look { $0.etherType == 0x0806 }
      #expect(advertisements.isEmpty || advertisements.last == 0, "\(comment): router lifetimes \(advertisements)")
      let arping = try a.namespace.attempt([
        "arping", "-c", "1", "-w", "1", "-I", "eth0", a.addresses.publicIPv4.gateway,
      ])
      #expect(arping.status != 0 && arping.text.contains("Received 0 response"), "\(comment): \(arping.text)")
    }

    @Test("the last router advertisement of a server that leaves layer 3 has lifetime 0: RFC 4861 6.2.5")
    func finalAdvertisement() throws {
      for mode in [Mode.layer2Bonded, .layer2Individual] {
        let lab = try Lab()
        let a = try lab.routed("a")
        func lifetime(_ frame: Frame) -> Int? {
          guard let packet = SeenPacket(frame), packet.icmpType == 134 else { return nil }
          return Int(packet.payload[6]) << 8 | Int(packet.payload[7])
        }
        let first = try a.machine.eth0.next(until: .after(.seconds(20))) { lifetime($0) != nil }
        #expect(first.flatMap(lifetime) == 1800)
        try lab.toprack("server", "mode", "a", mode.rawValue)
        let last = try a.machine.eth0.next(until: .after(.seconds(5))) { lifetime($0) == 0 }
        #expect(last.map { $0.destination } == MAC(0x3333_0000_0001))
        #expect(last.flatMap { SeenPacket($0) }?.hopLimit == 255)
      }
    }

    @Test("a ping that goes on loses nothing between layer3 and hybrid, there and back")
    func ongoing() throws {
      let lab = try Lab()
      let a = try lab.routed("a")
      let b = try lab.routed("b")
      try b.expectPings([a.publicIPv4, a.publicIPv6])
      for address in [a.publicIPv4, a.publicIPv6] {
        let ping = try ChildProcess(
          ["ip", "netns", "exec", b.namespace.name, "ping", "-n", "-i", "0.005", "-W", "1", address])
        for mode in [Mode.hybrid, .layer3, .hybrid, .layer3] {
          try lab.toprack("server", "mode", "a", mode.rawValue)
          try b.expectPings([address], "\(mode)")
        }
        ping.signal(SIGINT)
        let status = try #require(ping.wait(until: .after(.seconds(10))))
        let report = PingReport(
          Finished(command: [], status: status, output: ping.standardOutput, errors: ""))
        print("\(report.lost) of \(report.sent) pings lost during four conversions")
        #expect(report.sent > 50)
        // The last one may have had no time for its answer.
        #expect(report.lost <= 1, "\(report.text.suffix(300))")
      }
    }

    @Test("a server that is deleted frees its routes: others get unreachable, at once")
    func delete() throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let b = try lab.routed("b")
      try b.expectPings(a.all)
      try lab.toprack("server", "delete", "a")
      for address in a.all {
        let ping = try b.namespace.ping(address, count: 1, [])
        #expect(ping.received == 0 && ping.text.contains("+1 errors"), "\(ping.text)")
      }
      let ping = try lab.hostNamespace().ping(a.publicIPv4, count: 1, [])
      #expect(ping.received == 0 && ping.text.contains("+1 errors"), "\(ping.text)")
      try b.expectPings(Layer3RoutingTests.uplink)
    }
  }
}
