import Gateway
import Glibc
import Host
import Net
import Switching
import Testing
import Wire

@testable import Dataplane

/// Two routed ports over cables, each with a machine at its end that knows ARP.
private final class RoutedLab {
  let lab: Lab
  static let gateway = MACAddress(0x0600_0000_0001)

  /// `others`: ports beside the two. `tagged`: domains that port 1 carries beside what is routed.
  init(tagged: [DomainIndex] = [], others: [PortProgram.Role] = []) async throws {
    lab = try await Lab([.routed(tagged: tagged), .routed(tagged: [])] + others)
    for number in 0..<2 { await lab.plane.setMTU(1_500, of: NICIndex(number)) }
    var routing = RoutingChange()
    routing.pools = [IPPrefix(v4: 0xC612_0000, length: 15)]
    for number in 0..<2 {
      routing.interfaces[PortIndex(number + 1)] = Self.interface(number)
    }
    await lab.plane.apply(ForwardingChange(), routing)
  }

  static func interface(_ number: Int) -> RoutedInterface {
    let base = 0xC612_0000 + UInt32(2 * number)
    return RoutedInterface(
      kind: .server, mac: gateway, mtu: 68,
      links: [RoutedInterface.Link(gateway: IPAddress(v4: base), host: IPAddress(v4: base + 1), isPublic: true)])
  }

  static func mac(_ number: Int) -> MACAddress { MACAddress(0x0200_0000_0010 + UInt64(number)) }
  static func host(_ number: Int) -> [UInt8] { [198, 18, 0, UInt8(2 * number + 1)] }
  static func router(_ number: Int) -> [UInt8] { [198, 18, 0, UInt8(2 * number)] }

  static func octets(_ mac: MACAddress) -> [UInt8] {
    (0..<6).map { UInt8(truncatingIfNeeded: mac.value >> UInt64(40 - 8 * $0)) }
  }

  /// An ARP packet in its frame, RFC 826.
  static func arp(
    _ operation: UInt8, from mac: MACAddress, _ sender: [UInt8], to target: MACAddress, _ asked: [UInt8]
  ) -> [UInt8] {
    let destination = operation == 1 ? MACAddress(0xFFFF_FFFF_FFFF) : target
    return octets(destination) + octets(mac) + [8, 6, 0, 1, 8, 0, 6, 4, 0, operation] + octets(mac) + sender
      + octets(operation == 1 ? MACAddress(0) : target) + asked
  }

  /// A UDP packet from machine 0 to machine 1, `number` in its payload.
  static func packet(_ number: UInt8, ttl: UInt8 = 64, to destination: [UInt8] = host(1)) -> [UInt8] {
    var header: [UInt8] = [0x45, 0, 0, 29, 0, number, 0x40, 0, ttl, 17, 0, 0] + host(0) + destination
    let checksum = InternetChecksum.finish(InternetChecksum.sum(header))
    (header[10], header[11]) = (UInt8(checksum >> 8), UInt8(checksum & 0xFF))
    return octets(gateway) + octets(mac(0)) + [8, 0] + header + [0x12, 0x34, 0x56, 0x78, 0, 9, 0, 0, number]
  }

  /// A packet of `count` bytes from machine 0 to machine 1 that must not be fragmented.
  static func large(_ count: Int) -> [UInt8] {
    var header: [UInt8] =
      [0x45, 0, UInt8(count >> 8), UInt8(count & 255), 0, 1, 0x40, 0, 64, 17, 0, 0] + host(0) + host(1)
    let checksum = InternetChecksum.finish(InternetChecksum.sum(header))
    (header[10], header[11]) = (UInt8(checksum >> 8), UInt8(checksum & 0xFF))
    return octets(gateway) + octets(mac(0)) + [8, 0] + header + [UInt8](repeating: 5, count: count - 20)
  }

  /// The same packet as machine 1 receives it.
  static func routed(_ number: UInt8) -> [UInt8] {
    octets(mac(1)) + octets(gateway) + packet(number, ttl: 63).dropFirst(12)
  }

  /// The next frame at machine `number` that is no router advertisement.
  func frame(at number: Int) -> [UInt8]? {
    while let frame = lab.cables[number].frame() {
      if frame[12...13] != [0x86, 0xDD] { return frame }
    }
    return nil
  }
}

@Suite("Routed ports, end to end over cables") struct RoutedTests {
  @Test("RFC 826: the gateway answers ARP for its own address and for no other")
  func arp() async throws {
    let lab = try await RoutedLab()
    let (me, ip) = (RoutedLab.mac(0), RoutedLab.host(0))
    for stranger: [UInt8] in [RoutedLab.host(1), RoutedLab.router(1), [8, 8, 8, 8], ip] {
      lab.lab.cables[0].send(RoutedLab.arp(1, from: me, ip, to: me, stranger))
    }
    lab.lab.cables[0].send(RoutedLab.arp(1, from: me, ip, to: me, RoutedLab.router(0)))
    #expect(lab.frame(at: 0) == RoutedLab.arp(2, from: RoutedLab.gateway, RoutedLab.router(0), to: me, ip))
    await lab.lab.plane.stop()
  }

  @Test("the first packet waits for the neighbour's answer, the next go the short way, and the neighbour is listed")
  func resolves() async throws {
    let lab = try await RoutedLab()
    lab.lab.cables[0].send(RoutedLab.packet(1))
    let question = try #require(lab.frame(at: 1))
    #expect(
      question
        == RoutedLab.arp(
          1, from: RoutedLab.gateway, RoutedLab.router(1), to: MACAddress(0), RoutedLab.host(1)))
    lab.lab.cables[1].send(
      RoutedLab.arp(2, from: RoutedLab.mac(1), RoutedLab.host(1), to: RoutedLab.gateway, RoutedLab.router(1)))
    #expect(lab.frame(at: 1) == RoutedLab.routed(1))
    let neighbours = await lab.lab.plane.neighbours()
    #expect(neighbours.map(\.mac) == [RoutedLab.mac(1)])
    #expect(neighbours.map(\.state) == [.reachable])
    let before = lab.lab.plane.counters(of: NICIndex(1)).txPackets
    for number in UInt8(2)...50 { lab.lab.cables[0].send(RoutedLab.packet(number)) }
    for number in UInt8(2)...50 { #expect(lab.frame(at: 1) == RoutedLab.routed(number)) }
    #expect(lab.lab.plane.counters(of: NICIndex(1)).txPackets == before + 49)
    await lab.lab.plane.stop()
  }

  @Test("VLANs beside a routed port: a tag decides, and neither side hears of the other's frames")
  func hybridBonded() async throws {
    let lab = try await RoutedLab(
      tagged: [DomainIndex(1)], others: [.switched(untagged: DomainIndex(1), tagged: [])])
    let (machine, vlan) = (lab.lab.cables[0], lab.lab.cables[2])
    func note(from number: Int, tag: [UInt8], _ text: UInt8) -> [UInt8] {
      [255, 255, 255, 255, 255, 255] + RoutedLab.octets(RoutedLab.mac(number)) + tag + [0x88, 0xB5]
        + [UInt8](repeating: text, count: 46)
    }
    let vid: [UInt8] = [0x81, 0, 0x03, 0xE9]
    // Untagged is routed: an ARP request is answered by the gateway, a broadcast goes nowhere.
    let (me, ip) = (RoutedLab.mac(0), RoutedLab.host(0))
    machine.send(note(from: 0, tag: [], 1))
    machine.send(RoutedLab.arp(1, from: me, ip, to: me, RoutedLab.router(0)))
    #expect(lab.frame(at: 0) == RoutedLab.arp(2, from: RoutedLab.gateway, RoutedLab.router(0), to: me, ip))
    // Tagged is switched: the first that the VLAN hears is this. The same MAC address, and no ARP answer in the VLAN.
    machine.send(note(from: 0, tag: vid, 2))
    #expect(vlan.frame() == note(from: 0, tag: [], 2))
    vlan.send(RoutedLab.arp(1, from: RoutedLab.mac(7), ip, to: RoutedLab.mac(7), RoutedLab.router(0)))
    let question = RoutedLab.arp(1, from: RoutedLab.mac(7), ip, to: RoutedLab.mac(7), RoutedLab.router(0))
    #expect(lab.frame(at: 0) == Array(question[..<12]) + vid + Array(question[12...]))
    // The next packet to the machine by the gateway is untagged.
    lab.lab.cables[1].send(RoutedLab.arp(1, from: RoutedLab.mac(1), RoutedLab.host(1), to: me, RoutedLab.router(1)))
    _ = lab.frame(at: 1)
    machine.send(RoutedLab.packet(9))
    #expect(lab.frame(at: 1) == RoutedLab.routed(9))
    await lab.lab.plane.stop()
    #expect(vlan.drain().isEmpty)
    #expect(lab.lab.cables[1].drain().allSatisfy { $0[12...13] == [0x86, 0xDD] || $0[12...13] == [8, 6] })
  }

  @Test("what the tables have of ports and interfaces is read back")
  func states() async throws {
    let lab = try await RoutedLab(tagged: [DomainIndex(2)], others: [.dark])
    let ports = await lab.lab.plane.ports()
    #expect(ports.map(\.port.value) == [1, 2, 3])
    #expect(ports.map(\.role) == [.routed, .routed, .dark])
    #expect(ports[0].tagged.map(\.vid) == [1_002])
    #expect(ports.map(\.mtu) == [1_500, 1_500, 9_000], "what the NICs are set to")
    #expect(ports.allSatisfy { $0.faults.isEmpty && $0.members == [NICIndex($0.port.value - 1)] })
    let interfaces = await lab.lab.plane.interfaces()
    #expect(interfaces.keys.map(\.value).sorted() == [1, 2])
    #expect(interfaces[PortIndex(2)]?.prefixes.map(\.description) == ["198.18.0.3/32"])
    #expect(interfaces[PortIndex(2)]?.mtu == 1_500)
    var routing = RoutingChange()
    routing.interfaces.updateValue(nil, forKey: PortIndex(2))
    await lab.lab.plane.apply(ForwardingChange(), routing)
    #expect(await lab.lab.plane.interfaces().keys.map(\.value) == [1])
    await lab.lab.plane.stop()
  }

  @Test(
    "RFC 1191: the next link is as large as the receiver's own system has set it, and the sender is told that number")
  func receiversMTU() async throws {
    let lab = try await RoutedLab()
    lab.lab.cables[1].send(
      RoutedLab.arp(1, from: RoutedLab.mac(1), RoutedLab.host(1), to: RoutedLab.mac(1), RoutedLab.router(1)))
    _ = lab.frame(at: 1)
    for mtu in [1_400, 2_000, 9_000, 1_300] {
      await lab.lab.plane.setMTU(mtu, of: NICIndex(1))
      #expect(await lab.lab.plane.interfaces()[PortIndex(2)]?.mtu == mtu)
      lab.lab.cables[0].send(RoutedLab.large(mtu))
      #expect(lab.frame(at: 1)?.count == 14 + mtu)
      lab.lab.cables[0].send(RoutedLab.large(mtu + 1))
      let answer = try #require(lab.frame(at: 0))
      #expect(Array(answer[34..<36]) == [3, 4], "fragmentation needed")
      #expect(Array(answer[40..<42]) == [UInt8(mtu >> 8), UInt8(mtu & 255)])
    }
    await lab.lab.plane.stop()
  }

  @Test("a virtio header that would rewrite addresses behind the source check is dropped and counted where it came in")
  func forgedOffload() async throws {
    let lab = try await RoutedLab()
    let forged: [(UInt8, UInt8)] = [(26, 0), (20, 6), (14, 16), (34, 2)]
    for (start, offset) in forged {
      lab.lab.cables[0].send(RoutedLab.packet(1), header: [1, 0, 0, 0, 0, 0, start, 0, offset, 0, 0, 0])
    }
    lab.lab.cables[0].send(RoutedLab.packet(2), header: [1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0])
    _ = try #require(lab.frame(at: 1), "the question for whom the sound one is")
    #expect(lab.lab.plane.counters(of: NICIndex(0)).drops == ["bad-offload": 4])
    await lab.lab.plane.stop()
  }

  @Test("RFC 792: time exceeded, from the gateway's address; and nothing more when the interface has gone")
  func timeExceeded() async throws {
    let lab = try await RoutedLab()
    lab.lab.cables[0].send(RoutedLab.packet(1, ttl: 1))
    let answer = try #require(lab.frame(at: 0))
    #expect(Array(answer[26..<30]) == RoutedLab.router(0))
    #expect(Array(answer[34..<36]) == [11, 0])
    #expect(Array(answer[42..<42 + 29]) == Array(RoutedLab.packet(1, ttl: 1).dropFirst(14)))

    var routing = RoutingChange()
    routing.interfaces.updateValue(nil, forKey: PortIndex(1))
    await lab.lab.plane.apply(ForwardingChange(), routing)
    _ = lab.lab.cables[0].drain()
    lab.lab.cables[0].send(RoutedLab.packet(2, ttl: 1))
    while lab.lab.plane.counters(of: NICIndex(0)).drops["no-gateway"] != 1 {}
    #expect(lab.lab.cables[0].drain().isEmpty)
    await lab.lab.plane.stop()
  }

  @Test("a server that floods the gateway hurts itself alone: what is too much is counted, and another is answered")
  func flood() async throws {
    let lab = try await RoutedLab()
    for number in 0..<3_000 {
      lab.lab.cables[0].send(RoutedLab.packet(UInt8(number & 0xFF), to: [198, 18, 9, 9]))
      if number % 16 == 0 { _ = lab.lab.cables[0].drain() }
    }
    while lab.lab.plane.counters(of: NICIndex(0)).rxPackets < 3_000 {}
    let drops = lab.lab.plane.counters(of: NICIndex(0)).drops
    #expect(drops["gateway-busy", default: 0] > 1_000)
    let (me, ip) = (RoutedLab.mac(1), RoutedLab.host(1))
    lab.lab.cables[1].send(RoutedLab.arp(1, from: me, ip, to: me, RoutedLab.router(1)))
    #expect(lab.frame(at: 1) == RoutedLab.arp(2, from: RoutedLab.gateway, RoutedLab.router(1), to: me, ip))
    await lab.lab.plane.stop()
  }
}

@Suite("Packet limits") struct PacketLimitsTests {
  @Test("a NIC has so many frames of the slow path at once, whatever packets they come of, and a second fills it again")
  func pieces() {
    var limits = PacketLimits(nics: 4)
    let nic = NICIndex(2)
    var frames = 0
    for step in 0..<10_000 {
      let cost = 1 + step % 187
      if limits.allows(nic, .transit, at: 1_000, cost: cost) { frames += cost }
    }
    #expect(frames == 10_000)
    #expect(limits.allows(nic, .transit, at: 1_000) == false)
    #expect(limits.allows(NICIndex(1), .transit, at: 1_000, cost: 187) == true, "each has its own")
    #expect(limits.allows(nic, .local, at: 1_000) == true, "each class has its own")
    #expect(limits.allows(nic, .transit, at: 2_000, cost: 10_000) == true)
    #expect(limits.allows(nic, .transit, at: .max, cost: .max) == false)
    #expect(limits.allows(nic, .transit, at: .max, cost: 10_001) == false)
  }

  @Test("who floods has its share evenly, and is never cut off for long", arguments: SlowClass.allCases)
  func evenly(_ queue: SlowClass) {
    var limits = PacketLimits(nics: 1)
    let nic = NICIndex(0)
    // One that came in the first milliseconds would be the last of its second, if seconds were counted.
    for _ in 0..<20_000 { _ = limits.allows(nic, queue, at: 5_003) }
    var allowed: [Int] = []
    for tenth in 1...30 {
      var taken = 0
      for packet in 0..<2_000 {
        let now = 5_003 + UInt64(tenth - 1) * 100 + UInt64(packet / 20)
        if limits.allows(nic, queue, at: now) { taken += 1 }
      }
      allowed.append(taken)
    }
    let expected = [SlowClass.link: 20, .local: 300, .error: 50, .transit: 1_000][queue]!
    #expect(allowed.allSatisfy { abs($0 - expected) <= 1 + expected / 50 }, "\(allowed)")
  }

  @Test("a turn of a class ends after 64 frames, or 64 packets of which none comes")
  func share() {
    for frames in [0, 1, 16, 187] {
      var share = SlowShare()
      var packets = 0
      while !share.isOver {
        share.take(frames: frames)
        packets += 1
      }
      #expect(packets == [0: 64, 1: 64, 16: 4, 187: 1][frames])
    }
  }
}

@Suite("Packet queue") struct PacketQueueTests {
  @Test("what goes in comes out, in order, around the end of the ring; full, it says so", arguments: [UInt64(1), 2, 3])
  func model(seed: UInt64) {
    var state = seed
    func roll(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    let queue = PacketQueue(capacity: 8_192)
    var waiting: [[UInt8]] = []
    var refused = 0
    for step in 0..<20_000 {
      if roll(2) == 0 {
        let count = roll(1_500)
        var bytes = [UInt8](repeating: UInt8(step & 0xFF), count: 12 + count)
        let taken = unsafe bytes.withUnsafeMutableBytes { memory in
          unsafe queue.push(
            .resolve, FrameBuffer(start: memory.baseAddress!, count: count), ingress: PortIndex(step & 0xFFF),
            nic: NICIndex(step & 0xFF), neighbour: Neighbour(index: step))
        }
        if taken { waiting.append(bytes) } else { refused += 1 }
        let held = waiting.reduce(0) { $0 + ($1.count + 16 + 15) & ~15 }
        #expect(taken || held + 16 + 12 + 1_500 + 15 > 8_192 / 2, "seed \(seed), step \(step): refused with room")
      } else {
        let packet = queue.pop()
        #expect(packet?.bytes == waiting.first, "seed \(seed), step \(step)")
        if !waiting.isEmpty { waiting.removeFirst() }
      }
    }
    #expect(refused > 0)
  }

  @Test("of what at most an error answers, the beginning is kept")
  func quoted() {
    let queue = PacketQueue(capacity: 1 << 18)
    var bytes = [UInt8](repeating: 7, count: 12 + 60_000)
    for kind in SlowPacket.Kind.allCases where kind != .used {
      unsafe bytes.withUnsafeMutableBytes { memory in
        _ = unsafe queue.push(
          kind, FrameBuffer(start: memory.baseAddress!, count: 60_000), ingress: PortIndex(1), nic: NICIndex(2),
          neighbour: Neighbour(port: PortIndex(3), slot: 1))
      }
      let packet = queue.pop()
      let isError = kind == .timeExceeded || kind == .noRoute || kind == .tooBig
      #expect(packet?.bytes.count == (isError ? 1_526 : 60_012), "\(kind)")
      #expect(packet?.kind == kind)
      #expect(packet?.ingress == PortIndex(1))
      #expect(packet?.nic == NICIndex(2))
      #expect(packet?.neighbour == Neighbour(port: PortIndex(3), slot: 1))
    }
  }
}
