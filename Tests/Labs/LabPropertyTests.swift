import Foundation
import Labs
import Rack
import Store
import Testing

/// Random labs on random racks, with people who change things by hand in between.
@Suite("Random labs") struct LabPropertyTests {
  @Test(
    "a plan says what happens, touches nothing of others, and is empty the second time",
    arguments: 1...12 as ClosedRange<UInt64>)
  func random(seed: UInt64) async throws {
    var world = World(seed: seed, hybridBonded: seed % 2 == 0 ? true : nil)
    let directory = FileManager.default.temporaryDirectory.path + "/lab-\(UUID())"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try Store.open(directory)
    let stored = try await store.load(hybridBonded: world.rack.hybridBonded)
    world.rack = stored
    var dice = Dice(seed: seed &* 7919)
    var files: [String: LabFile] = [:]
    var (applied, refused, wrong, hands) = (0, 0, 0, 0)
    for step in 0..<60 {
      for _ in 0..<Int.random(in: 0...3, using: &dice) {
        let command = RandomLab.command(world.rack, world.project, &dice)
        guard let outcome = try? world.perform(command) else { continue }
        try await store.commit(outcome.changes)
        hands += 1
      }
      let name = dice.pick(["one", "two"])
      if dice.chance(15), let lab = world.rack.lab(named: name, of: world.project) {
        let before = world.rack
        if let plan = try? world.destroy(name) {
          try await store.commit(plan.outcome.changes)
          check(plan, before, lab, step: step)
          #expect(world.rack.belongings(of: lab.id).isEmpty)
          files[name] = nil
        }
        continue
      }
      let file = RandomLab.file(name, &dice, like: files[name])
      let before = world.rack
      do {
        let plan = try world.apply(file, adopting: dice.chance(4))
        try await store.commit(plan.outcome.changes)
        files[name] = file
        applied += 1
        check(plan, before, world.lab(name), step: step)
        let again = try world.plan(file)
        #expect(
          again.isEmpty && again.changes.isEmpty && again.outcome.events.isEmpty && again.generation == again.base,
          "seed \(seed), step \(step), again: \(again.lines)")
      } catch LabRefusal.file(let faults) {
        wrong += 1
        #expect(!faults.isEmpty && world.rack == before)
      } catch LabRefusal.conflict(let reasons) {
        refused += 1
        #expect(!reasons.isEmpty && world.rack == before)
      }
    }
    #expect(applied > 8 && refused > 2, "\(applied) applied, \(refused) refused, \(wrong) wrong, \(hands) by hand")
    try store.close()
    let again = try Store.open(directory)
    #expect(try await again.load(hybridBonded: world.rack.hybridBonded) == world.rack)
    try again.close()
  }

  private func check(_ plan: LabPlan, _ before: Rack, _ lab: Lab, step: Int) {
    var after = before
    after.apply(plan.outcome.changes)
    #expect(after == plan.rack, "step \(step): the changes do not make the rack")
    let faults = after.checkInvariants()
    #expect(faults.isEmpty, "step \(step): \(faults)")

    // What was nobody's and is the lab's afterwards, by its identifier; or is gone, and made anew under its name.
    var taken: [String: String] = [:]
    for server in before.servers.values where server.membership == nil {
      if let name = after.servers[server.id]?.membership?.name { taken["\(server.id)"] = name }
      if after.servers[server.id] == nil { taken["\(server.id)"] = server.hostname }
    }
    for network in before.networks.values where network.membership == nil {
      if let name = after.networks[network.id]?.membership?.name { taken["\(network.id)"] = name }
    }
    for block in before.reservations.values where block.membership == nil {
      if let name = after.reservations[block.id]?.membership?.name { taken["\(block.id)"] = name }
    }
    let lines = Facts(before, lab.id, taken: taken).lines(to: Facts(after, lab.id))
    let told = Set(plan.changes.filter { $0.kind != .vm }.map(\.line))
    #expect(
      told == lines, "step \(step): said too much \(told.subtracting(lines)), too little \(lines.subtracting(told))")
    #expect(plan.changes.count == Set(plan.changes.map(\.line)).count)

    // Nothing of others.
    for (id, server) in before.servers where server.lab != lab.id && taken["\(id)"] == nil {
      #expect(after.servers[id] == server, "step \(step): \(server.hostname)")
    }
    for (id, server) in after.servers where server.lab != lab.id { #expect(before.servers[id] != nil) }
    for (id, network) in before.networks where network.lab != lab.id && taken["\(id)"] == nil {
      #expect(after.networks[id] == network)
    }
    for (id, block) in before.reservations where block.lab != lab.id && taken["\(id)"] == nil {
      #expect(after.reservations[id] == block)
    }
    #expect(before.labs.filter { $0.key != lab.id } == after.labs.filter { $0.key != lab.id })
    #expect(before.projects == after.projects && before.sshKeys == after.sshKeys)
    if plan.outcome.changed { #expect(plan.generation == 0 || plan.generation == plan.base + 1) }
    #expect(plan.outcome.changed == !plan.outcome.events.isEmpty)
    #expect(plan.outcome.events.allSatisfy { !$0.body.contains("?") }, "\(plan.outcome.events.map(\.body))")
    // Who loses addresses is told.
    let (old, new) = (Facts(before, lab.id, taken: taken), Facts(after, lab.id))
    for (name, blocks) in old.addresses {
      for block in blocks.subtracting(new.addresses[name, default: []]) {
        let isTold = plan.changes.contains {
          $0.kind == .server && $0.name == name && $0.losing?.contains("\(block)") == true
        }
        #expect(isTold, "step \(step): \(block) of \(name) is lost without a word")
      }
    }
  }

  @Test("an exported lab that is destroyed comes back with the same facts", arguments: 21...32 as ClosedRange<UInt64>)
  func export(seed: UInt64) throws {
    var dice = Dice(seed: seed)
    var compared = 0
    for round in 0..<12 {
      var world = World(seed: seed &* 100 &+ UInt64(round), hybridBonded: true)
      let file = RandomLab.file("one", &dice)
      guard (try? world.apply(file)) != nil else { continue }
      // Where blocks are from that are nobody's, a file says of one facility only.
      let unrouted = world.rack.reservations.values.filter { world.rack.assignments(of: $0.id).isEmpty }
      if Set(unrouted.map(\.facility)).count > 1 { continue }
      let lab = world.lab("one")
      let facts = Facts(world.rack, lab.id)
      let exported = try #require(LabPlanner.export(lab.id, of: world.rack))
      // It is the same lab in other words.
      let same = try world.plan(exported)
      #expect(same.changes.filter { $0.kind != .vm }.isEmpty, "\(same.lines)")
      try world.destroy("one")
      #expect(world.rack.servers.isEmpty && world.rack.networks.isEmpty && world.rack.reservations.isEmpty)
      #expect(world.rack.labs.isEmpty)
      try world.apply(exported)
      #expect(Facts(world.rack, world.lab("one").id).words == facts.words)
      compared += 1
    }
    #expect(compared > 3)
  }

  @Test("what belongs to no lab is exported, and comes back as one", arguments: 41...46 as ClosedRange<UInt64>)
  func exportRest(seed: UInt64) throws {
    var world = World(seed: seed, hybridBonded: true)
    var dice = Dice(seed: seed)
    for _ in 0..<150 {
      let command = RandomLab.command(world.rack, world.project, &dice)
      // Single steps lead to states that no file can say.
      switch command {
      case .bond, .disbond, .setPower: continue
      default: _ = try? world.perform(command)
      }
    }
    let exported = try #require(LabPlanner.exportRest(of: world.project, in: world.rack))
    #expect(exported.name == "exported" && !exported.servers.isEmpty)
    let adopted = try world.plan(exported, adopting: true)
    #expect(
      adopted.changes.allSatisfy { $0.key == "lab" || $0.kind == .address || $0.key == "hostname" }, "\(adopted.lines)")
    #expect(throws: LabRefusal.self) { try world.plan(exported) }
  }

  @Test("a checkpoint brings everything back, with the same addresses", arguments: 51...62 as ClosedRange<UInt64>)
  func checkpoints(seed: UInt64) throws {
    var dice = Dice(seed: seed)
    var (restored, refused) = (0, 0)
    for round in 0..<12 {
      var world = World(seed: seed &* 100 &+ UInt64(round), hybridBonded: true)
      let file = RandomLab.file("one", &dice)
      guard (try? world.apply(file)) != nil else { continue }
      try world.save("one")
      let lab = world.lab("one")
      let facts = Facts(world.rack, lab.id)
      for _ in 0..<Int.random(in: 0...40, using: &dice) {
        let command = RandomLab.command(world.rack, world.project, &dice)
        _ = try? world.perform(command)
      }
      if dice.chance(3) { _ = try? world.apply(RandomLab.file("one", &dice, like: file)) }
      if dice.chance(3) { _ = try? world.destroy("one") }
      let before = world.rack
      do {
        let plan = try world.restore("one")
        check(plan, before, lab, step: round)
        let after = Facts(world.rack, lab.id)
        #expect(after.words == facts.words, "seed \(seed), round \(round)")
        #expect(after.addresses == facts.addresses && after.blocks == facts.blocks)
        #expect(world.lab("one").applied == lab.applied)
        #expect(try world.restore("one").isEmpty)
        restored += 1
      } catch LabRefusal.conflict(let reasons) {
        #expect(!reasons.isEmpty && world.rack == before)
        refused += 1
      }
    }
    #expect(restored > 2, "\(restored) restored, \(refused) refused")
  }
}
