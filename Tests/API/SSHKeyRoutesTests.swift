import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Rack
import Testing

@testable import API

@Suite("SSH keys by the API") struct SSHKeyRoutesTests {
  private static func body(_ label: String, _ key: String, _ more: String = "") -> String {
    let text = key.replacing("\n", with: "\\n")
    return #"{"label": "\#(label)", "key": "\#(text)"\#(more)}"#
  }

  @Test(
    "fingerprints are those of ssh-keygen, with MD5 and SHA-256",
    arguments: [
      (KeyVectors.ed25519, KeyVectors.ed25519MD5, KeyVectors.ed25519SHA256),
      (KeyVectors.ecdsa, KeyVectors.ecdsaMD5, KeyVectors.ecdsaSHA256),
      (KeyVectors.rsa, KeyVectors.rsaMD5, KeyVectors.rsaSHA256),
    ])
  func fingerprints(_ line: String, _ md5: String, _ sha256: String) throws {
    let key = try SSHPublicKey(reading: line)
    #expect(key.fingerprint == md5 && key.sha256 == sha256)
  }

  @Test("a key of a project: made, shown as it was given, changed by either method, removed")
  func life() async throws {
    try await WholeAPI.test { api in
      let project = try await api.project()
      let list = "/projects/\(project)/ssh-keys"
      // Go's clients end a key with a newline, and compare.
      let text = KeyVectors.ed25519 + "\n"
      let made = try await api.call(.post, list, Self.body("laptop", text, #", "tags": ["a"]"#), 201)
      #expect(made["label"] == "laptop" && made["key"] == .string(text) && made["tags"] == ["a"])
      #expect(made["fingerprint"] == .string(KeyVectors.ed25519MD5))
      #expect(made["toprack"]?["sha256"] == .string(KeyVectors.ed25519SHA256))
      #expect(made["owner"] == ["href": .string("/projects/\(project)")] && made["entity"] == made["owner"])
      #expect(made["created_at"] == "2019-07-18T08:46:38Z" && made["updated_at"] == made["created_at"])
      let path = try "/ssh-keys/\(api.id(made))"
      #expect(made["href"] == .string(path))
      #expect(try await api.call(.get, path) == made)
      #expect(try await api.call(.get, list)["ssh_keys"] == [made])
      #expect(try await api.call(.get, "/projects/\(project)")["ssh_keys"] == [["href": .string(path)]])
      #expect(try await api.call(.get, "\(path)?include=owner")["owner"]?["name"] == "default")

      #expect(try await api.call(.patch, path, #"{"label": "desk", "key": null}"#)["label"] == "desk")
      let put = try await api.call(.put, path, Self.body("third", KeyVectors.rsa, #", "tags": {}"#))
      #expect(put["fingerprint"] == .string(KeyVectors.rsaMD5) && put["tags"] == [] && put["label"] == "third")
      #expect(try await api.call(.patch, path) == put)
      try await api.call(.delete, path, nil, 204)
      try await api.refuse(.get, path, nil, 404, "there is no SSH key")
      try await api.refuse(.delete, path, nil, 404, "there is no SSH key")
      try await api.refuse(.patch, path, "{}", 404, "there is no SSH key")
      try await api.refuse(.get, "/ssh-keys/x", nil, 404, "give its UUID")
    }
  }

  @Test("the user's keys are a list of their own; all of them together are Toprack's")
  func lists() async throws {
    try await WholeAPI.test { api in
      let project = try await api.project()
      let user = try await api.call(.post, "/ssh-keys", Self.body("me", KeyVectors.ed25519), 201)
      #expect(user["owner"] == ["href": .string("/users/\(Owner.user.text)")])
      #expect(user["toprack"]?["project"] == .null)
      let own = try await api.call(.post, "/projects/\(project)/ssh-keys", Self.body("ci", KeyVectors.ecdsa), 201)
      #expect(try await api.call(.get, "/ssh-keys")["ssh_keys"] == [user])
      #expect(try await api.call(.get, "/projects/\(project)/ssh-keys")["ssh_keys"] == [own])
      let all = try await api.call(.get, "/toprack/ssh-keys")["ssh_keys"]
      #expect(Set(all?.elements.map { $0["label"] } ?? []) == ["me", "ci"])
      for (search, labels) in [
        ("ME", ["me"]), ("SHA256:z5kv", ["ci"]), ("71:bf", ["me"]), ("ecdsa-SHA2", ["ci"]), ("anna@", ["ci", "me"]),
        ("nobody", []), ("", ["ci", "me"]),
      ] {
        let found = try await api.call(.get, "/toprack/ssh-keys?search=\(search)")["ssh_keys"]?.elements ?? []
        #expect(found.compactMap { $0["label"]?.string }.sorted() == labels, "\(search)")
      }
      #expect(try await api.call(.get, "/ssh-keys?search=ci")["ssh_keys"] == [])
      for name in ["search", "query", "Search+string"] {
        let found = try await api.call(.get, "/toprack/ssh-keys?\(name)=\(api.id(own).uppercased())")
        #expect(found["ssh_keys"] == [own], "\(name)")
      }
      #expect(try await api.call(.get, "/toprack/ssh-keys?search=anna&query=ci")["ssh_keys"] == [own])
      try await api.refuse(.get, "/projects/\(UUID())/ssh-keys", nil, 404, "there is no project")
      try await api.refuse(.post, "/projects/\(UUID())/ssh-keys", "{}", 404, "there is no project")
    }
  }

  @Test("libcloud's form: label and key stand in the query")
  func query() async throws {
    try await WholeAPI.test { api in
      func encoded(_ text: String) -> String { PercentEncoding.encode(text).replacing("%20", with: "+") }
      let made = try await api.call(
        .post, "/metal/v1/ssh-keys?label=my+key&key=\(encoded(KeyVectors.ecdsa))", nil, 201)
      #expect(made["label"] == "my key" && made["key"] == .string(KeyVectors.ecdsa))
      #expect(made["fingerprint"] == .string(KeyVectors.ecdsaMD5))
      #expect(made["href"]?.string?.hasPrefix("/metal/v1/ssh-keys/") == true)
    }
  }

  @Test(
    "a key that cannot be is refused with the reason, and nothing of it is kept",
    arguments: [
      ("{}", 422, "key is missing"), (#"{"key": "x"}"#, 422, "label is missing"),
      (#"{"label": "a", "key": ""}"#, 422, "is empty"), (#"{"label": 1, "key": "x"}"#, 422, "label must be a text"),
      (#"{"label": "a", "key": ["x"]}"#, 422, "key must be a text"),
      (body("", KeyVectors.ed25519), 422, "label \"\" is not valid"),
      (body("a\\u0007", KeyVectors.ed25519), 422, "without controls"),
      (body(String(repeating: "x", count: 81), KeyVectors.ed25519), 422, "1 to 80 characters"),
      (body("a", KeyVectors.openSSHPrivate), 422, "is a private key"),
      (body("a", "\(KeyVectors.ed25519)\n\(KeyVectors.ecdsa)"), 422, "has 2 lines"),
      (body("a", "no-pty \(KeyVectors.ed25519)"), 422, "options before its type"),
      (body("a", String(repeating: "A", count: 100_000)), 422, "valid are up to 16384"),
      (body("a", KeyVectors.ed25519, #", "tags": 1"#), 422, "tags must be a list"),
      (body("a", KeyVectors.ed25519, #", "instances_ids": ["x"]"#), 422, "a list of UUIDs of devices"),
      (
        body("a", KeyVectors.ed25519, #", "instances_ids": ["00000000-0000-4000-8000-00000000ffff"]"#), 404, "no device"
      ),
      ("[", 400, "JSON"),
    ])
  func wrong(_ body: String, _ status: Int, _ words: String) async throws {
    try await WholeAPI.test { api in
      for path in ["/ssh-keys", "/projects/\(try await api.project())/ssh-keys"] {
        let answer = try await api.ask(.post, path, body)
        #expect(answer.status.code == status && answer.errors.contains { $0.contains(words) }, "\(answer.errors)")
        #expect(!String(decoding: answer.bytes, as: UTF8.self).contains("b3BlbnNz"), "a secret is told")
      }
      #expect(try await api.call(.get, "/toprack/ssh-keys")["ssh_keys"] == [])
    }
  }

  @Test("the same key twice in one place is 422, whatever its comment; in another place it may be")
  func twice() async throws {
    try await WholeAPI.test { api in
      let list = "/projects/\(try await api.project())/ssh-keys"
      let made = try await api.call(.post, list, Self.body("a", KeyVectors.ed25519), 201)
      let again = KeyVectors.ed25519.replacing("anna@laptop", with: "x")
      try await api.refuse(.post, list, Self.body("b", again), 422, "the project has this SSH key already: \"a\"")
      let user = try await api.call(.post, "/ssh-keys", Self.body("b", again), 201)
      try await api.refuse(.post, "/ssh-keys", Self.body("c", again), 422, "the user has this SSH key already")
      let other = try await api.call(.post, list, Self.body("c", KeyVectors.rsa), 201)
      try await api.refuse(.patch, "/ssh-keys/\(api.id(other))", #"{"key": "\#(again)"}"#, 422, "already")
      #expect(made["fingerprint"] == user["fingerprint"])
    }
  }

  // MARK: Devices

  @Test("a device gets the keys of its project and of the user, those that are named, new ones, or none")
  func devices() async throws {
    try await WholeAPI.test { api in
      let project = try await api.project()
      let user = try api.id(try await api.call(.post, "/ssh-keys", Self.body("me", KeyVectors.ed25519), 201))
      let own = try api.id(
        try await api.call(.post, "/projects/\(project)/ssh-keys", Self.body("ci", KeyVectors.ecdsa), 201))
      func keys(_ more: String) async throws -> [String] {
        let device = try await api.device(more)
        let list = try await api.call(.get, "/devices/\(api.id(device))/ssh-keys")["ssh_keys"]?.elements ?? []
        #expect(device["ssh_keys"]?.elements.map { $0["href"] } == list.map { $0["href"] })
        return try list.map { try api.id($0) }
      }
      #expect(try await keys("") == [own, user])
      // packet-python sends empty lists, others null.
      #expect(try await keys(#", "project_ssh_keys": [], "user_ssh_keys": [], "ssh_keys": null"#) == [own, user])
      #expect(try await keys(#", "no_ssh_keys": true"#) == [])
      #expect(try await keys(#", "no_ssh_keys": true, "project_ssh_keys": ["\#(own)"]"#) == [own])
      #expect(try await keys(#", "user_ssh_keys": ["\#(Owner.user.text)"]"#) == [user])
      let known = #", "ssh_keys": [{"label": "x", "key": "\#(KeyVectors.ecdsa)"}]"#
      #expect(try await keys(known) == [own])
      let new = try await keys(#", "ssh_keys": [{"label": "new", "key": "\#(KeyVectors.rsa)", "tags": ["t"]}]"#)
      let list = try await api.call(.get, "/projects/\(project)/ssh-keys")["ssh_keys"]?.elements ?? []
      #expect(list.map { $0["label"] } == ["ci", "new"])
      #expect(try new == list.dropFirst().map { try api.id($0) })

      let device = try await api.device()
      let whole = try await api.call(.get, "/devices/\(api.id(device))?include=ssh_keys")["ssh_keys"]?.elements ?? []
      #expect(whole.map { $0["label"] } == ["ci", "new", "me"])
      #expect(
        try await api.call(.get, "/devices/\(api.id(device))/ssh-keys?search=new")["ssh_keys"]?.elements.count == 1)
      try await api.call(.delete, "/ssh-keys/\(own)", nil, 204)
      #expect(try await api.call(.get, "/devices/\(api.id(device))")["ssh_keys"]?.elements.count == 2)
    }
  }

  @Test(
    "wrong keys of a new device are refused, and neither it nor a key is made",
    arguments: [
      (#""project_ssh_keys": ["x"]"#, 422, "a list of UUIDs of SSH keys"),
      (#""project_ssh_keys": "x""#, 422, "project_ssh_keys must be a list"),
      (#""project_ssh_keys": ["00000000-0000-4000-8000-00000000ffff"]"#, 404, "there is no SSH key"),
      (#""user_ssh_keys": ["00000000-0000-4000-8000-00000000ffff"]"#, 422, "no user; the only one is"),
      (#""ssh_keys": [{"key": "x"}]"#, 422, "without label or key"),
      (#""ssh_keys": ["x"]"#, 422, "ssh_keys has the entry"),
      (#""ssh_keys": [{"label": "a", "key": "ssh-rsa x"}]"#, 422, "malformed base64"),
      (#""ssh_keys": {}"#, 422, "ssh_keys is an object"),
      (#""no_ssh_keys": 1"#, 422, "no_ssh_keys must be true or false"),
    ])
  func wrongDevices(_ member: String, _ status: Int, _ words: String) async throws {
    try await WholeAPI.test { api in
      let body = #"{"plan": "c3.small.x86", "operating_system": "debian_12", "facility": "ewr1", \#(member)}"#
      try await api.refuse(.post, "/projects/\(api.project())/devices", body, status, words)
      #expect(try await api.call(.get, "/toprack/devices")["devices"] == [])
      #expect(try await api.call(.get, "/toprack/ssh-keys")["ssh_keys"] == [])
    }
  }

  @Test("a key for devices that are there: those that are named, or all")
  func instances() async throws {
    try await WholeAPI.test { api in
      let (one, two) = (try await api.device(), try await api.device())
      let list = "/projects/\(try await api.project())/ssh-keys"
      let named = #", "instances_ids": ["\#(try api.id(one))"]"#
      try await api.call(.post, list, Self.body("one", KeyVectors.ed25519, named), 201)
      try await api.call(.post, "/ssh-keys", Self.body("all", KeyVectors.rsa, #", "instances_ids": []"#), 201)
      func labels(_ device: JSON) async throws -> [JSON?] {
        try await api.call(.get, "/devices/\(api.id(device))?include=ssh_keys")["ssh_keys"]?.elements.map {
          $0["label"]
        }
          ?? []
      }
      #expect(try await labels(one) == ["one", "all"])
      #expect(try await labels(two) == ["all"])
    }
  }

  @Test(
    "a device says where its console is, and for a day what root's first password is; a reinstallation makes another")
  func passwords() async throws {
    try await WholeAPI.test { api in
      let device = try await api.device()
      let path = try "/devices/\(api.id(device))"
      #expect(device["sos"] == .string("\(try api.id(device))@sos.ewr1.toprack"))
      let first = try #require(device["root_password"]?.string)
      #expect(first.count == 16)
      await api.keeper.wait(24 * 3600 - 1)
      #expect(try await api.call(.get, path)["root_password"] == .string(first))
      await api.keeper.wait(1)
      #expect(try await api.call(.get, path)["root_password"] == .null)
      #expect(try await api.call(.get, "/toprack/devices")["devices"]?[0]?["root_password"] == .null)
    }
    try await WholeAPI.test { api in
      let device = try await api.device()
      let path = try "/devices/\(api.id(device))"
      try await api.call(.post, "\(path)/actions", #"{"type": "reinstall"}"#, 202)
      let second = try await api.call(.get, path)["root_password"]
      #expect(second != .null && second != device["root_password"])
      let events = try await api.call(.get, "/events?per_page=1000")
      #expect(!String(decoding: events.text, as: UTF8.self).contains(second?.string ?? "?"))
    }
  }

  // MARK: Who may

  private static func ask(
    _ client: any TestClientProtocol, _ method: HTTPRequest.Method, _ path: String, _ token: String, _ body: String = ""
  ) async throws -> (status: Int, json: JSON) {
    let response = try await client.execute(
      uri: path, method: method, headers: [HTTPField.Name("X-Auth-Token")!: token], body: ByteBuffer(string: body))
    let bytes = Array(response.body.readableBytesView)
    return (response.status.code, bytes.isEmpty ? nil : try JSON(reading: bytes))
  }

  @Test("for a project's token /ssh-keys are the project's; the user's keys it sees, and cannot change")
  func projectToken() async throws {
    let keeper = RackAlone()
    let project = await keeper.project
    let token = try await keeper.token("t", project: project)
    let user = try await keeper.key("me", KeyVectors.rsa, of: .user)
    try await Application(responder: APIResponder(keeper: keeper)).test(.router) { client in
      let made = try await Self.ask(client, .post, "/ssh-keys", token, Self.body("ci", KeyVectors.ed25519))
      #expect(made.status == 201 && made.json["owner"]?["href"] == .string("/projects/\(project)"))
      // packet-python: a 422 is looked up in this list, and found in it once.
      let again = try await Self.ask(
        client, .post, "/projects/\(project)/ssh-keys", token, Self.body("ci", KeyVectors.ed25519))
      #expect(again.status == 422)
      #expect(try await Self.ask(client, .get, "/ssh-keys", token).json["ssh_keys"]?.elements.count == 1)
      let all = try await Self.ask(client, .get, "/toprack/ssh-keys", token).json["ssh_keys"]?.elements ?? []
      #expect(all.count == 2)
      #expect(try await Self.ask(client, .get, "/ssh-keys/\(user.id)", token).json["label"] == "me")
      for (method, body) in [(.patch, "{}"), (.put, #"{"label": "x"}"#), (.delete, "")]
        as [(HTTPRequest.Method, String)]
      {
        let answer = try await Self.ask(client, method, "/ssh-keys/\(user.id)", token, body)
        #expect(answer.status == 403, "\(method.rawValue)")
        #expect(answer.json["errors"]?[0]?.string?.contains("concern the whole rack") == true)
      }
    }
    #expect(await keeper.rack.sshKeys[user.id] == user)
  }

  @Test("a read-only token sees keys, and neither changes any nor is told a password")
  func readOnly() async throws {
    let keeper = RackAlone()
    let server = try await keeper.server("web1")
    let key = try await keeper.key("me", KeyVectors.rsa, of: .user)
    let reader = try await keeper.token("reader", isReadOnly: true)
    let writer = try await keeper.token("writer")
    try await Application(responder: APIResponder(keeper: keeper)).test(.router) { client in
      let list = try await Self.ask(client, .get, "/ssh-keys", reader)
      #expect(list.json["ssh_keys"]?.elements.count == 1)
      #expect(try await Self.ask(client, .delete, "/ssh-keys/\(key.id)", reader).status == 403)
      for path in ["/devices/\(server.id)", "/toprack/devices/web1"] {
        #expect(try await Self.ask(client, .get, path, reader).json["root_password"] == .null)
        #expect(try await Self.ask(client, .get, path, writer).json["root_password"]?.string?.count == 16)
      }
    }
  }
}

extension RackAlone {
  func key(_ label: String, _ line: String, of owner: SSHKey.Owner) throws -> SSHKey {
    let outcome = try perform(.createSSHKey(SSHKeyRequest(owner: owner, label: label, key: line)), by: "test")
    guard case .sshKey(let id) = outcome.subject else { preconditionFailure() }
    return rack.sshKeys[id]!
  }
}
