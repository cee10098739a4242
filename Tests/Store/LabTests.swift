import Foundation
import GRDB
import Net
import Rack
import Store
import Testing

@Suite("Labs in the store") struct LabTests {
  @Test("labs, their checkpoints and what belongs to them are there after a reopen")
  func roundTrip() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var rack = try await store.load()
    var dice = Dice(seed: 3)
    let project = try #require(rack.project(named: Project.defaultName)).id
    func perform(_ command: Command) async throws {
      try await store.commit(try rack.perform(command, with: &dice).changes)
    }
    try await perform(.lab(.create(name: "shop", project: project, applied: #"{"a": "ü"}"#)))
    let lab = try #require(rack.lab(named: "shop", of: project))
    func membership(_ name: String) -> LabMembership { LabMembership(lab: lab.id, name: name) }
    try await perform(World.create("web1", in: rack))
    try await perform(World.create("web2", in: rack))
    let server = try #require(rack.server(named: "web1")).id
    try await perform(.lab(.take(.server(server), membership("web1"))))
    var request = NetworkRequest(project: project, facility: "ewr1", vxlan: 1001, description: nil)
    request.membership = membership("web")
    try await perform(.createNetwork(request))
    var block = BlockRequest(project: project, facility: "ewr1", length: 30)
    block.membership = membership("front")
    block.given = IPPrefix(v4: 198 << 24 | 18 << 16 | 24 << 8 | 64, length: 30)
    try await perform(.reserveBlock(block))
    try await perform(.lab(.keep(lab.id, checkpoint: "a", "one")))
    try await perform(.lab(.keep(lab.id, checkpoint: "b", "two")))
    try await perform(.lab(.keep(lab.id, checkpoint: "a", "three")))
    try await perform(.lab(.keep(lab.id, checkpoint: "b", nil)))
    try await perform(.lab(.move(server, .namespace("space"), nil)))
    try await perform(.lab(.update(lab.id, applied: "{}")))
    #expect(rack.reservations.values.first?.block == block.given)
    #expect(rack.labs[lab.id]?.checkpoints == ["a": "three"])
    try store.close()
    #expect(try await StoreTests.load(directory.path) == rack)

    let again = try Store.open(directory.path)
    for command: Command in [
      .deleteServer(server), .deleteNetwork(rack.networks.keys.first!), .releaseBlock(rack.reservations.keys.first!),
      .lab(.delete(lab.id)),
    ] {
      try await again.commit(try rack.perform(command, with: &dice).changes)
    }
    try again.close()
    #expect(try await StoreTests.load(directory.path) == rack && rack.labs.isEmpty)
    try StoreTests.edit(directory) { db in
      let rows = try Int.fetchOne(db, sql: "SELECT count(*) FROM lab_checkpoint")
      #expect(rows == 0)
    }
  }
}
