import Cabling
import FoundationEssentials
import Net
import Rack
import Testing

@Suite("Elastic blocks") struct BlockTests {
  @Test("are from the upper quarter of the facility's public IPv4 range, aligned, and never meet", arguments: 29...32)
  func reserve(length: Int) throws {
    var lab = Lab()
    var seen: [IPPrefix] = []
    for size in [length, 32, 29, length] {
      let block = try lab.reserve(size).block
      #expect(IPPrefix(v4: 198 << 24 | 18 << 16 | 24 << 8, length: 21).contains(block))
      #expect(block.length == size && !seen.contains { $0.overlaps(block) })
      seen.append(block)
    }
    #expect(try lab.reserve(30, facility: "sjc1").block.description == "198.18.56.0/30")
    #expect(lab.faults() == [])
  }

  @Test("are routed to a server, in parts to several, and found by each of their addresses")
  func assign() throws {
    var lab = Lab()
    try lab.server("web1")
    try lab.server("web2", mode: .hybrid)
    let reservation = try lab.reserve(29)
    #expect(reservation.block.description == "198.18.24.0/29")
    try lab.assign(IPPrefix(reading: "198.18.24.4/30"), to: "web1")
    try lab.assign(IPPrefix(reading: "198.18.24.1"), to: "web2")
    try lab.assign(IPPrefix(reading: "198.18.24.2/31"), to: "web1")
    #expect(lab.blocks(of: "web1") == ["198.18.24.4/30", "198.18.24.2/31"])
    #expect(lab.blocks(of: "web2") == ["198.18.24.1/32"])
    let names = (0..<9).map { lab.rack.server(at: reservation.block.base + $0)?.hostname }
    #expect(names == [nil, "web2", "web1", "web1", "web1", "web1", "web1", "web1", nil])
    #expect(
      lab.rack.assignments(of: reservation.id).map(\.assignment.block.description) == [
        "198.18.24.1/32", "198.18.24.2/31", "198.18.24.4/30",
      ])
    #expect(lab.faults() == [])
  }

  @Test("a server is found by its own addresses, not by its gateways'")
  func serverAtAddress() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    for address in lab["web1"].addresses {
      let base = address.network.base
      #expect(lab.rack.server(at: base + 1)?.id == id)
      #expect(lab.rack.server(at: base) == nil)
    }
    let old = lab["web1"].addresses
    try lab.perform(.setMode(id, .layer2Bonded))
    for address in old { #expect(lab.rack.server(at: address.host.base) == nil) }
    #expect(lab.rack.server(at: .broadcast) == nil && lab.rack.server(at: .unspecified6) == nil)
  }

  @Test("stay between layer3 and hybrid; a layer-2 mode unassigns them for good, and the project keeps them")
  func modes() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    let reservation = try lab.reserve(30)
    try lab.assign(reservation.block, to: "web1")
    for mode in [NetworkMode.hybrid, .layer3] {
      try lab.perform(.setMode(id, mode))
      #expect(lab.blocks(of: "web1") == ["198.18.24.0/30"])
    }
    try lab.perform(.setMode(id, .layer2Individual))
    #expect(lab.blocks(of: "web1") == [] && lab.rack.assignments(of: reservation.id).isEmpty)
    #expect(lab.rack.server(at: reservation.block.base) == nil)
    try lab.perform(.setMode(id, .layer3))
    #expect(lab.blocks(of: "web1") == [])

    try lab.assign(reservation.block, to: "web1")
    try lab.perform(.convertToLayer2(lab.port(.bond0, of: "web1"), attaching: nil))
    #expect(lab.blocks(of: "web1") == [])
    #expect(lab.rack.reservations[reservation.id] == reservation)
    #expect(lab.faults() == [])
  }

  @Test("outlive the server that they were assigned to")
  func deletion() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    let reservation = try lab.reserve(32)
    try lab.assign(reservation.block, to: "web1")
    try lab.perform(.deleteServer(id))
    #expect(lab.rack.assignments(of: reservation.id).isEmpty)
    try lab.server("web2")
    try lab.assign(reservation.block, to: "web2")
    #expect(lab.faults() == [])
  }

  @Test("a change of assignment reaches the wire, a reservation does not concern it")
  func wire() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    let request = BlockRequest(project: lab.project, facility: "ewr1", length: 30)
    try lab.perform(.reserveBlock(request))
    #expect(lab.change.isEmpty)
    let reservation = lab.rack.reservations.values.first!
    let outcome = try lab.perform(.assignBlock(id, reservation.block))
    #expect(lab.change.rewired.keys.map(\.self) == [id])
    guard case .assignment(let assignment) = outcome.subject else { return }
    #expect(lab.rack.assignment(assignment)?.server.id == id)
    try lab.perform(.unassignBlock(assignment))
    #expect(lab.change.rewired.keys.map(\.self) == [id])
    try lab.perform(.releaseBlock(reservation.id))
    #expect(lab.change.isEmpty)
  }

  @Test("what was released rests until the cursor has been everywhere else")
  func roundRobin() throws {
    var lab = Lab()
    var seen: Set<IPPrefix> = []
    for _ in 0..<256 {
      let reservation = try lab.reserve(29)
      #expect(seen.insert(reservation.block).inserted)
      try lab.perform(.releaseBlock(reservation.id))
    }
    #expect(try lab.reserve(29).block.description == "198.18.24.0/29")
  }

  @Test("a full range says so, and gives what becomes free")
  func exhaustion() throws {
    var plan = AddressPlan()
    plan.setRange(try IPPrefix(reading: "203.0.113.0/24"), of: .publicIPv4, in: "ewr1")
    var lab = Lab(plan: plan)
    var all: [Reservation] = []
    for _ in 0..<8 { all.append(try lab.reserve(29)) }
    #expect(all.map(\.block.description).first == "203.0.113.192/29")
    let refusal = #expect(throws: Refusal.self) { try lab.reserve(32) }
    #expect(
      refusal?.description == "facility ewr1 has no free elastic /32 left in 203.0.113.192/26; release a block there")
    try lab.perform(.releaseBlock(all[3].id))
    #expect(try lab.reserve(31).block.description == "203.0.113.216/31")
    let larger = #expect(throws: Refusal.self) { try lab.reserve(29) }
    #expect(larger?.description.contains("or reserve a smaller one") == true)
    #expect(try lab.reserve(30).block.description == "203.0.113.220/30")
    #expect(lab.faults() == [])
  }
}
