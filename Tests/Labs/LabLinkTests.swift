import Impairments
import Labs
import Rack
import Testing

@Suite("Links in lab files") struct LabLinkTests {
  private static let text = """
    lab: shop
    servers:
      fw1:
        links: {eth1: {to-server: {loss: 1%, delay: 20ms}, from-server: {rate: 100mbit, seed: 7}, down: true}}
      web[1-2]: {links: {eth0: {to-server: {jitter: 500us}}}}
      web2: {links: {eth0: {}}}

    """

  private func file() throws -> LabFile { try LabReading.file(Self.text) }

  @Test("are read, with their units, and a range is overridden by NIC")
  func read() throws {
    let servers = Dictionary(try file().servers.map { ($0.name, $0.value) }) { one, _ in one }
    let link = try #require(servers["fw1"]?.links?[.eth1]).link
    #expect(link.words == "down; to the server loss 1%, delay 20ms; from the server rate 100mbit, seed 7")
    #expect(servers["web1"]?.links?[.eth0]?.link.toServer.jitter == 500_000)
    #expect(servers["web2"]?.links?[.eth0] == LabLink())
  }

  @Test("are written as they are read")
  func written() throws {
    let file = try file()
    let text = LabWriter.yaml(file)
    for line in [
      "      eth1: {to-server: {loss: 1%, delay: 20ms}, from-server: {rate: 100mbit, seed: 7}, down: true}",
      "  web1: {links: {eth0: {to-server: {jitter: 500us}}}}",
    ] { #expect(text.contains(line + "\n"), "\(line)") }
    #expect(try LabReading.file(text) == file)
    #expect(LabFile(canonical: file.canonical) == file)
  }

  @Test("a file that was kept before there were links is read")
  func older() throws {
    let old = try LabReading.file("lab: a\nservers: {w: {mtu: 2000}}\n")
    #expect(!old.canonical.contains("links") && LabFile(canonical: old.canonical) == old)
  }

  @Test("what is wrong is said with its place and what would be valid")
  func faults() {
    let text = """
      lab: a
      servers:
        w:
          links: {eth0: {to-server: {loss: 1, delay: 20, rate: 5mb, queue: 0, seed: x, lost: 1%}, up: true}, eth2: {}}

      """
    #expect(
      LabReading.faults(text) == [
        #"4:38: loss "1" is not valid; valid is a percentage from 0% to 100%, as 1% or 0.25%"#,
        #"4:48: delay "20" is not valid; valid is a number and a unit, up to 10s, as 20ms, 1.5s or 500us"#,
        #"4:58: rate "5mb" is not valid; valid is a number and a unit, 1kbit to 1000gbit a second, as 100mbit; or 0 for no limit"#,
        #"4:70: queue "0" is not valid; valid is a number and a unit, 1ms to 10s, as 50ms"#,
        #"4:79: seed "x" is not valid; valid is a number, 0 to 9007199254740991"#,
        #"4:82: unknown key "lost" in to-server; the nearest is "loss""#,
        #"4:93: unknown key "up" in eth0; valid are to-server, from-server and down"#,
        #"4:104: unknown key "eth2" in links; the nearest is "eth0""#,
      ])
  }

  @Test("are applied once, changed alone, and go back to what is usual with their key")
  func plans() throws {
    var world = World()
    let plan = try world.apply(try file())
    #expect(plan.lines.contains("~ link fw1 eth1 to-server") && plan.lines.contains("~ link fw1 eth1 down"))
    let fw1 = try #require(world.rack.server(named: "fw1"))
    #expect(fw1.links.eth1.isDown && fw1.links.eth1.fromServer.seed == 7 && fw1.plugged == [.eth0])
    #expect(try world.apply(try file()).isEmpty, "the same file again does nothing")

    var changed = try file()
    changed.servers[0].value.links?[.eth1]?.toServer?.loss = 20_000
    let change = try world.apply(changed)
    #expect(change.lines == ["~ link fw1 eth1 to-server"])
    #expect(change.changes[0].from == "loss 1%, delay 20ms" && change.changes[0].to == "loss 2%, delay 20ms")
    #expect(world.rack.server(named: "fw1")?.links.eth1.fromServer.series == 1, "its losses go on")

    changed.servers[0].value.links = nil
    #expect(
      try world.apply(changed).lines
        == ["~ link fw1 eth1 to-server", "~ link fw1 eth1 from-server", "~ link fw1 eth1 down"])
    #expect(world.rack.server(named: "fw1")?.links.eth1.isSound == true)
  }

  @Test("what was set by hand is left alone where the file does not name the NIC, and comes back with a checkpoint")
  func byHand() throws {
    var world = World()
    try world.apply(try file())
    let lab = world.lab("shop").id
    let text = try #require(LabPlanner.save(lab, of: world.rack))
    var dice = world.dice
    world.rack.apply(try world.rack.decide(.lab(.keep(lab, checkpoint: "a", text)), with: &dice).changes)
    let id = try #require(world.rack.server(named: "fw1")).id
    let hand = try world.rack.decide(.setLink(id, .eth0, LinkUpdate(isDown: true)), with: &dice)
    world.rack.apply(hand.changes)
    #expect(try world.apply(try file()).isEmpty)
    try world.restore("shop")
    #expect(world.rack.servers[id]?.links.eth0 == NICLink())
    #expect(world.rack.servers[id]?.links.eth1.isDown == true)
  }

  @Test("are exported, and come back by what was exported")
  func export() throws {
    var world = World()
    try world.apply(try file())
    let exported = try #require(LabPlanner.export(world.lab("shop").id, of: world.rack))
    #expect(exported.servers.map { $0.value.links?.count ?? 0 } == [1, 1, 0])
    let before = world.rack.server(named: "fw1")?.links.eth1.words
    try world.destroy("shop")
    try world.apply(exported)
    #expect(world.rack.server(named: "fw1")?.links.eth1.words == before)
  }
}
