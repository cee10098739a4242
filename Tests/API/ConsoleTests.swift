import Consoles
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Rack
import Testing

@testable import API

/// A rack with consoles whose machines never answer: who may come to them, and what a connection becomes.
@Suite("Consoles in the API") struct ConsoleAPITests {
  private static func hub() -> ConsoleHub {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return ConsoleHub(ConsoleHub.Settings(directory: "/nonexistent", shells: nil), logger: logger) { _ in }
  }

  @discardableResult
  private static func server(
    _ name: String, _ keeper: RackAlone, project: String = "default", serial: String? = "/nonexistent"
  ) async throws -> ServerID {
    let project = try #require(await keeper.rack.project(named: project)).id
    let request = ServerRequest(
      hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
      place: .host, serial: serial)
    guard case .server(let id) = try await keeper.perform(.createServer(request), by: "test").subject else {
      throw APIError.invalid("something else was made")
    }
    return id
  }

  private static func ask(
    _ client: any TestClientProtocol, _ path: String, _ token: String
  ) async throws -> (status: Int, error: String, json: JSON) {
    let response = try await client.execute(
      uri: path, method: .get, headers: [HTTPField.Name("X-Auth-Token")!: token])
    let json = (try? JSON(reading: Array(response.body.readableBytesView))) ?? .null
    return (response.status.code, json["errors"]?[0]?.string ?? "", json)
  }

  @Test("what is in the way is said, the missing WebSocket last; another project's server is not there")
  func refusals() async throws {
    let keeper = RackAlone()
    _ = try await keeper.perform(.createProject(name: "other", customdata: "{}"), by: "test")
    try await Self.server("web1", keeper)
    try await Self.server("bare", keeper, serial: nil)
    let whole = try await keeper.token("whole")
    let other = try await keeper.token("foreign", project: try #require(await keeper.rack.project(named: "other")).id)
    let reader = try await keeper.token("reader", isReadOnly: true)
    let cases: [(String, String, Int, String)] = [
      ("web1", whole, 426, "Upgrade: websocket"), ("none", whole, 404, "none"), ("web1", other, 404, "web1"),
      ("bare", whole, 422, "bare has no console: it is neither a VM nor a namespace; give --serial"),
      ("web1", reader, 426, "WebSocket"), ("web1?take=true", reader, 403, "read-only"),
      ("web1?take=true&read-only=true", whole, 422, "exclude each other"),
      ("web1?rows=40", whole, 422, "rows and cols"), ("web1?rows=0&cols=80", whole, 422, "1 to 1000"),
      ("web1?rows=x&cols=80", whole, 422, "rows"), ("web1?term=a%0Ab", whole, 422, "term"),
      ("web1?take=maybe", whole, 422, "take"),
    ]
    try await Application(responder: APIResponder(keeper: keeper, consoles: Self.hub())).test(.router) { client in
      for (place, token, status, words) in cases {
        let name = place.prefix { $0 != "?" }
        let answer = try await Self.ask(client, "/toprack/devices/\(name)/console\(place.dropFirst(name.count))", token)
        #expect(answer.status == status && answer.error.contains(words), "\(place): \(answer)")
      }
      let list = try await Self.ask(client, "/toprack/consoles", whole).json["consoles"]
      #expect(list?.elements.count == 1 && list?[0]?["source"] == "serial /nonexistent")
      #expect(try await Self.ask(client, "/toprack/consoles", other).json["consoles"] == [])
    }
  }

  @Test("a path of the host is for callers with the whole rack, valid or refused as a whole, and shown")
  func serial() async throws {
    try await WholeAPI.test { api in
      let device = try await api.device(#", "hostname": "vm1", "toprack": {"serial": "/run/vm1.sock"}"#)
      #expect(device["toprack"]?["serial"] == "/run/vm1.sock")
      let path = "/devices/\(try api.id(device))"
      for bad in [#""run""#, #""/\u0007""#, "\"/\(String(repeating: "x", count: 107))\"", "7"] {
        try await api.refuse(.put, path, #"{"hostname": "vm2", "toprack": {"serial": \#(bad)}}"#, 422, "serial")
      }
      #expect(try await api.call(.get, path)["hostname"] == "vm1")
      #expect(
        try await api.call(.put, path, #"{"toprack": {"serial": null}}"#)["toprack"]?["serial"] == "/run/vm1.sock")
      #expect(try await api.call(.put, path, #"{"toprack": {"serial": ""}}"#)["toprack"]?["serial"] == .null)
    }
    let keeper = RackAlone()
    let id = try await Self.server("web1", keeper)
    let project = try #require(await keeper.rack.project(named: "default")).id
    let view = View(await keeper.rack, access: Access(scope: .project(project), by: "tenant"))
    var update = ServerUpdate()
    update.serial = "/run/docker.sock"
    #expect(throws: APIError.self) { try view.checked(.updateServer(id, update)) }
  }

  @Test("names of NICs inside a namespace are taken, shown and changed; what is no two names is refused")
  func nicNames() async throws {
    try await WholeAPI.test { api in
      let device = try await api.device(
        #", "hostname": "n2", "toprack": {"netns": "n2", "nics": {"eth0": "eth1", "eth1": "eth2"}}"#)
      #expect(device["toprack"]?["nics"] == ["eth0": "eth1", "eth1": "eth2"])
      let path = "/devices/\(try api.id(device))"
      for bad in [
        #""eth1,eth2""#, "7", "{}", #"{"eth0": "a"}"#, #"{"eth0": "a", "eth1": 7}"#, #"["a", "b"]"#,
        #"{"eth0": "a", "eth1": "b", "eth2": "c"}"#, #"{"eth0": "lo", "eth1": "b"}"#, #"{"eth0": "a", "eth1": "a"}"#,
      ] {
        try await api.refuse(.put, path, #"{"toprack": {"nics": \#(bad)}}"#, 422, "a")
      }
      let named = try await api.call(.put, path, #"{"toprack": {"nics": {"eth0": "a", "eth1": "b"}}}"#)
      #expect(named["toprack"]?["nics"] == ["eth0": "a", "eth1": "b"])
      #expect(device["toprack"]?["configure"] == false && device["toprack"]?["configured"] == .null)
      let set = try await api.call(.put, path, #"{"toprack": {"configure": true}}"#)
      #expect(set["toprack"]?["configure"] == true)
      try await api.refuse(.put, path, #"{"toprack": {"configure": "yes"}}"#, 422, "true or false")
      let host = try await api.device(#", "hostname": "h""#)
      #expect(host["toprack"]?["nics"] == .null)
      try await api.refuse(
        .put, "/devices/\(try api.id(host))", #"{"toprack": {"configure": true}}"#, 422, "inside a network namespace")
    }
  }

  @Test("a connection becomes a console: accepted as RFC 6455 has it, greeted, and closed with its number")
  func webSocket() async throws {
    try await Serving.api(consoles: Self.hub()) { port, token, keeper in
      let id = try await Self.server("web1", keeper)
      let client = try RawClient(port)
      client.send(
        "GET /toprack/devices/\(id)/console?rows=40&cols=120 HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\n"
          + "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
          + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
      let answer = await client.receive(until: "for help.]\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
      #expect(answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
      #expect(answer.contains("\r\nX-Request-Id: ") && !answer.contains("Content-Length"))
      #expect(answer.contains("[SOS session for web1, read-write, 1 connected. Use ~? for help.]"))
      // Masked with zeros: `~w`, then `~.`.
      client.send(bytes: [0x82, 0x82, 0, 0, 0, 0] + Array("~w".utf8))
      #expect(await client.receive(until: "]\r\n").contains("test (you) from 127.0.0.1 has the keyboard"))
      client.send(bytes: [0x82, 0x82, 0, 0, 0, 0] + Array("~.".utf8))
      // 0x88, two bytes, 1000.
      #expect(await client.receive() == "\u{FFFD}\u{02}\u{03}\u{FFFD}")
    }
  }

  @Test("who pings without end and takes no answer is sent no more than fits; ~. still leaves")
  func pings() async throws {
    try await Serving.local(consoles: Self.hub()) { path, keeper in
      try await Self.server("web1", keeper)
      let client = try RawClient(path: path)
      client.send(
        "GET /toprack/devices/web1/console HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
      _ = await client.receive(until: "for help.]\r\n")
      let ping = [0x89, 0xFD, 0, 0, 0, 0] + [UInt8](repeating: UInt8(ascii: "p"), count: 125)
      let pings = Array(repeatElement(ping, count: 32_000).joined())
      client.send(bytes: pings + [0x82, 0x82, 0, 0, 0, 0] + Array("~.".utf8), within: .seconds(60))
      let answer = await client.receive()
      #expect(answer.utf8.count < pings.count / 4, "\(answer.utf8.count) bytes of pongs")
      #expect(answer.hasSuffix("\u{FFFD}\u{02}\u{03}\u{FFFD}"))
    }
  }

  @Test("frames that are none end the session with what is wrong, and the daemon's end ends all")
  func faults() async throws {
    try await Serving.api(consoles: Self.hub()) { port, token, keeper in
      try await Self.server("web1", keeper)
      let head =
        "GET /toprack/devices/web1/console HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\nConnection: Upgrade\r\n"
        + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
      let cases: [([UInt8], String)] = [
        ([0x82, 0x01, 0x61], "masked"), ([0x81, 0x82, 0, 0, 0, 0, 0x7B, 0x7D], "rows"),
        ([0x80, 0x81, 0, 0, 0, 0, 0x61], "begins with its kind"),
        ([0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0], "65536"),
      ]
      for (bytes, words) in cases {
        let client = try RawClient(port)
        client.send(head)
        _ = await client.receive(until: "for help.]\r\n")
        client.send(bytes: bytes)
        #expect(await client.receive().contains(words), "\(words)")
      }
      let old = try RawClient(port)
      old.send(head.replacing("Version: 13", with: "Version: 8"))
      #expect(await old.receive(until: "]}").hasPrefix("HTTP/1.1 426"))
    }
  }
}
