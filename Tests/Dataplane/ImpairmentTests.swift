import Dataplane
import Impairments
import Net
import Observers
import Switching
import Testing

private let untagged = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])
private let trunk = PortProgram.Role.switched(untagged: nil, tagged: [DomainIndex(1)])
private let everybody: [UInt8] = [255, 255, 255, 255, 255, 255]
private func mac(_ last: UInt8) -> [UInt8] { [2, 0, 0, 0, 0, last] }
private func payload(_ number: Int) -> [UInt8] {
  [0x88, 0xB5, UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 7, count: 44)
}

/// Links that are impaired, over cables: what passes, in what order, how often, and that other links do not notice.
@Suite("Impaired links over cables", .serialized) struct ImpairmentTests {
  private func setting(_ change: (inout Impairment) -> Void) -> Impairment {
    var impairment = Impairment()
    impairment.seed = 7
    change(&impairment)
    return impairment
  }

  private func number(_ frame: [UInt8], tagged: Bool = false) -> Int {
    let place = tagged ? 18 : 14
    return Int(frame[place]) << 8 | Int(frame[place + 1])
  }

  /// Sends numbered frames by NIC 0, each when the one before was read.
  private func send(_ count: Int, _ lab: Lab) async {
    for number in 0..<count {
      lab.cables[0].send(everybody + mac(1) + payload(number))
      _ = await lab.plane.carries(NICIndex(0))
    }
  }

  @Test("the same seed loses the same frames, each way, and counts them at its NIC", arguments: ForwardingTests.setups)
  func loss(_ setup: Setup) async throws {
    var rounds: [[Int]] = []
    for _ in 0..<2 {
      let lab = try await Lab([untagged, untagged, trunk], setup)
      await lab.plane.setImpairment(
        to: setting { $0.loss = Fraction(0.3)! }, from: Impairment(), of: NICIndex(2))
      await send(200, lab)
      for number in 0..<200 { #expect(self.number(try #require(lab.cables[1].frame())) == number) }
      await lab.plane.stop()
      rounds.append(lab.cables[2].drain().map { number($0, tagged: true) })
      let lost = lab.plane.counters(of: NICIndex(2)).drops["impaired"] ?? 0
      #expect(Int(lost) == 200 - rounds.last!.count)
      #expect((30...90).contains(lost))
      #expect(lab.plane.counters(of: NICIndex(1)).drops.isEmpty)
    }
    #expect(rounds[0] == rounds[1])
    let lab = try await Lab([untagged, untagged, trunk], setup)
    await lab.plane.setImpairment(to: Impairment(), from: setting { $0.loss = Fraction(0.3)! }, of: NICIndex(0))
    await send(200, lab)
    await lab.plane.stop()
    let passed = lab.cables[1].drain().map { number($0) }
    #expect(passed == lab.cables[2].drain().map { number($0, tagged: true) })
    #expect(passed.count + Int(lab.plane.counters(of: NICIndex(0)).drops["impaired"] ?? 0) == 200)
    #expect(passed != rounds[0], "the two directions do not lose the same frames")
  }

  @Test("a delay keeps the order and all frames, each way", arguments: ForwardingTests.setups)
  func delay(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, trunk], setup)
    let slow = setting { $0.delay = 30_000_000 }
    await lab.plane.setImpairment(to: slow, from: Impairment(), of: NICIndex(1))
    await lab.plane.setImpairment(to: Impairment(), from: slow, of: NICIndex(0))
    let clock = ContinuousClock()
    let start = clock.now
    await send(50, lab)
    for number in 0..<50 { #expect(self.number(try #require(lab.cables[1].frame()), tagged: true) == number) }
    #expect(clock.now - start >= .milliseconds(60))
    // Back to nothing while frames wait: they leave first.
    await send(10, lab)
    await lab.plane.setImpairment(to: Impairment(), from: Impairment(), of: NICIndex(0))
    await lab.plane.setImpairment(to: Impairment(), from: Impairment(), of: NICIndex(1))
    for number in 0..<10 { #expect(self.number(try #require(lab.cables[1].frame()), tagged: true) == number) }
    await send(1, lab)
    #expect(lab.cables[1].frame() != nil)
    await lab.plane.stop()
  }

  @Test("frames come twice, changed, or out of order, as it was set", arguments: ForwardingTests.setups)
  func shapes(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, untagged, untagged, untagged], setup)
    await lab.plane.setImpairment(to: setting { $0.duplicate = .all }, from: Impairment(), of: NICIndex(1))
    await lab.plane.setImpairment(to: setting { $0.corrupt = .all }, from: Impairment(), of: NICIndex(2))
    await lab.plane.setImpairment(
      to: setting { $0.reorder = Fraction(0.5)! }, from: Impairment(), of: NICIndex(3))
    await send(100, lab)
    for number in 0..<100 {
      #expect(self.number(try #require(lab.cables[1].frame())) == number)
      #expect(self.number(try #require(lab.cables[1].frame())) == number)
      let changed = try #require(lab.cables[2].frame())
      let sent = everybody + mac(1) + payload(number)
      #expect(zip(changed, sent).filter { $0 != $1 }.count == 1 && changed.count == sent.count)
      #expect(changed.prefix(14) == sent.prefix(14), "the Ethernet header is left alone")
    }
    var order: [Int] = []
    for _ in 0..<100 { order.append(number(try #require(lab.cables[3].frame()))) }
    #expect(order.sorted() == Array(0..<100))
    #expect(order != Array(0..<100))
    #expect(zip(order, 0...).allSatisfy { abs($0 - $1) <= 3 })
    await lab.plane.stop()
  }

  @Test("a rate is kept, its queue is bounded, and what is lost was impaired")
  func rate() async throws {
    let lab = try await Lab([untagged, untagged, untagged])
    // 1 mbit: 60 bytes are 480 µs, and 50 ms are 104 frames.
    await lab.plane.setImpairment(to: setting { $0.rate = 1_000_000 }, from: Impairment(), of: NICIndex(1))
    let clock = ContinuousClock()
    let start = clock.now
    await send(300, lab)
    var count = 0
    var last = start
    while let frame = lab.cables[1].receive(milliseconds: 200) {
      if frame.count == 72 { count += 1 }
      last = clock.now
    }
    let lost = Int(lab.plane.counters(of: NICIndex(1)).drops["impaired"] ?? 0)
    #expect(count + lost == 300)
    #expect(count >= 100)
    let seconds = Double((last - start) / .microseconds(1)) / 1e6
    #expect(Double(count - 1) * 480e-6 <= seconds, "\(count) frames in \(seconds) s")
    #expect(lab.cables[2].drain().count == 300)
    await lab.plane.stop()
  }

  @Test("a NIC that goes takes its waiting frames with it")
  func detach() async throws {
    let lab = try await Lab([untagged, untagged])
    await lab.plane.setImpairment(to: setting { $0.delay = 5_000_000_000 }, from: Impairment(), of: NICIndex(1))
    await send(20, lab)
    await lab.plane.detach(NICIndex(1))
    await send(1, lab)
    await lab.plane.stop()
    #expect(lab.cables[1].drain().isEmpty)
  }
}
