import FoundationEssentials
import GRDB
import Rack
import Testing

@testable import Store

@Suite("Journal") struct JournalTests {
  private static func event(_ number: Int, project: ProjectID? = nil, server: ServerID? = nil) -> Event {
    Event(
      id: EventID(UUID()), type: "device.create", body: "event \(number)",
      createdAt: Date(timeIntervalSince1970: 1_750_000_000), project: project, server: server, by: "anna")
  }

  @Test("events come back as they were written, the newest first, by page and by filter")
  func pages() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    let (project, server) = (ProjectID(UUID()), ServerID(UUID()))
    let events = (0..<25).map { number in
      Self.event(number, project: number % 2 == 0 ? project : nil, server: number % 5 == 0 ? server : nil)
    }
    for event in events { try await store.commit([], events: [event]) }
    let page = try await store.events(.init(), offset: 5, limit: 10)
    #expect(page.events == Array(events.reversed()[5..<15]) && page.total == 25)
    let own = try await store.events(.init(project: project), offset: 0, limit: 100)
    #expect(own.events == events.filter { $0.project == project }.reversed() && own.total == 13)
    let both = try await store.events(.init(project: project, server: server), offset: 0, limit: 100)
    #expect(both.events.map(\.body) == ["event 20", "event 10", "event 0"])
    #expect(try await store.events(after: events[20].id, .init(), limit: 3) == Array(events[21..<24]))
    #expect(try await store.event(events[3].id) == events[3])
    #expect(try await store.event(EventID(UUID())) == nil)
    #expect(try await store.events(.init(), offset: 1000, limit: 10).events == [])
    try store.close()
  }

  @Test("batches come back as they were written")
  func batches() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    let (port, network) = (PortID(UUID()), NetworkID(UUID()))
    let batches = (0..<3).map { number in
      AssignmentBatch(
        id: BatchID(UUID()), port: port, project: ProjectID(UUID()),
        createdAt: Date(timeIntervalSince1970: 1_750_000_000),
        entries: [.init(network: network, vxlan: 1000 + number, isAssigned: number > 0, isNative: number > 1)])
    }
    try await store.commit([], batches: batches)
    #expect(try await store.batches(of: port) == batches.reversed())
    #expect(try await store.batches(of: PortID(UUID())) == [])
    #expect(try await store.batch(batches[1].id) == batches[1])
    try store.close()
  }

  @Test("of a long journal the newest are kept")
  func trimmed() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    let first = Self.event(0)
    try await store.commit([], events: [first])
    // As if all but the last thousand had been long ago.
    try await store.pool.write { db in
      try db.execute(sql: "UPDATE sqlite_sequence SET seq = ? WHERE name = 'event'", arguments: [Store.eventLimit])
    }
    try await store.commit([], events: (1...1000).map { Self.event($0) })
    let (newest, total) = try await store.events(.init(), offset: 0, limit: 1)
    #expect(newest.map(\.body) == ["event 1000"] && total == 1000)
    #expect(try await store.event(first.id) == nil)
    try store.close()
  }
}
