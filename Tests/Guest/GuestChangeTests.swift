import FoundationEssentials
import Guest
import Net
import Rack
import Testing

/// A rack with one server in a namespace, and the kernel of that namespace.
private struct World {
  var rack: Rack
  var entropy = SystemEntropy()
  var kernel: FakeKernel
  let id: ServerID
  let mark = "toprack rack server config"
  var names: NICNames { server.nicNames }
  var server: Server { rack.servers[id]! }

  init(names: NICNames = NICNames(), plan: String = "c3.small.x86") throws {
    rack = Rack(with: &entropy, hybridBonded: true)
    kernel = FakeKernel(nics: [names.eth0, names.eth1])
    let project = rack.project(named: Project.defaultName)!.id
    var request = ServerRequest(
      hostname: "n2", plan: plan, facility: "ewr1", operatingSystem: "debian_12", project: project,
      place: .namespace("n2"), nicNames: names)
    request.isConfigured = true
    guard case .server(let id) = try rack.perform(.createServer(request), with: &entropy).subject else { fatalError() }
    self.id = id
    for number in 1001...1004 {
      try rack.perform(
        .createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: number, description: nil)),
        with: &entropy)
    }
  }

  mutating func mode(_ mode: NetworkMode) throws { try rack.perform(.setMode(id, mode), with: &entropy) }

  mutating func attach(_ numbers: Int..., to port: PortName) throws {
    for number in numbers { try rack.perform(.assign(server[port].id, .number(number)), with: &entropy) }
  }

  func wanted() -> GuestNetwork {
    GuestNetwork(of: server, in: rack, names: names, abilities: kernel.abilities)
  }

  func change(to wanted: GuestNetwork) -> GuestChange {
    GuestChange(from: kernel.seen, to: wanted, mark: mark, nics: [names.eth0, names.eth1])
  }

  /// Does what is to be done until nothing is; returns all of it. What was in the way is an error.
  @discardableResult
  mutating func settle(_ wanted: GuestNetwork? = nil) throws -> [String] {
    var all: [String] = []
    for _ in 0..<3 {
      let change = change(to: wanted ?? self.wanted())
      #expect(change.faults == [])
      if change.lines.isEmpty { return all }
      for line in change.lines { try kernel.run(line) }
      all += change.lines
    }
    Issue.record("it does not settle: \(all)")
    return all
  }

  func addresses(_ name: String) -> [String] { kernel[name]?.addresses.map(\.text).sorted() ?? [] }
}

@Suite("What is done in a server's namespace") struct GuestChangeTests {
  @Test(
    "layer 3: a bond of both with LACP at the fast rate, the addresses and the routes on it; then nothing is left to do"
  )
  func layer3() throws {
    var world = try World(names: NICNames(eth0: "eth1", eth1: "eth2"))
    let lines = try world.settle()
    let add = try #require(lines.first { $0.hasPrefix("link add") })
    #expect(
      add.hasPrefix("link add name bond0 address \(world.server.eth0.mac!) mtu 1500 type bond mode 802.3ad miimon 100 ")
    )
    #expect(add.hasSuffix("lacp_rate fast xmit_hash_policy layer3+4"))
    #expect(lines.contains("link set dev bond0 alias \"toprack rack server config\""))
    for nic in ["eth1", "eth2"] {
      let index = try #require(lines.firstIndex(of: "link set dev \(nic) down"))
      #expect(lines[index + 1] == "link set dev \(nic) master bond0")
      #expect(world.kernel[nic]?.master == "bond0" && world.kernel[nic]?.isUp == true)
    }
    #expect(world.addresses("bond0").count == 3 && world.kernel["bond0"]?.isUp == true)
    #expect(lines.contains { $0.hasPrefix("address add 2") && $0.hasSuffix(" dev bond0 metric 29810 nodad") })
    #expect(lines.contains { $0.hasPrefix("route add 10.0.0.0/8 via 10.") && $0.hasSuffix(" proto 116 metric 29810") })
    #expect(world.kernel.seen.routes.filter { $0.destination == "default" }.count == 2)
    #expect(world.wanted().summary == "bond0 of eth1 and eth2 in 802.3ad; bond0 routed")
  }

  @Test("without bonding the first NIC is used alone, the other stays down, and it is said")
  func withoutBonding() throws {
    var world = try World()
    world.kernel.abilities.bonding = false
    let lines = try world.settle()
    #expect(!lines.contains { $0.contains("bond") })
    #expect(world.addresses("eth0").count == 3 && world.kernel["eth1"]?.isUp == false)
    #expect(world.wanted().summary == "the kernel has no bonding: eth0 alone is used; eth0 routed")
  }

  @Test("the bond of a plan without LACP is balance-tlb")
  func balanceTLB() throws {
    var world = try World(plan: "t1.small.x86")
    let add = try #require(try world.settle().first { $0.hasPrefix("link add") })
    #expect(add.hasSuffix("type bond mode balance-tlb miimon 100"))
  }

  @Test("tagged VLANs are interfaces on their port; without 8021q they are left out, and it is said")
  func vlans() throws {
    var world = try World(names: NICNames(eth0: "eth1", eth1: "ethernet-1-1"))
    try world.mode(.hybrid)
    try world.attach(1001, 1002, to: .eth1)
    let lines = try world.settle()
    #expect(lines.contains("link add link ethernet-1-1 name nic1.1001 mtu 1500 type vlan id 1001"))
    #expect(world.kernel["nic1.1002"]?.isUp == true && world.kernel["nic1.1002"]?.parent == "ethernet-1-1")
    #expect(
      world.wanted().summary
        == "bond0 of eth1 in 802.3ad; bond0 routed; ethernet-1-1 VLANs 1001, 1002 tagged")
    try world.rack.perform(.unassign(world.server.eth1.id, .number(1001)), with: &world.entropy)
    // The one that is left is untagged now.
    #expect(try world.settle() == ["link delete dev nic1.1001", "link delete dev nic1.1002"])
    world.kernel.abilities.vlans = false
    try world.attach(1001, to: .eth1)
    try world.settle()
    #expect(world.kernel["nic1.1001"] == nil)
    #expect(
      world.wanted().summary.hasSuffix("the kernel has no 8021q: VLANs 1001, 1002 of ethernet-1-1, tagged, not set up"))
  }

  @Test("what is not ours stays: addresses, routes, VLANs and links of others, in each mode and at the end")
  func others() throws {
    var world = try World()
    world.kernel["eth0"]!.addresses = [SeenNetwork.Address(text: "192.0.2.1/24")]
    var own = SeenNetwork.Link(name: "eth0.7")
    (own.kind, own.parent, own.vlan) = ("vlan", "eth0", 7)
    world.kernel["eth0.7"] = own
    var route = SeenNetwork.Route(destination: "default")
    (route.gateway, route.device, route.protocol) = ("192.0.2.254", "eth0", "boot")
    world.kernel.abilities.bonding = false
    for mode in [NetworkMode.layer3, .hybrid, .layer2Bonded, .layer2Individual, .layer3] {
      try world.mode(mode)
      try world.settle()
      if !world.kernel.seen.routes.contains(route) { world.kernel.seen.routes.append(route) }
      #expect(world.kernel["eth0.7"] == own && world.addresses("eth0").contains("192.0.2.1/24"))
    }
    #expect(
      GuestChange.remarks(on: world.kernel.seen, world.wanted())
        == ["the default route of IPv4 by eth0 is not Toprack's and comes first"])
    // What the rack's gateway advertises is its own; what another router does by another interface is not.
    var advertised = route
    (advertised.gateway, advertised.protocol, advertised.metric) = ("fe80::1", "ra", 1024)
    var seen = world.kernel.seen
    seen.routes.append(advertised)
    #expect(GuestChange.remarks(on: seen, world.wanted()).count == 1)
    seen.routes[seen.routes.count - 1].device = "mgmt0"
    #expect(
      GuestChange.remarks(on: seen, world.wanted()).contains(
        "the default route of IPv6 by mgmt0 is not Toprack's and comes first"))
    try world.settle(GuestNetwork.none)
    #expect(world.addresses("eth0") == ["192.0.2.1/24"] && world.kernel["eth0.7"] == own)
    #expect(world.kernel.seen.routes == [route])
    #expect(world.kernel["eth0"]?.isUp == true)
  }

  @Test("a bond or a VLAN of somebody else in the way, and a NIC that is not there, are faults: nothing is done at all")
  func inTheWay() throws {
    var world = try World()
    var bond = SeenNetwork.Link(name: "bond0")
    (bond.kind, bond.bondMode) = ("bond", "802.3ad")
    world.kernel["bond0"] = bond
    var change = world.change(to: world.wanted())
    #expect(
      change.lines == [] && change.faults == ["bond0 is there already and was not made by Toprack: remove or rename it"]
    )
    world.kernel["bond0"] = nil
    world.kernel["br0"] = SeenNetwork.Link(name: "br0")
    world.kernel["eth1"]!.master = "br0"
    change = world.change(to: world.wanted())
    #expect(change.lines == [] && change.faults == ["eth1 is in br0, which was not made by Toprack: take it out"])
    world.kernel["eth1"] = nil
    #expect(world.change(to: world.wanted()).faults == ["eth1 is not there"])
  }

  @Test(
    "whatever comes after whatever, it is what a fresh namespace would be, and nothing of before is left",
    arguments: 0..<8 as Range<UInt64>)
  func random(_ seed: UInt64) throws {
    var dice = SeededGenerator(seed: seed)
    var world = try World(names: seed % 2 == 0 ? NICNames() : NICNames(eth0: "eth1", eth1: "eth0"))
    world.kernel.abilities = KernelAbilities(bonding: seed % 4 < 2, vlans: seed < 6)
    for _ in 0..<120 {
      let port = world.server.ports.randomElement(using: &dice)!
      let command: Command =
        switch Int.random(in: 0..<9, using: &dice) {
        case 0..<3: .setMode(world.id, NetworkMode.allCases.randomElement(using: &dice)!)
        case 3..<6: .assign(port.id, .number(Int.random(in: 1001...1004, using: &dice)))
        case 6: .unassign(port.id, .number(Int.random(in: 1001...1004, using: &dice)))
        case 7: .setNative(port.id, port.networks.randomElement(using: &dice).map { .id($0) })
        default: .setMTU(world.id, [1500, 9000].randomElement(using: &dice)!)
        }
      _ = try? world.rack.perform(command, with: &world.entropy)
      // Now and then all is taken away, or a NIC is made anew.
      if Int.random(in: 0..<20, using: &dice) == 0 { try world.settle(GuestNetwork.none) }
      if Int.random(in: 0..<10, using: &dice) == 0 {
        let name = world.names[PortName.nics.randomElement(using: &dice)!]
        for link in world.kernel.seen.links where link.parent == name { world.kernel[link.name] = nil }
        world.kernel[name] = FakeKernel(nics: [name])[name]
        world.kernel.seen.routes.removeAll { $0.device == name }
      }
      try world.settle()
      var fresh = FakeKernel(nics: [world.names.eth0, world.names.eth1])
      fresh.abilities = world.kernel.abilities
      var other = world
      other.kernel = fresh
      try other.settle()
      func sorted(_ links: [SeenNetwork.Link]) -> [SeenNetwork.Link] {
        links.map { link in
          var link = link
          link.addresses.sort { $0.text < $1.text }
          return link
        }.sorted { $0.name < $1.name }
      }
      #expect(sorted(world.kernel.seen.links) == sorted(other.kernel.seen.links))
      #expect(Set(world.kernel.seen.routes) == Set(other.kernel.seen.routes))
    }
  }
}

@Suite("What ip tells of a namespace") struct SeenNetworkTests {
  @Test("links of all kinds, marked addresses and routes are read; nothing is no route")
  func read() throws {
    let seen = try SeenNetwork(
      addresses: #"""
        [{"ifindex":1,"ifname":"lo","flags":["LOOPBACK"],"mtu":65536,"addr_info":[]},
         {"ifindex":2,"ifname":"bond0","flags":["UP"],"mtu":9000,"ifalias":"toprack a b config",
          "linkinfo":{"info_kind":"bond","info_data":{"mode":"802.3ad","miimon":100}},
          "addr_info":[{"family":"inet","local":"198.18.0.1","prefixlen":31,"metric":29810},{"prefixlen":64}]},
         {"ifindex":3,"link":"bond0","ifname":"bond0.5","flags":[],"mtu":1500,
          "linkinfo":{"info_kind":"vlan","info_data":{"protocol":"802.1Q","id":5,"flags":["REORDER_HDR"]}}},
         {"ifindex":4,"ifname":"e0","master":"bond0","flags":["UP"],"mtu":1500,
          "linkinfo":{"info_kind":"tun","info_data":{"type":"tap","mode":7,"id":"x"},"info_slave_kind":"bond"}}]
        """#,
      routes: [
        #"[{"dst":"default","gateway":"198.18.0.0","dev":"bond0","protocol":"116","metric":29810,"flags":[]}]"#, "\n",
      ])
    #expect(
      seen.links.map(\.name) == ["lo", "bond0", "bond0.5", "e0"]
        && seen.links.map(\.isUp) == [false, true, false, true])
    #expect(seen.links[1].bondMode == "802.3ad" && seen.links[1].alias == "toprack a b config")
    #expect(seen.links[1].addresses == [SeenNetwork.Address(text: "198.18.0.1/31", metric: 29810)])
    #expect(seen.links[2].vlan == 5 && seen.links[2].parent == "bond0" && seen.links[3].master == "bond0")
    #expect(seen.routes.count == 1 && seen.routes[0].protocol == "116" && seen.routes[0].metric == GuestChange.metric)
    #expect(throws: (any Error).self) { try SeenNetwork(addresses: #"[{"ifname":"lo""#, routes: []) }
  }
}
