import Gateway
import Net
import Switching
import Testing
import Wire

/// Two servers, an uplink and the metadata service around a router; frames in, verdicts and edited frames out.
private final class RouterRig {
  static let ours = MACAddress(0x0600_0000_0001)
  static let web1MAC: UInt64 = 0x0200_0000_0011
  static let (web1, web2, uplink, metadata) = (PortIndex(1), PortIndex(4), PortIndex(100), PortIndex(101))
  static let exitOfBoth = uplink

  var router = Router(portLimit: 128)

  init() {
    var change = RoutingChange()
    change.pools = [
      IPPrefix(v4: 0xC612_0000, length: 15), IPPrefix(v4: 0x0A40_0000, length: 12),
      IPPrefix(IPAddress(v6: 0x2001_0db8 << 96), length: 32),
    ]
    change.interfaces[Self.web1] = Self.server(0, mtu: 1_500)
    change.interfaces[Self.web2] = Self.server(1, mtu: 9_000)
    change.interfaces[Self.uplink] = RoutedInterface(
      kind: .uplink, mac: Self.ours, mtu: 1_500,
      links: [
        .init(gateway: ip("198.19.255.0"), host: ip("198.19.255.1"), isPublic: true),
        .init(gateway: ip6(0xFFFF_0000), host: ip6(0xFFFF_0001), isPublic: true),
      ])
    change.interfaces[Self.metadata] = RoutedInterface(
      kind: .metadata, mac: Self.ours, mtu: 1_500,
      links: [.init(gateway: ip("169.254.169.255"), host: ip("169.254.169.254"), isPublic: false)])
    router.apply(change)
    for port in [Self.web1, Self.web2, Self.uplink, Self.metadata] {
      for slot in 0..<3 {
        router.setNeighbour(
          Neighbour(port: port, slot: slot), MACAddress(0x0200_0000_0000 | UInt64(port.value)), watched: false)
      }
    }
  }

  /// 198.18.0.(2n)/31, 10.64.0.(2n)/31, 2001:db8::(2n)/127; the first also an elastic 198.18.31.0/30.
  static func server(_ number: Int, mtu: Int) -> RoutedInterface {
    RoutedInterface(
      kind: .server, mac: ours, mtu: mtu,
      links: [
        .init(gateway: ip("198.18.0.\(2 * number)"), host: ip("198.18.0.\(2 * number + 1)"), isPublic: true),
        .init(gateway: ip("10.64.0.\(2 * number)"), host: ip("10.64.0.\(2 * number + 1)"), isPublic: false),
        .init(gateway: ip6(UInt64(2 * number)), host: ip6(UInt64(2 * number + 1)), isPublic: true),
      ],
      blocks: number == 0 ? [.init(prefix: IPPrefix(ip("198.18.31.0"), length: 30), link: 0)] : [], exit: exitOfBoth)
  }

  func apply(_ change: RoutingChange) { router.apply(change) }
  func watch(_ neighbour: Neighbour) { router.watch(neighbour) }
  func setNeighbour(_ neighbour: Neighbour, _ mac: UInt64?, watched: Bool = false) {
    router.setNeighbour(neighbour, mac.map { MACAddress($0) }, watched: watched)
  }

  /// The verdict, and the frame as it is afterwards.
  @discardableResult
  func route(_ frame: [UInt8], from port: PortIndex = web1, virtio: [UInt8] = .init(repeating: 0, count: 12))
    -> (verdict: RouteVerdict, frame: [UInt8])
  {
    var memory = [UInt8](repeating: 0, count: 4) + virtio + frame
    var after: [UInt8] = []
    let verdict = unsafe memory.withUnsafeMutableBytes { bytes -> RouteVerdict in
      var buffer = unsafe FrameBuffer(start: bytes.baseAddress! + 4, count: frame.count)
      guard case .header(let header) = buffer.decode() else { return .drop(.runt) }
      let verdict = router.route(&buffer, header, packetSize: buffer.packetSize(header), from: port)
      after = unsafe Array(UnsafeRawBufferPointer(start: buffer.start + 12, count: buffer.count))
      return verdict
    }
    return (verdict, after)
  }
}

private func ip(_ text: String) -> IPAddress {
  IPAddress(v4: text.split(separator: ".").reduce(0) { $0 << 8 | UInt32($1)! })
}
private func ip6(_ low: UInt64) -> IPAddress { IPAddress(high: 0x2001_0db8_0000_0000, low: low) }
private func octets(_ mac: UInt64) -> [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: mac >> UInt64(40 - 8 * $0)) } }
private func octets(_ address: IPAddress) -> [UInt8] {
  let all = (0..<8).flatMap { [UInt8(address.group($0) >> 8), UInt8(address.group($0) & 0xFF)] }
  return address.isV4 ? Array(all.suffix(4)) : all
}

/// A frame with an IPv4 or IPv6 packet.
private struct Packet {
  var to = RouterRig.ours.value
  var from = RouterRig.web1MAC
  var source: IPAddress
  var destination: IPAddress
  var ttl: UInt8 = 64
  var number: UInt8 = 17
  var flags: UInt16 = 0x4000
  var options: [UInt8] = []
  var payload: [UInt8] = [0x30, 0x39, 0x27, 0x0F, 0, 8, 0, 0]
  var padding = 0
  var breakChecksum = false

  init(_ source: IPAddress, _ destination: IPAddress) { (self.source, self.destination) = (source, destination) }
  init(_ source: String, _ destination: String) { self.init(ip(source), ip(destination)) }

  func with(_ change: (inout Packet) -> Void) -> Packet {
    var copy = self
    change(&copy)
    return copy
  }

  var bytes: [UInt8] {
    let link = octets(to) + octets(from) + (source.isV4 ? [0x08, 0x00] : [0x86, 0xDD])
    guard source.isV4 else {
      return link + [0x60, 0, 0, 0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), number, ttl]
        + octets(source)
        + octets(destination) + payload
    }
    let size = 20 + options.count + payload.count
    var header: [UInt8] =
      [
        0x45 + UInt8(options.count / 4), 0, UInt8(size >> 8), UInt8(size & 0xFF), 0, 7, UInt8(flags >> 8),
        UInt8(flags & 0xFF), ttl, number, 0, 0,
      ] + octets(source) + octets(destination) + options
    let checksum = InternetChecksum.finish(InternetChecksum.sum(header)) ^ (breakChecksum ? 1 : 0)
    (header[10], header[11]) = (UInt8(checksum >> 8), UInt8(checksum & 0xFF))
    return link + header + payload + [UInt8](repeating: 0, count: padding)
  }
}

private struct RefusedCase: Sendable, CustomTestStringConvertible {
  let name: String
  let reason: DropReason
  let packet: Packet
  var port = RouterRig.web1
  var testDescription: String { name }

  private static let good = Packet("198.18.0.1", "198.18.0.3")
  private static let good6 = Packet(ip6(1), ip6(3))

  static let all: [RefusedCase] = [
    .init(
      name: "RFC 1812 5.3.4: unicast to another MAC address", reason: .notForGateway,
      packet: good.with { $0.to = 0x0200_0000_00FF }),
    .init(
      name: "RFC 1812 5.3.4: unicast packet to the broadcast MAC address", reason: .notForGateway,
      packet: good.with { $0.to = 0xFFFF_FFFF_FFFF }),
    .init(
      name: "a source MAC address that is a group", reason: .invalidSource,
      packet: good.with { $0.from = 0x0300_0000_0001 }),
    .init(
      name: "RFC 1812 5.2.2: a wrong header checksum", reason: .badChecksum,
      packet: good.with { $0.breakChecksum = true }),
    .init(
      name: "RFC 3704 2.2: another server's address", reason: .spoofedSource, packet: Packet("198.18.0.3", "198.18.0.5")
    ),
    .init(
      name: "RFC 3704 2.2: the gateway's own address", reason: .spoofedSource,
      packet: Packet("198.18.0.0", "198.18.0.3")),
    .init(
      name: "RFC 3704 2.2: an unassigned address of the pool", reason: .spoofedSource,
      packet: Packet("198.18.0.77", "198.18.0.3")),
    .init(
      name: "RFC 3704 2.2: an address of the Internet", reason: .spoofedSource, packet: Packet("8.8.8.8", "198.18.0.3")),
    .init(
      name: "RFC 3704 2.2: the metadata service's address", reason: .linkLocal,
      packet: Packet("169.254.169.254", "198.18.0.3")),
    .init(
      name: "RFC 1812 5.3.7: source equal to destination", reason: .martian, packet: Packet("198.18.0.1", "198.18.0.1")),
    .init(name: "RFC 1812 5.3.7: loopback source", reason: .martian, packet: Packet("127.0.0.1", "198.18.0.3")),
    .init(name: "RFC 1812 5.3.7: loopback destination", reason: .martian, packet: Packet("198.18.0.1", "127.0.0.1")),
    .init(name: "RFC 1812 4.2.2.11: source in 0/8", reason: .martian, packet: Packet("0.1.2.3", "198.18.0.3")),
    .init(name: "RFC 1812 4.2.2.11: destination in 0/8", reason: .martian, packet: Packet("198.18.0.1", "0.0.0.0")),
    .init(name: "class E source", reason: .classE, packet: Packet("240.0.0.1", "198.18.0.3")),
    .init(name: "class E destination", reason: .classE, packet: Packet("198.18.0.1", "250.1.2.3")),
    .init(name: "multicast source", reason: .multicast, packet: Packet("224.0.0.5", "198.18.0.3")),
    .init(
      name: "multicast destination", reason: .multicast,
      packet: Packet("198.18.0.1", "239.1.2.3").with { $0.to = 0x0100_5E01_0203 }),
    .init(
      name: "limited broadcast that is not DHCP", reason: .multicast,
      packet: Packet("198.18.0.1", "255.255.255.255").with { $0.to = 0xFFFF_FFFF_FFFF }),
    .init(name: "RFC 3927 7: link-local source", reason: .linkLocal, packet: Packet("169.254.1.2", "198.18.0.3")),
    .init(name: "RFC 3927 7: link-local destination", reason: .linkLocal, packet: Packet("198.18.0.1", "169.254.1.2")),
    .init(
      name: "RFC 3927 7: the metadata service is not for the uplink", reason: .linkLocal,
      packet: Packet("8.8.8.8", "169.254.169.254"), port: RouterRig.uplink),
    .init(
      name: "RFC 3704: a server's address comes in by the uplink", reason: .spoofedSource,
      packet: Packet("198.18.0.1", "198.18.0.3"), port: RouterRig.uplink),
    .init(
      name: "RFC 3704: a pool's address comes in by the uplink", reason: .spoofedSource,
      packet: Packet("198.18.9.1", "198.18.0.3"), port: RouterRig.uplink),
    .init(name: "a port without an interface", reason: .noGateway, packet: good, port: PortIndex(50)),
    .init(
      name: "RFC 791: a source route that ends with us and goes on", reason: .sourceRoute,
      packet: Packet("198.18.0.1", "198.18.0.0").with { $0.options = [131, 7, 4, 8, 8, 8, 8, 0] }),
    .init(
      name: "RFC 4291 2.7: IPv6 multicast source", reason: .multicast,
      packet: Packet(IPAddress(high: 0xFF02 << 48, low: 1), ip6(3))),
    .init(name: "RFC 4291 2.5.3: ::1 as source", reason: .martian, packet: Packet(IPAddress(high: 0, low: 1), ip6(3))),
    .init(
      name: "RFC 4291 2.5.2: :: as source of a unicast packet", reason: .martian,
      packet: Packet(IPAddress(high: 0, low: 0), ip6(3))),
    .init(
      name: "RFC 4291 2.5.3: ::1 as destination", reason: .martian, packet: Packet(ip6(1), IPAddress(high: 0, low: 1))),
    .init(
      name: "RFC 4291 2.5.6: fe80 does not cross a router", reason: .linkLocal,
      packet: Packet(IPAddress(high: 0xFE80 << 48, low: 9), ip6(3))),
    .init(
      name: "RFC 4291 2.5.6: nor does it on the way to one", reason: .linkLocal,
      packet: Packet(ip6(1), IPAddress(high: 0xFE80 << 48, low: 9))),
    .init(name: "RFC 3704 2.2: another server's IPv6 address", reason: .spoofedSource, packet: Packet(ip6(3), ip6(5))),
    .init(
      name: "a group that nobody routes: MLD reports", reason: .multicast,
      packet: Packet(ip6(1), IPAddress(high: 0xFF02 << 48, low: 0x16)).with {
        $0.to = 0x3333_0000_0016; $0.number = 0
      }),
    .init(
      name: "RFC 5095: a routing header of type 0 to us", reason: .sourceRoute,
      packet: Packet(ip6(1), ip6(0)).with {
        $0.number = 43; $0.payload = [59, 2, 0, 1] + .init(repeating: 0, count: 20)
      }),
  ]
}

@Suite("Router") struct RouterTests {
  private let nobody = Neighbour(index: 0)
  private let web2 = Neighbour(port: RouterRig.web2, slot: 0)

  @Test("drops, each with its reason", arguments: RefusedCase.all)
  fileprivate func refused(_ refused: RefusedCase) {
    #expect(RouterRig().route(refused.packet.bytes, from: refused.port).verdict == .drop(refused.reason))
  }

  @Test(
    "a packet between two servers is forwarded: both MAC addresses, TTL less one, a right checksum, the rest untouched")
  func forwards() {
    let packet = Packet("198.18.0.1", "198.18.0.3")
    let (verdict, after) = RouterRig().route(packet.bytes)
    #expect(verdict == .forward(web2, isWatched: false))
    let expected = packet.with {
      $0.to = 0x0200_0000_0004
      $0.from = RouterRig.ours.value
      $0.ttl = 63
    }
    #expect(after == expected.bytes)
  }

  @Test("RFC 1624: the checksum is right for each TTL", arguments: UInt8(2)...255)
  func checksum(ttl: UInt8) {
    let (_, after) = RouterRig().route(Packet("198.18.0.1", "198.18.0.3").with { $0.ttl = ttl }.bytes)
    #expect(InternetChecksum.sum(after[14..<34]) == 0xFFFF)
    #expect(after[22] == ttl - 1)
  }

  @Test("an IPv6 packet is forwarded with its hop limit less one")
  func forwards6() {
    let packet = Packet(ip6(1), ip6(3))
    let (verdict, after) = RouterRig().route(packet.bytes)
    #expect(verdict == .forward(Neighbour(port: RouterRig.web2, slot: 2), isWatched: false))
    let expected = packet.with {
      $0.to = 0x0200_0000_0004
      $0.from = RouterRig.ours.value
      $0.ttl = 63
    }
    #expect(after == expected.bytes)
  }

  @Test("padding of the link behind the packet does not cross: RFC 894")
  func padding() {
    let packet = Packet("198.18.0.1", "198.18.0.3").with { $0.padding = 18 }
    #expect(RouterRig().route(packet.bytes).frame.count == packet.bytes.count - 18)
  }

  @Test("a private source may go to a private destination, and an elastic one anywhere")
  func otherSources() {
    let rig = RouterRig()
    #expect(
      rig.route(Packet("10.64.0.1", "10.64.0.3").bytes).verdict
        == .forward(Neighbour(port: RouterRig.web2, slot: 1), isWatched: false))
    #expect(rig.route(Packet("198.18.31.3", "198.18.0.3").bytes).verdict == .forward(web2, isWatched: false))
    #expect(rig.route(Packet("198.18.31.4", "198.18.0.3").bytes).verdict == .drop(.spoofedSource))
  }

  @Test("an elastic block goes to its server's public address")
  func elastic() {
    let rig = RouterRig()
    let packet = Packet("198.18.0.3", "198.18.31.2").with { $0.from = 0x0200_0000_0004 }
    #expect(
      rig.route(packet.bytes, from: RouterRig.web2).verdict
        == .forward(Neighbour(port: RouterRig.web1, slot: 0), isWatched: false))
  }

  @Test("what has no route goes by the uplink, to the host's address of its family; from there nothing goes back")
  func uplink() {
    let rig = RouterRig()
    let out = rig.route(Packet("198.18.0.1", "8.8.8.8").bytes)
    #expect(out.verdict == .forward(Neighbour(port: RouterRig.uplink, slot: 0), isWatched: false))
    let out6 = rig.route(Packet(ip6(1), IPAddress(v6: 0x2606_4700 << 96 | 1)).bytes)
    #expect(out6.verdict == .forward(Neighbour(port: RouterRig.uplink, slot: 1), isWatched: false))
    #expect(
      rig.route(Packet("8.8.8.8", "198.18.0.1").bytes, from: RouterRig.uplink).verdict
        == .forward(Neighbour(port: RouterRig.web1, slot: 0), isWatched: false))
    #expect(
      rig.route(Packet("8.8.8.8", "9.9.9.9").bytes, from: RouterRig.uplink).verdict
        == .slow(.noRoute, .error, nobody))
  }

  @Test("an unassigned address of a pool is unreachable, and never goes to the uplink")
  func unassigned() {
    let rig = RouterRig()
    for destination in ["198.18.0.99", "198.19.254.1", "10.79.1.1"] {
      #expect(rig.route(Packet("198.18.0.1", destination).bytes).verdict == .slow(.noRoute, .error, nobody))
    }
    #expect(rig.route(Packet(ip6(1), ip6(0x99)).bytes).verdict == .slow(.noRoute, .error, nobody))
  }

  @Test("the metadata service is reached by its route, and answers")
  func metadata() {
    let rig = RouterRig()
    #expect(
      rig.route(Packet("198.18.0.1", "169.254.169.254").bytes).verdict
        == .forward(Neighbour(port: RouterRig.metadata, slot: 0), isWatched: false))
    #expect(
      rig.route(Packet("169.254.169.254", "198.18.0.1").bytes, from: RouterRig.metadata).verdict
        == .forward(Neighbour(port: RouterRig.web1, slot: 0), isWatched: false))
    #expect(rig.route(Packet("198.18.0.1", "169.254.169.253").bytes).verdict == .drop(.linkLocal))
  }

  @Test("RFC 1812 5.3.1: TTL 2 is forwarded, 1 and 0 are not", arguments: [UInt8(0), 1, 2])
  func hopLimit(ttl: UInt8) {
    let rig = RouterRig()
    let verdict = rig.route(Packet("198.18.0.1", "198.18.0.3").with { $0.ttl = ttl }.bytes).verdict
    #expect(verdict == (ttl < 2 ? .slow(.timeExceeded, .error, nobody) : .forward(web2, isWatched: false)))
    let verdict6 = rig.route(Packet(ip6(1), ip6(3)).with { $0.ttl = ttl }.bytes).verdict
    #expect(ttl >= 2 || verdict6 == .slow(.timeExceeded, .error, nobody))
  }

  @Test("to us whatever its TTL", arguments: [UInt8(0), 1, 64])
  func local(ttl: UInt8) {
    let rig = RouterRig()
    for address in ["198.18.0.0", "10.64.0.0", "198.18.0.2", "198.19.255.0"] {
      let packet = Packet("198.18.0.1", address).with {
        $0.ttl = ttl; $0.number = 1
      }
      let (verdict, after) = rig.route(packet.bytes)
      #expect(verdict == .slow(.local, .local, nobody), "\(address)")
      #expect(after == packet.bytes, "as it came")
    }
  }

  @Test("ARP, neighbour discovery and DHCP go to the link queue")
  func link() {
    let rig = RouterRig()
    let arp = octets(0xFFFF_FFFF_FFFF) + octets(RouterRig.web1MAC) + [8, 6] + [UInt8](repeating: 0, count: 28)
    #expect(rig.route(arp).verdict == .slow(.local, .link, nobody))
    let discover = Packet("0.0.0.0", "255.255.255.255").with {
      $0.to = 0xFFFF_FFFF_FFFF
      $0.payload = [0, 68, 0, 67, 0, 8, 0, 0]
    }
    #expect(rig.route(discover.bytes).verdict == .slow(.local, .link, nobody))
    #expect(rig.route(discover.bytes, from: RouterRig.uplink).verdict == .drop(.martian), "DHCP is for servers")
    // RFC 2131 4.3.2, REBINDING: from the address that the client had, which may have become another's.
    for (source, verdict) in [
      ("198.18.0.1", .slow(.local, .link, nobody)), ("198.18.0.77", .slow(.local, .link, nobody)),
      ("127.0.0.1", .drop(.martian)), ("169.254.1.1", .drop(.linkLocal)), ("255.255.255.255", .drop(.classE)),
    ] as [(String, RouteVerdict)] {
      let rebinding = Packet(source, "255.255.255.255").with {
        $0.to = 0xFFFF_FFFF_FFFF
        $0.payload = [0, 68, 0, 67, 0, 8, 0, 0]
      }
      #expect(rig.route(rebinding.bytes).verdict == verdict, "\(source)")
    }
    let solicitation = Packet(IPAddress(high: 0xFE80 << 48, low: 5), IPAddress(high: 0xFF02 << 48, low: 0x1_FF00_0000))
      .with {
        $0.to = 0x3333_FF00_0000
        $0.number = 58
        $0.ttl = 255
      }
    #expect(rig.route(solicitation.bytes).verdict == .slow(.local, .link, nobody))
    let router = Packet(IPAddress(high: 0, low: 0), IPAddress(high: 0xFF02 << 48, low: 2)).with {
      $0.to = 0x3333_0000_0002
      $0.number = 58
      $0.ttl = 255
    }
    #expect(rig.route(router.bytes).verdict == .slow(.local, .link, nobody))
  }

  @Test("RFC 1191: too big for the next link, from both sides of its MTU")
  func tooBig() {
    let rig = RouterRig()
    func packet(_ size: Int, flags: UInt16) -> [UInt8] {
      Packet("198.18.0.3", "198.18.0.1").with {
        $0.payload = .init(repeating: 7, count: size - 20)
        $0.flags = flags
      }.bytes
    }
    let web1 = Neighbour(port: RouterRig.web1, slot: 0)
    #expect(rig.route(packet(1_500, flags: 0x4000), from: RouterRig.web2).verdict == .forward(web1, isWatched: false))
    let refused = rig.route(packet(1_501, flags: 0x4000), from: RouterRig.web2)
    #expect(refused.verdict == .slow(.tooBig, .error, web1))
    #expect(refused.frame == packet(1_501, flags: 0x4000), "as it came")
    let cut = rig.route(packet(1_501, flags: 0), from: RouterRig.web2)
    #expect(cut.verdict == .slow(.fragment, .transit, web1))
    #expect(cut.frame[22] == 63, "ready to be sent but for its size")
    let large = rig.route(packet(9_001, flags: 0), from: RouterRig.web2)
    #expect(
      large.verdict == .slow(.fragment, .transit, web1), "what the sender's own interface is set to plays no part")
    rig.router.setMTU(1_400, of: RouterRig.web1)
    #expect(
      rig.route(packet(1_401, flags: 0x4000), from: RouterRig.web2).verdict == .slow(.tooBig, .error, web1))
    rig.router.setMTU(9_000, of: PortIndex(77))
  }

  @Test("RFC 791 3.1: nobody cuts for a link that takes less than 576 bytes; what fits it is sent")
  func leastMTU() {
    let rig = RouterRig()
    func packet(_ size: Int) -> [UInt8] {
      Packet("198.18.0.3", "198.18.0.1").with {
        $0.payload = .init(repeating: 7, count: size - 20)
        $0.flags = 0
      }.bytes
    }
    let web1 = Neighbour(port: RouterRig.web1, slot: 0)
    rig.router.setMTU(576, of: RouterRig.web1)
    #expect(rig.route(packet(577), from: RouterRig.web2).verdict == .slow(.fragment, .transit, web1))
    for mtu in [575, 68] {
      rig.router.setMTU(mtu, of: RouterRig.web1)
      let refused = rig.route(packet(mtu + 1), from: RouterRig.web2)
      #expect(refused.verdict == .slow(.tooBig, .error, web1))
      #expect(refused.frame == packet(mtu + 1), "as it came")
      #expect(rig.route(packet(mtu), from: RouterRig.web2).verdict == .forward(web1, isWatched: false))
    }
  }

  @Test("a super-frame is judged by its segments, and its virtio header stays as it is")
  func superFrame() {
    let rig = RouterRig()
    var tcp = [UInt8](repeating: 0, count: 20 + 30_000)
    tcp[12] = 0x50
    let frame = Packet("198.18.0.3", "198.18.0.1").with {
      $0.number = 6
      $0.payload = tcp
    }.bytes
    func header(_ segment: UInt16) -> [UInt8] {
      [1, 1, 54, 0, UInt8(segment & 0xFF), UInt8(segment >> 8), 34, 0, 16, 0, 0, 0]
    }
    let web1 = Neighbour(port: RouterRig.web1, slot: 0)
    #expect(rig.route(frame, from: RouterRig.web2, virtio: header(1_460)).verdict == .forward(web1, isWatched: false))
    #expect(rig.route(frame, from: RouterRig.web2, virtio: header(1_461)).verdict == .slow(.tooBig, .error, web1))
  }

  @Test(
    "a neighbour without a MAC address: the packet goes to the slow path, ready but for it; with one that is watched, its use is told once"
  )
  func neighbours() {
    let rig = RouterRig()
    let frame = Packet("198.18.0.1", "198.18.0.3").bytes
    rig.setNeighbour(web2, nil)
    let waiting = rig.route(frame)
    #expect(waiting.verdict == .slow(.resolve, .transit, web2))
    #expect(waiting.frame[22] == 63)
    rig.setNeighbour(web2, 0x0200_0000_0077, watched: true)
    #expect(rig.route(frame).verdict == .forward(web2, isWatched: true))
    let again = rig.route(frame)
    #expect(again.verdict == .forward(web2, isWatched: false))
    #expect(Array(again.frame[0..<6]) == octets(0x0200_0000_0077))
    rig.watch(web2)
    #expect(rig.route(frame).verdict == .forward(web2, isWatched: true), "nobody had heard of it")
    rig.setNeighbour(web2, nil)
    rig.watch(web2)
    #expect(rig.route(frame).verdict == .slow(.resolve, .transit, web2), "what is not known is not watched")
  }

  @Test(
    "an interface that has gone takes its routes, and what is known of its neighbours; a word about them that comes late is nothing"
  )
  func leaves() {
    let rig = RouterRig()
    var change = RoutingChange()
    change.interfaces.updateValue(nil, forKey: RouterRig.web2)
    rig.apply(change)
    rig.setNeighbour(web2, 0x0200_0000_0077)
    let frame = Packet("198.18.0.1", "198.18.0.3").bytes
    #expect(rig.route(frame).verdict == .slow(.noRoute, .error, nobody))
    #expect(rig.route(frame, from: RouterRig.web2).verdict == .drop(.noGateway))
    change.interfaces[RouterRig.web2] = RouterRig.server(1, mtu: 9_000)
    rig.apply(change)
    #expect(rig.route(frame).verdict == .slow(.resolve, .transit, web2))
  }

  @Test("a change that leaves a link as it is keeps its neighbour; one that changes it does not")
  func keeps() {
    let rig = RouterRig()
    let frame = Packet("198.18.0.1", "198.18.0.3").bytes
    var program = RouterRig.server(1, mtu: 1_500)
    program.blocks = [.init(prefix: IPPrefix(ip("198.18.31.8"), length: 29), link: 0)]
    var change = RoutingChange()
    change.interfaces[RouterRig.web2] = program
    rig.apply(change)
    #expect(rig.route(frame).verdict == .forward(web2, isWatched: false))
    program.links[0] = .init(gateway: ip("198.18.0.8"), host: ip("198.18.0.9"), isPublic: true)
    change.interfaces[RouterRig.web2] = program
    rig.apply(change)
    #expect(rig.route(frame).verdict == .slow(.noRoute, .error, nobody))
    #expect(rig.route(Packet("198.18.0.1", "198.18.0.9").bytes).verdict == .slow(.resolve, .transit, web2))
  }

  @Test("never traps and never forwards what it may not, on 200 000 mutated packets", arguments: [UInt64(1), 2])
  func fuzz(seed: UInt64) {
    var dice = Dice(seed: seed)
    let rig = RouterRig()
    let seeds =
      RefusedCase.all.map(\.packet.bytes) + [
        Packet("198.18.0.1", "198.18.0.3").bytes, Packet(ip6(1), ip6(3)).bytes,
        Packet("198.18.0.1", "198.18.0.0").bytes,
        Packet("198.18.0.1", "198.18.0.0").with { $0.options = [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0] }.bytes,
      ]
    for step in 0..<100_000 {
      var frame = seeds[dice.below(seeds.count)]
      for _ in 0..<dice.below(4) { frame[dice.below(frame.count)] = UInt8(dice.below(256)) }
      if dice.below(3) == 0 { frame.removeLast(dice.below(frame.count - 13)) }
      // A right checksum lets more through.
      if frame.count >= 34, dice.below(2) == 0 {
        let end = min(14 + Int(frame[14] & 0xF) * 4, frame.count)
        if end >= 34 {
          (frame[24], frame[25]) = (0, 0)
          let checksum = InternetChecksum.finish(InternetChecksum.sum(frame[14..<end]))
          (frame[24], frame[25]) = (UInt8(checksum >> 8), UInt8(checksum & 0xFF))
        }
      }
      let (verdict, after) = rig.route(frame)
      guard case .forward = verdict else { continue }
      let source = Array(after[26..<30])
      if after[12] == 8 {
        #expect(
          source == [198, 18, 0, 1] || source == [10, 64, 0, 1] || (source[0..<3] == [198, 18, 31] && source[3] < 4),
          "seed \(seed), step \(step)")
        #expect(InternetChecksum.sum(after[14..<14 + Int(after[14] & 0xF) * 4]) == 0xFFFF, "seed \(seed), step \(step)")
      } else {
        #expect(Array(after[22..<38]) == octets(ip6(1)), "seed \(seed), step \(step)")
      }
    }
  }
}
