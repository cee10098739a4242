import Foundation
import Net
import Rack
import Testing

@Suite("Labs in the rack") struct LabTests {
  private func made(_ lab: inout Lab, _ name: String = "shop") throws -> LabID {
    try lab.perform(.lab(.create(name: name, project: lab.project, applied: "x")))
    return try #require(lab.rack.lab(named: name, of: lab.project)).id
  }

  @Test("a lab has a name of its own in its project, and goes when nothing belongs to it")
  func life() throws {
    var lab = Lab()
    let shop = try made(&lab)
    #expect(throws: Refusal.invalid("lab \"shop\" exists already in project \"default\"")) {
      try lab.perform(.lab(.create(name: "shop", project: lab.project, applied: "")))
    }
    for name in ["", "Shop", "a b", String(repeating: "a", count: 33)] {
      #expect(throws: Refusal.self) { try lab.perform(.lab(.create(name: name, project: lab.project, applied: ""))) }
    }
    let server = try lab.server("web1")
    try lab.perform(.lab(.take(.server(server), LabMembership(lab: shop, name: "web1"))))
    #expect(lab.rack.belongings(of: shop).servers == ["web1": server])
    #expect(lab.faults() == [])
    #expect(throws: Refusal.invalid("lab \"shop\" has 1 server; destroy it first")) {
      try lab.perform(.lab(.delete(shop)))
    }
    try lab.perform(.deleteServer(server))
    try lab.perform(.lab(.delete(shop)))
    #expect(lab.rack.labs.isEmpty && lab.faults() == [])
  }

  @Test("what belongs to one lab is taken by no other, and a name is there once")
  func taking() throws {
    var lab = Lab()
    let (one, two) = (try made(&lab, "one"), try made(&lab, "two"))
    let (server, other, network) = (try lab.server("a"), try lab.server("b"), try lab.network(1001))
    let block = try lab.reserve(30)
    for record in [LabRecord.server(server), .network(network), .reservation(block.id)] {
      try lab.perform(.lab(.take(record, LabMembership(lab: one, name: "x"))))
      #expect(throws: Refusal.self) {
        try lab.perform(.lab(.take(record, LabMembership(lab: two, name: "x"))))
      }
    }
    #expect(throws: Refusal.self) {
      try lab.perform(.lab(.take(.server(other), LabMembership(lab: one, name: "x"))))
    }
    try lab.perform(.createProject(name: "tenant", customdata: "{}"))
    let tenant = lab.rack.project(named: "tenant")!.id
    try lab.perform(.lab(.create(name: "one", project: tenant, applied: "")))
    let foreign = lab.rack.lab(named: "one", of: tenant)!
    #expect(throws: Refusal.self) {
      try lab.perform(.lab(.take(.server(other), LabMembership(lab: foreign.id, name: "b"))))
    }
    #expect(lab.faults() == [])
    try lab.perform(.deleteProject(tenant))
    #expect(lab.rack.labs.count == 2 && lab.faults() == [])
  }

  @Test("whatever changes something of a lab gives it a new generation, but for its own plan")
  func generations() throws {
    var lab = Lab()
    let shop = try made(&lab)
    let (server, other, network) = (try lab.server("a"), try lab.server("b"), try lab.network(1001))
    let block = try lab.reserve(30)
    func generation() -> Int { lab.rack.labs[shop]!.generation }
    try lab.perform(.lab(.take(.server(server), LabMembership(lab: shop, name: "a"))))
    try lab.perform(.lab(.take(.network(network), LabMembership(lab: shop, name: "n"))))
    try lab.perform(.lab(.take(.reservation(block.id), LabMembership(lab: shop, name: "b"))))
    #expect(generation() == 4)
    try lab.perform(.setMode(server, .hybrid))
    try lab.perform(.updateNetwork(network, description: "x", tags: nil))
    try lab.perform(.updateBlock(block.id, BlockUpdate(details: "x")))
    #expect(generation() == 7)
    try lab.perform(.setMode(other, .hybrid))
    try lab.perform(.setMode(server, .hybrid))
    #expect(generation() == 7)
    let outcome = try lab.rack.decide(.setMode(server, .layer3), partOf: shop, with: &lab.entropy)
    #expect(outcome.changes.count == 1)
    try lab.perform(.lab(.keep(shop, checkpoint: "c", "state")))
    #expect(generation() == 7 && lab.rack.labs[shop]?.checkpoints == ["c": "state"])
    try lab.perform(.lab(.update(shop, applied: "y")))
    try lab.perform(.deleteNetwork(network))
    #expect(generation() == 9)
    #expect(lab.faults() == [])
  }

  @Test("a server moves to a namespace and back, with its addresses")
  func moving() throws {
    var lab = Lab()
    let server = try lab.server("a")
    let before = lab["a"]
    try lab.perform(.lab(.move(server, .namespace("space"), NICNames(eth0: "x", eth1: "y"))))
    #expect(lab["a"].place == .namespace("space", made: true) && lab["a"].nicNames.eth0 == "x")
    #expect(lab["a"].addresses == before.addresses && lab["a"].eth0 == before.eth0)
    try lab.server("b", place: .namespace("other"))
    #expect(throws: Refusal.self) { try lab.perform(.lab(.move(server, .namespace("other"), nil))) }
    try lab.perform(.lab(.move(server, .host, nil)))
    #expect(lab["a"].place == before.place && lab["a"].nicNames == before.nicNames && lab.faults() == [])
  }

  @Test("addresses are given as long as nobody has them, and only to servers of the lab")
  func giving() throws {
    var lab = Lab()
    let shop = try made(&lab)
    let (one, two, other) = (try lab.server("a"), try lab.server("b"), try lab.server("c"))
    for (id, name) in [(one, "a"), (two, "b")] {
      try lab.perform(.lab(.take(.server(id), LabMembership(lab: shop, name: name))))
    }
    func given(_ name: String) -> [Address.Kind: IPPrefix] {
      Dictionary(uniqueKeysWithValues: lab[name].addresses.map { ($0.kind, $0.network) })
    }
    let (first, second) = (given("a"), given("b"))
    try lab.perform(.lab(.giveAddresses(shop, [one: second, two: first])))
    #expect(given("a") == second && given("b") == first && lab.faults() == [])
    let refusal = #expect(throws: Refusal.self) {
      try lab.perform(.lab(.giveAddresses(shop, [one: given("c")])))
    }
    #expect(refusal?.messages.first?.hasSuffix("which a had, is taken by server c") == true)
    #expect(throws: Refusal.self) { try lab.perform(.lab(.giveAddresses(shop, [other: first]))) }
    try lab.perform(.setMode(two, .layer2Bonded))
    #expect(throws: Refusal.self) { try lab.perform(.lab(.giveAddresses(shop, [two: first]))) }
    try lab.perform(.lab(.giveAddresses(shop, [one: first])))
    #expect(given("a") == first && lab.faults() == [])
  }
}
