import Control
import Foundation
import GRDB
import Glibc
import Rack
import Store
import Testing

@Suite("Commands in groups") struct GroupTests {
  private static func create(_ number: Int, _ project: ProjectID) -> Command {
    .createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: number, description: nil))
  }

  /// Outcomes or errors of commands that come at once, in their order.
  private static func atOnce(_ commands: [Command], _ control: Control) async -> [Result<Outcome, any Error>] {
    await withTaskGroup(of: (Int, Result<Outcome, any Error>).self) { group in
      for (index, command) in commands.enumerated() {
        group.addTask {
          do { return (index, .success(try await control.perform(command))) } catch { return (index, .failure(error)) }
        }
      }
      var results: [Int: Result<Outcome, any Error>] = [:]
      for await (index, result) in group { results[index] = result }
      return commands.indices.map { results[$0]! }
    }
  }

  @Test("of contradictory commands at once one wins, and the others are refused by the state that it made")
  func contradictory() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    for number in 100..<120 {
      let results = await Self.atOnce(Array(repeating: Self.create(number, project), count: 8), machine.control)
      let refusals = results.compactMap { result in
        if case .failure(let error) = result { error as? Refusal } else { nil }
      }
      #expect(refusals.count == 7)
      #expect(refusals.allSatisfy { $0.messages[0].contains("\(number) exists already") })
    }
    #expect(await machine.control.rack.networks.count == 20)
    let rack = await machine.control.rack
    try await machine.restart()
    #expect(await machine.control.rack == rack)
    await machine.end()
  }

  @Test(
    "on a full disk deletes are done and creates refused, also of those that come at once",
    .enabled(if: geteuid() == 0))
  func fullDisk() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    let directory = machine.directory
    try await machine.restart {
      let files = FileManager.default
      try files.moveItem(atPath: directory, toPath: directory + ".old")
      try files.createDirectory(atPath: directory, withIntermediateDirectories: false)
      _ = mount("toprack-test", directory, "tmpfs", 0, "size=4m,mode=0700")
      for name in try files.contentsOfDirectory(atPath: directory + ".old") where name != "reserve" {
        try files.copyItem(atPath: "\(directory).old/\(name)", toPath: "\(directory)/\(name)")
      }
      try files.removeItem(atPath: directory + ".old")
    }
    defer { umount2(directory, Int32(MNT_DETACH)) }
    #expect(await machine.control.status().problems.isEmpty)
    var made: [NetworkID] = []
    let tags = (0..<128).map { "\($0)" + String(repeating: "y", count: 76) }
    func large(_ number: Int) -> Command {
      .createNetwork(
        NetworkRequest(project: project, place: .facility("ewr1"), vxlan: number, description: nil, tags: tags))
    }
    for number in 1000..<1900 {
      guard let outcome = try? await machine.control.perform(large(number)) else { break }
      if case .network(let id) = outcome.subject { made.append(id) }
    }
    try #require((20..<900).contains(made.count))
    #expect(await machine.control.status().problems.contains { $0.kind == "state" && $0.text.contains("is full") })
    var commands: [Command] = []
    for (number, id) in made.enumerated() { commands += [.deleteNetwork(id), large(2000 + number)] }
    let results = await Self.atOnce(commands, machine.control)
    for (index, result) in results.enumerated() where index % 2 == 0 {
      #expect(throws: Never.self) { try result.get() }
    }
    #expect(await machine.control.rack.networks.keys.allSatisfy { !made.contains($0) })
    await machine.control.stop()
  }

  @Test(
    "when the state cannot be written nobody of the group has changed anything, and what comes later is decided on what was"
  )
  func storeFails() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    let before = await machine.control.rack
    try machine.store.close()
    var commands = (100..<140).map { Self.create($0, project) }
    commands += (100..<140).map { Self.create($0, project) } + [.setAging(seconds: 20), .setAging(seconds: 20)]
    for result in await Self.atOnce(commands, machine.control) {
      guard case .failure(let error) = result else {
        Issue.record("succeeded without a store")
        continue
      }
      #expect(error is Unavailable || error is Refusal)
    }
    #expect(await machine.control.rack == before)
    #expect(await machine.control.rack.checkInvariants() == [])
    try await machine.restart()
    #expect(await machine.control.rack == before)
    for result in await Self.atOnce([Self.create(100, project)], machine.control) { _ = try result.get() }
    await machine.end()
  }

  @Test("what the database has already is a refusal of that command alone, and no error")
  func clash() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    try await machine.network(100)
    var configuration = Configuration()
    configuration.busyMode = .timeout(5)
    let database = try DatabaseQueue(path: machine.store.path, configuration: configuration)
    try await database.write { try $0.execute(sql: "UPDATE network SET vxlan = 120") }
    machine.log.forget()
    let results = await Self.atOnce((110..<130).map { Self.create($0, project) }, machine.control)
    for (number, result) in zip(110..., results) {
      switch result {
      case .success: #expect(number != 120)
      case .failure(let error):
        #expect(number == 120 && error is Refusal, "\(number): \(error)")
        #expect("\(error)".contains("network vxlan"), "\(error)")
      }
    }
    #expect(await machine.control.rack.networks.count == 20)
    #expect(!machine.log.lines.contains { $0.hasPrefix("error") }, "\(machine.log.lines)")
    #expect(await machine.control.status().problems.isEmpty)
    try database.close()
    await machine.end()
  }

  @Test("each change is one line of the log at info: what was done, and who wanted it; what changes nothing is none")
  func logged() async throws {
    let machine = try await Machine()
    let control = machine.control
    let laptop = Requester("laptop", .token)
    func logs(_ lines: String..., change: () async throws -> Void) async throws {
      machine.log.forget()
      try await change()
      #expect(machine.log.lines == lines)
    }
    let project = try #require(await control.rack.project(named: Project.defaultName)).id
    try await logs(
      "info virtual network 100 created in facility ewr1 by=token laptop event=virtual_network.create project=default"
    ) {
      _ = try await control.perform(Self.create(100, project), by: laptop)
    }
    try await logs("info ageing time set to 20 s by=user anna event=settings.update") {
      _ = try await control.perform(.setAging(seconds: 20), by: Requester("anna", .user))
    }
    try await logs {
      _ = try await control.perform(.setAging(seconds: 20), by: laptop)
      _ = try? await control.perform(Self.create(100, project), by: laptop)
    }
    try await logs("info project web created by=toprackd event=project.create project=web") {
      _ = try await control.perform(.createProject(name: "web", customdata: "{}"))
    }
    try await logs("info 0 stations in virtual networks 100 forgotten by=token laptop event=fdb.flush") {
      _ = await control.flushStations(of: nil, vxlan: 100, by: laptop)
    }
    await machine.end()
  }

  @Test(
    "a server that is deleted and one of its name that is made, at once, meet in either order",
    .enabled(if: canMakeInterfaces))
  func deleteAndCreate() async throws {
    let machine = try await Machine()
    for round in 0..<6 {
      let place: PlaceRequest = round % 2 == 0 ? .host : .namespace(machine.name("ns"), made: false)
      let server = try await machine.server("g", place: place)
      let request = ServerRequest(
        hostname: server.hostname, plan: server.plan, facility: "ewr1", operatingSystem: "debian_12",
        project: server.project, place: place)
      let results = await Self.atOnce([.deleteServer(server.id), .createServer(request)], machine.control)
      _ = try results[0].get()
      let rack = await machine.control.rack
      if case .success = results[1] {
        let again = try #require(rack.server(named: server.hostname))
        #expect(await machine.control.counters(of: again.id).count == 2)
        try await machine.control.perform(.deleteServer(again.id))
      } else {
        #expect(rack.servers.isEmpty)
      }
      #expect(try await machine.links().isEmpty)
    }
    await machine.end()
  }

  @Test("refused commands, however many, keep nobody's change waiting", .enabled(if: canMakeInterfaces))
  func refused() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    let server = ServerRequest(
      hostname: machine.name("a"), plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
      project: project, place: .host)
    let control = machine.control
    let order = await withTaskGroup(of: Bool.self) { group in
      // It takes its time, and meanwhile the others come.
      group.addTask { (try? await control.perform(.createServer(server))) != nil }
      for _ in 0..<1000 {
        group.addTask { (try? await control.perform(.deleteServer(ServerID(UUID())))) != nil }
      }
      return await group.reduce(into: [Bool]()) { $0.append($1) }
    }
    let place = try #require(order.firstIndex(of: true))
    #expect(order.count == 1001 && place < 500, "\(place)")
    await machine.end()
  }

  @Test("each change leaves its event in the journal with who asked, and comes to those who watch")
  func events() async throws {
    let machine = try await Machine()
    let control = machine.control
    let project = try #require(await control.rack.project(named: Project.defaultName)).id
    let stream = await control.watchEvents()
    _ = try await control.perform(Self.create(1001, project), by: "anna")
    await #expect(throws: Refusal.self) { try await control.perform(Self.create(1001, project), by: "ben") }
    _ = try await control.perform(.setAging(seconds: 20), by: "carla")
    var watched: [Event] = []
    for await event in stream {
      watched.append(event)
      if watched.count == 2 { break }
    }
    #expect(watched.map(\.type) == ["virtual_network.create", "settings.update"])
    #expect(watched.map(\.by) == ["anna", "carla"])
    #expect(watched.map(\.body) == ["virtual network 1001 created in facility ewr1", "ageing time set to 20 s"])
    let (page, total) = try await control.events(of: nil, server: nil, offset: 0, limit: 10)
    #expect(page == watched.reversed() && total == 2)
    #expect(try await control.events(of: project, server: nil, offset: 0, limit: 10).events == [watched[0]])
    #expect(try await control.events(after: watched[0].id, of: nil, limit: 10) == [watched[1]])
    #expect(try await control.events(after: EventID(UUID()), of: nil, limit: 10) == nil)
    try await machine.restart()
    #expect(try await machine.control.event(watched[0].id) == watched[0])
    await machine.end()
  }

  @Test("a watcher who does not read is let go, and the end of the daemon ends the others")
  func watchers() async throws {
    let machine = try await Machine()
    let slow = await machine.control.watchEvents()
    for round in 0..<1100 { try await machine.control.perform(.setAging(seconds: 20 + round % 2)) }
    var count = 0
    for await _ in slow { count += 1 }
    #expect(count == 1024)
    let quick = await machine.control.watchEvents()
    await machine.control.prepareShutdown()
    for await _ in quick { Issue.record("an event without a change") }
    await machine.end()
  }
}
