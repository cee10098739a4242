import Dataplane
import LinkAggregation
import Host
import Net
import Ports
import Switching
import Testing
import Wire

/// A server whose two NICs are cables and whose bonding driver is a `Bond` of its own, on the real clock.
///
/// The machines are tested against partners that nobody here wrote, and against an independent one on virtual time;
/// this is about the way of their frames through the forwarding plane.
final class BondedServer {
  let plane: Dataplane
  let eth = [Cable(), Cable()]
  let other = Cable()
  let partnerSystem = MACAddress(0x0200_0000_0BBB)
  var partner: Bond
  static let bond = PortIndex(1)
  static let vlan = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])

  init(workers: Int = 1) async throws {
    var configuration = Dataplane.Configuration()
    configuration.workers = workers
    configuration.limits.nics = 16
    configuration.limits.ports = 32
    configuration.limits.domains = 16
    plane = try Dataplane(configuration)
    partner = Bond(
      LACPConfiguration(system: partnerSystem, key: 9, fastRate: true), ports: [1, 2], at: Clock.milliseconds())
    await plane.setLACP(system: MACAddress(0x0200_0000_0AAA), fastRate: true)
    for (nic, cable) in (eth + [other]).enumerated() { try await plane.attach(cable.takeTAP(), as: NICIndex(nic)) }
    var change = ForwardingChange()
    change.domains[DomainIndex(1)] = VLANID(1001)!
    change.ports[PortIndex(9)] = PortProgram(members: [NICIndex(2)], role: Self.vlan)
    change.ports[Self.bond] = Self.program([0, 1])
    await plane.apply(change)
    while !(await plane.carries(NICIndex(0))) {}
    while !(await plane.carries(NICIndex(2))) {}
  }

  static func program(_ members: [Int]) -> PortProgram {
    PortProgram(
      members: members.map { NICIndex($0) }, role: vlan,
      aggregation: Aggregation(
        key: 7,
        places: [
          Aggregation.Place(nic: NICIndex(0), portNumber: 13), Aggregation.Place(nic: NICIndex(1), portNumber: 14),
        ]))
  }

  func apply(_ programs: [PortIndex: PortProgram]) async {
    var change = ForwardingChange()
    change.ports = programs
    await plane.apply(change)
  }

  /// Lets both sides talk until `isDone`, ten seconds at most. Other frames that arrive are returned.
  func talk(until isDone: () async -> Bool) async -> [[UInt8]] {
    var others: [[UInt8]] = []
    let end = Clock.milliseconds() + 10_000
    for member in 0..<2 { partner.setLink(member: member, up: true, at: Clock.milliseconds()) }
    while Clock.milliseconds() < end {
      speak()
      for (member, cable) in eth.enumerated() {
        guard let bytes = cable.receive(milliseconds: 5) else { continue }
        let frame = Array(bytes[12...])
        if !hear(frame, on: member) { others.append(frame) }
      }
      partner.tick(at: Clock.milliseconds())
      if await isDone() { return others }
    }
    Issue.record("not done within ten seconds")
    return others
  }

  /// Sends what the server's bonding driver has to say. The driver itself does at once what it is told.
  func speak() {
    partner.confirm(partner.revision, at: Clock.milliseconds())
    var room = [UInt8](repeating: 0, count: SlowProtocolPDU.frameSize)
    while let member = unsafe room.withUnsafeMutableBytes({ bytes in
      unsafe partner.nextTransmission(into: bytes.baseAddress!, at: Clock.milliseconds())
    }) { eth[member].send(room) }
  }

  /// Gives an LACPDU to the driver; false: it is none.
  func hear(_ frame: [UInt8], on member: Int) -> Bool {
    let pdu = unsafe frame.withUnsafeBytes { unsafe SlowProtocolPDU.decode($0.baseAddress!, count: $0.count) }
    guard case .lacp = pdu else { return false }
    partner.receive(pdu, on: member, at: Clock.milliseconds())
    return true
  }

  func members() async -> [MemberSnapshot] {
    await plane.bonds([Self.bond]).flatMap { $0.members.map(\.snapshot) }
  }

  func join() async {
    _ = await talk {
      let members = await members()
      return members.count == 2 && members.allSatisfy(\.isDistributing) && members.allSatisfy { !$0.isFallback }
    }
  }
}

private let everybody: [UInt8] = [255, 255, 255, 255, 255, 255]
private func mac(_ last: UInt8) -> [UInt8] { [2, 0, 0, 0, 0, last] }
/// An IPv4 frame of its own conversation.
private func packet(to: UInt8, from: UInt8, flow: UInt8) -> [UInt8] {
  mac(to) + mac(from) + [8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to, flow, 1, 0, 80]
    + [UInt8](repeating: 0, count: 16)
}

@Suite("Bond, end to end over cables", .serialized, .timeLimit(.minutes(1))) struct BondForwardingTests {
  @Test("without a partner one member carries, with one both do, each conversation by one of them")
  func joins() async throws {
    let server = try await BondedServer()
    server.other.send(everybody + mac(3) + [0x88, 0xB5] + [UInt8](repeating: 1, count: 46))
    _ = await server.talk { await server.members().allSatisfy(\.isDistributing) }
    // The station behind the bond is known, and heard by either member.
    server.eth[1].send(packet(to: 3, from: 1, flow: 0))
    #expect(server.other.frame() == packet(to: 3, from: 1, flow: 0))
    for _ in 0..<2 { for flow in 0..<64 { server.other.send(packet(to: 1, from: 3, flow: UInt8(flow))) } }
    var seen: [[UInt8]: Set<Int>] = [:]
    var count = 0
    while count < 128 {
      for (member, cable) in server.eth.enumerated() {
        for frame in cable.drain() where frame[12...13] == [8, 0] {
          seen[frame, default: []].insert(member)
          count += 1
        }
      }
    }
    #expect(seen.count == 64)
    #expect(seen.values.allSatisfy { $0.count == 1 }, "a conversation stays on one member")
    #expect(seen.values.contains([0]) && seen.values.contains([1]), "conversations use both members")
    await server.plane.stop()
  }

  @Test("what is said is what was configured")
  func identity() async throws {
    let server = try await BondedServer()
    await server.join()
    let members = await server.members()
    #expect(members.map(\.actor.system) == [MACAddress(0x0200_0000_0AAA), MACAddress(0x0200_0000_0AAA)])
    #expect(members.map(\.actor.key) == [7, 7])
    #expect(members.map(\.actor.port) == [13, 14])
    #expect(members.map { $0.partner?.system } == [server.partnerSystem, server.partnerSystem])
    #expect(members.map { $0.partner?.key } == [9, 9])
    await server.plane.stop()
  }

  @Test("a member that leaves does not disturb the other one")
  func leaves() async throws {
    let server = try await BondedServer()
    await server.join()
    await server.apply([
      BondedServer.bond: BondedServer.program([0]),
      PortIndex(3): PortProgram(members: [NICIndex(1)], role: .dark),
    ])
    server.eth[0].send(packet(to: 3, from: 1, flow: 0))
    #expect(server.other.frame() == packet(to: 3, from: 1, flow: 0))
    for flow in 0..<16 { server.other.send(packet(to: 1, from: 3, flow: UInt8(flow))) }
    var got = 0
    while got < 16 { got += server.eth[0].drain().count { $0[12...13] == [8, 0] } }
    #expect(await server.members().map(\.member) == [0])
    await server.apply([PortIndex(3): .absent])
    await server.apply([BondedServer.bond: BondedServer.program([0, 1])])
    await server.join()
    await server.plane.stop()
  }

  @Test("a bond that is dissolved speaks LACP no more")
  func dissolved() async throws {
    let server = try await BondedServer()
    await server.join()
    await server.apply([
      BondedServer.bond: .absent,
      PortIndex(2): PortProgram(members: [NICIndex(0)], role: BondedServer.vlan),
      PortIndex(3): PortProgram(members: [NICIndex(1)], role: BondedServer.vlan),
    ])
    for cable in server.eth { _ = cable.drain() }
    #expect(await server.plane.bonds().isEmpty)
    var room = [UInt8](repeating: 0, count: SlowProtocolPDU.frameSize)
    server.partner.setFastRate(false, at: Clock.milliseconds())
    // The partner may have spoken three times in this second already, and then waits for the next: 802.1AX-2014 6.4.16.
    var member: Int?
    while member == nil {
      member = unsafe room.withUnsafeMutableBytes { bytes in
        unsafe server.partner.nextTransmission(into: bytes.baseAddress!, at: Clock.milliseconds())
      }
    }
    server.eth[0].send(room)
    // A later frame of the same NIC has come through, so the LACPDU has been dealt with.
    server.eth[0].send(packet(to: 3, from: 1, flow: 0))
    while server.other.frame() != packet(to: 3, from: 1, flow: 0) {}
    #expect(server.plane.counters(of: NICIndex(0)).drops["slow-protocol"] == 1)
    await server.plane.stop()
    for cable in server.eth { #expect(cable.drain().allSatisfy { $0[12...13] != [0x88, 0x09] }) }
  }
}
