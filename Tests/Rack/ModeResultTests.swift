import Net
import Rack
import Testing

/// `Rack.change(of:to:)` says before what the command does then.
@Suite("What a mode would do") struct ModeResultTests {
  /// How often each kind of answer came up, so that the test is known to have met all of them.
  private struct Seen {
    var current = 0, possible = 0, losing = 0, unassigning = 0, giving = 0, refused = 0, displaced = 0
  }

  @Test("is what setMode does, in random racks", arguments: 31...34 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    var lab = Lab(seed: seed, hybridBonded: seed % 2 == 0)
    var dice = SeededEntropy(seed: seed &* 104_729)
    var seen = Seen()
    for step in 0..<800 {
      _ = try? lab.perform(RandomTests.command(for: lab, &dice))
      guard step % 4 == 0 else { continue }
      for server in lab.rack.servers.values {
        for mode in NetworkMode.allCases {
          let lies = Self.lies(of: server, mode, in: lab, &seen)
          guard lies.isEmpty else {
            Issue.record("seed \(seed), step \(step), \(server.hostname) to \(mode.rawValue): \(lies)")
            return
          }
        }
      }
    }
    #expect(seen.current > 100 && seen.possible > 100 && seen.refused > 100, "\(seen)")
    #expect(seen.losing > 20 && seen.unassigning > 0 && seen.giving > 20 && seen.displaced > 20, "\(seen)")
  }

  /// Where the answer and the decision differ.
  private static func lies(
    of old: Server, _ mode: NetworkMode, in lab: Lab, _ seen: inout Seen
  ) -> [String] {
    let said = lab.rack.change(of: old, to: mode)
    var entropy = lab.entropy
    var found: [String] = []
    func check(_ isTrue: Bool, _ what: @autoclosure () -> String) {
      if !isTrue { found.append("\(what()): \(said)") }
    }

    let outcome: Outcome
    do {
      outcome = try lab.rack.decide(.setMode(old.id, mode), with: &entropy)
    } catch {
      seen.refused += 1
      check(said.refusal == error && !said.isPossible && !said.isCurrent, "refused with \(error)")
      check(said.addresses.isEmpty && said.leaving == [] && said.joining == [], "does something")
      if !said.displaced.isEmpty {
        seen.displaced += 1
        check(error.messages.count == said.displaced.count, "displaced")
        check(isFree(old, mode, without: said.displaced, lab), "detached, and not free")
      }
      return found
    }
    check(said.refusal == nil && said.displaced.isEmpty, "not refused")
    check(said.isCurrent != outcome.changed && said.isPossible == outcome.changed, "current")
    check(said.addresses == outcome.addressChange, "addresses")
    guard outcome.changed else {
      seen.current += 1
      return found
    }
    seen.possible += 1
    if said.addresses.isLoss { seen.losing += 1 }
    if !said.addresses.unassigned.isEmpty { seen.unassigning += 1 }
    if !said.addresses.given.isEmpty { seen.giving += 1 }

    for case .server(let new, replacing: _) in outcome.changes {
      check(new.mode == mode && new.members == mode.members, "ends in \(new.mode.rawValue)")
      check(said.leaving == old.members.filter { !new.members.contains($0) }, "leaving")
      check(said.joining == new.members.filter { !old.members.contains($0) }, "joining")
      check(new.ports.map(\.networks) == old.ports.map(\.networks), "networks")
      check(said.addresses.released.isEmpty || new.addresses.isEmpty && new.blocks.isEmpty, "keeps some")
      check(new.addresses.isEmpty == !new.isRouted(.bond0), "routed")
    }
    return found
  }

  /// Whether nothing is in the way of the mode when what it displaces has been detached.
  private static func isFree(
    _ server: Server, _ mode: NetworkMode, without displaced: [ModeResult.Displaced], _ lab: Lab
  ) -> Bool {
    var (copy, entropy) = (lab.rack, lab.entropy)
    for entry in displaced {
      for network in entry.networks {
        guard (try? copy.perform(.unassign(server[entry.port].id, .id(network)), with: &entropy)) != nil else {
          return false
        }
      }
    }
    return copy.servers[server.id].map { copy.change(of: $0, to: mode).displaced.isEmpty } ?? false
  }

  @Test("addresses and blocks are named before they go, and new ones before they come")
  func named() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    let block = try lab.reserve(30).block
    try lab.assign(block, to: "web1")
    let before = lab["web1"]
    let leaving = lab.rack.change(of: before, to: .layer2Bonded).addresses
    #expect(leaving.released == before.addresses && leaving.unassigned.map(\.block) == [block])
    #expect(leaving.given.isEmpty && leaving.isLoss)
    #expect(!lab.rack.change(of: before, to: .hybrid).addresses.isLoss)
    try lab.perform(.setMode(id, .layer2Bonded))

    let coming = lab.rack.change(of: lab["web1"], to: .layer3).addresses
    #expect(coming.given.map(\.kind) == Address.Kind.allCases && !coming.isLoss)
    try lab.perform(.setMode(id, .layer3))
    #expect(lab["web1"].addresses.map(\.text) == coming.given.map(\.text))
  }

  @Test("what is in the way is named by port, and nothing is lost yet")
  func displaced() throws {
    var lab = Lab()
    try lab.server("web1", mode: .layer2Individual)
    let one = try lab.network(1001)
    let two = try lab.network(1002)
    try lab.attach(1002, to: .eth1, of: "web1")
    try lab.attach(1001, to: .eth1, of: "web1")
    try lab.attach(1001, to: .eth0, of: "web1")
    let change = lab.rack.change(of: lab["web1"], to: .layer3)
    #expect(change.displaced.map(\.port) == [.eth0, .eth1])
    #expect(change.displaced.map(\.networks) == [[one], [two, one]])
    #expect(change.refusal?.messages.count == 2 && !change.isPossible)
    #expect(lab.rack.change(of: lab["web1"], to: .hybrid).displaced.map(\.port) == [.eth0])
  }

  @Test("a frozen server has no mode but refusals, also of the one that it is in", arguments: NetworkMode.allCases)
  func frozen(_ mode: NetworkMode) throws {
    var lab = Lab()
    let id = try lab.server("web1")
    var update = ServerUpdate()
    update.isNetworkFrozen = true
    try lab.perform(.updateServer(id, update))
    let change = lab.rack.change(of: lab["web1"], to: mode)
    #expect(change.refusal?.messages.first?.contains("frozen") == true && !change.isCurrent)
  }

  @Test("a pool that has nothing left refuses")
  func exhausted() throws {
    var plan = AddressPlan()
    plan.setRange(try IPPrefix(reading: "198.18.0.0/27"), of: .publicIPv4, in: "ewr1")
    var lab = Lab(plan: plan)
    try lab.server("web1", mode: .layer2Bonded)
    var count = 1
    while (try? lab.server("other\(count)")) != nil { count += 1 }
    let change = lab.rack.change(of: lab["web1"], to: .layer3)
    #expect(change.refusal?.messages.first?.contains("no public IPv4 addresses left") == true)
    #expect(change.addresses.isEmpty && change.joining.isEmpty)
  }
}
