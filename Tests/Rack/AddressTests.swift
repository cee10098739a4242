import FoundationEssentials
import Net
import Rack
import Testing

@Suite("Addresses") struct AddressTests {
  @Test("a new server has a public and a private IPv4 /31 and a public IPv6 /127, gateway even and server odd")
  func firstServer() throws {
    var lab = Lab()
    try lab.server("web1")
    let addresses = lab["web1"].addresses
    #expect(addresses.map(\.network.description) == ["198.18.0.0/31", "10.64.0.0/31", "2001:db8::/127"])
    #expect(addresses.map(\.gateway) == ["198.18.0.0", "10.64.0.0", "2001:db8::"])
    #expect(addresses.map(\.address) == ["198.18.0.1", "10.64.0.1", "2001:db8::1"])
    #expect(addresses.map(\.network.netmask.description).prefix(2) == ["255.255.255.254", "255.255.255.254"])
    #expect(addresses.last?.network.netmask.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")
  }

  @Test("each facility has a share of its own")
  func shares() throws {
    var lab = Lab()
    for facility in Catalogue.facilities { try lab.server(facility.code, facility: facility.code) }
    let all = lab.rack.servers.values.flatMap { $0.addresses.map(\.network) }
    #expect(Set(all).count == 3 * Catalogue.facilities.count)
    #expect(
      lab["sjc1"].addresses.map(\.network.description) == ["198.18.32.0/31", "10.65.0.0/31", "2001:db8:1000::/127"])
    #expect(
      lab["syd2"].addresses.map(\.network.description) == ["198.18.224.0/31", "10.71.0.0/31", "2001:db8:7000::/127"])
  }

  @Test("each project has a private /25 and an IPv6 /56 of its own")
  func projects() throws {
    var lab = Lab()
    try lab.server("web1")
    let other = Project(id: ProjectID(lab.entropy.identifier()), name: "other", createdAt: lab.entropy.now)
    lab.rack.apply([.project(other)])
    try lab.perform(
      .createServer(
        ServerRequest(
          hostname: "web2", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: other.id,
          place: .host)))
    #expect(
      lab["web2"].addresses.map(\.network.description) == ["198.18.0.2/31", "10.64.0.128/31", "2001:db8:0:100::/127"])
    #expect(lab.faults() == [])
  }

  @Test("what a deleted project had of private and IPv6 addresses is there for the next")
  func deletedProject() throws {
    var lab = Lab()
    func create(_ name: String, in project: String) -> Command {
      .createServer(
        ServerRequest(
          hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
          project: lab.rack.project(named: project)!.id, place: .host))
    }
    var seen: [[String]] = []
    for name in ["one", "two"] {
      try lab.perform(.createProject(name: name, customdata: "{}"))
      try lab.perform(create("web", in: name))
      seen.append(lab["web"].addresses.dropFirst().map(\.network.description))
      try lab.perform(.deleteServer(lab["web"].id))
      try lab.perform(.deleteProject(lab.rack.project(named: name)!.id))
      #expect(lab.faults() == [])
    }
    #expect(seen == [["10.64.0.0/31", "2001:db8::/127"], ["10.64.0.0/31", "2001:db8::/127"]])
  }

  @Test("a project's private block grows by another /25 when all 64 of its /31 are in use")
  func grows() throws {
    var lab = Lab()
    for number in 0...64 { try lab.server("s\(number)") }
    #expect(lab["s63"].addresses[1].network.description == "10.64.0.126/31")
    #expect(lab["s64"].addresses[1].network.description == "10.64.0.128/31")
    #expect(lab.faults() == [])
  }

  @Test("blocks come round robin: what was given back is not given out next")
  func roundRobin() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    var seen: Set<IPPrefix> = []
    for _ in 0..<60 {
      for address in lab["web1"].addresses {
        #expect(seen.insert(address.network).inserted, "\(address.network) again")
      }
      try lab.perform(.setMode(id, .layer2Bonded))
      try lab.perform(.setMode(id, .layer3))
    }
    try lab.perform(.deleteServer(id))
    try lab.server("web2")
    for address in lab["web2"].addresses { #expect(seen.insert(address.network).inserted) }
  }

  @Test("a server does not get its last block again even when the cursor has come round to it")
  func notTheSameAgain() throws {
    var lab = Lab()
    // web1 keeps the private block 0 of 64, others walk the cursor once round to it.
    let web1 = try lab.server("web1")
    let old = lab["web1"].addresses[1].network
    let walker = try lab.server("walker")
    for _ in 0..<62 {
      try lab.perform(.setMode(walker, .layer2Bonded))
      try lab.perform(.setMode(walker, .layer3))
    }
    #expect(lab["walker"].addresses[1].network.description == "10.64.0.126/31")
    try lab.perform(.setMode(web1, .layer2Individual))
    try lab.perform(.setMode(web1, .layer3))
    #expect(lab["web1"].addresses[1].network.description == "10.64.0.2/31")
    #expect(lab["web1"].lastHeld[.privateIPv4] == old)
  }

  @Test(
    "a facility without a free block refuses; a server gets its last block again when it is the only one"
  )
  func exhaustion() throws {
    var lab = Lab(seed: 9)
    lab.entropy.now = Date(timeIntervalSince1970: 0)
    let project = lab.project
    func request(_ number: Int) -> Command {
      .createServer(
        ServerRequest(
          hostname: "s\(number)", plan: "c3.small.x86", facility: "fra2", operatingSystem: "debian_12",
          project: project, place: .host))
    }
    for number in 0..<3072 { try lab.rack.perform(request(number), with: &lab.entropy) }
    let full = lab.rack
    let refusal = #expect(throws: Refusal.self) { try lab.rack.perform(request(3072), with: &lab.entropy) }
    #expect(refusal?.description.contains("fra2") == true)
    #expect(refusal?.description.contains("all 3072") == true)
    #expect(lab.rack == full)

    let one = lab["s77"]
    try lab.rack.perform(.setMode(one.id, .layer2Bonded), with: &lab.entropy)
    try lab.rack.perform(.setMode(one.id, .layer3), with: &lab.entropy)
    #expect(lab["s77"].addresses[0].network == one.addresses[0].network)
    #expect(lab["s77"].addresses[1].network != one.addresses[1].network)
    #expect(lab.rack.checkInvariants() == [])
  }

  @Test("addresses are found by their identifier while they are held")
  func lookUp() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    let address = lab["web1"].addresses[2]
    #expect(lab.rack.address(address.id)?.server.id == id)
    #expect(lab.rack.address(address.id)?.address == address)
    try lab.perform(.setMode(id, .layer2Bonded))
    #expect(lab.rack.address(address.id) == nil)
  }
}
