import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("openapi.yaml") struct DescriptionTests {
  @Test("has every route of the router, and no other")
  func routes() throws {
    var routes = Routes(keeper: RackAlone())
    APIResponder.register(on: &routes)
    let real = routes.methods.flatMap { path, methods in
      let braces = path.replacing(/:(\w+)/) { "{\($0.output.1)}" }
      return methods.map { "\($0.rawValue) \(braces)" }
    }
    let described = try Description().operations
    #expect(Set(real).subtracting(described).sorted() == [])
    #expect(described.subtracting(real).sorted() == [])
  }

  @Test("every reference points at something, every name in a path is a parameter, every operation has its own name")
  func isSound() throws {
    let description = try Description()
    func references(_ value: JSON) -> [String] {
      (value["$ref"]?.string.map { [$0] } ?? []) + (value.elements + value.members.map(\.value)).flatMap(references)
    }
    let all = references(description.document)
    #expect(all.count > 300 && Set(all).filter { description.target($0) == nil } == [])
    var names: Set<String> = []
    for path in description.document["paths"]?.members ?? [] {
      let wanted = path.name.matches(of: /{(\w+)}/).map { String($0.output.1) }
      for operation in path.value.members {
        let parameters = (operation.value["parameters"]?.elements ?? []).map(description.resolved)
        let given = parameters.filter { $0["in"] == "path" }.compactMap { $0["name"]?.string }
        #expect(Set(given) == Set(wanted), "\(operation.name) \(path.name)")
        let isNew = names.insert(operation.value["operationId"]?.string ?? "").inserted
        #expect(isNew, "\(operation.name) \(path.name)")
      }
    }
  }

  @Test("is served as it is, below both prefixes")
  func served() async throws {
    try await WholeAPI.test { api in
      for prefix in RequestPath.prefixes {
        let answer = try await api.ask(.get, "\(prefix)/openapi.yaml")
        #expect(answer.status == .ok && answer.headers[.contentType] == "application/yaml; charset=utf-8")
        #expect(answer.bytes == DescriptionRoutes.text && answer.bytes.starts(with: "# The API".utf8))
      }
    }
  }

  /// Paths that a rack alone cannot answer, or that do not end.
  private static let elsewhere: Set = [
    "/toprack/status", "/toprack/backup", "/events/stream", "/openapi.yaml", "/toprack/devices/{server}/console",
    "/toprack/devices/{server}/vm", "/toprack/capture", "/toprack/why", "/toprack/drops/stream", "/metrics",
    "/healthz", "/readyz",
  ]

  @Test("answers are as it says, also with everything included", arguments: ["", "?include=*", "?exclude=*"])
  func answers(_ query: String) async throws {
    try await WholeAPI.test { api in
      let world = try await World(api)
      let description = try Description()
      let names =
        "project,organization,projects,devices,facility,metro,plan,operating_system,ip_addresses,network_ports,virtual_networks,"
        + "native_virtual_network,hardware,assigned_to,interface,instances,port,virtual_network,relationships,available_in,"
        + "available_in_metros,assignments,network_ports.virtual_networks,ssh_keys,owner,entity"
      let wishes = query.replacing("*", with: names)
      var count = 0
      for path in (description.document["paths"]?.members ?? []).map(\.name) where !Self.elsewhere.contains(path) {
        guard description.document["paths"]?[path]?["get"] != nil else { continue }
        let concrete = try world.concrete(path)
        let answer = try await api.ask(
          .get, concrete + (concrete.contains("?") ? wishes.replacing("?", with: "&") : wishes))
        #expect(answer.status == .ok, "\(concrete)")
        #expect(description.faults("get", path, answer.status.code, answer.json).prefix(5) == [], "\(concrete)")
        count += 1
      }
      #expect(count > 50)
    }
  }

  @Test("answers to changes, and errors, are as it says")
  func changes() async throws {
    try await WholeAPI.test { api in
      let world = try await World(api)
      let description = try Description()
      let device = #"{"plan": "c3.small.x86", "operating_system": "debian_12", "facility": "ewr1"}"#
      let cases: [(HTTPRequest.Method, String, String?, Int)] = [
        (.post, "/projects", #"{"name": "x"}"#, 201), (.post, "/projects", "{}", 422), (.post, "/projects", "[", 400),
        (.post, "/organizations/{id}/projects", #"{"name": "y"}"#, 201), (.put, "/projects/{id}", "{}", 200),
        (.patch, "/projects/{id}", #"{"name": ""}"#, 422), (.delete, "/projects/{id}", nil, 422),
        (.post, "/projects/{id}/devices", device, 201), (.post, "/projects/{id}/devices", "{}", 422),
        (.put, "/devices/{id}", nil, 200), (.patch, "/devices/{id}", #"{"tags": 1}"#, 422),
        (.post, "/devices/{id}/actions", #"{"type": "reboot"}"#, 202), (.post, "/devices/{id}/actions", "{}", 422),
        (.post, "/projects/{id}/virtual-networks", #"{"metro": "ny"}"#, 201),
        (.put, "/virtual-networks/{id}", "{}", 200), (.delete, "/virtual-networks/{id}", nil, 422),
        (.post, "/ports/{id}/assign", #"{"vnid": 1003}"#, 200), (.post, "/ports/{id}/assign", "{}", 422),
        (.post, "/ports/{id}/native-vlan", #"{"vnid": 1003}"#, 200), (.delete, "/ports/{id}/native-vlan", nil, 200),
        (.post, "/ports/{id}/unassign", #"{"vnid": 1003}"#, 200),
        (.post, "/ports/{id}/vlan-assignments/batches", #"{"vlan_assignments": [{"vlan": 1003}]}"#, 201),
        (.post, "/ports/{id}/disbond", nil, 200), (.post, "/ports/{id}/bond", nil, 422),
        (.post, "/ports/{id}/convert/layer-2", nil, 422), (.post, "/ports/{id}/convert/layer-3", nil, 422),
        (.post, "/projects/{id}/ips", #"{"type": "public_ipv4", "quantity": 1, "facility": "ewr1"}"#, 201),
        (.post, "/projects/{id}/ips", "{}", 422), (.post, "/devices/{id}/ips", "{}", 422),
        (.patch, "/ips/{id}", #"{"details": "x"}"#, 200), (.patch, "/ips/{id}", #"{"tags": 1}"#, 422),
        (.post, "/devices/{id}/actions", #"{"type": "reinstall", "operating_system": "debian_11"}"#, 202),
        (.delete, "/ips/{id}", nil, 422),
        (.post, "/capacity", #"{"servers": [{"facility": "ewr1", "plan": "c3.small.x86"}]}"#, 200),
        (.post, "/capacity/metros", #"{"servers": [{"metro": "ny", "plan": "c3.small.x86"}]}"#, 200),
        (.put, "/toprack/devices/{server}/mode", #"{"mode": "hybrid"}"#, 200),
        (.put, "/toprack/devices/{server}/mtu", #"{"mtu": 9000}"#, 200),
        (.get, "/toprack/devices/{server}/vm", nil, 404), (.put, "/toprack/devices/{server}/vm", "{}", 503),
        (.delete, "/toprack/devices/{server}/vm", nil, 503),
        (.put, "/toprack/devices/{server}/attachment", "{}", 503),
        (.delete, "/toprack/devices/{server}/attachment", nil, 503),
        (.post, "/toprack/devices/{server}/repair", nil, 422),
        (.post, "/toprack/devices/{server}/ports/{port}/reopen", nil, 422),
        (.patch, "/toprack/links/{server}/{nic}", #"{"to_server": {"loss": "1%"}}"#, 200),
        (.put, "/toprack/links/{server}/{nic}", #"{"down": true, "from_server": {"delay_ms": 5}}"#, 200),
        (.put, "/toprack/links/{server}/{nic}", #"{"to_server": 1}"#, 422), (.get, "/toprack/links", nil, 200),
        (.post, "/toprack/facilities/{facility}/fail", #"{"switch": "b"}"#, 200),
        (.post, "/toprack/facilities/{facility}/fail", "{}", 422),
        (.post, "/toprack/facilities/{facility}/heal", nil, 200),
        (.put, "/toprack/settings/aging", #"{"seconds": 10}"#, 200),
        (.put, "/toprack/settings/lacp-rate", #"{"rate": "fast"}"#, 200),
        (.post, "/ssh-keys", #"{"label": "a", "key": "\#(KeyVectors.rsa)", "instances_ids": []}"#, 201),
        (.post, "/ssh-keys", "{}", 422), (.post, "/projects/{id}/ssh-keys", "{}", 422),
        (.post, "/projects/{id}/ssh-keys", #"{"label": "a", "key": "\#(KeyVectors.rsa)"}"#, 201),
        (.put, "/ssh-keys/{id}", "{}", 200), (.patch, "/ssh-keys/{id}", #"{"label": "b"}"#, 200),
        (.patch, "/ssh-keys/{id}", #"{"key": "x"}"#, 422), (.delete, "/ssh-keys/{id}", nil, 204),
        (.delete, "/ssh-keys/{id}", nil, 404), (.get, "/toprack/ssh-keys", #"{"search": 1}"#, 422),
        (.get, "/toprack/labs/{lab}/file", nil, 200), (.post, "/toprack/labs/{lab}/plan", World.lab, 200),
        (.put, "/toprack/labs/{lab}", World.lab, 200), (.put, "/toprack/labs/{lab}", "lab: shop\nx: 1", 422),
        (.put, "/toprack/labs/{lab}", "lab: shop\nnetworks: {web: {vxlan: 1001}}", 409),
        (.post, "/toprack/labs/{lab}/restore", #"{"from": "before"}"#, 200),
        (.post, "/toprack/labs/{lab}/restore", #"{"from": "other"}"#, 409),
        (.delete, "/toprack/labs/{lab}/checkpoints/{checkpoint}", nil, 204),
        (.delete, "/toprack/labs/{lab}/checkpoints/{checkpoint}", nil, 404),
        (.delete, "/toprack/labs/{lab}", nil, 200), (.delete, "/toprack/labs/{lab}", nil, 404),
        (.post, "/toprack/mirrors", #"{"name": "n", "from": "vxlan:1001", "to": "mon0"}"#, 201),
        (.post, "/toprack/mirrors", "{}", 422), (.delete, "/toprack/mirrors/{mirror}", nil, 204),
        (.delete, "/toprack/mirrors/{mirror}", nil, 404),
        (.post, "/toprack/tokens", #"{"name": "u"}"#, 201), (.post, "/toprack/tokens", "{}", 422),
        (.delete, "/toprack/tokens/{token}", nil, 204), (.delete, "/toprack/tokens/{token}", nil, 404),
        (.post, "/toprack/wait", #"{"servers": ["web1"], "timeout_ms": 0}"#, 200), (.post, "/toprack/wait", "{}", 422),
        (.post, "/toprack/wait", #"{"servers": ["web9"]}"#, 404),
        (.post, "/toprack/checks", #"{"checks": [{"server": "web9", "link": "eth0"}]}"#, 200),
        (.post, "/toprack/checks", #"{"checks": [{}]}"#, 422),
        (.post, "/toprack/checks", #"{"project": "nowhere", "checks": []}"#, 404),
        (.delete, "/toprack/fdb", nil, 200), (.get, "/projects", nil, 200), (.get, "/toprack/fdb", nil, 200),
      ]
      _ = try await api.network(1003)
      for (method, path, body, status) in cases {
        let answer = try await api.ask(method, try world.concrete(path), body)
        #expect(answer.status.code == status, "\(method.rawValue) \(path): \(answer.errors)")
        let faults = description.faults(method.rawValue.lowercased(), path, answer.status.code, answer.json)
        #expect(faults.prefix(5) == [], "\(method.rawValue) \(path)")
      }
    }
  }

  @Test("every link in an answer can be followed", arguments: RequestPath.prefixes)
  func links(_ prefix: String) async throws {
    try await WholeAPI.test { api in
      let world = try await World(api)
      let description = try Description()
      var waiting = try (description.document["paths"]?.members ?? []).map(\.name)
        .filter { !Self.elsewhere.contains($0) && description.document["paths"]?[$0]?["get"] != nil }
        .map { prefix + (try world.concrete($0)) }
      var seen: Set<String> = []
      while let path = waiting.popLast() {
        guard seen.insert(path).inserted else { continue }
        let answer = try await api.ask(.get, path)
        #expect(answer.status == .ok, "\(path)")
        waiting += links(in: answer.json)
      }
      #expect(seen.count > 100 && seen.allSatisfy { $0.hasPrefix(prefix + "/") })
    }
  }

  private func links(in value: JSON) -> [String] {
    (value["href"]?.string.map { [$0] } ?? []) + (value["available"]?.string.map { ["\($0)?cidr=32"] } ?? [])
      + (value.elements + value.members.map(\.value)).flatMap(links)
  }
}

/// A rack with something of each kind, and where it is.
private struct World {
  private var places: [String: String] = [:]

  init(_ api: WholeAPI) async throws {
    let project = try await api.project()
    let key = try await api.call(
      .post, "/projects/\(project)/ssh-keys", #"{"label": "laptop", "key": "\#(KeyVectors.ed25519)", "tags": ["a"]}"#,
      201)
    try await api.call(.post, "/ssh-keys", #"{"label": "me", "key": "\#(KeyVectors.ecdsa)"}"#, 201)
    let device = try await api.device(#", "hostname": "web1", "tags": ["a"], "customdata": {"a": 1}"#)
    try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "hybrid"}"#)
    let port = try api.id(device["network_ports"]?[2])
    let network = try await api.network(1001)
    _ = try await api.network(1002, #""metro": "ny""#)
    let batch = try await api.call(
      .post, "/ports/\(port)/vlan-assignments/batches",
      #"{"vlan_assignments": [{"vlan": 1001, "native": true}, {"vlan": 1002}]}"#, 201)
    let reservation = try await api.call(
      .post, "/projects/\(project)/ips", #"{"type": "public_ipv4", "quantity": 8, "facility": "ewr1"}"#, 201)
    let block = try #require(
      try await api.call(.get, "/ips/\(api.id(reservation))/available?cidr=32")["available"]?[3]?.string)
    try await api.call(.post, "/devices/\(api.id(device))/ips", #"{"address": "\#(block)"}"#, 201)
    let assignment = try await api.call(.get, "/ports/\(port)/vlan-assignments")["vlan_assignments"]?[0]
    try await api.call(.put, "/toprack/labs/shop", Self.lab, 201)
    try await api.call(.put, "/toprack/labs/shop/checkpoints/before")
    let event = try await api.call(.get, "/events")["events"]?[0]
    let mirror = try await api.call(
      .post, "/toprack/mirrors", #"{"name": "m", "from": "web1:bond0", "to": "mon0"}"#, 201)
    let token = try await api.call(.post, "/toprack/tokens", #"{"name": "t", "project": "default"}"#, 201)
    places = [
      "/users": Owner.user.text, "/organizations": Owner.organization.text, "/projects": project,
      "/devices": try api.id(device), "/virtual-networks": network, "/ports": port, "/ips": try api.id(reservation),
      "/ssh-keys": try api.id(key), "/events": try api.id(event), "/facilities": Catalogue.facilities[0].id.text,
      "/locations/metros": Catalogue.metros[0].id.text, "/plans": Catalogue.plans[0].id.text,
      "/operating-systems": Catalogue.operatingSystems[0].id.text, "{assignment}": try api.id(assignment),
      "{batch}": try api.id(batch), "{token}": try api.id(token),
      "{mirror}": try api.id(mirror),
    ]
  }

  static let lab = "lab: shop\nnetworks: {web: {vxlan: 1500}}\n"

  /// A path with things of this rack for its names, and a query without which it answers nothing.
  func concrete(_ path: String) throws -> String {
    var path = path.replacing("{server}", with: "web1").replacing("{port}", with: "eth1")
      .replacing("{nic}", with: "eth0").replacing("{facility}", with: "ewr1")
      .replacing("{lab}", with: "shop").replacing("{checkpoint}", with: "before")
    for name in ["{assignment}", "{batch}", "{token}", "{mirror}"] {
      path = path.replacing(name, with: places[name] ?? "")
    }
    if let range = path.firstRange(of: "/{id}") {
      let kind = String(path[..<range.lowerBound])
      path = path.replacing("{id}", with: try #require(places[kind], "\(kind)"))
    }
    return path.hasSuffix("/available") ? path + "?cidr=32" : path
  }
}
