import Foundation
import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Net
import Rack
import ServiceLifecycle
import Synchronization
import Testing

@testable import API

private func subject(plan: String = "c3.small.x86", mode: NetworkMode? = nil) throws -> MetadataSubject {
  var source = Counting()
  var rack = Rack(with: &source)
  let project = try #require(rack.project(named: "default")).id
  let created = try rack.perform(
    .createServer(
      ServerRequest(
        hostname: "web1", plan: plan, facility: "ewr1", operatingSystem: "debian_12", project: project, place: .host)),
    with: &source)
  guard case .server(let id) = created.subject else { throw APIError.invalid("no server") }
  if let mode { try rack.perform(.setMode(id, mode), with: &source) }
  return MetadataSubject(rack: rack, server: try #require(rack.servers[id]))
}

@Suite("What a server is told about itself") struct MetadataRendererTests {
  private func renderer(_ subject: MetadataSubject) -> MetadataRenderer {
    MetadataRenderer(rack: subject.rack, server: subject.server, privateSubnets: ["10.0.0.0/8"])
  }

  @Test("the JSON document, whole")
  func golden() throws {
    // Broken into lines for the reader; the text itself has none.
    let golden = #"""
      {"id":"00000000-0000-4000-8000-000000000003","hostname":"web1","iqn":"iqn.2019-07.net.packet:device.00000000",
      "operating_system":{"slug":"debian_12","distro":"debian","version":"12","license_activation":{"state":"unlicensed"},
      "image_tag":null},"plan":"c3.small.x86","class":"c3.small.x86","facility":"ewr1","private_subnets":["10.0.0.0/8"],
      "tags":[],"ssh_keys":[],"crypted_root_password":null,"customdata":{},"network":{"bonding":{"mode":4,"link_aggregation":"bonded","mac":"02:00:00:00:07:00"},
      "interfaces":[{"name":"eth0","mac":"02:00:00:00:07:00","bond":"bond0"},
      {"name":"eth1","mac":"02:00:00:00:07:01","bond":"bond0"}],
      "addresses":[{"id":"00000000-0000-4000-8000-000000000008","address_family":4,"netmask":"255.255.255.254",
      "created_at":"2019-07-18T08:46:38Z","public":true,"cidr":31,"management":true,"enabled":true,
      "network":"198.18.0.0","address":"198.18.0.1","gateway":"198.18.0.0",
      "parent_block":{"network":"198.18.0.0","netmask":"255.255.255.254","cidr":31,
      "href":"/ips/00000000-0000-4000-8000-000000000008"}},
      {"id":"00000000-0000-4000-8000-00000000000a","address_family":6,
      "netmask":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe","created_at":"2019-07-18T08:46:38Z","public":true,"cidr":127,
      "management":true,"enabled":true,"network":"2001:db8::","address":"2001:db8::1","gateway":"2001:db8::",
      "parent_block":{"network":"2001:db8::","netmask":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe","cidr":127,
      "href":"/ips/00000000-0000-4000-8000-00000000000a"}},
      {"id":"00000000-0000-4000-8000-000000000009","address_family":4,"netmask":"255.255.255.254",
      "created_at":"2019-07-18T08:46:38Z","public":false,"cidr":31,"management":true,"enabled":true,
      "network":"10.64.0.0","address":"10.64.0.1","gateway":"10.64.0.0",
      "parent_block":{"network":"10.64.0.0","netmask":"255.255.255.254","cidr":31,
      "href":"/ips/00000000-0000-4000-8000-000000000009"}}]},"api_url":"http://169.254.169.254",
      "phone_home_url":"http://169.254.169.254/phone-home","user_state_url":"http://169.254.169.254/events",
      "volumes":[],"spot":{},"storage":null}
      """#
    let text = String(decoding: renderer(try subject()).json.text, as: UTF8.self)
    #expect(text == golden.replacing("\n", with: ""))
  }

  @Test("what is written on the server is in every form that there is of it")
  func details() async throws {
    var subject = try subject()
    var source = Counting()
    source.count = 100
    var rack = subject.rack
    var update = ServerUpdate()
    (update.tags, update.userdata, update.customdata) = (["a", "b"], "#!/bin/sh\n", #"{"a":[1,null]}"#)
    try rack.perform(.updateServer(subject.server.id, update), with: &source)
    subject = MetadataSubject(rack: rack, server: try #require(rack.servers[subject.server.id]))
    let renderer = renderer(subject)
    #expect(renderer.json["tags"] == ["a", "b"] && renderer.json["customdata"] == ["a": [1, nil]])
    #expect(renderer.text(at: ["tags"]) == "a\nb")
    let told = subject
    let responder = MetadataResponder(lookup: { _ in told }, privateSubnets: []) { _, _ in }
    for path in ["/userdata", "/latest/user-data", "/2009-04-04/user-data"] {
      let response = await responder.respond(.get, path, from: IPAddress(v4: 1))
      #expect(response.status == .ok && response.headers[.contentLength] == "10", "\(path)")
    }
  }

  @Test("a NIC outside the bond has none, and a plan for balance-tlb says so")
  func hybrid() throws {
    let network = try #require(renderer(try subject(plan: "x1.small.x86")).json["network"])
    #expect(network["bonding"]?["mode"] == 5 && network["bonding"]?["link_aggregation"] == "bonded")
    #expect(network["interfaces"]?[0]?["bond"] == "bond0")
    #expect(network["interfaces"]?[1]?["bond"] == .null)
  }

  @Test("every name that is listed has a value, and the values are the server's")
  func texts() throws {
    let subject = try subject()
    let renderer = renderer(subject)
    let names = try #require(renderer.text(at: [])).split(separator: "\n")
    #expect(
      names == [
        "instance-id", "hostname", "iqn", "plan", "facility", "tags", "operating-system/", "public-keys/",
        "public-ipv4",
        "public-ipv6", "local-ipv4",
      ])
    for name in names { #expect(renderer.text(at: name.split(separator: "/")) != nil, "\(name)") }
    #expect(renderer.text(at: ["instance-id"]) == subject.server.id.description)
    #expect(renderer.text(at: ["hostname"]) == "web1")
    #expect(renderer.text(at: ["public-ipv4"]) == "198.18.0.1")
    #expect(renderer.text(at: ["local-ipv4"]) == "10.64.0.1")
    #expect(renderer.text(at: ["public-ipv6"]) == "2001:db8::1")
    for name in try #require(renderer.text(at: ["operating-system"])).split(separator: "\n") {
      #expect(renderer.text(at: ["operating-system"] + name.split(separator: "/")) != nil, "\(name)")
    }
    #expect(renderer.text(at: ["operating-system", "slug"]) == "debian_12")
    #expect(renderer.text(at: ["operating-system", "license_activation", "state"]) == "unlicensed")
    for path in [["x"], ["hostname", "x"], ["operating-system", "x"]] as [[Substring]] {
      #expect(renderer.text(at: path) == nil)
    }
  }

  @Test("keys: in the document, one a line, and as EC2 lists them, by which cloud-init fetches each")
  func keys() throws {
    var source = Counting()
    var rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    for (label, line, owner) in [
      ("laptop", " \(KeyVectors.ed25519) \r\n", .project(project)), ("a=b c", KeyVectors.ecdsa, .project(project)),
      ("same", KeyVectors.ecdsa, .user),
    ] as [(String, String, SSHKey.Owner)] {
      try rack.perform(.createSSHKey(SSHKeyRequest(owner: owner, label: label, key: line)), with: &source)
    }
    func renderer(_ choice: SSHKeyChoice) throws -> MetadataRenderer {
      var rack = rack
      let made = try rack.perform(
        .createServer(
          ServerRequest(
            hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
            place: .host, keys: choice)), with: &source)
      guard case .server(let id) = made.subject, let server = rack.servers[id] else {
        throw APIError.invalid("no server")
      }
      return MetadataRenderer(rack: rack, server: server, privateSubnets: [])
    }
    let all = try renderer(SSHKeyChoice())
    // Both were added in the same second, so the label orders them; one that is there twice is told once.
    let lines = [KeyVectors.ecdsa, KeyVectors.ed25519]
    #expect(all.json["ssh_keys"] == .list(lines))
    #expect(all.text(at: ["public-keys"]) == lines.joined(separator: "\n"))
    #expect(all.text(at: ["public-keys"], isFolder: true) == "0=a=b c\n1=laptop")
    for (number, line) in lines.enumerated() {
      #expect(all.text(at: ["public-keys", "\(number)"], isFolder: true) == "openssh-key")
      #expect(all.text(at: ["public-keys", "\(number)", "openssh-key"]) == line)
    }
    for path in [["2"], ["x"], ["-1"], ["0", "x"], ["0", "openssh-key", "x"], ["99999999999999999999"]] as [[Substring]]
    {
      #expect(all.text(at: ["public-keys"] + path) == nil, "\(path)")
    }
    let none = try renderer(SSHKeyChoice(isNoneByDefault: true))
    #expect(none.json["ssh_keys"] == [] && none.text(at: ["public-keys"]) == "")
    #expect(none.text(at: ["public-keys"], isFolder: true) == "")
  }

  @Test("for a day the machine is told what stands of its root's password in shadow(5), and nobody the password itself")
  func password() throws {
    let subject = try subject()
    let password = try #require(subject.server.rootPassword)
    func told(_ seconds: TimeInterval) -> JSON? {
      let renderer = MetadataRenderer(
        rack: subject.rack, server: subject.server, privateSubnets: [], now: password.madeAt + seconds)
      let text = String(decoding: renderer.json.text, as: UTF8.self)
      #expect(!text.contains(password.text))
      return renderer.json["crypted_root_password"]
    }
    // As `openssl passwd -6 -salt 'rounds=1000$0000000000004000' a2caaaaaaadaaaaa` has it.
    #expect(password.text == "a2caaaaaaadaaaaa")
    let crypted =
      "$6$rounds=1000$0000000000004000$oDaA4ZliLKWXRFapQtQAT/XGJ/wbMfro48nRe6QpYts8A7rhrvy1Xda0F4K/nehiBSAbLKGzNvdzCq6qt08FT."
    #expect(told(0) == .string(crypted) && told(24 * 3600 - 1) == .string(crypted))
    #expect(told(24 * 3600) == .null)
  }

  @Test("a server without addresses lists none")
  func layer2() throws {
    let renderer = renderer(try subject(mode: .layer2Individual))
    #expect(renderer.text(at: [])?.contains("ipv") == false)
    #expect(renderer.text(at: ["public-ipv4"]) == nil)
    #expect(renderer.json["network"]?["addresses"] == [])
    #expect(renderer.json["network"]?["bonding"]?["link_aggregation"] == "individual")
  }
}

private let server = IPAddress(v4: 198 << 24 | 18 << 16 | 1)
private let stranger = IPAddress(v4: 198 << 24 | 18 << 16 | 3)

private func responder() throws -> MetadataResponder {
  let subject = try subject()
  return MetadataResponder(
    lookup: { address in
      address == server ? subject : nil
    }, privateSubnets: ["10.0.0.0/8"]
  ) { _, _ in }
}

private struct Sink: ResponseBodyWriter {
  let append: (ByteBuffer) -> Void
  mutating func write(_ buffer: ByteBuffer) async throws { append(buffer) }
  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

@Suite("Paths of the metadata service") struct MetadataResponderTests {
  private func text(_ response: Response) async throws -> String {
    var buffer = ByteBuffer()
    try await response.body.write(
      Sink { part in
        var part = part
        buffer.writeBuffer(&part)
      })
    return String(buffer: buffer)
  }

  @Test("a machine that asks without end waits for each answer, and no other does")
  func flood() async throws {
    let subject = try subject()
    let clock = Mutex(Duration.zero)
    let pauses = Mutex<[Duration]>([])
    let responder = MetadataResponder(
      lookup: { _ in subject }, privateSubnets: [],
      requests: RateLimiter(rate: MetadataResponder.requestRate, burst: 60, now: { clock.withLock { $0 } }),
      pause: { time in pauses.withLock { $0.append(time) } }
    ) { _, _ in }
    for _ in 0..<60 { #expect(await responder.respond(.get, "/metadata", from: server).status == .ok) }
    let refused = await responder.respond(.get, "/metadata", from: server)
    #expect(refused.status == .tooManyRequests && refused.headers[.retryAfter] == "1")
    #expect(try await text(refused).contains("198.18.0.1 asks more than 50 times a second"))
    #expect(pauses.withLock { $0 } == [.seconds(1)])
    #expect(await responder.respond(.get, "/metadata", from: stranger).status == .ok)
    clock.withLock { $0 = .milliseconds(20) }
    #expect(await responder.respond(.get, "/metadata", from: server).status == .ok)
    #expect(await responder.respond(.get, "/metadata", from: server).status == .tooManyRequests)
  }

  @Test(
    "each path has its form, with and without a last slash",
    arguments: [
      ("/", "2009-04-04\nlatest"), ("/latest", "meta-data\nuser-data"), ("/2009-04-04/", "meta-data\nuser-data"),
      ("/userdata", ""), ("/2009-04-04/user-data", ""), ("/latest/user-data", ""),
      ("/2009-04-04/meta-data/hostname", "web1"), ("/latest/meta-data/hostname/", "web1"),
      ("/latest/meta-data/operating-system/slug", "debian_12"), ("/latest/meta-data/tags?x=y", ""),
    ])
  func texts(_ path: String, _ want: String) async throws {
    let response = try await responder().respond(.get, path, from: server)
    #expect(response.status == .ok)
    #expect(response.headers[.contentType] == "text/plain; charset=utf-8")
    #expect(response.headers[.contentLength] == "\(want.utf8.count)")
    #expect(try await text(response) == want)
  }

  @Test("/metadata is JSON")
  func metadata() async throws {
    let response = try await responder().respond(.get, "/metadata", from: server)
    #expect(response.headers[.contentType] == "application/json; charset=utf-8")
    let json = try JSON(reading: Array(try await text(response).utf8))
    #expect(json["hostname"] == "web1")
    #expect(json["network"]?["addresses"]?[0]?["address"] == "198.18.0.1")
  }

  @Test(
    "what is not there is 404 with an error in JSON",
    arguments: [
      "/x", "/metadata/x", "/userdata/x", "/2009-04-04/x", "/2009-04-04/meta-data/x", "/2010-01-01/meta-data",
    ])
  func unknown(_ path: String) async throws {
    let response = try await responder().respond(.get, path, from: server)
    #expect(response.status == .notFound)
    #expect(try await text(response) == "{\"error\":\"there is nothing at \(path)\"}")
  }

  @Test("an address that is no server's learns nothing")
  func strangers() async throws {
    let response = try await responder().respond(.get, "/metadata", from: stranger)
    #expect(response.status == .notFound)
    #expect(try await text(response) == #"{"error":"no server has the address 198.18.0.3"}"#)
    #expect(try await responder().respond(.get, "/metadata", from: nil).status == .notFound)
  }

  @Test("other methods than GET and HEAD are 405, and an installer's report is heard")
  func methods() async throws {
    let responder = try responder()
    for method in [HTTPRequest.Method.post, .put, .delete, .patch] {
      let response = await responder.respond(method, "/metadata", from: server)
      #expect(response.status == .methodNotAllowed)
      #expect(response.headers[.allow] == "GET, HEAD")
    }
    #expect(await responder.respond(.head, "/metadata", from: server).status == .ok)
    #expect(await responder.respond(.post, "/phone-home", from: server).status == .ok)
    #expect(await responder.respond(.get, "/phone-home", from: server).status == .methodNotAllowed)
  }
}

@Suite("The metadata service over a socket") struct MetadataServiceTests {
  private func serve(
    _ limits: MetadataConnections.Limits = .init(), _ body: @escaping @Sendable (UInt16) async throws -> Void
  ) async throws {
    let (descriptor, port) = try makeListener()
    let subject = try subject()
    let responder = MetadataResponder(
      lookup: { $0 == IPAddress(v4: 0x7F00_0001) ? subject : nil }, privateSubnets: ["10.0.0.0/8"]
    ) { _, _ in }
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let service = MetadataService(listener: descriptor, responder: responder, limits: limits, logger: logger)
    let group = ServiceGroup(services: [service], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      let result = await Result { try await body(port) }
      let clock = ContinuousClock()
      let start = clock.now
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      // They may live for half a minute, so this is no question of how fast the machine is.
      #expect(clock.now - start < .seconds(20), "it waits for none of them")
      try result.get()
    }
  }

  @Test("requests are answered one after another on one connection; HEAD has no body")
  func keepAlive() async throws {
    try await serve { port in
      let client = try RawClient(port)
      for _ in 0..<3 {
        client.send("GET /2009-04-04/meta-data/hostname HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")
        let answer = await client.receive(until: "web1")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("\r\nContent-Length: 4\r\n"))
      }
      client.send("HEAD /metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      let answer = await client.receive(until: "\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.hasSuffix("\r\n\r\n"))
      let old = try RawClient(port)
      old.send("GET /userdata HTTP/1.0\r\n\r\n")
      #expect(await old.receive(until: "\r\n\r\n").contains(" 200 OK\r\n"))
    }
  }

  @Test("what is no HTTP is answered 400 and closed")
  func garbage() async throws {
    try await serve { port in
      let client = try RawClient(port)
      client.send("\u{1}\u{2}\u{3}\r\n\r\n")
      #expect(await client.receive().hasPrefix("HTTP/1.1 400"))
    }
  }

  @Test("a server that has its share of connections gets one more for the one of its own that is idle for longest")
  func connections() async throws {
    var limits = MetadataConnections.Limits()
    limits.perSource = 3
    try await serve(limits) { port in
      let clients = try (0..<3).map { _ in try RawClient(port) }
      for client in clients {
        client.send("GET /userdata HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(await client.receive(until: "\r\n\r\n").contains("200 OK"))
      }
      clients[0].send("GET /userdata HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(await clients[0].receive(until: "\r\n\r\n").contains("200 OK"))
      let late = try RawClient(port)
      late.send("GET /userdata HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(await late.receive(until: "\r\n\r\n").contains("200 OK"))
      #expect(await clients[1].receive() == "", "it was idle for longest")
      for client in [clients[0], clients[2], late] {
        client.send("GET /userdata HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(await client.receive(until: "\r\n\r\n").contains("200 OK"))
      }
    }
  }

  @Test("half-sent requests of a server keep none of its own out, and what is no request is answered")
  func halfSent() async throws {
    var limits = MetadataConnections.Limits()
    limits.perSource = 3
    try await serve(limits) { port in
      let clients = try (0..<3).map { _ in try RawClient(port) }
      for client in clients { client.send("GET /userdata HTTP/1.1\r\nX: ") }
      for text in ["GET /userdata HTTP/1.1\r\n\r\n", "GET /userdata HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"] {
        let client = try RawClient(port)
        client.send(text)
        let answer = await client.receive()
        #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("{\"error\":\"there "), "\(answer)")
      }
    }
  }

  @Test("a silent client, a slow one and an endless one are let go")
  func limits() async throws {
    var limits = MetadataConnections.Limits()
    limits.lifetime = .milliseconds(300)
    limits.octets = 10_000
    try await serve(limits) { port in
      let silent = try RawClient(port)
      let slow = try RawClient(port)
      let endless = try RawClient(port)
      slow.send("GET /metadata HTTP/1.1\r\nX: ")
      #expect(await silent.receive() == "")
      #expect(await slow.receive() == "")
      endless.send("GET /" + String(repeating: "x", count: 11_000))
      #expect(!(await endless.receive()).contains("200 OK"))
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}

@Suite("What machines report by the metadata service") struct MachineReportTests {
  private actor Kept {
    var reports: [MachineReport] = []
    func keep(_ report: MachineReport) { reports.append(report) }
  }

  private func responder(_ kept: Kept, burst: Int = 100) throws -> MetadataResponder {
    let subject = try subject()
    return MetadataResponder(
      lookup: { _ in subject }, privateSubnets: [],
      limiter: RateLimiter(every: .seconds(1), burst: burst, now: { .zero })
    ) { report, _ in await kept.keep(report) }
  }

  private func post(_ path: String, _ body: String, to responder: MetadataResponder) async -> Response {
    await responder.respond(.post, path, from: server) { Array(body.utf8) }
  }

  @Test("that a machine is up, at each path that there is of it, whatever stands in the body")
  func phoneHome() async throws {
    let kept = Kept()
    let responder = try responder(kept)
    for path in ["/phone-home", "/phone-home/events", "/phone-home/"] {
      for body in ["", "{}", "instance_id=x&pub_key_rsa=y"] {
        #expect(await post(path, body, to: responder).status == .ok, "\(path)")
      }
    }
    #expect(await kept.reports.count == 9)
    #expect(await Set(kept.reports) == [MachineReport(phoneHomeOf: try subject().server)])
    #expect(await kept.reports.first?.body == "web1 phoned home")
  }

  @Test("how far its owner's work has come, in one line")
  func userState() async throws {
    let kept = Kept()
    let responder = try responder(kept)
    for (path, body) in [
      ("/events", #"{"state":"running","code":1007,"message":"Im still\nprovisioning!!!"}"#),
      ("/events/events", #"{"state":"succeeded"}"#), ("/events", #"{"state":"failed","code":"1099","message":null}"#),
    ] { #expect(await post(path, body, to: responder).status == .ok, "\(body)") }
    #expect(
      await kept.reports.map(\.body) == [
        "web1 running, code 1007: Im still provisioning!!!", "web1 succeeded", "web1 failed, code 1099",
      ])
    #expect(await kept.reports.allSatisfy { $0.type == "device.user_state" })
  }

  @Test(
    "nonsense is refused and leaves nothing",
    arguments: [
      ("", 422, "state is missing"), ("{}", 422, "state is missing"), ("{", 400, "not readable"), ("[]", 400, "object"),
      (#"{"state":"happy"}"#, 422, "running, succeeded, failed"), (#"{"state":1}"#, 422, "must be a text"),
      (#"{"state":"running","code":999}"#, 422, "1000 to 1099"),
      (#"{"state":"running","code":"x"}"#, 422, "whole number"),
      (#"{"state":"running","message":{}}"#, 422, "must be a text"),
    ])
  func nonsense(_ body: String, _ status: Int, _ words: String) async throws {
    let kept = Kept()
    let response = await post("/events", body, to: try responder(kept))
    var text = ByteBuffer()
    try await response.body.write(
      Sink { part in
        var part = part; text.writeBuffer(&part)
      })
    #expect(response.status.code == status && String(buffer: text).contains(words), "\(String(buffer: text))")
    #expect(await kept.reports.isEmpty)
  }

  @Test("a machine that reports without end is told to wait, and a report that is too long is none")
  func limits() async throws {
    let kept = Kept()
    let responder = try responder(kept, burst: 2)
    let long = await responder.respond(.post, "/events", from: server) { nil }
    #expect(long.status == .contentTooLarge)
    #expect(await post("/phone-home", "", to: responder).status == .ok)
    let late = await post("/phone-home", "", to: responder)
    #expect(late.status == .tooManyRequests && late.headers[.retryAfter] == "1")
    #expect(await kept.reports.count == 1)
  }

  @Test("the plan is told in the word of its time, and the class in today's")
  func legacyPlan() throws {
    for (plan, word) in [("c1.small.x86", "baremetal_1"), ("c3.small.x86", "c3.small.x86")] {
      let subject = try subject(plan: plan)
      let renderer = MetadataRenderer(rack: subject.rack, server: subject.server, privateSubnets: [])
      #expect(renderer.json["plan"] == .string(word) && renderer.json["class"] == .string(plan))
      #expect(renderer.text(at: ["plan"]) == word)
    }
  }
}
