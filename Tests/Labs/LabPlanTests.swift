import Foundation
import Labs
import Net
import Rack
import Testing

@Suite("Plans of labs") struct LabPlanTests {
  /// The file of the contract, and a little of everything.
  static let shop = LabFile(
    name: "shop", defaults: LabDefaults(facility: "ewr1", plan: "c3.small.x86"),
    networks: [
      LabEntry("web", LabNetwork(vxlan: 1001)),
      LabEntry("db", LabNetwork(vxlan: 1002, description: "back end")),
    ],
    servers: [
      LabEntry("web1", LabServer(mode: .hybrid, ports: [.eth1: LabPort(networks: ["web"])])),
      LabEntry("web2", LabServer(mode: .hybrid, ports: [.eth1: LabPort(networks: ["web"])])),
      LabEntry(
        "fw1",
        LabServer(
          mode: .layer2Bonded, place: .netns, nics: LabNICNames(eth0: "eth1", eth1: "eth2"),
          ports: [.bond0: LabPort(networks: ["web", "db"], native: "web")])),
      LabEntry(
        "db1",
        LabServer(
          mode: .layer2Individual, ports: [.eth0: LabPort(networks: ["db"]), .eth1: LabPort(networks: [])],
          vm: LabMachine(kernel: "/k", initrd: "/i", memory: 256 << 20))),
    ],
    addresses: [LabEntry("front", LabAddressBlock(size: 29, server: "web1"))])

  /// The example with a change.
  private func shop(_ change: (inout LabFile) -> Void) -> LabFile {
    var file = Self.shop
    change(&file)
    return file
  }

  private func conflicts(_ body: () throws -> LabPlan) -> [String] {
    do {
      Issue.record("was planned: \(try body().lines)")
    } catch LabRefusal.conflict(let reasons) {
      return reasons
    } catch { Issue.record("\(error)") }
    return []
  }

  private func faults(_ body: () throws -> LabPlan) -> [String] { faultList(body).map(\.message) }

  private func faultList(_ body: () throws -> LabPlan) -> [LabFault] {
    do {
      Issue.record("was planned: \(try body().lines)")
    } catch LabRefusal.file(let faults) {
      return faults
    } catch { Issue.record("\(error)") }
    return []
  }

  @Test("a lab comes whole, and is everything that the file says")
  func whole() throws {
    var world = World()
    let plan = try world.apply(Self.shop)
    #expect(
      plan.lines == [
        "+ network web", "+ network db", "+ server web1", "+ server web2", "+ server fw1", "+ server db1",
        "+ address front", "+ vm db1",
      ])
    #expect(plan.changes[2].to == "c3.small.x86 in ewr1, hybrid, eth1: web")
    #expect(plan.changes[4].to == "c3.small.x86 in ewr1, layer2-bonded, bond0: db, web (native web)")
    #expect(plan.base == 0 && plan.generation == 1 && !plan.isLosing)
    #expect(plan.machines.map(\.name) == ["db1"])
    #expect(world.rack.checkInvariants() == [])
    let lab = world.lab("shop")
    #expect(world["web1"].details.tags == ["lab=shop"] && world["web1"].lab == lab.id)
    #expect(world["web1"].place == .namespace("web1", made: true))
    #expect(world["fw1"].nicNames == NICNames(eth0: "eth1", eth1: "eth2"))
    #expect(world["fw1"].bond0.native.flatMap { world.rack.networks[$0]?.membership?.name } == "web")
    #expect(world.rack.blocks(of: world["web1"].id).count == 1)
    #expect(LabFile(canonical: lab.applied) == Self.shop)
    #expect(plan.outcome.events.contains { $0.body == "web1 created: c3.small.x86 in ewr1, of lab shop" })
    #expect(plan.outcome.events.first?.type == "lab.create")

    let again = try world.plan(Self.shop)
    #expect(again.isEmpty && again.outcome.events.isEmpty && again.changes.isEmpty)
  }

  @Test("one server has one change, whatever commands it took")
  func merged() throws {
    var world = World()
    let plan = try world.plan(Self.shop)
    let servers = plan.outcome.changes.count { if case .server = $0 { true } else { false } }
    #expect(servers == 4)
    guard case .lab = plan.outcome.changes[0] else {
      Issue.record("the lab is not first")
      return
    }
  }

  struct Edit: Sendable, CustomTestStringConvertible {
    let name: String
    let lines: [String]
    var losing = false
    let edit: @Sendable (inout LabFile) -> Void
    var testDescription: String { name }

    static func server(
      _ key: String, _ lines: [String], losing: Bool = false, _ edit: @escaping @Sendable (inout LabServer) -> Void
    ) -> Edit {
      Edit(name: "web2 \(key)", lines: lines, losing: losing) { edit(&$0.servers[1].value) }
    }

    static let all: [Edit] = [
      Edit(name: "vxlan", lines: ["-/+ network web vxlan"], losing: true) { $0.networks[0].value.vxlan = 1009 },
      Edit(name: "description of a network", lines: ["~ network db description"]) {
        $0.networks[1].value.description = "x"
      },
      Edit(name: "no description of a network", lines: ["~ network db description"]) {
        $0.networks[1].value.description = nil
      },
      Edit(name: "tags of a network", lines: ["~ network db tags"]) { $0.networks[1].value.tags = ["x"] },
      Edit(name: "metro", lines: ["-/+ network web metro"], losing: true) { $0.networks[0].value.metro = "ny" },
      Edit(name: "a further network", lines: ["+ network new"]) { $0.networks.append(LabEntry("new", LabNetwork())) },
      .server("plan", ["-/+ server web2 plan"], losing: true) { $0.plan = "c3.medium.x86" },
      .server("mode", ["~ server web2 mode", "~ port web2 eth1 networks"]) { ($0.mode, $0.ports) = (.layer3, [:]) },
      .server("a losing mode", ["~ server web2 mode"], losing: true) { $0.mode = .layer2Individual },
      .server("os", ["~ server web2 os"]) { $0.os = "debian_11" },
      .server("description", ["~ server web2 description"]) { $0.description = "x" },
      .server("tags", ["~ server web2 tags"]) { $0.tags = ["x"] },
      .server("userdata", ["~ server web2 userdata"]) { $0.userdata = "x" },
      .server("mtu", ["~ server web2 mtu"]) { $0.mtu = 9000 },
      .server("place", ["~ server web2 place"]) { $0.place = .host },
      .server("another namespace", ["~ server web2 place"]) { $0.place = .namespace("other") },
      .server("nics", ["~ server web2 nics"]) { $0.nics = LabNICNames(eth1: "lan") },
      .server("configure", ["~ server web2 configure"]) { $0.configure = true },
      .server("ports", ["~ port web2 eth1 networks"]) { $0.ports[.eth1] = LabPort(networks: ["web", "db"]) },
      .server("native", ["~ port web2 eth1 networks"]) {
        $0.ports[.eth1] = LabPort(networks: ["web", "db"], native: "db")
      },
      .server("a port that is named no more", ["~ port web2 eth1 networks"]) { $0.ports = [:] },
      .server("vm", ["+ vm web2"]) { $0.vm = LabMachine(kernel: "/k") },
      Edit(name: "facility", lines: ["-/+ server web2 facility", "~ port web2 eth1 networks"], losing: true) {
        $0.servers[1].value.facility = "sjc1"
        $0.servers[1].value.ports = [.eth1: LabPort(networks: [])]
      },
      Edit(name: "memory of a machine", lines: ["~ vm db1 memory"], losing: true) {
        $0.servers[3].value.vm?.memory = 512 << 20
      },
      Edit(name: "no machine", lines: ["- vm db1"], losing: true) { $0.servers[3].value.vm = nil },
      Edit(name: "one server less", lines: ["- server fw1"], losing: true) { $0.servers.remove(at: 2) },
      Edit(name: "size of a block", lines: ["-/+ address front size"], losing: true) {
        $0.addresses[0].value.size = 30
      },
      Edit(name: "server of a block", lines: ["~ address front server"]) { $0.addresses[0].value.server = "web2" },
      Edit(name: "a block without a server", lines: ["~ address front server"]) { $0.addresses[0].value.server = nil },
      Edit(name: "no block", lines: ["- address front"], losing: true) { $0.addresses = [] },
      Edit(name: "a check", lines: []) {
        $0.checks = [LabCheck(name: "c", question: .link(server: "web1", nic: .eth0))]
      },
      Edit(name: "a default that all have", lines: []) { $0.defaults.os = "debian_12" },
    ]
  }

  @Test("each key that is changed alone makes exactly that change, and changes back", arguments: Edit.all)
  func keys(_ edit: Edit) throws {
    var world = World()
    try world.apply(Self.shop)
    let facts = Facts(world.rack, world.lab("shop").id)
    let plan = try world.apply(shop(edit.edit))
    #expect(plan.lines == edit.lines)
    #expect(plan.isLosing == edit.losing, "\(plan.changes)")
    #expect(!plan.isEmpty && plan.generation == 2)
    #expect(world.rack.checkInvariants() == [])
    #expect(try world.plan(shop(edit.edit)).isEmpty)
    try world.apply(Self.shop)
    #expect(Facts(world.rack, world.lab("shop").id).words == facts.words)
  }

  @Test("what is given back for good is said")
  func losing() throws {
    var world = World()
    try world.apply(Self.shop)
    let blocks = world["web2"].addresses.map { "\($0.network)" }
    let mode = try world.plan(shop { $0.servers[1].value.mode = .layer2Individual })
    #expect(mode.changes[0].losing == "\(blocks[0]), \(blocks[1]) and \(blocks[2]) are given back for good")
    #expect(mode.changes[0].from == "hybrid" && mode.changes[0].to == "layer2-individual")
    let front = world.rack.blocks(of: world["web1"].id)[0]
    let block = try world.plan(shop { $0.addresses = [] })
    #expect(block.changes[0].losing == "\(front) is given back for good")
  }

  @Test("a key that no file ever named is left alone; one that it named goes back to what is usual")
  func threeWay() throws {
    var world = World()
    try world.apply(Self.shop)
    try world.perform(.setMTU(world["web1"].id, 3000))
    try world.perform(.assign(world["db1"].eth1.id, .number(1001)))
    var update = ServerUpdate()
    update.tags = ["lab=shop", "mine"]
    try world.perform(.updateServer(world["web1"].id, update))
    // eth1 of db1 is named, and whole.
    #expect(try world.plan(Self.shop).lines == ["~ port db1 eth1 networks"])
    let named = shop { $0.servers[0].value.mtu = 9000 }
    #expect(try world.apply(named).lines == ["~ server web1 mtu", "~ port db1 eth1 networks"])
    #expect(try world.apply(Self.shop).changes.map(\.to) == ["1500"])
    #expect(world["web1"].details.tags == ["lab=shop", "mine"])
  }

  @Test("a change by hand raises the generation, and is shown as what brings it back")
  func drift() throws {
    var world = World()
    try world.apply(Self.shop)
    try world.perform(.setMode(world["web1"].id, .hybrid))
    #expect(world.lab("shop").generation == 1)
    try world.perform(.unassign(world["web1"].eth1.id, .number(1001)))
    #expect(world.lab("shop").generation == 2)
    var update = ServerUpdate()
    update.hostname = "web9"
    try world.perform(.updateServer(world["web2"].id, update))
    try world.perform(.deleteServer(world["fw1"].id))
    try world.server("alien")
    #expect(world.lab("shop").generation == 4)
    let plan = try world.apply(Self.shop)
    #expect(plan.lines == ["~ port web1 eth1 networks", "~ server web2 hostname", "+ server fw1"])
    #expect(plan.base == 4 && plan.generation == 5)
  }

  @Test("hostnames that were exchanged by hand come back")
  func exchanged() throws {
    var world = World()
    try world.apply(Self.shop)
    let (one, two) = (world["web1"].id, world["web2"].id)
    for (id, name) in [(one, "x"), (two, "web1"), (one, "web2")] {
      var update = ServerUpdate()
      update.hostname = name
      try world.perform(.updateServer(id, update))
    }
    #expect(try world.apply(Self.shop).lines == ["~ server web1 hostname", "~ server web2 hostname"])
    #expect(world["web1"].id == one && world["web2"].id == two)
  }

  @Test("what is nobody's is refused, all of it at once, and taken when that is asked for")
  func adoption() throws {
    var world = World()
    let server = try world.server("web1")
    let network = try world.network(1001)
    let reasons = conflicts { try world.plan(Self.shop) }
    #expect(
      reasons == [
        "virtual network 1001 of facility ewr1 exists and belongs to no lab; --adopt takes it into shop",
        "server web1 exists and belongs to no lab; --adopt takes it into shop",
      ])
    let plan = try world.apply(Self.shop, adopting: true)
    #expect(
      plan.lines.prefix(5) == [
        "~ network web lab", "+ network db", "~ server web1 lab", "~ server web1 mode", "~ port web1 eth1 networks",
      ])
    #expect(world["web1"].id == server && world.rack.networks[network]?.membership?.name == "web")
    #expect(world["web1"].details.tags == ["lab=shop"])
    #expect(try world.plan(Self.shop).isEmpty)
    let other = LabFile(name: "other", servers: [LabEntry("web1", LabServer())])
    #expect(
      conflicts { try world.plan(other, adopting: true) } == [
        "server web1 belongs to lab \"shop\"; a lab takes nothing of another"
      ])
  }

  @Test("strangers on a network that goes are named, and so is who is locked")
  func strangers() throws {
    var world = World()
    try world.apply(Self.shop)
    try world.server("alien", mode: .hybrid)
    try world.perform(.assign(world["alien"].eth1.id, .number(1001)))
    var update = ServerUpdate()
    update.isLocked = true
    try world.perform(.updateServer(world["web2"].id, update))
    let expected = [
      "web2 is locked and cannot be deleted; unlock it first (locked: false)",
      "network \"web\", virtual network 1001 of facility ewr1, is on alien eth1, which is not of the lab; detach it "
        + "there first",
    ]
    let id = world.lab("shop").id
    #expect(conflicts { try LabPlanner.destroy(id, on: world.rack, with: &world.dice) } == expected)
    #expect(conflicts { try world.plan(LabFile(name: "shop")) } == expected)
    #expect(conflicts { try world.plan(shop { $0.networks[0].value.vxlan = 1005 }) } == [expected[1]])
  }

  @Test("everything that is wrong with a file is said at once, where it stands")
  func wrong() throws {
    var world = World()
    let file = shop {
      $0.project = "nobody's"
      $0.networks[1].value.vxlan = 1001
      $0.networks.append(LabEntry("far", LabNetwork(facility: "sjc1")))
      $0.servers[0].value.plan = "t1.small.x86"
      $0.servers[1].value.ports[.bond0] = LabPort(networks: ["web"])
      $0.servers[2].value.ports[.bond0] = LabPort(networks: ["web", "far", "none"])
      $0.servers[3].value.place = .host
      $0.servers[3].value.nics = LabNICNames(eth0: "a")
      $0.addresses.append(LabEntry("back", LabAddressBlock(size: 28, server: "db1")))
    }
    let found = faults { try world.plan(file) }
    let starts = [
      "project \"nobody's\" is not the one that the lab is in", "network \"web\" has number 1001 in facility ewr1",
      "plan t1.small.x86 has no mode hybrid", "bond0 of web2 carries no networks in mode hybrid",
      "network \"far\" is in facility sjc1, fw1 in facility ewr1", "network \"none\" is not in this file",
      "nics names interfaces inside", "an elastic block cannot be /28", "db1 is layer2-individual",
    ]
    for start in starts { #expect(found.contains { $0.hasPrefix(start) }, "\(start): \(found)") }
    #expect(world.rack.labs.isEmpty)
    var positions = LabPositions()
    positions[["servers", "web1", "mode"]] = .init(line: 7, column: 3)
    let placed = faultList { try world.plan(shop { $0.servers[0].value.plan = "t1.small.x86" }, positions) }
    #expect(placed.map(\.line).contains(7))
  }

  @Test("hybrid-bonded is a mode of the file, and comes by its networks")
  func hybridBonded() throws {
    var world = World(hybridBonded: true)
    let file = shop {
      $0.servers[0].value.mode = .hybridBonded
      $0.servers[0].value.ports = [.bond0: LabPort(networks: ["web"])]
    }
    try world.apply(file)
    #expect(world["web1"].mode == .hybridBonded)
    #expect(try world.plan(file).isEmpty)
    #expect(
      try world.apply(Self.shop).lines == [
        "~ server web1 mode", "~ port web1 bond0 networks", "~ port web1 eth1 networks",
      ])
    // From layer 2 with the same network on bond0, there and back.
    let bonded = shop {
      $0.servers[0].value.mode = .layer2Bonded
      $0.servers[0].value.ports = [.bond0: LabPort(networks: ["web"])]
      $0.addresses = []
    }
    try world.apply(bonded)
    var back = bonded
    back.servers[0].value.mode = .hybridBonded
    #expect(try world.apply(back).lines == ["~ server web1 mode"])
    #expect(world["web1"].mode == .hybridBonded)
    let none = World(hybridBonded: false)
    var copy = none
    #expect(faults { try copy.plan(file) }.first?.hasPrefix("facility ewr1 has no networks on bond0") == true)
  }

  @Test("mode layer3 says nothing of a bond0 that is not named: a network that was put on it by hand stays")
  func hybridBondedByHand() throws {
    var world = World(hybridBonded: true)
    let plain = shop {
      $0.servers[0].value.mode = .layer3
      $0.servers[0].value.ports = [:]
    }
    try world.apply(plain)
    try world.perform(.assign(world["web1"].bond0.id, .number(1001)))
    #expect(world["web1"].mode == .hybridBonded)
    #expect(try world.plan(plain).changes.isEmpty)
    // Also when the network is made anew, and then again.
    var other = plain
    other.networks[0].value.vxlan = 1009
    #expect(try world.apply(other).lines == ["-/+ network web vxlan"])
    #expect(world["web1"].mode == .hybridBonded)
    #expect(try world.plan(other).isEmpty)
    // A bond0 that is named is whole.
    var named = other
    named.servers[0].value.ports = [.bond0: LabPort(networks: [])]
    #expect(try world.apply(named).lines == ["~ server web1 mode", "~ port web1 bond0 networks"])
  }

  @Test("a tenant's servers get namespaces of their own, and one that exists is not taken")
  func tenants() throws {
    var world = World()
    var rules = LabRules()
    rules.mustBeOwnPlace = true
    rules.namespaces = ["web1"]
    #expect(LabPlanner.namespaces(Self.shop) == ["web1", "web2", "fw1", "db1"])
    let plan = try world.plan(Self.shop, rules: rules)
    #expect(plan.rack.server(named: "web1")?.place.namespace?.hasPrefix("web1-") == true)
    #expect(conflicts { try world.plan(shop { $0.defaults.place = .host }, rules: rules) }.count == 3)
  }

  @Test("a destroyed lab leaves nothing, and its checkpoint brings it back with its addresses")
  func checkpoint() throws {
    var world = World()
    let empty = world.rack
    try world.apply(Self.shop)
    try world.save("shop")
    #expect(world.lab("shop").generation == 1)
    let facts = Facts(world.rack, world.lab("shop").id)
    let plan = try world.destroy("shop")
    #expect(plan.changes.allSatisfy { $0.op == .remove } && plan.forgets.isEmpty && plan.generation == 2)
    #expect(world.rack.servers.isEmpty && world.rack.networks.isEmpty && world.rack.reservations.isEmpty)
    #expect(world.lab("shop").applied.isEmpty)
    // Somebody else has the pools meanwhile.
    for number in 0..<20 { try world.server("x\(number)") }
    let back = try world.restore("shop")
    #expect(back.machines.map(\.name) == ["db1"])
    let after = Facts(world.rack, world.lab("shop").id)
    #expect(after.words == facts.words && after.addresses == facts.addresses && after.blocks == facts.blocks)
    #expect(world.rack.checkInvariants() == [])
    #expect(try world.plan(Self.shop).isEmpty)

    try world.destroy("shop")
    let last = try world.destroy("shop")
    #expect(last.forgets == ["a"] && last.changes.isEmpty && !last.isEmpty && last.isLosing)
    #expect(world.rack.labs.isEmpty && empty.labs.isEmpty)
  }

  @Test("addresses that two servers of a lab exchanged come back")
  func exchangedAddresses() throws {
    var world = World()
    let file = LabFile(
      name: "pair", servers: [LabEntry("a", LabServer(mode: .layer3)), LabEntry("b", LabServer(mode: .layer3))])
    try world.apply(file)
    try world.save("pair")
    let (one, two) = (world["a"].addresses.map(\.network), world["b"].addresses.map(\.network))
    func given(_ blocks: [IPPrefix]) -> [Address.Kind: IPPrefix] {
      Dictionary(uniqueKeysWithValues: zip(Address.Kind.allCases, blocks))
    }
    try world.perform(
      .lab(.giveAddresses(world.lab("pair").id, [world["a"].id: given(two), world["b"].id: given(one)])))
    #expect(world["a"].addresses.map(\.network) == two && world["b"].addresses.map(\.network) == one)
    #expect(world.rack.checkInvariants() == [])
    #expect(try world.plan(file).isEmpty)
    let plan = try world.restore("pair")
    #expect(plan.lines == ["~ server a addresses", "~ server b addresses"])
    #expect(world["a"].addresses.map(\.network) == one)
  }

  @Test("an address that somebody took meanwhile refuses the whole, named")
  func takenAddress() throws {
    var world = World()
    try world.apply(Self.shop)
    try world.save("shop")
    let block = world.rack.blocks(of: world["web1"].id)[0]
    try world.destroy("shop")
    // The cursor goes around the whole quarter, 2048 addresses.
    var holder: IPPrefix?
    for _ in 0..<600 where holder != block {
      let request = BlockRequest(project: world.project, facility: "ewr1", length: 29)
      guard case .reservation(let id) = try world.perform(.reserveBlock(request)).subject else { return }
      holder = world.rack.reservations[id]?.block
      if holder != block { try world.perform(.releaseBlock(id)) }
    }
    #expect(holder == block)
    let before = world.rack
    #expect(
      conflicts { try world.restore("shop") } == ["\(block), which front had, is taken by elastic block \(block)"])
    #expect(world.rack == before)
  }

  @Test("a thousand servers are planned in one pass; again it is nothing")
  func large() throws {
    var file = LabFile(name: "large", defaults: LabDefaults(facility: "ewr1"))
    for number in 0..<20 { file.networks.append(LabEntry("n\(number)", LabNetwork(vxlan: 1000 + number))) }
    for number in 0..<1000 {
      file.servers.append(
        LabEntry(
          "s\(number)", LabServer(mode: .hybrid, ports: [.eth1: LabPort(networks: ["n\(number % 20)"])])))
    }
    var world = World()
    let clock = ContinuousClock()
    var figures: [String] = []
    func measure(_ name: String, _ body: () throws -> LabPlan) rethrows -> LabPlan {
      let start = clock.now
      let plan = try body()
      figures.append("\(name) \(clock.now - start)")
      return plan
    }
    #expect(try measure("plan") { try world.apply(file) }.changes.count == 1020)
    #expect(try measure("again") { try world.plan(file) }.isEmpty)
    _ = try measure("canonical") {
      _ = file.canonical
      return try world.plan(LabFile(name: "none"))
    }
    file.servers[500].value.mtu = 9000
    #expect(try measure("one key") { try world.plan(file) }.lines == ["~ server s500 mtu"])
    let id = world.lab("large").id
    #expect(
      try measure("destroy") { try LabPlanner.destroy(id, on: world.rack, with: &world.dice) }.changes.count == 1020)
    var fifty = World()
    file.servers.removeLast(950)
    _ = try measure("50 servers") { try fifty.apply(file) }
    #expect(try measure("50 again") { try fifty.plan(file) }.isEmpty)
    print(figures.joined(separator: "; "))
  }
}
