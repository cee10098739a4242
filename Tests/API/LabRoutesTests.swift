import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Labs by the API") struct LabRoutesTests {
  static let shop = """
    lab: shop
    defaults: {facility: ewr1}
    networks: {web: {vxlan: 1001}}
    servers:
      web[1-2]: {mode: hybrid, ports: {eth1: [web]}}
    """

  private func changes(_ json: JSON) -> [String] {
    (json["changes"]?.elements ?? []).map { change in
      ["op", "kind", "name", "key"].compactMap { change[$0]?.string }.joined(separator: " ")
    }
  }

  @Test("a plan says what an apply does, and an apply of what is so does nothing and leaves no event")
  func apply() async throws {
    try await WholeAPI.test { api in
      let plan = try await api.call(.post, "/toprack/labs/shop/plan", Self.shop)
      #expect(plan["generation"] == 0 && plan["losing"] == false)
      #expect(changes(plan) == ["create network web", "create server web1", "create server web2"])
      #expect(try await api.call(.get, "/toprack/labs")["labs"]?.elements.isEmpty == true, "a plan changes nothing")
      let made = try await api.ask(.put, "/toprack/labs/shop", Self.shop, with: [.ifMatch: "\"0\""])
      #expect(made.status == .created && changes(made.json) == changes(plan) && made.headers[.eTag] == "\"1\"")
      let before = try await api.call(.get, "/toprack/devices/web1")
      let events = try await api.call(.get, "/events")["meta"]?["total"]
      let again = try await api.call(.put, "/toprack/labs/shop", Self.shop)
      #expect(changes(again) == [] && again["generation"] == 1)
      #expect(try await api.call(.get, "/events")["meta"]?["total"] == events)
      #expect(try await api.call(.get, "/toprack/devices/web1") == before)
      let lab = try await api.call(.get, "/toprack/labs/shop")
      #expect(lab["servers"]?.elements == ["web1", "web2"] && lab["networks"]?.elements == ["web"])
    }
  }

  @Test("a change by hand is a new generation: who has planned before it gets 412, and the diff changes it back")
  func generations() async throws {
    try await WholeAPI.test { api in
      try await api.call(.put, "/toprack/labs/shop", Self.shop, 201)
      let eth1 = try api.id(try await api.call(.get, "/toprack/devices/web1")["network_ports"]?[2])
      try await api.call(.post, "/ports/\(eth1)/unassign", #"{"vnid": 1001}"#)
      let stale = try await api.ask(.put, "/toprack/labs/shop", Self.shop, with: [.ifMatch: "1"])
      #expect(
        stale.status == .preconditionFailed
          && stale.errors == [
            "lab shop is of generation 2 now, not 1: it was changed meanwhile; plan again"
          ])
      let plan = try await api.call(.post, "/toprack/labs/shop/plan", Self.shop)
      #expect(changes(plan) == ["change port web1 eth1 networks"])
      try await api.call(.put, "/toprack/labs/shop", Self.shop)
      #expect(changes(try await api.call(.post, "/toprack/labs/shop/plan", Self.shop)) == [])
    }
  }

  @Test("what is wrong with a file is 422 with places, what does not go with the rack is 409, and nothing has changed")
  func refusals() async throws {
    try await WholeAPI.test { api in
      let wrong = try await api.ask(
        .put, "/toprack/labs/shop",
        "lab: shop\nservers:\n  web1: {mod: hybrid, plan: x}\nnetworks: {a: {vxlan: 4095}}\n")
      #expect(wrong.status == .unprocessableContent)
      #expect(wrong.json["faults"]?.elements.map { $0["line"] } == [3, 3, 4])
      #expect(wrong.json["faults"]?[0]?["nearest"] == "mode")
      #expect(wrong.errors.first?.hasPrefix("3:") == true)
      try await api.refuse(.put, "/toprack/labs/other", Self.shop, 422, "must be the same")
      try await api.refuse(.put, "/toprack/labs/shop?set=servers", Self.shop, 422, "PATH=VALUE")
      try await api.refuse(.put, "/toprack/labs/shop", "lab: shop\nservers: {a: {vm: {disk: a.img}}}", 422, "a.img")
      _ = try await api.device(#", "hostname": "web2""#)
      try await api.refuse(.put, "/toprack/labs/shop", Self.shop, 409, "web2")
      #expect(try await api.call(.get, "/toprack/labs")["labs"]?.elements.isEmpty == true)
      let rack = await api.keeper.rack
      #expect(rack.servers.count == 1 && rack.networks.isEmpty)
      let adopted = try await api.call(.put, "/toprack/labs/shop?adopt=true", Self.shop, 201)
      #expect(changes(adopted).contains { $0.contains("web2") })
      try await api.refuse(.get, "/toprack/labs/none", nil, 404, "none")
    }
  }

  @Test("a lab that is exported, destroyed and applied is the same again; a checkpoint brings its addresses back")
  func around() async throws {
    try await WholeAPI.test { api in
      try await api.call(.put, "/toprack/labs/shop", Self.shop, 201)
      let addresses = try await api.call(.get, "/toprack/devices/web1")["ip_addresses"]?.elements.map { $0["address"] }
      try await api.call(.put, "/toprack/labs/shop/checkpoints/full")
      let file = String(decoding: try await api.ask(.get, "/toprack/labs/shop/file").bytes, as: UTF8.self)
      #expect(file.contains("web[1-2]"), "\(file)")
      let gone = try await api.call(.delete, "/toprack/labs/shop")
      #expect(changes(gone) == ["remove server web1", "remove server web2", "remove network web"])
      let rack = await api.keeper.rack
      #expect(rack.servers.isEmpty && rack.networks.isEmpty)
      try await api.call(.post, "/toprack/labs/shop/restore?from=full", "")
      let after = try await api.call(.get, "/toprack/devices/web1")["ip_addresses"]?.elements.map { $0["address"] }
      #expect(after == addresses)
      #expect(changes(try await api.call(.post, "/toprack/labs/shop/plan", file)) == [])
    }
  }

  @Test("a project that nobody has and an image that is not there are faults of the file, each in its place, once")
  func places() async throws {
    try await WholeAPI.test { api in
      for (file, line) in [
        ("lab: shop\nproject: nowhere\n", "2:10: there is no project"),
        ("lab: shop\ndefaults:\n  project: nowhere\n", "3:12: there is no project"),
        ("lab: shop\nservers:\n  w[1-3]: {vm: {kernel: /none/k}}\n", "3:25: kernel /none/k: No such file"),
        ("lab: shop\nservers:\n  w[1-3]: {plan: t1.small.x86, mode: hybrid}\n", "3:38: plan t1.small.x86 has no mode"),
      ] {
        for (method, path) in [(HTTPRequest.Method.put, ""), (.post, "/plan")] {
          let answer = try await api.ask(method, "/toprack/labs/shop\(path)", file)
          #expect(answer.status == .unprocessableContent)
          #expect(answer.errors.count == 1 && answer.errors[0].hasPrefix(line), "\(answer.errors)")
          #expect(answer.json["faults"]?.elements.count == 1)
        }
      }
      #expect(await api.keeper.rack.labs.isEmpty)
    }
  }
}
