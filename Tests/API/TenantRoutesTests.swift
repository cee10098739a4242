import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Rack
import Testing

@testable import API

/// Names that several have, and where a project's servers are put.
@Suite("Names and places of tenants") struct TenantRoutesTests {
  @Test("a hostname of several servers is refused with all of them, and PROJECT/NAME or a UUID says which")
  func ambiguous() async throws {
    try await WholeAPI.test { api in
      var ids: [String: String] = [:]
      for name in ["shop", "lab"] {
        let project = try api.id(try await api.call(.post, "/projects", #"{"name": "\#(name)"}"#, 201))
        ids[name] = try api.id(try await api.device(#", "hostname": "web1""#, project: project))
        ids["\(name)-project"] = project
      }
      let (shop, lab) = (ids["shop"] ?? "", ids["lab"] ?? "")
      let answer = try await api.ask(.get, "/toprack/devices/WEB1")
      #expect(answer.status.code == 422)
      #expect(
        answer.errors == [
          "WEB1 is the name of 2 servers: lab/web1 (\(lab)), shop/web1 (\(shop)); name one by PROJECT/NAME or its UUID"
        ])
      for path in ["/toprack/ips", "/toprack/fdb", "/toprack/lacp", "/toprack/neighbours"] {
        try await api.refuse(.get, "\(path)?server=web1", nil, 422, "is the name of 2 servers")
        try await api.call(.get, "\(path)?server=lab/web1")
      }
      for (method, path) in [(.get, "ports"), (.get, "network-config"), (.put, "mode"), (.put, "mtu")]
        as [(HTTPRequest.Method, String)]
      {
        try await api.refuse(method, "/toprack/devices/web1/\(path)", nil, 422, "is the name of 2 servers")
      }
      for (reference, id) in [
        (shop, shop), ("shop%2Fweb1", shop), ("lab%2FWeb1", lab), ("\(ids["lab-project"] ?? "")%2Fweb1", lab),
      ] {
        #expect(try await api.call(.get, "/toprack/devices/\(reference)")["id"] == .string(id), "\(reference)")
      }
      try await api.refuse(.get, "/toprack/devices/none%2Fweb1", nil, 404, "there is no server")
      try await api.refuse(.get, "/toprack/devices/shop%2F", nil, 404, "there is no server")
      try await api.refuse(.get, "/toprack/devices/%2Fweb1", nil, 404, "there is no server")

      // Where even PROJECT/NAME means two, only the UUID is left.
      try await api.call(.put, "/projects/\(ids["lab-project"] ?? "")", #"{"name": "shop"}"#)
      try await api.refuse(.get, "/toprack/devices/shop%2Fweb1", nil, 422, "; name one by its UUID")
      try await api.refuse(.post, "/toprack/tokens", #"{"name": "t", "project": "shop"}"#, 422, "2 projects")
      #expect(try await api.call(.get, "/toprack/devices/\(lab)")["hostname"] == "web1")
    }
  }

  @Test("a project's name may have a slash in it")
  func slash() async throws {
    try await WholeAPI.test { api in
      let one = try api.id(try await api.device(#", "hostname": "web1""#))
      let project = try api.id(try await api.call(.post, "/projects", #"{"name": "a/b"}"#, 201))
      let other = try api.id(try await api.device(#", "hostname": "web1""#, project: project))
      #expect(try await api.call(.get, "/toprack/devices/a%2Fb%2Fweb1")["id"] == .string(other))
      #expect(try await api.call(.get, "/toprack/devices/default%2Fweb1")["id"] == .string(one))
    }
  }

  @Test("a UUID means the thing that has it, whatever others are called")
  func impostor() async throws {
    try await WholeAPI.test { api in
      let (victim, home) = (try api.id(try await api.device(#", "hostname": "web1""#)), try await api.project())
      let project = try api.id(try await api.call(.post, "/projects", #"{"name": "\#(home)"}"#, 201))
      _ = try await api.device(#", "hostname": "\#(victim)""#, project: project)
      #expect(try await api.call(.get, "/toprack/devices/\(victim)")["id"] == .string(victim))
      let token = try await api.call(.post, "/toprack/tokens", #"{"name": "t", "project": "\#(home)"}"#, 201)
      #expect(token["project"]?["name"] == "default")
    }
  }

  @Test("lists are in an order that names alone do not give")
  func order() async throws {
    try await WholeAPI.test { api in
      var paths: [String] = [try await api.project()]
      for _ in 0..<6 { paths.append(try api.id(try await api.call(.post, "/projects", #"{"name": "p"}"#, 201))) }
      for path in paths { _ = try await api.device(#", "hostname": "web1""#, project: path) }
      let list = "/organizations/\(Owner.organization.text)/devices?per_page=1000"
      let all = try await api.call(.get, list)["devices"]?.elements.compactMap { $0["id"]?.string } ?? []
      #expect(all == all.sorted() && all.count == 7)
    }
  }

  // MARK: Places

  /// What a project's token gets for a new server with `own` as the member `toprack` of its body.
  private static func place(
    _ own: String, placement: Placement = .own, project name: String? = "default"
  ) async throws -> (status: Int, namespace: JSON?, text: String) {
    let keeper = RackAlone()
    let project = try #require(await keeper.rack.project(named: "default")).id
    let token = try await keeper.token("t", project: name == nil ? nil : project)
    return try await Application(responder: APIResponder(keeper: keeper, placement: placement)).test(.router) {
      client in
      let response = try await client.execute(
        uri: "/projects/\(project)/devices", method: .post, headers: [HTTPField.Name("X-Auth-Token")!: token],
        body: ByteBuffer(
          string:
            #"{"hostname": "web1", "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12"\#(own)}"#
        ))
      let bytes = Array(response.body.readableBytesView)
      return (response.status.code, try JSON(reading: bytes)["toprack"]?["namespace"], String(buffer: response.body))
    }
  }

  @Test(
    "a project's token gets a namespace for its server, asked for or not, and the answer shows it",
    arguments: [
      ("", "web1"), (#", "toprack": {}"#, "web1"), (#", "toprack": {"netns": null}"#, "web1"),
      (#", "toprack": {"netns": true}"#, "web1"), (#", "toprack": {"netns": "lab"}"#, "lab"),
    ])
  func own(_ own: String, _ namespace: String) async throws {
    let found = try await Self.place(own)
    #expect(found.status == 201 && found.namespace == .string(namespace), "\(found)")
  }

  @Test("and not the host, which placement any and tokens of the whole rack have as before")
  func host() async throws {
    let refused = try await Self.place(#", "toprack": {"netns": false}"#)
    #expect(refused.status == 422 && refused.text.contains("a network namespace of its own"), "\(refused)")
    for own in ["", #", "toprack": {"netns": false}"#] {
      let any = try await Self.place(own, placement: .any)
      #expect(any.status == 201 && any.namespace == .null, "\(any)")
      let whole = try await Self.place(own, project: nil)
      #expect(whole.status == 201 && whole.namespace == .null, "\(whole)")
    }
  }

  @Test(
    "a name that is no file's is refused to everybody",
    arguments: ["../../etc/x", "..", ".", "a/b", "", "a\\u0000b", "a\\nb", "\\u001b[2J"])
  func traversal(_ name: String) async throws {
    for placement in Placement.allCases {
      let found = try await Self.place(#", "toprack": {"netns": "\#(name)"}"#, placement: placement)
      #expect(found.status == 422 && found.text.contains("valid are 1 to 255 bytes"), "\(found)")
    }
  }

  @Test("capacity for a project's token ends at its quota")
  func capacity() async throws {
    var quotas = Quotas()
    quotas.servers = 3
    let keeper = RackAlone(quotas: quotas)
    let project = try #require(await keeper.rack.project(named: "default")).id
    let token = try await keeper.token("t", project: project)
    try await Application(responder: APIResponder(keeper: keeper)).test(.router) { client in
      let response = try await client.execute(
        uri: "/capacity", method: .post, headers: [HTTPField.Name("X-Auth-Token")!: token],
        body: ByteBuffer(
          string: """
            {"servers": [{"facility": "ewr1", "plan": "c3.small.x86", "quantity": 3},
                         {"facility": "ewr1", "plan": "c3.small.x86", "quantity": 1}]}
            """))
      let servers = try JSON(reading: Array(response.body.readableBytesView))["servers"]
      #expect((0..<2).map { servers?[$0]?["available"] } == [true, false])
    }
  }
}
