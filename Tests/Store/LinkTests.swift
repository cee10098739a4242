import GRDB
import Impairments
import Rack
import Store
import Testing

@Suite("Links in the store") struct LinkTests {
  @Test("what is set of links, and switches that have failed, are there after a reopen, and sound ones have no row")
  func roundTrip() async throws {
    let directory = TemporaryDirectory()
    var store = try Store.open(directory.path)
    var rack = try await store.load()
    var dice = Dice(seed: 5)
    func perform(_ command: Command) async throws {
      try await store.commit(try rack.perform(command, with: &dice).changes)
    }
    try await perform(World.create("web1", in: rack))
    let server = try #require(rack.server(named: "web1")).id
    var update = ImpairmentUpdate()
    (update.loss, update.duplicate, update.reorder) = (Fraction(0.01), Fraction(0.000_001), Fraction(1))
    (update.corrupt, update.delay, update.jitter) = (Fraction(0.5), 20_000_000, 1_500)
    (update.rate, update.queue, update.seed) = (1_000_000_000_000, 10_000_000, Impairment.seeds.upperBound)
    try await perform(.setLink(server, .eth0, LinkUpdate(toServer: update)))
    var delay = ImpairmentUpdate()
    delay.delay = 1_000
    try await perform(.setLink(server, .eth1, LinkUpdate(isDown: true, fromServer: delay)))
    try await perform(.setSwitches([.a, .b], facility: "ewr1", failed: true))
    try await perform(.setSwitches([.b], facility: "ewr1", failed: false))
    try store.close()

    store = try Store.open(directory.path)
    #expect(try await store.load() == rack)
    #expect(rack.servers[server]?.plugged == [])
    try await perform(.setLink(server, .eth0, LinkUpdate(to: NICLink())))
    try await perform(.setLink(server, .eth1, LinkUpdate(to: NICLink())))
    try await perform(.setSwitches([.a], facility: "ewr1", failed: false))
    try store.close()

    store = try Store.open(directory.path)
    #expect(try await store.load() == rack)
    try store.close()
    let database = try DatabaseQueue(path: directory.path + "/rack.sqlite")
    for table in ["link_down", "failed_switch"] {
      #expect(try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") } == 0)
    }
  }
}
