import Foundation
import Net
import Rack
import Testing

@testable import API

/// What the operating system of a server is told. The texts are files in `Golden`; with TOPRACK_RECORD set they are
/// written instead of compared. Netplan 0.106 (`generate`) and ifupdown 0.8.41 (`--no-act`) of Debian 12 have taken
/// these very forms.
@Suite("Network configuration") struct NetworkConfigTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var mode: NetworkMode = .layer3
    var plan = "c3.small.x86"
    /// Network numbers by port, in order.
    var networks: [PortName: [Int]] = [:]
    var native: Int?
    var place: PlaceRequest = .namespace("web1", made: true)
    var nicNames: NICNames?
    var elastic = false
    var mtu = 1500
    var withBond = true
    var formats = NetworkConfig.Format.allCases
    var testDescription: String { name }

    static let all = [
      Case(name: "layer3", elastic: true),
      Case(name: "hybrid", mode: .hybrid, networks: [.eth1: [1001]]),
      Case(name: "layer2-bonded", mode: .layer2Bonded, networks: [.bond0: [1002, 1001]]),
      Case(
        name: "layer2-individual", mode: .layer2Individual, networks: [.eth0: [1001], .eth1: [1001, 1002, 1003]],
        native: 1002),
      Case(name: "layer3-in-vm", place: .host, mtu: 9000),
      Case(name: "hybrid-in-vm", mode: .hybrid, networks: [.eth1: [1001, 1002]], place: .host),
      Case(name: "layer3-no-bond", elastic: true, withBond: false),
      Case(name: "hybrid-bonded", networks: [.bond0: [1002, 1001]]),
      Case(
        name: "layer2-bonded-no-bond", mode: .layer2Bonded, networks: [.bond0: [1001]], withBond: false, formats: [.ip]),
      Case(
        name: "named-layer3", nicNames: NICNames(eth0: "eth1", eth1: "eth2"), formats: [.ip, .netplan, .networkd]),
      Case(
        name: "named-layer2-individual", mode: .layer2Individual,
        networks: [.eth0: [1001, 1002], .eth1: [1001, 1002]],
        nicNames: NICNames(eth0: "eth1", eth1: "ethernet-1-1"), formats: [.ip, .ifupdown]),
      Case(name: "layer3-balance-tlb", plan: "t1.small.x86"),
      Case(name: "hybrid-balance-tlb", mode: .hybrid, plan: "x1.small.x86", networks: [.eth1: [1001]]),
    ]

    func config() throws -> NetworkConfig {
      var source = Counting()
      var rack = Rack(with: &source, hybridBonded: true)
      let project = try #require(rack.project(named: "default")).id
      try rack.perform(
        .createServer(
          ServerRequest(
            hostname: "web1", plan: plan, facility: "ewr1", operatingSystem: "debian_12", project: project,
            place: place, nicNames: nicNames)), with: &source)
      func server() throws -> Server { try #require(rack.server(named: "web1")) }
      for number in 1001...1003 {
        try rack.perform(
          .createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: number, description: nil)),
          with: &source)
      }
      let id = try server().id
      try rack.perform(.setMode(id, mode), with: &source)
      try rack.perform(.setMTU(id, mtu), with: &source)
      for (port, numbers) in networks.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        for number in numbers { try rack.perform(.assign(try server()[port].id, .number(number)), with: &source) }
      }
      if let native { try rack.perform(.setNative(try server().eth1.id, .number(native)), with: &source) }
      if elastic {
        try rack.perform(.reserveBlock(BlockRequest(project: project, facility: "ewr1", length: 31)), with: &source)
        try rack.perform(.assignBlock(id, rack.reservations.values.first!.block), with: &source)
      }
      #expect(rack.checkInvariants() == [])
      return NetworkConfig(of: try server(), in: rack, withBond: withBond)
    }
  }

  @Test("is this text, for each mode and format", arguments: Case.all)
  func golden(_ wanted: Case) throws {
    let config = try wanted.config()
    for format in wanted.formats {
      let text = config.text(format)
      let file = "\(#filePath)/../Golden/\(wanted.name).\(format.rawValue)"
      let path = URL(fileURLWithPath: file).standardized.path
      if ProcessInfo.processInfo.environment["TOPRACK_RECORD"] != nil {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text, "\(path)")
      #expect(!text.contains("  \n") && !text.contains("\t") && text.hasSuffix("\n"))
    }
  }

  @Test("commands are commands for sh", arguments: Case.all)
  func shell(_ wanted: Case) throws {
    for format in [NetworkConfig.Format.ip, .networkd] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-n", "-c", try wanted.config().text(format)]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(format)")
    }
  }

  @Test("each mode has its bond, its routed interface and its ports")
  func modes() throws {
    func config(_ mode: NetworkMode, withBond: Bool = true) throws -> NetworkConfig {
      try Case(name: "", mode: mode, withBond: withBond).config()
    }
    #expect(try config(.layer3).bond == ["eth0", "eth1"])
    #expect(try config(.layer3).ports.map(\.name) == ["bond0"])
    #expect(try config(.hybrid).bond == ["eth0"])
    #expect(try config(.hybrid).ports.map(\.name) == ["bond0", "eth1"])
    #expect(try config(.layer2Bonded).ports.map(\.isRouted) == [false])
    #expect(try config(.layer2Individual).bond == [])
    #expect(try config(.layer2Individual).ports.map(\.name) == ["eth0", "eth1"])
    #expect(try config(.layer3, withBond: false).ports.map(\.name) == ["eth0"])
    #expect(try config(.hybrid, withBond: false).ports.map(\.name) == ["eth0", "eth1"])
    #expect(try config(.layer3, withBond: false).bond == [])
  }

  @Test("without a public address the default route is by the private gateway")
  func privateOnly() throws {
    var source = Counting()
    var rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    try rack.perform(
      .createServer(
        ServerRequest(
          hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
          place: .host)), with: &source)
    let bond0 = try #require(rack.server(named: "web1")).bond0.id
    try rack.perform(.convertToLayer2(bond0, attaching: nil), with: &source)
    try rack.perform(.convertToLayer3(bond0, requests: [AddressRequest(family: 4, isPublic: false)]), with: &source)
    let config = NetworkConfig(of: try #require(rack.server(named: "web1")), in: rack, withBond: true)
    #expect(config.ports[0].routes == [GuestRoute(gateway: "10.64.0.2", family: 4)])
  }

  @Test("private ranges outside of 10.0.0.0/8 are routed by the private gateway too")
  func otherPrivateRange() throws {
    var plan = AddressPlan()
    plan.setRange(try IPPrefix(reading: "172.16.0.0/16"), of: .privateIPv4, in: "sjc1")
    var source = Counting()
    var rack = Rack(with: &source, plan: plan)
    let project = try #require(rack.project(named: "default")).id
    try rack.perform(
      .createServer(
        ServerRequest(
          hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
          place: .host)), with: &source)
    let config = NetworkConfig(of: try #require(rack.server(named: "web1")), in: rack, withBond: true)
    let wanted: [String?] = ["10.0.0.0/8", "172.16.0.0/16", nil, nil]
    #expect(config.ports[0].routes.map { $0.destination?.description } == wanted)
    #expect(config.ports[0].routes.map(\.gateway) == ["10.64.0.0", "10.64.0.0", "198.18.0.0", "2001:db8::"])
  }

  @Test("a bond without a member has nothing to set up, and NICs outside of it are as they are")
  func passingState() throws {
    var source = Counting()
    var rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    try rack.perform(
      .createServer(
        ServerRequest(
          hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
          place: .host)), with: &source)
    try rack.perform(.disbond(try #require(rack.server(named: "web1")).bond0.id, bulk: true), with: &source)
    let config = NetworkConfig(of: try #require(rack.server(named: "web1")), in: rack, withBond: true)
    #expect(config.bond == [] && config.ports.map(\.name) == ["eth0", "eth1"])
    for format in NetworkConfig.Format.allCases { #expect(!config.text(format).contains("198.18")) }
  }
}
