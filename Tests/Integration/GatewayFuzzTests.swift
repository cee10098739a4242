import Net
import Testing

/// A hostile server says what no operating system would, to the gateway and through it.
extension Integration {
  @Suite("Hostile packets to the gateway") struct GatewayFuzzTests {
    @Test(
      "bent ARP, ND, IP, ICMP and DHCP: no answer is wrong or forbidden, nothing leaves from another's address",
      arguments: [UInt64(21), 22])
    func bent(seed: UInt64) throws {
      let lab = try Lab(withHost: true)
      let hostile = try Tenant(in: lab, "hostile")
      let neighbour = try Tenant(in: lab, "neighbour")
      try hostile.configure()
      try neighbour.configure()
      try hostile.hasLinkLocalAddress()
      let own = try hostile.addresses()
      let other = try neighbour.addresses()
      try hostile.pings(own.public.gateway, other.public.host, other.ipv6.host)
      let base = try Base(hostile, neighbour)

      let socket = try PacketSocket(on: "eth0", in: hostile.namespace)
      let arriving = try Capture(on: "eth0", in: hostile.namespace, buffer: 128 << 20)
      let passing = try Capture(on: "eth0", in: neighbour.namespace, buffer: 128 << 20)
      let ownAddresses = [own.public.host, own.private.host].map(IPPacket.octets) + [IPPacket.octets6(own.ipv6.host)]
      let otherAddresses =
        [other.public.host, other.private.host].map(IPPacket.octets) + [IPPacket.octets6(other.ipv6.host)]
      var answers = 0
      func judge() throws {
        while let frame = try arriving.next(until: .after(.zero)) {
          let layout = IPPacket.Layout(frame)
          // What it sent to itself is as bent as it was sent.
          if let layout, ownAddresses.contains(Array(layout.source)) { continue }
          answers += 1
          let fault = IPPacket.fault(frame)
          #expect(fault == nil, "seed \(seed), arrived: \(Self.hexadecimal(frame))")
        }
        while let frame = try passing.next(until: .after(.zero)) {
          guard let layout = IPPacket.Layout(frame), otherAddresses.contains(Array(layout.destination)) else {
            continue
          }
          // From the hostile server's own addresses, or from the gateway's, which answers the neighbour.
          let source = Array(layout.source)
          let isGateway =
            [other.public.gateway, other.private.gateway].map(IPPacket.octets).contains(source)
            || source == IPPacket.octets6(other.ipv6.gateway) || source[0] == 0xFE
          #expect(
            isGateway || ownAddresses.contains(source), "seed \(seed), passed on: \(Self.hexadecimal(frame))")
        }
      }

      var random = SeededGenerator(seed: seed)
      let count = 12_000
      var sent = 0
      for round in 1...count {
        var frame = base.frames.randomElement(using: &random)!
        bend(&frame, base, &random)
        if Int.random(in: 0..<4, using: &random) > 0 { IPPacket.repair(&frame) }
        if socket.trySend(frame) == 0 { sent += 1 }
        guard round % 200 == 0 else { continue }
        try judge()
        // The TAP's queue is short: what the daemon has not taken by then would never reach it.
        let before = sent
        let taken = try lab.poll {
          try lab.toprack.json("port", "show", "hostile", "eth0")["rx_packets"].int ?? 0 >= before
        }
        guard taken else {
          Issue.record("seed \(seed): of \(sent) frames the daemon took fewer; it runs: \(lab.daemon.isRunning)")
          return
        }
      }
      #expect(sent > count * 9 / 10)
      #expect(lab.daemon.isRunning)
      // What it claimed of its own address lasts until the gateway asks again.
      try hostile.shell("ip neighbour flush dev eth0; ip -6 neighbour flush dev eth0")
      for address in [own.public.gateway, own.ipv6.gateway, other.public.host, other.private.host, other.ipv6.host] {
        let works = try lab.poll(for: .seconds(40)) {
          try hostile.attempt("ping -n -c 1 -W 1 \(address)").status == 0
        }
        #expect(works, "seed \(seed): ping \(address)")
      }
      try neighbour.pings(own.public.host, own.ipv6.host)
      try judge()
      #expect(answers > 100)
      print("seed \(seed): \(sent) bent frames, \(answers) answers, captures lost \(arriving.lost) and \(passing.lost)")
    }

    private static func hexadecimal(_ frame: [UInt8]) -> String {
      frame.prefix(120).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Frames that are right, and addresses to make them wrong.
    private struct Base {
      var frames: [[UInt8]] = []
      let stations: [[UInt8]]
      let addresses4: [[UInt8]]
      let addresses6: [[UInt8]]

      init(_ hostile: Tenant, _ neighbour: Tenant) throws {
        let own = try hostile.addresses()
        let other = try neighbour.addresses()
        let mac = try hostile.mac()
        let arping = try hostile.shell("arping -c 1 -w 5 -I eth0 \(own.public.gateway)")
        let gateway = try #require(
          arping.split(separator: "[").dropFirst().first.flatMap { MAC(String($0.prefix(17))) })
        let everyone = MAC.broadcast.bytes
        let nodes: [UInt8] = [0x33, 0x33, 0, 0, 0, 1]
        stations = [
          gateway.bytes, everyone, nodes, [0x33, 0x33, 0, 0, 0, 2], [0x33, 0x33, 0xFF, 0, 0, 0], [1, 0, 0x5E, 0, 0, 1],
          try neighbour.mac().bytes, mac.bytes,
        ]
        let me = IPPacket.octets(own.public.host)
        let router = IPPacket.octets(own.public.gateway)
        let me6 = IPPacket.octets6(own.ipv6.host)
        let router6 = IPPacket.octets6(own.ipv6.gateway)
        addresses4 =
          [
            me, router, IPPacket.octets(own.private.host), IPPacket.octets(own.private.gateway),
            IPPacket.octets(other.public.host), IPPacket.octets(other.private.host),
            IPPacket.octets(other.public.gateway),
          ]
          + [
            "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.2.3", "127.0.0.1", "169.254.169.254", "169.254.1.1",
            "240.0.0.1", "198.18.0.200", "198.19.255.1", "8.8.8.8", "198.18.31.255",
          ].map(IPPacket.octets)
        addresses6 =
          [me6, router6, IPPacket.octets6(other.ipv6.host), IPPacket.octets6(other.ipv6.gateway)]
          + ["::", "::1", "ff02::1", "ff02::2", "ff02::1:ff00:0", "fe80::1", "ff0e::5", "2001:db8::dead", "::ffff:1.2"]
          .map(IPPacket.octets6)

        func ip(_ packet: [UInt8], to: [UInt8]? = nil) {
          frames.append(IPPacket.frame(to: to ?? gateway.bytes, from: mac, 0x0800, packet))
        }
        func ip6(_ packet: [UInt8], to: [UInt8]? = nil) {
          frames.append(IPPacket.frame(to: to ?? gateway.bytes, from: mac, 0x86DD, packet))
        }
        let zero = [UInt8](repeating: 0, count: 6)
        for operation in [1, 2] as [UInt8] {
          let arp =
            [0, 1, 8, 0, 6, 4, 0, operation] + mac.bytes + me + (operation == 1 ? zero : gateway.bytes) + router
          frames.append(IPPacket.frame(to: operation == 1 ? everyone : gateway.bytes, from: mac, 0x0806, arp))
        }
        let data = (0..<56).map { UInt8($0) }
        let echo: [UInt8] = [8, 0, 0, 0, 1, 2, 0, 1] + data
        let datagram = IPPacket.word(4000) + IPPacket.word(9) + IPPacket.word(64) + [0, 0] + data
        let segment =
          IPPacket.word(4000) + IPPacket.word(80) + [0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xFF, 0xFF, 0, 0, 0, 0]
        let quoted = IPPacket.ipv4(17, IPPacket.octets(other.public.host), me, datagram)
        for destination in [router, IPPacket.octets(other.public.host), IPPacket.octets("198.18.0.200")] {
          ip(IPPacket.ipv4(1, me, destination, echo))
          ip(IPPacket.ipv4(17, me, destination, datagram))
          ip(IPPacket.ipv4(17, me, destination, ttl: 1, datagram))
          ip(IPPacket.ipv4(6, me, destination, segment))
          ip(IPPacket.ipv4(1, me, destination, options: [7, 7, 4, 0, 0, 0, 0, 0], echo))
          ip(IPPacket.ipv4(1, me, destination, options: [0x83, 7, 4, 8, 8, 8, 8, 0], echo))
          ip(IPPacket.ipv4(1, me, destination, fragment: 0x2000, echo))
          ip(IPPacket.ipv4(1, me, destination, fragment: 0x0008, data))
          ip(IPPacket.ipv4(1, me, destination, [3, 4, 0, 0, 0, 0, 2, 0] + quoted))
          ip(IPPacket.ipv4(1, me, destination, [5, 1, 0, 0] + router + quoted))
          ip(IPPacket.ipv4(17, me, destination, fragment: 0x4000, datagram + [UInt8](repeating: 7, count: 1_400)))
          ip(IPPacket.ipv4(99, me, destination, data))
        }
        for kind in [1, 3, 4, 7, 8] as [UInt8] {
          let bootp = [1, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0x80, 0] + [UInt8](repeating: 0, count: 16) + mac.bytes
          let options: [UInt8] =
            [99, 130, 83, 99, 53, 1, kind, 55, 5, 1, 3, 6, 121, 26, 57, 2, 2, 64, 50, 4] + me + [255, 0, 0, 0]
          let message = bootp + [UInt8](repeating: 0, count: 202) + options
          let udp = IPPacket.word(68) + IPPacket.word(67) + IPPacket.word(UInt16(8 + message.count)) + [0, 0] + message
          ip(IPPacket.ipv4(17, [0, 0, 0, 0], [255, 255, 255, 255], udp), to: everyone)
          ip(IPPacket.ipv4(17, me, router, udp))
        }

        let echo6: [UInt8] = [128, 0, 0, 0, 1, 2, 0, 1] + data
        let option: [UInt8] = [1, 1] + mac.bytes
        let quoted6 = IPPacket.ipv6(17, IPPacket.octets6(other.ipv6.host), me6, datagram)
        for destination in [router6, IPPacket.octets6(other.ipv6.host), IPPacket.octets6("2001:db8::200")] {
          ip6(IPPacket.ipv6(58, me6, destination, echo6))
          ip6(IPPacket.ipv6(58, me6, destination, hopLimit: 1, echo6))
          ip6(IPPacket.ipv6(17, me6, destination, datagram))
          ip6(IPPacket.ipv6(6, me6, destination, segment))
          ip6(IPPacket.ipv6(0, me6, destination, [58, 0, 1, 4, 0, 0, 0, 0] + echo6))
          ip6(IPPacket.ipv6(43, me6, destination, [58, 0, 0, 1, 0, 0, 0, 0] + echo6))
          ip6(IPPacket.ipv6(44, me6, destination, [58, 0, 0, 1, 0, 0, 0, 9] + echo6))
          ip6(IPPacket.ipv6(60, me6, destination, [58, 0, 0x80, 4, 0, 0, 0, 0] + echo6))
          ip6(IPPacket.ipv6(58, me6, destination, [2, 0, 0, 0, 0, 0, 5, 0] + quoted6))
          ip6(IPPacket.ipv6(99, me6, destination, data))
          ip6(IPPacket.ipv6(58, me6, destination, hopLimit: 255, [135, 0, 0, 0, 0, 0, 0, 0] + router6 + option))
          ip6(
            IPPacket.ipv6(
              58, me6, destination, hopLimit: 255, [136, 0, 0, 0, 0x60, 0, 0, 0] + me6 + [2] + option.dropFirst()))
        }
        let routers = IPPacket.octets6("ff02::2")
        ip6(IPPacket.ipv6(58, me6, routers, hopLimit: 255, [133, 0, 0, 0, 0, 0, 0, 0] + option), to: stations[3])
        ip6(
          IPPacket.ipv6(58, me6, IPPacket.octets6("ff02::1"), hopLimit: 255, [134, 0, 0, 0, 64, 0, 7, 8] + data),
          to: nodes)
      }
    }

    /// Up to four changes: addresses, bytes, the length.
    private func bend(_ frame: inout [UInt8], _ base: Base, _ random: inout SeededGenerator) {
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let isV6 = frame.count >= 54 && frame[12] == 0x86
        switch Int.random(in: 0..<8, using: &random) {
        case 0: frame.replaceSubrange(0..<6, with: base.stations.randomElement(using: &random)!)
        case 1 where isV6: frame.replaceSubrange(22..<38, with: base.addresses6.randomElement(using: &random)!)
        case 2 where isV6: frame.replaceSubrange(38..<54, with: base.addresses6.randomElement(using: &random)!)
        case 1 where frame.count >= 42:
          frame.replaceSubrange(
            frame[13] == 6 ? 28..<32 : 26..<30, with: base.addresses4.randomElement(using: &random)!)
        case 2 where frame.count >= 42:
          frame.replaceSubrange(
            frame[13] == 6 ? 38..<42 : 30..<34, with: base.addresses4.randomElement(using: &random)!)
        case 3: frame.removeLast(Int.random(in: 0...max(0, frame.count - 14), using: &random))
        case 4: frame += random.bytes(Int.random(in: 1...40, using: &random))
        case 5 where frame.count > 20:
          // A length, a number, a flag: where small and large values count.
          frame[Int.random(in: 14..<min(frame.count, 80), using: &random)] =
            [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF].randomElement(using: &random)!
        default:
          guard frame.count > 14 else { continue }
          frame[Int.random(in: 12..<frame.count, using: &random)] ^= UInt8.random(in: 1 ... .max, using: &random)
        }
      }
    }
  }
}
