import Dataplane
import Gateway
import Net
import Switching
import Testing
import Wire

/// What a trace says of a packet on a routed port against what becomes of it on the wire.
@Suite("Traces of routed packets over cables", .serialized) struct RoutedTraceTests {
  private static let ports = 4
  private static let gateway: [UInt8] = [6, 0, 0, 0, 0, 1]

  private static func mac(_ number: Int) -> [UInt8] { [2, 0, 0, 0, 0, 0x10 + UInt8(number)] }
  private static func host(_ number: Int) -> [UInt8] { [198, 18, 0, UInt8(2 * number + 1)] }
  private static func router(_ number: Int) -> [UInt8] { [198, 18, 0, UInt8(2 * number)] }

  private static func rig(workers: Int) async throws -> Lab {
    let lab = try await Lab((0..<ports).map { _ in .routed(tagged: []) }, Setup(workers: workers))
    var routing = RoutingChange()
    routing.pools = [IPPrefix(v4: 0xC612_0000, length: 15)]
    for number in 0..<ports {
      await lab.plane.setMTU(number == 2 ? 1_400 : 1_500, of: NICIndex(number))
      let base = 0xC612_0000 + UInt32(2 * number)
      let link = RoutedInterface.Link(gateway: IPAddress(v4: base), host: IPAddress(v4: base + 1), isPublic: true)
      routing.interfaces[PortIndex(number + 1)] = RoutedInterface(
        kind: .server, mac: MACAddress(0x0600_0000_0001), mtu: 68, links: [link])
    }
    await lab.plane.apply(ForwardingChange(), routing)
    // Each host says who it is.
    for number in 0..<ports { lab.cables[number].send(arp(1, number, router(number))) }
    for number in 0..<ports {
      while await !lab.plane.neighbours().contains(where: { $0.port.value == number + 1 && $0.mac != nil }) {}
    }
    return lab
  }

  private static func arp(_ operation: UInt8, _ number: Int, _ target: [UInt8]) -> [UInt8] {
    let destination = operation == 1 ? [UInt8](repeating: 255, count: 6) : gateway
    let asked = operation == 1 ? [UInt8](repeating: 0, count: 6) : gateway
    return destination + mac(number) + [8, 6, 0, 1, 8, 0, 6, 4, 0, operation] + mac(number) + host(number) + asked
      + target
  }

  private static func checksum(_ header: inout [UInt8]) {
    (header[10], header[11]) = (0, 0)
    let sum = InternetChecksum.finish(InternetChecksum.sum(header))
    (header[10], header[11]) = (UInt8(sum >> 8), UInt8(sum & 0xFF))
  }

  private static func frame(from number: Int, _ random: inout SeededGenerator) -> [UInt8] {
    func one(of chances: Int) -> Bool { Int.random(in: 0..<chances, using: &random) == 0 }
    let addresses: [[UInt8]] = [
      [198, 18, 7, 7], [198, 19, 255, 1], [8, 8, 8, 8], [127, 0, 0, 1], [169, 254, 1, 1], [224, 0, 0, 5],
      [240, 0, 0, 1],
      [255, 255, 255, 255], [0, 0, 0, 0], router(number),
    ]
    let other = Int.random(in: 0..<ports, using: &random)
    let source = one(of: 8) ? addresses.randomElement(using: &random)! : one(of: 10) ? host(other) : host(number)
    let destination = one(of: 4) ? addresses.randomElement(using: &random)! : host(other)
    let size = one(of: 6) ? [1_373, 1_381, 1_481, 2_000].randomElement(using: &random)! : 9
    var header: [UInt8] =
      [0x45, 0, UInt8((20 + size) >> 8), UInt8((20 + size) & 255), 0, 1, one(of: 2) ? 0x40 : 0, 0]
      + [[64, 64, 64, 2, 1, 0].randomElement(using: &random)!, 17, 0, 0] + source + destination
    if one(of: 30) { header[0] = [0x44, 0x4F, 0x65].randomElement(using: &random)! }
    checksum(&header)
    if one(of: 30) { header[11] ^= 1 }
    let payload: [UInt8] =
      [0x12, 0x34, 0x56, 0x78, UInt8(size >> 8), UInt8(size & 255), 0, 0] + [UInt8](repeating: 5, count: size - 8)
    let target = one(of: 15) ? mac(other) : one(of: 20) ? [255, 255, 255, 255, 255, 255] : gateway
    let type: [UInt8] = one(of: 30) ? [0x88, 0xB5] : [8, 0]
    let from: [UInt8] = one(of: 40) ? [1, 0, 0, 0, 0, 1] : mac(number)
    let tag: [UInt8] = one(of: 30) ? [0x81, 0, 0xA0, 0] : one(of: 30) ? [0x81, 0, 0x03, 0xE9] : []
    let frame = target + from + tag + type + header + payload
    return one(of: 60) ? Array(frame.prefix(Int.random(in: 1..<40, using: &random))) : frame
  }

  /// The packet as its receiver gets it.
  private static func sent(on frame: [UInt8], to number: Int) -> [UInt8] {
    var packet = Array(frame.dropFirst(frame[12] == 0x81 && frame[13] == 0 ? 16 : 12))
    packet[10] -= 1
    var header = Array(packet[2..<22])
    checksum(&header)
    packet.replaceSubrange(2..<22, with: header)
    return mac(number) + gateway + packet
  }

  /// Everything that has come to machine `number`, but what the gateway says by itself; its questions are answered.
  private static func arrived(at number: Int, _ lab: Lab) -> [[UInt8]] {
    lab.cables[number].drain().filter { frame in
      guard frame.count > 21, frame[12] == 8, frame[13] == 6 else { return !(frame.count > 13 && frame[12] == 0x86) }
      if frame[21] == 1 { lab.cables[number].send(arp(2, number, router(number))) }
      return false
    }
  }

  private static func drops(_ lab: Lab) -> [[String: UInt64]] {
    (0..<ports).map { lab.plane.counters(of: NICIndex($0)).drops }
  }

  @Test("a trace says what the gateway does, of ten thousand random packets", arguments: 1...4)
  func random(_ seed: Int) async throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let lab = try await Self.rig(workers: seed % 2 + 1)
    for _ in 0..<2_500 {
      let number = Int.random(in: 0..<Self.ports, using: &random)
      try await compare(Self.frame(from: number, &random), from: number, lab)
    }
    await lab.plane.stop()
  }

  private func compare(_ frame: [UInt8], from number: Int, _ lab: Lab) async throws {
    for other in 0..<Self.ports { _ = Self.arrived(at: other, lab) }
    let before = Self.drops(lab)
    let trace = try #require(await lab.plane.trace(frame, from: NICIndex(number)))
    #expect(Self.drops(lab) == before, "a trace counts nothing")
    let received = lab.plane.counters(of: NICIndex(number)).rxPackets
    lab.cables[number].send(frame)
    while lab.plane.counters(of: NICIndex(number)).rxPackets == received {}
    // Behind the batch, and behind the slow path: it answers letters before it takes the packets of a turn, so a second
    // answer is from behind those that were there with the first.
    _ = await lab.plane.carries(NICIndex(number))
    for _ in 0..<2 { _ = await lab.plane.neighbours() }
    let after = Self.drops(lab)
    var moved: [String: Int] = [:]
    for (reason, count) in after[number] where count != before[number][reason, default: 0] {
      moved[reason] = Int(count - before[number][reason, default: 0])
    }
    switch trace.verdict {
    case .drop(let reason):
      // How much of it comes is not the trace's to know.
      if moved != ["gateway-busy": 1] { #expect(moved == [reason.name: 1], "\(trace)") }
      #expect(trace.egress.isEmpty)
    case .local:
      #expect(moved.keys.allSatisfy { $0 == "not-answered" || $0 == "gateway-busy" }, "\(moved) \(trace)")
    case .route:
      if moved == ["gateway-busy": 1] { return }
      #expect(moved == [:], "\(trace)")
      let target = try #require(trace.egress.first).nic.value
      let isCut = trace.steps.contains {
        if case .routed(.slow(.fragment, _, _)) = $0 { true } else { false }
      }
      var frames: [[UInt8]] = []
      while frames.count < (isCut ? 2 : 1) { frames += Self.arrived(at: target, lab) }
      #expect(isCut ? frames.count == 2 : frames == [Self.sent(on: frame, to: target)], "\(trace)")
    case .forward, .flood: Issue.record("nothing is switched here: \(trace)")
    }
    for other in 0..<Self.ports where other != number && !trace.egress.contains(where: { $0.nic.value == other }) {
      #expect(Self.arrived(at: other, lab) == [], "machine \(other): \(trace)")
      #expect(after[other] == before[other], "machine \(other): \(trace)")
    }
  }
}
