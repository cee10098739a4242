import Net
import Switching
import Rings
import Testing
import Wire

@testable import Observers

/// What one thread does with frames, and what watches see of them.
@Suite("Watches over frames") struct ObserversTests {
  private static let vlanless = [UInt8](repeating: 0, count: VirtioNetHeader.size) + Sample.addresses + Sample.udp
  private static let tagged = [UInt8](repeating: 0, count: VirtioNetHeader.size) + Sample.tagged(1001, Sample.udp)

  private func with<Result>(_ frame: [UInt8] = Self.vlanless, _ body: (FrameBytes) -> Result) -> Result {
    unsafe frame.withUnsafeBytes { body(unsafe FrameBytes($0.baseAddress!, count: $0.count)) }
  }

  private func rest(of watch: FrameWatch) -> [SeenFrame] {
    var frames: [SeenFrame] = []
    while let frame = watch.next() { frames.append(frame) }
    return frames
  }

  @Test("without a watch nothing is seen, and drops are logged")
  func off() {
    let log = DropLog()
    var observers = Observers(nics: 8, index: 0, log: log)
    let isWatching = observers.isWatching
    #expect(!isWatching)
    with { observers.droppedIncoming($0, by: NICIndex(2), .noVLAN) }
    with { observers.droppedOutgoing($0, by: NICIndex(3), .linkDown) }
    #expect(log.records().map(\.frame.nic) == [NICIndex(2), NICIndex(3)])
    #expect(log.records().map(\.frame.isOutgoing) == [false, true])
  }

  @Test("sees both directions of its NICs and no others, until it ends")
  func nics() {
    var observers = Observers(nics: 8, index: 0, log: DropLog())
    let watch = FrameWatch(WatchOrder(nics: .these([NICIndex(1)])), threads: 1, slow: 0)
    func all() {
      for nic in 0..<8 {
        with { observers.arrived($0, by: NICIndex(nic), domain: nil) }
        with { observers.left($0, by: NICIndex(nic), domain: nil) }
      }
    }
    observers.set(watch, at: 3, nics: watch.order.nics)
    var isWatching = observers.isWatching
    #expect(isWatching)
    all()
    #expect(rest(of: watch).map { [$0.nic.value, $0.isOutgoing ? 1 : 0] } == [[1, 0], [1, 1]])
    observers.set(watch, at: 3, nics: .all)
    all()
    #expect(rest(of: watch).count == 16)
    observers.set(nil, at: 3)
    isWatching = observers.isWatching
    #expect(!isWatching)
    all()
    #expect(rest(of: watch).isEmpty)
  }

  @Test("a plain watch sees what came in, dropped or not, and does not say what became of it")
  func plain() {
    var observers = Observers(nics: 8, index: 0, log: DropLog())
    let plain = FrameWatch(WatchOrder(), threads: 1, slow: 0)
    let drops = FrameWatch(WatchOrder(drops: true), threads: 1, slow: 0)
    observers.set(plain, at: 0)
    observers.set(drops, at: 1)
    with { observers.droppedIncoming($0, by: NICIndex(1), .noVLAN) }
    with { observers.droppedOutgoing($0, by: NICIndex(2), .linkDown) }
    observers.droppedOutgoing(nil, by: NICIndex(2), .linkDown)
    #expect(rest(of: plain).map(\.reason) == [nil])
    #expect(rest(of: drops).map(\.reason) == [.noVLAN, .linkDown])
  }

  @Test("of one direction sees that alone, drops too")
  func directions() {
    var observers = Observers(nics: 8, index: 0, log: DropLog())
    let watch = FrameWatch(WatchOrder(directions: .outgoing, drops: true), threads: 1, slow: 0)
    observers.set(watch, at: 7)
    with { observers.arrived($0, by: NICIndex(1), domain: nil) }
    with { observers.left($0, by: NICIndex(2), domain: nil) }
    with { observers.droppedIncoming($0, by: NICIndex(1), .noVLAN) }
    with { observers.droppedOutgoing($0, by: NICIndex(3), .linkDown) }
    #expect(rest(of: watch).map(\.nic) == [NICIndex(2), NICIndex(3)])
  }

  @Test("of a domain sees its frames, and drops that were in none")
  func domain() {
    var observers = Observers(nics: 8, index: 0, log: DropLog())
    let watch = FrameWatch(WatchOrder(domain: DomainIndex(5), drops: true), threads: 1, slow: 0)
    observers.set(watch, at: 0)
    for domain in [nil, DomainIndex(4), DomainIndex(5)] {
      with { observers.arrived($0, by: NICIndex(1), domain: domain) }
      with { observers.droppedIncoming($0, by: NICIndex(2), .noVLAN, domain: domain) }
    }
    #expect(rest(of: watch).map(\.nic) == [NICIndex(2), NICIndex(1), NICIndex(2)])
  }

  @Test("keeps as much of a frame as was asked for, and says its length; a filter sees all of it")
  func snapLength() throws {
    var observers = Observers(nics: 8, index: 0, log: DropLog())
    let watch = FrameWatch(
      WatchOrder(filter: try FrameFilter("udp port 53"), snapLength: 20), threads: 1, slow: 0)
    observers.set(watch, at: 0)
    with(Self.tagged) { observers.arrived($0, by: NICIndex(1), domain: nil) }
    let seen = try #require(rest(of: watch).first)
    #expect(seen.length == Self.tagged.count - 12 && seen.bytes == Array(Self.tagged[12..<32]))
  }

  @Test("a frame in two pieces is seen as one, and filtered as one")
  func pieces() throws {
    var observers = Observers(nics: 8, index: 0, log: DropLog())
    let all = FrameWatch(WatchOrder(), threads: 1, slow: 0)
    let dns = FrameWatch(WatchOrder(filter: try FrameFilter("udp port 53"), snapLength: 30), threads: 1, slow: 0)
    let none = FrameWatch(WatchOrder(filter: try FrameFilter("arp")), threads: 1, slow: 0)
    for (place, watch) in [all, dns, none].enumerated() { observers.set(watch, at: place) }
    let (head, payload) = (Array(Self.tagged[..<28]), Array(Self.tagged[28...]))
    unsafe head.withUnsafeBytes { first in
      unsafe payload.withUnsafeBytes { second in
        observers.left(
          unsafe FrameBytes(first.baseAddress!, count: first.count, then: second.baseAddress!, count: second.count),
          by: NICIndex(1), domain: nil)
      }
    }
    #expect(rest(of: all).map(\.bytes) == [Array(Self.tagged[12...])])
    #expect(rest(of: dns).map(\.bytes) == [Array(Self.tagged[12..<42])])
    #expect(rest(of: none).isEmpty)
  }

  @Test("frames of several threads come by their times")
  func order() {
    let watch = FrameWatch(WatchOrder(), threads: 3, slow: 1)
    #expect(watch.rings.map(\.capacity) == [FrameWatch.ringSize, FrameWatch.ringSize, FrameWatch.smallRingSize])
    // By hand, because the clock is not ours: thread 0 has 1, 4, 7, …, thread 1 has 2, 5, …
    for time in 1...300 as ClosedRange<UInt64> {
      unsafe watch.rings[Int((time - 1) % 3)].write(SeenLayout.head) { memory in
        unsafe SeenLayout.store(
          time: time, length: 0, kept: 0, nic: NICIndex(0), isOutgoing: false, reason: nil, to: memory)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: 0)
        return true
      }
    }
    #expect(rest(of: watch).map(\.time) == Array(1...300))
    #expect(watch.lost == 0)
  }

  @Test("what finds no room is counted, and others see all of it")
  func full() {
    var observers = Observers(nics: 8, index: 0, log: DropLog())
    let read = FrameWatch(WatchOrder(), threads: 1, slow: 1)
    let stopped = FrameWatch(WatchOrder(), threads: 1, slow: 1)
    observers.set(read, at: 0)
    observers.set(stopped, at: 1)
    var seen = 0
    for _ in 0..<10_000 {
      observers.newBatch()
      with { observers.arrived($0, by: NICIndex(1), domain: nil) }
      seen += rest(of: read).count
    }
    #expect(seen == 10_000 && read.lost == 0)
    #expect(stopped.lost > 0 && rest(of: stopped).count == 10_000 - Int(stopped.lost))
  }

  @Test("the frames of a batch have one time, and the next batch has a later one or the same")
  func times() {
    var observers = Observers(nics: 8, index: 0, log: DropLog())
    let watch = FrameWatch(WatchOrder(), threads: 1, slow: 0)
    observers.set(watch, at: 0)
    for _ in 0..<3 {
      observers.newBatch()
      for _ in 0..<4 { with { observers.arrived($0, by: NICIndex(1), domain: nil) } }
    }
    let times = rest(of: watch).map(\.time)
    #expect(times == times.sorted() && Set(times).count <= 3)
    #expect(times.first.map { $0 > 1_600_000_000_000_000_000 } == true)
  }
}
