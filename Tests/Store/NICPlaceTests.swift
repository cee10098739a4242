import FoundationEssentials
import GRDB
import Rack
import Store
import Testing

@Suite("Where NICs are") struct NICPlaceTests {
  private func place(_ number: UInt64, _ name: String = "eth0") -> NICPlace {
    NICPlace(
      boot: "6f1c", device: 4, inode: 4_026_532_463, cookie: .max - number, index: 7, name: name, madeName: "eth0")
  }

  private func server(_ rack: Rack, _ dice: inout Dice) throws -> (Outcome, Server) {
    let outcome = try rack.decide(
      .createServer(
        ServerRequest(
          hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
          project: rack.project(named: Project.defaultName)!.id, place: .host)), with: &dice)
    var server: Server?
    for case .server(let made, replacing: _) in outcome.changes { server = made }
    return (outcome, try #require(server))
  }

  @Test("a place is there after a reopen, in the same transaction as its server, and goes with it")
  func reopened() async throws {
    let directory = TemporaryDirectory()
    var dice = Dice(seed: 1)
    var store = try Store.open(directory.path)
    var rack = try await store.load()
    let (outcome, server) = try server(rack, &dice)
    let changes = [
      NICPlaceChange(server: server.id, nic: .eth0, place: place(1)),
      NICPlaceChange(server: server.id, nic: .eth1, place: place(2)),
    ]
    try await store.commit(outcome.changes, places: changes)
    rack.apply(outcome.changes)
    try await store.commit([], places: [NICPlaceChange(server: server.id, nic: .eth1, place: place(3, "lan1"))])
    try store.close()

    store = try Store.open(directory.path)
    _ = try await store.load()
    #expect(try await store.nicPlaces() == [server.id: [.eth0: place(1), .eth1: place(3, "lan1")]])
    // Any other change of the server leaves them.
    let renamed = try rack.decide(.setMTU(server.id, 9000), with: &dice)
    try await store.commit(renamed.changes)
    #expect(try await store.nicPlaces()[server.id]?.count == 2)
    rack.apply(renamed.changes)
    try await store.commit(try rack.decide(.deleteServer(server.id), with: &dice).changes)
    #expect(try await store.nicPlaces() == [:])
    // What was seen of a server that has gone meanwhile is nothing.
    try await store.commit([], places: changes)
    #expect(try await store.nicPlaces() == [:])
    try store.close()
  }

  @Test("a database of an older version has no places, and takes them")
  func migrated() async throws {
    let directory = TemporaryDirectory()
    let queue = try DatabaseQueue(path: directory.path + "/rack.sqlite")
    try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(VersionOne.dump)") }
    try queue.close()
    let store = try Store.open(directory.path)
    let rack = try await store.load()
    #expect(rack.servers.count == 3)
    #expect(try await store.nicPlaces() == [:])
    let server = try #require(rack.servers.keys.first)
    try await store.commit([], places: [NICPlaceChange(server: server, nic: .eth0, place: place(1))])
    #expect(try await store.nicPlaces() == [server: [.eth0: place(1)]])
    try store.close()
  }
}
