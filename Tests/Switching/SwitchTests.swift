import Net
import Testing
import Wire

@testable import Switching

/// A switch of one test. A class, because `#expect` cannot hold a noncopyable value.
final class Rig {
  var plane: Switch

  /// `ports`: port p has NIC p, which is up. `domains`: index and VID.
  init(
    _ ports: [(port: Int, role: PortProgram.Role)],
    domains: [(index: Int, vid: Int)] = [(1, 1001), (2, 1002), (3, 1001)]
  ) {
    var limits = Switch.Limits()
    limits.nics = 64
    limits.ports = 64
    limits.domains = 64
    plane = Switch(
      limits: limits,
      stations: StationTable(
        limit: 1_024, limitPerPort: 1_024, aging: 300, secret: (0x1234_5678_9ABC, 0xFEDC_BA98_7655)))
    var change = ForwardingChange()
    for (index, vid) in domains { change.domains[DomainIndex(index)] = VLANID(vid)! }
    for (port, role) in ports {
      change.ports[PortIndex(port)] = PortProgram(members: [NICIndex(port)], role: role)
    }
    plane.apply(change)
    for (port, _) in ports { plane.setLink(NICIndex(port), up: true) }
    plane.clock = 100_000
  }

  func forward(_ header: FrameHeader, from nic: Int) -> Verdict {
    plane.forward(header, from: NICIndex(nic), at: 1)
  }

  /// Who gets a frame, and in which form: NIC to tag control field (negative: untagged).
  func receivers(of header: FrameHeader, from nic: Int) -> [Int: Int32] {
    switch forward(header, from: nic) {
    case .drop, .slowProtocol, .route: return [:]
    case .balance(let port, let tagControl):
      return plane.member(of: port, for: 0).map { [$0.value: tagControl] } ?? [:]
    case .forward(let target, let tagControl): return [target.value: tagControl]
    case .flood(let domain, let origin):
      var found: [Int: Int32] = [:]
      var place = 0
      while let receiver = plane.nextReceiver(of: header, flowHash: 0, in: domain, from: origin, place: place) {
        place = receiver.next
        if !receiver.isHop { found[receiver.nic.value] = receiver.tagControl }
      }
      return found
    }
  }

  /// Whom a flooded frame leaves out, because it would be in another VLAN there.
  func hops(of header: FrameHeader, from nic: Int) -> [Int] {
    guard case .flood(let domain, let origin) = forward(header, from: nic) else { return [] }
    var found: [Int] = []
    var place = 0
    while let receiver = plane.nextReceiver(of: header, flowHash: 0, in: domain, from: origin, place: place) {
      place = receiver.next
      if receiver.isHop, !receiver.isUp { found.append(receiver.nic.value) }
    }
    return found
  }

  /// The same without those whose links are down.
  func liveReceivers(of header: FrameHeader, from nic: Int) -> [Int: Int32] {
    receivers(of: header, from: nic).filter { plane.isLinkUp(NICIndex($0.key)) }
  }

  func apply(_ programs: [Int: PortProgram]) {
    var change = ForwardingChange()
    for (port, program) in programs { change.ports[PortIndex(port)] = program }
    plane.apply(change)
  }

  /// As the NIC's owner does.
  func setLink(_ nic: Int, up: Bool) {
    plane.setLink(NICIndex(nic), up: up)
    if !up { _ = plane.passOn(from: NICIndex(nic)) }
  }
  func pass(_ milliseconds: UInt64) { plane.clock += milliseconds }
  func takeMoved() -> Int? { plane.takeMoved()?.value }
  func carries(_ nic: Int) -> Bool { plane.carries(NICIndex(nic)) }
  func otherCarrier(than nic: Int) -> Int? { plane.otherCarrier(than: NICIndex(nic))?.value }
  func mtu(of nic: Int) -> Int { plane.mtu(of: NICIndex(nic)) }
  func setMTU(_ mtu: Int, of nic: Int) { plane.setMTU(mtu, of: NICIndex(nic)) }
  var stationCount: Int { plane.stations.count }

  /// Every port that is on the wire, asked for in pieces of `limit`.
  func states(_ limit: Int = 3) -> [PortState] {
    var found: [PortState] = []
    var next: PortIndex? = PortIndex(1)
    while let first = next {
      let piece = plane.states(from: first, limit: limit)
      found += piece.states
      next = piece.next
    }
    return found
  }
}

/// LACP's names for the bond of two NICs.
func aggregation(_ first: Int, _ second: Int) -> Aggregation {
  Aggregation(
    key: 1,
    places: [
      Aggregation.Place(nic: NICIndex(first), portNumber: 1), Aggregation.Place(nic: NICIndex(second), portNumber: 2),
    ])
}

let a = MACAddress(0x0200_0000_000A)
let b = MACAddress(0x0200_0000_000B)
let broadcast = MACAddress(0xFFFF_FFFF_FFFF)

func frame(_ source: MACAddress, _ destination: MACAddress, tag: UInt16? = nil) -> FrameHeader {
  FrameHeader(
    destination: destination, source: source, tagControl: tag ?? 0, isTagged: tag != nil, etherType: 0x88B5)
}

/// One frame on a port of one kind: dropped for a reason, or received in a form by the two other ports.
struct TagCase: Sendable, CustomTestStringConvertible {
  let name: String
  let ingress: PortProgram.Role
  let tag: UInt16?
  /// Forms at the untagged port 2 and the tagged port 3 of domain 1; nil: not received there.
  let want: Want
  enum Want: Sendable, Equatable { case drop(DropReason), untaggedAndTagged(UInt16), domain2(UInt16), routed }
  var testDescription: String { name }

  static let untagged = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])
  static let trunk = PortProgram.Role.switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])
  static let native = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [DomainIndex(2)])
  static let routed = PortProgram.Role.routed(tagged: [])
  /// Routed, and the VLANs of domain 1 and 2 beside it.
  static let both = PortProgram.Role.routed(tagged: [DomainIndex(1), DomainIndex(2)])

  static let all = [
    TagCase(name: "untagged port, untagged", ingress: untagged, tag: nil, want: .untaggedAndTagged(1001)),
    TagCase(name: "untagged port, own VID", ingress: untagged, tag: 1001, want: .untaggedAndTagged(1001)),
    TagCase(
      name: "untagged port, own VID, PCP 5 and DEI", ingress: untagged, tag: 0xB000 | 1001,
      want: .untaggedAndTagged(0xB000 | 1001)),
    TagCase(
      name: "untagged port, priority tag keeps its priority", ingress: untagged, tag: 0xE000,
      want: .untaggedAndTagged(0xE000 | 1001)),
    TagCase(name: "untagged port, other VID", ingress: untagged, tag: 1002, want: .drop(.vlanNotAllowed)),
    TagCase(name: "untagged port, VID 1", ingress: untagged, tag: 1, want: .drop(.vlanNotAllowed)),
    TagCase(name: "trunk, untagged", ingress: trunk, tag: nil, want: .drop(.untaggedNotAllowed)),
    TagCase(name: "trunk, priority tag", ingress: trunk, tag: 0x2000, want: .drop(.untaggedNotAllowed)),
    TagCase(name: "trunk, first VID", ingress: trunk, tag: 1001, want: .untaggedAndTagged(1001)),
    TagCase(name: "trunk, second VID", ingress: trunk, tag: 0x6000 | 1002, want: .domain2(0x6000 | 1002)),
    TagCase(name: "trunk, VID that is not attached", ingress: trunk, tag: 1003, want: .drop(.vlanNotAllowed)),
    TagCase(name: "native port, untagged", ingress: native, tag: nil, want: .untaggedAndTagged(1001)),
    TagCase(name: "native port, priority tag", ingress: native, tag: 0x4000, want: .untaggedAndTagged(0x4000 | 1001)),
    TagCase(name: "native port, native VID tagged", ingress: native, tag: 1001, want: .untaggedAndTagged(1001)),
    TagCase(name: "native port, other VID", ingress: native, tag: 1002, want: .domain2(1002)),
    TagCase(name: "native port, VID that is not attached", ingress: native, tag: 1003, want: .drop(.vlanNotAllowed)),
    TagCase(name: "port without VLAN", ingress: .dark, tag: nil, want: .drop(.noVLAN)),
    TagCase(name: "port without VLAN, tagged", ingress: .dark, tag: 1001, want: .drop(.noVLAN)),
    TagCase(name: "routed port, untagged", ingress: routed, tag: nil, want: .routed),
    TagCase(name: "routed port, priority tag", ingress: routed, tag: 0xE000, want: .routed),
    TagCase(name: "routed port, tagged", ingress: routed, tag: 1001, want: .drop(.vlanNotAllowed)),
    TagCase(name: "routed port with VLANs, untagged", ingress: both, tag: nil, want: .routed),
    TagCase(name: "routed port with VLANs, priority tag", ingress: both, tag: 0xE000, want: .routed),
    TagCase(name: "routed port with VLANs, first VID", ingress: both, tag: 1001, want: .untaggedAndTagged(1001)),
    TagCase(
      name: "routed port with VLANs, second VID, PCP 3", ingress: both, tag: 0x6000 | 1002,
      want: .domain2(0x6000 | 1002)),
    TagCase(
      name: "routed port with VLANs, VID that is not attached", ingress: both, tag: 1003, want: .drop(.vlanNotAllowed)),
  ]
}

@Suite("Switch") struct SwitchTests {
  @Test("a second tag brings no frame into a VLAN that its sender is not in", arguments: [0, 1001] as [UInt16])
  func doubleTag(outer: UInt16) {
    let ports = [(1, TagCase.untagged), (2, TagCase.native), (3, TagCase.untagged), (4, TagCase.trunk)]
    for destination in [broadcast, b] {
      let rig = Rig(ports.map { (port: $0.0, role: $0.1) })
      let inside = FrameHeader(
        destination: destination, source: a, tagControl: outer, isTagged: true, etherType: FrameHeader.tagProtocol)
      // Without a tag it would be one of the other VLAN at port 2. A port that takes no tags has it as it is.
      #expect(rig.receivers(of: inside, from: 1) == [3: TagForm.untagged, 4: 1001])
      #expect(rig.hops(of: inside, from: 1) == [2], "told, so that it is counted")
      _ = rig.forward(frame(b, broadcast), from: 2)
      guard destination == b else { continue }
      #expect(rig.forward(inside, from: 1) == .drop(.vlanNotAllowed))
      #expect(rig.forward(frame(a, b, tag: outer), from: 1) == .forward(NICIndex(2), tagControl: TagForm.untagged))
    }
  }

  @Test("classifies a frame by its tag and the port, and gives each receiver its form", arguments: TagCase.all)
  func tags(_ test: TagCase) {
    let plane = Rig([(1, test.ingress), (2, TagCase.untagged), (3, TagCase.trunk)])
    switch test.want {
    case .drop(let reason): #expect(plane.forward(frame(a, broadcast, tag: test.tag), from: 1) == .drop(reason))
    case .routed: #expect(plane.forward(frame(a, broadcast, tag: test.tag), from: 1) == .route(PortIndex(1)))
    case .untaggedAndTagged(let tag):
      #expect(plane.receivers(of: frame(a, broadcast, tag: test.tag), from: 1) == [2: -1, 3: Int32(tag)])
    case .domain2(let tag):
      #expect(plane.receivers(of: frame(a, broadcast, tag: test.tag), from: 1) == [3: Int32(tag)])
    }
  }

  @Test("learns the source and sends to it alone, in the form of its port")
  func unicast() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.trunk), (3, TagCase.untagged)])
    #expect(plane.receivers(of: frame(a, b), from: 1) == [2: 1001, 3: -1], "unknown: flooded")
    #expect(plane.receivers(of: frame(b, a, tag: 0xA000 | 1001), from: 2) == [1: -1])
    #expect(plane.receivers(of: frame(a, b), from: 1) == [2: 1001])
  }

  @Test("a station that moves is found at its new port with its first frame")
  func move() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.untagged), (3, TagCase.untagged)])
    _ = plane.forward(frame(a, broadcast), from: 1)
    #expect(plane.receivers(of: frame(b, a), from: 3) == [1: -1])
    _ = plane.forward(frame(a, broadcast), from: 2)
    #expect(plane.receivers(of: frame(b, a), from: 3) == [2: -1])
  }

  @Test("never sends a frame back where it came from")
  func noReflection() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.untagged)])
    _ = plane.forward(frame(a, broadcast), from: 1)
    _ = plane.forward(frame(b, broadcast), from: 1)
    #expect(plane.forward(frame(a, b), from: 1) == .drop(.samePort))
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [2: -1])
  }

  @Test("keeps domains apart, also those with the same number")
  func domains() {
    let other = PortProgram.Role.switched(untagged: DomainIndex(3), tagged: [])  // VID 1001 too
    let plane = Rig([(1, TagCase.untagged), (2, other), (3, TagCase.untagged)])
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [3: -1])
    #expect(plane.receivers(of: frame(a, broadcast), from: 2) == [:])
    #expect(plane.receivers(of: frame(b, a), from: 2) == [:], "a station of another domain is unknown")
    #expect(plane.receivers(of: frame(b, a), from: 3) == [1: -1])
  }

  @Test("reserved addresses stay here, on every port and with any tag", arguments: 0...15)
  func reserved(_ last: UInt64) {
    let target = MACAddress(0x0180_C200_0000 | last)
    let want = Verdict.drop(last == 2 ? .slowProtocol : .reservedAddress)
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.trunk), (3, TagCase.routed), (4, .dark)])
    for nic in 1...4 { #expect(plane.forward(frame(a, target), from: nic) == want) }
    #expect(plane.forward(frame(a, target, tag: 1001), from: 2) == want)
    #expect(plane.stationCount == 0)
  }

  @Test("the next addresses after the reserved ones are ordinary groups", arguments: [0x10, 0x20, 0x21] as [UInt64])
  func notReserved(_ last: UInt64) {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.untagged)])
    #expect(plane.receivers(of: frame(a, MACAddress(0x0180_C200_0000 | last)), from: 1) == [2: -1])
  }

  @Test(
    "a source that no station can have is dropped and not learned",
    arguments: [0, 0x0100_5E00_0001, 0xFFFF_FFFF_FFFF] as [UInt64])
  func invalidSource(_ source: UInt64) {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.untagged)])
    #expect(plane.forward(frame(MACAddress(source), broadcast), from: 1) == .drop(.invalidSource))
    #expect(plane.stationCount == 0)
  }

  @Test("a dropped frame teaches nothing")
  func droppedTeachesNothing() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.trunk)])
    _ = plane.forward(frame(a, broadcast, tag: 1002), from: 1)
    _ = plane.forward(frame(b, broadcast), from: 2)
    #expect(plane.stationCount == 0)
  }

  @Test("each NIC has the MTU that its interface is set to, up to 9216, whatever its port is told")
  func mtu() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.untagged)])
    #expect(plane.mtu(of: 2) == 9_216, "nothing was said")
    plane.setMTU(1_500, of: 2)
    #expect(plane.mtu(of: 1) == 9_216)
    #expect(plane.mtu(of: 2) == 1_500)
    plane.apply([2: PortProgram(members: [NICIndex(2)], role: TagCase.trunk)])
    #expect(plane.mtu(of: 2) == 1_500)
    plane.setMTU(65_535, of: 2)
    #expect(plane.mtu(of: 2) == 9_216)
  }

  @Test("a bond's MTU is that of its smaller member, and a port without members has none")
  func mtuOfPort() {
    let plane = Rig([(1, TagCase.untagged)])
    let nics = [NICIndex(30), NICIndex(31)]
    let lag = Aggregation(key: 1, places: nics.map { .init(nic: $0, portNumber: UInt16($0.value)) })
    plane.apply([20: PortProgram(members: nics, role: TagCase.untagged, aggregation: lag)])
    plane.setMTU(9_000, of: 30)
    plane.setMTU(1_500, of: 31)
    #expect(plane.plane.mtu(of: PortIndex(20)) == 1_500)
    plane.setMTU(9_000, of: 31)
    #expect(plane.plane.mtu(of: PortIndex(20)) == 9_000)
    #expect(plane.plane.mtu(of: PortIndex(21)) == nil)
    #expect(plane.plane.port(of: NICIndex(31)) == PortIndex(20))
    #expect(plane.plane.port(of: NICIndex(32)) == nil)
  }

  @Test("a NIC that belongs to no port carries nothing")
  func noPort() {
    let plane = Rig([(1, TagCase.untagged)])
    #expect(plane.forward(frame(a, broadcast), from: 9) == .drop(.noPort))
  }

  @Test("a routed port gets its VLANs tagged, one as well as several, flooded and to a station")
  func routedReceiver() {
    let one = PortProgram.Role.routed(tagged: [DomainIndex(1)])
    let plane = Rig([(1, TagCase.untagged), (2, one), (3, TagCase.both)])
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [2: 1001, 3: 1001])
    #expect(plane.receivers(of: frame(b, a, tag: 1001), from: 2) == [1: -1])
    #expect(plane.receivers(of: frame(a, b, tag: 0xA000), from: 1) == [2: Int32(0xA000 | 1001)])
    #expect(plane.receivers(of: frame(b, broadcast, tag: 1002), from: 2) == [:], "not attached there")
  }

  @Test("what a routed port sends untagged teaches no domain anything, and no VLAN hears of it")
  func routedTeachesNothing() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.both)])
    #expect(plane.forward(frame(b, broadcast), from: 2) == .route(PortIndex(2)))
    #expect(plane.forward(frame(b, a, tag: 0xE000), from: 2) == .route(PortIndex(2)))
    #expect(plane.stationCount == 0)
  }

  @Test("on a routed port the source of a tagged frame is looked at as on others")
  func routedChecks() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.both)])
    #expect(plane.forward(frame(MACAddress(0), broadcast, tag: 1001), from: 2) == .drop(.invalidSource))
    #expect(plane.stationCount == 0)
  }

  // MARK: Changes

  @Test("a station stays known while its bond goes from switched to routed with the same VLAN, and goes with the VLAN")
  func switchedToRouted() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.untagged)])
    _ = plane.forward(frame(b, broadcast), from: 2)
    plane.apply([2: PortProgram(members: [NICIndex(2)], role: TagCase.both)])
    #expect(plane.receivers(of: frame(a, b), from: 1) == [2: 1001])
    plane.apply([2: PortProgram(members: [NICIndex(2)], role: TagCase.routed)])
    #expect(plane.forward(frame(a, b), from: 1) == .flood(DomainIndex(1), from: PortIndex(1)))
    #expect(plane.receivers(of: frame(a, b), from: 1) == [:])
    #expect(plane.stationCount == 1, "the one behind port 1")
  }

  @Test("stations go with the VLAN that leaves their port")
  func leavingFlushes() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.trunk)])
    _ = plane.forward(frame(a, broadcast, tag: 1001), from: 2)
    _ = plane.forward(frame(b, broadcast, tag: 1002), from: 2)
    #expect(plane.stationCount == 2)
    plane.apply([
      2: PortProgram(members: [NICIndex(2)], role: .switched(untagged: DomainIndex(2), tagged: []))
    ])
    #expect(plane.stationCount == 1)
    #expect(plane.receivers(of: frame(b, broadcast), from: 2) == [:])
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [:])
  }

  @Test("a port that changes from untagged to tagged keeps its stations and their frames get a tag")
  func secondVLAN() {
    let plane = Rig([(1, TagCase.untagged), (2, TagCase.untagged)])
    _ = plane.forward(frame(b, broadcast), from: 2)
    plane.apply([2: PortProgram(members: [NICIndex(2)], role: TagCase.trunk)])
    #expect(plane.receivers(of: frame(a, b), from: 1) == [2: 1001])
  }

  @Test("NICs change hands between bond and single ports in one transaction")
  func membersMove() {
    let plane = Rig([(1, TagCase.untagged)])
    let nics = [NICIndex(10), NICIndex(11)]
    let lag = aggregation(10, 11)
    plane.apply([20: PortProgram(members: nics, role: TagCase.untagged, aggregation: lag)])
    for nic in nics { plane.setLink(nic.value, up: true) }
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [10: -1], "a flood leaves a bond once")
    plane.apply([
      20: .absent, 21: PortProgram(members: [nics[0]], role: TagCase.untagged),
      22: PortProgram(members: [nics[1]], role: TagCase.untagged),
    ])
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [10: -1, 11: -1])
    #expect(plane.receivers(of: frame(b, broadcast), from: 10) == [1: -1, 11: -1])
    plane.apply([
      20: PortProgram(members: nics, role: TagCase.untagged, aggregation: lag), 21: .absent, 22: .absent,
    ])
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [10: -1])
  }

  // MARK: Bond without a partner

  func bond() -> Rig {
    let plane = Rig([(1, TagCase.untagged)])
    plane.apply([
      20: PortProgram(
        members: [NICIndex(10), NICIndex(11)], role: TagCase.untagged, aggregation: aggregation(10, 11))
    ])
    return plane
  }

  @Test("the first member whose link is up carries, the other's frames are dropped")
  func fallback() {
    let plane = bond()
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [10: -1])
    plane.setLink(11, up: true)
    #expect(plane.receivers(of: frame(b, broadcast), from: 11) == [1: -1])
    #expect(plane.receivers(of: frame(a, b), from: 1) == [11: -1])
    plane.setLink(10, up: true)
    #expect(plane.forward(frame(b, broadcast), from: 10) == .drop(.bondStandby))
    #expect(plane.receivers(of: frame(a, b), from: 1) == [11: -1], "the server uses it")
    plane.setLink(11, up: false)
    #expect(plane.receivers(of: frame(a, b), from: 1) == [10: -1], "a station stands on the bond, not on a member")
    plane.setLink(11, up: true)
    #expect(plane.carries(10))
    #expect(!plane.carries(11))
    #expect(plane.otherCarrier(than: 11) == 10)
  }

  @Test("the first member carries at first, also when the other one's link was up before")
  func firstAtFirst() {
    let plane = bond()
    plane.setLink(11, up: true)
    plane.setLink(10, up: true)
    #expect(plane.carries(10))
  }

  /// A bond both of whose links are up, and b was heard by 10.
  func bothUp(isStatic: Bool = false) -> Rig {
    let plane = Rig([(1, TagCase.untagged)])
    var aggregation = aggregation(10, 11)
    aggregation.isStatic = isStatic
    plane.apply([
      20: PortProgram(
        members: [NICIndex(10), NICIndex(11)], role: TagCase.untagged, aggregation: aggregation)
    ])
    plane.setLink(10, up: true)
    plane.setLink(11, up: true)
    #expect(plane.receivers(of: frame(b, broadcast), from: 10) == [1: -1])
    return plane
  }
  private var c: MACAddress { MACAddress(0x0200_0000_000C) }
  private var everyRouter: MACAddress { MACAddress(0x3333_0000_0002) }

  @Test("a server whose address moves to the other link is followed with its first frame, and back")
  func addressMoves() {
    let plane = bothUp()
    plane.pass(100)
    #expect(plane.receivers(of: frame(b, a), from: 11) == [1: -1])
    #expect(plane.takeMoved() == 11)
    #expect(plane.takeMoved() == nil)
    #expect(plane.receivers(of: frame(a, b), from: 1) == [11: -1])
    #expect(plane.forward(frame(b, a), from: 10) == .drop(.bondStandby))
    plane.pass(100)
    #expect(plane.receivers(of: frame(b, a), from: 10) == [1: -1])
    #expect(plane.takeMoved() == 10)
  }

  @Test("a server that bridges its NICs says everything twice: the second time is dropped, and moves nothing")
  func saidTwice() {
    let plane = bothUp()
    for _ in 0..<10 {
      plane.pass(3_000)
      #expect(plane.receivers(of: frame(b, broadcast), from: 10) == [1: -1])
      plane.pass(20)
      #expect(plane.forward(frame(b, broadcast), from: 11) == .drop(.bondStandby))
    }
    #expect(plane.takeMoved() == nil)
  }

  @Test("what the server gets by one link and reflects by the other moves nothing")
  func reflected() {
    let plane = bothUp()
    for _ in 0..<50 {
      plane.pass(50)
      #expect(plane.forward(frame(b, broadcast), from: 10) != .drop(.bondStandby))
      #expect(plane.forward(frame(a, broadcast), from: 11) == .drop(.bondStandby))
      #expect(plane.forward(frame(a, b), from: 11) == .drop(.bondStandby))
    }
  }

  @Test("nor does it when the server itself is silent for minutes")
  func reflectedBySilence() {
    let plane = bothUp()
    for _ in 0..<20 {
      plane.pass(30_000)
      _ = plane.forward(frame(a, broadcast), from: 1)
      #expect(plane.forward(frame(a, broadcast), from: 11) == .drop(.bondStandby))
      #expect(plane.forward(frame(a, c), from: 11) == .drop(.bondStandby))
    }
    #expect(plane.receivers(of: frame(b, a), from: 10) == [1: -1], "a stands where it was")
  }

  @Test("a second NIC with an address of its own carries when it sends unicast and the first one is silent")
  func secondSendsUnicast() {
    let plane = bothUp()
    plane.pass(999)
    #expect(plane.forward(frame(c, a), from: 11) == .drop(.bondStandby))
    plane.pass(1)
    #expect(plane.receivers(of: frame(c, a), from: 11) == [1: -1])
  }

  @Test("broadcasts of a second NIC count when they go on while the first one is silent for five seconds")
  func secondSendsBroadcasts() {
    let plane = bothUp()
    plane.pass(4_500)
    #expect(plane.forward(frame(c, broadcast), from: 11) == .drop(.bondStandby))
    plane.pass(900)
    #expect(plane.forward(frame(c, broadcast), from: 11) == .drop(.bondStandby))
    plane.pass(100)
    #expect(plane.receivers(of: frame(c, broadcast), from: 11) == [1: -1])
  }

  @Test("a broadcast now and then is no use of a link, when the first one speaks between them")
  func chatterOfBoth() {
    let plane = bothUp()
    for _ in 0..<20 {
      plane.pass(10_000)
      #expect(plane.forward(frame(c, broadcast), from: 11) == .drop(.bondStandby))
      plane.pass(500)
      #expect(plane.forward(frame(b, everyRouter), from: 10) != .drop(.bondStandby))
    }
  }

  @Test("multicast proves nothing: every NIC that is up sends it")
  func chatter() {
    let plane = bothUp()
    for _ in 0..<20 {
      plane.pass(60_000)
      #expect(plane.forward(frame(c, everyRouter), from: 11) == .drop(.bondStandby))
    }
    #expect(plane.carries(10))
  }

  @Test("a frame from nobody moves nothing")
  func fromNobody() {
    let plane = bond()
    plane.setLink(10, up: true)
    plane.setLink(11, up: true)
    _ = plane.forward(frame(MACAddress(0), broadcast), from: 10)
    plane.pass(60_000)
    #expect(plane.forward(frame(MACAddress(0), a), from: 11) == .drop(.bondStandby))
  }

  @Test("a static bond takes the frames of both members, and sends where the broadcasts come from")
  func staticBond() {
    let plane = bothUp(isStatic: true)
    #expect(plane.receivers(of: frame(c, a), from: 11) == [1: -1])
    #expect(plane.receivers(of: frame(a, b), from: 1) == [10: -1])
    #expect(plane.receivers(of: frame(a, c), from: 1) == [10: -1], "the one that receives")
    #expect(plane.receivers(of: frame(a, broadcast), from: 1) == [10: -1], "once")
    #expect(plane.forward(frame(b, c), from: 10) == .drop(.samePort))
    plane.pass(1_000)
    #expect(plane.receivers(of: frame(b, broadcast), from: 11) == [1: -1])
    #expect(plane.takeMoved() == 11)
    #expect(plane.receivers(of: frame(a, b), from: 1) == [11: -1])
    plane.setLink(11, up: false)
    #expect(plane.receivers(of: frame(a, b), from: 1) == [10: -1])
  }

  @Test("a member that must not carry alone does not, and leaves that behind with its bond")
  func barred() {
    let plane = bothUp()
    plane.plane.setCarriage(
      BondCarriage(
        isAggregate: false,
        members: [10, 11].map {
          BondCarriage.Member(nic: NICIndex($0), isCollecting: false, isDistributing: false, isBarred: $0 == 10)
        }), of: PortIndex(20))
    #expect(plane.receivers(of: frame(a, b), from: 1) == [11: -1])
    #expect(plane.forward(frame(b, broadcast), from: 10) == .drop(.bondStandby))
    plane.apply([20: .absent, 21: PortProgram(members: [NICIndex(10)], role: TagCase.untagged)])
    #expect(plane.carries(10))
  }

  @Test("which member carries outlives a change of the bond's VLANs")
  func carrierStays() {
    let plane = bothUp()
    plane.plane.setCarrier(NICIndex(11))
    plane.apply([
      20: PortProgram(
        members: [NICIndex(10), NICIndex(11)], role: TagCase.native, aggregation: aggregation(10, 11))
    ])
    #expect(plane.carries(11) && !plane.carries(10))
  }

  @Test("a bond never reflects a frame by its other member")
  func bondReflection() {
    let plane = bond()
    plane.setLink(10, up: true)
    plane.setLink(11, up: true)
    #expect(plane.receivers(of: frame(b, broadcast), from: 10) == [1: -1])
  }

  @Test("stations of a port go when its last link goes down")
  func linkDownFlushes() {
    let plane = bond()
    plane.setLink(10, up: true)
    plane.setLink(11, up: true)
    _ = plane.forward(frame(b, broadcast), from: 10)
    plane.setLink(10, up: false)
    #expect(plane.stationCount == 1)
    plane.setLink(11, up: false)
    #expect(plane.stationCount == 0)
  }
}

@Suite("Bond with a partner") struct AggregateTests {
  /// Port 1 with NIC 1, and a bond, port 20, of the NICs 10 and 11, all up.
  func bond(collecting: [Int], distributing: [Int], isAggregate: Bool = true) -> Rig {
    let rig = Rig([(1, TagCase.untagged)])
    rig.apply([
      20: PortProgram(
        members: [NICIndex(10), NICIndex(11)], role: TagCase.untagged, aggregation: aggregation(10, 11))
    ])
    for nic in [10, 11] { rig.setLink(nic, up: true) }
    agree(rig, collecting, distributing, isAggregate)
    return rig
  }

  func agree(_ rig: Rig, _ collecting: [Int], _ distributing: [Int], _ isAggregate: Bool = true) {
    rig.plane.setCarriage(
      BondCarriage(
        isAggregate: isAggregate,
        members: [10, 11].map {
          BondCarriage.Member(
            nic: NICIndex($0), isCollecting: collecting.contains($0), isDistributing: distributing.contains($0))
        }), of: PortIndex(20))
  }

  /// The members that conversations to station b leave by.
  func egress(_ rig: Rig) -> Set<Int> {
    switch rig.forward(frame(a, b), from: 1) {
    case .forward(let nic, _): return [nic.value]
    case .balance(let port, _):
      let hashes: [UInt32] = [0, 1 << 30, 1 << 31, .max]
      return Set(hashes.compactMap { rig.plane.member(of: port, for: $0)?.value })
    default: return []
    }
  }

  @Test("takes frames by both members, and spreads conversations over both")
  func both() {
    let rig = bond(collecting: [10, 11], distributing: [10, 11])
    #expect(rig.receivers(of: frame(b, broadcast), from: 10) == [1: -1])
    #expect(rig.receivers(of: frame(b, broadcast), from: 11) == [1: -1])
    #expect(egress(rig) == [10, 11])
    #expect(rig.carries(10) && rig.carries(11))
  }

  @Test("a flood leaves by one member, and never goes back by the other")
  func flood() {
    let rig = bond(collecting: [10, 11], distributing: [10, 11])
    #expect(rig.receivers(of: frame(a, broadcast), from: 1).count == 1)
    #expect(rig.receivers(of: frame(b, broadcast), from: 10) == [1: -1])
    #expect(rig.forward(frame(a, b), from: 11) == .drop(.samePort))
  }

  @Test("a member that collects and does not distribute takes frames and sends none")
  func collectingOnly() {
    let rig = bond(collecting: [10, 11], distributing: [10])
    _ = rig.forward(frame(b, broadcast), from: 11)
    #expect(egress(rig) == [10])
  }

  @Test("a member that does not collect takes nothing")
  func notCollecting() {
    let rig = bond(collecting: [10], distributing: [10])
    #expect(rig.forward(frame(b, broadcast), from: 11) == .drop(.bondStandby))
  }

  @Test("while partner and switch have not agreed, nothing crosses")
  func neither() {
    let rig = bond(collecting: [], distributing: [])
    #expect(rig.forward(frame(b, broadcast), from: 10) == .drop(.bondStandby))
    #expect(rig.forward(frame(b, broadcast), from: 11) == .drop(.bondStandby))
    #expect(!rig.carries(10) && !rig.carries(11))
  }

  @Test("a link that goes down stops at once, and the other one carries everything")
  func linkDown() {
    let rig = bond(collecting: [10, 11], distributing: [10, 11])
    _ = rig.forward(frame(b, broadcast), from: 10)
    rig.setLink(10, up: false)
    #expect(egress(rig) == [11])
    rig.setLink(10, up: true)
    rig.setLink(11, up: false)
    #expect(egress(rig) == [10])
  }

  @Test("what was agreed outlives a change of the bond's VLANs, and a member's leaving")
  func reprogrammed() {
    let rig = bond(collecting: [10, 11], distributing: [10, 11])
    rig.apply([
      20: PortProgram(
        members: [NICIndex(10), NICIndex(11)], role: TagCase.native, aggregation: aggregation(10, 11))
    ])
    #expect(rig.receivers(of: frame(b, broadcast), from: 11) == [1: -1])
    rig.apply([
      20: PortProgram(
        members: [NICIndex(10)], role: TagCase.native, aggregation: aggregation(10, 11))
    ])
    #expect(rig.receivers(of: frame(b, broadcast), from: 10) == [1: -1])
    #expect(rig.forward(frame(b, broadcast), from: 11) == .drop(.noPort))
  }

  @Test("takes frames by the members that LACP has opened while one sends alone, until the aggregate begins")
  func comingUp() {
    let rig = bond(collecting: [10, 11], distributing: [], isAggregate: false)
    rig.pass(10_000)
    #expect(rig.receivers(of: frame(b, a), from: 11) == [1: -1])
    #expect(rig.receivers(of: frame(b, a), from: 10) == [1: -1])
    #expect(egress(rig) == [10], "and nothing moves by what is heard")
    agree(rig, [10, 11], [10, 11])
    #expect(egress(rig) == [10, 11])
  }

  @Test("the end of an aggregate leaves the member that LACP names")
  func end() {
    let rig = bond(collecting: [11], distributing: [11])
    rig.plane.setCarriage(
      BondCarriage(
        isAggregate: false,
        members: [10, 11].map { BondCarriage.Member(nic: NICIndex($0), isCollecting: false, isDistributing: false) },
        carrier: NICIndex(11)), of: PortIndex(20))
    #expect(rig.carries(11) && !rig.carries(10))
  }

  @Test("falls back to one member when the partner is gone")
  func fallback() {
    let rig = bond(collecting: [10, 11], distributing: [10, 11])
    agree(rig, [], [], false)
    #expect(rig.forward(frame(b, broadcast), from: 11) == .drop(.bondStandby))
    #expect(rig.receivers(of: frame(b, broadcast), from: 10) == [1: -1])
  }

  @Test("a bond of one NIC obeys LACP too")
  func alone() {
    let rig = bond(collecting: [], distributing: [])
    rig.apply([
      20: PortProgram(
        members: [NICIndex(10)], role: TagCase.untagged, aggregation: aggregation(10, 11))
    ])
    #expect(rig.forward(frame(b, broadcast), from: 10) == .drop(.bondStandby))
    agree(rig, [10], [10])
    #expect(rig.receivers(of: frame(b, broadcast), from: 10) == [1: -1])
  }

  @Test("LACPDUs go to the slow path from a bond's members, tagged ones and those of other ports nowhere")
  func slowProtocols() {
    let rig = bond(collecting: [], distributing: [])
    let target = MACAddress(0x0180_C200_0002)
    #expect(rig.forward(frame(b, target), from: 10) == .slowProtocol)
    #expect(rig.forward(frame(b, target), from: 11) == .slowProtocol)
    #expect(rig.forward(frame(b, target, tag: 5), from: 10) == .drop(.slowProtocol))
    #expect(rig.forward(frame(b, target), from: 1) == .drop(.slowProtocol))
    #expect(rig.forward(frame(b, target), from: 30) == .drop(.slowProtocol))
  }
}
