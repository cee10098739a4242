import Net
import Switching
import Testing
import Wire

@testable import Gateway

@Suite("Packets to the gateway itself") struct GatewayLocalTests {
  static let echoes = [
    (Bench.publicHost, Bench.publicGateway), (Bench.privateHost, Bench.privateGateway),
    (Bench.elastic, Bench.publicGateway),
    // Of another interface.
    (Bench.publicHost, v4(147, 75, 0, 2)), (Bench.privateHost, v4(192, 0, 2, 0)), (Bench.host6, Bench.gateway6),
    (Bench.host6, v6(0x30)), (IPAddress.linkLocal(Bench.serverMAC), IPAddress.linkLocal(Bench.serverInterface.mac)),
  ]

  @Test(
    "an echo request is answered from the address that it was sent to, RFC 1122 3.2.2.6, RFC 4443 4.2",
    arguments: echoes)
  func echo(source: IPAddress, destination: IPAddress) throws {
    var bench = Bench()
    let request = Bench.echo(from: source, to: destination, tos: 0x2E, dontFragment: true)
    let outputs = bench.receive(.local, Bench.frame(request, Bench.type(source)))
    let reply = try #require(outputs.frames.first)
    #expect(outputs.count == 1)
    #expect(reply.faults(mtu: 1_500).isEmpty)
    #expect(reply.port == Bench.server)
    #expect(reply.destination == Bench.serverMAC)
    #expect(reply.from == destination)
    #expect(reply.to == source)
    #expect(reply.ttl == 64)
    #expect(reply.typeOfService == 0x2E)
    #expect(reply.dontFragment == source.isV4)
    #expect(reply.icmpType == (source.isV4 ? 0 : 129))
    #expect(reply.icmpRest == 0x1234_0001)
    #expect(reply.icmpData == (0..<56).map { UInt8($0) })
  }

  @Test("one whose checksum an offload left open is answered with a real one; a wrong checksum is not answered")
  func openChecksum() throws {
    for source in [Bench.publicHost, Bench.host6] {
      var bench = Bench()
      var frame = Bench.frame(
        Bench.echo(from: source, to: source.isV4 ? Bench.publicGateway : Bench.gateway6), Bench.type(source))
      frame[26 + (source.isV4 ? 22 : 42)] ^= 0x40
      #expect(bench.receive(.local, frame) == [.drop(Bench.nic, .badChecksum)])
      frame[0] = 1
      let reply = try #require(bench.receive(.local, frame).frames.first)
      #expect(reply.faults(mtu: 1_500).isEmpty)
    }
  }

  @Test("a reply larger than the MTU goes in fragments that are the reply", arguments: [1_473, 3_000, 9_000])
  func largeEcho(size: Int) throws {
    for (source, destination) in [(Bench.publicHost, Bench.publicGateway), (Bench.host6, Bench.gateway6)] {
      var bench = Bench()
      let request = Bench.echo(from: source, to: destination, size: size, dontFragment: true)
      let frames = bench.receive(.local, Bench.frame(request, Bench.type(source))).frames
      #expect(frames.count == (size + 8 + (source.isV4 ? 1_479 : 1_447)) / (source.isV4 ? 1_480 : 1_448))
      #expect(frames.allSatisfy { $0.faults(mtu: 1_500).isEmpty && $0.isFragment && !$0.dontFragment })
      let whole = frames.flatMap { $0.payload.dropFirst(source.isV4 ? 0 : 8) }
      #expect(whole.count == size + 8)
      #expect(whole[0] == (source.isV4 ? 0 : 129))
      #expect(whole[8...] == request[(source.isV4 ? 28 : 48)...])
    }
  }

  @Test("RFC 791 3.1, RFC 8200 5: no answer is cut for a link of less than 576 or 1280 bytes, an error quotes less")
  func leastMTU() {
    var bench = Bench()
    var small = Bench.serverInterface
    small.mtu = 100
    bench.gateway.set(small, as: Bench.server, at: bench.now)
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    for (source, destination) in [(Bench.publicHost, Bench.publicGateway), (Bench.host6, Bench.gateway6)] {
      let large = Bench.frame(Bench.echo(from: source, to: destination, size: 200), Bench.type(source))
      #expect(bench.receive(.local, large) == [.drop(Bench.nic, .packetTooBig)])
      let fits = Bench.frame(Bench.echo(from: source, to: destination, size: 40), Bench.type(source))
      #expect(bench.receive(.local, fits).frames.count == 1)
      let told = bench.receive(
        .local, Bench.frame(Bench.udp(from: source, to: destination, size: 200), Bench.type(source)))
      #expect(told.frames.map(\.packet.count) == [100] && told.drops == [.notAnswered])
    }
  }

  @Test("an echo costs as many tokens as its answer has pieces")
  func echoCost() {
    var bench = Bench()
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    let echo = Bench.frame(Bench.echo(from: Bench.publicHost, to: Bench.publicGateway, size: 8_000))
    let answers = (0..<200).map { _ in bench.receive(.local, echo) }
    // 500 at once; 8028 bytes are six pieces.
    #expect(answers.count { $0.frames.count == 6 } == 83)
    #expect(answers.last == [.drop(Bench.nic, .gatewayBusy)])
  }

  @Test(
    "an echo to a group or to all is never answered, RFC 1812 4.3.3.6",
    arguments: [v4(224, 0, 0, 1), IPAddress.broadcast])
  func groupEcho(destination: IPAddress) {
    var bench = Bench()
    let echo = Bench.echo(from: Bench.publicHost, to: destination)
    #expect(bench.receive(.local, Bench.frame(echo, to: .broadcast)) == [.drop(Bench.nic, .notAnswered)])
  }

  @Test("an echo to ff02::1 is not answered, nor one to us in a frame to all, RFC 1122 3.3.6")
  func allNodesEcho() {
    var bench = Bench()
    let echo = Bench.echo(from: Bench.host6, to: .allNodes)
    #expect(bench.receive(.local, Bench.frame(echo, 0x86DD, to: MACAddress(group: .allNodes))).drops == [.notAnswered])
    for (source, destination) in [(Bench.publicHost, Bench.publicGateway), (Bench.host6, Bench.gateway6)] {
      let frame = Bench.frame(Bench.echo(from: source, to: destination), Bench.type(source), to: .broadcast)
      #expect(bench.receive(.local, frame) == [.drop(Bench.nic, .notAnswered)])
    }
  }

  @Test(
    "a source that names no single host is not answered, RFC 1812 4.3.2.7",
    arguments: [
      v4(0, 0, 0, 0), v4(127, 0, 0, 1), v4(224, 0, 0, 1), v4(240, 0, 0, 1), .broadcast, Bench.publicGateway,
      v4(192, 0, 2, 0),
    ])
  func forbiddenSource(source: IPAddress) {
    var bench = Bench()
    for packet in [
      Bench.echo(from: source, to: Bench.publicGateway), Bench.udp(from: source, to: Bench.publicGateway),
      Bench.syn(from: source, to: Bench.publicGateway),
    ] {
      for port in [Bench.server, Bench.uplink] {
        #expect(bench.receive(.local, Bench.frame(packet), from: port) == [.drop(Bench.nic, .notAnswered)])
      }
    }
  }

  @Test("a server that calls itself what it is not gets no answer, RFC 2827")
  func spoofed() {
    var bench = Bench()
    #expect(
      bench.receive(.local, Bench.frame(Bench.echo(from: v4(8, 8, 8, 8), to: Bench.publicGateway))).drops == [
        .spoofedSource
      ])
    #expect(
      bench.receive(.local, Bench.frame(Bench.echo(from: v6(99), to: Bench.gateway6), 0x86DD)).drops == [.spoofedSource]
    )
  }

  @Test("what is addressed to somebody else is not answered")
  func others() {
    var bench = Bench()
    #expect(
      bench.receive(.local, Bench.frame(Bench.echo(from: Bench.publicHost, to: v4(8, 8, 8, 8)))).drops == [.notAnswered]
    )
    #expect(
      bench.receive(.local, Bench.frame(Bench.echo(from: Bench.host6, to: v6(99)), 0x86DD)).drops == [.notAnswered])
  }

  @Test("echoes have a limit of their own: 500 at once, 2 000 in a second")
  func echoLimit() {
    var bench = Bench()
    let frame = Bench.frame(Bench.echo(from: Bench.publicHost, to: Bench.publicGateway))
    let first = (0..<600).flatMap { _ in bench.receive(.local, frame) }
    #expect(first.frames.count == 500)
    #expect(first.drops == [DropReason](repeating: .gatewayBusy, count: 100))
    bench.now += 100
    #expect((0..<600).flatMap { _ in bench.receive(.local, frame) }.frames.count == 200)
    let udp = Bench.frame(Bench.udp(from: Bench.publicHost, to: Bench.publicGateway))
    #expect(bench.receive(.local, udp).frames.count == 1)
  }

  @Test("the uplink is asked where it is before it is answered, and is answered by the host of the link")
  func uplink() throws {
    var bench = Bench()
    let far = v4(8, 8, 8, 8)
    let asked = bench.receive(.local, Bench.frame(Bench.echo(from: far, to: v4(192, 0, 2, 0))), from: Bench.uplink)
    #expect(asked.frames.map(\.isARP) == [true])
    let reply = try #require(bench.answerARP(from: Bench.uplink, mac: Bench.uplinkMAC).frames.first)
    #expect(reply.to == far)
    #expect(reply.destination == Bench.uplinkMAC)
    #expect(reply.faults(mtu: 1_500).isEmpty)
    let udp = Bench.frame(Bench.udp(from: far, to: v4(192, 0, 2, 0)))
    #expect(bench.receive(.local, udp, from: Bench.uplink).frames.first?.from == v4(192, 0, 2, 0))
  }

  @Test("an answer of ours to one that is not there is counted, and nobody hears of it")
  func ownFailure() {
    var bench = Bench()
    bench.receive(
      .local, Bench.frame(Bench.echo(from: v4(8, 8, 8, 8), to: v4(192, 0, 2, 0))), from: Bench.uplink,
      nic: Bench.uplinkNIC)
    let outputs = bench.advance(3_000)
    #expect(outputs.frames.allSatisfy { $0.isARP })
    #expect(outputs.filter { $0.dropReason != nil } == [.drop(Bench.uplinkNIC, .neighbourUnreachable)])
  }

  @Test("the metadata service may ask too")
  func metadata() {
    var bench = Bench()
    bench.receive(
      .local, Bench.frame(Bench.echo(from: v4(169, 254, 169, 254), to: v4(169, 254, 169, 253))), from: Bench.metadata)
    #expect(bench.answerARP(from: Bench.metadata).frames.map(\.to) == [v4(169, 254, 169, 254)])
  }

  // MARK: Closed ports

  @Test(
    "UDP to us ends a traceroute: port unreachable, from the address that was asked",
    arguments: [
      (Bench.publicHost, Bench.publicGateway), (Bench.privateHost, v4(10, 0, 0, 2)), (Bench.host6, Bench.gateway6),
      (IPAddress.linkLocal(Bench.serverMAC), IPAddress.linkLocal(Bench.serverInterface.mac)),
    ])
  func udp(source: IPAddress, destination: IPAddress) throws {
    var bench = Bench()
    let packet = Bench.udp(from: source, to: destination, ttl: 1)
    let outputs = bench.receive(.local, Bench.frame(packet, Bench.type(source)))
    let error = try #require(outputs.frames.first)
    #expect(outputs.drops == [.notAnswered])
    #expect(error.faults(mtu: 1_500).isEmpty)
    #expect(error.from == destination)
    #expect(error.to == source)
    #expect(error.icmpType == (source.isV4 ? 3 : 1))
    #expect(error.icmpCode == (source.isV4 ? 3 : 4))
    #expect(error.icmpData == packet)
  }

  @Test("UDP with a wrong checksum is not answered; without one it is, in IPv4 only, RFC 8200 8.1")
  func udpChecksum() {
    var bench = Bench()
    for (source, destination, at) in [
      (Bench.publicHost, Bench.publicGateway, 26 + 26), (Bench.host6, Bench.gateway6, 26 + 46),
    ] {
      var frame = Bench.frame(Bench.udp(from: source, to: destination), Bench.type(source))
      frame[at] ^= 1
      #expect(bench.receive(.local, frame).drops == [.badChecksum])
      (frame[at], frame[at + 1]) = (0, 0)
      #expect(bench.receive(.local, frame).drops == [source.isV4 ? .notAnswered : .badChecksum])
    }
    var short = Bench.frame(
      Bench.packet(17, [0, 1, 0, 2, 0, 9, 0, 0], from: Bench.publicHost, to: Bench.publicGateway))
    #expect(bench.receive(.local, short).drops == [.malformedPacket])
    short.removeLast()
    #expect(bench.receive(.local, short).drops == [.malformedPacket])
  }

  @Test("broadcast UDP other than DHCP is silence")
  func broadcastUDP() {
    var bench = Bench()
    for port in [53, 67, 68, 137] as [UInt16] {
      let frame = Bench.frame(Bench.udp(from: Bench.publicHost, to: .broadcast, port: port), to: .broadcast)
      #expect(bench.receive(.local, frame) == [.drop(Bench.nic, .notAnswered)])
    }
  }

  @Test("TCP to us is reset, RFC 9293 3.5.2; a reset is not")
  func tcp() throws {
    var bench = Bench()
    for (source, destination) in [(Bench.publicHost, Bench.publicGateway), (Bench.host6, Bench.gateway6)] {
      let outputs = bench.receive(.local, Bench.frame(Bench.syn(from: source, to: destination), Bench.type(source)))
      let frame = try #require(outputs.frames.first)
      #expect(outputs.drops == [.notAnswered])
      #expect(frame.faults(mtu: 1_500).isEmpty)
      #expect(frame.from == destination)
      let header = TCPHeader(frame.payload[...])
      #expect(header?.flags == [.rst, .ack])
      #expect(header?.acknowledgment == 8)
      #expect(header?.destinationPort == 40_000)
      let reset = Bench.packet(6, frame.payload, from: source, to: destination)
      var open = Bench.frame(reset, Bench.type(source))
      open[0] = 1
      #expect(bench.receive(.local, open) == [.drop(Bench.nic, .notAnswered)])
      var wrong = Bench.frame(Bench.syn(from: source, to: destination), Bench.type(source))
      wrong[wrong.count - 1] ^= 1
      #expect(bench.receive(.local, wrong).drops == [.badChecksum])
    }
  }

  @Test("another protocol: protocol unreachable; IPv6: parameter problem that points at it, RFC 4443 3.4")
  func protocols() throws {
    var bench = Bench()
    let v4 = Bench.packet(132, [1, 2, 3, 4], from: Bench.publicHost, to: Bench.publicGateway)
    let first = try #require(bench.receive(.local, Bench.frame(v4)).frames.first)
    #expect(first.icmpType == 3)
    #expect(first.icmpCode == 2)
    let v6 = Bench.packet(60, [132, 0, 1, 4, 0, 0, 0, 0, 1, 2], from: Bench.host6, to: Bench.gateway6)
    let second = try #require(bench.receive(.local, Bench.frame(v6, 0x86DD)).frames.first)
    #expect(second.icmpType == 4)
    #expect(second.icmpCode == 1)
    #expect(second.icmpRest == 40)
    let none = Bench.packet(59, [], from: Bench.host6, to: Bench.gateway6)
    #expect(bench.receive(.local, Bench.frame(none, 0x86DD)) == [.drop(Bench.nic, .notAnswered)])
  }

  @Test("an unknown option: parameter problem 2 as its two high bits say, to a group too for 10, RFC 8200 4.2")
  func options() {
    var bench = Bench()
    func receive(_ type: UInt8, to destination: IPAddress) -> [Int?] {
      let packet = Bench.packet(60, [17, 0, type, 0, 1, 2, 0, 0], from: Bench.host6, to: destination)
      let mac = destination.isMulticast ? MACAddress(group: destination) : Bench.serverInterface.mac
      let outputs = bench.receive(.local, Bench.frame(packet, 0x86DD, to: mac))
      #expect(outputs.frames.allSatisfy { $0.icmpCode == 2 && $0.icmpRest == 42 && $0.from == Bench.gateway6 })
      return outputs.frames.map(\.icmpType)
    }
    #expect(receive(0x5E, to: Bench.gateway6) == [])
    #expect(receive(0x9E, to: Bench.gateway6) == [4])
    #expect(receive(0xDE, to: Bench.gateway6) == [4])
    #expect(receive(0x9E, to: .allNodes) == [4])
    #expect(receive(0xDE, to: .allNodes) == [])
  }

  @Test("other ICMP to us is never answered: errors, replies, timestamps, requests with a code")
  func otherICMP() {
    var bench = Bench()
    for (type, code) in [(0, 0), (3, 3), (5, 1), (8, 1), (11, 0), (13, 0), (17, 0), (42, 0)] as [(UInt8, UInt8)] {
      let message = ICMPMessage.bytes(type: type, code: code, data: [UInt8](repeating: 0, count: 28))
      let packet = Bench.packet(1, message, from: Bench.publicHost, to: Bench.publicGateway)
      #expect(bench.receive(.local, Bench.frame(packet)) == [.drop(Bench.nic, .notAnswered)])
    }
    for type in [1, 2, 3, 4, 100, 129, 139, 200] as [UInt8] {
      let message = ICMPMessage.bytes(
        type: type, code: 0, data: [UInt8](repeating: 0, count: 48), from: Bench.host6, to: Bench.gateway6)
      let packet = Bench.packet(58, message, from: Bench.host6, to: Bench.gateway6)
      #expect(bench.receive(.local, Bench.frame(packet, 0x86DD)) == [.drop(Bench.nic, .notAnswered)])
    }
  }

  @Test("a header that contradicts itself is counted as malformed, a wrong checksum as that, RFC 1812 5.2.2")
  func malformed() {
    var bench = Bench()
    let packet = Bench.echo(from: Bench.publicHost, to: Bench.publicGateway)
    func with(_ index: Int, _ value: UInt8) -> [DropReason] {
      var bytes = packet
      bytes[index] = value
      return bench.receive(.local, Bench.frame(bytes)).drops
    }
    #expect(with(0, 0x44) == [.malformedPacket])
    #expect(with(2, 0xFF) == [.malformedPacket])
    #expect(with(10, 0xFF) == [.badChecksum])
    #expect(bench.receive(.local, Bench.frame([])).drops == [.malformedPacket])
    #expect(bench.receive(.local, Bench.frame([0x60], 0x86DD)).drops == [.malformedPacket])
    let routing = Bench.packet(43, [17, 0, 0, 1, 0, 0, 0, 0], from: Bench.host6, to: Bench.gateway6)
    #expect(bench.receive(.local, Bench.frame(routing, 0x86DD)).drops == [.sourceRoute])
  }

  @Test("DHCP goes where its answer says: 67 to 68, from the gateway of the link, with real checksums")
  func dhcp() throws {
    var bench = Bench()
    for (mac, address) in [(MACAddress.broadcast, IPAddress.broadcast), (Bench.serverMAC, Bench.publicHost)] {
      bench.gateway.send(
        DHCPAnswer(
          message: [UInt8](repeating: 2, count: 300), toMAC: mac, toAddress: address, from: Bench.publicGateway),
        on: Bench.server)
      let frame = try #require(bench.frames().first)
      #expect(frame.faults(mtu: 1_500).isEmpty)
      #expect(frame.destination == mac)
      #expect(frame.from == Bench.publicGateway)
      #expect(frame.to == address)
      #expect(frame.payload.prefix(6) == [0, 67, 0, 68, 0x01, 0x34])
    }
    bench.gateway.send(
      DHCPAnswer(message: [], toMAC: .broadcast, toAddress: .broadcast, from: v4(1, 1, 1, 1)), on: Bench.server)
    #expect(bench.frames().isEmpty)
  }

  /// A DISCOVER as a client without an address sends it.
  static func discover(_ source: IPAddress = .unspecified4) -> [UInt8] {
    var message: [UInt8] = [1, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 16)
    message.append(Bench.serverMAC)
    message += [UInt8](repeating: 0, count: 202) + [0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255]
    message += [UInt8](repeating: 0, count: 60)
    let datagram = UDPHeader(sourcePort: 68, destinationPort: 67).datagram(message, from: source, to: .broadcast)
    return Bench.packet(17, datagram, from: source, to: .broadcast)
  }

  @Test("a DISCOVER is offered the address of the first link; a client that asks and asks has a limit")
  func discover() throws {
    var bench = Bench()
    let frame = Bench.frame(Self.discover(), to: .broadcast)
    let outputs = bench.receive(.local, frame)
    let offer = try #require(outputs.frames.first)
    #expect(outputs.count == 1)
    #expect(offer.faults(mtu: 1_500).isEmpty)
    #expect(offer.from == Bench.publicGateway)
    #expect(offer.protocolNumber == 17)
    #expect(offer.payload[8] == 2)
    #expect(offer.payload[24..<28] == [147, 75, 0, 1])
    let flood = (0..<100).flatMap { _ in bench.receive(.local, frame) }
    #expect(flood.frames.count == 9)
    #expect(flood.drops == [DropReason](repeating: .gatewayBusy, count: 91))
    #expect(bench.receive(.local, frame, from: Bench.uplink).drops == [.notAnswered])
    bench.now += 1_000
    var wrong = frame
    wrong[frame.count - 1] ^= 1
    #expect(bench.receive(.local, wrong).drops == [.badChecksum])
  }

  @Test("an echo request in fragments is answered when the last one is there, in whatever order")
  func fragmentedEcho() throws {
    for (source, destination) in [(Bench.publicHost, Bench.publicGateway), (Bench.host6, Bench.gateway6)] {
      var bench = Bench()
      let request = Bench.echo(from: source, to: destination, size: 4_000)
      let header = source.isV4 ? 20 : 40
      let pieces =
        source.isV4
        ? IPv4Header(identification: 5, protocolNumber: 1, source: source, destination: destination)
          .packets(Array(request[header...]), mtu: 1_500)
        : IPv6Header(nextHeader: 58, source: source, destination: destination)
          .packets(Array(request[header...]), mtu: 1_500, identification: 5)
      #expect(pieces.count == 3)
      for piece in pieces.dropFirst() {
        #expect(bench.receive(.local, Bench.frame(piece, Bench.type(source))).isEmpty)
      }
      let frames = bench.receive(.local, Bench.frame(pieces[0], Bench.type(source))).frames
      #expect(frames.count == 3)
      #expect(frames.allSatisfy { $0.faults(mtu: 1_500).isEmpty })
      #expect(
        frames.flatMap { $0.payload.dropFirst(source.isV4 ? 0 : 8) }.dropFirst(8)[...] == request[(header + 8)...])
    }
  }

  @Test("fragments that do not make a datagram are forgotten in time, and the deadline says when")
  func lostFragments() {
    var bench = Bench()
    let piece = IPv4Header(
      identification: 5, protocolNumber: 1, source: Bench.publicHost, destination: Bench.publicGateway
    ).packets([UInt8](repeating: 0, count: 4_000), mtu: 1_500)[0]
    #expect(bench.receive(.local, Bench.frame(piece)).isEmpty)
    #expect(bench.gateway.deadline.map { $0 <= bench.now + 30_000 } ?? false)
    bench.advance(60_000)
    #expect(bench.gateway.reassembler.deadline == nil)
  }

  @Test("neighbour discovery in fragments is ignored, RFC 6980")
  func fragmentedND() {
    var bench = Bench()
    let message = NDMessage.neighbourSolicitation(target: Bench.gateway6, source: Bench.serverMAC)
      .bytes(from: Bench.host6, to: Bench.gateway6)
    let pieces = IPv6Header(nextHeader: 58, hopLimit: 255, source: Bench.host6, destination: Bench.gateway6)
      .packets(message, mtu: 64, identification: 5)
    let outputs = pieces.flatMap { bench.receive(.local, Bench.frame($0, 0x86DD)) }
    #expect(outputs == [.drop(Bench.nic, .notAnswered)])
  }
}
