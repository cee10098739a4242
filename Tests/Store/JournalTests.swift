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

  /// Writes `count` events of a project, the rack's own for `nil`, as the daemon would, but for the time that it takes.
  private static func fill(_ store: Store, _ count: Int, _ project: ProjectID?, _ table: String = "event") async throws
  {
    try await store.pool.write { db in
      let columns = table == "event" ? "type, body" : "port, entries"
      try db.execute(
        sql: """
          INSERT INTO \(table) (id, \(columns), project, created_at)
          WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
          SELECT lower(hex(randomblob(16))), 'x', '[]', ?, 0 FROM n
          """, arguments: [count, project?.description])
    }
  }

  private static func counts(_ store: Store, _ table: String = "event") async throws -> [String: Int] {
    try await store.pool.read { db in
      let rows = try Row.fetchAll(db, sql: "SELECT project, count(*) AS count FROM \(table) GROUP BY project")
      return Dictionary(uniqueKeysWithValues: rows.map { (($0["project"] as String?) ?? "rack", $0["count"]) })
    }
  }

  private static func project(_ name: String, in store: Store) async throws -> ProjectID {
    let project = Project(id: ProjectID(UUID()), name: name, createdAt: Date(timeIntervalSince1970: 0))
    try await store.commit([.project(project)])
    return project.id
  }

  @Test("a project that fills the journal loses its own oldest events, and nobody else's")
  func flood() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    _ = try await store.load()
    let (quiet, loud) = (try await Self.project("quiet", in: store), try await Self.project("loud", in: store))
    let first = Self.event(0, project: quiet)
    try await store.commit([], events: [first, Self.event(1)])
    try await Self.fill(store, JournalLimits.events.perProject + 3_000, loud)
    // The next number that is a multiple of the period is when it is trimmed.
    let oldest = Self.event(2, project: loud)
    try await store.commit([], events: [oldest] + (3...1003).map { Self.event($0, project: loud) })
    let counts = try await Self.counts(store)
    #expect(counts[quiet.description] == 1 && counts["rack"] == 1)
    #expect((25_000...26_000).contains(counts[loud.description] ?? 0), "\(counts)")
    #expect(try await store.event(first.id) == first)
    #expect(try await store.event(oldest.id) == oldest)
    let (newest, _) = try await store.events(.init(project: loud), offset: 0, limit: 1)
    #expect(newest.map(\.body) == ["event 1003"])
    try store.close()
  }

  @Test(
    "of too many journals the longest are cut to one length; deleted projects are one of them",
    arguments: ["event", "batch"])
  func total(_ table: String) async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    _ = try await store.load()
    var projects: [ProjectID] = []
    for (number, count) in [10, 300, 500, 900].enumerated() {
      projects.append(try await Self.project("p\(number)", in: store))
      try await Self.fill(store, count, projects[number], table)
    }
    // Of four projects that are gone.
    for _ in 0..<4 { try await Self.fill(store, 100, ProjectID(UUID()), table) }
    let limits = JournalLimits(perProject: 800, total: 1_000)
    try await store.pool.write { try RowWriter(db: $0).trimNow(table, to: limits) }
    var counts = try await Self.counts(store, table)
    // 10, and 990 by four: 247 each.
    #expect(projects.map { counts[$0.description] } == [10, 247, 247, 247])
    for project in projects { counts[project.description] = nil }
    #expect(counts.values.reduce(0, +) == 247, "\(counts)")
    try await store.pool.write { try RowWriter(db: $0).trimNow(table, to: limits) }
    #expect(try await Self.counts(store, table).values.reduce(0, +) == 10 + 4 * 247)
    try store.close()
  }

  @Test(
    "the length to which journals are cut keeps them within both limits, and cuts no more than it must",
    arguments: [
      ([], 50), ([10], 50), ([90], 50), ([10, 20], 50), ([30, 80, 80], 35), ([100, 100, 100], 33), ([0, 0, 100], 50),
      (Array(repeating: 1, count: 200), 0),
    ] as [([Int], Int)])
  func length(_ counts: [Int], _ length: Int) {
    let limits = JournalLimits(perProject: 50, total: 100)
    #expect(limits.length(for: counts) == length)
    #expect(counts.map { min($0, length) }.reduce(0, +) <= 100)
  }

  @Test("trimming a full journal takes milliseconds, so that a commit hardly notices")
  func cost() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    _ = try await store.load()
    for number in 0..<100 {
      try await Self.fill(store, 1_010, try await Self.project("p\(number)", in: store))
    }
    let plan = try await store.pool.read { db in
      try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN SELECT project, count(*) FROM event GROUP BY project")
        .map { $0["detail"] as String }
    }
    // Not by reading the events themselves.
    #expect(plan.allSatisfy { $0.contains("COVERING INDEX") }, "\(plan)")
    try await store.pool.write { try RowWriter(db: $0).trimNow("event", to: .events) }
    #expect(try await Self.counts(store).values.reduce(0, +) == 100_000)
    try store.close()
  }
}
