import FoundationEssentials
import Net
import Rack
import Testing

/// Two tenants in one rack: what each may call its things, where its servers are put, and how much it can have.
@Suite("Tenants") struct TenantTests {
  private static func request(
    _ hostname: String?, of project: ProjectID, place: PlaceRequest = .host
  ) -> Command {
    .createServer(
      ServerRequest(
        hostname: hostname, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
        place: place))
  }

  private static func project(_ name: String, in lab: inout Lab) throws -> ProjectID {
    guard case .project(let id) = try lab.perform(.createProject(name: name, customdata: "{}")).subject else {
      fatalError("a created project is the subject")
    }
    return id
  }

  private static func server(
    _ hostname: String?, of project: ProjectID, place: PlaceRequest = .host, in lab: inout Lab
  ) throws -> Server {
    guard case .server(let id) = try lab.perform(request(hostname, of: project, place: place)).subject else {
      fatalError("a created server is the subject")
    }
    return lab.rack.servers[id]!
  }

  // MARK: Names

  @Test("two projects can have servers of one name, each project one, in whatever letters")
  func hostnames() throws {
    var lab = Lab()
    let other = try Self.project("lab", in: &lab)
    let first = try Self.server("web1", of: lab.project, in: &lab)
    lab.entropy.now += 1
    let second = try Self.server("WEB1", of: other, in: &lab)
    #expect(lab.rack.servers(named: "Web1").map(\.id) == [first.id, second.id])
    #expect(lab.rack.server(named: "web1") == nil)
    #expect(lab.rack.server(named: "web1", of: other)?.id == second.id)
    for project in [lab.project, other] {
      let refusal = #expect(throws: Refusal.self) { try lab.perform(Self.request("Web1", of: project)) }
      let own = lab.rack.server(named: "web1", of: project)!
      #expect(refusal?.description.contains("\(own.id)") == true && refusal?.description.contains("project") == true)
    }
    #expect(lab.faults() == [])
    try lab.perform(.deleteServer(first.id))
    #expect(lab.rack.server(named: "web1")?.id == second.id)
    #expect(lab.faults() == [])
  }

  @Test("a server can be renamed to what another project has, and not to what its own has")
  func renames() throws {
    var lab = Lab()
    let other = try Self.project("lab", in: &lab)
    let web1 = try Self.server("web1", of: lab.project, in: &lab)
    _ = try Self.server("db1", of: lab.project, in: &lab)
    let theirs = try Self.server("x", of: other, in: &lab)
    var update = ServerUpdate()
    update.hostname = "web1"
    try lab.perform(.updateServer(theirs.id, update))
    #expect(lab.rack.servers(named: "web1").count == 2)
    update.hostname = "DB1"
    #expect(throws: Refusal.self) { try lab.perform(.updateServer(web1.id, update)) }
    #expect(lab.faults() == [])
  }

  @Test("projects can have one name, and come and go apart")
  func projectNames() throws {
    var lab = Lab()
    let (one, two) = (try Self.project("shop", in: &lab), try Self.project("shop", in: &lab))
    #expect(Set(lab.rack.projects(named: "shop").map(\.id)) == [one, two] && lab.rack.project(named: "shop") == nil)
    try lab.perform(.updateProject(one, name: "lab", customdata: nil))
    #expect(lab.rack.project(named: "shop")?.id == two && lab.rack.project(named: "lab")?.id == one)
    try lab.perform(.updateProject(one, name: "shop", customdata: nil))
    try lab.perform(.deleteProject(two))
    #expect(lab.rack.project(named: "shop")?.id == one)
    #expect(lab.faults() == [])
  }

  @Test("a name that the rack makes up is never one that somebody has chosen")
  func madeUpNames() throws {
    // Identifiers that all begin alike, as two of many will.
    struct Alike: Entropy {
      var count: UInt8 = 0
      let now = Date(timeIntervalSince1970: 1_750_000_000)
      mutating func identifier() -> UUID {
        count += 1
        return UUID(uuid: (7, 7, 7, 7, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, count))
      }
      mutating func bits48() -> UInt64 { UInt64(count) << 8 }
    }
    var source = Alike()
    var rack = Rack(with: &source)
    let project = rack.project(named: "default")!.id
    for _ in 0..<2 { try rack.perform(Self.request(nil, of: project), with: &source) }
    #expect(Set(rack.servers.values.map(\.hostname)).count == 2)
    #expect(rack.checkInvariants() == [])
  }

  // MARK: Places

  /// A caller who has to take a namespace of the server's own.
  private static func own(_ wish: PlaceRequest.Wish, exists: Bool = false) -> PlaceRequest {
    var request = PlaceRequest(wish)
    (request.mustBeOwn, request.exists) = (true, exists)
    return request
  }

  @Test("who says nothing gets the host, or a namespace named after the server where it must be its own")
  func unstated() throws {
    var lab = Lab()
    let other = try Self.project("lab", in: &lab)
    #expect(try Self.server("a", of: other, place: .unstated, in: &lab).place == .host)
    #expect(try Self.server("b", of: other, place: Self.own(.unstated), in: &lab).place == .namespace("b", made: true))
    let nameless = try Self.server(nil, of: other, place: Self.own(.unstated), in: &lab)
    #expect(nameless.place == .namespace(nameless.hostname, made: true))
    #expect(lab.faults() == [])
  }

  @Test("a namespace that is named after the server has the short UUID behind it where the name is taken")
  func takenNames() throws {
    var lab = Lab()
    let other = try Self.project("lab", in: &lab)
    #expect(try Self.server("a", of: lab.project, place: .named, in: &lab).place == .namespace("a", made: true))
    // By a server of another project, whoever asks.
    for place in [PlaceRequest.named, Self.own(.named), Self.own(.unstated)] {
      let server = try Self.server("a", of: other, place: place, in: &lab)
      #expect(server.place == .namespace("a-\(server.id.short)", made: true))
      try lab.perform(.deleteServer(server.id))
    }
    // By something on the host: who is free goes into it, the others do not.
    var onHost = PlaceRequest.named
    onHost.exists = true
    #expect(try Self.server("b", of: other, place: onHost, in: &lab).place == .namespace("b", made: false))
    let server = try Self.server("c", of: other, place: Self.own(.named, exists: true), in: &lab)
    #expect(server.place == .namespace("c-\(server.id.short)", made: true))
    #expect(lab.faults() == [])
  }

  @Test("who must take a namespace of its own gets neither the host nor one that exists, whosever it is")
  func confined() throws {
    var lab = Lab()
    let other = try Self.project("lab", in: &lab)
    let victim = try Self.server("victim", of: lab.project, place: .namespace("vault"), in: &lab)
    let mine = try Self.server("mine", of: other, place: Self.own(.namespace("mine-ns")), in: &lab)
    #expect(mine.place == .namespace("mine-ns", made: true))

    var texts: [String] = []
    for place in [
      Self.own(.namespace("vault")), Self.own(.namespace("vault"), exists: true),
      Self.own(.namespace("vault2"), exists: true),
    ] {
      let refusal = #expect(throws: Refusal.self) { try lab.perform(Self.request("w", of: other, place: place)) }
      texts.append(refusal?.description.replacing("vault2", with: "vault") ?? "")
    }
    // Who has it is not told, nor that it is a server at all.
    #expect(Set(texts).count == 1 && texts[0].contains("choose another name"), "\(texts)")
    #expect(!texts[0].contains("victim") && !texts[0].contains("\(victim.id)"))
    let host = #expect(throws: Refusal.self) { try lab.perform(Self.request("w", of: other, place: Self.own(.host))) }
    #expect(host?.description.contains("a network namespace of its own") == true)
    let twice = #expect(throws: Refusal.self) {
      try lab.perform(Self.request("w", of: other, place: Self.own(.namespace("mine-ns"), exists: true)))
    }
    #expect(twice?.description.contains("server mine") == true)
    // Nor is a free caller told of another project's server.
    let free = #expect(throws: Refusal.self) {
      try lab.perform(Self.request("w", of: other, place: .namespace("vault", made: false)))
    }
    #expect(free?.description.contains("a namespace holds one server") == true)
    #expect(free?.description.contains("victim") == false)
    #expect(lab.faults() == [])
  }

  // MARK: Refusals

  @Test("an elastic block of another project is refused in the words of one that nobody has")
  func foreignBlock() throws {
    var lab = Lab()
    let other = try Self.project("lab", in: &lab)
    let server = try Self.server("web1", of: other, in: &lab)
    let theirs = try lab.reserve(30).block
    let free = IPPrefix(theirs.base + 64, length: 30)
    let texts = [theirs, free].map { block in
      let refusal = #expect(throws: Refusal.self) { try lab.perform(.assignBlock(server.id, block)) }
      return refusal?.description.replacing("\(block)", with: "BLOCK")
    }
    #expect(texts[0] == texts[1])
  }

  // MARK: Quotas

  private static func small() throws -> (lab: Lab, one: ProjectID, other: ProjectID) {
    var lab = Lab()
    var quotas = Quotas()
    (quotas.servers, quotas.networks, quotas.addresses) = (2, 3, 12)
    lab.rack = Rack(with: &lab.entropy, quotas: quotas)
    let other = try project("lab", in: &lab)
    return (lab, lab.project, other)
  }

  @Test("a project's quota of servers ends at its own, and a deleted server makes room")
  func serverQuota() throws {
    var (lab, one, other) = try Self.small()
    let first = try Self.server("a", of: one, in: &lab)
    _ = try Self.server("b", of: one, in: &lab)
    let refusal = #expect(throws: Refusal.self) { try lab.perform(Self.request("c", of: one)) }
    #expect(
      refusal?.messages == [
        "project \"default\" has 2 servers, and its quota is 2: delete one first, or have quota-servers raised in the "
          + "settings of toprackd"
      ])
    #expect(lab.rack.serversLeft(of: one) == 0 && lab.rack.serversLeft(of: other) == 2)
    _ = try Self.server("c", of: other, in: &lab)
    try lab.perform(.deleteServer(first.id))
    _ = try Self.server("c", of: one, in: &lab)
    #expect(lab.faults() == [])
  }

  @Test("so do those of networks and of elastic addresses, which count addresses and not blocks")
  func otherQuotas() throws {
    var (lab, one, other) = try Self.small()
    for _ in 0..<3 { try lab.network() }
    let network = #expect(throws: Refusal.self) { try lab.network() }
    #expect(network?.description.contains("has 3 virtual networks, and its quota is 3") == true)
    try lab.perform(
      .createNetwork(NetworkRequest(project: other, facility: "ewr1", vxlan: nil, description: nil)))
    let eight = try lab.reserve(29)
    let block = #expect(throws: Refusal.self) { try lab.reserve(29) }
    #expect(block?.description.contains("has 8 elastic addresses, its quota is 12, and a /29 needs 8") == true)
    try lab.reserve(30)
    #expect(throws: Refusal.self) { try lab.reserve(32) }
    try lab.perform(.reserveBlock(BlockRequest(project: other, facility: "ewr1", length: 29)))
    try lab.perform(.releaseBlock(eight.id))
    try lab.reserve(29)
    #expect(lab.faults() == [])
    #expect(lab.rack.projects[one] != nil)
  }

  @Test("a project's text has a quota in bytes, whatever it is written on; what makes it shorter is always taken")
  func textQuota() throws {
    var (lab, one, other) = try Self.small()
    var quotas = Quotas()
    quotas.text = 1
    lab.rack = Rack(with: &lab.entropy, quotas: quotas)
    one = lab.project
    other = try Self.project("lab", in: &lab)
    let server = try Self.server("a", of: one, in: &lab)
    let network = try lab.network()
    let tags = (0..<128).map { "\($0)" + String(repeating: "y", count: 76) }
    let large = String(repeating: "x", count: 60_000)
    var update = ServerUpdate()
    (update.userdata, update.customdata) = (large, "{\"a\":\"\(large)\"}")
    try lab.perform(.updateServer(server.id, update))
    try lab.perform(.updateNetwork(network, description: "d", tags: tags))
    let note = Reservation.Note(details: large, tags: tags, customdata: "{}")
    var blocks: [ReservationID] = []
    let refusal = #expect(throws: Refusal.self) {
      for _ in 0..<100 {
        let outcome = try lab.perform(
          .reserveBlock(BlockRequest(project: one, facility: "ewr1", length: 32, note: note)))
        if case .reservation(let id) = outcome.subject { blocks.append(id) }
      }
    }
    #expect(blocks.count == 13)
    let text = refusal?.description ?? ""
    for words in ["project \"default\" has", "bytes of text", "its quota is 1048576", "quota-text"] {
      #expect(text.contains(words), "\(text)")
    }
    #expect(lab.faults() == [])
    // Another project has its own, and what is shorter is no question of it.
    _ = try Self.server("a", of: other, in: &lab)
    var strict = quotas
    strict.text = 0
    var lowered = Rack(empty: lab.rack.id, quotas: strict)
    lowered.apply(lab.rack.records)
    var less = ServerUpdate()
    less.userdata = "x"
    try lowered.perform(.updateServer(server.id, less), with: &lab.entropy)
    try lowered.perform(.setMTU(server.id, 9_000), with: &lab.entropy)
    less.userdata = "xy"
    #expect(throws: Refusal.self) { try lowered.perform(.updateServer(server.id, less), with: &lab.entropy) }
    try lab.perform(.releaseBlock(blocks[0]))
    try lab.perform(.reserveBlock(BlockRequest(project: one, facility: "ewr1", length: 32, note: note)))
    for id in [server.id] { try lab.perform(.deleteServer(id)) }
    #expect(lab.faults() == [])
  }

  @Test("what gives room back")
  func givesBack() {
    let id = UUID()
    for command: Command in [
      .revokeToken(TokenID(id)), .deleteProject(ProjectID(id)), .deleteServer(ServerID(id)),
      .deleteNetwork(NetworkID(id)), .releaseBlock(ReservationID(id)), .unassignBlock(AssignmentID(id)),
      .unassign(PortID(id), .number(2)),
    ] {
      #expect(command.givesBack)
    }
    for command: Command in [.setAging(seconds: 1), .reboot(ServerID(id)), .assign(PortID(id), .number(2))] {
      #expect(!command.givesBack)
    }
  }

  @Test("a rack that has more than a new quota allows is sound, keeps it, and gives no more")
  func loweredQuota() throws {
    var lab = Lab()
    for name in ["a", "b", "c"] { try lab.server(name) }
    var quotas = Quotas()
    quotas.servers = 1
    var strict = Rack(empty: lab.rack.id, quotas: quotas)
    strict.apply(lab.rack.records)
    #expect(strict.checkInvariants() == [] && strict == lab.rack)
    let refusal = #expect(throws: Refusal.self) {
      try strict.perform(Self.request("d", of: lab.project), with: &lab.entropy)
    }
    #expect(refusal?.description.contains("has 3 servers, and its quota is 1") == true)
    #expect(strict.serversLeft(of: lab.project) == 0)
  }
}
