import FoundationEssentials
import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Projects, owner, catalogue and capacity") struct ProjectRoutesTests {
  private let organization = "/organizations/\(Owner.organization.text)"

  @Test("a project is made, changed by either method, and deleted when it is empty")
  func life() async throws {
    try await WholeAPI.test { api in
      let made = try await api.call(
        .post, "/projects", #"{"name": "p", "customdata": {"a": 1}, "organization_id": null, "payment_method_id": 4}"#,
        201)
      #expect(made["name"] == "p" && made["customdata"] == ["a": 1] && made["devices"] == [])
      #expect(made["payment_method"] == .null && made["organization"]?["href"] == .string(organization))
      let path = try "/projects/\(api.id(made))"
      #expect(try await api.call(.get, path) == made)
      #expect(try await api.call(.put, path, #"{"name": null}"#)["name"] == "p")
      #expect(try await api.call(.patch, path, #"{"name": "q", "customdata": "{}"}"#)["customdata"] == [:])
      #expect(try await api.call(.get, path)["name"] == "q")
      let device = try await api.device(#", "locked": false"#, project: api.id(made))
      #expect(try await api.call(.get, path)["devices"]?[0]?["href"] == device["href"])
      try await api.refuse(.delete, path, nil, 422, "has 1 server")
      try await api.call(.delete, "/devices/\(api.id(device))", nil, 204)
      try await api.call(.delete, path, nil, 204)
      try await api.refuse(.get, path, nil, 404, "there is no project")
      try await api.refuse(.delete, "/projects/\(api.project())", nil, 422, "is the last one")
    }
  }

  @Test("an organization's projects are all projects")
  func ofOrganization() async throws {
    try await WholeAPI.test { api in
      try await api.call(.post, "\(organization)/projects", #"{"name": "p"}"#, 201)
      let list = try await api.call(.get, "\(organization)/projects?per_page=1&page=2")
      #expect(list["projects"]?[0]?["name"] == "p" && list["meta"]?["last_page"] == 2)
      #expect(list["meta"]?["next"] == .null)
      #expect(list["meta"]?["previous"]?["href"] == .string("\(organization)/projects?page=1&per_page=1"))
      let one = try await api.call(.get, organization)
      #expect(one["projects"]?.elements.count == 2 && one["id"] == .string(Owner.organization.text))
      #expect(try await api.call(.get, "/organizations")["organizations"] == [one])
      for path in ["/organizations/x", "/organizations/\(UUID())/projects", "/organizations/\(UUID())/devices"] {
        try await api.refuse(.get, path, nil, 404, "there is no organization")
      }
    }
  }

  @Test(
    "what cannot be a project is refused",
    arguments: [
      ("{}", 422, "name is missing"), (#"{"name": ""}"#, 422, "is not valid"),
      (#"{"name": ["p"]}"#, 422, "name must be a text"), (#"{"name": "p", "customdata": 1}"#, 422, "customdata"),
      (#"{"name": "p", "organization_id": "x"}"#, 422, "no organization"), ("[]", 400, "must be a JSON object"),
      ("{", 400, "line 1, column 2"),
    ])
  func wrong(_ body: String, _ status: Int, _ words: String) async throws {
    try await WholeAPI.test { api in
      for path in ["/projects", "\(organization)/projects"] { try await api.refuse(.post, path, body, status, words) }
      #expect(try await api.call(.get, "/projects")["meta"]?["total"] == 1)
    }
  }

  @Test("there is a user")
  func user() async throws {
    try await WholeAPI.test { api in
      let user = try await api.call(.get, "/user")
      #expect(user["href"] == .string("/users/\(Owner.user.text)") && user["two_factor_auth"] == "")
      #expect(try await api.call(.get, "/users/\(Owner.user.text)") == user)
      try await api.refuse(.get, "/users/\(UUID())", nil, 404, "there is no user")
    }
  }

  @Test(
    "plans are filtered",
    arguments: [
      ("slug=c3.small.x86", 1), ("slug=none", 0), ("type=standard", Catalogue.plans.count), ("type=custom", 0),
      ("categories=storage", 2), ("categories=storage,compute", Catalogue.plans.count), ("", Catalogue.plans.count),
    ])
  func plans(_ query: String, _ count: Int) async throws {
    try await WholeAPI.test { api in
      for path in ["/plans", "/projects/\(try await api.project())/plans"] {
        #expect(try await api.call(.get, "\(path)?\(query)")["plans"]?.elements.count == count)
      }
    }
  }

  @Test("the catalogue is also below each project, and each entry at its link")
  func catalogue() async throws {
    try await WholeAPI.test { api in
      let facilities = try await api.call(.get, "/facilities")
      #expect(try await api.call(.get, "/projects/\(api.project())/facilities") == facilities)
      try await api.refuse(.get, "/projects/\(UUID())/facilities", nil, 404, "there is no project")
      try await api.refuse(.get, "/facilities/ewr1", nil, 404, "there is no facility")
      let facility = try #require(facilities["facilities"]?[0])
      #expect(try await api.call(.get, try #require(facility["href"]?.string)) == facility)
    }
  }

  @Test(
    "there is capacity while the rack is not full",
    arguments: [("/capacity", "facility", "ewr1"), ("/capacity/metros", "metro", "ny")])
  func capacity(_ path: String, _ member: String, _ code: String) async throws {
    try await WholeAPI.test { api in
      #expect(try await api.call(.get, path)["capacity"]?[code]?["c3.small.x86"]?["level"] == "normal")
      func entry(_ quantity: String) -> String {
        #"{"\#(member)": "\#(code)", "plan": "baremetal_0", "quantity": \#(quantity)}"#
      }
      let body = #"{"servers": [\#(entry("4999")), \#(entry("\"2\"")), \#(entry("null"))]}"#
      let servers = try await api.call(.post, path, body)["servers"]
      #expect((0..<3).map { servers?[$0]?["available"] } == [true, false, true])
      #expect((0..<3).map { servers?[$0]?["quantity"] } == [4999, "2", "1"])
      #expect(servers?[0]?[member] == .string(code) && servers?[0]?["plan"] == "t1.small.x86")
      for wrong in [
        "{}", #"{"servers": {}}"#, #"{"servers": [1]}"#, #"{"servers": [\#(entry("0"))]}"#,
        #"{"servers": [\#(entry("\"-1\""))]}"#,
        #"{"servers": [{"\#(member)": "x", "plan": "baremetal_0"}]}"#, #"{"servers": [{"\#(member)": "\#(code)"}]}"#,
      ] {
        try await api.refuse(.post, path, wrong, 422, "servers")
      }
    }
  }
}
