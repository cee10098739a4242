import Net
import Switching
import Testing
import Wire

@testable import Gateway

@Suite("ARP, RFC 826, RFC 5227, RFC 3021") struct GatewayARPTests {
  static let servers = [
    (Bench.publicHost, Bench.publicGateway), (Bench.privateHost, Bench.privateGateway),
    (Bench.privateHost, Bench.publicGateway),
  ]

  @Test("a host of the interface that asks for our address is answered, unicast, and is STALE then", arguments: servers)
  func request(sender: IPAddress, target: IPAddress) throws {
    var bench = Bench()
    let outputs = bench.receive(.local, Bench.arp(sender, asks: target))
    let reply = try #require(outputs.frames.first)
    #expect(outputs.frames.count == 1)
    #expect(outputs.drops.isEmpty)
    #expect(reply.port == Bench.server)
    #expect(reply.faults(mtu: 1_500).isEmpty)
    #expect(reply.destination == Bench.serverMAC)
    #expect(reply.source == Bench.serverInterface.mac)
    let packet = try #require(ARPPacket(reply.packet[...]))
    #expect(
      packet
        == ARPPacket(
          .reply, senderMAC: Bench.serverInterface.mac, sender: target, targetMAC: Bench.serverMAC, target: sender))
    let slot = try #require(Bench.serverInterface.links.firstIndex { $0.host == sender })
    let neighbour = Neighbour(port: Bench.server, slot: slot)
    #expect(outputs.told == [.neighbour(neighbour, Bench.serverMAC, isStale: true)])
    #expect(bench.state(of: neighbour)?.state == .stale)
  }

  @Test("a probe is answered and nothing is learned, RFC 5227 2.1")
  func probe() {
    var bench = Bench()
    let outputs = bench.receive(.local, Bench.arp(.unspecified4, asks: Bench.publicGateway))
    #expect(outputs.frames.count == 1)
    #expect(outputs.told.isEmpty)
    #expect(bench.gateway.neighbours(at: 0).isEmpty)
  }

  @Test("a server asks for the metadata service and is given the gateway's MAC; nobody else is")
  func metadata() {
    var bench = Bench()
    let request = Bench.arp(Bench.publicHost, asks: v4(169, 254, 169, 254))
    let frames = bench.receive(.local, request).frames
    #expect(ARPPacket(frames.first?.packet[...] ?? [])?.senderMAC == Bench.serverInterface.mac)
    #expect(
      bench.receive(.local, Bench.arp(v4(192, 0, 2, 1), asks: v4(169, 254, 169, 254)), from: Bench.uplink).drops == [
        .notAnswered
      ])
  }

  @Test("an address of an elastic block asks as the server does, and is not learned")
  func elastic() {
    var bench = Bench()
    let outputs = bench.receive(.local, Bench.arp(Bench.elastic, asks: Bench.publicGateway))
    #expect(outputs.frames.count == 1)
    #expect(outputs.told.isEmpty)
  }

  @Test(
    "nobody is answered for others: no proxy ARP, RFC 1027",
    arguments: [
      v4(147, 75, 0, 2), v4(147, 75, 0, 3), Bench.publicHost, v4(8, 8, 8, 8), v4(192, 0, 2, 0), Bench.elastic,
    ])
  func proxy(target: IPAddress) {
    var bench = Bench()
    #expect(bench.receive(.local, Bench.arp(Bench.privateHost, asks: target)) == [.drop(Bench.nic, .notAnswered)])
  }

  @Test(
    "a stranger is not answered and not learned",
    arguments: [v4(147, 75, 0, 3), v4(10, 9, 9, 9), v4(169, 254, 169, 254)])
  func stranger(sender: IPAddress) {
    var bench = Bench()
    #expect(bench.receive(.local, Bench.arp(sender, asks: Bench.publicGateway)) == [.drop(Bench.nic, .notAnswered)])
    #expect(
      bench.receive(.local, Bench.arp(.reply, sender, asks: Bench.publicGateway, to: Bench.serverInterface.mac))
        == [.drop(Bench.nic, .notAnswered)])
    #expect(bench.receive(.local, Bench.arp(sender, asks: sender)) == [.drop(Bench.nic, .notAnswered)])
  }

  @Test("a reply that claims the address of another is ignored")
  func forgedReply() {
    var bench = Bench()
    let forged = Bench.arp(.reply, v4(147, 75, 0, 3), asks: Bench.publicGateway, to: Bench.serverInterface.mac)
    #expect(bench.receive(.local, forged).drops == [.notAnswered])
    #expect(bench.gateway.neighbours(at: 0).isEmpty)
  }

  @Test("an announcement updates what is known and creates nothing, RFC 826, RFC 5227 2.3")
  func announcement() {
    var bench = Bench()
    let neighbour = Neighbour(port: Bench.server, slot: 0)
    let moved = MACAddress(0x0200_0000_0077)
    for operation in [ARPPacket.Operation.request, .reply] {
      #expect(bench.receive(.local, Bench.arp(operation, Bench.publicHost, asks: Bench.publicHost)).isEmpty)
    }
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    #expect(
      bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicHost, mac: moved))
        == [.neighbour(neighbour, moved, isStale: true)])
  }

  @Test("a reply to us confirms what is known, when it was sent to us alone")
  func reply() {
    var bench = Bench()
    let neighbour = Neighbour(port: Bench.server, slot: 0)
    bench.receive(.local, Bench.arp(Bench.publicHost, asks: Bench.publicGateway))
    let broadcast = Bench.arp(.reply, Bench.publicHost, asks: Bench.publicGateway)
    #expect(bench.receive(.local, broadcast).drops == [.notAnswered])
    let unicast = Bench.arp(.reply, Bench.publicHost, asks: Bench.publicGateway, to: Bench.serverInterface.mac)
    #expect(bench.receive(.local, unicast) == [.neighbour(neighbour, Bench.serverMAC, isStale: false)])
    #expect(bench.state(of: neighbour)?.state == .reachable)
  }

  @Test("who claims our address is ignored, and answered by one announcement in ten seconds, RFC 5227 2.4")
  func conflict() throws {
    var bench = Bench()
    let claim = Bench.arp(Bench.publicGateway, asks: Bench.publicGateway)
    let first = bench.receive(.local, claim)
    let announcement = try #require(first.frames.first)
    #expect(first.drops == [.notAnswered])
    #expect(announcement.destination == .broadcast)
    let packet = try #require(ARPPacket(announcement.packet[...]))
    #expect(packet.sender == Bench.publicGateway)
    #expect(packet.target == Bench.publicGateway)
    #expect(packet.senderMAC == Bench.serverInterface.mac)
    bench.now += 9_999
    #expect(bench.receive(.local, claim).frames.isEmpty)
    #expect(bench.receive(.local, Bench.arp(.reply, Bench.publicGateway, asks: Bench.publicHost)).frames.isEmpty)
    bench.now += 1
    #expect(bench.receive(.local, claim).frames.count == 1)
    #expect(bench.gateway.neighbours(at: 0).isEmpty)
  }

  @Test("what is no ARP packet of IPv4 over Ethernet is not answered, and other protocols are counted as such")
  func invalid() {
    var bench = Bench()
    let request = Bench.arp(Bench.publicHost, asks: Bench.publicGateway)
    #expect(bench.receive(.local, Array(request.dropLast())).drops == [.notAnswered])
    #expect(bench.receive(.local, Array(request[..<25])).drops == [.runt])
    #expect(bench.receive(.local, []).drops == [.runt])
    #expect(bench.receive(.local, Bench.frame([1, 2, 3], 0x88CC)).drops == [.unknownProtocol])
    #expect(bench.receive(.local, request, from: PortIndex(99)).drops == [.notAnswered])
    var differs = request
    differs.replaceSubrange(18..<24, with: [2, 0, 0, 0, 0, 0x55])
    #expect(bench.receive(.local, differs).frames.first?.destination == Bench.serverMAC)
  }
}
