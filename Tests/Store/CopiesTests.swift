import FoundationEssentials
import GRDB
import Glibc
import Rack
import Testing

@testable import Store

@Suite("A database that is gone, damaged, copied, put back") struct CopiesTests {
  /// A directory in which a rack has lived, with `steps` random changes, and its rack.
  private func used(_ directory: borrowing TemporaryDirectory, seed: UInt64 = 1, copy: Bool = true) async throws -> Rack
  {
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: seed)
    for _ in 0..<80 { try await world.step(store) }
    if copy { try await store.makeCopy() }
    try store.close()
    return world.rack
  }

  private func files(_ directory: borrowing TemporaryDirectory) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    return Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, FileManager.default.contents(atPath: "\(directory.path)/\($0)") ?? Data())
      })
  }

  /// A backup of the store in a file.
  private func backup(_ store: Store, to file: String) async throws {
    let descriptor = try await store.backup()
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 24)
    let count = read(descriptor, &bytes, bytes.count)
    try #require(count > 0)
    _ = FileManager.default.createFile(atPath: file, contents: Data(bytes.prefix(count)))
  }

  private static let now = Date(timeIntervalSince1970: 1_790_000_000)

  @Test(
    "gone, where there has been one, is refused with what to do, and nothing is made", arguments: [true, false],
    [true, false])
  func gone(isEmpty: Bool, hasCopy: Bool) async throws {
    let directory = TemporaryDirectory()
    let rack = try await used(directory, copy: hasCopy)
    unlink(directory.path + "/rack.sqlite")
    if isEmpty { _ = FileManager.default.createFile(atPath: directory.path + "/rack.sqlite", contents: Data()) }
    let before = try files(directory)
    let fault = #expect(throws: StoreFault.self) { try Store.open(directory.path) }
    #expect(fault?.kind == .gone)
    for words in ["toprackd --new-rack", "toprack restore", rack.id.uuidString.lowercased()] {
      #expect(fault?.message.contains(words) == true, "\(fault?.message ?? "")")
    }
    #expect(fault?.message.contains("rack.sqlite.copy") == hasCopy)
    #expect(try files(directory) == before)
  }

  @Test("what was given to another user is removed by that user alone", .enabled(if: geteuid() == 0))
  func given() async throws {
    let directory = TemporaryDirectory()
    _ = try await used(directory, copy: false)
    var path = ""
    do {
      let standIn = try StandIn(for: directory.path + "/rack.sqlite")
      path = standIn.directory
    }
    #expect(access(path, F_OK) != 0, "its own ends with it")
    do {
      let standIn = try StandIn(for: directory.path + "/rack.sqlite")
      path = standIn.directory
      try standIn.give(to: (65_534, 65_534))
    }
    // Root would follow what the other user has put there meanwhile.
    #expect(access(path, F_OK) == 0)
    try FileManager.default.removeItem(atPath: path)
  }

  @Test("a new rack keeps what is there under another name; where a rack is in order it is refused")
  func newRack() async throws {
    let directory = TemporaryDirectory()
    let old = try await used(directory)
    _ = FileManager.default.createFile(atPath: directory.path + "/token", contents: Data("secret\n".utf8))
    let before = try files(directory)
    let refusal = #expect(throws: StoreFault.self) { try Store.open(directory.path, isNewRack: true) }
    #expect(refusal?.message.contains(old.id.uuidString.lowercased()) == true)
    #expect(try files(directory).filter { !$0.key.hasSuffix("-shm") } == before.filter { !$0.key.hasSuffix("-shm") })

    unlink(directory.path + "/rack.sqlite")
    let store = try Store.open(directory.path, isNewRack: true, now: Self.now)
    #expect(try await store.load().id != old.id)
    try store.close()
    let after = try files(directory)
    #expect(after["token"] == nil)
    #expect(after.values.contains(Data("secret\n".utf8)))
    #expect(store.putAside.count == 2 && store.putAside.allSatisfy { access($0, F_OK) == 0 }, "\(store.putAside)")
    let copy = try #require(store.putAside.first { $0.hasSuffix(".copy.sqlite") })
    #expect(try Store.check(backup: copy) == old)
    // And the next start is one like any other.
    _ = try await StoreTests.load(directory.path)
  }

  @Test(
    "damaged, the copy is read, nothing can be committed, and the file stays as it is; without a copy the start is refused"
  )
  func damaged() async throws {
    for row in [false, true] {
      let directory = TemporaryDirectory()
      let rack = try await used(directory)
      if row {
        try StoreTests.edit(directory) { try $0.execute(sql: "DELETE FROM project") }
      } else {
        let garbage = Data((0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try garbage.write(to: URL(filePath: directory.path + "/rack.sqlite"))
      }
      let before = FileManager.default.contents(atPath: directory.path + "/rack.sqlite")
      let store = try Store.open(directory.path)
      #expect(try await store.load() == rack)
      let reason = try #require(store.readOnlyReason)
      #expect(reason.contains("rack.sqlite.copy") && reason.contains("toprack restore"), "\(reason)")
      let fault = await #expect(throws: StoreFault.self) { try await store.commit([.aging(seconds: 77)]) }
      #expect(fault?.message == reason)
      #expect(try await store.events(.init(), offset: 0, limit: 10).total > 0)
      try store.close()
      // One whose rows alone are wrong was opened before that was seen.
      if !row { #expect(FileManager.default.contents(atPath: directory.path + "/rack.sqlite") == before) }

      unlink(directory.path + "/rack.sqlite.copy")
      await #expect(throws: StoreFault.self) {
        let store = try Store.open(directory.path)
        _ = try await store.load()
      }
    }
  }

  @Test("a backup is what was committed, while commits go on; put back it is the rack, and what was there is kept")
  func restore() async throws {
    let directory = TemporaryDirectory()
    let elsewhere = TemporaryDirectory()
    let file = elsewhere.path + "/backup"
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 5)
    for _ in 0..<60 { try await world.step(store) }
    try await backup(store, to: file)
    let then = world.rack
    for _ in 0..<60 { try await world.step(store) }
    let refused = #expect(throws: StoreFault.self) { try Store.restore(file, to: directory.path) }
    #expect(refused?.kind == .locked, "a daemon is at work")
    try store.close()

    #expect(try Store.check(backup: file) == then)
    let restored = try Store.restore(file, to: directory.path, now: Self.now)
    #expect(restored.rack == then)
    #expect(try await StoreTests.load(directory.path) == then)
    #expect(try Store.check(backup: try #require(restored.kept.first)) == world.rack)
    // On a machine that never had it.
    let fresh = elsewhere.path + "/state"
    _ = try Store.restore(file, to: fresh)
    #expect(try await StoreTests.load(fresh) == then)
  }

  @Test("no backup, a newer version, another rack: one line, and nothing is changed")
  func refusals() async throws {
    let directory = TemporaryDirectory()
    _ = try await used(directory)
    let elsewhere = TemporaryDirectory()
    let other = try await used(elsewhere, seed: 2)
    let garbage = elsewhere.path + "/garbage"
    try Data("no database at all, only a text that is long enough to be read as a header".utf8)
      .write(to: URL(filePath: garbage))
    let newer = TemporaryDirectory()
    _ = try await used(newer, copy: false)
    try StoreTests.edit(newer) { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999 of tomorrow')") }
    let before = try files(directory)
    for (file, says) in [
      (garbage, "is no backup of a rack"), (elsewhere.path, "is no backup of a rack"),
      (elsewhere.path + "/nothing", "No such file"), (newer.path + "/rack.sqlite", "newer version"),
      (elsewhere.path + "/rack.sqlite", other.id.uuidString.lowercased()),
    ] {
      let fault = #expect(throws: StoreFault.self) { try Store.restore(file, to: directory.path) }
      #expect(fault?.message.contains(says) == true, "\(file): \(fault?.message ?? "")")
      #expect(fault?.message.contains("\n") == false)
    }
    #expect(try files(directory) == before)
    _ = try Store.restore(elsewhere.path + "/rack.sqlite", to: directory.path, allowingOtherRack: true)
    #expect(try await StoreTests.load(directory.path) == other)
  }

  @Test(
    "a file with more in it than a rack's rows is no backup, and nothing in it is run",
    arguments: [
      (
        "CREATE TRIGGER evil AFTER INSERT ON token BEGIN DELETE FROM project; END", "a trigger evil, which none has"
      ),
      (
        """
        ALTER TABLE setting RENAME TO hidden;
        CREATE VIEW setting AS
          WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT 'aging' AS name, x AS value FROM n;
        """, "a view setting, which none has"
      ),
      ("CREATE TRIGGER again AFTER UPDATE ON rack BEGIN UPDATE rack SET id = 'x'; END", "a trigger again"),
      ("CREATE TABLE more (x)", "its table more is not as toprack makes it"),
      ("CREATE INDEX odd ON server (abs(number))", "its index odd is not as toprack makes it"),
      ("UPDATE project SET customdata = '},\"id\":{'", "is no JSON object"),
      ("UPDATE project SET customdata = '[]'", "is no JSON object"),
    ])
  func foreignSchema(_ sql: String, _ says: String) async throws {
    let directory = TemporaryDirectory()
    let rack = try await used(directory)
    let elsewhere = TemporaryDirectory()
    _ = try await used(elsewhere, copy: false)
    try StoreTests.edit(elsewhere) { try $0.execute(sql: sql) }
    let fault = #expect(throws: StoreFault.self) {
      try Store.restore(elsewhere.path + "/rack.sqlite", to: directory.path, allowingOtherRack: true)
    }
    #expect(fault?.message.contains(says) == true, "\(fault?.message ?? "")")
    #expect(fault?.message.contains("is no backup of a rack") == true && fault?.message.contains("\n") == false)
    #expect(try await StoreTests.load(directory.path) == rack)
  }

  @Test("what happened before 1970 is kept and read as it was")
  func early() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    _ = try await store.load()
    let event = Event(
      id: EventID(UUID()), type: "test", body: "long ago", createdAt: Date(timeIntervalSince1970: -300_000_000),
      project: nil)
    try await store.commit([], events: [event])
    #expect(try await store.event(event.id) == event)
    try store.close()
  }
}
