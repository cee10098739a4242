import FoundationEssentials
import Glibc
import Rack
import Testing

@testable import Store

/// A file system of 4 MiB in a directory, where root may make one.
private struct SmallDisk: ~Copyable {
  let directory = TemporaryDirectory()
  var path: String { directory.path }
  let isThere: Bool

  init() { isThere = mount("toprack-test", directory.path, "tmpfs", 0, "size=4m,mode=0700") == 0 }

  deinit { if isThere { umount2(directory.path, Int32(MNT_DETACH)) } }

  func fill() {
    let file = open(path + "/filler", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { close(file) }
    let bytes = [UInt8](repeating: 1, count: 4096)
    while write(file, bytes, bytes.count) > 0 {}
  }

  func clear() { unlink(path + "/filler") }
}

@Suite("A disk that is full", .enabled(if: geteuid() == 0)) struct RoomTests {
  private static func network(_ rack: Rack) -> Command {
    .createNetwork(
      NetworkRequest(
        project: rack.project(named: Project.defaultName)!.id, place: .facility("ewr1"), vxlan: nil,
        description: String(repeating: "x", count: 255),
        tags: (0..<128).map { "\($0)" + String(repeating: "y", count: 76) }))
  }

  /// Makes networks until there is no room. Returns the fault.
  private static func fill(_ world: inout World, _ store: Store) async -> StoreFault? {
    for _ in 0..<900 {
      do { try await world.perform(network(world.rack), store) } catch { return error as? StoreFault }
    }
    return nil
  }

  private static func perform(_ command: Command, _ world: inout World, _ store: Store) async throws {
    let outcome = try world.rack.decide(command, with: &world.dice)
    try await store.commit(outcome.changes, events: outcome.events, givesBack: command.givesBack)
    world.rack.apply(outcome.changes)
  }

  @Test("all can be deleted, in whatever state the disk is; until the reserve is there again nothing else is taken")
  func givesBack() async throws {
    let disk = SmallDisk()
    guard disk.isThere else { return }
    var store = try Store.open(disk.path)
    var world = World(rack: try await store.load(), seed: 1)
    try await store.makeCopy()
    #expect(StateDirectory.size(disk.path + "/reserve") == 512 << 10)
    let first = await Self.fill(&world, store)
    #expect(first?.kind == .full && first?.message.contains("is full") == true, "\(first?.message ?? "")")
    disk.fill()
    #expect(!store.reserve.hasRoom)
    let networks = world.rack.networks.values.sorted { $0.vxlan < $1.vxlan }
    #expect(networks.count > 20)
    for network in networks.prefix(10) { try await Self.perform(.deleteNetwork(network.id), &world, store) }
    #expect(StateDirectory.size(disk.path + "/rack.sqlite.copy") == 0, "it goes before the reserve")

    // The same after a crash: the log stays as it is.
    try store.close()
    disk.fill()
    store = try Store.open(disk.path)
    #expect(store.readOnlyReason == nil && store.isFullAtStart)
    world.rack = try await store.load()
    for network in networks[10...] {
      // What is free while the reserve is gone is what is left of it, and no change takes it.
      if store.fullReason == nil { disk.fill() }
      try await Self.perform(.deleteNetwork(network.id), &world, store)
      if let reason = store.fullReason {
        #expect(reason.contains(disk.path) && reason.contains("make room"))
        let refused = await Self.fill(&world, store)
        #expect(refused?.kind == .full && refused?.message == reason)
      }
    }
    #expect(world.rack.networks.isEmpty)
    disk.clear()
    try await Self.perform(Self.network(world.rack), &world, store)
    #expect(store.fullReason == nil)
    #expect(StateDirectory.size(disk.path + "/reserve") == 512 << 10, "made again")
    let rack = try await store.load()
    #expect(rack == world.rack)
    try store.close()
  }

  @Test("a copy does not take the last room")
  func copy() async throws {
    let disk = SmallDisk()
    guard disk.isThere else { return }
    let store = try Store.open(disk.path)
    var world = World(rack: try await store.load(), seed: 1)
    for _ in 0..<20 { try await world.perform(Self.network(world.rack), store) }
    disk.fill()
    await #expect(throws: StoreFault.self) { try await store.makeCopy() }
    #expect(access(disk.path + "/rack.sqlite.copy.new", F_OK) != 0)
    disk.clear()
    try await store.makeCopy()
    #expect(StateDirectory.size(disk.path + "/rack.sqlite.copy") > 0)
    try store.close()
  }

  @Test("where the disk has no room for the reserve, nothing that takes room is committed, and it is said at once")
  func noReserve() async throws {
    let disk = SmallDisk()
    guard disk.isThere else { return }
    var store = try Store.open(disk.path)
    var world = World(rack: try await store.load(), seed: 1)
    try await world.perform(Self.network(world.rack), store)
    try store.close()
    unlink(disk.path + "/reserve")
    // Room for the log, and not for both.
    let file = open(disk.path + "/other", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    #expect(posix_fallocate(file, 0, off_t(store.reserve.free - 200 << 10)) == 0)
    close(file)
    store = try Store.open(disk.path)
    world.rack = try await store.load()
    #expect(store.fullReason != nil && store.isFullAtStart && store.readOnlyReason == nil)
    let fault = await Self.fill(&world, store)
    #expect(fault?.kind == .full)
    unlink(disk.path + "/other")
    try await world.perform(Self.network(world.rack), store)
    #expect(store.fullReason == nil)
    try store.close()
  }
}
