import FoundationEssentials
import GRDB
import Rack
import Testing

@testable import Store

/// Rows that somebody else has written into the database while the daemon works: the rack does not know them, and what
/// is there once stays so.
@Suite("What the database has already") struct ClashTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// Of a rack with the server "web1", the network 1001 and the token "ci".
    let edit: String
    let command: @Sendable (Rack) -> Command
    let says: String
  }

  private static func network(_ number: Int, _ rack: Rack) -> Command {
    .createNetwork(
      NetworkRequest(
        project: rack.project(named: "default")!.id, facility: "ewr1", vxlan: number, description: nil))
  }

  private static func token(_ name: String) -> Command {
    .createToken(
      TokenRequest(name: name, digest: Array(repeating: 7, count: 32), project: nil, isReadOnly: false))
  }

  static let cases = [
    Case(
      testDescription: "a token's name", edit: "UPDATE token SET name = 'taken'", command: { _ in token("taken") },
      says: "token name"),
    Case(
      testDescription: "a hostname of a project", edit: "UPDATE server SET hostname = 'Taken', namespace = NULL",
      command: { World.create("taken", in: $0) }, says: "server hostname"),
    Case(
      testDescription: "a network namespace", edit: "UPDATE server SET namespace = 'taken'",
      command: { World.create("web2", in: $0, place: .namespace("taken")) }, says: "server namespace"),
    Case(
      testDescription: "a network's number", edit: "UPDATE network SET vxlan = 1002", command: { network(1002, $0) },
      says: "network vxlan"),
    Case(
      testDescription: "a server's number", edit: "UPDATE server SET number = 2",
      command: { World.create("web2", in: $0) }, says: "server number"),
  ]

  @Test("is a clash that names it and the change that it is of, and nothing is written", arguments: cases)
  func clash(_ entry: Case) async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 3)
    try await world.perform(World.create("web1", in: world.rack), store)
    try await world.perform(Self.network(1001, world.rack), store)
    try await world.perform(
      .createToken(
        TokenRequest(name: "ci", digest: Array(repeating: 1, count: 32), project: nil, isReadOnly: false)), store)
    #expect(world.changed == 3)
    try await store.pool.write { try $0.execute(sql: entry.edit) }
    let before = try store.pool.read { try Row.fetchAll($0, sql: "SELECT * FROM event ORDER BY sequence") }
    // One that is in order comes first.
    let first = try world.rack.decide(.setAging(seconds: 77), with: &world.dice)
    let second = try world.rack.decide(entry.command(world.rack), with: &world.dice)
    let changes = first.changes + second.changes
    let events = first.events + second.events
    let fault = await #expect(throws: StoreFault.self) { try await store.commit(changes, events: events) }
    #expect(fault?.kind == .clash)
    #expect((fault?.change ?? 0) >= first.changes.count)
    #expect(fault?.message.contains("this \(entry.says) already") == true, "\(fault?.message ?? "-")")
    let after = try store.pool.read { try Row.fetchAll($0, sql: "SELECT * FROM event ORDER BY sequence") }
    #expect(before == after)
    try store.close()
  }
}
