import FoundationEssentials
import GRDB
import Net
import Rack
import Testing

@testable import Store

@Suite("Store") struct StoreTests {
  @Test("a new directory gets a new rack, which is the same at the next start")
  func firstStart() async throws {
    let directory = TemporaryDirectory()
    let first = try await Self.load(directory.path)
    #expect(first.checkInvariants() == [])
    #expect(first.project(named: "default") != nil)
    #expect(try await Self.load(directory.path) == first)
    #expect(try await Self.load(TemporaryDirectory().path).id != first.id)
  }

  @Test("commits are synchronized to disk")
  func synchronous() throws {
    let store = try Store.open(TemporaryDirectory().path)
    let (journal, level) = try store.pool.writeWithoutTransaction { db in
      (try String.fetchOne(db, sql: "PRAGMA journal_mode"), try Int.fetchOne(db, sql: "PRAGMA synchronous"))
    }
    #expect(journal == "wal")
    #expect(level == 2)  // FULL
    try store.close()
  }

  @Test("what is committed is there after a reopen, whatever was done", arguments: 1...6 as ClosedRange<UInt64>)
  func roundTrip(seed: UInt64) async throws {
    let directory = TemporaryDirectory()
    var world: World
    do {
      let store = try Store.open(directory.path)
      world = World(rack: try await store.load(), seed: seed)
      for _ in 0..<250 { try await world.step(store) }
      try store.close()
    }
    for _ in 0..<3 {
      let store = try Store.open(directory.path)
      #expect(try await store.load() == world.rack)
      for _ in 0..<40 { try await world.step(store) }
      try store.close()
    }
    #expect(world.changed > 100)
    #expect(try await Self.load(directory.path) == world.rack)
  }

  @Test("a project that had servers can be deleted, with the pools that it had")
  func deletedProject() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 7)
    try await world.perform(.createProject(name: "web", customdata: "{}"), store)
    let project = try #require(world.rack.project(named: "web")?.id)
    try await world.perform(World.create("web1", in: world.rack, project: "web"), store)
    try await world.perform(.deleteServer(try #require(world.rack.server(named: "web1")?.id)), store)
    try await world.perform(.deleteProject(project), store)
    #expect(world.changed == 4)
    #expect(world.rack.checkInvariants() == [])
    try store.close()
    #expect(try await Self.load(directory.path) == world.rack)
  }

  @Test(
    "every commit is on disk when it returns: a copy of the files taken at any time opens with the last one",
    arguments: [31, 32] as [UInt64])
  func copiesOpen(seed: UInt64) async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: seed)
    for step in 0..<60 {
      try await world.step(store)
      guard step % 5 == 0 else { continue }
      let copy = TemporaryDirectory()
      copy.copyDatabase(from: directory)
      #expect(try await Self.load(copy.path) == world.rack, "after step \(step)")
    }
    try store.close()
  }

  @Test("a log that ends anywhere, as after a kill in the middle of a commit, opens with a state that was committed")
  func tornLog() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 77)
    try store.close()

    let again = try Store.open(directory.path)
    var history = [world.rack]
    // So few that the log is not written back meanwhile (`Reserve.logPages`): then a part of it is not all there is.
    while history.count < 18 {
      try await world.step(again)
      // A rack can become again what it was: a link that is set, and is as usual again.
      if !history.contains(world.rack) { history.append(world.rack) }
    }
    let log = try #require(FileManager.default.contents(atPath: directory.path + "/rack.sqlite-wal"))
    var found: Set<Int> = []
    for part in 0...40 {
      let copy = TemporaryDirectory()
      copy.copyDatabase(from: directory, log: log.prefix(log.count * part / 40))
      let rack = try await Self.load(copy.path)
      let index = try #require(history.firstIndex(of: rack), "no committed state after \(part)/40 of the log")
      found.insert(index)
    }
    #expect(found.contains(0) && found.contains(history.count - 1) && found.count > 5)
    try again.close()
  }

  @Test("a refused commit writes nothing, and later ones work")
  func atomicCommit() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 3)
    while world.rack.servers.isEmpty { try await world.step(store) }
    let server = try #require(world.rack.servers.values.first)
    let project = Project(id: ProjectID(UUID()), name: "half", createdAt: Date(timeIntervalSince1970: 0))
    // The second record repeats a hostname, which the table forbids.
    var twin = Rack(empty: world.rack.id)
    twin.apply(world.rack.records)
    var entropy = Dice(seed: 4)
    let outcome = try twin.perform(World.create("twin", in: twin), with: &entropy)
    guard case .server(var copy, _)? = outcome.changes.last else { return }
    copy.hostname = server.hostname.uppercased()
    await #expect(throws: StoreFault.self) {
      try await store.commit([.project(project), .server(copy, replacing: nil)])
    }
    for _ in 0..<20 { try await world.step(store) }
    try store.close()
    let rack = try await Self.load(directory.path)
    #expect(rack == world.rack)
    #expect(rack.project(named: "half") == nil)
  }

  @Test("two stores cannot have one directory, and the lock ends with its owner")
  func lock() async throws {
    let directory = TemporaryDirectory()
    do {
      let store = try Store.open(directory.path)
      let fault = #expect(throws: StoreFault.self) { try Store.open(directory.path, patience: .zero) }
      #expect(fault?.kind == .locked)
      #expect(fault?.message.contains(directory.path) == true)
      try store.close()
    }
    _ = try Store.open(directory.path)
  }

  @Test("a closed store throws, and can be closed again")
  func closed() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    _ = try await store.load()
    try store.close()
    await #expect(throws: StoreFault.self) { try await store.commit([.aging(seconds: 10)]) }
    await #expect(throws: StoreFault.self) { try await store.load() }
    try store.close()
  }

  @Test("a database of a newer version is refused and left as it is")
  func newer() async throws {
    let directory = TemporaryDirectory()
    let rack = try await Self.load(directory.path)
    try Self.edit(directory) { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99 later')") }
    let fault = #expect(throws: StoreFault.self) { try Store.open(directory.path) }
    #expect(fault?.kind == .newer)
    try Self.edit(directory) { try $0.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = '99 later'") }
    #expect(try await Self.load(directory.path) == rack)
  }

  @Test("a database of version 1 is migrated: servers are numbered as they came, everything else stays")
  func versionOne() async throws {
    let directory = TemporaryDirectory()
    let queue = try DatabaseQueue(path: directory.path + "/rack.sqlite")
    try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(VersionOne.dump)") }
    try queue.close()

    let store = try Store.open(directory.path)
    var rack = try await store.load()
    #expect(rack.checkInvariants() == [])
    #expect(["alpha", "zeta", "beta"].map { rack.server(named: $0)?.number } == [1, 2, 3])
    #expect(rack.id.uuidString.lowercased() == "a70ce10b-c6ad-48cb-bf69-043c8a0d2ebf")
    #expect(rack.aging == 60 && !rack.lacpFast)
    let alpha = try #require(rack.server(named: "alpha"))
    #expect(alpha.mode == .layer2Bonded && alpha.lastHeld.count == 3)
    #expect(alpha.bond0.networks.map { rack.networks[$0]?.vxlan } == [1001, 1002])
    #expect(alpha.bond0.native.flatMap { rack.networks[$0]?.vxlan } == 1002)
    let beta = try #require(rack.server(named: "beta"))
    #expect(beta.mode == .hybrid && beta.mtu == 9000 && beta.addresses.count == 3)
    #expect(rack.server(named: "zeta")?.place == .namespace("space", made: true))

    // The new table is a full member: what refers to a server goes with it, and a new one gets the free number.
    var dice = Dice(seed: 5)
    for command in [.deleteServer(alpha.id), World.create("gamma", in: rack)] {
      try await store.commit(try rack.perform(command, with: &dice).changes)
    }
    #expect(rack.server(named: "gamma")?.number == 1)
    try store.close()
    #expect(try await Self.load(directory.path) == rack)
    try Self.edit(directory) { db in
      let dangling = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check")
      #expect(dangling.isEmpty)
      let ports = try Int.fetchOne(db, sql: "SELECT count(*) FROM port")
      #expect(ports == 9)
    }
  }

  @Test("names that were unique in the rack are so in a project afterwards, and everything else stays")
  func uniqueNames() async throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/rack.sqlite"
    let queue = try DatabaseQueue(path: path)
    try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(VersionOne.dump)") }
    try Schema.migrator.migrate(queue, upTo: "4 the whole API")
    let before = try await queue.read { db in
      try ["server", "project"].map { try Row.fetchAll(db, sql: "SELECT * FROM \($0) ORDER BY id").map(\.description) }
    }
    try queue.close()

    let store = try Store.open(directory.path)
    var rack = try await store.load()
    let after = try await store.pool.read { db in
      try ["server", "project"].map { try Row.fetchAll(db, sql: "SELECT * FROM \($0) ORDER BY id").map(\.description) }
    }
    // What later versions have added comes behind.
    let known = after.map { rows in
      rows.map {
        $0.replacing(" backend_transfer:0", with: "")
          .replacing(
            " root_password:NULL root_password_at:NULL serial:NULL eth0_name:\"eth0\" eth1_name:\"eth1\""
              + " provisioning:0 configure:0 lab:NULL lab_name:NULL",
            with: "")
      }
    }
    #expect(known == before)
    var dice = Dice(seed: 9)
    func perform(_ command: Command) async throws {
      try await store.commit(try rack.perform(command, with: &dice).changes)
    }
    try await perform(.createProject(name: "tenant", customdata: "{}"))
    try await perform(World.create("ALPHA", in: rack, project: "tenant"))
    try await perform(.createProject(name: "tenant", customdata: "{}"))
    try store.close()
    #expect(try await Self.load(directory.path) == rack)

    // The table still stands against a fault of ours.
    try Self.edit(directory) { db in
      #expect(throws: DatabaseError.self) {
        try db.execute(sql: "UPDATE server SET hostname = 'Beta' WHERE hostname = 'zeta'")
      }
      let dangling = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check")
      #expect(dangling.isEmpty)
      try db.execute(sql: "PRAGMA foreign_keys = ON")
    }
  }

  @Test(
    "words on a reservation, an operating system and a project's backend transfer are kept as they were changed last")
  func changedLater() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var world = World(rack: try await store.load(), seed: 5)
    try await world.perform(World.create("web1", in: world.rack), store)
    let project = try #require(world.rack.project(named: Project.defaultName)).id
    try await world.perform(.reserveBlock(BlockRequest(project: project, facility: "ewr1", length: 32)), store)
    let (server, block) = (
      try #require(world.rack.servers.keys.first), try #require(world.rack.reservations.keys.first)
    )
    try await world.perform(.updateBlock(block, BlockUpdate(details: "a", tags: ["b"], customdata: #"{"c":1}"#)), store)
    try await world.perform(.reinstall(server, Installation(operatingSystem: "ubuntu_22_04")), store)
    try await world.perform(.updateProject(project, name: nil, customdata: nil, backendTransfer: true), store)
    #expect(world.changed == 5)
    try store.close()
    let rack = try await Self.load(directory.path)
    #expect(rack == world.rack && rack.projects[project]?.backendTransfer == true)
    #expect(rack.servers[server]?.operatingSystem == "ubuntu_22_04" && rack.reservations[block]?.note.tags == ["b"])
    // A project goes with its reservations.
    let again = try Store.open(directory.path)
    world = World(rack: try await again.load(), seed: 6)
    try await world.perform(.createProject(name: "web", customdata: "{}"), again)
    try await world.perform(.deleteServer(server), again)
    try await world.perform(.deleteProject(project), again)
    #expect(world.changed == 3 && world.rack.reservations.isEmpty)
    #expect(try await again.load() == world.rack)
    try again.close()
  }

  @Test("chunks of a database of version 2 stand for the same addresses as before, in every facility")
  func versionTwo() async throws {
    let directory = TemporaryDirectory()
    var rack: Rack
    do {
      let store = try Store.open(directory.path)
      rack = try await store.load()
      var dice = Dice(seed: 6)
      var changes: [Change] = []
      // The facilities that there were then.
      for facility in Catalogue.facilities.prefix(8) {
        // 65 servers need a second /25.
        for number in 0..<(facility.code == "syd2" ? 65 : 1) {
          let request = ServerRequest(
            hostname: "\(facility.code)-\(number)", plan: "c3.small.x86", facility: facility.code,
            operatingSystem: "debian_12", project: rack.project(named: "default")!.id, place: .host)
          changes += try rack.perform(.createServer(request), with: &dice).changes
        }
      }
      try await store.commit(changes)
      try store.close()
    }
    // Back to what version 2 wrote: chunks counted from the start of the facility's range, and one of public IPv4.
    try Self.edit(directory) { db in
      try db.execute(
        sql: """
          DROP TABLE block_assignment;
          DROP TABLE reservation;
          ALTER TABLE pool_cursor DROP COLUMN next_elastic;
          UPDATE pool_chunk SET chunk = chunk - first.number
            FROM (SELECT pool, min(chunk) AS number FROM pool_chunk GROUP BY pool) AS first
            WHERE first.pool = pool_chunk.pool;
          INSERT INTO pool_chunk SELECT id, 0, 0 FROM pool_cursor WHERE kind = 'publicIPv4';
          DELETE FROM grdb_migrations WHERE identifier = '3 elastic blocks';
          """)
      let chunks = try Int.fetchAll(db, sql: "SELECT DISTINCT chunk FROM pool_chunk ORDER BY chunk")
      #expect(chunks == [0, 1])
    }
    // What later versions have added to a reservation, whose table is made anew now.
    try Store.open(directory.path).close()
    try Self.edit(directory) { db in
      try db.execute(
        sql: """
          ALTER TABLE reservation ADD COLUMN details TEXT;
          ALTER TABLE reservation ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
          ALTER TABLE reservation ADD COLUMN customdata TEXT NOT NULL DEFAULT '{}';
          """)
    }
    #expect(try await Self.load(directory.path) == rack)
  }

  @Test("a rack with addresses outside of the ranges that are set is refused, and comes back with the ranges")
  func outsidePlan() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var rack = try await store.load()
    var dice = Dice(seed: 7)
    for name in ["web1", "web2"] {
      try await store.commit(try rack.perform(World.create(name, in: rack), with: &dice).changes)
    }
    try store.close()
    var plan = AddressPlan()
    plan.setRange(try IPPrefix(reading: "192.168.0.0/24"), of: .privateIPv4, in: "ewr1")
    let again = try Store.open(directory.path)
    do {
      _ = try await again.load(plan: plan)
      Issue.record("was loaded")
    } catch {
      #expect(error.kind == .outsidePlan)
      for word in ["10.64.0.1", "web1", "pools.ewr1.private-ipv4, 192.168.0.0/24", "1 more"] {
        #expect(error.message.contains(word), "\(error.message)")
      }
    }
    #expect(try await again.load() == rack)
    try again.close()
  }

  @Test("chunks of a range that is gone are forgotten on disk when the pool is written next")
  func otherChunks() async throws {
    let directory = TemporaryDirectory()
    var plan = AddressPlan()
    for range in ["10.64.0.0/16", "192.168.0.0/24", "192.168.0.128/25"] {
      plan.setRange(try IPPrefix(reading: range), of: .privateIPv4, in: "ewr1")
      let store = try Store.open(directory.path)
      var rack = try await store.load(plan: plan)
      var dice = Dice(seed: 8)
      var changes: [Change] = []
      for number in 0..<(range.hasSuffix("/24") ? 65 : 1) {
        changes += try rack.perform(World.create("s\(number)", in: rack), with: &dice).changes
      }
      #expect(rack.checkInvariants() == [])
      for id in rack.servers.keys { changes += try rack.perform(.deleteServer(id), with: &dice).changes }
      try await store.commit(changes)
      #expect(try await store.load(plan: plan) == rack)
      try store.close()
      let chunks = try { () in
        var found: [Int] = []
        try Self.edit(directory) { db in
          let sql =
            "SELECT chunk FROM pool_chunk JOIN pool_cursor ON id = pool WHERE kind = 'privateIPv4' ORDER BY chunk"
          found = try Int.fetchAll(db, sql: sql)
        }
        return found
      }()
      switch range {
      case "10.64.0.0/16": #expect(chunks == [(10 << 24 | 64 << 16) >> 7])
      case "192.168.0.0/24": #expect(chunks == [(192 << 24 | 168 << 16) >> 7, (192 << 24 | 168 << 16) >> 7 + 1])
      default: #expect(chunks == [(192 << 24 | 168 << 16) >> 7 + 1])
      }
    }
  }

  @Test("the LACP rate that is given for a new rack does not touch one that is there")
  func initialRate() async throws {
    let directory = TemporaryDirectory()
    for (asked, found) in [(true, true), (false, true)] {
      let store = try Store.open(directory.path)
      #expect(try await store.load(newRackLACPFast: asked).lacpFast == found)
      try store.close()
    }
  }

  @Test("another program's database is refused")
  func foreign() throws {
    let directory = TemporaryDirectory()
    try Self.edit(directory) { try $0.execute(sql: "CREATE TABLE recipe (name TEXT)") }
    let fault = #expect(throws: StoreFault.self) { try Store.open(directory.path) }
    #expect(fault?.kind == .damaged)
  }

  @Test("a file that is no database is refused")
  func garbage() throws {
    let directory = TemporaryDirectory()
    let bytes = Data((0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    #expect(FileManager.default.createFile(atPath: directory.path + "/rack.sqlite", contents: bytes))
    let fault = #expect(throws: StoreFault.self) { try Store.open(directory.path) }
    #expect(fault?.kind == .damaged)
    #expect(fault?.message.contains("rack.sqlite") == true)
  }

  struct Damage: Sendable, CustomTestStringConvertible {
    let name: String, sql: String
    var testDescription: String { name }
    static let all = [
      Damage(name: "an identifier that is none", sql: "UPDATE address SET id = 'x' || kind"),
      Damage(name: "a plan that does not exist", sql: "UPDATE server SET plan = 'c9.huge.x86'"),
      Damage(name: "a server number that no rack has", sql: "UPDATE server SET number = 5001"),
      Damage(name: "a server without its ports", sql: "DELETE FROM port"),
      Damage(name: "layer 2 with addresses", sql: "UPDATE server SET layer = 2"),
      Damage(
        name: "a bond that does not agree with its members", sql: "UPDATE port SET bonded = 0 WHERE name = 'bond0'"),
      Damage(name: "a cursor before its pool", sql: "UPDATE pool_cursor SET next = -1"),
      Damage(
        name: "an odd gateway",
        sql: "UPDATE address SET base = x'00000000000000000000000000000001' WHERE kind = 'publicIPv4'"),
      Damage(
        name: "an address of nobody's chunk",
        sql: "UPDATE address SET base = x'0000000000000000000000000a400080' WHERE kind = 'privateIPv4'"),
    ]
  }

  @Test("rows that cannot be are named at the start", arguments: Damage.all)
  func damaged(_ damage: Damage) async throws {
    let directory = TemporaryDirectory()
    do {
      let store = try Store.open(directory.path)
      var rack = try await store.load()
      var entropy = Dice(seed: 1)
      try await store.commit(try rack.perform(World.create("web1", in: rack), with: &entropy).changes)
      try store.close()
    }
    try Self.edit(directory) { try $0.execute(sql: damage.sql) }
    let store = try Store.open(directory.path)
    do {
      _ = try await store.load()
      Issue.record("was loaded")
    } catch {
      #expect(error.kind == .damaged)
      #expect(error.message.contains("rack.sqlite"))
    }
  }

  @Test("a directory that cannot be made is named")
  func noDirectory() {
    let fault = #expect(throws: StoreFault.self) { try Store.open("/proc/toprack") }
    #expect(fault?.kind == .unavailable)
    #expect(fault?.message.contains("/proc/toprack") == true)
  }

  @Test("a thousand servers and four thousand networks are loaded as they were committed")
  func large() async throws {
    let directory = TemporaryDirectory()
    let store = try Store.open(directory.path)
    var rack = try await store.load()
    var entropy = Dice(seed: 8)
    var changes: [Change] = []
    for number in 0..<1000 { changes += try rack.perform(World.create("s\(number)", in: rack), with: &entropy).changes }
    let project = try #require(rack.project(named: "default")).id
    for number in 0..<4000 {
      let facility = ["ewr1", "sjc1"][number % 2]
      let request = NetworkRequest(project: project, facility: facility, vxlan: 2 + number / 2, description: nil)
      changes += try rack.perform(.createNetwork(request), with: &entropy).changes
    }
    try await store.commit(changes)
    try store.close()
    let again = try Store.open(directory.path)
    #expect(try await again.load() == rack)
    try again.close()
  }

  // MARK: Help

  static func load(_ directory: String) async throws -> Rack {
    let store = try Store.open(directory)
    let rack = try await store.load()
    try store.close()
    return rack
  }

  /// Changes the database as somebody with sqlite3 would.
  static func edit(_ directory: borrowing TemporaryDirectory, _ body: (Database) throws -> Void) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(path: directory.path + "/rack.sqlite", configuration: configuration)
    try queue.write { db in
      try db.execute(sql: "PRAGMA ignore_check_constraints = ON")
      try body(db)
    }
    try queue.close()
  }
}
