import Net
import Switching
import Testing
import Wire

@testable import Gateway

@Suite("ICMP errors, RFC 1812 4.3.2 and RFC 4443 2.4") struct GatewayErrorTests {
  static let far4 = v4(8, 8, 8, 8)
  static let far6 = v6(0xFFFF_0000_0000)

  /// What came of a UDP packet of the first server that could not be forwarded.
  static func refuse(
    _ kind: SlowPacket.Kind, from source: IPAddress, size: Int = 32, bench: inout Bench
  ) -> (outputs: [Gateway.Output], packet: [UInt8]) {
    let packet = Bench.udp(from: source, to: source.isV4 ? far4 : far6, size: size, ttl: 1, dontFragment: true)
    return (bench.receive(kind, Bench.frame(packet, Bench.type(source))), packet)
  }

  @Test(
    "each reason has its type and code, and the packet is counted for it once",
    arguments: [
      (.timeExceeded, .ttlExceeded, 11, 0, 3, 0), (.noRoute, .noRoute, 3, 0, 1, 0),
      (.tooBig, .packetTooBig, 3, 4, 2, 0),
    ] as [(SlowPacket.Kind, DropReason, Int, Int, Int, Int)])
  func types(kind: SlowPacket.Kind, reason: DropReason, type4: Int, code4: Int, type6: Int, code6: Int) throws {
    var bench = Bench()
    for (source, type, code) in [(Bench.publicHost, type4, code4), (Bench.host6, type6, code6)] {
      let (outputs, packet) = Self.refuse(kind, from: source, bench: &bench)
      let error = try #require(outputs.frames.first)
      #expect(outputs.frames.count == 1)
      #expect(outputs.drops == [reason])
      #expect(error.faults(mtu: 1_500).isEmpty)
      #expect(error.port == Bench.server)
      #expect(error.destination == Bench.serverMAC)
      #expect(error.to == source)
      #expect(error.ttl == 64)
      #expect(error.icmpType == type)
      #expect(error.icmpCode == code)
      #expect(error.icmpData == packet)
    }
  }

  @Test("the TOS of an IPv4 error is internetwork control, RFC 1812 4.3.2.5, and it may be fragmented")
  func typeOfService() throws {
    var bench = Bench()
    let error = try #require(Self.refuse(.timeExceeded, from: Bench.publicHost, bench: &bench).outputs.frames.first)
    #expect(error.typeOfService == 0xC0)
    #expect(!error.dontFragment)
  }

  @Test("too big says the MTU of the next link, RFC 1191 4, RFC 4443 3.2")
  func tooBig() {
    var bench = Bench()
    for (source, rest) in [(Bench.publicHost, 1_400), (Bench.host6, 1_400)] {
      #expect(Self.refuse(.tooBig, from: source, size: 1_420, bench: &bench).outputs.frames.first?.icmpRest == rest)
    }
    let packet = Bench.udp(from: Bench.publicHost, to: Self.far4, size: 1_400, dontFragment: true)
    let nowhere = bench.receive(.tooBig, Bench.frame(packet), for: Neighbour(port: PortIndex(99), slot: 0))
    #expect(nowhere == [.drop(Bench.nic, .packetTooBig)])
  }

  @Test(
    "an error comes from the address of the sender's kind: private to private, public to public and elastic",
    arguments: [
      (Bench.publicHost, Bench.publicGateway), (Bench.privateHost, Bench.privateGateway),
      (Bench.elastic, Bench.publicGateway), (Bench.host6, Bench.gateway6),
    ])
  func source(sender: IPAddress, gateway: IPAddress) {
    var bench = Bench()
    let frames = Self.refuse(.timeExceeded, from: sender, bench: &bench).outputs.frames
    #expect(frames.map(\.from) == [gateway])
    #expect(frames.map(\.to) == [sender])
  }

  @Test("on the uplink it comes from the uplink's own address of the family")
  func uplinkSource() {
    for (far, slot, gateway) in [(Self.far4, 0, v4(192, 0, 2, 0)), (Self.far6, 1, v6(0x30))] {
      var bench = Bench()
      let packet = Bench.udp(from: far, to: far.isV4 ? v4(147, 75, 0, 99) : v6(0x99))
      bench.receive(.noRoute, Bench.frame(packet, Bench.type(far)), from: Bench.uplink)
      let answered: [Gateway.Output]
      if far.isV4 {
        answered = bench.answerARP(from: Bench.uplink, slot: slot, mac: Bench.uplinkMAC)
      } else {
        answered = bench.receive(
          .local,
          Bench.nd(
            .neighbourAdvertisement(target: v6(0x31), flags: [.solicited], link: Bench.uplinkMAC), from: v6(0x31),
            to: v6(0x30)), from: Bench.uplink)
      }
      #expect(answered.frames.map(\.from) == [gateway])
      #expect(answered.frames.map(\.destination) == [Bench.uplinkMAC])
    }
  }

  @Test("an IPv4 error quotes what fits 576 bytes, RFC 1812 4.3.2.3; an IPv6 error what fits 1280, RFC 4443 2.4 (c)")
  func quotes() throws {
    for (source, limit) in [(Bench.publicHost, 576), (Bench.host6, 1_280)] {
      let headers = source.isV4 ? 28 : 48
      for size in [0, limit - headers - headers, limit - headers - headers + 1, 1_400] {
        var bench = Bench()
        let (outputs, packet) = Self.refuse(.timeExceeded, from: source, size: size, bench: &bench)
        let error = try #require(outputs.frames.first)
        #expect(error.packet.count == min(limit, headers + packet.count))
        #expect(error.icmpData[...] == packet.prefix(limit - headers))
      }
    }
  }

  @Test("padding of the link is not quoted, and a packet that came cut off is")
  func lengths() throws {
    var bench = Bench()
    let packet = Bench.udp(from: Bench.publicHost, to: Self.far4, size: 1)
    let padded = Bench.frame(packet + [UInt8](repeating: 0xEE, count: 17))
    #expect(bench.receive(.timeExceeded, padded).frames.first?.icmpData == packet)
    let large = Bench.udp(from: Bench.publicHost, to: Self.far4, size: 30_000)
    let cut = Bench.frame(Array(large.prefix(1_500)))
    #expect(bench.receive(.timeExceeded, cut).frames.first?.packet.count == 576)
    let large6 = Bench.udp(from: Bench.host6, to: Self.far6, size: 30_000)
    #expect(
      bench.receive(.tooBig, Bench.frame(Array(large6.prefix(1_500)), 0x86DD)).frames.first?.packet.count == 1_280)
  }

  @Test("on a small link an error quotes less, and is not cut")
  func smallLink() {
    var bench = Bench()
    var interface = Bench.serverInterface
    interface.mtu = 296
    bench.gateway.set(interface, as: Bench.server, at: bench.now)
    _ = bench.outputs()
    let frames = Self.refuse(.timeExceeded, from: Bench.publicHost, size: 1_000, bench: &bench).outputs.frames
    #expect(frames.map(\.packet.count) == [296])
    #expect(frames.allSatisfy { $0.faults(mtu: 296).isEmpty })
  }

  @Test("a sender whose MAC address is known is answered there, another server where its frame came from")
  func nextHop() {
    var bench = Bench()
    let moved = MACAddress(0x0200_0000_0055)
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway, mac: moved))
    #expect(Self.refuse(.noRoute, from: Bench.publicHost, bench: &bench).outputs.frames.map(\.destination) == [moved])
    #expect(
      Self.refuse(.noRoute, from: Bench.privateHost, bench: &bench).outputs.frames.map(\.destination)
        == [Bench.serverMAC])
  }

  // MARK: Never

  static let kinds: [(SlowPacket.Kind, DropReason)] = [
    (.timeExceeded, .ttlExceeded), (.noRoute, .noRoute), (.tooBig, .packetTooBig),
  ]

  /// Nothing is sent, and the packet counted.
  static func expectSilence(
    _ packet: [UInt8], to mac: MACAddress = Bench.serverInterface.mac, butFor exception: SlowPacket.Kind? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var bench = Bench()
    for (kind, reason) in kinds where kind != exception {
      let outputs = bench.receive(kind, Bench.frame(packet, packet[0] >> 4 == 4 ? 0x0800 : 0x86DD, to: mac))
      #expect(outputs == [.drop(Bench.nic, reason)], sourceLocation: sourceLocation)
    }
  }

  @Test("never about an ICMP error, RFC 1812 4.3.2.7", arguments: [3, 4, 5, 11, 12, 99] as [UInt8])
  func aboutError4(type: UInt8) {
    let message = ICMPMessage.bytes(type: type, code: 0, data: [UInt8](repeating: 0, count: 28))
    Self.expectSilence(Bench.packet(1, message, from: Bench.publicHost, to: Self.far4))
  }

  @Test(
    "never about an ICMPv6 error or a redirect, also behind extension headers, RFC 4443 2.4 (e.1, e.2)",
    arguments: [1, 2, 3, 4, 127, 137] as [UInt8])
  func aboutError6(type: UInt8) {
    let message = ICMPMessage.bytes(
      type: type, code: 0, data: [UInt8](repeating: 0, count: 48), from: Bench.host6, to: Self.far6)
    Self.expectSilence(Bench.packet(58, message, from: Bench.host6, to: Self.far6))
    Self.expectSilence(Bench.packet(60, [58, 0, 1, 4, 0, 0, 0, 0] + message, from: Bench.host6, to: Self.far6))
    Self.expectSilence(Bench.packet(44, [58, 0, 0, 1, 0, 0, 0, 9] + message, from: Bench.host6, to: Self.far6))
  }

  @Test("but about an echo request it is")
  func aboutEcho() {
    var bench = Bench()
    for (source, far) in [(Bench.publicHost, Self.far4), (Bench.host6, Self.far6)] {
      let outputs = bench.receive(.timeExceeded, Bench.frame(Bench.echo(from: source, to: far), Bench.type(source)))
      #expect(outputs.frames.count == 1)
    }
  }

  @Test("never about an ICMP packet whose type is not there")
  func aboutTruncated() {
    Self.expectSilence(Bench.packet(1, [], from: Bench.publicHost, to: Self.far4))
    Self.expectSilence(Bench.packet(58, [], from: Bench.host6, to: Self.far6))
    Self.expectSilence(Bench.packet(60, [58, 9, 1, 4, 0, 0, 0, 0], from: Bench.host6, to: Self.far6))
  }

  @Test("never about a fragment that is not the first, RFC 1812 4.3.2.7; about the first it is")
  func aboutFragment() throws {
    var bench = Bench()
    let header = IPv4Header(protocolNumber: 17, source: Bench.publicHost, destination: Self.far4)
    let pieces = header.packets([UInt8](repeating: 0, count: 2_000), mtu: 1_500)
    #expect(bench.receive(.timeExceeded, Bench.frame(pieces[0])).frames.count == 1)
    Self.expectSilence(pieces[1])
    let header6 = IPv6Header(nextHeader: 17, source: Bench.host6, destination: Self.far6)
    let pieces6 = header6.packets([UInt8](repeating: 0, count: 2_000), mtu: 1_500, identification: 1)
    #expect(bench.receive(.timeExceeded, Bench.frame(pieces6[0], 0x86DD)).frames.count == 1)
    Self.expectSilence(pieces6[1])
  }

  @Test(
    "never about a packet to an IP group or to all, RFC 1812 4.3.2.7",
    arguments: [v4(224, 0, 0, 5), v4(239, 1, 1, 1), IPAddress.broadcast])
  func aboutGroup4(destination: IPAddress) {
    Self.expectSilence(Bench.udp(from: Bench.publicHost, to: destination))
  }

  @Test("never about a packet to an IPv6 group, RFC 4443 2.4 (e.3), packet too big excepted")
  func aboutGroup6() {
    let packet = Bench.udp(from: Bench.host6, to: IPAddress(high: 0xFF0E << 48, low: 1))
    Self.expectSilence(packet, butFor: .tooBig)
    var bench = Bench()
    let frame = Bench.frame(packet, 0x86DD, to: MACAddress(0x3333_0000_0001))
    #expect(bench.receive(.tooBig, frame).frames.map(\.icmpType) == [2])
  }

  @Test("never about a packet in a frame to many, RFC 1812 4.3.2.7, RFC 4443 2.4 (e.4, e.5)")
  func aboutLinkGroup() {
    Self.expectSilence(Bench.udp(from: Bench.publicHost, to: Self.far4), to: .broadcast)
    Self.expectSilence(
      Bench.udp(from: Bench.host6, to: Self.far6), to: MACAddress(0x3333_0000_0001), butFor: .tooBig)
  }

  @Test(
    "never to a source that names no single host, RFC 1812 4.3.2.7, RFC 4443 2.4 (e.6)",
    arguments: [
      v4(0, 0, 0, 0), v4(0, 1, 2, 3), v4(127, 0, 0, 1), v4(224, 0, 0, 1), v4(240, 1, 2, 3), .broadcast,
      .unspecified6, IPAddress(v6: 1), .allNodes, Bench.publicGateway, v6(0x30), v4(9, 9, 9, 9),
    ])
  func toForbidden(source: IPAddress) {
    Self.expectSilence(Bench.udp(from: source, to: source.isV4 ? Self.far4 : Self.far6))
    guard !source.namesOneHost || source == Bench.publicGateway || source == v6(0x30) else { return }
    var bench = Bench()
    let frame = Bench.frame(Bench.udp(from: source, to: source.isV4 ? Self.far4 : Self.far6), Bench.type(source))
    #expect(bench.receive(.noRoute, frame, from: Bench.uplink) == [.drop(Bench.nic, .noRoute)])
  }

  @Test("never about what is no IP packet, or no whole header")
  func aboutRubbish() {
    Self.expectSilence([0x45, 0, 0])
    Self.expectSilence([0x60])
    var bench = Bench()
    #expect(bench.receive(.noRoute, Bench.frame([1, 2, 3], 0x1234)) == [.drop(Bench.nic, .noRoute)])
    #expect(
      bench.receive(.noRoute, Bench.frame(Bench.udp(from: Bench.publicHost, to: Self.far4)), from: PortIndex(99))
        == [.drop(Bench.nic, .noRoute)])
  }

  // MARK: Limits

  @Test(
    "one interface sends 20 errors at once and 50 in a second, RFC 1812 4.3.2.8, RFC 4443 2.4 (f); the rest is counted")
  func interfaceLimit() {
    var bench = Bench()
    func refuse(_ count: Int) -> [Gateway.Output] {
      (0..<count).flatMap { _ in Self.refuse(.timeExceeded, from: Bench.publicHost, bench: &bench).outputs }
    }
    let first = refuse(100)
    #expect(first.frames.count == 20)
    #expect(first.drops.count { $0 == .ttlExceeded } == 20)
    #expect(first.drops.count { $0 == .gatewayBusy } == 80)
    var sent = 0
    for _ in 0..<1_000 {
      bench.now += 1
      sent += refuse(1).frames.count
    }
    #expect(sent == 50)
    // Resets and port unreachables are of the same budget, echoes are not.
    #expect(
      bench.receive(.local, Bench.frame(Bench.syn(from: Bench.publicHost, to: Bench.publicGateway))).drops == [
        .gatewayBusy
      ])
    #expect(
      bench.receive(.local, Bench.frame(Bench.udp(from: Bench.publicHost, to: Bench.publicGateway))).drops == [
        .gatewayBusy
      ])
    #expect(
      bench.receive(.local, Bench.frame(Bench.echo(from: Bench.publicHost, to: Bench.publicGateway))).drops.isEmpty)
    let other = Bench.frame(Bench.udp(from: v4(147, 75, 0, 3), to: Self.far4))
    #expect(bench.receive(.timeExceeded, other, from: Bench.other).frames.count == 1)
  }

  @Test("three traceroutes of 30 hops at once lose nothing that a second does not bring back")
  func traceroutes() {
    var bench = Bench()
    let outputs = (0..<9).flatMap { _ in Self.refuse(.timeExceeded, from: Bench.publicHost, bench: &bench).outputs }
    #expect(outputs.frames.count == 9)
  }

  @Test("all interfaces together send 200 errors at once; who comes later still has the five that each is promised")
  func globalLimit() {
    var bench = Bench()
    var sent: [Int] = []
    for port in 100..<130 {
      let host = v4(10, 1, port, 1)
      let interface = RoutedInterface(
        kind: .server, mac: MACAddress(0x0200_0000_1000 + UInt64(port)), mtu: 1_500,
        links: [.init(gateway: v4(10, 1, port, 0), host: host, isPublic: false)])
      bench.gateway.set(interface, as: PortIndex(port), at: bench.now)
      let frame = Bench.frame(Bench.udp(from: host, to: Self.far4))
      sent.append(
        (0..<10).reduce(0) { sum, _ in sum + bench.receive(.noRoute, frame, from: PortIndex(port)).frames.count })
    }
    #expect(sent == Array(repeating: 10, count: 20) + Array(repeating: 5, count: 10))
  }

  @Test("a packet that waited is refused to its sender by its own budget")
  func waitingLimit() {
    var bench = Bench()
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    for _ in 0..<20 { _ = Self.refuse(.timeExceeded, from: Bench.publicHost, bench: &bench) }
    bench.receive(.resolve, Bench.onItsWay(Bench.udp(from: Bench.publicHost, to: v4(147, 75, 0, 3))))
    for _ in 0..<2_999 {
      bench.advance(1)
      _ = Self.refuse(.timeExceeded, from: Bench.publicHost, bench: &bench)
    }
    _ = Self.refuse(.timeExceeded, from: Bench.publicHost, bench: &bench)
    let outputs = bench.advance(1)
    #expect(outputs.drops.count == 1)
    #expect(outputs.drops.allSatisfy { $0 == .neighbourUnreachable || $0 == .gatewayBusy })
  }
}
