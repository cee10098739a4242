@testable import Control
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Rack
import Testing

@testable import API

/// Comes by TCP.
private struct RemoteResponder: HTTPResponder {
  let responder: APIResponder

  func respond(to request: Request, context: APIContext) async throws -> Response {
    var context = context
    context.peer = .address("192.0.2.1")
    return try await responder.respond(to: request, context: context)
  }
}

@Suite("The routes of metrics") struct MetricsRouteTests {
  /// Two projects with a server each, and counters that have counted.
  private static func world(_ keeper: RackAlone) async throws -> (own: ProjectID, other: ProjectID) {
    func project(_ name: String) async throws -> ProjectID {
      guard
        case .project(let id) = try await keeper.perform(.createProject(name: name, customdata: "{}"), by: "t").subject
      else { throw APIError.invalid("no project") }
      return id
    }
    let (own, other) = (try await project("tenant"), try await project("hush-project"))
    var figures = Figures(version: "1.2.3", startedAt: Date(timeIntervalSince1970: 1000), uptime: .seconds(5))
    for (name, project) in [("web1", own), ("hush-host", other)] {
      let request = ServerRequest(
        hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
        place: .host)
      guard case .server(let id) = try await keeper.perform(.createServer(request), by: "t").subject else {
        throw APIError.invalid("no server")
      }
      for nic in [PortName.eth1, .eth0] {
        figures.nics.append(
          Figures.NIC(
            server: id, name: nic, linkUp: nic == .eth0,
            traffic: Figures.Traffic(
              rxPackets: 1, rxBytes: 60, txPackets: 2, txBytes: 120, drops: nic == .eth0 ? ["no-vlan": 3] : [:])))
      }
      figures.problems.append(Problem(kind: "storm", server: id, port: .eth0, text: "hush-text"))
    }
    figures.interfaces = [
      Figures.Interface(
        name: "toprack0", linkUp: true,
        traffic: Figures.Traffic(rxPackets: 1, rxBytes: 2, txPackets: 3, txBytes: 4))
    ]
    figures.events = ["device.create": 2]
    await keeper.count(figures)
    return (own, other)
  }

  private func with(
    open: Bool = false, clock: TestClock = TestClock(),
    _ body: @Sendable @escaping (RackAlone, any TestClientProtocol) async throws -> Void
  ) async throws {
    let keeper = RackAlone()
    let responder = APIResponder(keeper: keeper, metricsAreOpen: open, now: clock.now)
    try await Application(responder: RemoteResponder(responder: responder)).test(.router) { try await body(keeper, $0) }
  }

  private static let token = HTTPField.Name("X-Auth-Token")!

  @Test("who sees the whole rack sees everything; each family once, each series once")
  func whole() async throws {
    try await with { keeper, client in
      _ = try await Self.world(keeper)
      let token = try await keeper.token("whole")
      let answer = try await client.execute(uri: "/metrics", method: .get, headers: [Self.token: token])
      #expect(answer.status == .ok)
      #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
      let lines = String(buffer: answer.body).split(separator: "\n").map(String.init)
      for line in [
        #"toprack_build_info{version="1.2.3",io=""} 1"#,
        #"toprack_nic_receive_bytes_total{server="web1",project="tenant",facility="ewr1",nic="eth0"} 60"#,
        #"toprack_nic_transmit_packets_total{server="hush-host",project="hush-project",facility="ewr1",nic="eth1"} 2"#,
        #"toprack_nic_dropped_packets_total{server="web1",project="tenant",facility="ewr1",nic="eth0",reason="no-vlan"} 3"#,
        #"toprack_nic_link_up{server="web1",project="tenant",facility="ewr1",nic="eth1"} 0"#,
        #"toprack_server_problems{server="web1",project="tenant",facility="ewr1",kind="storm"} 1"#,
        #"toprack_problems{kind="storm"} 2"#, #"toprack_events_total{type="device.create"} 2"#,
        #"toprack_uplink_transmit_bytes_total{interface="toprack0"} 4"#,
        #"toprack_servers{project="tenant",facility="ewr1",mode="layer3",state="active"} 1"#,
      ] { #expect(lines.contains(line), "\(line)") }
      #expect(!lines.contains { $0.contains(#"nic="eth1",reason"#) }, "a reason that never counted has no series")
      let series = lines.filter { !$0.hasPrefix("#") }.map { $0.prefix(upTo: $0.lastIndex(of: " ")!) }
      #expect(Set(series).count == series.count)
      let types = lines.filter { $0.hasPrefix("# TYPE") }
      #expect(Set(types).count == types.count)
      // The request before is counted by its class.
      let again = try await client.execute(
        uri: "/metrics", method: .get,
        headers: [.authorization: "Bearer \(token)", .accept: "application/openmetrics-text"])
      let text = String(buffer: again.body)
      #expect(again.headers[.contentType]?.hasPrefix("application/openmetrics-text; version=1.0.0") == true)
      #expect(text.hasSuffix("\n# EOF\n"))
      #expect(text.contains(#"toprack_api_requests_total{route="/metrics",status="200"} 1"#))
      #expect(text.contains("# TYPE toprack_api_requests counter\n"))
    }
  }

  @Test("a project's token sees its own servers' series, and nothing of others and of the rack as a whole")
  func tenant() async throws {
    try await with { keeper, client in
      let (own, _) = try await Self.world(keeper)
      let token = try await keeper.token("tenant", project: own, isReadOnly: true)
      for path in ["/metrics", "/toprack/traffic"] {
        let answer = try await client.execute(uri: path, method: .get, headers: [.authorization: "bearer \(token)"])
        let text = String(buffer: answer.body)
        #expect(answer.status == .ok && text.contains("web1"))
        #expect(!text.contains("hush"), "\(path)")
        for word in ["uplink", "process", "api_requests", "store", "stations", "toprack_problems", "events"] {
          #expect(!text.contains(word), "\(word)")
        }
      }
    }
  }

  @Test("without a token there are no metrics, unless they are open; a wrong token is none")
  func strangers() async throws {
    for open in [false, true] {
      try await with(open: open) { keeper, client in
        _ = try await Self.world(keeper)
        for headers in [[:], [Self.token: "wrong"], [.authorization: "Bearer wrong"]] as [HTTPFields] {
          let answer = try await client.execute(uri: "/metrics", method: .get, headers: headers)
          #expect(answer.status == (open ? .ok : .unauthorized))
          #expect(String(buffer: answer.body).contains("hush-host") == open)
        }
        for path in ["/toprack/traffic", "/toprack/status", "/metrics/", "/metal/v1/devices"] {
          let answer = try await client.execute(uri: path, method: .get)
          #expect(answer.status == (open && path == "/metrics/" ? .ok : .unauthorized), "\(path)")
        }
        #expect(try await client.execute(uri: "/metrics", method: .post).status != .ok)
      }
    }
  }

  @Test("health is everybody's to ask, in a word, within the rate of strangers")
  func health() async throws {
    try await with { keeper, client in
      for path in ["/healthz", "/readyz"] {
        let answer = try await client.execute(uri: path, method: .get)
        #expect(answer.status == .ok && String(buffer: answer.body) == "ok\n")
        #expect(answer.headers[HTTPField.Name("X-RateLimit-Remaining")!] != nil)
      }
      await keeper.hinder(["slow path", "state"])
      let answer = try await client.execute(uri: "/readyz", method: .get)
      #expect(answer.status == .serviceUnavailable)
      #expect(String(buffer: answer.body) == "not ready: slow path, state\n")
      #expect(try await client.execute(uri: "/healthz", method: .get).status == .ok)
      var statuses: Set<Int> = []
      for _ in 0..<(Door.strangerBurst * Door.strangerRate + 40) {
        statuses.insert(try await client.execute(uri: "/healthz", method: .get).status.code)
      }
      #expect(statuses.contains(429))
    }
  }

  @Test("traffic is all NICs at one moment, by name")
  func traffic() async throws {
    try await WholeAPI.test { api in
      _ = try await Self.world(api.keeper)
      let answer = try await api.call(.get, "/toprack/traffic")
      #expect(answer["uptime_us"] == 5_000_000)
      #expect(
        answer["nics"]?.elements.map { "\($0["server"]?.string ?? "") \($0["nic"]?.string ?? "")" } == [
          "hush-host eth0", "hush-host eth1", "web1 eth0", "web1 eth1",
        ])
      #expect(answer["nics"]?[2]?["dropped"] == 3)
    }
  }
}
