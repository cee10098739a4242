import Foundation
import Net
import Rack
import Testing

@testable import Labs

/// Each key of each lab in docs/labs is changed alone, by the table of keys: the plan is that change and no other.
///
/// What is expected is not the planner's own: `meanings` says of each key of the table which record it is of and how that
/// record tells it; the values before and after are read from the racks. A key of the table without a meaning fails, and
/// so does one that no example could change.
@Suite("Each key of a lab file") struct LabKeyTests {
  /// What a key is of.
  private enum Meaning {
    /// Of each server whose value is another one; `anew`: it is made anew.
    case server(String, anew: Bool = false, @Sendable (Server, String, World, LabID) -> String?)
    case network(String, anew: Bool = false, @Sendable (VirtualNetwork) -> String?)
    case block(String, anew: Bool = false, @Sendable (Reservation, World) -> String?)
    case port(PortName)
    case link(PortName, String, @Sendable (NICLink) -> String)
    case machine
    /// Of no record: the file is kept, and nothing changes.
    case nothing
    /// Of what the lab is and where: another value is another lab, or refused.
    case identity
  }

  private static func words(_ texts: [String]) -> String? {
    texts.isEmpty ? nil : texts.joined(separator: ", ")
  }

  private static func tags(_ tags: [String]) -> String? { words(tags.filter { !$0.hasPrefix("lab=") }) }

  private static let plan = Meaning.server("plan", anew: true) { server, _, _, _ in server.plan }
  private static let facility = Meaning.server("facility", anew: true) { server, _, _, _ in server.facility }
  private static let os = Meaning.server("os") { server, _, _, _ in server.operatingSystem }
  private static let place = Meaning.server("place") { server, name, _, _ in
    guard let namespace = server.place.namespace else { return "host" }
    return namespace == name ? "netns" : "netns:\(namespace)"
  }
  private static let nics = Meaning.server("nics") { server, _, _, _ in
    "\(server.nicNames.eth0), \(server.nicNames.eth1)"
  }

  private static let meanings: [String: Meaning] = {
    var all: [String: Meaning] = [
      "lab": .identity, "project": .identity, "defaults.project": .identity,
      "defaults.plan": plan, "defaults.facility": facility, "defaults.place": place, "defaults.os": os,
      "networks.*.vxlan": .network("vxlan", anew: true) { "\($0.vxlan)" },
      "networks.*.facility": .network("facility", anew: true) { $0.place.words },
      "networks.*.metro": .network("metro", anew: true) { $0.place.words },
      "networks.*.description": .network("description") { $0.description },
      "networks.*.tags": .network("tags") { tags($0.tags) },
      "servers.*.plan": plan, "servers.*.facility": facility, "servers.*.os": os, "servers.*.place": place,
      "servers.*.mode": .server("mode") { server, _, _, _ in server.mode.rawValue },
      "servers.*.description": .server("description") { server, _, _, _ in server.details.description },
      "servers.*.tags": .server("tags") { server, _, _, _ in tags(server.details.tags) },
      "servers.*.userdata": .server("userdata") { server, _, _, _ in
        server.details.userdata.isEmpty ? nil : server.details.userdata
      },
      "servers.*.mtu": .server("mtu") { server, _, _, _ in "\(server.mtu)" },
      "servers.*.nics.eth0": nics, "servers.*.nics.eth1": nics,
      "servers.*.configure": .server("configure") { server, _, _, _ in "\(server.isConfigured)" },
      "addresses.*.size": .block("size", anew: true) { block, _ in "\(block.block.length)" },
      "addresses.*.server": .block("server") { block, world in
        world.rack.assignments(of: block.id).first?.server.hostname
      },
    ]
    for port in PortName.allCases {
      for key in ["networks", "native"] { all["servers.*.ports.\(port.rawValue).\(key)"] = .port(port) }
    }
    for nic in PortName.nics {
      all["servers.*.links.\(nic.rawValue).down"] = .link(nic, "down") { "\($0.isDown)" }
      for direction in LinkDirection.allCases {
        for key in LabSchema.impairment {
          all["servers.*.links.\(nic.rawValue).\(direction.rawValue).\(key.name)"] =
            .link(nic, direction.rawValue) { $0[direction].words }
        }
      }
    }
    for pattern in LabKeyVariations.patterns {
      if pattern.hasPrefix("servers.*.vm.") { all[pattern] = .machine }
      if pattern.hasPrefix("checks.") { all[pattern] = .nothing }
    }
    return all
  }()

  /// Keys of which another value cannot be in a rack with this lab; they are tried, and refused.
  private static let refused: Set = ["lab", "project", "defaults.project"]

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/labs")

  /// The four, and three of them with what they do not have.
  private static let bases: [(name: String, settings: [(path: String, value: String)])] = [
    ("hybrid-web-db", []), ("firewall", []), ("every-mode", []), ("three-facilities", []),
    (
      "hybrid-web-db",
      [
        ("networks.back.tags", "[a]"), ("servers.db1.configure", "false"),
        ("servers.db1.vm", "{disk: /d, kernel: /k, memory: 512M}"), ("servers.db1.nics", "{eth0: lan0}"),
      ]
    ),
    (
      "firewall",
      [("networks", "{outside: {vxlan: 1100}, inside: {vxlan: 1200}, spare: {vxlan: 1300}}")]
        + ["fw1", "client[1-2]", "server1"].map { ("servers.\($0).configure", "false") }
    ),
    (
      "every-mode",
      [("servers.hybrid.ports.eth1", "[red, blue]"), ("servers.single.ports.eth0", "[red, blue]")]
    ),
  ]

  @Test("changed alone makes exactly that change, and changed back brings everything back")
  func keys() throws {
    let patterns = LabKeyVariations.patterns
    #expect(patterns.subtracting(Self.meanings.keys) == [], "keys of the table that mean nothing here")
    #expect(Set(Self.meanings.keys).subtracting(patterns) == [], "meanings of keys that the table has not")
    var changed: Set<String> = []
    var (count, refused) = (0, 0)
    for base in Self.bases {
      let text = try String(contentsOf: Self.folder.appending(path: "\(base.name).toprack.yml"), encoding: .utf8)
      var faults = LabFaultList()
      var root = try #require(LabYAML.read(text, &faults))
      for (path, value) in base.settings { LabSchema.set(path, value, in: &root, &faults) }
      let file = try #require(Self.build(root, &faults), "\(faults.result?.faults ?? [])")
      var world = World(hybridBonded: true)
      try world.apply(file)
      let id = world.lab(file.name).id
      let facts = Facts(world.rack, id)
      var tried: Set<String> = []
      for variation in LabKeyVariations(root, file).all {
        // Of fifty servers one value of a key will do.
        if file.servers.count > 20, tried.contains(variation.path.joined(separator: ".")) { continue }
        var faults = LabFaultList()
        var tree = root
        if let value = variation.value {
          LabSchema.set(variation.path.joined(separator: "."), value, in: &tree, &faults)
        } else if let less = root.without(variation.path[...]) {
          tree = less
        } else {
          continue
        }
        guard let new = Self.build(tree, &faults) else {
          refused += 1
          continue
        }
        if new == file { continue }
        var copy = world
        let plan: LabPlan
        do {
          plan = try copy.apply(new)
        } catch {
          refused += 1
          continue
        }
        count += 1
        let meaning = try #require(Self.meanings[variation.pattern])
        if case .identity = meaning {
          #expect(new.name != file.name || plan.changes.isEmpty, "\(base.name): \(variation.text)")
          changed.insert(variation.pattern)
          continue
        }
        let expected = Self.expected(meaning, file, new, world, copy, id)
        let told = plan.changes.map { change in
          var change = change
          change.losing = nil
          return change
        }
        let which = "\(base.name): \(variation.text)"
        #expect(Set(told.map(Words.init)) == Set(expected.map(Words.init)), "\(which)")
        #expect(told.count == Set(told.map(Words.init)).count, "\(which)")
        // The records agree: what has another fact or another identifier is in the plan, and nothing else.
        let after = Facts(copy.rack, id)
        let lines = Set(told.filter { $0.kind != .vm }.map(\.line))
        #expect(lines == facts.lines(to: after), "\(which)")
        #expect(!plan.isEmpty && plan.generation == 2 && copy.rack.checkInvariants() == [], "\(which)")
        if !told.isEmpty || Self.isSilent(meaning) {
          changed.insert(variation.pattern)
          tried.insert(variation.path.joined(separator: "."))
        }
        do {
          #expect(try copy.plan(new).isEmpty, "\(which), again")
          try copy.apply(file)
          #expect(Facts(copy.rack, id).words == facts.words, "\(which), and back")
          #expect(try copy.plan(file).isEmpty, "\(which), and back, again")
        } catch {
          Issue.record("\(which), again or back: \(error)")
        }
      }
    }
    let missing = patterns.subtracting(changed).subtracting(Self.refused)
    #expect(missing == [], "keys that no example could change")
    print("\(count) keys were changed alone, \(refused) changes were refused")
  }

  private static func isSilent(_ meaning: Meaning) -> Bool { if case .nothing = meaning { true } else { false } }

  private static func build(_ root: LabNode, _ faults: inout LabFaultList) -> LabFile? {
    let checked = LabSchema.checked(root, &faults)
    var builder = LabBuilder(baseDirectory: "/labs", faults)
    let file = builder.build(checked)
    faults = builder.faults
    return builder.faults.result == nil ? file : nil
  }

  /// A change as it is printed when it is not as expected.
  private struct Words: Hashable, CustomStringConvertible {
    let description: String
    init(_ change: LabChange) {
      description = "\(change.line): \(change.from ?? "none") → \(change.to ?? "none")"
    }
  }

  // MARK: What is expected

  private static func expected(
    _ meaning: Meaning, _ old: LabFile, _ new: LabFile, _ before: World, _ after: World, _ lab: LabID
  ) -> [LabChange] {
    let (was, now) = (before.rack.belongings(of: lab), after.rack.belongings(of: lab))
    func servers(_ key: String, _ anew: Bool, _ read: (Server, String, World, LabID) -> String?) -> [LabChange] {
      now.servers.compactMap { name, id in
        guard let one = was.servers[name].flatMap({ before.rack.servers[$0] }), let other = after.rack.servers[id]
        else {
          return nil
        }
        let (from, to) = (read(one, name, before, lab), read(other, name, after, lab))
        return from == to ? nil : LabChange(anew ? .recreate : .change, .server, name, key: key, from: from, to: to)
      }
    }
    func networks(_ key: String, _ anew: Bool, _ read: (VirtualNetwork) -> String?) -> [LabChange] {
      now.networks.compactMap { name, id in
        guard let one = was.networks[name].flatMap({ before.rack.networks[$0] }), let other = after.rack.networks[id]
        else { return nil }
        if read(one) == read(other) { return nil }
        var change = LabChange(
          anew ? .recreate : .change, .network, name, key: key, from: read(one), to: read(other))
        guard anew, key != "vxlan" else { return change }
        // By what it is in afterwards; the two of one kind by their codes alone.
        switch (one.place, other.place) {
        case (.facility(let from), .facility(let to)): (change.key, change.from, change.to) = ("facility", from, to)
        case (.metro(let from), .metro(let to)): (change.key, change.from, change.to) = ("metro", from, to)
        case (_, .facility): change.key = "facility"
        case (_, .metro): change.key = "metro"
        }
        return change
      }
    }
    func blocks(_ key: String, _ anew: Bool, _ read: (Reservation, World) -> String?) -> [LabChange] {
      now.reservations.compactMap { name, id in
        guard let one = was.reservations[name].flatMap({ before.rack.reservations[$0] }),
          let other = after.rack.reservations[id]
        else { return nil }
        let (from, to) = (read(one, before), read(other, after))
        return from == to ? nil : LabChange(anew ? .recreate : .change, .address, name, key: key, from: from, to: to)
      }
    }
    func gone() -> [LabChange] {
      was.reservations.keys.filter { now.reservations[$0] == nil }.map { LabChange(.remove, .address, $0) }
    }
    switch meaning {
    case .server(let key, let anew, let read):
      var changes = servers(key, anew, read)
      // With a server that is made anew comes its machine.
      let renewed = Set(changes.filter { $0.op == .recreate }.map(\.name))
      changes += machines(LabFile(name: ""), new).filter { renewed.contains($0.name) }
      // A block of addresses is in the facility of its server, and a network in that of the file.
      guard key == "facility" else { return changes }
      return changes + blocks("facility", true) { block, _ in block.facility }
        + networks("facility", true) { $0.place.words }
    case .network(let key, let anew, let read): return networks(key, anew, read)
    case .block(let key, let anew, let read): return blocks(key, anew, read) + gone()
    case .port(let port):
      let changes = now.servers.compactMap { name, id -> LabChange? in
        guard let one = was.servers[name].flatMap({ before.rack.servers[$0] }), let other = after.rack.servers[id]
        else {
          return nil
        }
        let from = portWords(one[port].networks, one[port].native, before)
        let to = portWords(other[port].networks, other[port].native, after)
        return from == to
          ? nil : LabChange(.change, .port, "\(name) \(port.rawValue)", key: "networks", from: from, to: to)
      }
      // What layer3 is called with a network on bond0.
      return port == .bond0 ? changes + servers("mode", false) { server, _, _, _ in server.mode.rawValue } : changes
    case .link(let nic, let key, let read):
      return now.servers.compactMap { name, id -> LabChange? in
        guard let one = was.servers[name].flatMap({ before.rack.servers[$0] })?.links[nic],
          let other = after.rack.servers[id]?.links[nic], read(one) != read(other)
        else { return nil }
        func word(_ text: String) -> String? { text.isEmpty ? nil : text }
        return LabChange(
          .change, .link, "\(name) \(nic.rawValue)", key: key, from: word(read(one)), to: word(read(other)))
      }
    case .machine: return machines(old, new)
    case .nothing, .identity: return []
    }
  }

  private static func portWords(_ networks: [NetworkID], _ native: NetworkID?, _ world: World) -> String? {
    func name(_ id: NetworkID) -> String { world.rack.networks[id]?.membership?.name ?? "?" }
    guard let names = words(networks.map(name).sorted()) else { return nil }
    return names + (networks.count > 1 ? native.map { " (native \(name($0)))" } ?? "" : "")
  }

  private static func machines(_ old: LabFile, _ new: LabFile) -> [LabChange] {
    let former = Dictionary(old.servers.map { ($0.name, $0.value.vm) }) { $1 }
    return new.servers.flatMap { entry -> [LabChange] in
      guard let vm = entry.value.vm, case let was = former[entry.name] ?? nil, was != vm else { return [] }
      let keys = { (vm: LabMachine?) -> [(String, String?)] in
        [
          ("disk", vm?.disk), ("snapshot", vm?.snapshot.map { "\($0)" }), ("kernel", vm?.kernel),
          ("initrd", vm?.initrd), ("append", vm?.append),
          ("memory", vm?.memory.map { $0 < 1 << 30 ? "\($0 >> 20)M" : "\($0 >> 30)G" }),
          ("cpus", vm?.cpus.map { "\($0)" }), ("cloud-init", vm?.cloudInit.map { "\($0)" }), ("restart", vm?.restart),
        ]
      }
      guard let was else {
        let all = keys(vm).compactMap { key, value in value.map { "\(key) \($0)" } }
        return [LabChange(.create, .vm, entry.name, to: words(all))]
      }
      return zip(keys(was), keys(vm)).compactMap { one, other in
        one.1 == other.1 ? nil : LabChange(.change, .vm, entry.name, key: one.0, from: one.1, to: other.1)
      }
    }
  }
}
