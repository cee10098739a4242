import Net
import Testing
import Wire

@testable import Switching

extension Rig {
  fileprivate func setShut(_ port: Int, _ isShut: Bool) { plane.setShut(PortIndex(port), isShut) }
  fileprivate func isShut(_ port: Int) -> Bool { plane.isShut(PortIndex(port)) }
  fileprivate func egress(by port: Int) -> Verdict { plane.egress(by: PortIndex(port)) }
  fileprivate func arrival(of header: FrameHeader, from nic: Int) -> Switch.Arrival? {
    plane.arrival(of: header, from: NICIndex(nic))
  }
}

@Suite("A port that is shut") struct ShutPortTests {
  private let mac = (1...3).map { MACAddress(0x0200_0000_0000 + UInt64($0)) }
  private func broadcast(from source: MACAddress, vid: UInt16? = nil) -> FrameHeader {
    FrameHeader(
      destination: MACAddress(0xFFFF_FFFF_FFFF), source: source, tagControl: vid ?? 0, isTagged: vid != nil,
      etherType: 0x0800)
  }
  private func unicast(_ source: MACAddress, to destination: MACAddress) -> FrameHeader {
    FrameHeader(destination: destination, source: source, etherType: 0x0800)
  }
  private let plain = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])

  private func rig() -> Rig { Rig([(1, plain), (2, plain), (3, plain)]) }

  /// NICs that a flood leaves out because their port is shut.
  private func leftOut(_ rig: Rig, from nic: Int) -> [Int] {
    let frame = broadcast(from: mac[nic - 1])
    guard case .flood(let domain, let origin) = rig.forward(frame, from: nic) else { return [-1] }
    var found: [Int] = []
    var place = 0
    while let receiver = rig.plane.nextReceiver(of: frame, flowHash: 0, in: domain, from: origin, place: place) {
      place = receiver.next
      if receiver.isShut { found.append(receiver.nic.value) }
      #expect(receiver.isUp == !receiver.isShut)
    }
    return found
  }

  @Test("nothing comes in by it, nothing leaves by it, and its stations are forgotten")
  func shut() {
    let rig = rig()
    for nic in 1...3 { _ = rig.forward(broadcast(from: mac[nic - 1]), from: nic) }
    #expect(rig.receivers(of: unicast(mac[0], to: mac[1]), from: 1) == [2: -1])
    rig.setShut(2, true)
    #expect(rig.isShut(2))
    #expect(rig.forward(broadcast(from: mac[1]), from: 2) == .drop(.loopGuard))
    #expect(rig.forward(unicast(mac[1], to: mac[0]), from: 2) == .drop(.loopGuard))
    #expect(rig.forward(unicast(mac[0], to: mac[1]), from: 1) == .flood(DomainIndex(1), from: PortIndex(1)))
    #expect(leftOut(rig, from: 1) == [2])
    #expect(rig.receivers(of: unicast(mac[0], to: mac[2]), from: 1) == [3: -1], "others do not notice")
    rig.setShut(2, false)
    #expect(leftOut(rig, from: 1).isEmpty)
    #expect(rig.forward(broadcast(from: mac[1]), from: 2) == .flood(DomainIndex(1), from: PortIndex(2)))
  }

  @Test("what another worker tells of a shut port is not learned")
  func news() {
    let rig = rig()
    rig.setShut(2, true)
    rig.plane.hear(StationNews(1 << 48 | mac[1].value, 2, 1, isEvent: true), at: 1)
    #expect(rig.stationCount == 0)
  }

  @Test("it stays shut when the same is applied again, and is opened by any other program")
  func programs() {
    let rig = rig()
    rig.setShut(2, true)
    rig.apply([2: PortProgram(members: [NICIndex(2)], role: plain)])
    #expect(rig.isShut(2), "the same once more")
    #expect(leftOut(rig, from: 1) == [2])
    rig.apply([
      2: PortProgram(
        members: [NICIndex(2)], role: .switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)]))
    ])
    #expect(!rig.isShut(2))
    rig.setShut(2, true)
    rig.apply([2: .absent])
    #expect(!rig.isShut(2))
    rig.setShut(2, true)
    #expect(!rig.isShut(2), "there is nothing to shut")
  }

  @Test("it is reported as what it is when it is open")
  func reported() {
    let rig = rig()
    let before = rig.states()
    rig.setShut(2, true)
    #expect(rig.states() == before)
  }

  @Test("of a routed port only what is switched is shut, both ways")
  func routed() {
    let rig = Rig([
      (1, .switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])), (2, .routed(tagged: [DomainIndex(1)])),
    ])
    rig.setShut(2, true)
    #expect(rig.forward(broadcast(from: mac[1]), from: 2) == .route(PortIndex(2)))
    #expect(rig.forward(broadcast(from: mac[1], vid: 1001), from: 2) == .drop(.loopGuard))
    #expect(rig.egress(by: 2) == .forward(NICIndex(2), tagControl: TagForm.untagged))
  }

  @Test("LACP goes on by a shut bond")
  func lacp() {
    let rig = Rig([])
    rig.apply([
      1: PortProgram(
        members: [NICIndex(1), NICIndex(2)], role: plain, aggregation: aggregation(1, 2))
    ])
    rig.setShut(1, true)
    let frame = FrameHeader(destination: MACAddress(0x0180_C200_0002), source: mac[0], etherType: 0x8809)
    #expect(rig.forward(frame, from: 1) == .slowProtocol)
  }

  @Test("a probe arrives where its frame would be switched, shut or not, and nowhere else")
  func arrival() {
    let rig = Rig([
      (1, plain), (2, .switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])), (3, .dark),
      (4, .routed(tagged: [DomainIndex(2)])),
    ])
    func arrival(_ nic: Int, _ vid: UInt16? = nil) -> Switch.Arrival? {
      rig.arrival(of: broadcast(from: mac[0], vid: vid), from: nic)
    }
    func place(_ port: Int, _ domain: Int) -> Switch.Arrival {
      Switch.Arrival(port: PortIndex(port), domain: DomainIndex(domain))
    }
    #expect(arrival(1) == place(1, 1))
    #expect(arrival(2, 1002) == place(2, 2))
    #expect(arrival(2) == nil)
    #expect(arrival(2, 7) == nil)
    #expect(arrival(3) == nil)
    #expect(arrival(4) == nil)
    #expect(arrival(4, 1002) == place(4, 2))
    #expect(arrival(5) == nil)
    rig.setShut(1, true)
    #expect(arrival(1) == place(1, 1))
  }

  @Test("by the standby member of a bond a probe does not arrive, as nothing else does")
  func standby() {
    let rig = Rig([])
    rig.apply([
      1: PortProgram(
        members: [NICIndex(1), NICIndex(2)], role: plain, aggregation: aggregation(1, 2))
    ])
    for nic in 1...2 { rig.setLink(nic, up: true) }
    #expect(rig.arrival(of: broadcast(from: mac[0]), from: 1) != nil)
    #expect(rig.arrival(of: broadcast(from: mac[0]), from: 2) == nil)
  }
}
