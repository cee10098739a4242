import FoundationEssentials
import Rack
import Testing

/// Mirrors as records: who may be an end, what is refused because of one, and when one goes.
@Suite("Mirrors in the rack") struct MirrorTests {
  /// web1 and probe in layer2-individual, network 1001 on eth0 of web1.
  private static func lab() throws -> Lab {
    var lab = Lab()
    try lab.network(1001)
    for name in ["web1", "probe"] {
      try lab.server(name)
      try lab.perform(.setMode(lab[name].id, .layer2Individual))
    }
    try lab.attach(1001, to: .eth0, of: "web1")
    return lab
  }

  private static func request(_ lab: Lab, _ name: String = "look", to port: PortName = .eth1) -> MirrorRequest {
    MirrorRequest(name: name, source: .port(lab["web1"].eth0.id), end: .port(lab["probe"][port].id))
  }

  private func refusal(_ attempt: () throws -> Void) -> String {
    do {
      try attempt()
      return "not refused"
    } catch { return "\(error)" }
  }

  @Test("a mirror is made, told and removed, and the records make it again")
  func comesAndGoes() throws {
    var lab = try Self.lab()
    let outcome = try lab.perform(.createMirror(Self.request(lab)))
    #expect(outcome.events.map(\.body) == ["mirror look created: web1:eth0 to probe:eth1"])
    #expect(outcome.event?.type == "mirror.create" && outcome.event?.server == lab["web1"].id)
    let mirror = try #require(lab.rack.mirrors.values.first)
    #expect(mirror.direction == .both && mirror.filter == nil && mirror.project == lab.project)
    var fresh = Rack(empty: lab.rack.id)
    fresh.apply(lab.rack.records)
    #expect(fresh == lab.rack && fresh.checkInvariants() == [])
    #expect(refusal { try lab.perform(.createMirror(Self.request(lab))) }.contains("a mirror named \"look\" already"))
    let removed = try lab.perform(.deleteMirror(mirror.id))
    #expect(removed.events.map(\.body) == ["mirror look removed"] && lab.rack.mirrors.isEmpty)
    #expect(refusal { try lab.perform(.deleteMirror(mirror.id)) }.contains("does not exist"))
  }

  @Test("a mirror of a network has one direction")
  func direction() throws {
    var lab = try Self.lab()
    let network = try #require(lab.rack.networks.keys.first)
    var request = Self.request(lab)
    request.source = .network(network)
    request.direction = .both
    #expect(refusal { try lab.perform(.createMirror(request)) }.hasSuffix("as they came in; valid is in"))
    request.direction = nil
    try lab.perform(.createMirror(request))
    #expect(lab.rack.mirrors.values.map(\.direction) == [.in])
  }

  @Test("who cannot be an end is told why")
  func ends() throws {
    var lab = try Self.lab()
    try lab.server("bonded")
    func words(_ end: Mirror.End) -> String {
      var request = Self.request(lab)
      request.end = end
      return refusal { try lab.perform(.createMirror(request)) }
    }
    let rule = "a mirror's end is a NIC outside the bond without virtual networks"
    #expect(
      words(.port(lab["bonded"].bond0.id)) == "bond0 of bonded cannot be a mirror's end; \(rule): eth0 or eth1")
    #expect(words(.port(lab["bonded"].eth0.id)).hasPrefix("eth0 of bonded is a member of bond0; \(rule)"))
    #expect(words(.port(lab["web1"].eth0.id)).hasPrefix("eth0 of web1 carries virtual network 1001; \(rule)"))
    var own = Self.request(lab)
    (own.source, own.end) = (.port(lab["probe"].eth1.id), .port(lab["probe"].eth1.id))
    #expect(refusal { try lab.perform(.createMirror(own)) }.contains("cannot be mirrored to itself"))
    for name in ["", "a/b", "a:b", "..", "sixteen-letters-"] {
      #expect(words(.device(name)).contains("is not valid; valid is the name of a network interface"), "\(name)")
    }
    #expect(lab.rack.mirrors.isEmpty)
    for number in 0..<Rack.mirrorLimit {
      try lab.perform(.createMirror(Self.request(lab, "m\(number)")))
    }
    #expect(refusal { try lab.perform(.createMirror(Self.request(lab, "one more"))) }.contains("its limit"))
  }

  @Test("an end gets nothing else to carry, whatever the command, and the refusal names the mirror")
  func kept() throws {
    var lab = try Self.lab()
    try lab.perform(.createMirror(Self.request(lab)))
    let end = "eth1 of probe is the end of mirror \"look\""
    let advice = "; 'toprack mirror remove look' first"
    #expect(
      refusal { try lab.attach(1001, to: .eth1, of: "probe") } == "\(end), so it carries no virtual network\(advice)")
    let commands: [Command] = [
      .bond(lab["probe"].eth1.id, bulk: false), .setMode(lab["probe"].id, .layer2Bonded),
      .setMode(lab["probe"].id, .layer3),
    ]
    for command in commands {
      #expect(refusal { try lab.perform(command) } == "\(end), so it stays outside the bond\(advice)")
    }
    try lab.attach(1001, to: .eth0, of: "probe")
    try lab.perform(.deleteMirror(try #require(lab.rack.mirrors.keys.first)))
    try lab.attach(1001, to: .eth1, of: "probe")
  }

  @Test("a mirror goes with its source, with its end, and with its network")
  func gone() throws {
    for server in ["web1", "probe"] {
      var lab = try Self.lab()
      try lab.perform(.createMirror(Self.request(lab)))
      let outcome = try lab.perform(.deleteServer(lab[server].id))
      #expect(outcome.events.map(\.body) == ["\(server) deleted", "mirror look removed"])
      #expect(lab.rack.mirrors.isEmpty && lab.rack.checkInvariants() == [])
    }
    var lab = try Self.lab()
    try lab.network(1002)
    var request = Self.request(lab)
    request.source = .network(try #require(lab.rack.networks.values.first { $0.vxlan == 1002 }).id)
    request.end = .device("mon0")
    #expect(try lab.perform(.createMirror(request)).event?.project == nil, "an interface of the host is the host's")
    try lab.perform(.deleteNetwork(try #require(lab.rack.networks.values.first { $0.vxlan == 1002 }).id))
    #expect(lab.rack.mirrors.isEmpty)
  }

  @Test("the end is of the same project")
  func tenants() throws {
    var lab = try Self.lab()
    try lab.perform(.createProject(name: "other", customdata: "{}"))
    let other = try #require(lab.rack.project(named: "other")?.id)
    let made = try lab.perform(
      .createServer(
        ServerRequest(
          hostname: "spy", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: other,
          place: PlaceRequest(.host))))
    guard case .server(let id) = made.subject else { return }
    try lab.perform(.setMode(id, .layer2Individual))
    var request = Self.request(lab)
    request.end = .port(try #require(lab.rack.servers[id]).eth1.id)
    #expect(refusal { try lab.perform(.createMirror(request)) }.contains("a mirror stays within its project"))
  }
}
