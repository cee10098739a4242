import FoundationEssentials
import Net
import Rack
import Switching
import Testing
import Wire

@testable import Cabling

@Suite("Wires") struct WiresTests {
  @Test("an index is used again only when no fresh one is left, and then the one that rests longest")
  func indexPool() {
    var pool = IndexPool(1..<5)
    #expect([pool.take(), pool.take()] == [1, 2])
    pool.giveBack(2)
    pool.giveBack(1)
    #expect([pool.take(), pool.take(), pool.take(), pool.take(), pool.take()] == [3, 4, 2, 1, nil])
    for round in 0..<5000 {
      pool.giveBack(round % 4 + 1)
      #expect(pool.take() == round % 4 + 1)
    }
  }

  @Test("the program of each port follows the server's wiring; NICs that are not there are members of nothing")
  func programs() throws {
    var source = SystemEntropy()
    var rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    var wires = Wires(Switch.Limits())
    for number in [1001, 1002] {
      let request = NetworkRequest(project: project, facility: "ewr1", vxlan: number, description: nil)
      try rack.perform(.createNetwork(request), with: &source)
      try wires.openDomain(for: rack.network(numbered: number, facility: "ewr1", project: project)!.id)
    }
    let request = ServerRequest(
      hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
      place: .host)
    try rack.perform(.createServer(request), with: &source)
    var web1: Server { rack.server(named: "web1")! }
    #expect(try wires.openSlot(for: ServerID(UUID())) == 0)
    #expect(try wires.openSlot(for: web1.id) == 1)
    let (bond0, eth0, eth1) = (PortIndex(4), PortIndex(5), PortIndex(6))
    var attached: Set<PortName> = []
    func programs() -> [PortIndex: PortProgram] {
      var change = WireChange()
      change.rewired[web1.id] = ServerImage(of: web1, RoutingPlan(mac: MACAddress(0x0200_0000_0001)))
      return wires.transaction(change) { _ in attached }.0.ports
    }
    #expect(programs() == [bond0: .absent, eth0: .absent, eth1: .absent])

    attached = [.eth0, .eth1]
    let both = [NICIndex(2), NICIndex(3)]
    // The number in the rack, and not the slot, which another start may give to another server.
    let lacp = Aggregation(
      key: 1,
      places: [
        Aggregation.Place(nic: NICIndex(2), portNumber: 1), Aggregation.Place(nic: NICIndex(3), portNumber: 2),
      ])
    #expect(
      programs()[bond0]
        == PortProgram(members: both, role: .routed(tagged: []), aggregation: lacp))

    try rack.perform(.setMode(web1.id, .hybrid), with: &source)
    for number in [1002, 1001] { try rack.perform(.assign(web1.eth1.id, .number(number)), with: &source) }
    #expect(
      programs() == [
        bond0: PortProgram(members: [NICIndex(2)], role: .routed(tagged: []), aggregation: lacp),
        eth0: .absent,
        eth1: PortProgram(
          members: [NICIndex(3)], role: .switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])),
      ])
    try rack.perform(.setNative(web1.eth1.id, .number(1002)), with: &source)
    #expect(
      programs()[eth1]?.role == .switched(untagged: DomainIndex(2), tagged: [DomainIndex(1)]))
    #expect(wires.owner(of: eth1)?.server == web1.id)
    #expect(wires.owner(of: eth1)?.port == .eth1)
    wires.closeSlot(of: web1.id)
    #expect(wires.owner(of: eth1) == nil)
    #expect(programs() == [:])
  }
}
