import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Rack
import Testing

@testable import API

@Suite("Mirrors over the API") struct MirrorRoutesTests {
  /// web1 and probe in layer2-individual.
  private static func servers(_ api: WholeAPI, project: String? = nil) async throws {
    for name in ["web1", "probe"] {
      let id = try api.id(try await api.device(#", "hostname": "\#(name)""#, project: project))
      try await api.call(.put, "/toprack/devices/\(id)/mode", #"{"mode": "layer2-individual"}"#)
    }
  }

  @Test("a mirror is made, shown, listed by project and removed")
  func whole() async throws {
    try await WholeAPI.test { api in
      try await Self.servers(api)
      _ = try await api.network(1001)
      let made = try await api.call(
        .post, "/toprack/mirrors",
        #"{"name": "look", "from": "default/web1:eth0", "direction": "in", "filter": "arp", "to": "probe:eth1"}"#, 201)
      #expect(made["from"] == "web1:eth0" && made["to"] == "probe:eth1" && made["direction"] == "in")
      #expect(made["filter"] == "arp" && made["sent"] == 0 && made["problem"] == .null)
      let id = try api.id(made)
      #expect(try await api.call(.get, "/toprack/mirrors/look")["id"]?.string == id)
      #expect(try await api.call(.get, "/toprack/mirrors/\(id)?project=default")["name"] == "look")
      try await api.call(
        .post, "/toprack/mirrors", #"{"name": "net", "from": "vxlan:1001", "facility": "ewr1", "to": "mon0"}"#, 201)
      let list = try await api.call(.get, "/toprack/mirrors")["mirrors"]?.elements ?? []
      #expect(list.compactMap { $0["from"]?.string } == ["web1:eth0", "vxlan:1001"])
      _ = try await api.call(.post, "/projects", #"{"name": "empty"}"#, 201)
      #expect(try await api.call(.get, "/toprack/mirrors?project=empty")["mirrors"]?.elements == [])
      try await api.refuse(.get, "/toprack/mirrors/look?project=empty", nil, 404, "there is no mirror")
      try await api.call(.delete, "/toprack/mirrors/look", nil, 204)
      try await api.refuse(.delete, "/toprack/mirrors/look", nil, 404, "there is no mirror")
    }
  }

  @Test("what names nothing is told what would be valid")
  func refusals() async throws {
    try await WholeAPI.test { api in
      try await Self.servers(api)
      _ = try await api.network(1001)
      _ = try await api.network(1001, #""metro": "ny""#)
      func refuse(_ body: String, _ status: Int, _ words: String) async throws {
        try await api.refuse(.post, "/toprack/mirrors", body, status, words)
      }
      try await refuse(#"{"from": "web1:eth0", "to": "mon0"}"#, 422, "name is missing")
      try await refuse(#"{"name": "m", "to": "mon0"}"#, 422, "from is missing: give SERVER:PORT or vxlan:N")
      try await refuse(#"{"name": "m", "from": "web1", "to": "mon0"}"#, 422, "valid are SERVER:PORT")
      try await refuse(#"{"name": "m", "from": "web9:eth0", "to": "mon0"}"#, 404, "there is no server")
      try await refuse(#"{"name": "m", "from": "web1:eth7", "to": "mon0"}"#, 404, "valid are bond0, eth0 and eth1")
      try await refuse(#"{"name": "m", "from": "vxlan:1001", "to": "mon0"}"#, 422, "say which with project, facility")
      try await refuse(#"{"name": "m", "from": "vxlan:1002", "to": "mon0"}"#, 404, "there is no virtual network 1002")
      try await refuse(#"{"name": "m", "from": "vxlan:1", "to": "mon0"}"#, 422, "2 to 3999")
      try await refuse(
        #"{"name": "m", "from": "web1:eth0", "direction": "up", "to": "mon0"}"#, 422, "valid are in, out and both")
      try await refuse(#"{"name": "m", "from": "web1:eth0", "to": "probe:bond0"}"#, 422, "eth0 or eth1")
    }
  }

  @Test("a project's token has its own ports, sees its own mirrors, and nothing of the host")
  func tenants() async throws {
    let keeper = RackAlone()
    func make(_ name: String) async throws -> String {
      guard
        case .project(let project) = try await keeper.perform(
          .createProject(name: name, customdata: "{}"), by: "test"
        ).subject
      else { throw APIError.invalid("something else was made") }
      for host in ["\(name)1", "\(name)2"] {
        guard
          case .server(let id) = try await keeper.perform(
            .createServer(
              ServerRequest(
                hostname: host, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
                place: .host)), by: "test"
          ).subject
        else { throw APIError.invalid("something else was made") }
        _ = try await keeper.perform(.setMode(id, .layer2Individual), by: "test")
      }
      return try await keeper.token(name, project: project)
    }
    let (own, other) = (try await make("own"), try await make("other"))
    let (all, reader) = (try await keeper.token("all"), try await keeper.token("reader", isReadOnly: true))
    try await Application(responder: APIResponder(keeper: keeper)).test(.router) {
      (client: any TestClientProtocol) async throws -> Void in
      func ask(_ method: HTTPRequest.Method, _ path: String, _ token: String, _ body: String = "") async throws -> (
        status: Int, text: String
      ) {
        let response = try await client.execute(
          uri: path, method: method, headers: [HTTPField.Name("X-Auth-Token")!: token], body: ByteBuffer(string: body))
        return (response.status.code, String(buffer: response.body))
      }
      func add(_ token: String, _ from: String, _ to: String, _ name: String = "m") async throws -> Int {
        try await ask(
          .post, "/toprack/mirrors", token, #"{"name": "\#(name)", "from": "\#(from)", "to": "\#(to)"}"#
        ).status
      }
      #expect(try await add(own, "other1:eth0", "own2:eth1") == 404)
      #expect(try await add(own, "own1:eth0", "other2:eth1") == 404)
      #expect(try await add(own, "own1:eth0", "mon0") == 403)
      #expect(try await add(reader, "own1:eth0", "own2:eth1") == 403)
      #expect(try await add(all, "own1:eth0", "other2:eth1") == 422)
      #expect(try await add(own, "own1:eth0", "own2:eth1") == 201)
      #expect(try await add(all, "own1:eth0", "mon0", "operator") == 201)
      #expect(try await ask(.get, "/toprack/mirrors", other).text.contains("own1") == false)
      #expect(try await ask(.get, "/toprack/mirrors/m", other).status == 404)
      #expect(try await ask(.delete, "/toprack/mirrors/m", other).status == 404)
      #expect(try await ask(.get, "/toprack/mirrors", own).text.contains("mon0") == false)
      #expect(try await ask(.get, "/toprack/mirrors", all).text.contains("mon0"))
      #expect(try await ask(.delete, "/toprack/mirrors/operator", own).status == 404)
      #expect(try await ask(.get, "/events", own).text.contains("mon0") == false)
      #expect(try await ask(.delete, "/toprack/mirrors/m", own).status == 204)
    }
  }
}
