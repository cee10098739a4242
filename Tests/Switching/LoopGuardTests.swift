import Net
import Testing
import Wire

@testable import Switching

@Suite("The loop guard") struct LoopGuardTests {
  @Test("a server that bridges its NICs in one VLAN has eth1 shut within a tenth of a second, and no other port ever")
  func oneServer() {
    let world = GuardWorld([([1], [1]), ([1], []), ([1], [2])])
    world.join(world.place(0, 0, 1), world.place(0, 1, 1))
    world.run(100)
    #expect(world.shut == [world.port(0, 1)])
    guard case .shut(let port, let shutting) = world.events.first?.event else {
      Issue.record("no event")
      return
    }
    #expect(port == world.port(0, 1))
    #expect(shutting == .init(cause: .probe(with: world.port(0, 0)), milliseconds: 10_000, times: 1))
    world.run(9_000)
    #expect(world.shut == [world.port(0, 1)])
  }

  @Test("of a server that forwards one way only eth1 is shut as well, whichever way", arguments: [0, 1])
  func oneWay(_ from: Int) {
    let world = GuardWorld([([1], [1]), ([1], [])])
    world.bridges = [(world.place(0, from, 1), world.place(0, 1 - from, 1))]
    world.run(100)
    #expect(world.shut == [world.port(0, 1)])
    #expect(world.looping.isEmpty)
    world.run(200_000)
    #expect(world.shutTerms == [10, 20, 40, 80, 160])
  }

  @Test("a loop that stays keeps its port shut without a gap, for twice as long each time, five minutes at most")
  func doubling() {
    let world = GuardWorld([([1], [1])])
    world.join(world.place(0, 0, 1), world.place(0, 1, 1))
    world.run(100)
    for _ in 0..<1_500 {
      world.run(1_000)
      #expect(world.looping.isEmpty)
    }
    #expect(world.shutTerms == [10, 20, 40, 80, 160, 300, 300, 300, 300])
    #expect(world.events.allSatisfy { if case .shut = $0.event { true } else { false } }, "it was never open")
  }

  @Test("a loop that is gone is found gone at the end of the time, and the port opened; the next one is shut longer")
  func clearing() {
    let world = GuardWorld([([1], [1])])
    world.join(world.place(0, 0, 1), world.place(0, 1, 1))
    world.run(100)
    world.bridges = []
    world.run(9_000)
    #expect(!world.shut.isEmpty)
    world.run(2_500)
    #expect(world.shut.isEmpty)
    #expect(world.events.last?.event == .opened(world.port(0, 1), .timePassed))
    world.join(world.place(0, 0, 1), world.place(0, 1, 1))
    world.run(4_000)
    #expect(world.shutTerms == [10, 20])
  }

  @Test("after five minutes without a loop everything is forgotten, and nobody is woken any more")
  func forgiven() {
    let world = GuardWorld([([1], [1])])
    world.join(world.place(0, 0, 1), world.place(0, 1, 1))
    world.run(100)
    world.bridges = []
    world.run(12_000)
    #expect(world.shut.isEmpty && world.remembered == 1)
    world.run(300_000)
    #expect(world.remembered == 0)
    #expect(world.deadline == nil)
    world.join(world.place(0, 0, 1), world.place(0, 1, 1))
    world.run(1_100)
    #expect(world.shutTerms == [10, 10])
  }

  @Test("a server that bridges two VLANs loops nothing, however loud it is")
  func joined() {
    let world = GuardWorld([([1], [2]), ([1], [2])])
    world.join(world.place(0, 0, 1), world.place(0, 1, 2))
    for _ in 0..<20 {
      world.noteLoud(0)
      world.noteLoud(1)
      world.run(1_000)
    }
    #expect(world.probes > 0)
    #expect(world.shut.isEmpty && world.events.isEmpty)
  }

  @Test("of two servers that bridge the same VLANs the one that came later is cut, and the first goes on")
  func twoServers() {
    let world = GuardWorld([([1], [2]), ([1], [2]), ([1], [])])
    world.join(world.place(1, 0, 1), world.place(1, 1, 2))
    // Something was loud for a while, so the bridge of server 1 is known.
    world.noteLoud(4)
    world.run(4_000)
    world.join(world.place(0, 0, 1), world.place(0, 1, 2))
    world.run(2_000)
    #expect(world.looping.isEmpty)
    #expect(world.shut == [world.port(0, 1)])
  }

  @Test("a circle of three VLANs by three servers is cut at one of them")
  func threeServers() {
    let world = GuardWorld([([1], [2]), ([2], [3]), ([3], [1])])
    world.join(world.place(0, 0, 1), world.place(0, 1, 2))
    world.join(world.place(1, 0, 2), world.place(1, 1, 3))
    world.join(world.place(2, 0, 3), world.place(2, 1, 1))
    world.run(2_000)
    #expect(world.looping.isEmpty)
    #expect(world.shut.count == 1)
  }

  @Test("a server that sends back what it gets loops with a second one alone")
  func mirrors() {
    let world = GuardWorld([([1], []), ([1], []), ([1], [])])
    world.bridges = [(world.place(0, 0, 1), world.place(0, 0, 1))]
    for _ in 0..<5 {
      world.noteLoud(0)
      world.run(1_000)
    }
    #expect(world.shut.isEmpty)
    world.bridges.append((world.place(1, 0, 1), world.place(1, 0, 1)))
    world.run(2_000)
    #expect(world.looping.isEmpty)
    #expect(world.shut == [world.port(1, 0)], "who came to it")
  }

  @Test(
    "whatever forwards whatever, loops end within seconds, and only of servers that were part of one are ports shut",
    arguments: 1...60 as ClosedRange<UInt64>)
  func anything(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let servers = Int.random(in: 2...5, using: &random)
    let domains = (0..<servers).map { _ in
      (
        (1...3).filter { _ in Bool.random(using: &random) }, (1...3).filter { _ in Bool.random(using: &random) }
      )
    }
    let world = GuardWorld(domains)
    let places = domains.enumerated().flatMap { server, carried in
      carried.0.map { world.place(server, 0, $0) } + carried.1.map { world.place(server, 1, $0) }
    }
    var everLooped: Set<PortIndex> = []
    func owners(_ ports: Set<PortIndex>) -> Set<Int> { Set(ports.map { ($0.value - 1) / 3 }) }
    for _ in 0..<12 {
      // Within a server only, as bridges are.
      if let from = places.randomElement(using: &random),
        let to = places.filter({ ($0.port.value - 1) / 3 == (from.port.value - 1) / 3 }).randomElement(using: &random)
      {
        if Bool.random(using: &random) { world.join(from, to) } else { world.bridges.append((from, to)) }
      }
      for _ in 0..<40 {
        everLooped.formUnion(world.looping)
        world.run(100)
      }
      #expect(world.looping.isEmpty)
      #expect(owners(world.shut).isSubset(of: owners(everLooped)))
    }
    world.bridges = []
    world.run(400_000)
    #expect(world.shut.isEmpty)
    world.run(400_000)
    #expect(world.deadline == nil && world.remembered == 0)
  }

  @Test("a rack in which nobody is loud sees no probe; one that is loud for long sees them rarely")
  func quiet() {
    let world = GuardWorld(Array(repeating: ([1], [1]), count: 50))
    world.run(3_600_000)
    #expect(world.probes == 0)
    for _ in 0..<600 {
      world.noteLoud(5)
      world.run(1_000)
    }
    #expect(world.probes < 7_500, "100 ports, ten minutes: one round each ten seconds, and some at first")
    #expect(world.probes > 5_000)
  }

  @Test("a round has 256 probes at most, and other ports have their turn in the next")
  func largeDomain() {
    let world = GuardWorld(Array(repeating: ([1], []), count: 1_000))
    world.noteLoud(0)
    world.run(1)
    #expect(world.probes == 256)
    world.run(2_000)
    #expect(world.probes >= 1_000)
  }

  @Test("a number that nobody sent, one that is old, and one that comes again shut nothing")
  func forged() {
    let world = GuardWorld([([1], [1]), ([1], [])])
    for number in 0..<5_000 as Range<UInt64> { world.noteReturn(of: number, at: world.place(0, 1, 1)) }
    world.run(1_000)
    #expect(world.shut.isEmpty)

    // A probe that a server kept: the number of the first probe is known from the seed.
    world.noteLoud(0)
    world.run(100)
    let first = UInt64(1) &+ 0x9E37_79B9_7F4A_7C15
    world.run(2_000)
    world.noteReturn(of: first, at: world.place(0, 1, 1))
    world.run(1_000)
    #expect(world.shut.isEmpty)
  }

  @Test("a probe that came in where its VLAN is not shuts nothing")
  func elsewhere() {
    let world = GuardWorld([([1], [2])])
    world.noteLoud(0)
    world.run(1)
    world.noteReturn(of: 1 &+ 0x9E37_79B9_7F4A_7C15, at: world.place(0, 1, 1))
    world.run(1_000)
    #expect(world.shut.isEmpty)
  }

  // MARK: Stations that jump

  @Test("a station that jumps between two loud ports of one server for a while shuts the higher; eth0 stays")
  func jumping() {
    let world = GuardWorld([([1], [1])])
    for _ in 0..<2 {
      world.noteLoud(0)
      world.noteLoud(1)
      world.noteJump(world.port(0, 0), world.port(0, 1))
      world.noteJump(world.port(0, 1), world.port(0, 0))
      #expect(world.shut.isEmpty || world.now > 1_000_500)
      world.run(1_000)
    }
    #expect(world.shut == [world.port(0, 1)])
  }

  @Test("a station that jumps between two servers shuts nobody: anybody can send with another's address")
  func spoofed() {
    let world = GuardWorld([([1], []), ([1], [])])
    for _ in 0..<100 {
      world.noteLoud(0)
      world.noteLoud(2)
      world.noteStorm(2)
      world.noteJump(world.port(0, 0), world.port(1, 0))
      world.noteJump(world.port(1, 0), world.port(0, 0))
      world.run(1_000)
    }
    #expect(world.shut.isEmpty)
  }

  @Test("a server that shares its traffic out to two NICs frame by frame is left alone while it floods little")
  func balanced() {
    let world = GuardWorld([([1], [1])])
    for _ in 0..<100 {
      world.noteLoud(0)
      world.noteJump(world.port(0, 0), world.port(0, 1))
      world.run(1_000)
    }
    #expect(world.shut.isEmpty)
  }

  // MARK: Storms

  @Test("a storm is told of once, and its end when it was over for ten seconds")
  func storms() {
    let world = GuardWorld([([1], [])])
    for _ in 0..<30 {
      world.noteStorm(0)
      world.run(1_000)
    }
    #expect(world.events.map(\.event) == [.storm(NICIndex(0))])
    world.run(9_500)
    #expect(world.events.map(\.event) == [.storm(NICIndex(0)), .calm(NICIndex(0))])
    world.noteStorm(7)
    #expect(world.events.count == 2, "of a NIC that is on no port")
  }

  // MARK: Changes

  private func looped() -> GuardWorld {
    let world = GuardWorld([([1], [1]), ([1], [])])
    world.join(world.place(0, 0, 1), world.place(0, 1, 1))
    world.run(100)
    return world
  }

  private func change(_ port: PortIndex, _ program: PortProgram) -> ForwardingChange {
    var change = ForwardingChange()
    change.ports[port] = program
    return change
  }

  @Test("opened by hand it is open at once, and shut again for longer when it still loops")
  func byHand() {
    let world = looped()
    #expect(!world.reopen(world.port(0, 0)), "that one is open")
    #expect(world.reopen(world.port(0, 1)))
    #expect(world.shut.isEmpty)
    #expect(world.events.last?.event == .opened(world.port(0, 1), .byHand))
    world.run(4_000)
    #expect(world.shutTerms == [10, 20])
  }

  @Test("a port whose VLANs change is opened, one that is told the same again is not")
  func changed() {
    let world = looped()
    world.apply(change(world.port(0, 1), GuardWorld.program(NICIndex(1), [1])))
    #expect(world.shut == [world.port(0, 1)])
    world.apply(change(world.port(0, 1), GuardWorld.program(NICIndex(1), [2])))
    #expect(world.shut.isEmpty)
    #expect(world.events.last?.event == .opened(world.port(0, 1), .changed))
    world.run(20_000)
    #expect(world.shut.isEmpty)
  }

  @Test("a port that goes is forgotten, with its storm, and who comes to its place begins anew")
  func gone() {
    let world = looped()
    world.noteStorm(1)
    world.apply(change(world.port(0, 1), .absent))
    #expect(world.shut.isEmpty && world.remembered == 0)
    #expect(world.events.suffix(2).map(\.event) == [.opened(world.port(0, 1), .changed), .calm(NICIndex(1))])
    world.apply(change(world.port(0, 1), GuardWorld.program(NICIndex(1), [1])))
    world.run(4_000)
    #expect(world.shutTerms == [10, 10])
  }

  @Test("a loop whose probes do not come back is none that the guard sees; the storm limit bounds it")
  func blind() {
    let world = GuardWorld([([1], [1])])
    world.carriesProbes = false
    world.join(world.place(0, 0, 1), world.place(0, 1, 1))
    world.run(5_000)
    #expect(world.shut.isEmpty)
    #expect(world.probes > 0)
  }
}
