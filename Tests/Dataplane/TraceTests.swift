import Dataplane
import Net
import Switching
import Testing
import Wire

/// What a trace says of a frame against what becomes of it on the wire.
@Suite("Traces over cables", .serialized) struct TraceTests {
  private static let nics = 8
  private static let stations: [UInt64] = (1...6).map { 0x0200_0000_0000 + $0 }

  private static func role(_ random: inout SeededGenerator) -> PortProgram.Role {
    let (first, second) = (DomainIndex(1), DomainIndex(2))
    switch Int.random(in: 0..<8, using: &random) {
    case 0, 1: return .switched(untagged: first, tagged: [])
    case 2: return .switched(untagged: second, tagged: [])
    case 3: return .switched(untagged: nil, tagged: [first, second])
    case 4: return .switched(untagged: first, tagged: [second])
    case 5: return .routed(tagged: [first])
    case 6: return .dark
    default: return .switched(untagged: second, tagged: [first])
    }
  }

  private static func frame(_ random: inout SeededGenerator) -> [UInt8] {
    func bytes(_ mac: UInt64) -> [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: mac >> (40 - 8 * $0)) } }
    let groups: [UInt64] = [0xFFFF_FFFF_FFFF, 0x0100_5E00_0001, 0x0180_C200_0000, 0x0180_C200_0002]
    let destination =
      Int.random(in: 0..<4, using: &random) == 0
      ? groups.randomElement(using: &random)! : stations.randomElement(using: &random)!
    let source =
      Int.random(in: 0..<20, using: &random) == 0 ? 0x0100_0000_0001 : stations.randomElement(using: &random)!
    var frame = bytes(destination) + bytes(source)
    let vids: [UInt16] = [1001, 1002, 1003, 0, 4095]
    for _ in 0..<[0, 0, 1, 1, 1, 2].randomElement(using: &random)! {
      let control = UInt16(Int.random(in: 0..<8, using: &random)) << 13 | vids.randomElement(using: &random)!
      frame += [0x81, 0, UInt8(control >> 8), UInt8(control & 0xFF)]
    }
    let size = Int.random(in: 0..<10, using: &random) == 0 ? 2_000 : 46
    frame += [0x88, 0xB5] + [UInt8](repeating: 5, count: size)
    guard Int.random(in: 0..<40, using: &random) == 0 else { return frame }
    return Array(frame.prefix(Int.random(in: 1..<20, using: &random)))
  }

  /// The frame in the form in which it leaves.
  private static func form(_ frame: [UInt8], _ tagControl: UInt16?) -> [UInt8] {
    let isTagged = frame.count > 15 && frame[12] == 0x81 && frame[13] == 0
    let tag: [UInt8] = tagControl.map { [0x81, 0, UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
    return Array(frame.prefix(12)) + tag + Array(frame.dropFirst(isTagged ? 16 : 12))
  }

  @Test("a trace says what the wire does, of ten thousand random frames in random states", arguments: 1...4)
  func random(_ seed: Int) async throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let lab = try await Lab((0..<Self.nics).map { _ in .dark }, Setup(workers: seed % 2 + 1))
    await lab.plane.setMTU(1_500, of: NICIndex(3))
    for round in 0..<25 {
      var change = ForwardingChange()
      for nic in 0..<Self.nics where round == 0 || Int.random(in: 0..<3, using: &random) == 0 {
        change.ports[PortIndex(nic + 1)] = PortProgram(members: [NICIndex(nic)], role: Self.role(&random))
      }
      await lab.plane.apply(change)
      for _ in 0..<100 { try await compare(Self.frame(&random), from: Int(Int.random(in: 0..<8, using: &random)), lab) }
    }
    await lab.plane.stop()
  }

  private func compare(_ frame: [UInt8], from nic: Int, _ lab: Lab) async throws {
    let before = CounterBook(lab.plane, nics: Self.nics)
    let trace = try #require(await lab.plane.trace(frame, from: NICIndex(nic)))
    #expect(CounterBook(lab.plane, nics: Self.nics) == before, "a trace counts nothing")
    let received = lab.plane.counters(of: NICIndex(nic)).rxPackets
    lab.cables[nic].send(frame)
    while lab.plane.counters(of: NICIndex(nic)).rxPackets == received {}
    // Behind the batch.
    _ = await lab.plane.carries(NICIndex(nic))
    var expected = ["\(nic) rx": 1]
    for egress in trace.egress {
      expected["\(egress.nic.value) tx", default: 0] += 1
      #expect(lab.cables[egress.nic.value].frame() == Self.form(frame, egress.tagControl), "\(trace)")
    }
    for case .lost(let other, let reason) in trace.steps {
      expected["\(reason == .vlanNotAllowed ? nic : other.value) \(reason.name)", default: 0] += 1
    }
    if case .drop(let reason) = trace.verdict,
      !trace.steps.contains(where: { if case .lost = $0 { true } else { false } })
    {
      expected["\(nic) \(reason.name)", default: 0] += 1
    }
    let moved = CounterBook(lab.plane, nics: Self.nics).moved(since: before)
    #expect(moved == expected, "\(trace)")
    for (index, cable) in lab.cables.enumerated() { #expect(cable.drain() == [], "NIC \(index): \(trace)") }
  }
}
