import Testing

/// A path that takes 9000 bytes at its ends and 1500 in the middle: two servers whose operating systems take 9000, of which one has
/// a routed interface of 1500. Neither end knows beforehand, so that TCP's segment size does not hide what the gateway has to say.
extension Integration {
  @Suite("Layer 3: path MTU") struct PathMTUTests {
    let lab: Lab
    let wide: RoutedServer
    let narrow: RoutedServer

    init() throws {
      lab = try Lab()
      let machine = try lab.machine("wide")
      try lab.toprack("set", "mtu", "wide", "9000")
      wide = try lab.configured(machine, on: "eth0")
      narrow = try lab.routed("narrow")
      try narrow.namespace.run("ip", "link", "set", "eth0", "mtu", "9000")
    }

    @Test("TCP finds the path's MTU and is not swallowed, with super-frames and without: RFC 1191 4, RFC 8201 4")
    func tcp() throws {
      for stage in ["super-frames", "segments"] {
        for address in narrow.all {
          let report = try TCPTransfer.send(5_000_000, from: wide.namespace, to: address, in: narrow.namespace)
          #expect(report.right == 5_000_000, "to \(address), \(stage)")
          let route = try wide.namespace.run("ip", "route", "get", address).text
          #expect(route.contains("mtu 1500"), "told by the gateway: \(route)")
          // The next transfer has to find out again.
          try wide.namespace.run("sh", "-c", "ip route flush cache; ip -6 route flush cache")
        }
        try wide.namespace.stopOffloads("eth0")
      }
    }

    @Test("what is sent with DF is refused with the next link's MTU: RFC 1191 4; in IPv6 always: RFC 4443 3.2")
    func tooBig() throws {
      for address in [narrow.publicIPv4, narrow.privateIPv4] {
        let ping = try wide.namespace.ping(address, count: 1, ["-M", "do", "-s", "8000"])
        #expect(ping.received == 0, "\(ping.text)")
        #expect(ping.text.contains("Frag needed and DF set (mtu = 1500)"), "\(ping.text)")
      }
      let ping = try wide.namespace.ping(narrow.publicIPv6, count: 1, ["-M", "do", "-s", "8000"])
      #expect(ping.received == 0 && ping.text.contains("Packet too big: mtu=1500"), "\(ping.text)")
      // Both sides of the boundary: 1472 and 1452 bytes of data make 1500 with their headers.
      for (address, size) in [(narrow.publicIPv4, 1472), (narrow.publicIPv6, 1452)] {
        try wide.namespace.run("sh", "-c", "ip route flush cache; ip -6 route flush cache")
        #expect(try wide.pings(address, count: 1, "-M", "do", "-s", "\(size)"))
        #expect(try !wide.pings(address, count: 1, "-M", "do", "-s", "\(size + 1)"))
      }
      #expect(try lab.drops(wide.machine.eth0)["packet-too-big"] ?? 0 >= 5)
    }

    @Test(
      "what is sent without DF arrives in fragments that fit, and is made whole again: RFC 791 3.2, RFC 1812 4.2.2.7")
    func fragments() throws {
      try narrow.namespace.run("ip", "link", "set", "eth0", "mtu", "1500")
      let capture = try Capture(on: "eth0", in: narrow.namespace)
      for size in [1473, 4_000, 8_900] {
        for address in [narrow.publicIPv4, narrow.privateIPv4] {
          // The answer is as long, and cut by the other side's kernel.
          #expect(try wide.pings(address, count: 2, "-M", "dont", "-s", "\(size)"), "\(size) bytes to \(address)")
        }
      }
      var fragments = 0
      while let frame = try capture.next(until: .after(.zero)).flatMap({ Frame($0) }) {
        guard let packet = SeenPacket(frame) else { continue }
        #expect(packet.bytes.count <= 1_500)
        #expect(packet.checksumsAreRight)
        if packet.isFragment { fragments += 1 }
        if packet.isFragment, packet.bytes[6] & 0x20 != 0 { #expect(packet.payload.count % 8 == 0) }
      }
      #expect(fragments >= 2 * 2 * (2 + 3 + 7))
    }

    @Test("for a server that takes less than 576 bytes nothing is cut, and it is counted: RFC 791 3.1")
    func floor() throws {
      let address = narrow.publicIPv4
      try narrow.namespace.run("ip", "link", "set", "eth0", "mtu", "576")
      // The answer comes in pieces, too.
      try lab.poll { try wide.pings(address, count: 1, "-M", "dont", "-s", "1000") }
      try narrow.namespace.run("ip", "link", "set", "eth0", "mtu", "500")
      try lab.poll { try !wide.pings(address, count: 1, "-M", "dont", "-s", "1000") }
      #expect(try lab.drops(wide.machine.eth0)["packet-too-big"] ?? 0 >= 1)
      #expect(try wide.pings(address, count: 1, "-M", "dont", "-s", "472"))
      #expect(try !narrow.pings(narrow.addresses.publicIPv4.gateway, count: 1, "-s", "1000"))
      #expect(try lab.drops(narrow.machine.eth0)["packet-too-big"] ?? 0 >= 1)
      #expect(try narrow.pings(narrow.addresses.publicIPv4.gateway, count: 1, "-s", "400"))
    }

    @Test("the gateway takes a ping in fragments, and its answer comes in fragments")
    func pingTheGateway() throws {
      let addresses = wide.addresses
      for address in [addresses.publicIPv4.gateway, addresses.privateIPv4.gateway, addresses.publicIPv6.gateway] {
        for size in [8_000, 20_000] {
          #expect(try wide.pings(address, count: 2, "-M", "dont", "-s", "\(size)"), "\(size) bytes to \(address)")
        }
      }
      try narrow.namespace.run("ip", "link", "set", "eth0", "mtu", "1500")
      #expect(try narrow.pings(narrow.addresses.publicIPv4.gateway, count: 2, "-s", "5000"))
      #expect(try narrow.pings(narrow.addresses.publicIPv6.gateway, count: 2, "-s", "5000"))
    }

    @Test("1500 at the uplink between 9000 at both ends: TCP and DF pings to what is beyond the host")
    func uplink() throws {
      let lab = try Lab(withHost: true)
      let machine = try lab.machine("a")
      try lab.toprack("set", "mtu", "a", "9000")
      let a = try lab.configured(machine, on: "eth0")
      let internet = try Internet(of: lab)
      try lab.host?.run("ip", "link", "set", "inet0", "mtu", "9000")
      try internet.namespace.run("ip", "link", "set", "eth0", "mtu", "9000")
      for (address, back) in [(Internet.ipv4, a.publicIPv4), (Internet.ipv6, a.publicIPv6)] {
        let out = try TCPTransfer.send(5_000_000, from: a.namespace, to: address, in: internet.namespace)
        #expect(out.right == 5_000_000)
        let into = try TCPTransfer.send(5_000_000, from: internet.namespace, to: back, in: a.namespace)
        #expect(into.right == 5_000_000)
      }
    }
  }
}
