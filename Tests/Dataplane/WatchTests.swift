import Dataplane
import Net
import Observers
import Switching
import Testing
import Wire

private let untagged = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])
private let trunk = PortProgram.Role.switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])
private let everybody: [UInt8] = [255, 255, 255, 255, 255, 255]
private func mac(_ last: UInt8) -> [UInt8] { [2, 0, 0, 0, 0, last] }
private func tag(_ vid: UInt16) -> [UInt8] { [0x81, 0, UInt8(vid >> 8), UInt8(vid & 255)] }
private let payload: [UInt8] = [0x88, 0xB5] + [UInt8](repeating: 7, count: 46)

@Suite("Watches and drops over cables", .serialized) struct WatchTests {
  /// What a watch has seen, as `NIC in|out|in(REASON) length`.
  private func seen(_ watch: FrameWatch) -> [String] {
    var found: [String] = []
    while let frame = watch.next() {
      let reason = frame.reason.map { "(\($0.name))" } ?? ""
      found.append("\(frame.nic.value) \(frame.isOutgoing ? "out" : "in")\(reason) \(frame.length)")
    }
    return found
  }

  private func send(_ frame: [UInt8], by nic: Int, _ lab: Lab) async {
    let received = lab.plane.counters(of: NICIndex(nic)).rxPackets
    lab.cables[nic].send(frame)
    while lab.plane.counters(of: NICIndex(nic)).rxPackets == received {}
    _ = await lab.plane.carries(NICIndex(nic))
  }

  @Test("a flood is seen once in and once at each receiver, in each one's form", arguments: ForwardingTests.setups)
  func flood(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, untagged, trunk], setup)
    let watch = try await lab.plane.watch(WatchOrder())
    await send(everybody + mac(1) + payload, by: 0, lab)
    #expect(seen(watch).sorted() == ["0 in 60", "1 out 60", "2 out 64"])
    await send(everybody + mac(3) + tag(1001) + payload, by: 2, lab)
    var frames: [Int: [UInt8]] = [:]
    while let frame = watch.next() { frames[frame.nic.value] = frame.bytes }
    #expect(frames[2] == everybody + mac(3) + tag(1001) + payload)
    #expect(frames[0] == everybody + mac(3) + payload)
    #expect(frames[1] == frames[0])
    await lab.plane.end(watch)
    await send(everybody + mac(1) + payload, by: 0, lab)
    #expect(seen(watch) == [], "a watch that has ended sees nothing more")
    await lab.plane.stop()
  }

  @Test("drops are seen with their reasons, and in the log", arguments: ForwardingTests.setups)
  func drops(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, trunk, .dark], setup)
    await lab.plane.setMTU(1_500, of: NICIndex(1))
    let plain = try await lab.plane.watch(WatchOrder())
    let dropping = try await lab.plane.watch(WatchOrder(drops: true))
    let incoming = try await lab.plane.watch(
      WatchOrder(nics: .these([NICIndex(1)]), directions: .incoming, drops: true))
    await send(everybody + mac(2) + payload, by: 1, lab)
    await send(everybody + mac(3) + payload, by: 2, lab)
    await send(everybody + mac(1) + [0x88, 0xB5] + [UInt8](repeating: 1, count: 2_000), by: 0, lab)
    #expect(
      seen(dropping) == ["1 in(untagged-not-allowed) 60", "2 in(no-vlan) 60", "0 in 2014", "1 out(mtu-exceeded) 2014"])
    #expect(seen(plain) == ["1 in 60", "2 in 60", "0 in 2014"])
    #expect(seen(incoming) == ["1 in(untagged-not-allowed) 60"])
    let records = lab.plane.dropLogs.flatMap { $0.records() }.sorted { $0.frame.time < $1.frame.time }
    #expect(
      records.map { "\($0.frame.nic.value) \($0.frame.isOutgoing) \($0.reason.name)" } == [
        "1 false untagged-not-allowed", "2 false no-vlan", "1 true mtu-exceeded",
      ])
    #expect(records.map(\.frame.bytes.count) == [60, 60, DropLog.kept])
    #expect(records.last?.frame.length == 2_014)
    await lab.plane.stop()
  }

  @Test("a filter is asked of each frame as it is on that wire")
  func filter() async throws {
    let lab = try await Lab([untagged, trunk])
    let tagged = try await lab.plane.watch(WatchOrder(filter: FrameFilter("vlan 1001")))
    let second = try await lab.plane.watch(WatchOrder(domain: DomainIndex(2)))
    await send(everybody + mac(1) + payload, by: 0, lab)
    await send(everybody + mac(2) + tag(1002) + payload, by: 1, lab)
    #expect(seen(tagged) == ["1 out 64"], "an image in two pieces is filtered, too")
    #expect(seen(second) == ["1 in 64"])
    await lab.plane.stop()
  }

  @Test("eight watches at once, and a reader that stops costs its own frames alone")
  func limit() async throws {
    let lab = try await Lab([untagged, untagged])
    var watches: [FrameWatch] = []
    for _ in 0..<FrameWatch.limit { watches.append(try await lab.plane.watch(WatchOrder())) }
    await #expect(throws: WatchRefusal.self) { _ = try await lab.plane.watch(WatchOrder()) }
    let large = everybody + mac(1) + [0x88, 0xB5] + [UInt8](repeating: 1, count: 8_000)
    for _ in 0..<1_000 {
      lab.cables[0].send(large)
      _ = lab.cables[1].frame()
      while watches[0].next() != nil {}
    }
    #expect(watches[0].lost == 0)
    #expect(watches[1].lost > 0)
    await lab.plane.end(watches[3])
    watches[3] = try await lab.plane.watch(WatchOrder())
    await lab.plane.stop()
  }
}
