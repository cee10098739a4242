import FoundationEssentials
import GRDB
import Rack
import Testing

@testable import Store

@Suite("SSH keys and passwords on disk") struct SSHKeyTests {
  private static func load(_ path: String) async throws -> Rack {
    let store = try Store.open(path)
    defer { try? store.close() }
    return try await store.load()
  }

  private static func edit(_ directory: borrowing TemporaryDirectory, _ sql: String) throws {
    let queue = try DatabaseQueue(path: directory.path + "/rack.sqlite")
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  @Test("keys, the servers that have them, and passwords are kept as they were changed last")
  func kept() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 11)
    let project = try #require(world.rack.project(named: Project.defaultName)).id
    for (owner, key) in zip([.user, .project(project), .project(project)] as [SSHKey.Owner], World.keys) {
      try await world.perform(.createSSHKey(SSHKeyRequest(owner: owner, label: "k", key: key, tags: ["t"])), store)
    }
    try await world.perform(World.create("web1", in: world.rack), store)
    let server = try #require(world.rack.server(named: "web1"))
    #expect(server.sshKeys.count == 3 && server.rootPassword != nil)
    let own = try #require(world.rack.sshKeys(of: .project(project)).first).id
    try await world.perform(.updateSSHKey(own, SSHKeyUpdate(label: "new", tags: [])), store)
    #expect(world.changed == 5)
    #expect(try await store.load() == world.rack)

    try await world.perform(.deleteSSHKey(own), store)
    try await world.perform(.reinstall(server.id, Installation()), store)
    #expect(world.changed == 7)
    try store.close()
    let rack = try await Self.load(directory.path)
    #expect(rack == world.rack)
    let now = try #require(rack.servers[server.id])
    #expect(now.sshKeys.count == 2 && now.rootPassword?.text != server.rootPassword?.text)
    #expect(rack.sshKeys.values.map(\.key.text).allSatisfy(World.keys.contains))
  }

  @Test("a project and a server go with what they have")
  func ends() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 12)
    let project = try #require(world.rack.project(named: Project.defaultName)).id
    try await world.perform(.createProject(name: "other", customdata: "{}"), store)
    try await world.perform(
      .createSSHKey(SSHKeyRequest(owner: .project(project), label: "k", key: World.keys[0])), store)
    try await world.perform(World.create("web1", in: world.rack), store)
    try await world.perform(.deleteServer(try #require(world.rack.server(named: "web1")).id), store)
    try await world.perform(.deleteProject(project), store)
    #expect(world.changed == 5 && world.rack.sshKeys.isEmpty)
    #expect(try await store.load() == world.rack)
    try store.close()
  }

  @Test("the tables stand against a fault of ours, and what is no key any more is damage")
  func constraints() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 13)
    for key in World.keys.prefix(2) {
      try await world.perform(.createSSHKey(SSHKeyRequest(owner: .user, label: "k", key: key)), store)
    }
    try store.close()
    #expect(throws: DatabaseError.self) {
      try Self.edit(directory, "UPDATE ssh_key SET blob = (SELECT blob FROM ssh_key LIMIT 1)")
    }
    #expect(throws: DatabaseError.self) { try Self.edit(directory, "UPDATE ssh_key SET project = 'nobody'") }
    try Self.edit(directory, "UPDATE ssh_key SET key = 'ssh-rsa x'")
    let fault = await #expect(throws: StoreFault.self) { try await Self.load(directory.path) }
    #expect(fault?.kind == .damaged && fault?.message.contains("unexpected key in a row") == true)
  }

  @Test("a database of version 7 is migrated: its servers have no key and no password, and can get both")
  func versionSeven() async throws {
    let directory = TemporaryDirectory()
    let queue = try DatabaseQueue(path: directory.path + "/rack.sqlite")
    try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(VersionOne.dump)") }
    try Schema.migrator.migrate(queue, upTo: "7 backend transfer")
    try queue.close()

    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 14)
    #expect(world.rack.servers.count == 3 && world.rack.sshKeys.isEmpty && world.rack.checkInvariants() == [])
    #expect(world.rack.servers.values.allSatisfy { $0.sshKeys.isEmpty && $0.rootPassword == nil })
    let server = try #require(world.rack.server(named: "alpha"))
    try await world.perform(
      .createSSHKey(SSHKeyRequest(owner: .user, label: "k", key: World.keys[0], servers: .these([server.id]))), store)
    try await world.perform(.reinstall(server.id, Installation()), store)
    #expect(world.changed == 2)
    try store.close()
    let rack = try await Self.load(directory.path)
    #expect(rack == world.rack && rack.servers[server.id]?.sshKeys.count == 1)
    #expect(rack.servers[server.id]?.rootPassword != nil)
  }
}
