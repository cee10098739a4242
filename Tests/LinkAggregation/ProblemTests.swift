import LinkAggregation
import Net
import Testing
import Wire

@Suite("Bond: what is wrong, in a sentence") struct ProblemTests {
  @Test("a link on which nobody speaks LACP, after five seconds")
  func silent() {
    var bench = Bench()
    bench.advance(to: 4_999)
    #expect(bench.state(0)?.problem == nil)
    bench.advance(to: 5_000)
    #expect(bench.state(0)?.problem == .silent)
    #expect(
      bench.state(0)?.problem?.description
        == "link up, no LACPDU heard; is the server's bond in mode 802.3ad? virtio NICs need speed=10000,duplex=full")
    bench.link(0, up: false)
    #expect(bench.state(0)?.problem == nil)
  }

  @Test("a partner that stopped speaking, from the timeout on")
  func lost() {
    var bench = Bench()
    bench.join()
    bench.advance(to: 2_999)
    #expect(bench.state(0)?.problem == nil)
    bench.advance(to: 3_000)
    #expect(bench.state(0)?.problem == .lost(seconds: 3))
    bench.advance(to: 60_000)
    #expect(bench.state(0)?.problem == .lost(seconds: 60))
    #expect(bench.state(0)?.sinceLastLACPDU == 60_000)
  }

  @Test("our own LACPDUs heard back: the link does not carry, also not as fallback")
  func loop() {
    var bench = Bench()
    for member in 0...1 {
      guard let own = bench.last(1 - member) else { preconditionFailure("a link that came up has called") }
      bench.hear(own, on: member)
    }
    #expect(bench.bond.carriage.distributing == [])
    #expect(bench.state(0)?.isSelected == false)
    #expect(bench.state(0)?.problem == .loop(port: 12, key: 7))
    bench.advance(to: 6_000)
    #expect(bench.bond.carriage == Bench.fallback(0))
  }

  @Test("a loop on one member leaves the other one alone")
  func loopBeside() {
    var bench = Bench()
    bench.hear(bench.word(1, from: rack, key: 9, port: 40), on: 0)
    bench.hear(bench.word(1), on: 1)
    bench.advance(to: 2_000)
    bench.hear(bench.word(1), on: 1)
    bench.settle()
    #expect(bench.bond.carriage.kind == .aggregate)
    #expect(bench.bond.carriage.distributing == MemberSet(member: 1))
    #expect(bench.bond.carriage.barred == MemberSet(member: 0))
    #expect(bench.state(0)?.problem == .loop(port: 40, key: 9))
  }

  @Test("two servers in one bond: who was first stays, the other is refused", arguments: [0, 1])
  func twoServers(_ first: Int) {
    var bench = Bench()
    bench.hear(bench.word(first), on: first)
    bench.advance(to: 2_000)
    bench.hear(bench.word(first), on: first)
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(first))
    bench.hear(bench.word(1 - first, from: web2), on: 1 - first)
    #expect(bench.bond.carriage == Bench.aggregate(first))
    #expect(bench.last(1 - first)?.actor.state.contains(.synchronization) == false)
    #expect(bench.state(1 - first)?.problem == .otherPartner(web2, other: web1))
    #expect(bench.state(first)?.problem == nil)
  }

  @Test("a partner in sync replaces one that is not, and is not replaced itself")
  func inSyncWins() {
    var bench = Bench()
    bench.hear(bench.word(0, [.activity, .timeout, .aggregation]), on: 0)
    bench.hear(bench.word(1, from: web2, [.activity, .timeout, .aggregation]), on: 1)
    #expect(bench.state(0)?.isSelected == true)
    bench.hear(bench.word(1, from: web2), on: 1)
    #expect(bench.state(0)?.isSelected == false)
    #expect(bench.state(1)?.isSelected == true)
    bench.hear(bench.word(0), on: 0)
    #expect(bench.state(0)?.isSelected == false)
    #expect(bench.state(0)?.problem == .otherPartner(web1, other: web2))
  }

  @Test("a server with each NIC in a bond of its own gets one of them")
  func otherKey() {
    var bench = Bench()
    for member in 0...1 { bench.hear(bench.word(member, key: UInt16(10 + member)), on: member) }
    bench.advance(to: 2_000)
    for member in 0...1 { bench.hear(bench.word(member, key: UInt16(10 + member)), on: member) }
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0))
    #expect(bench.state(1)?.problem == .otherKey(11, other: 10))
  }

  @Test("an individual partner carries by one link")
  func individual() {
    var bench = Bench()
    let state: LACPState = [.activity, .timeout, .synchronization, .collecting, .distributing]
    for member in 0...1 { bench.hear(bench.word(member, state), on: member) }
    bench.advance(to: 2_000)
    for member in 0...1 { bench.hear(bench.word(member, state), on: member) }
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0))
    #expect(bench.state(0)?.problem == .individual(web1, isSelected: true))
    #expect(bench.state(1)?.problem == .individual(web1, isSelected: false))
    bench.link(0, up: false)
    bench.advance(by: 2_000)
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(1))
  }

  @Test("individuals that claim the same port are still one link")
  func sameIndividual() {
    var bench = Bench()
    let state: LACPState = [.activity, .timeout, .synchronization, .collecting, .distributing]
    for _ in 0..<2 {
      for member in 0...1 { bench.hear(bench.word(member, port: 5, state), on: member) }
      bench.advance(by: 2_000)
    }
    #expect(bench.bond.carriage == Bench.aggregate(0))
  }

  @Test("a partner that keeps the link out for a minute")
  func outOfSync() {
    var bench = Bench()
    for second in 0...61 {
      for member in 0...1 { bench.hear(bench.word(member, [.activity, .timeout, .aggregation]), on: member) }
      bench.advance(to: Instant(second) * 1_000)
      #expect(bench.state(0)?.problem == (second < 60 ? nil : .outOfSync(web1)))
    }
    #expect(bench.state(0)?.partnerChurns == 1)
    #expect(bench.state(0)?.actorChurns == 0)
  }

  @Test("each sentence names what was seen and asks about the cause")
  func sentences() {
    let problems: [Problem] = [
      .silent, .lost(seconds: 9), .loop(port: 3, key: 4), .otherPartner(web1, other: web2), .otherKey(1, other: 2),
      .individual(web1, isSelected: true), .individual(web1, isSelected: false), .outOfSync(web1),
    ]
    for problem in problems { #expect(problem.description.hasSuffix("?") || problem == .silent) }
    #expect(Set(problems.map(\.description)).count == problems.count)
    #expect(Problem.otherPartner(web2, other: web1).description.contains("52:54:00:00:00:02"))
  }
}
