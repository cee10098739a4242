import Dataplane
import Net
import Observers
import Switching
import Testing

private let untagged = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])
private let trunk = PortProgram.Role.switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])
private let everybody: [UInt8] = [255, 255, 255, 255, 255, 255]
private func mac(_ last: UInt8) -> [UInt8] { [2, 0, 0, 0, 0, last] }
private func tag(_ control: UInt16) -> [UInt8] { [0x81, 0, UInt8(control >> 8), UInt8(control & 255)] }
private let payload: [UInt8] = [0x88, 0xB5] + [UInt8](repeating: 7, count: 46)

@Suite("Mirrors over cables", .serialized) struct MirrorTests {
  /// Sends, and waits until all of the switch has seen it.
  private func send(_ frame: [UInt8], by nic: Int, _ lab: Lab, header: [UInt8] = [UInt8](repeating: 0, count: 12)) async
  {
    let received = lab.plane.counters(of: NICIndex(nic)).rxPackets
    lab.cables[nic].send(frame, header: header)
    while lab.plane.counters(of: NICIndex(nic)).rxPackets == received {}
    _ = await lab.plane.carries(NICIndex(nic))
  }

  /// Waits until `name` has sent or lost so many frames.
  private func wait(_ name: String, for count: UInt64, _ lab: Lab) async {
    while true {
      let report = lab.plane.mirrorReports()[name] ?? MirrorReport()
      if report.sent + report.lost >= count { return }
      await Task.yield()
    }
  }

  @Test("a port's frames come to the end as they were on its wire, each way", arguments: ForwardingTests.setups)
  func port(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, trunk, .dark], setup)
    let end = MirrorOrder.End.nic(NICIndex(2))
    await lab.plane.setMirrors(["m": MirrorOrder(nics: .these([NICIndex(1)]), end: end)])
    await send(everybody + mac(1) + payload, by: 0, lab)
    await send(everybody + mac(2) + tag(1001) + payload, by: 1, lab)
    await wait("m", for: 2, lab)
    let seen = lab.cables[2].drain()
    #expect(seen == [everybody + mac(1) + tag(1001) + payload, everybody + mac(2) + tag(1001) + payload])
    #expect(lab.plane.mirrorReports() == ["m": MirrorReport(sent: 2)])
    #expect(lab.plane.counters(of: NICIndex(2)).txPackets == 0, "it is counted at no port")

    await lab.plane.setMirrors(["m": MirrorOrder(nics: .these([NICIndex(1)]), directions: .incoming, end: end)])
    await send(everybody + mac(1) + payload, by: 0, lab)
    await send(everybody + mac(2) + tag(1002) + payload, by: 1, lab)
    await wait("m", for: 3, lab)
    #expect(lab.cables[2].drain() == [everybody + mac(2) + tag(1002) + payload])
    #expect(lab.plane.mirrorReports()["m"]?.sent == 3, "a mirror that is changed keeps its counts")
    await lab.plane.setMirrors([:])
    await send(everybody + mac(2) + tag(1002) + payload, by: 1, lab)
    #expect(lab.cables[2].drain() == [])
    #expect(lab.plane.mirrorReports() == [:])
    await lab.plane.stop()
  }

  @Test("a network's frames come once, as they came in, with its number", arguments: ForwardingTests.setups)
  func network(_ setup: Setup) async throws {
    let lab = try await Lab([untagged, trunk, .dark, untagged], setup)
    let order = MirrorOrder(
      nics: .all, directions: .incoming, domain: DomainIndex(1), tag: VLANID(1001)!, end: .nic(NICIndex(2)))
    await lab.plane.setMirrors(["n": order])
    await send(everybody + mac(1) + payload, by: 0, lab)
    await send(everybody + mac(2) + tag(0x6000 | 1001) + payload, by: 1, lab)
    await send(everybody + mac(2) + tag(1002) + payload, by: 1, lab)
    // A priority alone: the number comes in its tag. And no network: nobody's.
    await send(everybody + mac(4) + tag(0xA000) + payload, by: 3, lab)
    await send(everybody + mac(2) + payload, by: 1, lab)
    await send(mac(1) + mac(4) + payload, by: 3, lab)
    await wait("n", for: 4, lab)
    #expect(
      lab.cables[2].drain() == [
        everybody + mac(1) + tag(1001) + payload, everybody + mac(2) + tag(0x6000 | 1001) + payload,
        everybody + mac(4) + tag(0xA000 | 1001) + payload, mac(1) + mac(4) + tag(1001) + payload,
      ])
    await lab.plane.stop()
  }

  @Test("what the end's server sends goes nowhere, and a super-frame stays one")
  func oneWay() async throws {
    let lab = try await Lab([untagged, untagged, .dark])
    let order = MirrorOrder(
      nics: .these([NICIndex(0)]), directions: .incoming, domain: nil, tag: VLANID(7)!, end: .nic(NICIndex(2)))
    await lab.plane.setMirrors(["m": order])
    // One checksum to finish, four segments of 500 bytes.
    let header: [UInt8] = [1, 1, 54, 0, 244, 1, 34, 0, 16, 0, 0, 0]
    let large = everybody + mac(1) + [0x08, 0x00, 0x45] + [UInt8](repeating: 1, count: 2_039)
    await send(large, by: 0, lab, header: header)
    let copy = try #require(lab.cables[2].receive())
    #expect(Array(copy[..<12]) == [1, 1, 58, 0, 244, 1, 38, 0, 16, 0, 0, 0], "its offsets move with the tag")
    #expect(Array(copy[12...]) == everybody + mac(1) + tag(7) + large[12...])
    _ = lab.cables[1].drain()
    await send(everybody + mac(9) + payload, by: 2, lab)
    #expect(lab.cables[0].drain() == [] && lab.cables[1].drain() == [])
    await lab.plane.stop()
  }

  @Test("an end that is not there loses, and one that comes is used")
  func ends() async throws {
    let lab = try await Lab([untagged, untagged])
    var order = MirrorOrder(nics: .these([NICIndex(0)]), directions: .incoming, end: .nic(NICIndex(5)))
    await lab.plane.setMirrors(["m": order])
    await send(everybody + mac(1) + payload, by: 0, lab)
    await wait("m", for: 1, lab)
    #expect(lab.plane.mirrorReports()["m"] == MirrorReport(lost: 1, fault: "its NIC is not there"))
    let cable = Cable()
    try await lab.plane.attach(cable.takeTAP(), as: NICIndex(5))
    while lab.plane.mirrorReports()["m"]?.fault != nil { await Task.yield() }
    await send(everybody + mac(1) + payload, by: 0, lab)
    #expect(cable.frame() == everybody + mac(1) + payload)
    await lab.plane.detach(NICIndex(5))
    await send(everybody + mac(1) + payload, by: 0, lab)
    await wait("m", for: 3, lab)
    #expect(lab.plane.mirrorReports()["m"] == MirrorReport(sent: 1, lost: 2, fault: "its NIC is not there"))
    order.end = .device("none-such0")
    await lab.plane.setMirrors(["m": order])
    let fault = lab.plane.mirrorReports()["m"]?.fault ?? ""
    #expect(fault.hasPrefix("sending to interface none-such0: "), "\(fault)")
    await lab.plane.stop()
  }

  @Test("eight mirrors and eight captures at once, and no ninth of either")
  func limits() async throws {
    let lab = try await Lab([untagged, untagged])
    let order = MirrorOrder(nics: .these([NICIndex(0)]), end: .nowhere("nobody is there"))
    await lab.plane.setMirrors(Dictionary(uniqueKeysWithValues: (0..<9).map { ("m\($0)", order) }))
    #expect(lab.plane.mirrorReports().values.count { $0.fault == "nobody is there" } == 8)
    #expect(lab.plane.mirrorReports()["m8"]?.fault?.hasPrefix("8 mirrors run") == true)
    for _ in 0..<FrameWatch.limit { _ = try await lab.plane.watch(WatchOrder()) }
    await #expect(throws: WatchRefusal.self) { _ = try await lab.plane.watch(WatchOrder()) }
    await lab.plane.setMirrors([:])
    await lab.plane.stop()
  }
}
