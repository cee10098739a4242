import HTTPTypes
import Rack
import Synchronization
import Testing

@testable import API

@Suite("include and exclude") struct ExpansionTests {
  private func expansion(include: String? = nil, exclude: String? = nil) throws -> Expansion {
    Expansion(
      try arguments(query: ["include": include, "exclude": exclude].compactMapValues { $0 }))
  }

  @Test("dotted names are a tree of three levels; what is included brings what it lies in")
  func tree() throws {
    let wishes = try expansion(include: "a.b.c.d,,e,.", exclude: "f.g,e")
    #expect(wishes["a"] == .include && wishes.inside("a")["b"] == .include)
    #expect(wishes.inside("a").inside("b")["c"] == .include)
    #expect(wishes.inside("a").inside("b").inside("c") == .none)
    #expect(wishes["e"] == .exclude && wishes["f"] == nil && wishes.inside("f")["g"] == .exclude)
    #expect(try expansion() == .none && expansion(include: "") == .none)
  }

  @Test("nested things are whole or links, on every method, and keep their link")
  func devices() async throws {
    try await WholeAPI.test { api in
      let id = try api.id(try await api.device(#", "hostname": "web1""#))
      try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "hybrid"}"#)
      _ = try await api.network(7)
      let plain = try await api.call(.get, "/devices/\(id)")
      try await api.call(.post, "/ports/\(api.id(plain["network_ports"]?[2]))/assign", #"{"vnid": 7}"#)
      let path =
        "/devices/\(id)?include=facility,project.organization,network_ports.virtual_networks.assigned_to,nobody"
        + "&exclude=plan,ip_addresses,metro"
      for method in [HTTPRequest.Method.get, .put, .patch] {
        let device = try await api.call(method, path)
        #expect(device["facility"] == plain["facility"] && device["facility"]?["code"] == "ewr1")
        #expect(device["project"]?["organization"]?["projects"]?.elements.count == 1)
        #expect(device["project"]?["devices"] == nil)
        let network = device["network_ports"]?[2]?["virtual_networks"]?[0]
        #expect(network?["facility_code"] == "ewr1" && network?["assigned_to"]?["created_at"] != nil)
        #expect(device["plan"]?.members.map(\.name) == ["href"] && device["plan"]?["href"] == plain["plan"]?["href"])
        #expect(device["metro"]?.members.map(\.name) == ["href"])
        #expect(device["ip_addresses"]?.elements.allSatisfy { $0.members.map(\.name) == ["href"] } == true)
      }
      let project = try await api.call(.get, "/projects/\(api.project())?include=devices.plan")
      #expect(project["devices"]?[0]?["plan"]?["slug"] == "c3.small.x86")
      let plan = try await api.call(.get, "/plans?include=available_in&exclude=available_in.metro")["plans"]?[0]
      #expect(plan?["available_in"]?[0]?["code"] == "ewr1")
      #expect(plan?["available_in"]?[0]?["metro"]?.members.map(\.name) == ["href"])
    }
  }

  @Test("a network shows the devices that are on it, once each, and their ports and networks in turn")
  func instances() async throws {
    try await WholeAPI.test { api in
      let device = try await api.device(#", "hostname": "web1""#)
      try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "layer2-individual"}"#)
      let network = "/virtual-networks/\(try await api.network(7))"
      for index in 1...2 {
        try await api.call(.post, "/ports/\(api.id(device["network_ports"]?[index]))/assign", #"{"vnid": 7}"#)
      }
      #expect(try await api.call(.get, network)["instances"] == [["href": try #require(device["href"])]])
      let whole = try await api.call(
        .get,
        "\(network)?include=assigned_to,instances,instances.network_ports.virtual_networks,virtual_networks,meta_gateway"
      )
      #expect(whole["instances"]?.elements.count == 1)
      #expect(whole["instances"]?[0]?["network_ports"]?[2]?["virtual_networks"]?[0]?["metro_code"] == "ny")
      #expect(whole["assigned_to"]?["max_devices"] == [:])
    }
  }

  @Test("no request makes an answer of everything about everything")
  func limit() throws {
    var source = Counting()
    let rack = Rack(with: &source)
    let project = try #require(rack.projects.keys.first)
    let renderer = Renderer(rack: rack, prefix: "", expansion: try expansion(include: "project"))
    let shown = (0..<Expansion.limit + 10).map { _ in renderer.project(nested: project) }
    #expect(shown.count { $0["created_at"] != nil } == Expansion.limit)
    #expect(shown.last?["href"] == .string("/projects/\(project)"))
  }

  /// A rack with one server whose owner has written as much on it as it takes.
  private func heavy() throws -> (rack: Rack, server: Server) {
    var source = Counting()
    var rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    let text = #"{"a":["# + String(repeating: "0,", count: 32_000) + "0]}"
    try rack.perform(.updateProject(project, name: nil, customdata: text), with: &source)
    var request = ServerRequest(
      hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
      place: .host)
    request.details.customdata = text
    let created = try rack.perform(.createServer(request), with: &source)
    guard case .server(let id) = created.subject else { throw APIError.invalid("no server") }
    return (rack, try #require(rack.servers[id]))
  }

  @Test("what is included weighs what it is long: beyond the limit it stays a link, and what is asked for is whole")
  func weight() throws {
    let (rack, server) = try heavy()
    let renderer = Renderer(rack: rack, prefix: "", expansion: try expansion(include: "project.devices"))
    let shown = (0..<200).map { _ in renderer.device(server) }
    let whole = shown.count { $0["project"]?["devices"] != nil }
    // Each project has its own 64 kB and those of its device.
    #expect((60...70).contains(whole), "\(whole)")
    #expect(shown.last?["project"]?["name"] == "default" && shown.last?["project"]?["customdata"] == nil)
    #expect(shown.last?["customdata"]?["a"]?.elements.count == 32_001)
    #expect(JSON.array(shown).text.count < 200 * 72_000 + Expansion.byteLimit + 1_000_000)
  }

  @Test("an answer that nobody waits for any more is given up")
  func abandoned() async throws {
    let (rack, server) = try heavy()
    let asked = Mutex(0)
    let isWanted: @Sendable () -> Bool = {
      asked.withLock { count in
        count += 1
        return count <= 3
      }
    }
    let renderer = Renderer(
      rack: rack, prefix: "", expansion: try expansion(include: "project"), isWanted: isWanted)
    let shown = (0..<10).map { _ in renderer.device(server) }
    #expect(shown.count { $0["project"]?["customdata"] != nil } == 3)
    #expect(shown.prefix(3).allSatisfy { $0["project"]?["customdata"] != nil })

    let call = Call(
      prefix: "", path: "/", parameters: [:], arguments: try arguments(), access: Access(scope: .all, by: "test"),
      keeper: RackAlone())
    asked.withLock { $0 = 0 }
    let reply = Page(first: 1000).reply("things", of: Array(0..<20), call: call, rack.whole) { _, number in
      _ = isWanted()
      return .string(String(repeating: "x", count: 10_000 + number))
    }
    guard case .list(let page) = reply.body else {
      Issue.record("no list")
      return
    }
    await #expect(throws: CancellationError.self) {
      _ = try await UntakenAnswers().body(page, for: call.access.caller, .free) { false }
    }
    #expect(asked.withLock(\.self) == 7, "a piece")
  }
}
