import Control
import FoundationEssentials
import Net
import Rack
import Testing

@testable import API

/// A rack with one server of the plan, in the mode, and two networks.
private struct Fixture {
  var rack: Rack
  var source = Counting()
  let server: ServerID
  let networks: [NetworkID]

  init(plan: String = "c3.small.x86", mode: NetworkMode? = nil) throws {
    rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    let created = try rack.perform(
      .createServer(
        ServerRequest(
          hostname: "web1", plan: plan, facility: "ewr1", operatingSystem: "debian_12", project: project, place: .host)),
      with: &source)
    guard case .server(let server) = created.subject else { throw APIError.invalid("no server") }
    self.server = server
    var networks: [NetworkID] = []
    for number in [1001, 1002] {
      let outcome = try rack.perform(
        .createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: number, description: nil)),
        with: &source)
      guard case .network(let id) = outcome.subject else { throw APIError.invalid("no network") }
      networks.append(id)
    }
    self.networks = networks
    if let mode { try perform(.setMode(server, mode)) }
  }

  mutating func perform(_ command: Command) throws {
    try rack.perform(command, with: &source)
  }

  func device(prefix: String = "") throws -> JSON {
    let server = try rack.whole.known(server: server)
    return Renderer(rack: rack, prefix: prefix).device(server)
  }

  func port(_ name: PortName) throws -> Port { try rack.whole.known(server: server)[name] }
}

@Suite("JSON of the Metal API") struct RendererTests {
  @Test("ports come in the order bond0, eth0, eth1, and each has what clients decode")
  func ports() throws {
    let device = try Fixture().device()
    let ports = try #require(device["network_ports"])
    #expect((0..<3).map { ports[$0]?["name"] } == ["bond0", "eth0", "eth1"])
    #expect((0..<3).map { ports[$0]?["type"] } == ["NetworkBondPort", "NetworkPort", "NetworkPort"])
    #expect(ports[0]?["data"]?["mac"] == .null)
    #expect(ports[0]?["bond"] == .null)
    #expect(ports[1]?["bond"]?["id"] == ports[0]?["id"])
    #expect(ports[1]?["network_type"] == .null)
    #expect(ports[1]?["virtual_networks"] == [])
    #expect(ports[1]?["native_virtual_network"] == .null)
    guard case .string(let mac) = ports[1]?["data"]?["mac"] else {
      Issue.record("eth0 has no MAC")
      return
    }
    #expect(mac.wholeMatch(of: /([0-9a-f]{2}:){5}[0-9a-f]{2}/) != nil)
  }

  @Test(
    "bond0's network_type, data.bonded and the management addresses agree on the mode",
    arguments: [
      (NetworkMode.layer3, [true, true, true], 3), (.hybrid, [true, true, false], 3),
      (.layer2Bonded, [true, true, true], 0), (.layer2Individual, [false, false, false], 0),
    ])
  func modes(_ mode: NetworkMode, _ bonded: [Bool], _ addresses: Int) throws {
    let device = try Fixture(mode: mode).device()
    #expect(device["network_ports"]?[0]?["network_type"] == .string(mode.rawValue))
    #expect((0..<3).map { device["network_ports"]?[$0]?["data"]?["bonded"] } == bonded.map(JSON.boolean))
    guard case .array(let list) = device["ip_addresses"] else {
      Issue.record("no addresses")
      return
    }
    #expect(list.count == addresses)
    #expect(list.allSatisfy { $0["management"] == true && $0["assigned_to"]?["href"] == device["href"] })
  }

  @Test("an address has the odd one of its block, with the even one as gateway")
  func addresses() throws {
    let address = try #require(try Fixture().device()["ip_addresses"]?[0])
    #expect(address["address_family"] == 4)
    #expect(address["cidr"] == 31)
    #expect(address["netmask"] == "255.255.255.254")
    #expect(address["network"] == address["gateway"])
    #expect(address["address"] != address["gateway"])
    #expect(address["public"] == true)
    #expect(address["created_at"] == "2019-07-18T08:46:38Z")
  }

  @Test("links carry the prefix of the request")
  func links() throws {
    let fixture = try Fixture()
    #expect(try fixture.device()["href"] == .string("/devices/\(fixture.server)"))
    let prefixed = try fixture.device(prefix: "/metal/v1")
    #expect(prefixed["href"] == .string("/metal/v1/devices/\(fixture.server)"))
    let text = String(decoding: prefixed.text, as: UTF8.self)
    let links = text.matches(of: /"href":"([^"]*)"/).map(\.output.1)
    #expect(!links.isEmpty)
    #expect(links.allSatisfy { $0.hasPrefix("/metal/v1/") })
  }

  @Test("a device has every member that a strict client raises without")
  func device() throws {
    let device = try Fixture().device()
    #expect(device["state"] == "active")
    #expect(device["facility"]?["code"] == "ewr1")
    #expect(device["metro"]?["code"] == "ny")
    #expect(device["plan"]?["slug"] == "c3.small.x86")
    #expect(device["operating_system"]?["slug"] == "debian_12")
    #expect(device["project"]?["href"] != nil)
    #expect(device["bonding_mode"] == 4)
    #expect(device["customdata"] == [:])
    #expect(device["ssh_keys"] == [])
    #expect(device["created_by"] == nil)
    #expect(device["short_id"] == "00000000")
  }

  @Test("a port's VLANs have link, id and number, and the native one is named")
  func vlans() throws {
    var fixture = try Fixture(mode: .layer2Individual)
    let eth1 = try fixture.port(.eth1).id
    try fixture.perform(.assign(eth1, .number(1001)))
    try fixture.perform(.assign(eth1, .number(1002)))
    try fixture.perform(.setNative(eth1, .number(1002)))
    let port = try #require(try fixture.device()["network_ports"]?[2])
    #expect(port["virtual_networks"]?[0]?["vxlan"] == 1001)
    #expect(port["virtual_networks"]?[0]?["id"] == .string("\(fixture.networks[0])"))
    #expect(port["virtual_networks"]?[0]?["href"] == .string("/virtual-networks/\(fixture.networks[0])"))
    #expect(port["native_virtual_network"]?["vxlan"] == 1002)

    let server = try fixture.rack.whole.known(server: fixture.server)
    let wire = Renderer(rack: fixture.rack, prefix: "").wire(.eth1, of: server, nics: [:])
    #expect(wire["vlans"]?[0]?["tagged"] == true)
    #expect(wire["vlans"]?[1]?["tagged"] == false)
    #expect(wire["vlans"]?[1]?["native"] == true)
    for entries in [wire["vlans"], port["toprack"]?["virtual_networks"]] {
      #expect(entries?.elements.map { $0["form"] } == ["tagged", "native"])
      #expect(entries?.elements.map { $0["vxlan"] } == [1001, 1002])
    }
    #expect(wire["routed"] == false && port["toprack"]?["routed"] == false)
  }

  @Test("the only VLAN of a port is shown untagged")
  func untagged() throws {
    var fixture = try Fixture(mode: .hybrid)
    try fixture.perform(.assign(try fixture.port(.eth1).id, .number(1001)))
    let server = try fixture.rack.whole.known(server: fixture.server)
    let wire = Renderer(rack: fixture.rack, prefix: "").wire(.eth1, of: server, nics: [:])
    #expect(wire["vlans"]?[0]?["vxlan"] == 1001)
    #expect(wire["vlans"]?[0]?["tagged"] == false)
    #expect(wire["vlans"]?[0]?["form"] == "untagged")
    #expect(wire["mode"] == "hybrid")
    #expect(try fixture.device()["network_ports"]?[0]?["toprack"]?["routed"] == true)
  }

  @Test("a network has what clients read, and the devices that are on it")
  func network() throws {
    var fixture = try Fixture(mode: .layer2Bonded)
    try fixture.perform(.assign(try fixture.port(.bond0).id, .number(1001)))
    let networks = try fixture.networks.map { try fixture.rack.whole.known(network: $0) }
    let json = networks.map(Renderer(rack: fixture.rack, prefix: "").network)
    #expect(json[0]["vxlan"] == 1001)
    #expect(json[0]["facility_code"] == "ewr1")
    #expect(json[0]["metro_code"] == "ny")
    #expect(json[0]["facility"]?["href"] != nil)
    #expect(json[0]["assigned_to"]?["href"] != nil)
    #expect(json[0]["instances"] == [["href": .string("/devices/\(fixture.server)")]])
    #expect(json[1]["instances"] == [])
    #expect(json[0]["internet_gateway"] == .null)
  }

  @Test("bond0 sums its members' counters and says which of them carry")
  func bondCounters() throws {
    let fixture = try Fixture()
    func nic(_ name: String, _ count: UInt64, carries: Bool, drops: [String: UInt64]) -> NICStatus {
      NICStatus(
        interface: "web1-\(name)", namespace: nil, linkUp: carries, carries: carries, rxPackets: count,
        rxBytes: count * 100, txPackets: count * 2, txBytes: count * 200, drops: drops)
    }
    let nics: [PortName: NICStatus] = [
      .eth0: nic("eth0", 3, carries: true, drops: ["no-gateway": 3]),
      .eth1: nic("eth1", 5, carries: false, drops: ["bond-standby": 5, "no-gateway": 1]),
    ]
    let server = try fixture.rack.whole.known(server: fixture.server)
    let renderer = Renderer(rack: fixture.rack, prefix: "")
    let bond = renderer.wire(.bond0, of: server, nics: nics)
    #expect(bond["rx_packets"] == 8)
    #expect(bond["tx_bytes"] == 1600)
    #expect(bond["drops"] == ["bond-standby": 5, "no-gateway": 4])
    #expect(bond["members"]?[0] == ["name": "eth0", "link_up": true, "carries": true])
    #expect(bond["members"]?[1]?["carries"] == false)
    let eth1 = renderer.wire(.eth1, of: server, nics: nics)
    #expect(eth1["rx_packets"] == 5)
    #expect(eth1["interface"] == "web1-eth1")
  }

  @Test("a member of a bond is flat, with the partner's side null while there is none")
  func lacp() throws {
    let renderer = Renderer(rack: try Fixture().rack, prefix: "")
    var counters = LACPMember.Counters()
    (counters.lacpdusReceived, counters.lacpdusSent, counters.partnerChurns) = (7, 9, 1)
    var member = LACPMember(
      server: ServerID(UUID()), hostname: "web1", port: .eth1, linkUp: true, selected: true, collecting: true,
      distributing: false,
      fallback: false,
      actor: LACPMember.Participant(
        systemPriority: 32768, system: MACAddress(0x0200_0000_0001), key: 3, portPriority: 32768, port: 6,
        state: ["activity", "aggregation"]),
      partner: LACPMember.Participant(
        systemPriority: 65535, system: MACAddress(0x5254_00AB_CDEF), key: 9, portPriority: 255, port: 2,
        state: ["timeout"]),
      machines: LACPMember.Machines(
        receive: "CURRENT", periodic: "FAST_PERIODIC", mux: "ATTACHED", actorChurn: "NO_CHURN",
        partnerChurn: "CHURN_MONITOR"),
      counters: counters, sinceLastLACPDU: 340, problem: nil)
    let json = renderer.lacp(member)
    let wanted: [(String, JSON)] = [
      ("server", "web1"), ("port", "eth1"), ("number", 6), ("link_up", true), ("selected", true), ("collecting", true),
      ("distributing", false), ("fallback", false), ("actor_system", "02:00:00:00:00:01"), ("actor_key", 3),
      ("actor_port", 6), ("actor_system_priority", 32768), ("actor_state", ["activity", "aggregation"]),
      ("partner_system", "52:54:00:ab:cd:ef"), ("partner_system_priority", 65535), ("partner_key", 9),
      ("partner_port", 2), ("partner_port_priority", 255), ("partner_state", ["timeout"]),
      ("receive_state", "CURRENT"), ("periodic_state", "FAST_PERIODIC"), ("mux_state", "ATTACHED"),
      ("actor_churn_state", "NO_CHURN"), ("partner_churn_state", "CHURN_MONITOR"), ("last_lacpdu_ms", 340),
      ("problem", .null),
    ]
    for (name, value) in wanted { #expect(json[name] == value, "\(name)") }
    #expect(json["counters"]?["lacpdus_received"] == 7)
    #expect(json["counters"]?["lacpdus_sent"] == 9)
    #expect(json["counters"]?["partner_churns"] == 1)

    (member.partner, member.sinceLastLACPDU, member.problem) = (nil, nil, "link up, no LACPDU heard")
    let alone = renderer.lacp(member)
    for name in ["system", "system_priority", "key", "port", "port_priority", "state"] {
      #expect(alone["partner_\(name)"] == .null, "\(name)")
    }
    #expect(alone["last_lacpdu_ms"] == .null)
    #expect(alone["problem"] == "link up, no LACPDU heard")
  }

  @Test("no facility has a feature outside the strict clients' enumeration")
  func features() {
    let valid: Set<JSON> = ["baremetal", "backend_transfer", "layer_2", "global_ipv4", "ibx"]
    for facility in Catalogue.facilities {
      guard case .array(let features) = CatalogueRenderer(prefix: "").facility(facility)["features"] else {
        Issue.record("\(facility.code) has no features")
        continue
      }
      #expect(features.contains("layer_2"))
      #expect(valid.isSuperset(of: features))
    }
  }
}
