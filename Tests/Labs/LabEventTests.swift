import Foundation
import Labs
import Net
import Rack
import Testing

/// What a plan said beforehand, beside what the events of the apply say afterwards: of each record whether it came, went,
/// was made anew or was changed. Neither is read from the other.
@Suite("A plan never lies") struct LabEventTests {
  @Test("random labs on random racks: the events tell what the plan has told, and of an apply again nothing")
  func random() throws {
    var (applied, told) = (0, 0)
    for seed in 1...50 as ClosedRange<UInt64> {
      var world = World(seed: seed, hybridBonded: seed % 2 == 0 ? true : nil)
      var dice = Dice(seed: seed &* 104_729)
      var files: [String: LabFile] = [:]
      for step in 0..<25 {
        for _ in 0..<Int.random(in: 0...4, using: &dice) {
          _ = try? world.perform(RandomLab.command(world.rack, world.project, &dice))
        }
        let name = dice.pick(["one", "two"])
        let before = world.rack
        let known = before.lab(named: name, of: world.project)?.id
        let plan: LabPlan
        if dice.chance(12), known != nil {
          guard let gone = try? world.destroy(name) else { continue }
          (plan, files[name]) = (gone, nil)
        } else {
          let file = RandomLab.file(name, &dice, like: files[name])
          guard let made = try? world.apply(file, adopting: dice.chance(3)) else { continue }
          (plan, files[name]) = (made, file)
          do {
            let again = try world.plan(file)
            #expect(
              again.isEmpty && again.changes.isEmpty && again.outcome.events.isEmpty, "seed \(seed), step \(step)")
          } catch {
            Issue.record("seed \(seed), step \(step), again: \(error); \(plan.lines)")
          }
        }
        let lab = try #require(known ?? world.rack.lab(named: name, of: world.project)?.id)
        compare(plan, before, world.rack, lab, "seed \(seed), step \(step)")
        applied += 1
        told += plan.changes.count
      }
    }
    #expect(applied > 300, "\(applied)")
    print("\(applied) applies, \(told) changes told")
  }

  private func compare(_ plan: LabPlan, _ before: Rack, _ after: Rack, _ lab: LabID, _ place: String) {
    let said = Story(said: plan)
    let seen = Story(seen: plan.outcome.events, before, after, lab)
    for operation in [LabChange.Operation.create, .recreate, .remove] {
      #expect(said.names(operation) == seen.names(operation), "\(place): \(operation)")
    }
    let (silent, secret) = (
      said.names(.change).subtracting(seen.names(.change)), seen.names(.change).subtracting(said.names(.change))
    )
    // A server that goes, or to which nothing is routed any more, gives up its blocks by its own event.
    func hasLeft(_ block: String) -> Bool {
      Story.holders(of: block, before, lab).contains { seen.operation($0) != nil }
    }
    #expect(silent.filter { !hasLeft($0) }.isEmpty, "\(place): said, and no event")
    // A network that is made anew leaves its ports and comes back to them, and a server that is made anew gets its block
    // again: no change of the port, and none of the block.
    let isAnew = plan.changes.contains { $0.kind == .network && $0.op == .recreate }
    let unexplained = secret.filter { name in
      if name.hasPrefix("server ") { return !isAnew }
      return !Story.holders(of: name, after, lab).contains { seen.operation($0) == .recreate }
    }
    #expect(unexplained.isEmpty, "\(place): done, and not said; \(plan.outcome.events.map(\.body))")

    let types = plan.outcome.events.map(\.type).filter { $0.hasPrefix("lab.") && $0 != "lab.take" }
    switch (plan.base, plan.generation) {
    case (0, 0): #expect(types.isEmpty, "\(place)")
    case (0, _): #expect(types == ["lab.create"], "\(place)")
    case (_, 0): #expect(types == ["lab.delete"], "\(place)")
    default: #expect(types == (plan.outcome.changed ? ["lab.apply"] : []), "\(place)")
    }
    #expect(plan.outcome.changed == !plan.outcome.events.isEmpty, "\(place)")
  }

  /// What became of each record, by kind and name.
  private struct Story {
    private var operations: [String: LabChange.Operation] = [:]

    func names(_ operation: LabChange.Operation) -> Set<String> {
      Set(operations.filter { $0.value == operation }.keys)
    }

    func operation(_ name: String) -> LabChange.Operation? { operations[name] }

    /// The servers that have a block of a lab, or parts of it; none for what is no block.
    static func holders(of name: String, _ rack: Rack, _ lab: LabID) -> [String] {
      rack.reservations.values.filter { reservation in
        reservation.membership.map { $0.lab == lab && "address \($0.name)" == name } ?? false
      }.flatMap { rack.assignments(of: $0.id) }.map { holder in
        "server \(holder.server.membership.flatMap { $0.lab == lab ? $0.name : nil } ?? holder.server.hostname)"
      }
    }

    init(said plan: LabPlan) {
      for change in plan.changes where change.kind != .vm {
        switch change.kind {
        case .port: add("server \(change.name.split(separator: " ")[0])", .change)
        default: add("\(change.kind.rawValue) \(change.name)", change.op)
        }
      }
    }

    /// From types, bodies and identifiers of the events; the racks only say who is called how.
    init(seen events: [Event], _ before: Rack, _ after: Rack, _ lab: LabID) {
      func name(_ membership: LabMembership?) -> String? { membership.flatMap { $0.lab == lab ? $0.name : nil } }
      func server(_ id: ServerID) -> String {
        let (old, new) = (before.servers[id], after.servers[id])
        return "server \(name(new?.membership) ?? name(old?.membership) ?? new?.hostname ?? old?.hostname ?? "?")"
      }
      func network(_ id: NetworkID) -> String {
        let (old, new) = (before.networks[id], after.networks[id])
        return "network \(name(new?.membership) ?? name(old?.membership) ?? "\(id)")"
      }
      func block(_ text: String, in rack: Rack) -> String {
        let found = rack.reservations.values.filter { reservation in
          (try? IPPrefix(reading: text)).map { reservation.block.contains($0.base) } ?? false
        }
        return
          "address \(name(after.reservations[found.first!.id]?.membership) ?? name(found.first?.membership) ?? "?")"
      }
      for event in events {
        // "elastic block 198.18.0.8/29 …"
        let text = event.body.split(separator: " ").dropFirst(2).first.map(String.init) ?? ""
        switch event.type {
        case "device.create": add(server(event.server!), .create)
        case "device.delete": add(server(event.server!), .remove)
        case "virtual_network.create": add(network(event.network!), .create)
        case "virtual_network.delete": add(network(event.network!), .remove)
        case "ip.reserve": add(block(text, in: after), .create)
        case "ip.release": add(block(text, in: before), .remove)
        case "ip.assign": add(block(text, in: after), .change)
        case "ip.unassign": add(block(text, in: before), .change)
        case "lab.take" where event.server == nil && event.network == nil: add(block(text, in: after), .change)
        default:
          if event.isStage { continue }
          if let id = event.server { add(server(id), .change) }
          if let id = event.network { add(network(id), .change) }
        }
      }
    }

    private mutating func add(_ name: String, _ operation: LabChange.Operation) {
      switch (operations[name], operation) {
      case (nil, _), (.change, _): operations[name] = operation
      case (.create, .remove), (.remove, .create): operations[name] = .recreate
      default: break
      }
    }
  }
}
