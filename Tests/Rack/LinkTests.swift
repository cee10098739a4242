import Cabling
import Impairments
import Rack
import Testing

/// Links of NICs and switches of facilities: what is set, what the wire makes of it, and what is said of it.
@Suite("Links") struct LinkTests {
  private func update(_ change: (inout ImpairmentUpdate) -> Void) -> ImpairmentUpdate {
    var update = ImpairmentUpdate()
    change(&update)
    return update
  }

  @Test("one value is set and keeps the others, nothing takes one away, and the other direction stays as it is")
  func values() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    var link: NICLink { lab.rack.servers[id]!.links.eth0 }
    try lab.perform(
      .setLink(id, .eth0, LinkUpdate(toServer: update { ($0.loss, $0.delay) = (Fraction(0.01), 20_000_000) })))
    #expect(link.toServer.loss == Fraction(0.01) && link.toServer.delay == 20_000_000 && link.fromServer.isNothing)
    #expect(Set(lab.change.links.keys) == [id] && lab.change.rewired.isEmpty && lab.change.carriers.isEmpty)
    try lab.perform(.setLink(id, .eth0, LinkUpdate(toServer: update { $0.jitter = 5_000_000 })))
    try lab.perform(.setLink(id, .eth0, LinkUpdate(toServer: update { $0.loss = .zero })))
    #expect(link.words == "to the server delay 20ms, jitter 5ms")
    let again = try lab.perform(.setLink(id, .eth0, LinkUpdate(toServer: update { $0.loss = .zero })))
    #expect(!again.changed)
    try lab.perform(.setLink(id, .eth0, LinkUpdate(toServer: ImpairmentUpdate(startsOver: true))))
    #expect(link.isSound && lab.rack.servers[id]!.links.eth1 == NICLink())
    #expect(lab.faults() == [])
  }

  @Test("a seed that is set once more is a change, and another value keeps its sequence")
  func seeds() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    var series: UInt32 { lab.rack.servers[id]!.links.eth0.toServer.series }
    for _ in 0..<2 { try lab.perform(.setLink(id, .eth0, LinkUpdate(toServer: update { $0.seed = 7 }))) }
    #expect(series == 2 && lab.change.links[id]?.eth0.toServer.seed == 7)
    try lab.perform(.setLink(id, .eth0, LinkUpdate(toServer: update { $0.delay = 1_000_000 })))
    try lab.perform(.setLink(id, .eth0, LinkUpdate(toServer: ImpairmentUpdate(startsOver: true))))
    #expect(series == 2)
  }

  @Test("what is out of range is refused with the NIC, the direction and what would be valid")
  func refusals() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    func refusal(_ nic: PortName, _ change: (inout ImpairmentUpdate) -> Void) -> String {
      let update = LinkUpdate(fromServer: update(change))
      do throws(Refusal) {
        try lab.perform(.setLink(id, nic, update))
        return "done"
      } catch { return error.messages.joined() }
    }
    #expect(
      refusal(.eth1) { $0.delay = 11_000_000_000 }
        == "eth1 of web1, from-server: delay 11s is too long; valid are 0s to 10s, with the unit s, ms or us, as 20ms or 1.5s"
    )
    #expect(refusal(.eth1) { $0.rate = 10 }.contains("rate 10bit is out of range; valid are 1kbit to 1000gbit"))
    #expect(refusal(.bond0) { $0.delay = 1 } == "bond0 of web1 has no link of its own; valid are eth0 and eth1")
  }

  @Test("a link that is set down takes the carrier of its NIC alone, and its port loses that member")
  func down() throws {
    var lab = Lab()
    let id = try lab.server("web1", mode: .layer2Bonded)
    let outcome = try lab.perform(.setLink(id, .eth1, LinkUpdate(isDown: true)))
    #expect(outcome.event?.type == "device.link" && outcome.event?.body == "link of eth1 of web1 set down")
    #expect(lab.change.carriers == [id: [.eth0]])
    #expect(lab.change.rewired[id]?.ports.wiring.map(\.members) == [[.eth0]])
    #expect(lab.rack.servers[id]!.members == [.eth0, .eth1], "it is in the bond still")
    try lab.perform(.setPower(id, on: false))
    #expect(lab.change.carriers == [id: []])
    try lab.perform(.setPower(id, on: true))
    #expect(lab.change.carriers == [id: [.eth0]])
    try lab.perform(.setLink(id, .eth1, LinkUpdate(isDown: false)))
    #expect(lab.change.carriers == [id: [.eth0, .eth1]])
    #expect(lab.faults() == [])
  }

  @Test("a switch that fails takes its NICs in its facility, those of servers that come meanwhile, and no others")
  func switches() throws {
    var lab = Lab()
    let (one, two) = (try lab.server("web1"), try lab.server("web2", facility: "sjc1"))
    try lab.perform(.setLink(one, .eth1, LinkUpdate(isDown: true)))
    let outcome = try lab.perform(.setSwitches([.a], facility: "ewr1", failed: true))
    #expect(outcome.event?.type == "facility.fail")
    #expect(outcome.event?.body == "switch a of ewr1 failed: eth0 of 1 server has no carrier")
    #expect(lab.change.carriers == [one: []])
    let three = try lab.server("web3")
    #expect(lab.rack.servers[three]!.plugged == [.eth1] && lab.change.made[three]?.carriers == [.eth1])
    #expect(lab.rack.servers[two]!.plugged == [.eth0, .eth1])
    #expect(try !lab.perform(.setSwitches([.a], facility: "ewr1", failed: true)).changed)
    #expect(lab.faults() == [])
    // What was set of a link by itself is another matter.
    try lab.perform(.setSwitches([.a, .b], facility: "ewr1", failed: false))
    #expect(lab.change.carriers == [one: [.eth0], three: [.eth0, .eth1]])
    #expect(lab.rack.servers[one]!.links.eth1.isDown && lab.rack.failedSwitches.isEmpty)
    #expect(throws: Refusal.self) { try lab.perform(.setSwitches([.a], facility: "nowhere", failed: true)) }
    #expect(lab.faults() == [])
  }

  @Test("a server that is made, changed and cut off in one group has the wire of the end")
  func group() throws {
    var lab = Lab()
    let before = lab.rack
    let id = try lab.server("web1")
    try lab.perform(.setMTU(id, 9_000))
    try lab.perform(.setSwitches([.b], facility: "ewr1", failed: true))
    let changes: [Change] = [
      .server(before.servers[id] ?? lab.rack.servers[id]!, replacing: nil),
      .failedSwitches(facility: "ewr1", [.b]),
    ]
    let change = WireStep(changes, on: before, Lab.plan).change
    #expect(change.made[id]?.carriers == [.eth0])
    var again = Rack(empty: lab.rack.id)
    again.apply(lab.rack.records)
    #expect(again == lab.rack)
    again = Rack(empty: lab.rack.id)
    again.apply(lab.rack.records.reversed())
    #expect(again.servers[id]?.plugged == [.eth0], "in whatever order the records come")
  }
}
