@testable import Control
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Net
import Rack
import Testing

@testable import API

/// A stranger's whole estate, and a tenant who tries everything on it.
private struct Neighbours {
  let keeper: RackAlone
  /// The tenant's own.
  let project: ProjectID, server: Server, token: String
  /// By kind of the path that they are below, and what belongs there.
  let foreign: [String: String]
  /// Words that only the stranger's things have in them.
  let secrets: Set<String>

  init() async throws {
    let keeper = RackAlone()
    self.keeper = keeper
    @discardableResult func perform(_ command: Command) async throws -> Outcome {
      try await keeper.perform(command, by: "stranger")
    }
    // Somebody has the first address of each pool, which the settings name, too.
    let first = try #require(await keeper.rack.project(named: Project.defaultName)).id
    try await perform(Self.create("first", first, .host, note: nil))
    guard case .project(let theirs) = try await perform(.createProject(name: "hush-project", customdata: "{}")).subject,
      case .server(let id) = try await perform(
        Self.create("hush-host", theirs, .namespace("hush-space"), note: "hush-note")
      ).subject,
      case .network(let network) = try await perform(
        .createNetwork(NetworkRequest(project: theirs, facility: "ewr1", vxlan: 3777, description: "hush-net"))
      ).subject,
      case .reservation(let reservation) = try await perform(
        .reserveBlock(BlockRequest(project: theirs, facility: "ewr1", length: 30))
      ).subject
    else { throw APIError.invalid("something else was made") }
    let block = try #require(await keeper.rack.reservations[reservation]).block
    guard case .assignment(let assignment) = try await perform(.assignBlock(id, block)).subject else {
      throw APIError.invalid("something else was made")
    }
    try await perform(.setMode(id, .hybrid))
    let port = try #require(await keeper.rack.servers[id]).eth1.id
    let batch = try await perform(.changeAssignments(port, [AssignmentChange(network: .id(network), isAssigned: true)]))
    guard case .batch(let batchID) = batch.subject else { throw APIError.invalid("something else was made") }
    let key = try await keeper.key("hush-key", Self.key, of: .project(theirs))
    _ = try await keeper.token("hush-token", project: theirs)
    let host = try #require(await keeper.rack.servers[id])
    let event = try #require(await keeper.events(of: theirs, server: nil, offset: 0, limit: 1).events.first).id
    let token = try #require(await keeper.rack.tokens.values.first { $0.project == theirs }).id

    guard case .project(let own) = try await perform(.createProject(name: "tenant", customdata: "{}")).subject,
      case .server(let ownServer) = try await perform(Self.create("web1", own, .named, note: nil)).subject
    else { throw APIError.invalid("something else was made") }
    try await perform(.setMode(ownServer, .hybrid))
    project = own
    server = try #require(await keeper.rack.servers[ownServer])
    self.token = try await keeper.token("tenant", project: own)
    foreign = [
      "project": "\(theirs)", "device": "\(id)", "port": "\(port)", "bond": "\(host.bond0.id)", "network": "\(network)",
      "reservation": "\(reservation)", "assignment": "\(assignment)", "address": "\(host.addresses[0].id)",
      "batch": "\(batchID)", "event": "\(event)", "token": "\(token)", "key": "\(key.id)", "hostname": "hush-host",
      "named": "hush-project/hush-host", "namespace": "hush-space", "block": "\(block)",
    ]
    let addresses = host.addresses.flatMap { [$0.address, $0.gateway] } + ["\(block.base)"]
    secrets = Set(
      foreign.values.flatMap(Self.words) + addresses + [
        "hush-project", "hush-note", "hush-net", "hush-token", "hush-key", "hush@host", "\(host.eth0.id)",
        key.key.fingerprint, key.key.sha256, host.rootPassword?.text ?? "",
        host.eth0.mac?.description ?? "", host.eth1.mac?.description ?? "",
      ]
    ).subtracting(["30"])
  }

  static let key = KeyVectors.ecdsa.replacing("anna@laptop", with: "hush@host")

  private static func create(_ name: String, _ project: ProjectID, _ place: PlaceRequest, note: String?) -> Command {
    .createServer(
      ServerRequest(
        hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
        place: place, details: ServerDetails(description: note)))
  }

  static func words(_ text: String) -> [String] {
    text.split { !($0.isLetter || $0.isNumber || "-.:_".contains($0)) }
      .map { String($0).trimmingCharacters(in: CharacterSet(charactersIn: ".:-")) }
  }
}

@Suite("Tenants know nothing of each other") struct SecrecyTests {
  private struct Answer: Equatable, CustomStringConvertible {
    let status: Int
    let text: String
    var description: String { "\(status) \(text.prefix(600))" }

    /// With what was asked for replaced, so that two of the kind can be compared.
    func asking(_ word: String) -> Answer { Answer(status: status, text: text.replacing(word, with: "ASKED")) }
  }

  private static func ask(
    _ client: any TestClientProtocol, _ token: String, _ method: String, _ path: String, _ body: String
  ) async throws -> Answer {
    let response = try await client.execute(
      uri: path, method: HTTPRequest.Method(method)!, headers: [HTTPField.Name("X-Auth-Token")!: token],
      body: ByteBuffer(string: body))
    return Answer(status: response.status.code, text: String(buffer: response.body))
  }

  private static func encoded(_ text: String) -> String { text.replacing("/", with: "%2F") }

  private static func test(
    _ neighbours: Neighbours, _ body: @Sendable (any TestClientProtocol) async throws -> Void
  ) async throws {
    try await Application(responder: APIResponder(keeper: neighbours.keeper, rate: 1_000_000)).test(.router, body)
  }

  /// A body in which every member that any operation reads is one of the stranger's things.
  private static func body(_ foreign: [String: String]) -> String {
    func text(_ name: String) -> String { foreign[name] ?? "" }
    return """
      {"name": "renamed", "vnid": "\(text("network"))", "address": "\(text("block"))", "type": "reboot",
       "project_ssh_keys": ["\(text("key"))"], "instances_ids": ["\(text("device"))"], "label": "x",
       "key": "\(KeyVectors.ed25519)",
       "vlan_assignments": [{"vlan": "\(text("network"))"}], "mode": "hybrid", "mtu": 9000, "tags": ["t"]}
      """
  }

  @Test("no operation on a stranger's thing answers otherwise than on one that nobody has, or says a word of theirs")
  func everyOperation() async throws {
    let neighbours = try await Neighbours()
    let description = try Description()
    let before = await neighbours.keeper.rack
    let foreign = neighbours.foreign
    let body = Self.body(foreign)
    try await Self.test(neighbours) { client in
      var count = 0
      for operation in description.operations.sorted() where !operation.hasSuffix("/stream") {
        let parts = operation.split(separator: " ", maxSplits: 1).map(String.init)
        let (method, path) = (parts[0], parts[1])
        guard path.contains("{") else { continue }
        for (kind, id) in foreign where kind != "block" {
          let nobody = UUID(uuidString: id) == nil ? "nobodys-thing" : UUID().uuidString.lowercased()
          func concrete(_ id: String) -> String {
            path.replacing(/\{\w+\}/, with: Self.encoded(id)) + (path.hasSuffix("/available") ? "?cidr=32" : "")
          }
          let answer = try await Self.ask(client, neighbours.token, method, concrete(id), body)
          let same = try await Self.ask(client, neighbours.token, method, concrete(nobody), body)
          // An unknown name that has a slash is shown as it was asked for; as a path it is another one.
          let (asked, reference) = (
            answer.asking(Self.encoded(id)).asking(id), same.asking(Self.encoded(nobody)).asking(nobody)
          )
          #expect(asked == reference, "\(method) \(concrete(id))")
          #expect(answer.status >= 400, "\(method) \(concrete(id)): \(answer)")
          let said = Set(Neighbours.words(asked.text)).intersection(neighbours.secrets)
          #expect(said == [], "\(method) \(concrete(id)): \(answer)")
          count += 1
        }
      }
      #expect(count > 700, "\(count)")
    }
    #expect(await neighbours.keeper.rack == before)
  }

  @Test("no list, and nothing that is nested in one's own, has a stranger's thing in it")
  func lists() async throws {
    let neighbours = try await Neighbours()
    let description = try Description()
    let own: [String: String] = [
      "/projects": "\(neighbours.project)", "/devices": "\(neighbours.server.id)",
      "/ports": "\(neighbours.server.eth1.id)", "/organizations": Owner.organization.text, "/users": Owner.user.text,
      "/ips": "\(neighbours.server.addresses[0].id)", "/plans": Catalogue.plans[0].id.text,
      "/facilities": Catalogue.facilities[0].id.text,
    ]
    let wishes =
      "project,organization,projects,devices,ip_addresses,network_ports,virtual_networks,relationships,instances,"
      + "ssh_keys,owner,entity"
    try await Self.test(neighbours) { client in
      var count = 0
      for operation in description.operations.sorted() where operation.hasPrefix("GET ") {
        var path = String(operation.dropFirst(4)).replacing("{server}", with: "web1")
        if path.hasSuffix("/stream") || path == "/openapi.yaml" { continue }
        if let range = path.firstRange(of: "/{id}") {
          guard let id = own[String(path[..<range.lowerBound])] else { continue }
          path = path.replacing("{id}", with: id)
        }
        guard !path.contains("{") else { continue }
        let answer = try await Self.ask(client, neighbours.token, "GET", "\(path)?include=\(wishes)&per_page=1000", "")
        let said = Set(Neighbours.words(answer.text)).intersection(neighbours.secrets)
        #expect(said == [], "\(path)")
        count += answer.status == 200 ? 1 : 0
      }
      #expect(count > 35, "\(count)")
    }
  }

  @Test("a stranger's thing as an argument is as one that nobody has: networks, blocks, events, projects, names")
  func arguments() async throws {
    let neighbours = try await Neighbours()
    let foreign = neighbours.foreign
    func id(_ kind: String) -> String { foreign[kind] ?? "" }
    let (port, server) = (neighbours.server.eth1.id, neighbours.server.id)
    let nobody = UUID().uuidString.lowercased()
    let key = #""label": "x", "key": "\#(KeyVectors.ed25519)""#
    let create = #""plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12""#
    // Method, path, body; and in them the stranger's word and one that nobody has.
    let cases: [(String, String, String, String, String)] = [
      ("POST", "/ports/\(port)/assign", #"{"vnid": "WORD"}"#, id("network"), nobody),
      ("POST", "/ports/\(port)/unassign", #"{"vnid": "WORD"}"#, id("network"), nobody),
      ("POST", "/ports/\(port)/native-vlan", #"{"vnid": "WORD"}"#, id("network"), nobody),
      ("POST", "/ports/\(neighbours.server.bond0.id)/convert/layer-2", #"{"vnid": "WORD"}"#, id("network"), nobody),
      ("POST", "/ports/\(port)/assign", #"{"vnid": WORD}"#, "3777", "3778"),
      (
        "POST", "/ports/\(port)/vlan-assignments/batches", #"{"vlan_assignments": [{"vlan": "WORD"}]}"#, id("network"),
        nobody
      ),
      ("GET", "/ports/\(port)/vlan-assignments/batches/WORD", "", id("batch"), nobody),
      ("GET", "/ports/\(port)/vlan-assignments/WORD", "", id("batch"), nobody),
      ("POST", "/devices/\(server)/ips", #"{"address": "WORD"}"#, id("block"), "198.18.30.0/30"),
      (
        "POST", "/devices/\(server)/ips", #"{"address": "WORD"}"#, id("block").replacing("/30", with: ""), "198.18.30.0"
      ),
      ("GET", "/events/stream?since=WORD", "", id("event"), nobody),
      ("GET", "/toprack/fdb?vxlan=WORD", "", "3777", "3778"),
      ("GET", "/toprack/fdb?server=WORD", "", "hush-host", "nobodys"),
      ("DELETE", "/toprack/fdb?server=WORD", "", id("device"), nobody),
      ("GET", "/toprack/ips?server=WORD", "", "hush-project/hush-host", "hush/nobodys"),
      ("GET", "/toprack/lacp?server=WORD", "", "hush-host", "nobodys"),
      ("GET", "/toprack/neighbours?server=WORD", "", "hush-host", "nobodys"),
      ("POST", "/toprack/tokens", #"{"name": "WORD"}"#, "hush-token", "nobodys"),
      (
        "POST", "/projects/\(neighbours.project)/devices", #"{"project_ssh_keys": ["WORD"], \#(create)}"#, id("key"),
        nobody
      ),
      ("POST", "/ssh-keys", #"{"instances_ids": ["WORD"], \#(key)}"#, id("device"), nobody),
      (
        "POST", "/projects/\(neighbours.project)/ssh-keys", #"{"instances_ids": ["WORD"], \#(key)}"#, id("device"),
        nobody
      ),
      (
        "POST", "/projects/\(neighbours.project)/devices", #"{"hostname": "WORD", \#(create), "plan": "x"}"#,
        "hush-host", "y"
      ),
    ]
    try await Self.test(neighbours) { client in
      for (method, path, body, theirs, nobodys) in cases {
        func ask(_ word: String) async throws -> Answer {
          try await Self.ask(
            client, neighbours.token, method, path.replacing("WORD", with: Self.encoded(word)),
            body.replacing("WORD", with: word)
          ).asking(word)
        }
        let (answer, same) = (try await ask(theirs), try await ask(nobodys))
        #expect(answer == same, "\(method) \(path) \(body)")
        let said = Set(Neighbours.words(answer.text)).intersection(neighbours.secrets)
        #expect(answer.status >= 400 && said == [], "\(method) \(path) \(body): \(answer)")
      }
    }
  }

  @Test("a hostname and a project's name that a stranger has are free for everybody")
  func names() async throws {
    let neighbours = try await Neighbours()
    try await Self.test(neighbours) { client in
      let made = try await Self.ask(
        client, neighbours.token, "POST", "/projects/\(neighbours.project)/devices",
        #"{"hostname": "hush-host", "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12"}"#)
      #expect(made.status == 201, "\(made)")
      let renamed = try await Self.ask(
        client, neighbours.token, "PUT", "/projects/\(neighbours.project)", #"{"name": "hush-project"}"#)
      #expect(renamed.status == 200, "\(renamed)")
      // One's own is not ambiguous because a stranger has one.
      let shown = try await Self.ask(client, neighbours.token, "GET", "/toprack/devices/hush-host", "")
      #expect(shown.status == 200 && !shown.text.contains(neighbours.foreign["device"] ?? ""), "\(shown)")
      let path = try await Self.ask(client, neighbours.token, "GET", "/toprack/devices/hush-project%2Fhush-host", "")
      #expect(path == shown)
    }
  }

  @Test("a key that a stranger has can be one's own as well, and nothing tells that it is")
  func keys() async throws {
    let neighbours = try await Neighbours()
    try await Self.test(neighbours) { client in
      let made = try await Self.ask(
        client, neighbours.token, "POST", "/ssh-keys", #"{"label": "mine", "key": "\#(Neighbours.key)"}"#)
      #expect(made.status == 201, "\(made)")
      let found = try await Self.ask(client, neighbours.token, "GET", "/toprack/ssh-keys?search=hush", "")
      #expect(found.text.contains("mine") && !found.text.contains("hush-key"), "\(found)")
    }
  }

  @Test("what the switch knows is by server and not by hostname: stations, bonds, neighbours, problems")
  func observations() async throws {
    let neighbours = try await Neighbours()
    let theirs = try #require(ServerID(neighbours.foreign["device"] ?? ""))
    let network = try #require(NetworkID(neighbours.foreign["network"] ?? ""))
    var update = ServerUpdate()
    update.hostname = "hush-host"
    _ = try await neighbours.keeper.perform(.updateServer(neighbours.server.id, update), by: "test")
    func member(_ id: ServerID, _ system: UInt64) -> LACPMember {
      let end = LACPMember.Participant(
        systemPriority: 1, system: MACAddress(system), key: 1, portPriority: 1, port: 1, state: [])
      return LACPMember(
        server: id, hostname: "hush-host", port: .eth0, linkUp: true, selected: true, collecting: true,
        distributing: true, fallback: false, actor: end, partner: end,
        machines: LACPMember.Machines(receive: "", periodic: "", mux: "", actorChurn: "", partnerChurn: ""),
        counters: LACPMember.Counters(), sinceLastLACPDU: nil, problem: nil)
    }
    func neighbour(_ id: ServerID, _ address: String) -> NeighbourStatus {
      NeighbourStatus(
        place: .server(id, hostname: "hush-host"), address: address, mac: nil, state: "reachable", age: 1)
    }
    await neighbours.keeper.know(
      [
        Station(
          facility: "ewr1", vxlan: 3777, network: network, mac: MACAddress(0x0200_0000_0099), server: theirs,
          hostname: "hush-host", port: .eth1, age: 1, moves: 0)
      ], [member(theirs, 0x77), member(neighbours.server.id, 0x11)],
      [neighbour(theirs, "192.0.2.77"), neighbour(neighbours.server.id, "192.0.2.11")])
    try await Self.test(neighbours) { client in
      for query in ["", "?server=hush-host", "?server=\(neighbours.server.id)"] {
        let bonds = try await Self.ask(client, neighbours.token, "GET", "/toprack/lacp\(query)", "")
        #expect(bonds.text.contains("00:00:00:00:00:11") && !bonds.text.contains("00:00:00:00:00:77"), "\(bonds)")
        #expect(bonds.text.contains("\"server_id\":\"\(neighbours.server.id)\""), "\(bonds)")
        let hosts = try await Self.ask(client, neighbours.token, "GET", "/toprack/neighbours\(query)", "")
        #expect(hosts.text.contains("192.0.2.11") && !hosts.text.contains("192.0.2.77"), "\(hosts)")
        let stations = try await Self.ask(client, neighbours.token, "GET", "/toprack/fdb\(query)", "")
        #expect(stations.text == "[]", "\(stations)")
      }
      let status = try await Self.ask(client, neighbours.token, "GET", "/toprack/status", "")
      #expect(status.text.contains(#""problems":["eth0 of hush-host"]"#), "\(status)")
    }
  }
}
