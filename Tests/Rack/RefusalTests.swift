import FoundationEssentials
import Net
import Rack
import Testing

/// Every refusal: its kind, what it says, and that nothing changes (which `Lab` checks).
@Suite("Refusals") struct RefusalTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let kind: Refusal.Kind
    /// Must all occur in the message.
    let words: [String]
    let attempt: @Sendable (inout Lab) throws -> Void
    var testDescription: String { name }

    init(
      _ name: String, _ kind: Refusal.Kind = .invalid, says words: String...,
      when attempt: @escaping @Sendable (inout Lab) throws -> Void
    ) {
      (self.name, self.kind, self.words, self.attempt) = (name, kind, words, attempt)
    }
  }

  /// A server of each kind: l3, hy, bo, in (by mode), t1, x1 (by plan); networks 1001 and 1002 in ewr1, 1003 in sjc1.
  static func furnished() throws -> Lab {
    var lab = Lab()
    try lab.server("l3")
    try lab.server("hy", mode: .hybrid)
    try lab.server("bo", mode: .layer2Bonded)
    try lab.server("in", mode: .layer2Individual)
    try lab.server("t1", plan: "t1.small.x86")
    try lab.server("x1", plan: "x1.small.x86")
    try lab.network(1001)
    try lab.network(1002)
    try lab.network(1003, facility: "sjc1")
    return lab
  }

  @Test("name the thing, the rule and what would be valid, and change nothing", arguments: all)
  func refuses(_ refused: Case) throws {
    var lab = try Self.furnished()
    do {
      try refused.attempt(&lab)
      Issue.record("was not refused")
    } catch let refusal as Refusal {
      #expect(refusal.kind == refused.kind)
      for word in refused.words { #expect(refusal.description.contains(word), "\(refusal)") }
      #expect(!refusal.description.contains("\n"))
    }
    #expect(lab.faults() == [])
  }

  static let all: [Case] = servers + networks + attaching + native + bonding + converting + modes + blocks + settings

  static let servers: [Case] = [
    Case("an unknown project", .notFound, says: "project", "does not exist") {
      let request = ServerRequest(
        hostname: "a", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
        project: ProjectID($0.entropy.identifier()), place: .host)
      try $0.perform(.createServer(request))
    },
    Case("an unknown plan", says: "\"c9.huge\"", "c3.small.x86") { try $0.server("a", plan: "c9.huge") },
    Case("an unknown facility", says: "\"lhr1\"", "ewr1") { try $0.server("a", facility: "lhr1") },
    Case("an unknown operating system", says: "\"beos\"", "debian_12") {
      let request = ServerRequest(
        hostname: "a", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "beos", project: $0.project,
        place: .host)
      try $0.perform(.createServer(request))
    },
    Case("everything wrong at once, each with its line", says: "plan", "facility", "operating system", "hostname") {
      let request = ServerRequest(
        hostname: "-", plan: "x", facility: "y", operatingSystem: "z", project: $0.project, place: .host)
      do {
        try $0.perform(.createServer(request))
      } catch let refusal as Refusal {
        #expect(refusal.messages.count == 4)
        throw refusal
      }
    },
    Case("a hostname that is taken", says: "\"l3\"", "taken") { try $0.server("l3") },
    Case("a hostname that is taken in other letters", says: "taken") { try $0.server("L3") },
    Case("a namespace that has a server", says: "\"lab\"", "one", "has the NICs of server one") {
      try $0.server("one", place: .namespace("lab", made: true))
      try $0.server("two", place: .namespace("lab", made: false))
    },
    Case("deleting an unknown server", .notFound, says: "server", "does not exist") {
      try $0.perform(.deleteServer(ServerID($0.entropy.identifier())))
    },
    Case("deleting a server twice", .notFound, says: "does not exist") {
      let id = $0["l3"].id
      try $0.perform(.deleteServer(id))
      try $0.perform(.deleteServer(id))
    },
    Case("the mode of an unknown server", .notFound, says: "does not exist") {
      try $0.perform(.setMode(ServerID($0.entropy.identifier()), .layer3))
    },
  ]

  static let networks: [Case] =
    [-1, 0, 1, 4000, 4094, 4095, 4096, 70_000, Int.min, Int.max].map { (number: Int) in
      Case("network number \(number)", says: "\(number)", "2 to 3999") { try $0.network(number) }
    } + [
      Case("a number that exists", says: "1001", "exists already", "ewr1") { try $0.network(1001) },
      Case("a network in an unknown facility", says: "\"lhr1\"", "ewr1") { try $0.network(facility: "lhr1") },
      Case("a network in an unknown project", .notFound, says: "project") {
        let project = ProjectID($0.entropy.identifier())
        try $0.perform(
          .createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: nil, description: nil)))
      },
      Case("a description of 300 characters", says: "255") {
        let text = String(repeating: "x", count: 300)
        try $0.perform(
          .createNetwork(NetworkRequest(project: $0.project, facility: "ewr1", vxlan: nil, description: text)))
      },
      Case("a description with a line break", says: "\\u{a}") {
        try $0.perform(
          .createNetwork(NetworkRequest(project: $0.project, facility: "ewr1", vxlan: nil, description: "a\nb")))
      },
      Case("no automatic number free", says: "1000 to 1999", "2 to 3999") { lab in
        while true { try lab.network(facility: "syd2") }
      },
      Case("deleting an unknown network", .notFound, says: "does not exist") {
        try $0.perform(.deleteNetwork(NetworkID($0.entropy.identifier())))
      },
      Case("deleting a network that is on ports", says: "1001 is on bo bond0 and hy eth1", "detach") {
        try $0.attach(1001, to: .eth1, of: "hy")
        try $0.attach(1001, to: .bond0, of: "bo")
        let id = $0.rack.network(numbered: 1001, facility: "ewr1", project: $0.project)!.id
        try $0.perform(.deleteNetwork(id))
      },
    ]

  static let attaching: [Case] = [
    Case("attaching to a port that does not exist", .notFound, says: "port", "does not exist") {
      try $0.perform(.assign(PortID($0.entropy.identifier()), .number(1001)))
    },
    Case("attaching a number that does not exist", says: "1234", "does not exist", "ewr1") {
      try $0.attach(1234, to: .eth1, of: "hy")
    },
    Case("attaching an identifier that does not exist", .notFound, says: "does not exist") {
      try $0.perform(.assign($0.port(.eth1, of: "hy"), .id(NetworkID($0.entropy.identifier()))))
    },
    Case("attaching 4095", says: "4095", "2 to 3999") { try $0.attach(4095, to: .eth1, of: "hy") },
    Case("attaching a number of another facility", says: "1003", "ewr1") { try $0.attach(1003, to: .eth1, of: "hy") },
    Case("attaching a network of another facility", says: "1003", "sjc1", "ewr1") {
      let id = $0.rack.network(numbered: 1003, facility: "sjc1", project: $0.project)!.id
      try $0.perform(.assign($0.port(.eth1, of: "hy"), .id(id)))
    },
    Case("attaching a network of another project", says: "another project") {
      let other = Project(id: ProjectID($0.entropy.identifier()), name: "other", createdAt: $0.entropy.now)
      $0.rack.apply([.project(other)])
      let request = NetworkRequest(project: other.id, facility: "ewr1", vxlan: 1001, description: nil)
      guard case .network(let id) = try $0.perform(.createNetwork(request)).subject else { return }
      try $0.perform(.assign($0.port(.eth1, of: "hy"), .id(id)))
    },
    Case("attaching twice", says: "1001", "already", "eth1 of hy") {
      try $0.attach(1001, to: .eth1, of: "hy")
      try $0.attach(1001, to: .eth1, of: "hy")
    },
    Case("more networks than a port takes", says: "512", "limit") { lab in
      for number in 2...514 {
        try lab.network(number)
        try lab.attach(number, to: .eth1, of: "hy")
      }
    },
    Case("attaching to bond0 in layer 3", says: "bond0 of l3", "layer 3", "layer2-bonded") {
      try $0.attach(1001, to: .bond0, of: "l3")
    },
    Case("attaching to eth1 in layer 3", says: "member of bond0", "hybrid or layer2-individual") {
      try $0.attach(1001, to: .eth1, of: "l3")
    },
    Case("attaching to bond0 in hybrid", says: "bond0 of hy", "eth1", "layer2-bonded") {
      try $0.attach(1001, to: .bond0, of: "hy")
    },
    Case("attaching to eth0 in hybrid", says: "eth0 of hy", "attach to eth1", "layer2-individual") {
      try $0.attach(1001, to: .eth0, of: "hy")
    },
    Case("attaching to eth1 in layer2-bonded", says: "eth1 of bo", "attach to bond0", "hybrid or layer2-individual") {
      try $0.attach(1001, to: .eth1, of: "bo")
    },
    Case("attaching to bond0 in layer2-individual", says: "not whole", "eth0 or eth1", "layer2-bonded") {
      try $0.attach(1001, to: .bond0, of: "in")
    },
    Case("attaching to a plan without layer 2", says: "t1.small.x86", "layer 3 only") {
      try $0.attach(1001, to: .bond0, of: "t1")
    },
    Case("attaching to bond0 of a plan with hybrid only", says: "attach to eth1", "x1.small.x86") {
      try $0.attach(1001, to: .bond0, of: "x1")
    },
    Case("detaching what is not attached", says: "Virtual network 1001 not assigned", "none") {
      try $0.detach(1001, from: .eth1, of: "hy")
    },
    Case("detaching another network than the attached", says: "1001 not assigned", "carries 1002") {
      try $0.attach(1002, to: .eth1, of: "hy")
      try $0.detach(1001, from: .eth1, of: "hy")
    },
    Case("detaching an identifier that does not exist", .notFound, says: "does not exist") {
      try $0.perform(.unassign($0.port(.eth1, of: "hy"), .id(NetworkID($0.entropy.identifier()))))
    },
  ]

  static let native: [Case] = [
    Case("native on a port without networks", says: "1001 not assigned") { try $0.native(1001, on: .eth1, of: "hy") },
    Case("native with a single network", says: "only virtual network 1001", "two or more") {
      try $0.attach(1001, to: .eth1, of: "hy")
      try $0.native(1001, on: .eth1, of: "hy")
    },
    Case("native that is not on the port", says: "1003 not assigned", "1001 and 1002") {
      try $0.attach(1001, to: .eth1, of: "hy")
      try $0.attach(1002, to: .eth1, of: "hy")
      try $0.native(1003, on: .eth1, of: "hy")
    },
    Case("native on a bond in layer 3", says: "layer 3") { try $0.native(1001, on: .bond0, of: "l3") },
    Case("native on a broken bond that remembers its networks", says: "not whole") {
      try $0.attach(1001, to: .bond0, of: "bo")
      try $0.attach(1002, to: .bond0, of: "bo")
      try $0.perform(.disbond($0.port(.bond0, of: "bo"), bulk: false))
      try $0.native(1001, on: .bond0, of: "bo")
    },
  ]

  static let bonding: [Case] = [
    Case("bonding a NIC with networks", says: "eth1 of hy", "1001", "detach") {
      try $0.attach(1001, to: .eth1, of: "hy")
      try $0.perform(.bond($0.port(.eth1, of: "hy"), bulk: false))
    },
    Case("bonding all while one NIC has networks", says: "eth1 of in", "1001 and 1002") {
      try $0.attach(1002, to: .eth1, of: "in")
      try $0.attach(1001, to: .eth1, of: "in")
      try $0.perform(.bond($0.port(.bond0, of: "in"), bulk: false))
    },
    Case("bonding in bulk by the other NIC", says: "eth1 of in") {
      try $0.attach(1001, to: .eth1, of: "in")
      try $0.perform(.bond($0.port(.eth0, of: "in"), bulk: true))
    },
    Case("breaking the bond of a plan without layer 2", says: "t1.small.x86", "layer 3 only") {
      try $0.perform(.disbond($0.port(.eth1, of: "t1"), bulk: false))
    },
    Case("breaking the whole bond of a plan with hybrid only", says: "x1.small.x86", "one NIC stays") {
      try $0.perform(.disbond($0.port(.bond0, of: "x1"), bulk: true))
    },
  ]

  static let converting: [Case] = [
    Case("converting a NIC to layer 2", says: "eth0 of l3", "not a bond port") {
      try $0.perform(.convertToLayer2($0.port(.eth0, of: "l3"), attaching: nil))
    },
    Case("converting a NIC to layer 3", says: "eth0 of in", "not a bond port") {
      try $0.perform(.convertToLayer3($0.port(.eth0, of: "in"), requests: nil))
    },
    Case("converting a plan without layer 2", says: "t1.small.x86", "layer3 only") {
      try $0.perform(.convertToLayer2($0.port(.bond0, of: "t1"), attaching: nil))
    },
    Case("converting a plan with hybrid only", says: "x1.small.x86", "layer3 and hybrid only") {
      try $0.perform(.convertToLayer2($0.port(.bond0, of: "x1"), attaching: nil))
    },
    Case("layer 3 twice", says: "already layer3") {
      try $0.perform(.convertToLayer3($0.port(.bond0, of: "l3"), requests: nil))
    },
    Case("layer 3 with a network on bond0", says: "bond0 of bo", "1001", "detach") {
      try $0.attach(1001, to: .bond0, of: "bo")
      try $0.perform(.convertToLayer3($0.port(.bond0, of: "bo"), requests: nil))
    },
    Case("layer 3 with a network on a NIC", says: "eth0 of in", "1001", "detach") {
      try $0.attach(1001, to: .eth0, of: "in")
      try $0.perform(.convertToLayer3($0.port(.bond0, of: "in"), requests: nil))
    },
    Case("a private IPv6 address", says: "no private address of family 6") {
      try $0.perform(
        .convertToLayer3($0.port(.bond0, of: "bo"), requests: [AddressRequest(family: 6, isPublic: false)]))
    },
    Case("an address family 5", says: "family 5") {
      try $0.perform(
        .convertToLayer3($0.port(.bond0, of: "bo"), requests: [AddressRequest(family: 5, isPublic: true)]))
    },
  ]

  static let modes: [Case] = [
    Case("a mode with networks that it cannot carry", says: "eth1 of hy", "1001 and 1002", "layer3", "detach") {
      try $0.attach(1001, to: .eth1, of: "hy")
      try $0.attach(1002, to: .eth1, of: "hy")
      try $0.perform(.setMode($0["hy"].id, .layer3))
    },
    Case("hybrid with a network on eth0", says: "eth0 of in", "hybrid") {
      try $0.attach(1001, to: .eth0, of: "in")
      try $0.perform(.setMode($0["in"].id, .hybrid))
    },
    Case("layer2-bonded with networks on both NICs names both", says: "eth0 of in", "eth1 of in") {
      try $0.attach(1001, to: .eth0, of: "in")
      try $0.attach(1001, to: .eth1, of: "in")
      try $0.perform(.setMode($0["in"].id, .layer2Bonded))
    },
    Case("layer2-individual with a network on bond0", says: "bond0 of bo", "layer2-individual") {
      try $0.attach(1001, to: .bond0, of: "bo")
      try $0.perform(.setMode($0["bo"].id, .layer2Individual))
    },
    Case("hybrid on a plan without layer 2", says: "t1.small.x86", "hybrid", "valid is layer3") {
      try $0.perform(.setMode($0["t1"].id, .hybrid))
    },
    Case("layer2-bonded on a plan with hybrid only", says: "x1.small.x86", "layer3 and hybrid") {
      try $0.perform(.setMode($0["x1"].id, .layer2Bonded))
    },
  ]

  static let blocks: [Case] =
    [Int.min, 0, 16, 28, 33, Int.max].map { (length: Int) in
      Case("a block of /\(length)", says: "/\(length)", "/29 (8 addresses)", "/32") { try $0.reserve(length) }
    } + [
      Case("a block in an unknown facility", says: "\"lhr1\"", "ewr1") { try $0.reserve(30, facility: "lhr1") },
      Case("a block for an unknown project", .notFound, says: "project", "does not exist") {
        let project = ProjectID($0.entropy.identifier())
        try $0.perform(.reserveBlock(BlockRequest(project: project, facility: "ewr1", length: 30)))
      },
      Case("one block more than a rack has", says: "4096", "release one") { lab in
        for number in 0...4096 { try lab.reserve(32, facility: Catalogue.facilities[number % 8].code) }
      },
      Case("a block that nobody has reserved", says: "198.18.24.0/30", "project of l3", "reserve one first") {
        try $0.assign(IPPrefix(reading: "198.18.24.0/30"), to: "l3")
      },
      Case("more than what is reserved", says: "198.18.24.0/29 is not in an elastic block") {
        try $0.reserve(30)
        try $0.assign(IPPrefix(reading: "198.18.24.0/29"), to: "l3")
      },
      Case("a block of IPv6", says: "2001:db8::/32", "IPv4 blocks of /29") {
        try $0.assign(IPPrefix(reading: "2001:db8::/32"), to: "l3")
      },
      Case("a block that is too large", says: "198.18.24.0/24", "/29 (8 addresses)") {
        try $0.assign(IPPrefix(reading: "198.18.24.0/24"), to: "l3")
      },
      Case("a block of another facility", says: "reserved in facility sjc1", "l3 is in ewr1") {
        let block = try $0.reserve(31, facility: "sjc1").block
        try $0.assign(block, to: "l3")
      },
      Case("a block of another project", says: "is not in an elastic block that the project of l3", "its own project") {
        let other = Project(id: ProjectID($0.entropy.identifier()), name: "other", createdAt: $0.entropy.now)
        $0.rack.apply([.project(other)])
        let request = BlockRequest(project: other.id, facility: "ewr1", length: 30)
        guard case .reservation(let id) = try $0.perform(.reserveBlock(request)).subject else { return }
        let block = $0.rack.reservations[id]!.block
        try $0.assign(block, to: "l3")
      },
      Case("a block on a layer-2 server", says: "bo is layer2-bonded", "layer3 or hybrid") {
        let block = try $0.reserve(30).block
        try $0.assign(block, to: "bo")
      },
      Case("a block on a server without a public address", says: "in has no public IPv4 address") {
        let block = try $0.reserve(30).block
        try $0.perform(
          .convertToLayer3($0.port(.bond0, of: "in"), requests: [AddressRequest(family: 4, isPublic: false)]))
        try $0.assign(block, to: "in")
      },
      Case("a block twice", says: "198.18.24.0/30 is assigned to l3 already", "unassign") {
        let block = try $0.reserve(30).block
        try $0.assign(block, to: "l3")
        try $0.assign(block, to: "hy")
      },
      Case("a part of what is assigned", says: "198.18.24.0/30, which has addresses of 198.18.24.1/32", "l3") {
        let block = try $0.reserve(30).block
        try $0.assign(block, to: "l3")
        try $0.assign(IPPrefix(reading: "198.18.24.1"), to: "hy")
      },
      Case("the whole of which a part is assigned", says: "198.18.24.2/31, which has addresses of 198.18.24.0/30") {
        let block = try $0.reserve(30).block
        try $0.assign(IPPrefix(reading: "198.18.24.2/31"), to: "l3")
        try $0.assign(block, to: "l3")
      },
      Case("one block more than a server has", says: "l3 has 64 elastic blocks", "limit") { lab in
        for _ in 0...64 { try lab.assign(try lab.reserve(32).block, to: "l3") }
      },
      Case("assigning to an unknown server", .notFound, says: "server", "does not exist") {
        let block = try $0.reserve(30).block
        try $0.perform(.assignBlock(ServerID($0.entropy.identifier()), block))
      },
      Case("releasing what is assigned", says: "198.18.24.0/30 is assigned, to l3", "unassign it there first") {
        let reservation = try $0.reserve(30)
        try $0.assign(reservation.block, to: "l3")
        try $0.perform(.releaseBlock(reservation.id))
      },
      Case(
        "releasing what is assigned in parts",
        says: "198.18.24.0/30 is assigned, 198.18.24.1/32 of it to hy and 198.18.24.2/31 of it to l3"
      ) {
        let reservation = try $0.reserve(30)
        try $0.assign(IPPrefix(reading: "198.18.24.2/31"), to: "l3")
        try $0.assign(IPPrefix(reading: "198.18.24.1"), to: "hy")
        try $0.perform(.releaseBlock(reservation.id))
      },
      Case("releasing twice", .notFound, says: "reservation", "does not exist") {
        let reservation = try $0.reserve(30)
        try $0.perform(.releaseBlock(reservation.id))
        try $0.perform(.releaseBlock(reservation.id))
      },
      Case("unassigning twice", .notFound, says: "assignment", "does not exist") {
        let id = try $0.assign(try $0.reserve(30).block, to: "l3")
        try $0.perform(.unassignBlock(id))
        try $0.perform(.unassignBlock(id))
      },
    ]

  static let settings: [Case] =
    [Int.min, 0, 1279, 9217, Int.max].map { (mtu: Int) in
      Case("MTU \(mtu)", says: "\(mtu)", "1280 to 9216") { try $0.perform(.setMTU($0["l3"].id, mtu)) }
    }
    + [Int.min, -1, 0, 1_000_001].map { (seconds: Int) in
      Case("ageing time \(seconds)", says: "\(seconds)", "1 to 1000000") { try $0.perform(.setAging(seconds: seconds)) }
    }
}
