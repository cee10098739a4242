import FoundationEssentials
import GRDB
import Rack
import Testing

@testable import Store

@Suite("Mirrors in the database") struct MirrorTests {
  @Test("mirrors of every form are there after a reopen, and go with what they need")
  func roundTrip() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 3)
    try await world.perform(World.create("web1", in: world.rack), store)
    let server = try #require(world.rack.server(named: "web1"))
    try await world.perform(.setMode(server.id, .layer2Individual), store)
    try await world.perform(
      .createNetwork(
        NetworkRequest(project: server.project, facility: "ewr1", vxlan: 1001, description: nil)), store)
    let network = try #require(world.rack.networks.keys.first)
    let requests = [
      MirrorRequest(name: "ünï", source: .port(server.eth0.id), direction: .out, end: .port(server.eth1.id)),
      MirrorRequest(name: "b", source: .network(network), filter: "not arp", end: .device("mon0")),
    ]
    for request in requests { try await world.perform(.createMirror(request), store) }
    #expect(world.rack.mirrors.count == 2)
    try store.close()

    let again = try Store.open(directory.path)
    #expect(try await again.load() == world.rack)
    try await world.perform(.deleteNetwork(network), again)
    try await world.perform(.deleteServer(server.id), again)
    try again.close()
    #expect(world.rack.mirrors.isEmpty)
    let last = try Store.open(directory.path)
    #expect(try await last.load() == world.rack)
    try last.close()
  }
}
