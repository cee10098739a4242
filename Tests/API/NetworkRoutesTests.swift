import FoundationEssentials
import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Virtual networks and ports") struct NetworkRoutesTests {
  @Test("a network lies in a facility or a metro, by code or UUID")
  func places() async throws {
    try await WholeAPI.test { api in
      let path = "/projects/\(try await api.project())/virtual-networks"
      let inFacility = try await api.call(
        .post, path, #"{"facility": "EWR1", "metro": null, "vxlan": null, "vlan": null, "description": null}"#, 201)
      #expect(inFacility["facility_code"] == "ewr1" && inFacility["metro_code"] == "ny")
      #expect(inFacility["facility"]?["code"] == "ewr1" && inFacility["vxlan"] == 1000)
      let metro = try #require(Catalogue.metro("ny"))
      let inMetro = try await api.call(
        .post, path, #"{"metro": "\#(metro.id)", "vxlan": 0, "description": "d", "tags": ["t"]}"#, 201)
      #expect(inMetro["facility_code"] == .null && inMetro["facility"] == .null && inMetro["metro_code"] == "ny")
      #expect(inMetro["metro"]?["code"] == "ny" && inMetro["description"] == "d" && inMetro["tags"] == ["t"])
      #expect(inMetro["assigned_to"]?["href"] != nil && inMetro["instances"] == [])
      let explicit = try await api.call(.post, path, #"{"metro": "sv", "vxlan": "3999"}"#, 201)
      #expect(explicit["vxlan"] == 3999)
      for (query, count) in [
        ("", 3), ("?metro=ny", 2), ("?facility=ewr1", 1), ("?vxlan=3999", 1), ("?metro=\(metro.id)&vxlan=1000", 2),
      ] {
        #expect(try await api.call(.get, path + query)["virtual_networks"]?.elements.count == count, "\(query)")
      }
      try await api.refuse(.get, "\(path)?metro=xx", nil, 422, "valid are ny")
    }
  }

  @Test(
    "what cannot be a network is refused",
    arguments: [
      ("{}", "facility and metro are missing"), (#"{"facility": "ewr1", "metro": "ny"}"#, "not both"),
      (#"{"facility": "x"}"#, "facility \"x\" is not known"), (#"{"metro": "x"}"#, "metro \"x\" is not known"),
      (#"{"facility": "ewr1", "vxlan": 1}"#, "valid are 2 to 3999"),
      (#"{"facility": "ewr1", "vxlan": "x"}"#, "whole number"),
      (#"{"facility": "ewr1", "vxlan": 7}"#, "exists already"), (#"{"facility": "ewr1", "tags": 1}"#, "tags must be"),
      (#"{"metro": "ny", "description": 1}"#, "description must be"), (#"{"metro": 1}"#, "metro must be a text"),
    ])
  func wrongNetworks(_ body: String, _ words: String) async throws {
    try await WholeAPI.test { api in
      _ = try await api.network(7)
      try await api.refuse(.post, "/projects/\(api.project())/virtual-networks", body, 422, words)
      try await api.refuse(.post, "/projects/\(UUID())/virtual-networks", body, 404, "there is no project")
    }
  }

  @Test("a network's description and tags change, and null leaves them")
  func update() async throws {
    try await WholeAPI.test { api in
      let path = "/virtual-networks/\(try await api.network(7))"
      #expect(try await api.call(.put, path, #"{"description": "d", "tags": ["t"]}"#)["tags"] == ["t"])
      #expect(try await api.call(.put, path, #"{"description": null, "tags": null}"#)["description"] == "d")
      let empty = try await api.call(.put, path, #"{"description": "", "tags": {}}"#)
      #expect(empty["description"] == .null && empty["tags"] == [])
      try await api.refuse(.put, path, #"{"tags": [""]}"#, 422, "tag \"\"")
      try await api.refuse(.patch, path, "{}", 405, "valid are DELETE, GET, PUT")
    }
  }

  /// A server in a layer-2 mode, and its ports bond0, eth0 and eth1.
  private func server(_ api: WholeAPI, in mode: NetworkMode) async throws -> [String] {
    let device = try await api.device(#", "hostname": "web1""#)
    try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "\#(mode.rawValue)"}"#)
    return try (0..<3).map { try api.id(device["network_ports"]?[$0]) }
  }

  @Test(
    "bulk and native come in the body or in the query, and the body wins",
    arguments: [
      ("?bulk_disable=true", nil, true), ("", #"{"bulk_disable": true}"#, true), ("", "{}", false),
      ("?bulk_disable=true", #"{"bulk_disable": false}"#, false),
      ("?bulk_disable=false", #"{"bulk_disable": null}"#, false),
    ] as [(String, String?, Bool)])
  func bulk(_ query: String, _ body: String?, _ isBulk: Bool) async throws {
    try await WholeAPI.test { api in
      let ports = try await server(api, in: .layer2Bonded)
      try await api.call(.post, "/ports/\(ports[2])/disbond\(query)", body)
      #expect(try await api.call(.get, "/ports/\(ports[1])")["data"]?["bonded"] == .boolean(!isBulk))
      // One client sends the flag of the other call.
      #expect(
        try await api.call(.post, "/ports/\(ports[2])/bond", #"{"bulk_disable": false}"#)["data"]?["bonded"] == true)
      try await api.refuse(.post, "/ports/\(ports[2])/bond?bulk_enable=maybe", nil, 422, "bulk_enable must be")
    }
  }

  @Test("a network comes, is native, and goes, by number or UUID, and each answer is the port")
  func networks() async throws {
    try await WholeAPI.test { api in
      let port = "/ports/\(try await server(api, in: .layer2Individual)[2])"
      let (one, other) = (try await api.network(1001), try await api.network(1002, #""metro": "ny""#))
      try await api.call(.post, "\(port)/assign", #"{"vnid": "\#(one)", "id": "x"}"#)
      #expect(
        try await api.call(.post, "\(port)/assign", #"{"vnid": 1002}"#)["virtual_networks"]?[1]?["id"] == .string(other)
      )
      for (query, body) in [("?vnid=1002", "{}"), ("", #"{"vnid": "1001"}"#)] {
        let answer = try await api.call(.post, "\(port)/native-vlan\(query)", body)
        #expect(answer["native_virtual_network"]?["vxlan"] == (query.isEmpty ? 1001 : 1002))
      }
      for _ in 0..<2 {
        #expect(try await api.call(.delete, "\(port)/native-vlan", "{}")["native_virtual_network"] == .null)
      }
      try await api.refuse(.post, "\(port)/native-vlan", nil, 422, "vnid is missing")
      try await api.refuse(.post, "\(port)/assign", #"{"vnid": null}"#, 422, "vnid is missing")
      try await api.refuse(.post, "\(port)/assign", #"{"vnid": "x"}"#, 422, "vnid must be")
      try await api.refuse(.post, "\(port)/assign", #"{"vnid": 9}"#, 422, "does not exist")
      try await api.refuse(.post, "\(port)/assign", #"{"vnid": "\#(UUID())"}"#, 404, "there is no virtual network")
      try await api.refuse(
        .delete, "/virtual-networks/\(one)", nil, 422, "Cannot delete Virtual Network when port is assigned")
      #expect(
        try await api.call(.post, "\(port)/unassign", #"{"vnid": 1001}"#)["virtual_networks"]?.elements.count == 1)
      try await api.refuse(.post, "\(port)/unassign", #"{"vnid": 1001}"#, 422, "Virtual network 1001 not assigned")
      try await api.call(.delete, "/virtual-networks/\(one)", nil, 204)
      try await api.refuse(.get, "/virtual-networks/\(one)", nil, 404, "there is no virtual network")
    }
  }

  @Test("a batch changes all or nothing, is completed when it is answered, and is found again")
  func batches() async throws {
    try await WholeAPI.test { api in
      let ports = try await server(api, in: .layer2Individual)
      let path = "/ports/\(ports[1])/vlan-assignments"
      let network = try await api.network(1001)
      _ = try await api.network(1002)
      let batch = try await api.call(
        .post, "\(path)/batches",
        #"{"vlan_assignments": [{"vlan": "\#(network)", "state": "assigned", "native": true}, {"vlan": 1002, "native": null},"#
          + #" {"vlan": "1003", "state": "unassigned"}]}"#, 422)
      #expect(batch["errors"]?.elements.count == 1)
      #expect(try await api.call(.get, path)["vlan_assignments"] == [])
      let made = try await api.call(
        .post, "\(path)/batches?include=port",
        #"{"vlan_assignments": [{"vlan": "\#(network)", "state": "assigned", "native": true}, {"vlan": 1002}]}"#, 201)
      #expect(made["state"] == "completed" && made["quantity"] == 2 && made["error_messages"] == [])
      #expect(made["port"]?["virtual_networks"]?.elements.count == 2 && made["port"]?["id"] == .string(ports[1]))
      #expect(made["vlan_assignments"]?[0]?["native"] == true && made["vlan_assignments"]?[1]?["vlan"] == 1002)
      let again = try await api.call(
        .post, "\(path)/batches", #"{"vlan_assignments": [{"vlan": "1002", "state": "unassigned"}]}"#, 201)
      #expect(try await api.call(.get, "\(path)/batches/\(api.id(again))") == again)
      #expect(try await api.call(.get, "\(path)/batches")["batches"]?.elements.count == 2)
      try await api.refuse(.get, "/ports/\(ports[2])/vlan-assignments/batches/\(api.id(again))", nil, 404, "no batch")
      try await api.refuse(.get, "\(path)/batches/x", nil, 404, "no batch")

      let list = try await api.call(.get, path)
      let assignment = try #require(list["vlan_assignments"]?[0])
      #expect(assignment["vlan"] == 1001 && assignment["native"] == true && assignment["state"] == "assigned")
      #expect(assignment["created_at"] == "2019-07-18T08:46:38Z" && list["meta"]?["total"] == 1)
      #expect(try await api.call(.get, "\(path)/\(api.id(assignment))") == assignment)
      #expect(
        try await api.call(.get, "\(path)?include=virtual_network,port")["vlan_assignments"]?[0]?["virtual_network"]?[
          "facility_code"]
          == "ewr1")
      try await api.refuse(.get, "\(path)/\(UUID())", nil, 404, "no VLAN assignment")
      for (body, words) in [
        ("{}", "vlan_assignments is missing"), (#"{"vlan_assignments": []}"#, "at least one"),
        (#"{"vlan_assignments": {}}"#, "is an object"), (#"{"vlan_assignments": [{"vlan": true}]}"#, "has the entry"),
        (#"{"vlan_assignments": [{"vlan": 1, "state": "queued"}]}"#, "has the entry"),
        (#"{"vlan_assignments": [{"vlan": 1001, "native": "true"}]}"#, "native must be"),
      ] {
        try await api.refuse(.post, "\(path)/batches", body, 422, words)
      }
    }
  }

  @Test("addresses come and go by conversions with and without bodies")
  func conversions() async throws {
    try await WholeAPI.test { api in
      let bond = "/ports/\(try await server(api, in: .layer3)[0])"
      for body in [nil, "", "{}", #"{"vnid": null}"#] as [String?] {
        #expect(try await api.call(.post, "\(bond)/convert/layer-2", body)["network_type"] == "layer2-bonded")
      }
      try await api.refuse(
        .post, "\(bond)/convert/layer-3", #"{"request_ips": ["a", "b"]}"#, 422, "request_ips has the entry")
      let answer = try await api.call(
        .post, "\(bond)/convert/layer-3?include=hardware", #"{"request_ips": [{"address_family": 4, "public": false}]}"#
      )
      #expect(answer["network_type"] == "layer3" && answer["hardware"]?["ip_addresses"]?.elements.count == 1)
      try await api.refuse(.post, "\(bond)/convert/layer-3", nil, 422, "already layer3")
    }
  }
}
