import Dataplane
import Net
import Ports
import Switching
import Testing
import Wire

private let untagged = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])
private let trunk = PortProgram.Role.switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])
private let second = PortProgram.Role.switched(untagged: DomainIndex(2), tagged: [])

private func mac(_ last: UInt8) -> [UInt8] { [2, 0, 0, 0, 0, last] }
private let everybody: [UInt8] = [255, 255, 255, 255, 255, 255]
private func tag(_ control: UInt16) -> [UInt8] { [0x81, 0, UInt8(control >> 8), UInt8(control & 255)] }
private func payload(_ number: Int, count: Int = 46) -> [UInt8] {
  [0x88, 0xB5, UInt8(number >> 8 & 255), UInt8(number & 255)] + [UInt8](repeating: 7, count: count - 2)
}

@Suite("Forwarding, end to end over cables", .serialized) struct ForwardingTests {
  /// With three workers the first two cables are the first's, the next two the second's.
  static let setups = [Setup(), Setup(mode: .readWrite), Setup(workers: 3)]

  @Test("a flood reaches everybody else once, each in its own form", arguments: setups)
  func flood(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, untagged, trunk, second], setup)
    lab.cables[0].send(everybody + mac(1) + payload(1))
    #expect(lab.cables[1].frame() == everybody + mac(1) + payload(1))
    #expect(lab.cables[2].frame() == everybody + mac(1) + tag(1001) + payload(1))
    lab.cables[2].send(everybody + mac(3) + tag(0x6000 | 1001) + payload(2))
    #expect(lab.cables[0].frame() == everybody + mac(3) + payload(2))
    #expect(lab.cables[1].frame() == everybody + mac(3) + payload(2))
    lab.cables[2].send(everybody + mac(3) + tag(1002) + payload(3))
    #expect(lab.cables[3].frame() == everybody + mac(3) + payload(3), "the first that the other VLAN has heard")
    await lab.plane.stop()
    for cable in lab.cables { #expect(cable.drain() == []) }
  }

  @Test("a conversation goes to its two ports alone, and tags change on the way", arguments: setups)
  func unicast(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, trunk, untagged], setup)
    lab.cables[1].send(everybody + mac(2) + tag(1001) + payload(0))
    _ = (lab.cables[0].frame(), lab.cables[2].frame())
    lab.cables[0].send(mac(2) + mac(1) + payload(1))
    #expect(lab.cables[1].frame() == mac(2) + mac(1) + tag(1001) + payload(1))
    lab.cables[1].send(mac(1) + mac(2) + tag(0xE000 | 1001) + payload(2))
    #expect(lab.cables[0].frame() == mac(1) + mac(2) + payload(2))
    let stations = await lab.plane.stations()
    #expect(Set(stations.map { "\($0.mac.value & 255) \($0.port.value) \($0.domain.value)" }) == ["1 1 1", "2 2 1"])
    await lab.plane.stop()
    #expect(lab.cables[2].drain() == [])
  }

  @Test("a burst arrives whole and in order", arguments: setups)
  func burst(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, trunk], setup)
    for round in 0..<20 {
      for number in 0..<200 { lab.cables[0].send(everybody + mac(1) + payload(round * 200 + number)) }
      for number in 0..<200 {
        #expect(lab.cables[1].frame() == everybody + mac(1) + tag(1001) + payload(round * 200 + number))
      }
    }
    let counters = lab.plane.counters(of: NICIndex(0))
    #expect(counters.rxPackets == 4_000)
    #expect(counters.rxBytes == 4_000 * 60)
    await lab.plane.stop()
    #expect(lab.plane.counters(of: NICIndex(1)).txPackets == 4_000)
    #expect(lab.plane.counters(of: NICIndex(1)).txBytes == 4_000 * 64)
  }

  @Test("the virtio header crosses, moved by the tag", arguments: setups)
  func offloads(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, trunk, untagged], setup)
    // NEEDS_CSUM, TCPv4, hdr_len 66, gso_size 1448, csum_start 34, csum_offset 16.
    let header: [UInt8] = [1, 1, 66, 0, 0xA8, 0x05, 34, 0, 16, 0, 0, 0]
    var packet = [UInt8](repeating: 0, count: 40_000)
    (packet[0], packet[9]) = (0x45, 6)
    packet[34 - 14 + 12] = 0x80
    lab.cables[0].send(everybody + mac(1) + [8, 0] + packet, header: header)
    var moved = header
    moved[2] = 70
    moved[6] = 38
    #expect(lab.cables[1].receive() == moved + everybody + mac(1) + tag(1001) + [8, 0] + packet)
    #expect(lab.cables[2].receive() == header + everybody + mac(1) + [8, 0] + packet)
    await lab.plane.stop()
  }

  @Test("drops are counted with their reason", arguments: setups)
  func drops(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, trunk, .dark, .routed(tagged: [])], setup)
    lab.cables[0].send(everybody + mac(1) + tag(1002) + payload(0))
    lab.cables[0].send([1, 0x80, 0xC2, 0, 0, 0x0E] + mac(1) + payload(0))
    lab.cables[0].send([1, 0x80, 0xC2, 0, 0, 2] + mac(1) + payload(0))
    lab.cables[0].send(everybody + mac(1) + [0x81, 0, 0x0F])
    lab.cables[0].send(everybody + mac(1) + tag(0x0FFF) + payload(0))
    lab.cables[0].send(everybody + [3, 0, 0, 0, 0, 1] + payload(0))
    lab.cables[0].send(everybody + mac(1) + payload(0, count: 9_001))
    lab.cables[1].send(everybody + mac(2) + payload(0))
    lab.cables[2].send(everybody + mac(3) + payload(0))
    lab.cables[3].send(everybody + mac(4) + payload(0))
    lab.cables[1].send(everybody + mac(2) + tag(1002) + payload(0))
    for cable in lab.cables[1...] { cable.send([1, 0x80, 0xC2, 0, 0, 0] + mac(9) + payload(0)) }
    // The last frame of each cable has been dealt with when it is counted: a later letter is behind it.
    while lab.cables.indices.contains(where: { lab.plane.counters(of: NICIndex($0)).rxPackets < [7, 3, 2, 2][$0] }) {
      _ = await lab.plane.stationStatistics()
    }
    await lab.plane.stop()
    #expect(
      lab.plane.counters(of: NICIndex(0)).drops == [
        "vlan-not-allowed": 1, "reserved-address": 1, "slow-protocol": 1, "truncated-tag": 1, "reserved-vlan": 1,
        "invalid-source": 1,
      ])
    #expect(
      lab.plane.counters(of: NICIndex(1)).drops == [
        "untagged-not-allowed": 1, "no-receiver": 1, "reserved-address": 1, "mtu-exceeded": 1,
      ])
    #expect(lab.plane.counters(of: NICIndex(2)).drops == ["no-vlan": 1, "reserved-address": 1])
    #expect(lab.plane.counters(of: NICIndex(3)).drops == ["no-gateway": 1, "reserved-address": 1])
    for cable in lab.cables { #expect(cable.drain() == []) }
  }

  @Test(
    "a frame is as large as its receiver takes, by what its interface is set to, however many tags it has",
    arguments: setups)
  func receiversMTU(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, untagged, trunk], setup)
    await lab.plane.setMTU(1_500, of: NICIndex(1))
    lab.cables[0].send(everybody + mac(1) + payload(1, count: 1_501))
    #expect(lab.cables[2].frame()?.count == 14 + 4 + 1_501, "the other receiver takes it")
    lab.cables[0].send(everybody + mac(1) + payload(2, count: 1_500))
    #expect(lab.cables[1].frame() == everybody + mac(1) + payload(2, count: 1_500), "and the first is this")
    _ = lab.cables[2].frame()
    lab.cables[2].send(everybody + mac(3) + tag(1001) + tag(7) + payload(3, count: 1_500))
    #expect(lab.cables[1].frame() == everybody + mac(3) + tag(7) + payload(3, count: 1_500))
    await lab.plane.setMTU(9_000, of: NICIndex(1))
    lab.cables[0].send(everybody + mac(1) + payload(4, count: 9_000))
    #expect(lab.cables[1].frame() == everybody + mac(1) + payload(4, count: 9_000))
    lab.cables[0].send(everybody + mac(1) + payload(5, count: 9_217))
    lab.cables[0].send(everybody + mac(1) + payload(6))
    #expect(lab.cables[1].frame() == everybody + mac(1) + payload(6))
    await lab.plane.setMTU(1_500, of: NICIndex(63))
    await lab.plane.stop()
    #expect(lab.plane.counters(of: NICIndex(0)).drops == [:], "what its own interface is set to plays no part")
    #expect(lab.plane.counters(of: NICIndex(1)).drops == ["mtu-exceeded": 2])
  }

  @Test("a change is on the wire when apply returns")
  func change() async throws {
    let lab = try await Lab([untagged, untagged])
    for round in 0..<50 {
      var change = ForwardingChange()
      change.ports[PortIndex(2)] = PortProgram(
        members: [NICIndex(1)], role: round % 2 == 0 ? second : untagged)
      await lab.plane.apply(change)
      lab.cables[0].send(everybody + mac(1) + payload(round))
      if round % 2 == 1 { #expect(lab.cables[1].frame() == everybody + mac(1) + payload(round)) }
    }
    await lab.plane.stop()
    #expect(lab.cables[1].drain() == [])
  }

  @Test("a NIC that is taken away gets nothing more, and its place can be used again")
  func detach() async throws {
    let lab = try await Lab([untagged, untagged, untagged])
    await lab.plane.detach(NICIndex(1))
    lab.cables[0].send(everybody + mac(1) + payload(1))
    #expect(lab.cables[2].frame() == everybody + mac(1) + payload(1))
    let replacement = Cable()
    try await lab.plane.attach(replacement.takeTAP(), as: NICIndex(1))
    #expect(lab.plane.counters(of: NICIndex(1)) == NICCounters())
    replacement.send(everybody + mac(2) + payload(2))
    #expect(lab.cables[0].frame() == everybody + mac(2) + payload(2))
    await lab.plane.stop()
  }

  @Test("stations can be listed, filtered and flushed")
  func stations() async throws {
    let lab = try await Lab([untagged, trunk])
    for number in 1...50 { lab.cables[0].send(everybody + mac(UInt8(number)) + payload(number)) }
    for _ in 1...50 { _ = lab.cables[1].frame() }
    lab.cables[1].send(everybody + mac(200) + tag(1002) + payload(0))
    while await lab.plane.stationStatistics().count < 51 {}
    #expect(
      await lab.plane.stations(StationFilter(domains: [DomainIndex(2)])).map(\.mac) == [MACAddress(0x0200_0000_00C8)])
    #expect(await lab.plane.stations(StationFilter(ports: [PortIndex(1)])).count == 50)
    #expect(await lab.plane.flush(StationQuery(domain: DomainIndex(2))) == 1)
    #expect(await lab.plane.flush(StationQuery(ports: [PortIndex(1), PortIndex(2)])) == 50)
    #expect(await lab.plane.stations().isEmpty)
    await lab.plane.stop()
  }

  @Test(
    "random bytes of any length neither trap nor leak, and later traffic is unharmed",
    arguments: [1, 2, 3] as [UInt64], setups)
  func fuzz(_ seed: UInt64, _ setup: Setup) async throws {
    var state = seed
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let lab = try await Lab([untagged, trunk, second], setup)
    for step in 0..<3_000 {
      let count = step % 50 == 0 ? 14 + random(65_536) : 1 + random(1_600)
      var bytes = (0..<count).map { _ in UInt8(random(256)) }
      // Half of them start as frames do, so that they get further than the first check.
      if random(2) == 0, count > 18 {
        bytes.replaceSubrange(0..<6, with: random(2) == 0 ? everybody : mac(UInt8(random(256))))
        bytes.replaceSubrange(6..<12, with: mac(UInt8(random(256))))
        if random(3) > 0 { bytes.replaceSubrange(12..<16, with: tag(UInt16(random(65_536)))) }
      }
      let header = random(2) == 0 ? [UInt8](repeating: 0, count: 12) : (0..<12).map { _ in UInt8(random(256)) }
      // VLAN 1001 only: nothing of it may come out of the port that carries 1002 alone.
      lab.cables[0].send(bytes, header: header)
      if step % 16 == 15 { _ = (lab.cables[1].drain(), lab.cables[0].drain()) }
    }
    lab.cables[0].send(everybody + mac(1) + payload(4_242))
    var last: [UInt8] = []
    while last.suffix(60) != everybody + mac(1) + payload(4_242), let frame = lab.cables[1].frame() {
      last = frame
      if frame.count == 64 { last.removeSubrange(12..<16) }
    }
    #expect(last == everybody + mac(1) + payload(4_242))
    await lab.plane.stop()
    #expect(lab.cables[2].drain() == [])
  }
}
