import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Rack
import Testing

@testable import API

/// Two tenants in one rack, each with a server, a network and a reservation, and the whole API before them.
private struct Tenants {
  struct Tenant {
    let project: ProjectID, server: Server, network: NetworkID, reservation: ReservationID, key: SSHKeyID, token: String
  }

  let keeper = RackAlone()
  let own: Tenant
  let other: Tenant

  init() async throws {
    own = try await Self.tenant("own", keeper)
    other = try await Self.tenant("other", keeper)
  }

  private static func tenant(_ name: String, _ keeper: RackAlone) async throws -> Tenant {
    guard
      case .project(let project) = try await keeper.perform(
        .createProject(name: name, customdata: "{}"), by: "test"
      ).subject,
      case .server(let server) = try await keeper.perform(
        .createServer(
          ServerRequest(
            hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
            place: .host)), by: "test"
      ).subject,
      case .network(let network) = try await keeper.perform(
        .createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: 1000, description: nil)), by: "test"
      ).subject,
      case .reservation(let reservation) = try await keeper.perform(
        .reserveBlock(BlockRequest(project: project, facility: "ewr1", length: 30)), by: "test"
      ).subject,
      // The same one in both.
      case .sshKey(let key) = try await keeper.perform(
        .createSSHKey(
          SSHKeyRequest(
            owner: .project(project), label: name, key: KeyVectors.ed25519, servers: .these([server]))), by: "test"
      ).subject
    else { throw APIError.invalid("something else was made") }
    return Tenant(
      project: project, server: try #require(await keeper.rack.servers[server]), network: network,
      reservation: reservation, key: key, token: try await keeper.token(name, project: project))
  }

  func test(_ body: @Sendable (any TestClientProtocol) async throws -> Void) async throws {
    try await Application(responder: APIResponder(keeper: keeper)).test(.router, body)
  }
}

@Suite("Projects isolate") struct IsolationTests {
  private func ask(
    _ client: any TestClientProtocol, _ method: HTTPRequest.Method, _ path: String, _ token: String, _ body: String = ""
  ) async throws -> (status: Int, json: JSON) {
    let response = try await client.execute(
      uri: path, method: method, headers: [HTTPField.Name("X-Auth-Token")!: token], body: ByteBuffer(string: body))
    let bytes = Array(response.body.readableBytesView)
    return (response.status.code, bytes.isEmpty ? nil : try JSON(reading: bytes))
  }

  @Test("what is another project's is not there, for any method, in the words of what is not there at all")
  func lookups() async throws {
    let tenants = try await Tenants()
    let (own, other) = (tenants.own, tenants.other)
    let port = other.server.bond0.id
    let address = other.server.addresses[0].id
    try await tenants.test { client in
      for (method, path, body) in [
        (.get, "/projects/\(other.project)", ""), (.get, "/projects/\(other.project)/devices", ""),
        (.post, "/projects/\(other.project)/devices", "{}"), (.get, "/projects/\(other.project)/virtual-networks", ""),
        (.post, "/projects/\(other.project)/virtual-networks", #"{"facility":"ewr1"}"#),
        (.get, "/projects/\(other.project)/ips", ""),
        (.post, "/projects/\(other.project)/ips", #"{"type":"public_ipv4","quantity":1,"facility":"ewr1"}"#),
        (.get, "/devices/\(other.server.id)", ""), (.delete, "/devices/\(other.server.id)", ""),
        (.get, "/devices/\(other.server.id)/ips", ""), (.post, "/devices/\(other.server.id)/ips", #"{"address":"x"}"#),
        (.get, "/virtual-networks/\(other.network)", ""), (.delete, "/virtual-networks/\(other.network)", ""),
        (.get, "/ports/\(port)", ""), (.post, "/ports/\(port)/disbond", ""), (.post, "/ports/\(port)/assign", "{}"),
        (.post, "/toprack/devices/\(other.server.id)/repair", ""), (.post, "/toprack/wait", #"{"servers":["other"]}"#),
        (.post, "/toprack/checks", #"{"project":"other","checks":[]}"#),
        (.post, "/toprack/devices/\(other.server.id)/ports/eth1/reopen", ""),
        (.post, "/ports/\(port)/convert/layer-2", ""), (.delete, "/ports/\(port)/native-vlan", ""),
        (.get, "/ips/\(address)", ""), (.delete, "/ips/\(other.reservation)", ""),
        (.get, "/ips/\(other.reservation)/available?cidr=32", ""), (.get, "/toprack/devices/other", ""),
        (.put, "/toprack/devices/other/mode", #"{"mode":"hybrid"}"#), (.put, "/toprack/devices/other/mtu", "{}"),
        (.get, "/toprack/devices/other/ports", ""),
        (.get, "/toprack/devices/other/modes", ""), (.get, "/toprack/devices/\(other.server.id)/network-config", ""),
        (.get, "/toprack/ips?server=other", ""), (.get, "/toprack/fdb?server=other", ""),
        (.delete, "/toprack/fdb?server=other", ""), (.get, "/toprack/lacp?server=other", ""),
        (.get, "/toprack/neighbours?server=other", ""), (.get, "/toprack/devices/other/console", ""),
        (.put, "/projects/\(other.project)", "{}"),
        (.patch, "/projects/\(other.project)", "{}"), (.delete, "/projects/\(other.project)", ""),
        (.get, "/projects/\(other.project)/events", ""), (.get, "/projects/\(other.project)/plans", ""),
        (.patch, "/ips/\(other.reservation)", "{}"), (.get, "/projects/\(other.project)/bgp-config", ""),
        (.get, "/projects/\(other.project)/facilities", ""), (.get, "/projects/\(other.project)/ssh-keys", ""),
        (.post, "/projects/\(other.project)/ssh-keys", #"{"label":"x","key":"x"}"#),
        (.get, "/ssh-keys/\(other.key)", ""), (.put, "/ssh-keys/\(other.key)", #"{"label":"x"}"#),
        (.patch, "/ssh-keys/\(other.key)", "{}"), (.delete, "/ssh-keys/\(other.key)", ""),
        (.get, "/devices/\(other.server.id)/ssh-keys", ""),
        (.put, "/devices/\(other.server.id)", "{}"), (.patch, "/devices/\(other.server.id)", "{}"),
        (.post, "/devices/\(other.server.id)/actions", #"{"type":"reboot"}"#),
        (.get, "/devices/\(other.server.id)/events", ""), (.get, "/devices/\(other.server.id)/metadata", ""),
        (.get, "/devices/\(other.server.id)/userdata", ""), (.get, "/devices/\(other.server.id)/customdata", ""),
        (.put, "/virtual-networks/\(other.network)", "{}"), (.get, "/ports/\(port)/vlan-assignments", ""),
        (.get, "/ports/\(port)/vlan-assignments/batches", ""), (.post, "/ports/\(port)/vlan-assignments/batches", "{}"),
      ] as [(HTTPRequest.Method, String, String)] {
        let answer = try await ask(client, method, path, own.token, body)
        #expect(answer.status == 404, "\(method.rawValue) \(path)")
        // Only what changes nothing, so that it is there for the next.
        guard method == .get else { continue }
        let same = try await ask(client, method, path, other.token, body)
        // Its server is on the host, and has no console.
        #expect(same.status == (path.hasSuffix("/console") ? 422 : 200), "\(method.rawValue) \(path)")
      }
    }
  }

  @Test("lists have what is one's own")
  func lists() async throws {
    let tenants = try await Tenants()
    let whole = try await tenants.keeper.token("whole")
    try await tenants.test { client in
      func names(_ path: String, _ list: String, _ member: String, _ token: String) async throws -> [JSON?] {
        guard case .array(let entries) = try await ask(client, .get, path, token).json[list] else { return [] }
        return entries.map { $0[member] }
      }
      for (path, list, member, own, all) in [
        ("/projects", "projects", "name", ["own"], ["default", "other", "own"]),
        ("/toprack/devices", "devices", "hostname", ["own"], ["other", "own"]),
        (
          "/organizations/\(Owner.organization.text)/projects", "projects", "name", ["own"],
          ["default", "other", "own"]
        ),
        ("/organizations/\(Owner.organization.text)/devices", "devices", "hostname", ["own"], ["other", "own"]),
        ("/toprack/virtual-networks", "virtual_networks", "vxlan", [1000], [1000, 1000]),
      ] as [(String, String, String, [JSON], [JSON])] {
        #expect(try await names(path, list, member, tenants.own.token) == own)
        let found = try await names(path, list, member, whole).compactMap(\.self)
        #expect(found.map { "\($0)" }.sorted() == all.map { "\($0)" }.sorted())
      }
      #expect(
        try await names("/toprack/ips", "ip_reservations", "id", tenants.own.token) == [tenants.own.reservation.json])
      #expect(try await names("/toprack/ips", "ip_addresses", "id", tenants.own.token).count == 3)
      for path in ["/ssh-keys", "/toprack/ssh-keys", "/projects/\(tenants.own.project)/ssh-keys"] {
        #expect(try await names(path, "ssh_keys", "label", tenants.own.token) == ["own"])
      }
      #expect(try await names("/toprack/ssh-keys", "ssh_keys", "label", whole).count == 2)
      let organization = try await ask(client, .get, "/organizations?include=projects", tenants.own.token).json
      #expect(organization["organizations"]?[0]?["projects"]?.elements.map { $0["id"] } == [tenants.own.project.json])
      let events =
        try await ask(client, .get, "/events?per_page=1000", tenants.own.token).json["events"]?.elements ?? []
      #expect(Set(events.map { $0["toprack"]?["project"] }) == ["own"])
    }
  }

  @Test("another project's network cannot be attached, by its UUID; its number means one's own")
  func foreignNetwork() async throws {
    let tenants = try await Tenants()
    let own = tenants.own
    let port = own.server.bond0.id
    try await tenants.test { client in
      #expect(try await ask(client, .post, "/ports/\(port)/convert/layer-2", own.token).status == 200)
      let foreign = try await ask(
        client, .post, "/ports/\(port)/assign", own.token, "{\"vnid\":\"\(tenants.other.network)\"}")
      #expect(foreign.status == 404)
      #expect(foreign.json["errors"] == [.string("there is no virtual network \(tenants.other.network)")])
      let number = try await ask(client, .post, "/ports/\(port)/assign", own.token, #"{"vnid":1000}"#)
      #expect(number.json["virtual_networks"]?[0]?["id"] == own.network.json)
    }
    #expect(await tenants.keeper.callers.last == "own")
  }

  @Test("what concerns the whole rack is not changed by a project's token: 403")
  func wholeRack() async throws {
    let tenants = try await Tenants()
    try await tenants.test { client in
      for (method, path, body) in [
        (.put, "/toprack/settings/aging", #"{"seconds":20}"#),
        (.put, "/toprack/settings/lacp-rate", #"{"rate":"fast"}"#),
        (.post, "/toprack/facilities/ewr1/fail", #"{"switch":"a"}"#), (.post, "/toprack/facilities/ewr1/heal", ""),
        (.delete, "/toprack/fdb", ""), (.get, "/toprack/tokens", ""), (.post, "/toprack/tokens", #"{"name":"x"}"#),
        (.delete, "/toprack/tokens/own", ""),
      ] as [(HTTPRequest.Method, String, String)] {
        let answer = try await ask(client, method, path, tenants.own.token, body)
        #expect(answer.status == 403, "\(method.rawValue) \(path)")
      }
      #expect(try await ask(client, .get, "/toprack/settings", tenants.own.token).status == 200)
    }
    #expect(await tenants.keeper.rack.aging == Rack.defaultAging)
  }

  @Test("a read-only token is refused by whatever changes something, and may ask what a lab file would do")
  func readOnly() async throws {
    let tenants = try await Tenants()
    let reader = try await tenants.keeper.token("reader", project: tenants.own.project, isReadOnly: true)
    var routes = Routes(keeper: tenants.keeper)
    APIResponder.register(on: &routes)
    let methods = routes.methods
    let before = await tenants.keeper.rack
    try await tenants.test { client in
      var refused = 0
      for (path, methods) in methods {
        let known = path.split(separator: "/").map { $0.hasPrefix(":") ? "own" : $0 }.joined(separator: "/")
        for method in methods where method != .get {
          let answer = try await ask(client, method, "/" + known, reader, "lab: own\n")
          if path == "/toprack/labs/:lab/plan" {
            #expect(answer.status == 200 && answer.json["lab"] == "own", "\(answer.json)")
          } else {
            #expect(answer.status == 403, "\(method.rawValue) \(path)")
            #expect(answer.json["errors"]?[0] == "the token is read-only: it is for what changes nothing")
            refused += 1
          }
        }
      }
      #expect(refused > 50)
      // What needs more than the right to write is still refused.
      let other = try await ask(client, .post, "/toprack/labs/own/plan", reader, "lab: own\nproject: other\n")
      #expect(other.status == 422)
    }
    #expect(await tenants.keeper.rack == before)
  }

  @Test("a shut port is reopened by its own project's token, once, and by no read-only one")
  func reopen() async throws {
    let tenants = try await Tenants()
    let reader = try await tenants.keeper.token("reader", project: tenants.own.project, isReadOnly: true)
    let path = "/toprack/devices/own/ports/eth1/reopen"
    await tenants.keeper.shut(.eth1)
    try await tenants.test { client in
      // The last time it is open already.
      for (token, status) in [
        (tenants.other.token, 404), (reader, 403), (tenants.own.token, 200), (tenants.own.token, 422),
      ] {
        let answer = try await ask(client, .post, path, token)
        #expect(answer.status == status)
      }
    }
  }

  @Test("where the database is, is said to those who see the whole rack")
  func stateDirectory() async throws {
    let tenants = try await Tenants()
    let whole = try await tenants.keeper.token("whole")
    try await tenants.test { client in
      for (token, directory) in [(tenants.own.token, JSON.null), (whole, "/state")] {
        let status = try await ask(client, .get, "/toprack/status", token).json
        #expect(status["state_directory"] == directory)
      }
    }
  }

  @Test("a token is asked for before path, id and state")
  func order() async throws {
    let tenants = try await Tenants()
    let id = tenants.own.server.id
    try await tenants.test { client in
      for path in ["/nothing", "/devices/\(id)", "/devices/x", "/metal/v1/projects", "/events/stream"] {
        let answer = try await ask(client, .get, path, "wrong")
        #expect(answer.status == 401)
        #expect(answer.json == ["error": "Invalid authentication token"])
      }
    }
  }

  @Test("tokens are made, listed without their texts, and revoked")
  func tokens() async throws {
    let tenants = try await Tenants()
    let whole = try await tenants.keeper.token("whole")
    try await tenants.test { client in
      let made = try await ask(
        client, .post, "/toprack/tokens", whole, #"{"name":"ci","project":"own","read_only":true}"#)
      #expect(made.status == 201)
      #expect(made.json["project"]?["id"] == tenants.own.project.json)
      #expect(made.json["read_only"] == true)
      guard case .string(let text) = made.json["token"] else {
        Issue.record("no text")
        return
      }
      #expect(try await ask(client, .get, "/devices/\(tenants.own.server.id)", text).status == 200)
      #expect(try await ask(client, .get, "/devices/\(tenants.other.server.id)", text).status == 404)
      #expect(try await ask(client, .delete, "/devices/\(tenants.own.server.id)", text).status == 403)
      let list = try await ask(client, .get, "/toprack/tokens", whole)
      guard case .array(let entries) = list.json["tokens"] else {
        Issue.record("no list")
        return
      }
      #expect(entries.map { $0["name"] } == ["ci", "other", "own", "whole"])
      for entry in entries {
        guard case .object(let members) = entry else { continue }
        #expect(members.map(\.name) == ["id", "href", "name", "project", "read_only", "created_at"])
      }
      #expect(try await ask(client, .post, "/toprack/tokens", whole, #"{"name":"ci"}"#).status == 422)
      #expect(try await ask(client, .post, "/toprack/tokens", whole, #"{"name":"x","project":"none"}"#).status == 404)
      #expect(try await ask(client, .post, "/toprack/tokens", whole, "{}").status == 422)
      #expect(try await ask(client, .delete, "/toprack/tokens/ci", whole).status == 204)
      #expect(try await ask(client, .delete, "/toprack/tokens/ci", whole).status == 404)
      #expect(try await ask(client, .get, "/projects", text).status == 401)
    }
  }

  @Test("a new rack gets a first token; a revoked one does not come back")
  func first() async throws {
    let keeper = RackAlone()
    let directory = try TestDirectory()
    #expect(try await FirstToken(in: directory.path).make(in: keeper))
    #expect(try directory.mode("token") == 0o600)
    let text = try directory.text("token")
    #expect(text.utf8.count == 41 && text.hasSuffix("\n"))
    let token = try #require(TokenText.token(String(text.dropLast()), among: await keeper.rack.tokens.values))
    #expect(token.name == "first" && token.project == nil && !token.isReadOnly)
    #expect(try await !FirstToken(in: directory.path).make(in: keeper))
    _ = try await keeper.perform(.revokeToken(token.id), by: "test")
    #expect(try await !FirstToken(in: directory.path).make(in: keeper))
    #expect(await keeper.rack.tokens.isEmpty)
  }
}
