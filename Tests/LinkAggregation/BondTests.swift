import LinkAggregation
import Net
import Testing
import Wire

@Suite("Bond: fallback") struct BondFallbackTests {
  @Test("the first member whose link is up carries alone; the other one when that is lost, also when it is back")
  func firstMember() {
    var bench = Bench(linksUp: false)
    #expect(bench.bond.carriage == .none)
    bench.link(1, up: true)
    #expect(bench.bond.carriage == Bench.fallback(1))
    bench.link(0, up: true)
    #expect(bench.bond.carriage == Bench.fallback(0))
    bench.link(0, up: false)
    #expect(bench.bond.carriage == Bench.fallback(1))
    bench.link(0, up: true)
    #expect(bench.bond.carriage == Bench.fallback(1), "a link that comes back takes nothing from the one that works")
    bench.link(1, up: false)
    #expect(bench.bond.carriage == Bench.fallback(0))
    bench.link(0, up: false)
    #expect(bench.bond.carriage == .none)
  }

  @Test("without any link nothing is known of the server, and the first member carries again")
  func bothLost() {
    var bench = Bench()
    bench.link(0, up: false)
    bench.link(1, up: false)
    bench.link(1, up: true)
    bench.link(0, up: true)
    #expect(bench.bond.carriage == Bench.fallback(0))
  }

  @Test("goes where the forwarding plane has heard the server")
  func heardElsewhere() {
    var bench = Bench()
    bench.bond.carry(by: 1, at: 0)
    #expect(bench.bond.carriage == Bench.fallback(1))
    bench.link(1, up: false)
    #expect(bench.bond.carriage == Bench.fallback(0))
  }

  @Test("a stray LACPDU mutes nobody, on whichever member it comes", arguments: [0, 1], [true, false])
  func strayLACPDU(_ member: Int, _ fast: Bool) {
    var bench = Bench(fast: fast)
    bench.hear(bench.word(member, [.activity, .aggregation]), on: member)
    while bench.now < 100_000, let due = bench.bond.deadline {
      #expect(bench.bond.carriage.kind == .fallback)
      #expect(bench.bond.carriage.distributing == MemberSet(member: 0))
      bench.advance(to: due)
    }
    #expect(bench.bond.carriage == Bench.fallback(0))
  }

  @Test("goes on until distribution has begun, also beside a partner that is in sync and never collects")
  func untilDistribution() {
    var bench = Bench()
    for member in 0...1 { bench.hear(bench.word(member, [.activity, .aggregation, .synchronization]), on: member) }
    for member in 0...1 { bench.hear(bench.word(member, [.activity, .aggregation, .synchronization]), on: member) }
    bench.settle()
    #expect(bench.state(0)?.muxState == "COLLECTING_DISTRIBUTING")
    #expect(bench.bond.carriage == Bench.fallback(0, opened: 0, 1))
    for member in 0...1 { bench.hear(bench.word(member), on: member) }
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
  }

  @Test("returns with the end of the last distribution, by a member that the partner used")
  func partnerLost() {
    var bench = Bench()
    bench.join()
    bench.advance(to: 2_000)
    bench.hear(bench.word(1), on: 1)
    bench.advance(to: 3_000)
    #expect(bench.bond.carriage.distributing == MemberSet(member: 1))
    bench.advance(to: 5_000)
    #expect(bench.bond.carriage.kind == .fallback)
    #expect(bench.bond.carriage.distributing == MemberSet(member: 1))
    bench.advance(to: 9_000)
    #expect(bench.bond.carriage == Bench.fallback(1))
  }

  @Test("a static bond takes frames by all members, sends by one, and obeys a partner all the same")
  func staticBond() {
    var bench = Bench(isStatic: true)
    let both = MemberSet([MemberSet(member: 0), MemberSet(member: 1)])
    #expect(bench.bond.carriage.collecting == both)
    #expect(bench.bond.carriage.distributing == MemberSet(member: 0))
    bench.advance(to: 10_000)
    #expect(bench.state(0)?.problem == nil, "nobody has to speak LACP here")
    bench.join()
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
  }

  @Test("a link in fallback calls out of sync, defaulted, and as often as the rate says", arguments: [true, false])
  func calls(_ fast: Bool) {
    var bench = Bench(fast: fast)
    bench.advance(to: 4_000)
    let rate: LACPState = fast ? [.timeout] : []
    #expect(bench.last(0)?.actor.state == rate.union([.activity, .aggregation, .defaulted]))
    bench.sent = []
    bench.advance(to: 64_000)
    #expect(bench.sent.count { $0.member == 0 } == (fast ? 60 : 2))
  }
}

@Suite("Bond: partners") struct BondPartnerTests {
  @Test("a link that comes up calls at once, expired and short, 802.1AX-2014 6.4.12 EXPIRED")
  func firstCall() {
    var bench = Bench(linksUp: false)
    bench.now = 500
    bench.link(0, up: true)
    #expect(bench.sent.count == 1)
    let pdu = bench.last(0)
    #expect(pdu?.actor.system == rack)
    #expect(pdu?.actor.key == 7)
    #expect(pdu?.actor.port == 11)
    #expect(pdu?.actor.state == [.activity, .timeout, .aggregation, .defaulted, .expired])
    #expect(pdu?.partner.state == [.timeout])
  }

  @Test("a partner with both links in sync gets both, as soon as it is heard")
  func join() {
    var bench = Bench()
    bench.hear(bench.word(0, [.activity, .timeout, .aggregation]), on: 0)
    #expect(bench.state(0)?.muxState == "WAITING")
    bench.hear(bench.word(1, [.activity, .timeout, .aggregation]), on: 1)
    // Nobody is left to wait for: no two seconds.
    #expect(bench.state(0)?.muxState == "ATTACHED")
    #expect(bench.last(0)?.actor.state.contains(.synchronization) == true)
    #expect(bench.bond.carriage == Bench.fallback(0, opened: 0, 1))
    for member in 0...1 { bench.hear(bench.word(member), on: member) }
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
    #expect(bench.state(0)?.problem == nil)
  }

  @Test("one link alone waits two seconds for the other, 6.4.15 WAITING")
  func waits() {
    var bench = Bench()
    bench.hear(bench.word(0), on: 0)
    bench.advance(to: 1_000)
    bench.hear(bench.word(0), on: 0)
    bench.advance(to: 1_999)
    #expect(bench.state(0)?.muxState == "WAITING")
    bench.advance(to: 2_000)
    #expect(bench.state(0)?.muxState == "COLLECTING_DISTRIBUTING")
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0))
  }

  @Test("collects from a partner in sync, and sends only when that collects")
  func collecting() {
    var bench = Bench(ports: [11])
    bench.hear(bench.word(0, [.activity, .aggregation]), on: 0)
    bench.hear(bench.word(0, [.activity, .aggregation, .synchronization]), on: 0)
    #expect(bench.bond.carriage == Bench.fallback(0, opened: 0))
    #expect(bench.last(0)?.actor.state.isSuperset(of: [.synchronization, .collecting]) == true)
    #expect(bench.last(0)?.actor.state.contains(.distributing) == false)
    bench.hear(bench.word(0, [.activity, .aggregation, .synchronization, .collecting]), on: 0)
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0))
    bench.hear(bench.word(0, [.activity, .aggregation, .synchronization]), on: 0)
    #expect(bench.bond.carriage == Bench.fallback(0, opened: 0))
    bench.hear(bench.word(0, [.activity, .aggregation]), on: 0)
    #expect(bench.bond.carriage.kind == .fallback)
    #expect(bench.state(0)?.muxState == "ATTACHED")
  }

  @Test("a partner that means another port than this is out of sync, 6.4.9 recordPDU")
  func staleView() {
    var bench = Bench(ports: [11])
    var pdu = bench.word(0)
    pdu.partner.port = 99
    bench.hear(pdu, on: 0)
    #expect(bench.state(0)?.partner?.state.contains(.synchronization) == false)
    #expect(bench.bond.carriage.kind == .fallback)
  }

  @Test(
    "a partner whose picture of us is wrong is told at once, one that has it right is not, 6.4.9 update_NTT",
    arguments: [LACPState.activity, .timeout, .aggregation, .synchronization])
  func wrongPicture(_ bit: LACPState) {
    var bench = Bench(ports: [11])
    bench.join(only: 0)
    bench.advance(to: 1_500)
    bench.sent = []
    var pdu = bench.word(0)
    bench.hear(pdu, on: 0)
    pdu.partner.state.formSymmetricDifference([.collecting, .distributing, .defaulted, .expired])
    bench.hear(pdu, on: 0)
    #expect(bench.sent.isEmpty)
    pdu.partner.state.formSymmetricDifference(bit)
    bench.hear(pdu, on: 0)
    #expect(bench.sent.count == 1)
  }

  @Test("a partner that has another port number, key or system of ours in mind is told at once, 6.4.9 update_NTT")
  func wrongIdentity() {
    let changes: [(inout LACPParticipant) -> Void] = [
      { $0.port += 1 }, { $0.portPriority += 1 }, { $0.key += 1 }, { $0.systemPriority += 1 }, { $0.system = web2 },
    ]
    for change in changes {
      var bench = Bench(ports: [11])
      bench.join(only: 0)
      bench.advance(to: 1_500)
      var pdu = bench.word(0)
      bench.sent = []
      change(&pdu.partner)
      bench.hear(pdu, on: 0)
      #expect(bench.sent.count == 1)
      #expect(bench.bond.carriage.kind == .fallback)
    }
  }

  @Test("a passive partner joins, because we are active", arguments: [true, false])
  func passive(_ fast: Bool) {
    var bench = Bench(fast: fast, ports: [11])
    bench.hear(bench.word(0, [.aggregation, .synchronization, .collecting]), on: 0)
    bench.hear(bench.word(0, [.aggregation, .synchronization, .collecting]), on: 0)
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0))
  }

  @Test("two passive ends are not in sync: nobody would go on calling, 6.4.9 recordPDU")
  func bothPassive() {
    var bench = Bench(ports: [11])
    var pdu = bench.word(0, [.aggregation, .synchronization, .collecting])
    pdu.partner.state.remove(.activity)
    bench.hear(pdu, on: 0)
    #expect(bench.bond.carriage.kind == .fallback)
  }

  @Test("the partner's timeout bit sets the period, 6.4.13", arguments: [true, false])
  func period(_ short: Bool) {
    var bench = Bench(fast: false, ports: [11])
    let state: LACPState = short ? [.activity, .timeout, .aggregation] : [.activity, .aggregation]
    for _ in 0..<3 {
      bench.hear(bench.word(0, state), on: 0)
      bench.advance(by: 2_000)
    }
    bench.sent = []
    bench.advance(by: 60_000)
    #expect(bench.sent.count == (short ? 60 : 2))
  }

  @Test("a partner that changes from long to short is sent to at once, 6.4.13 SLOW_PERIODIC")
  func longToShort() {
    var bench = Bench(fast: false, ports: [11])
    bench.hear(bench.word(0, [.activity, .aggregation]), on: 0)
    bench.advance(by: 10_000)
    bench.hear(bench.word(0, [.activity, .aggregation]), on: 0)
    bench.sent = []
    bench.hear(bench.word(0, [.activity, .timeout, .aggregation]), on: 0)
    #expect(bench.sent.count == 1)
  }

  @Test("never more than three LACPDUs in a second, however often the partner changes its mind")
  func limit() {
    var bench = Bench(ports: [11])
    for step in 0..<500 {
      let state: LACPState = step % 2 == 0 ? [.activity, .aggregation, .synchronization] : [.activity, .aggregation]
      bench.hear(bench.word(0, state), on: 0)
      bench.advance(by: 10)
    }
    let times = bench.sent.map(\.at)
    for index in times.indices.dropFirst(3) { #expect(times[index] - times[index - 3] >= 1_000) }
    #expect(times.count >= 14)
  }

  @Test("an LACPDU on a dead link, or on an empty place, changes nothing")
  func deadLink() {
    var bench = Bench(ports: [11], linksUp: false)
    bench.hear(bench.word(0), on: 0)
    #expect(bench.state(0)?.partner == nil)
    bench.bond.setLink(member: 1, up: true, at: 0)
    bench.hear(bench.word(1), on: 1)
    #expect(bench.bond.carriage == .none)
    #expect(bench.sent.isEmpty)
  }

  @Test("no event is due before the deadline, and none is missed at it")
  func deadline() {
    var bench = Bench(fast: false)
    bench.join()
    while bench.now < 200_000, let due = bench.bond.deadline {
      #expect(due > bench.now)
      let before = bench.bond.snapshot(at: bench.now)
      bench.bond.tick(at: due - 1)
      #expect(bench.bond.snapshot(at: bench.now) == before)
      bench.advance(to: due)
    }
    #expect(bench.now >= 200_000 || bench.bond.deadline == nil)
    #expect(bench.state(0)?.receiveState == "DEFAULTED")
  }
}

@Suite("Bond: changes") struct BondChangeTests {
  @Test("a link that goes down leaves at once, and the other carries on")
  func linkLoss() {
    var bench = Bench()
    bench.join()
    bench.link(0, up: false)
    #expect(bench.bond.carriage == Bench.aggregate(1))
    #expect(bench.state(1)?.counters.muxTransitions == 3)
  }

  @Test("a link that comes back joins again when the partner has it, and the other never stopped")
  func rejoin() {
    var bench = Bench()
    bench.join()
    bench.link(0, up: false)
    bench.advance(by: 1_500)
    bench.hear(bench.word(1), on: 1)
    bench.link(0, up: true)
    #expect(bench.bond.carriage.distributing == MemberSet(member: 1))
    #expect(bench.last(0)?.actor.state.contains(.expired) == true)
    bench.hear(bench.word(0, [.activity, .aggregation]), on: 0)
    #expect(bench.bond.carriage.distributing == MemberSet(member: 1))
    bench.hear(bench.word(0), on: 0)
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
    #expect(bench.state(1)?.counters.muxTransitions == 3)
  }

  @Test("silence ends a link after the timeout: 3 s short, 90 s long", arguments: [(true, 3_000), (false, 90_000)])
  func silence(_ fast: Bool, _ timeout: Instant) {
    var bench = Bench(fast: fast)
    bench.join()
    let start = bench.now - Timing.settling  // when the partner was heard last
    bench.advance(to: start + timeout / 2)
    bench.hear(bench.word(1), on: 1)
    bench.advance(to: start + timeout - 1)
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
    bench.advance(to: start + timeout)
    #expect(bench.bond.carriage.distributing == MemberSet(member: 1))
    #expect(bench.state(0)?.receiveState == "EXPIRED")
    #expect(bench.last(0)?.actor.state.contains(.expired) == true)
    #expect(bench.last(0)?.partner.state.contains(.timeout) == true)
  }

  @Test("a partner that says it collects gets no frames before it has had time to hear that we are in sync")
  func settles() {
    var bench = Bench()
    // Its word comes before ours could have reached it, as Open vSwitch's does on a link that came back.
    for member in 0...1 { bench.hear(bench.word(member), on: member) }
    for member in 0...1 { bench.hear(bench.word(member), on: member) }
    #expect(bench.bond.carriage == Bench.fallback(0, opened: 0, 1))
    bench.advance(by: Timing.settling - 1)
    #expect(bench.bond.carriage == Bench.fallback(0, opened: 0, 1))
    bench.advance(by: 1)
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
  }

  @Test("a member taken out says goodbye out of sync, and the other one is not touched")
  func remove() {
    var bench = Bench()
    bench.join()
    bench.advance(to: 2_500)
    bench.join()
    let other = bench.state(0)
    bench.sent = []
    bench.bond.remove(member: 1, at: bench.now)
    #expect(bench.bond.carriage == Bench.aggregate(0))
    bench.collect()
    #expect(bench.sent.count == 1)
    let farewell = bench.last(1)
    #expect(farewell?.actor.port == 12)
    #expect(farewell?.actor.state == [.activity, .timeout, .aggregation])
    #expect(farewell?.partner.system == web1)
    #expect(bench.state(0) == other)
    #expect(bench.state(1) == nil)
    bench.advance(to: 2_900)
    bench.hear(bench.word(1), on: 1)
    #expect(bench.bond.carriage == Bench.aggregate(0))
    bench.hear(bench.word(0), on: 0)
    bench.sent = []
    bench.advance(to: 5_000)
    #expect(bench.sent.allSatisfy { $0.member == 0 })
  }

  @Test("a goodbye over the limit is sent later, and not at all when the link is dead", arguments: [true, false])
  func lateFarewell(_ linkStays: Bool) {
    var bench = Bench(ports: [11])
    for _ in 0..<4 {
      bench.hear(bench.word(0, [.activity, .aggregation]), on: 0)
      bench.hear(bench.word(0), on: 0)
    }
    #expect(bench.sent.count == 3)
    bench.sent = []
    bench.bond.remove(member: 0, at: bench.now)
    bench.collect()
    #expect(bench.sent.isEmpty)
    if !linkStays { bench.link(0, up: false) }
    bench.advance(by: 5_000)
    #expect(bench.sent.count == (linkStays ? 1 : 0))
    #expect(bench.bond.deadline == nil)
  }

  @Test("a member that nobody spoke to leaves without a word, and fallback goes to the other")
  func removeInFallback() {
    var bench = Bench()
    bench.sent = []
    bench.bond.remove(member: 0, at: bench.now)
    bench.collect()
    #expect(bench.sent.isEmpty)
    #expect(bench.bond.carriage == Bench.fallback(1))
  }

  @Test("a member put back joins again while the other carries")
  func add() {
    var bench = Bench()
    bench.join()
    bench.bond.remove(member: 1, at: bench.now)
    bench.collect()
    bench.advance(to: 2_000)
    bench.hear(bench.word(0), on: 0)
    bench.bond.add(member: 1, port: 12, at: bench.now)
    bench.collect()
    #expect(bench.bond.carriage == Bench.aggregate(0))
    #expect(bench.last(1)?.actor.state.contains(.expired) == true)
    bench.hear(bench.word(1), on: 1)
    bench.hear(bench.word(1), on: 1)
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
    #expect(bench.state(0)?.counters.muxTransitions == 3)
  }

  @Test("a change of rate is told at once and sets how long we wait")
  func rate() {
    var bench = Bench(fast: false)
    bench.join()
    bench.advance(to: 10_000)
    bench.sent = []
    bench.bond.setFastRate(true, at: bench.now)
    bench.collect()
    #expect(bench.sent.count == 2)
    #expect(bench.last(0)?.actor.state.contains(.timeout) == true)
    bench.hear(bench.word(0), on: 0)
    bench.advance(by: 3_000)
    #expect(bench.state(0)?.receiveState == "EXPIRED")
  }

  @Test("a partner that changes its key leaves and comes back with both links")
  func changedKey() {
    var bench = Bench()
    bench.join()
    bench.advance(to: 1_500)
    bench.hear(bench.word(0, key: 99), on: 0)
    #expect(bench.bond.carriage == Bench.aggregate(1))
    #expect(bench.state(0)?.problem == .otherKey(99, other: 15))
    bench.hear(bench.word(1, key: 99), on: 1)
    for member in 0...1 { bench.hear(bench.word(member, key: 99), on: member) }
    bench.settle()
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
    #expect(bench.state(0)?.problem == nil)
  }

  @Test("a partner's port that moved to the other member is forgotten where it was, 6.4.12 port_moved")
  func moved() {
    var bench = Bench()
    bench.join()
    bench.link(0, up: false)
    #expect(bench.state(0)?.partner != nil)
    bench.hear(bench.word(1, port: 1), on: 1)
    #expect(bench.state(0)?.partner == nil)
    #expect(bench.state(0)?.receiveState == "PORT_DISABLED")
  }

  @Test("a dead link remembers its partner, and drops it when that stays away")
  func remembers() {
    var bench = Bench()
    bench.join()
    for member in 0...1 { bench.link(member, up: false) }
    #expect(bench.bond.carriage == .none)
    #expect(bench.state(0)?.partner?.system == web1)
    bench.advance(to: 100_000)
    bench.link(0, up: true)
    #expect(bench.bond.carriage == Bench.fallback(0), "a plain machine may be there now")
    bench.advance(by: 3_000)
    #expect(bench.state(0)?.partner == nil)
    #expect(bench.bond.carriage == Bench.fallback(0))
  }

  @Test("a partner that has gone silent gives way in some seconds to one that speaks on the other link")
  func silentGivesWay() {
    var bench = Bench(fast: false)
    bench.join(only: 0)
    bench.advance(to: 10_000)
    #expect(bench.bond.carriage == Bench.aggregate(0))
    bench.sent = []
    // The second NIC of the same machine, which knows nothing of LACP's past: first a frame, then an answer.
    bench.bond.hearOutside(member: 1, at: bench.now)
    bench.collect()
    #expect(bench.sent.contains { $0.member == 1 }, "it is called")
    bench.hear(bench.word(1, from: web2, port: 1), on: 1)
    #expect(bench.bond.carriage == Bench.aggregate(0), "the partner that has the bond has time to answer")
    for _ in 0..<8 {
      bench.advance(by: 1_000)
      bench.hear(bench.word(1, from: web2, port: 1), on: 1)
      #expect(!bench.bond.carriage.distributing.isEmpty)
    }
    #expect(bench.bond.carriage == Bench.aggregate(1))
  }

  @Test("a partner that is asked answers, and keeps the bond; nothing was disturbed")
  func askedAndThere() {
    var bench = Bench(fast: false)
    bench.join(only: 0)
    bench.advance(to: 10_000)
    let transitions = bench.state(0)?.counters.muxTransitions
    bench.sent = []
    bench.hear(bench.word(1, from: web2, port: 1), on: 1)
    guard case .lacp(let question)? = bench.sent.first(where: { $0.member == 0 })?.pdu else {
      Issue.record("the partner of eth0 is asked")
      return
    }
    // Its picture of itself is wrong in one bit, so that a partner of any make answers: 6.4.9 update_NTT.
    #expect(question.partner.state.contains(.synchronization) == false)
    #expect(question.actor.state.isSuperset(of: [.synchronization, .collecting, .distributing]))
    bench.hear(bench.word(0), on: 0)
    bench.sent = []
    bench.advance(to: 60_000)
    #expect(bench.state(0)?.counters.muxTransitions == transitions)
    #expect(bench.bond.carriage == Bench.aggregate(0))
  }
}

@Suite("Bond: what is announced when") struct BondAnnouncementTests {
  let inSync: LACPState = [.synchronization, .collecting, .distributing]

  @Test("what begins is announced when the forwarding plane has said that it is in force")
  func begins() {
    var bench = Bench()
    bench.planeAnswers = false
    bench.sent = []
    for member in 0...1 { bench.hear(bench.word(member), on: member) }
    #expect(bench.state(0)?.muxState == "COLLECTING_DISTRIBUTING")
    #expect(bench.bond.carriage.opened.count == 2)
    bench.advance(by: 500)
    #expect(
      bench.sent.allSatisfy {
        if case .lacp(let pdu) = $0.pdu { pdu.actor.state.isDisjoint(with: inSync) } else { true }
      })
    bench.sent = []
    bench.bond.confirm(bench.bond.revision, at: bench.now)
    bench.collect()
    #expect(Set(bench.sent.map(\.member)) == [0, 1])
    #expect(bench.last(0)?.actor.state.isSuperset(of: [.synchronization, .collecting]) == true)
    #expect(bench.last(0)?.actor.state.contains(.distributing) == false)
    // And the same with distribution.
    for member in 0...1 { bench.hear(bench.word(member), on: member) }
    bench.advance(by: Timing.settling)
    #expect(bench.bond.carriage == Bench.aggregate(0, 1))
    #expect(bench.last(1)?.actor.state.contains(.distributing) == false)
    #expect(bench.state(1)?.isDistributing == false)
    bench.bond.confirm(bench.bond.revision, at: bench.now)
    bench.advance(by: 1_000)
    #expect(bench.last(1)?.actor.state.isSuperset(of: inSync) == true)
    #expect(bench.state(1)?.isDistributing == true)
  }

  @Test("the answer to what is no more wanted confirms nothing")
  func lateAnswer() {
    var bench = Bench(ports: [11])
    bench.planeAnswers = false
    bench.hear(bench.word(0), on: 0)
    let first = bench.bond.revision
    bench.link(0, up: false)
    bench.link(0, up: true)
    bench.hear(bench.word(0), on: 0)
    #expect(bench.bond.carriage.opened == MemberSet(member: 0))
    bench.sent = []
    bench.bond.confirm(first, at: bench.now)
    bench.collect()
    #expect(bench.sent.isEmpty)
  }

  @Test("what ends is announced first: frames are taken until the LACPDU that says so has gone out")
  func ends() {
    var bench = Bench(ports: [11])
    bench.join()
    // Three LACPDUs in this second already.
    for _ in 0..<3 {
      bench.hear(bench.word(0, [.activity, .aggregation]), on: 0)
      bench.hear(bench.word(0), on: 0)
    }
    bench.hear(bench.word(0, key: 99, [.activity]), on: 0)
    bench.hear(bench.word(0, from: rack, key: 99), on: 0)
    #expect(bench.state(0)?.muxState == "DETACHED")
    #expect(bench.last(0)?.actor.state.contains(.synchronization) == true)
    #expect(bench.bond.carriage.collecting == MemberSet(member: 0))
    bench.advance(by: 1_000)
    #expect(bench.last(0)?.actor.state.contains(.synchronization) == false)
    #expect(bench.bond.carriage.collecting == [])
  }

  @Test("a link that is down is left at once: there is nobody to tell")
  func linkDown() {
    var bench = Bench()
    bench.join()
    bench.link(0, up: false)
    #expect(bench.bond.carriage == Bench.aggregate(1))
  }
}

@Suite("Bond: markers, 802.1AX-2014 6.5") struct BondMarkerTests {
  let marker = MarkerPDU(kind: .information, requesterPort: 2, requesterSystem: web1, transaction: 77)

  @Test("a Marker is answered by the member that it came by")
  func answer() {
    var bench = Bench()
    bench.sent = []
    bench.bond.receive(.marker(marker), on: 1, at: 0)
    #expect(bench.bond.deadline == 0)
    bench.collect()
    #expect(bench.sent.count == 1)
    #expect(bench.sent.first?.member == 1)
    #expect(bench.sent.first?.pdu == .marker(marker.response))
  }

  @Test("three answers in a second, the rest is counted")
  func limit() {
    var bench = Bench()
    bench.sent = []
    for _ in 0..<50 {
      bench.bond.receive(.marker(marker), on: 0, at: 0)
      bench.collect()
    }
    #expect(bench.sent.count == 3)
    #expect(bench.state(0)?.counters.markersReceived == 50)
    #expect(bench.state(0)?.counters.markerResponsesSent == 3)
    #expect(bench.state(0)?.counters.markersIgnored == 47)
    bench.bond.receive(.marker(marker), on: 0, at: 1_000)
    bench.collect()
    #expect(bench.sent.count { $0.pdu == .marker(marker.response) } == 4)
  }

  @Test("a response, illegal and unknown frames are counted and answered with nothing")
  func others() {
    var bench = Bench()
    bench.sent = []
    bench.bond.receive(.marker(marker.response), on: 0, at: 0)
    bench.bond.receive(.illegal, on: 0, at: 0)
    bench.bond.receive(.unknown, on: 0, at: 0)
    bench.bond.receive(.unknown, on: 0, at: 0)
    bench.collect()
    #expect(bench.sent.isEmpty)
    let counters = bench.state(0)?.counters
    #expect(counters?.markerResponsesReceived == 1)
    #expect(counters?.illegalReceived == 1)
    #expect(counters?.unknownReceived == 2)
    #expect(bench.bond.carriage == Bench.fallback(0))
  }
}
