import Net
import Switching
import Testing
import Wire

@testable import Gateway

@Suite("Packets that wait for a neighbour, RFC 4861 7.2.2") struct GatewayNeighbourTests {
  static let other = Neighbour(port: Bench.other, slot: 0)
  static let other6 = Neighbour(port: Bench.other, slot: 2)

  static func packet(_ number: Int, to destination: IPAddress = v4(147, 75, 0, 3)) -> [UInt8] {
    let source = destination.isV4 ? Bench.publicHost : Bench.host6
    return Bench.onItsWay(Bench.udp(from: source, to: destination, port: UInt16(number)))
  }

  @Test("the first packet asks by broadcast from our address of that link, and goes when the answer comes")
  func resolve() throws {
    var bench = Bench()
    let asked = bench.receive(.resolve, Self.packet(1), for: Self.other)
    let request = try #require(asked.frames.first)
    #expect(asked.count == 1)
    #expect(request.port == Bench.other)
    #expect(request.destination == .broadcast)
    #expect(request.source == Bench.otherInterface.mac)
    #expect(
      ARPPacket(request.packet[...])
        == ARPPacket(
          .request, senderMAC: Bench.otherInterface.mac, sender: v4(147, 75, 0, 2), targetMAC: MACAddress(0),
          target: v4(147, 75, 0, 3)))
    let answered = bench.answerARP()
    #expect(answered.count == 2)
    #expect(answered.frames.first?.destination == Bench.otherMAC)
    #expect(answered.frames.first?.bytes.suffix(from: 18) == Self.packet(1).suffix(from: 18))
    #expect(answered.last == .neighbour(Self.other, Bench.otherMAC, isStale: false))
  }

  @Test("somebody who waits has every neighbour of an interface asked, once for those who are being asked already")
  func seek() {
    var bench = Bench()
    bench.gateway.seek(Bench.other, at: bench.now)
    let asked = bench.frames()
    #expect(asked.count == Bench.otherInterface.links.count && asked.allSatisfy { $0.port == Bench.other })
    bench.gateway.seek(Bench.other, at: bench.now)
    #expect(bench.frames().isEmpty)
    #expect(bench.answerARP().told == [.neighbour(Self.other, Bench.otherMAC, isStale: false)])
    bench.gateway.seek(Bench.other, at: bench.now)
    #expect(bench.frames().isEmpty, "it is there")
    bench.gateway.setLink(Bench.other, up: false, at: bench.now)
    _ = bench.outputs()
    bench.gateway.seek(Bench.other, at: bench.now)
    #expect(bench.frames().isEmpty, "nothing can be sent")
  }

  @Test("IPv6 asks the solicited-node group, 7.2.2")
  func resolve6() throws {
    var bench = Bench()
    let request = try #require(bench.receive(.resolve, Self.packet(1, to: v6(0x21)), for: Self.other6).frames.first)
    #expect(request.faults(mtu: 1_400).isEmpty)
    #expect(request.from == v6(0x20))
    #expect(request.to == v6(0x21).solicitedNode)
    #expect(request.destination.description == "33:33:ff:00:00:21")
    #expect(request.ttl == 255)
    let answer = Bench.nd(
      .neighbourAdvertisement(target: v6(0x21), flags: [.solicited, .override], link: Bench.otherMAC), from: v6(0x21),
      to: v6(0x20))
    let answered = bench.receive(.local, answer, from: Bench.other)
    #expect(answered.frames.map(\.destination) == [Bench.otherMAC])
    #expect(answered.told == [.neighbour(Self.other6, Bench.otherMAC, isStale: false)])
  }

  @Test("a super-frame keeps its virtio header")
  func offloads() {
    var bench = Bench()
    let virtio: [UInt8] = [1, 1, 54, 0, 0xB4, 5, 34, 0, 16, 0, 0, 0]
    let frame = Bench.onItsWay(
      Bench.packet(6, [UInt8](repeating: 0, count: 40_000), from: Bench.publicHost, to: v4(147, 75, 0, 3)),
      virtio: virtio)
    bench.receive(.resolve, frame, for: Self.other)
    #expect(bench.answerARP().frames.first?.bytes.prefix(12) == virtio[...])
  }

  @Test("three wait, in order; a fourth displaces the oldest, which is counted")
  func queue() {
    var bench = Bench()
    for number in 1...3 { #expect(bench.receive(.resolve, Self.packet(number), for: Self.other).drops.isEmpty) }
    #expect(
      bench.receive(.resolve, Self.packet(4), nic: NICIndex(11), for: Self.other) == [.drop(Bench.nic, .gatewayBusy)])
    let sent = bench.answerARP().frames.map { UInt16($0.payload[2]) << 8 | UInt16($0.payload[3]) }
    #expect(sent == [2, 3, 4])
    #expect(bench.gateway.waitingBytes == 0)
  }

  @Test("who does not answer is asked three times, one second apart; then the senders hear of it: host unreachable")
  func failure() throws {
    var bench = Bench()
    let start = bench.now
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    var requests: [UInt64] = [start]
    var outputs: [Gateway.Output] = []
    while bench.now < start + 2_999 {
      let step = bench.advance(1)
      requests += step.frames.filter(\.isARP).map { _ in bench.now }
      #expect(step.drops.isEmpty)
    }
    #expect(requests == [start, start + 1_000, start + 2_000])
    outputs = bench.advance(1)
    #expect(outputs.drops == [.neighbourUnreachable])
    let error = try #require(outputs.frames.first)
    #expect(outputs.frames.count == 1)
    #expect(error.faults(mtu: 1_500).isEmpty)
    #expect(error.port == Bench.server)
    #expect(error.destination == Bench.serverMAC)
    #expect(error.from == Bench.publicGateway)
    #expect(error.icmpType == 3)
    #expect(error.icmpCode == 1)
    #expect(error.icmpData[...] == Self.packet(1)[26...])
    #expect(bench.gateway.waitingBytes == 0)
  }

  @Test("IPv6: address unreachable, RFC 4443 3.1; the sender is asked where it is first")
  func failure6() {
    var bench = Bench()
    bench.receive(.resolve, Self.packet(1, to: v6(0x21)), for: Self.other6)
    let outputs = bench.advance(3_000)
    #expect(outputs.drops == [.neighbourUnreachable])
    #expect(outputs.frames.last.map { $0.port == Bench.server && $0.to == Bench.host6.solicitedNode } ?? false)
    let answer = Bench.nd(
      .neighbourAdvertisement(target: Bench.host6, flags: [.solicited, .override], link: Bench.serverMAC),
      from: Bench.host6, to: Bench.gateway6)
    let error = bench.receive(.local, answer).frames.first
    #expect(error?.icmpType == 1)
    #expect(error?.icmpCode == 3)
    #expect(error?.from == Bench.gateway6)
  }

  @Test("for a second after that packets are refused at once, and nobody is asked")
  func negative() {
    var bench = Bench()
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.advance(3_000)
    let refused = bench.receive(.resolve, Self.packet(2), for: Self.other)
    #expect(refused.drops == [.neighbourUnreachable])
    #expect(refused.frames.map(\.icmpType) == [3])
    bench.advance(999)
    #expect(bench.receive(.resolve, Self.packet(2), for: Self.other).drops == [.neighbourUnreachable])
    bench.advance(1)
    #expect(bench.receive(.resolve, Self.packet(3), for: Self.other).frames.map(\.isARP) == [true])
  }

  @Test("a flood to one that is off costs three requests in four seconds")
  func flood() {
    var bench = Bench()
    var requests = 0
    for _ in 0..<4_000 {
      requests += bench.receive(.resolve, Self.packet(1), for: Self.other).frames.count {
        $0.isARP && $0.port == Bench.other
      }
      requests += bench.advance(1).frames.count { $0.isARP && $0.port == Bench.other }
    }
    #expect((3...4).contains(requests))
  }

  @Test(
    "all that wait from one interface have a limit, which is a share of that of all; who does not fit is counted, but its neighbour is asked all the same"
  )
  func bytes() {
    var bench = Bench()
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    let large = Bench.onItsWay(
      Bench.packet(17, [UInt8](repeating: 0, count: 65_000), from: Bench.publicHost, to: v4(10, 1, 0, 1)))
    var busy = 0
    for port in 100..<160 {
      let interface = RoutedInterface(
        kind: .server, mac: MACAddress(0x0200_0000_1000 + UInt64(port)), mtu: 1_500,
        links: [.init(gateway: v4(10, 1, port, 0), host: v4(10, 1, port, 1), isPublic: false)])
      bench.gateway.set(interface, as: PortIndex(port), at: bench.now)
      bench.gateway.setLink(PortIndex(port), up: true, at: bench.now)
      for packet in 0..<3 {
        let outputs = bench.receive(.resolve, large, for: Neighbour(port: PortIndex(port), slot: 0))
        busy += outputs.drops.count { $0 == .gatewayBusy }
        #expect(outputs.frames.count == (packet == 0 ? 1 : 0))
      }
    }
    #expect(bench.gateway.waitingBytes <= Gateway.waitingBytesShare)
    #expect(180 - busy == Gateway.waitingBytesShare / large.count)
    bench.advance(3_000)
    #expect(bench.gateway.waitingBytes == 0)
    #expect(bench.gateway.waitingBytesFrom.isEmpty)
  }

  @Test("of packets that wait for one neighbour, who has most gives way, so that a flood displaces nobody else's")
  func displacement() {
    var bench = Bench()
    let mine = Bench.onItsWay(Bench.udp(from: Bench.publicHost, to: v4(147, 75, 0, 3)))
    let web = Neighbour(port: Bench.other, slot: 0)
    var dropped: [NICIndex] = []
    func send(_ ingress: PortIndex, _ nic: NICIndex) {
      bench.gateway.receive(
        SlowPacket(kind: .resolve, ingress: ingress, nic: nic, neighbour: web, bytes: mine), at: bench.now)
      while let output = bench.gateway.nextOutput() {
        if case .drop(let nic, .gatewayBusy) = output { dropped.append(nic) }
      }
    }
    send(Bench.server, NICIndex(1))
    for _ in 0..<10 { send(Bench.uplink, NICIndex(2)) }
    #expect(dropped == Array(repeating: NICIndex(2), count: 8), "the one that came first waits on")
  }

  @Test("REACHABLE to STALE after 15 to 45 s: the worker is to say when it is used, then it is asked itself")
  func refresh() {
    var bench = Bench()
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.answerARP()
    let confirmed = bench.now
    var outputs: [Gateway.Output] = []
    while outputs.told.isEmpty { outputs = bench.advance(1) }
    #expect(15_000...45_000 ~= bench.now - confirmed)
    #expect(outputs.told == [.neighbour(Self.other, Bench.otherMAC, isStale: true)])
    #expect(bench.advance(1_000_000).told.isEmpty)
    let used = bench.receive(.used, for: Self.other)
    #expect(used == [.neighbour(Self.other, Bench.otherMAC, isStale: false)])
    #expect(bench.receive(.used, for: Self.other).isEmpty)
    #expect(bench.state(of: Self.other)?.state == .delay)
    #expect(bench.advance(4_999).frames.filter(\.isARP).isEmpty)
    let probe = bench.advance(1).frames.filter(\.isARP)
    #expect(probe.map(\.destination) == [Bench.otherMAC])
    #expect(bench.answerARP().isEmpty)
    #expect(bench.state(of: Self.other)?.state == .reachable)
  }

  @Test("a neighbour that does not answer probes is withdrawn; the next packet asks everybody")
  func probeFailure() {
    var bench = Bench()
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.answerARP()
    bench.advance(45_000)
    bench.receive(.used, for: Self.other)
    let outputs = bench.advance(8_000)
    #expect(outputs.frames.filter(\.isARP).map(\.destination) == [Bench.otherMAC, Bench.otherMAC, Bench.otherMAC])
    #expect(outputs.told == [.neighbour(Self.other, nil, isStale: false)])
    #expect(bench.receive(.resolve, Self.packet(2), for: Self.other).frames.map(\.destination) == [.broadcast])
  }

  @Test("a packet for a neighbour that is known by now goes at once")
  func late() {
    var bench = Bench()
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.answerARP()
    let outputs = bench.receive(.resolve, Self.packet(2), for: Self.other)
    #expect(outputs.frames.map(\.destination) == [Bench.otherMAC])
  }

  @Test("a packet for a neighbour that does not exist, or whose link is down, is refused")
  func nobody() {
    var bench = Bench()
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    for neighbour in [Neighbour(port: PortIndex(99), slot: 0), Neighbour(port: Bench.metadata, slot: 3)] {
      let outputs = bench.receive(.resolve, Self.packet(1), for: neighbour)
      #expect(outputs.drops == [.neighbourUnreachable])
      #expect(outputs.frames.map(\.icmpType) == [3])
      #expect(bench.receive(.used, for: neighbour).isEmpty)
    }
    bench.gateway.setLink(Bench.other, up: false, at: bench.now)
    #expect(bench.receive(.resolve, Self.packet(1), for: Self.other).drops == [.neighbourUnreachable])
  }

  @Test("a packet without DF that is larger than the next link waits like another, and goes in fragments, RFC 791 3.2")
  func fragmentJob() {
    var bench = Bench()
    let packet = Bench.udp(from: Bench.publicHost, to: v4(147, 75, 0, 3), size: 1_472)
    bench.receive(.fragment, Bench.onItsWay(packet), for: Self.other)
    let outputs = bench.answerARP()
    #expect(outputs.frames.count == 2)
    #expect(outputs.frames.allSatisfy { $0.destination == Bench.otherMAC && $0.faults(mtu: 1_400).isEmpty })
    #expect(outputs.frames.flatMap(\.payload)[...] == packet[20...])
    #expect(outputs.drops.isEmpty)
    // What turns out not to be cuttable is counted.
    var forbidden = Bench.onItsWay(packet)
    forbidden[26 + 6] |= 0x40
    #expect(bench.receive(.fragment, forbidden, for: Self.other) == [.drop(Bench.nic, .malformedPacket)])
    // The receiver has asked for less meanwhile: RFC 791 3.1.
    var small = Bench.otherInterface
    small.mtu = 575
    bench.gateway.set(small, as: Bench.other, at: bench.now)
    _ = bench.outputs()
    #expect(bench.receive(.fragment, Bench.onItsWay(packet), for: Self.other) == [.drop(Bench.nic, .packetTooBig)])
  }

  // MARK: Configuration

  @Test("a link that goes down forgets its neighbours and refuses what waits; up again, all begins anew")
  func linkDown() {
    var bench = Bench()
    bench.receive(.local, GatewayNDTests.solicit(Bench.gateway6, from: Bench.host6))
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.answerARP()
    bench.receive(.resolve, Self.packet(1, to: v6(0x21)), for: Self.other6)
    bench.gateway.setLink(Bench.other, up: false, at: bench.now)
    let outputs = bench.outputs()
    #expect(outputs.told.first == .neighbour(Self.other, nil, isStale: false))
    #expect(outputs.drops == [.neighbourUnreachable])
    #expect(bench.gateway.neighbours(of: Bench.other, at: bench.now).isEmpty)
    #expect(bench.gateway.waitingBytes == 0)
    bench.gateway.setLink(Bench.other, up: true, at: bench.now)
    #expect(bench.receive(.resolve, Self.packet(1), for: Self.other).frames.map(\.destination) == [.broadcast])
  }

  @Test("an equal value changes nothing")
  func equal() {
    var bench = Bench()
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.answerARP()
    bench.gateway.set(Bench.otherInterface, as: Bench.other, at: bench.now)
    #expect(bench.outputs().isEmpty)
    #expect(bench.state(of: Self.other)?.state == .reachable)
  }

  @Test("a changed interface keeps the neighbours of unchanged links, in their new places, and forgets the others")
  func changed() {
    var bench = Bench()
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.answerARP()
    let second = Neighbour(port: Bench.other, slot: 1)
    bench.receive(.resolve, Self.packet(1, to: v4(10, 0, 0, 3)), for: second)
    bench.answerARP(slot: 1, mac: MACAddress(0x0200_0000_0044))
    bench.receive(.resolve, Self.packet(1, to: v6(0x21)), for: Self.other6)
    // The private pair is now the first, the public one is another, IPv6 is gone.
    var interface = Bench.otherInterface
    interface.links = [
      interface.links[1], .init(gateway: v4(147, 75, 0, 6), host: v4(147, 75, 0, 7), isPublic: true),
    ]
    bench.gateway.set(interface, as: Bench.other, at: bench.now)
    let outputs = bench.outputs()
    #expect(
      outputs.told == [
        .neighbour(second, nil, isStale: false),
        .neighbour(Self.other, MACAddress(0x0200_0000_0044), isStale: false),
      ])
    #expect(outputs.drops == [.neighbourUnreachable])
    #expect(bench.gateway.neighbours(of: Bench.other, at: bench.now).map(\.address) == [v4(10, 0, 0, 3)])
  }

  @Test("an interface that goes takes its neighbours along, and its addresses are not ours any more")
  func gone() {
    var bench = Bench()
    bench.receive(.local, GatewayNDTests.solicit(Bench.gateway6, from: Bench.host6))
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.answerARP()
    bench.receive(.resolve, Self.packet(1, to: v6(0x21)), for: Self.other6)
    let ping = Bench.frame(Bench.echo(from: Bench.publicHost, to: v4(147, 75, 0, 2)))
    #expect(bench.receive(.local, ping).frames.count == 1)
    bench.gateway.set(nil, as: Bench.other, at: bench.now)
    #expect(bench.outputs().told.first == .neighbour(Self.other, nil, isStale: false))
    #expect(bench.gateway.waitingBytes == 0)
    #expect(bench.receive(.local, ping).drops == [.notAnswered])
    bench.advance(3_600_000)
    #expect(bench.receive(.resolve, Self.packet(2), for: Self.other).drops == [.neighbourUnreachable])
  }

  @Test("the listing says port, address, MAC, state and age")
  func listing() {
    var bench = Bench()
    bench.receive(.resolve, Self.packet(1), for: Self.other)
    bench.answerARP()
    bench.now += 1_234
    bench.receive(.resolve, Self.packet(1, to: v6(0x21)), for: Self.other6)
    #expect(
      bench.gateway.neighbours(at: bench.now) == [
        NeighbourReport(
          port: Bench.other, address: v4(147, 75, 0, 3), mac: Bench.otherMAC, state: .reachable, age: 1_234),
        NeighbourReport(port: Bench.other, address: v6(0x21), mac: nil, state: .incomplete, age: 0),
      ])
    #expect(bench.gateway.neighbours(of: Bench.server, at: bench.now).isEmpty)
  }

  @Test("with thousands of interfaces the deadline is that of the earliest, and each tick does what is due")
  func many() {
    var gateway = Gateway(seed: 7)
    for port in 1...3_000 {
      let interface = RoutedInterface(
        kind: .server, mac: MACAddress(0x0200_0000_0000 + UInt64(port)), mtu: 1_500,
        links: [.init(gateway: v6(UInt64(port) * 2), host: v6(UInt64(port) * 2 + 1), isPublic: true)])
      gateway.set(interface, as: PortIndex(port), at: 0)
      gateway.setLink(PortIndex(port), up: true, at: 0)
    }
    var sent = 0
    var last: UInt64 = 0
    while let due = gateway.deadline, due < 33_000 {
      #expect(due >= last)
      last = due
      gateway.tick(at: due)
      while let output = gateway.nextOutput() { if output.frame != nil { sent += 1 } }
    }
    #expect(sent == 9_000)
  }
}
