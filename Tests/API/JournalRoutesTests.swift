import FoundationEssentials
import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Addresses and events") struct JournalRoutesTests {
  @Test("what is written on a reservation comes back, and its parts are assigned and given back")
  func reservations() async throws {
    try await WholeAPI.test { api in
      let path = "/projects/\(try await api.project())/ips"
      let made = try await api.call(
        .post, path,
        #"{"type": "public_ipv4", "quantity": "4", "metro": "ny", "details": "d", "tags": ["t"], "customdata": {"a": 1}, "#
          + #""comments": "c", "fail_on_approval_required": true}"#, 201)
      #expect(made["details"] == "d" && made["tags"] == ["t"] && made["customdata"] == ["a": 1])
      #expect(made["type"] == "public_ipv4" && made["quantity"] == 4 && made["assigned_to"] == nil)
      let reservation = "/ips/\(try api.id(made))"
      #expect(try await api.call(.get, reservation) == made)
      let free = try await api.call(.get, "\(reservation)/available?cidr=31")["available"]?.elements ?? []
      #expect(free.count == 2)
      for (query, words) in [("", "cidr is missing"), ("?cidr=28", "29 to 32"), ("?cidr=x", "whole number")] {
        try await api.refuse(
          .get, "\(reservation)/available\(query)", nil, 422, query == "?cidr=28" ? "valid are" : words)
      }
      let device = try api.id(try await api.device())
      let block = try #require(free.first?.string)
      let assigned = try await api.call(
        .post, "//devices/\(device)/ips", #"{"address": "\#(block)", "manageable": true, "customdata": null}"#, 201)
      #expect(assigned["assigned_to"]?["href"] == .string("/devices/\(device)") && assigned["type"] == nil)
      let assignment = "/ips/\(try api.id(assigned))"
      #expect(try await api.call(.get, assignment) == assigned)
      let whole = try await api.call(.get, "\(assignment)?include=assigned_to,interface&exclude=facility")
      #expect(whole["assigned_to"]?["hostname"] != nil && whole["interface"]?["type"] == "NetworkBondPort")
      #expect(whole["facility"]?["code"] == nil && whole["facility"]?["href"] != nil)
      try await api.refuse(.delete, reservation, nil, 422, "is assigned")
      try await api.refuse(.post, "/devices/\(device)/ips", #"{"address": "\#(block)"}"#, 422, "already")
      try await api.refuse(.post, "/devices/\(device)/ips", "{}", 422, "address is missing")
      let own = try await api.call(.get, "/devices/\(device)/ips")["ip_addresses"]?[0]
      try await api.refuse(.delete, "/ips/\(api.id(own))", nil, 422, "management address")
      try await api.call(.delete, assignment, nil, 204)
      try await api.call(.delete, reservation, nil, 204)
      for path in [assignment, reservation, "/ips/x"] { try await api.refuse(.get, path, nil, 404, "there is no IP") }
    }
  }

  @Test("a page of reservations is long")
  func pages() async throws {
    try await WholeAPI.test { api in
      let path = "/projects/\(try await api.project())/ips"
      for _ in 0..<12 {
        try await api.call(.post, path, #"{"type": "public_ipv4", "quantity": 1, "facility": "ewr1"}"#, 201)
      }
      for (query, count) in [
        ("", 12), ("?per_page=5", 5), ("?page=3&per_page=5", 2), ("?types=private_ipv4", 0),
        ("?metro=ny&ipv4=true", 12),
        ("?metro=sv", 0),
      ] {
        #expect(try await api.call(.get, path + query)["ip_addresses"]?.elements.count == count, "\(query)")
      }
      try await api.refuse(.get, "\(path)?per_page=1001", nil, 422, "valid are 1 to 1000")
      try await api.refuse(.get, "\(path)?page=0", nil, 422, "valid are 1 and more")
    }
  }

  @Test("events are listed for the rack, a project and a device, the newest first, and each is found")
  func events() async throws {
    try await WholeAPI.test { api in
      let first = try api.id(try await api.device(#", "hostname": "web1""#))
      _ = try await api.device(#", "hostname": "web2""#)
      let network = try await api.network(7)
      try await api.call(.delete, "/virtual-networks/\(network)", nil, 204)
      let other = try api.id(try await api.call(.post, "/projects", #"{"name": "p"}"#, 201))
      func types(_ path: String) async throws -> [String] {
        try await api.call(.get, path)["events"]?.elements.compactMap { $0["type"]?.string } ?? []
      }
      let device = ["provisioning.110", "device.create", "provisioning.100"]
      let all = try await types("/events")
      #expect(all == ["project.create", "virtual_network.delete", "virtual_network.create"] + device + device)
      #expect(try await types("/devices/\(first)/events") == device)
      #expect(try await types("/projects/\(other)/events") == ["project.create"])
      #expect(
        try await types("/projects/\(api.project())/events?per_page=3&page=2") == [
          "device.create", "provisioning.100", "provisioning.110",
        ])
      let page = try await api.call(.get, "/events?per_page=2")
      #expect(page["meta"]?["total"] == 9 && page["meta"]?["next"]?["href"] == "/events?page=2&per_page=2")
      let events = try await api.call(.get, "/events")["events"]
      let event = try #require(events?[7])
      #expect(event["toprack"]?["server"] == "web1" && event["body"]?.string?.hasPrefix("web1 created") == true)
      #expect(event["relationships"]?.elements.contains(["href": .string("/devices/\(first)")]) == true)
      #expect(try await api.call(.get, "/events/\(api.id(event))") == event)
      // What is gone is no link any more.
      #expect(events?[1]?["relationships"]?.elements.count == 1)
      for path in ["/events/\(UUID())", "/events/x"] { try await api.refuse(.get, path, nil, 404, "there is no event") }
      try await api.refuse(.get, "/devices/\(UUID())/events", nil, 404, "there is no device")
      try await api.refuse(.get, "/projects/\(UUID())/events", nil, 404, "there is no project")
    }
  }
}
