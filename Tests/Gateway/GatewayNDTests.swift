import Net
import Switching
import Testing
import Wire

@testable import Gateway

@Suite("Neighbour discovery, RFC 4861") struct GatewayNDTests {
  static let ours = IPAddress.linkLocal(Bench.serverInterface.mac)
  static let theirs = IPAddress.linkLocal(Bench.serverMAC)
  static let host = Neighbour(port: Bench.server, slot: 2)

  static func solicit(_ target: IPAddress, from source: IPAddress, mac: MACAddress? = Bench.serverMAC) -> [UInt8] {
    Bench.nd(.neighbourSolicitation(target: target, source: mac), from: source, to: target.solicitedNode)
  }

  static func advertisement(_ frame: FrameView) -> NDMessage? {
    let header = IPv6Header(
      nextHeader: 58, hopLimit: UInt8(frame.ttl), source: frame.from, destination: frame.to)
    return NDMessage(frame.payload[...], header)
  }

  @Test(
    "the host that asks for our address is answered, R S O, and is STALE then, 7.2.3, 7.2.4",
    arguments: [Bench.gateway6, ours])
  func solicitation(target: IPAddress) throws {
    var bench = Bench()
    let outputs = bench.receive(.local, Self.solicit(target, from: Bench.host6))
    let frame = try #require(outputs.frames.first)
    #expect(frame.faults(mtu: 1_500).isEmpty)
    #expect(frame.destination == Bench.serverMAC)
    #expect(frame.from == target)
    #expect(frame.to == Bench.host6)
    #expect(frame.ttl == 255)
    #expect(
      Self.advertisement(frame)
        == .neighbourAdvertisement(
          target: target, flags: [.router, .solicited, .override], link: Bench.serverInterface.mac))
    #expect(outputs.told == [.neighbour(Self.host, Bench.serverMAC, isStale: true)])
  }

  @Test("the server's link-local address is answered at the MAC address that it sent from, and is no neighbour")
  func linkLocal() {
    var bench = Bench()
    for mac in [Bench.serverMAC, nil] {
      let outputs = bench.receive(.local, Self.solicit(Bench.gateway6, from: Self.theirs, mac: mac))
      #expect(outputs.frames.first?.destination == Bench.serverMAC)
      #expect(outputs.frames.first?.to == Self.theirs)
      #expect(outputs.told.isEmpty)
    }
    #expect(bench.gateway.neighbours(at: 0).isEmpty)
  }

  @Test("a solicitation without link-layer address is answered and teaches nothing")
  func noLinkLayerAddress() {
    var bench = Bench()
    let outputs = bench.receive(.local, Self.solicit(Bench.gateway6, from: Bench.host6, mac: nil))
    #expect(outputs.frames.count == 1)
    #expect(outputs.told.isEmpty)
  }

  @Test(
    "duplicate address detection of our address is answered to all nodes, not solicited, 7.2.4",
    arguments: [Bench.gateway6, ours])
  func duplicate(target: IPAddress) throws {
    var bench = Bench()
    let outputs = bench.receive(.local, Self.solicit(target, from: .unspecified6, mac: nil))
    let frame = try #require(outputs.frames.first)
    #expect(frame.faults(mtu: 1_500).isEmpty)
    #expect(frame.to == .allNodes)
    #expect(frame.destination.description == "33:33:00:00:00:01")
    #expect(frame.payload[4] == 0xA0)
    #expect(outputs.told.isEmpty)
  }

  @Test("nobody is answered for others, and no stranger is answered")
  func others() {
    var bench = Bench()
    for target in [Bench.host6, v6(0x20), v6(0x21), Self.theirs] {
      #expect(bench.receive(.local, Self.solicit(target, from: Bench.host6)).drops == [.notAnswered])
      #expect(bench.receive(.local, Self.solicit(target, from: .unspecified6, mac: nil)).drops == [.notAnswered])
    }
    for source in [v6(0x21), v6(0x9999)] {
      #expect(bench.receive(.local, Self.solicit(Bench.gateway6, from: source)) == [.drop(Bench.nic, .notAnswered)])
    }
    #expect(bench.receive(.local, Self.solicit(Bench.gateway6, from: Bench.gateway6)).drops == [.notAnswered])
  }

  @Test("what came by a router is ignored: hop limit 254, 7.1.1; so is a wrong checksum")
  func invalid() {
    var bench = Bench()
    let message = NDMessage.neighbourSolicitation(target: Bench.gateway6, source: Bench.serverMAC)
    let far = Bench.nd(message, from: Bench.host6, to: Bench.gateway6.solicitedNode, hopLimit: 254)
    #expect(bench.receive(.local, far).drops == [.notAnswered])
    var wrong = Self.solicit(Bench.gateway6, from: Bench.host6)
    wrong[wrong.count - 1] ^= 1
    #expect(bench.receive(.local, wrong).drops == [.badChecksum])
    wrong[0] = 1
    #expect(bench.receive(.local, wrong).frames.count == 1)
  }

  @Test("an answer makes the host REACHABLE, one that claims another's or our address is ignored, 7.2.5")
  func advertisement() {
    var bench = Bench()
    bench.receive(.local, Self.solicit(Bench.gateway6, from: Bench.host6))
    func advertise(_ target: IPAddress) -> [UInt8] {
      Bench.nd(
        .neighbourAdvertisement(target: target, flags: [.solicited, .override], link: Bench.serverMAC),
        from: Bench.host6, to: Bench.gateway6)
    }
    for target in [v6(0x21), Bench.gateway6, Self.ours, Self.theirs] {
      #expect(bench.receive(.local, advertise(target)) == [.drop(Bench.nic, .notAnswered)])
    }
    #expect(
      bench.receive(.local, advertise(Bench.host6)) == [.neighbour(Self.host, Bench.serverMAC, isStale: false)])
    #expect(bench.state(of: Self.host)?.state == .reachable)
  }

  @Test("advertisements of other routers, redirects and MLD are ignored")
  func ignored() {
    var bench = Bench()
    let advertisement = NDMessage.routerAdvertisement(.init(lifetime: 9_000, source: Bench.serverMAC, mtu: 1_280))
    #expect(
      bench.receive(.local, Bench.nd(advertisement, from: Self.theirs, to: .allNodes)).drops == [.notAnswered])
    let redirect = ICMPMessage.bytes(
      type: 137, code: 0, data: [UInt8](repeating: 0, count: 32), from: Self.theirs, to: Bench.gateway6)
    let header = IPv6Header(nextHeader: 58, hopLimit: 255, source: Self.theirs, destination: Bench.gateway6)
    #expect(bench.receive(.local, Bench.frame(header.packet(redirect[...]), 0x86DD)).drops == [.notAnswered])
    let group = IPAddress(high: 0xFF02 << 48, low: 0x16)
    let report = ICMPMessage.bytes(
      type: 143, code: 0, data: [UInt8](repeating: 0, count: 20), from: Self.theirs, to: group)
    let options = IPv6Header(nextHeader: 0, hopLimit: 1, source: Self.theirs, destination: group)
      .packet(([58, 0, 5, 2, 0, 0, 1, 0] + report)[...])
    #expect(
      bench.receive(.local, Bench.frame(options, 0x86DD, to: MACAddress(group: group))) == [
        .drop(Bench.nic, .notAnswered)
      ])
  }

  // MARK: Router advertisements

  static func isAdvertisement(_ frame: FrameView) -> Bool { frame.isV6 && frame.icmpType == 134 }

  static func solicitRouter(from source: IPAddress, mac: MACAddress? = nil) -> [UInt8] {
    Bench.nd(.routerSolicitation(source: mac), from: source, to: .allRouters)
  }

  @Test("a server that asks with an address is answered at once and alone, 6.2.6")
  func unicastAdvertisement() throws {
    var bench = Bench()
    for (source, mac) in [(Self.theirs, Bench.serverMAC), (Self.theirs, nil), (Bench.host6, Bench.serverMAC)] {
      let outputs = bench.receive(.local, Self.solicitRouter(from: source, mac: mac))
      let frame = try #require(outputs.frames.first)
      #expect(frame.faults(mtu: 1_500).isEmpty)
      #expect(frame.from == Self.ours)
      #expect(frame.to == source)
      #expect(frame.destination == Bench.serverMAC)
      #expect(frame.ttl == 255)
      #expect(outputs.drops.isEmpty)
      // Hop limit 64, no flags, 1800 s, times unspecified; source link-layer address and MTU; no prefix.
      #expect(frame.payload[4..<16] == [64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0])
      #expect(frame.payload[16...] == [1, 1, 2, 0, 0, 0, 0, 1, 5, 1, 0, 0, 0, 0, 0x05, 0xDC])
    }
  }

  @Test("answers to a server that asks and asks have a limit")
  func solicitationLimit() {
    var bench = Bench()
    let outputs = (0..<100).flatMap { _ in bench.receive(.local, Self.solicitRouter(from: Self.theirs)) }
    #expect(outputs.frames.count == 10)
    #expect(outputs.drops == [DropReason](repeating: .gatewayBusy, count: 90))
  }

  @Test("one without an address is answered to all nodes, no more than once in three seconds, 6.2.6")
  func multicastAdvertisement() {
    var bench = Bench()
    var times: [UInt64] = []
    for _ in 0..<200 {
      #expect(bench.receive(.local, Self.solicitRouter(from: .unspecified6)).isEmpty)
      for (time, frame) in bench.timeline(50) where frame.port == Bench.server && Self.isAdvertisement(frame) {
        #expect(frame.to == .allNodes)
        #expect(frame.destination.description == "33:33:00:00:00:01")
        times.append(time)
      }
    }
    #expect(times.count >= 3)
    #expect(zip(times.dropFirst(), times).allSatisfy { $0 - $1 >= 3_000 })
  }

  @Test("a link that comes up gets three advertisements at most 16 s apart, then one in 200 to 600 s, 6.2.4")
  func unsolicited() {
    var bench = Bench()
    bench.gateway.setLink(Bench.server, up: false, at: bench.now)
    #expect(bench.timeline(3_600_000).filter { $0.frame.port == Bench.server }.isEmpty)
    let up = bench.now
    bench.gateway.setLink(Bench.server, up: true, at: bench.now)
    let times = bench.timeline(3_600_000).filter { $0.frame.port == Bench.server && Self.isAdvertisement($0.frame) }
      .map(\.at)
    let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
    #expect(times[0] - up <= 500)
    #expect(gaps.prefix(2).allSatisfy { $0 <= 16_000 })
    #expect(gaps.dropFirst(2).allSatisfy { 200_000...600_000 ~= $0 })
  }

  @Test("an interface that goes says so: lifetime 0, 6.2.5")
  func finalAdvertisement() throws {
    var bench = Bench()
    bench.gateway.set(nil, as: Bench.server, at: bench.now)
    let outputs = bench.outputs()
    let frame = try #require(outputs.frames.first)
    #expect(outputs.frames.count == 1)
    #expect(frame.faults(mtu: 1_500).isEmpty)
    #expect(Self.isAdvertisement(frame))
    #expect(frame.to == .allNodes)
    #expect(frame.payload[6..<8] == [0, 0])
    #expect(bench.timeline(3_600_000).allSatisfy { $0.frame.port != Bench.server })
  }

  @Test("so does one that loses its IPv6 addresses or its MAC address, 6.2.5, 6.2.8; one whose link is down cannot")
  func otherEnds() {
    var bench = Bench()
    var bare = Bench.serverInterface
    bare.links.removeLast()
    bench.gateway.set(bare, as: Bench.server, at: bench.now)
    #expect(bench.frames().count { Self.isAdvertisement($0) && $0.payload[6..<8] == [0, 0] } == 1)
    var renamed = Bench.otherInterface
    renamed.mac = MACAddress(0x0200_0000_00AA)
    bench.gateway.set(renamed, as: Bench.other, at: bench.now)
    #expect(bench.frames().map(\.from) == [.linkLocal(Bench.otherInterface.mac)])
    #expect(bench.timeline(10_000).first?.frame.from == .linkLocal(renamed.mac))
    bench.gateway.setLink(Bench.other, up: false, at: bench.now)
    bench.gateway.set(nil, as: Bench.other, at: bench.now)
    #expect(bench.frames().isEmpty)
  }

  @Test("no router advertisements on the uplink and to the metadata service, asked or not")
  func otherKinds() {
    var bench = Bench()
    let uplinkFrames = bench.timeline(3_600_000).filter { [Bench.uplink, Bench.metadata].contains($0.frame.port) }
    #expect(uplinkFrames.isEmpty)
    let asked = bench.receive(.local, Self.solicitRouter(from: .linkLocal(Bench.uplinkMAC)), from: Bench.uplink)
    #expect(asked == [.drop(Bench.nic, .notAnswered)])
  }
}
