import Impairments
import Net
import Testing

@Suite("An impaired link") struct ImpairedLinkTests {
  static let many = 100_000
  static let millisecond: UInt64 = 1_000_000

  // MARK: Figures

  @Test(
    "of 100 000 frames it loses, duplicates and corrupts as many as is set, within a tenth", arguments: [0.1, 1, 20])
  func shares(percent: Double) {
    let expected = Int(Double(Self.many) * percent / 100)
    // Of a tenth of a percent there are few: three times the standard deviation is more than a tenth of them.
    func isRight(_ count: Int) -> Bool { percent < 1 ? abs(count - expected) <= 30 : isNear(count, expected) }
    let loss = Run(Impairment { $0.loss = .percent(percent) }, frames: Self.many)
    #expect(isRight(loss.lost.count))
    #expect(loss.arrived.count == Self.many - loss.lost.count)
    let twice = Run(Impairment { $0.duplicate = .percent(percent) }, frames: Self.many)
    #expect(isRight(twice.arrived.count - Self.many))
    let changed = Run(Impairment { $0.corrupt = .percent(percent) }, frames: Self.many)
    #expect(isRight(changed.arrived.count { $0.corruption != nil }))
  }

  @Test("no loss loses nothing, a whole one everything")
  func extremes() {
    #expect(Run(Impairment { $0.loss = .zero }, frames: Self.many).arrived.count == Self.many)
    #expect(Run(Impairment { $0.loss = .all }, frames: Self.many).arrived.isEmpty)
  }

  @Test("a rate is kept within a tenth, whatever the sizes", arguments: [10, 100, 1_000].map { $0 * 1_000_000 })
  func rate(rate: UInt64) {
    for bytes in [64, 1_514] {
      // Twice as much as the rate for a second.
      let gap = UInt64(bytes) * 8 * 1_000_000_000 / rate / 2
      let run = Run(Impairment { $0.rate = rate }, frames: Int(1_000_000_000 / gap), every: gap, bytes: bytes)
      let bits = run.arrived.count { $0.arrivedAt < 1_000_000_000 } * bytes * 8
      #expect(isNear(bits, Int(rate)), "\(bits) bits of \(rate) with \(bytes) bytes")
      #expect(run.isInOrder)
    }
  }

  @Test("what waits longer for the rate than the queue takes is dropped, and nothing else")
  func queue() throws {
    let run = Run(
      Impairment {
        $0.rate = 8_000_000
        $0.queue = 10 * Self.millisecond
      }, frames: 40, every: 1)
    // A frame takes a millisecond: the first is sent, and behind it as many wait as begin within the queue's time.
    #expect(run.arrived.count == 11)
    #expect(run.refused == Array(11..<40))
    let last = try #require(run.arrived.last)
    #expect(last.arrivedAt == 11 * Self.millisecond)
  }

  @Test("below the rate nothing waits but for its own time on the wire")
  func belowRate() {
    let run = Run(Impairment { $0.rate = 80_000_000 }, frames: 1_000, every: 200_000)
    #expect(Set(run.delays) == [100_000])
  }

  @Test("a delay is exact and keeps the order")
  func delay() {
    let run = Run(Impairment { $0.delay = 20 * Self.millisecond }, frames: 1_000)
    #expect(Set(run.delays) == [20 * Self.millisecond])
    #expect(run.isInOrder)
  }

  @Test("a jitter is around the delay, reaches both ends and changes the order")
  func jitter() throws {
    let run = Run(
      Impairment { ($0.delay, $0.jitter) = (20 * Self.millisecond, 5 * Self.millisecond) }, frames: 10_000)
    let least = try #require(run.delays.min())
    let most = try #require(run.delays.max())
    #expect(least >= 15 * Self.millisecond && least < 15_100_000)
    #expect(most <= 25 * Self.millisecond && most > 24_900_000)
    let mean = run.delays.reduce(0, +) / 10_000
    #expect(mean > 19_800_000 && mean < 20_200_000)
    #expect(!run.isInOrder)
  }

  @Test("a jitter larger than the delay never comes before its time")
  func jitterAlone() throws {
    let run = Run(Impairment { $0.jitter = Self.millisecond }, frames: 10_000)
    #expect(run.delays.contains(0))
    let most = try #require(run.delays.max())
    #expect(most <= Self.millisecond)
  }

  // MARK: Order

  @Test("reorder without delay holds a frame back by one to three places, as often as is set")
  func places() {
    let run = Run(Impairment { $0.reorder = .percent(1) }, frames: Self.many)
    let order = run.order
    #expect(order.sorted() == Array(0..<Self.many))
    // How many later ones came before each.
    var overtaken: [Int: Int] = [:]
    for (place, number) in order.enumerated() {
      let count = order[max(0, place - 8)..<place].count { $0 > number }
      if count > 0 { overtaken[count, default: 0] += 1 }
    }
    let sum = overtaken.values.reduce(0, +)
    #expect(isNear(sum, Self.many / 100))
    let most = overtaken.keys.max()
    #expect(most == 3)
    for places in 1...3 { #expect(overtaken[places, default: 0] > 250) }
  }

  @Test("a frame that is held back and that nothing follows leaves all the same")
  func lastOne() {
    let run = Run(Impairment { $0.reorder = .all }, frames: 1)
    #expect(run.delays == [ImpairedLink.holdLimit])
  }

  @Test("when all are held back none is lost, and no more than four are kept")
  func allHeld() {
    let run = Run(Impairment { $0.reorder = .all }, frames: 10_000)
    #expect(run.order.sorted() == Array(0..<10_000))
    #expect(!run.isInOrder)
  }

  @Test("reorder with a delay lets frames overtake those that wait")
  func overtaking() {
    let run = Run(
      Impairment { ($0.delay, $0.reorder) = (Self.millisecond, .percent(5)) }, frames: Self.many)
    let early = run.arrived.filter { $0.arrivedAt == $0.sentAt }
    #expect(isNear(early.count, Self.many / 20))
    #expect(Set(run.delays) == [0, Self.millisecond])
  }

  @Test("reorder with a rate keeps the rate")
  func reorderAtRate() {
    let run = Run(
      Impairment { ($0.rate, $0.reorder) = (80_000_000, .percent(5)) }, frames: 10_000, every: 50_000)
    #expect(!run.isInOrder)
    for (one, other) in zip(run.arrived, run.arrived.dropFirst()) { #expect(one.arrivedAt <= other.arrivedAt) }
    let span = run.arrived[run.arrived.count - 1].arrivedAt
    #expect(isNear(run.arrived.count * 8_000, Int(span * 80 / 1_000)))
  }

  @Test("a delay that becomes shorter, and one that goes, keep the order")
  func shorter() {
    let run = Run(Impairment { $0.delay = 20 * Self.millisecond }, frames: 3_000) { number, settings in
      if number == 1_000 { settings.delay = Self.millisecond }
      if number == 2_000 { settings.delay = 0 }
    }
    #expect(run.isInOrder)
    #expect(run.arrived.count == 3_000)
    #expect(run.delays.last == 0)
  }

  // MARK: Sequences

  @Test("the same seed and the same frames give the same, another seed another")
  func seeds() {
    func run(_ seed: UInt64) -> Run {
      Run(
        Impairment(seed: seed) {
          ($0.loss, $0.duplicate, $0.corrupt) = (.percent(1), .percent(1), .percent(1))
          ($0.reorder, $0.delay, $0.jitter) = (.percent(1), 1_000_000, 500_000)
        }, frames: 10_000)
    }
    #expect(run(7).lost == run(7).lost)
    #expect(run(7).arrived == run(7).arrived)
    #expect(run(7).lost != run(8).lost)
  }

  @Test("other settings change nothing in what is lost and in what is corrupted")
  func independence() {
    let plain = Run(Impairment { ($0.loss, $0.corrupt) = (.percent(2), .percent(2)) }, frames: 10_000)
    let full = Run(
      Impairment {
        ($0.loss, $0.corrupt, $0.duplicate) = (.percent(2), .percent(2), .percent(2))
        ($0.reorder, $0.delay, $0.jitter, $0.rate) = (.percent(2), 3_000_000, 2_000_000, 1_000_000_000)
      }, frames: 10_000)
    #expect(plain.lost == full.lost)
    func corrupted(_ run: Run) -> [Int: ImpairedLink.Corruption] {
      Dictionary(run.arrived.compactMap { frame in frame.corruption.map { (frame.number, $0) } }) { one, _ in one }
    }
    #expect(corrupted(plain) == corrupted(full))
    #expect(corrupted(plain).count > 100)
  }

  @Test("a seed that is set once more begins the sequence anew, and another delay does not")
  func anew() {
    let run = Run(Impairment { $0.loss = .percent(5) }, frames: 3_000) { number, settings in
      if number == 1_000 { settings.delay = 5_000 }
      if number == 2_000 { settings.series += 1 }
    }
    let whole = Run(Impairment { $0.loss = .percent(5) }, frames: 2_000)
    #expect(run.lost.filter { $0 < 2_000 } == whole.lost)
    #expect(run.lost.filter { $0 >= 2_000 }.map { $0 - 2_000 } == whole.lost.filter { $0 < 1_000 })
  }

  @Test("the two directions of a link do not lose the same frames")
  func directions() {
    let settings = Impairment { $0.loss = .percent(5) }
    let (one, other) = (
      Run(settings, frames: 10_000), Run(settings, frames: 10_000, direction: .fromServer)
    )
    #expect(one.lost != other.lost)
    #expect(Set(one.lost).intersection(other.lost).count < 60)
  }

  // MARK: Corruption

  @Test("one byte is changed, behind the Ethernet header, anywhere in the frame")
  func corruption() {
    let run = Run(Impairment { $0.corrupt = .all }, frames: 10_000, bytes: 60)
    let found = run.arrived.compactMap(\.corruption)
    #expect(found.count == 10_000)
    #expect(Set(found.map(\.offset)) == Set(14..<60))
    #expect(Set(found.map(\.mask)) == Set(1...255))
  }

  @Test("a frame that has nothing behind its header stays as it is")
  func nothingToCorrupt() {
    #expect(Run(Impairment { $0.corrupt = .all }, frames: 100, bytes: 14).arrived.allSatisfy { $0.corruption == nil })
  }

  // MARK: Length on a wire

  @Test("a super-frame takes as much of a rate as its pieces")
  func pieces() {
    #expect(WireLength.bytes(1_514, headers: 54, segment: 0) == 1_514)
    #expect(WireLength.bytes(1_514, headers: 54, segment: 1_460) == 1_514)
    #expect(WireLength.bytes(54 + 2 * 1_460, headers: 54, segment: 1_460) == 2 * 1_514)
    #expect(WireLength.bytes(54 + 1_461, headers: 54, segment: 1_460) == 1_514 + 55)
  }
}
