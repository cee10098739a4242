import FoundationEssentials
import Net
import Rack
import Testing

@Suite("Address plan") struct PlanTests {
  @Test("has for each facility the ranges that it always had, and no two overlap")
  func standard() throws {
    let plan = AddressPlan()
    #expect(plan.overlap == nil)
    #expect(plan.range(of: .publicIPv4, in: "ewr1")?.description == "198.18.0.0/19")
    #expect(plan.range(of: .privateIPv4, in: "sjc1")?.description == "10.65.0.0/16")
    #expect(plan.range(of: .publicIPv6, in: "syd2")?.description == "2001:db8:7000::/36")
    #expect(plan.range(of: .publicIPv4, in: "lhr1") == nil)
    #expect(plan.elasticRange(in: "ewr1")?.description == "198.18.24.0/21")
    #expect(plan.privateRoutes.map(\.description) == ["10.0.0.0/8"])
    #expect(plan.named.count == 3 * Catalogue.facilities.count)
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    let kind: Address.Kind, range: String, says: String
    var testDescription: String { "\(kind) \(range)" }
    static let all = [
      Wrong(kind: .publicIPv4, range: "2001:db8::/32", says: "must be a range of IPv4 addresses"),
      Wrong(kind: .publicIPv6, range: "203.0.113.0/24", says: "must be a range of IPv6 addresses"),
      Wrong(kind: .publicIPv4, range: "203.0.113.0/28", says: "must be a /27 or larger"),
      Wrong(kind: .privateIPv4, range: "192.168.0.0/26", says: "must be a /25 or larger"),
      Wrong(kind: .publicIPv6, range: "2001:db8::/57", says: "must be a /56 or larger"),
      Wrong(kind: .publicIPv4, range: "0.0.0.0/0", says: "0.0.0.0/8 (this network)"),
      Wrong(kind: .publicIPv4, range: "127.0.0.0/24", says: "loopback"),
      Wrong(kind: .privateIPv4, range: "169.254.0.0/16", says: "link-local"),
      Wrong(kind: .publicIPv4, range: "224.0.0.0/24", says: "multicast"),
      Wrong(kind: .publicIPv4, range: "192.0.0.0/2", says: "multicast"),
      Wrong(kind: .publicIPv4, range: "240.0.0.0/24", says: "class E"),
      Wrong(kind: .publicIPv6, range: "::/56", says: "::/8"),
      Wrong(kind: .publicIPv6, range: "fe80::/56", says: "link-local"),
      Wrong(kind: .publicIPv6, range: "ff00::/56", says: "multicast"),
    ]
  }

  @Test("ranges that cannot be are named with the rule", arguments: Wrong.all)
  func faults(_ wrong: Wrong) throws {
    let fault = AddressPlan.fault(of: try IPPrefix(reading: wrong.range), as: wrong.kind)
    #expect(fault?.contains(wrong.says) == true, "\(fault ?? "no fault")")
    #expect(fault?.contains(wrong.range) == true, "\(fault ?? "no fault")")
  }

  @Test(
    "settings are read, or refused with what is valid",
    arguments: [
      ("pools.ewr1.public-ipv4", "203.0.113.0/24", nil), ("pools.ewr1.public-ipv4", "203.0.113.1/24", "203.0.113.0/24"),
      ("pools.ewr1.public-ipv4", "lots", "\"lots\" is no block"), ("pools.ewr1.public-ipv4", "10.0.0.0/28", "/27"),
      ("pools.lhr1.public-ipv4", "203.0.113.0/24", "ewr1, sjc1"), ("pools.ewr1", "203.0.113.0/24", "each facility"),
      ("pools.ewr1.ipv4", "203.0.113.0/24", "public-ipv4, private-ipv4, public-ipv6 and uplink"),
    ] as [(String, String, String?)])
  func settings(_ name: String, _ value: String, _ says: String?) throws {
    var plan = AddressPlan()
    guard let says else {
      try plan.set(name, to: value)
      #expect(plan.named.contains { $0.name == name && $0.range.description == value })
      return
    }
    let fault = #expect(throws: AddressPlan.Fault.self) { try plan.set(name, to: value) }
    #expect(fault?.message.contains(says) == true, "\(fault?.message ?? "")")
    #expect(plan == AddressPlan())
  }

  @Test("the smallest ranges work: 12 servers and 8 elastic addresses; two projects with 64 private blocks")
  func small() throws {
    var plan = AddressPlan()
    let ranges = [
      (Address.Kind.publicIPv4, "203.0.113.32/27"), (.privateIPv4, "192.168.7.0/24"), (.publicIPv6, "fd00:7::/56"),
    ]
    for (kind, range) in ranges {
      #expect(AddressPlan.fault(of: try IPPrefix(reading: range), as: kind) == nil)
      plan.setRange(try IPPrefix(reading: range), of: kind, in: "ewr1")
    }
    #expect(plan.privateRoutes.map(\.description) == ["10.0.0.0/8", "192.168.7.0/24"])
    var lab = Lab(plan: plan)
    for number in 0..<12 { try lab.server("s\(number)") }
    #expect(
      lab["s11"].addresses.map(\.network.description) == ["203.0.113.54/31", "192.168.7.22/31", "fd00:7::16/127"])
    let refusal = #expect(throws: Refusal.self) { try lab.server("s12") }
    #expect(refusal?.description.contains("all 12 blocks of 203.0.113.32/27 for servers") == true)
    #expect(try lab.reserve(29).block.description == "203.0.113.56/29")
    #expect(lab.faults() == [])
  }

  @Test("two ranges that overlap are both named")
  func overlap() throws {
    var plan = AddressPlan()
    plan.setRange(try IPPrefix(reading: "198.18.32.0/24"), of: .publicIPv4, in: "ewr1")
    let (one, other) = try #require(plan.overlap)
    #expect(
      Set([one, other]) == ["pools.ewr1.public-ipv4 198.18.32.0/24", "pools.sjc1.public-ipv4 198.18.32.0/19"])
    #expect(plan.holder(of: try IPPrefix(reading: "10.64.3.0/24")) == "pools.ewr1.private-ipv4 10.64.0.0/16")
  }

  @Test("addresses that a new plan does not have are named, with the setting and what to do")
  func outside() throws {
    var lab = Lab()
    try lab.server("web1")
    try lab.reserve(30)
    #expect(lab.rack.outsidePlan() == [])
    var plan = AddressPlan()
    plan.setRange(try IPPrefix(reading: "203.0.113.0/24"), of: .publicIPv4, in: "ewr1")
    var rack = Rack(empty: lab.rack.id, plan: plan)
    rack.apply(lab.rack.records)
    let found = rack.outsidePlan()
    #expect(found.count == 2)
    for word in ["198.18.0.1", "web1", "pools.ewr1.public-ipv4, 203.0.113.0/24", "convert the server to layer 2"] {
      #expect(found.first?.contains(word) == true, "\(found)")
    }
    for word in ["198.18.24.0/30", "project default", "release"] { #expect(found.last?.contains(word) == true) }
  }

  @Test("a rack lives on when its ranges grow, shrink to what is used, or move while nothing is used")
  func otherRanges() throws {
    var lab = Lab()
    try lab.server("web1")
    let other = Project(id: ProjectID(lab.entropy.identifier()), name: "other", createdAt: lab.entropy.now)
    lab.rack.apply([.project(other)])
    try lab.perform(
      .createServer(
        ServerRequest(
          hostname: "web2", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: other.id,
          place: .host)))
    let block = try lab.reserve(29)
    try lab.assign(block.block, to: "web1")
    for (kind, range) in [
      (Address.Kind.publicIPv4, "198.18.0.0/18"), (.publicIPv4, "198.16.0.0/13"), (.privateIPv4, "10.64.0.0/24"),
      (.privateIPv4, "10.0.0.0/9"), (.publicIPv6, "2001:db8::/48"), (.publicIPv6, "2001:d00::/24"),
    ] {
      var plan = AddressPlan()
      for facility in Catalogue.facilities where facility.code != "ewr1" {
        plan.setRange(try IPPrefix(reading: "100.64.0.0/24"), of: .publicIPv4, in: facility.code)
      }
      plan.setRange(try IPPrefix(reading: range), of: kind, in: "ewr1")
      var moved = lab
      moved.rack = Rack(empty: lab.rack.id, plan: plan)
      moved.rack.apply(lab.rack.records)
      #expect(moved.rack.outsidePlan() == [] && moved.rack.checkInvariants() == [], "\(range)")
      try moved.server("web3")
      #expect(try !moved.reserve(29).block.overlaps(block.block))
      #expect(moved.faults() == [], "\(range)")
    }
    // Nothing in use: anything goes, and the chunks of the old range are forgotten.
    for id in lab.rack.servers.keys { try lab.perform(.deleteServer(id)) }
    try lab.perform(.releaseBlock(block.id))
    var plan = AddressPlan()
    plan.setRange(try IPPrefix(reading: "192.168.0.0/24"), of: .privateIPv4, in: "ewr1")
    var moved = lab
    moved.rack = Rack(empty: lab.rack.id, plan: plan)
    moved.rack.apply(lab.rack.records)
    try moved.server("web1")
    #expect(moved["web1"].addresses[1].network.description == "192.168.0.0/31")
    #expect(moved.faults() == [])
  }

  @Test("management blocks and elastic ones keep clear of each other where ranges have changed")
  func keepClear() throws {
    var lab = Lab()
    for _ in 0..<4 { try lab.reserve(29) }  // 198.18.24.0 to 31
    var plan = AddressPlan()
    for facility in Catalogue.facilities where facility.code != "ewr1" {
      plan.setRange(try IPPrefix(reading: "100.64.0.0/24"), of: .publicIPv4, in: facility.code)
    }
    // The reservations now lie at the beginning, in the part for servers.
    plan.setRange(try IPPrefix(reading: "198.18.24.0/26"), of: .publicIPv4, in: "ewr1")
    var moved = lab
    moved.rack = Rack(empty: lab.rack.id, plan: plan)
    moved.rack.apply(lab.rack.records)
    for number in 0..<8 { try moved.server("s\(number)") }
    #expect(moved["s0"].addresses[0].network.description == "198.18.24.32/31")
    #expect(moved.faults() == [])
    // And now servers lie in the elastic quarter.
    plan.setRange(try IPPrefix(reading: "198.18.24.0/27"), of: .publicIPv4, in: "sjc1")
    var again = Rack(empty: moved.rack.id, plan: plan)
    again.apply(moved.rack.records)
    #expect(again.checkInvariants() == [])
  }
}

@Suite("Blocks as text") struct BlockTextTests {
  static let vectors = [
    ("198.18.0.0/19", "198.18.0.0/19"), ("0.0.0.0/0", "0.0.0.0/0"), ("10.1.2.3", "10.1.2.3/32"),
    ("2001:DB8::/32", "2001:db8::/32"), ("::", "::/128"), ("::1", "::1/128"), ("1::", "1::/128"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128"), ("64:ff9b::1.2.3.4", "64:ff9b::102:304/128"),
    ("1:2:3:4:5:6:7::/112", "1:2:3:4:5:6:7:0/112"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8/128"),
  ]

  @Test("are read in every form, and written in one", arguments: vectors)
  func valid(_ text: String, _ block: String) throws { #expect(try IPPrefix(reading: text).description == block) }

  @Test(
    "that are none are refused",
    arguments: [
      "", "/", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.+4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1",
      "1.2.3.4/+8", "1.2.3.4/24", " 1.2.3.4", "1.2.3.4/32/1", "::1/129", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":::",
      "1::2::3",
      "::12345", "::+1", "::g", "1:2:3:4:5:6:7:8::", "fe80::1%eth0", "2001:db8::1/64", "::1.2.3", "1.2.3.4::",
      "١.2.3.4", "host", "::ffff:1.2.3.4", "::ffff:0:0/96",
    ])
  func invalid(_ text: String) { #expect(throws: IPPrefix.Malformed.self) { try IPPrefix(reading: text) } }

  @Test("with bits behind the length name the block")
  func hostBits() {
    let fault = #expect(throws: IPPrefix.Malformed.self) { try IPPrefix(reading: "198.18.24.5/30") }
    #expect(fault?.message.contains("the block is 198.18.24.4/30") == true)
  }
}
