import Rack
import Testing

/// The primitive calls that known clients of the API make to change a mode, each of which must end where the client
/// expects it. Names: B bond, D disbond, L2 and L3 convert; `bulk` where the client sets the flag.
@Suite("Sequences of API clients") struct ClientSequenceTests {
  enum Step: Sendable, CustomStringConvertible {
    case bond(PortName, bulk: Bool = false)
    case disbond(PortName, bulk: Bool = false)
    case layer2(PortName = .bond0)
    case layer3(PortName = .bond0)
    var description: String {
      switch self {
      case .bond(let port, let bulk): "B \(port)\(bulk ? " bulk" : "")"
      case .disbond(let port, let bulk): "D \(port)\(bulk ? " bulk" : "")"
      case .layer2(let port): "L2 \(port)"
      case .layer3(let port): "L3 \(port)"
      }
    }
  }

  struct Sequence: Sendable, CustomTestStringConvertible {
    let client: String, from: NetworkMode, to: NetworkMode, steps: [Step]
    var testDescription: String {
      "\(client): \(from.rawValue) to \(to.rawValue) by \(steps.map(\.description).joined(separator: ", "))"
    }
    init(_ client: String, _ from: NetworkMode, _ to: NetworkMode, _ steps: Step...) {
      (self.client, self.from, self.to, self.steps) = (client, from, to, steps)
    }

    static let all =
      [
        Sequence("packngo 0.2", .layer3, .hybrid, .disbond(.eth1)),
        Sequence("packngo 0.2", .layer3, .layer2Bonded, .layer2(), .bond(.bond0)),
        Sequence("packngo 0.2", .layer3, .layer2Individual, .layer2(), .disbond(.bond0, bulk: true)),
        Sequence("packngo 0.2", .hybrid, .layer3, .bond(.bond0, bulk: true)),
        Sequence("packngo 0.2", .hybrid, .layer2Bonded, .layer2(), .bond(.bond0)),
        Sequence("packngo 0.2", .hybrid, .layer2Individual, .layer2(), .disbond(.bond0, bulk: true)),
        Sequence("packngo 0.2", .layer2Bonded, .layer3, .layer3(), .bond(.bond0, bulk: true)),
        Sequence("packngo 0.2", .layer2Bonded, .hybrid, .layer3(), .disbond(.eth1)),
        Sequence("packngo 0.2", .layer2Bonded, .layer2Individual, .disbond(.bond0, bulk: true)),
        Sequence(
          "packngo 0.2", .layer2Individual, .layer3, .bond(.bond0), .layer3(), .bond(.bond0, bulk: true)),
        Sequence("packngo 0.2", .layer2Individual, .hybrid, .bond(.bond0), .layer3(), .disbond(.eth1)),
        Sequence("packngo 0.2", .layer2Individual, .layer2Bonded, .bond(.bond0)),
        Sequence("packngo tests", .layer3, .layer3, .disbond(.eth1), .bond(.eth1)),
        Sequence("packngo 0.31", .hybrid, .layer3, .bond(.eth0), .bond(.eth1)),
        Sequence("packngo 0.31", .layer2Individual, .layer3, .bond(.bond0), .layer3(), .bond(.eth0), .bond(.eth1)),
        Sequence("packngo 0.31", .layer2Individual, .layer2Bonded, .bond(.eth0), .bond(.eth1)),
        Sequence("packngo 0.31", .layer3, .layer2Bonded, .layer2(), .bond(.eth0), .bond(.eth1)),
        Sequence("packngo 0.31", .hybrid, .layer2Bonded, .layer2(), .bond(.eth0), .bond(.eth1)),
        Sequence("packet-python", .layer2Bonded, .layer2Bonded, .bond(.bond0), .disbond(.bond0), .bond(.bond0)),
        Sequence("packet-python", .layer2Bonded, .layer2Bonded, .disbond(.eth0)),
        Sequence("metal-cli", .layer3, .layer2Individual, .disbond(.bond0), .layer2()),
        Sequence(
          "metal-cli", .layer3, .layer2Bonded, .disbond(.bond0), .layer2(), .bond(.bond0), .layer2()),
        Sequence("terraform", .layer3, .layer2Individual, .disbond(.bond0), .layer2()),
        Sequence("terraform", .layer2Individual, .layer2Bonded, .layer2(), .bond(.bond0)),
        Sequence("terraform", .layer2Individual, .layer3, .bond(.bond0), .layer3()),
        Sequence("terraform", .layer2Individual, .layer3, .layer3()),
        Sequence("bulk on a NIC", .layer3, .hybrid, .disbond(.eth1, bulk: true)),
        Sequence("bulk on a NIC", .layer2Individual, .layer2Bonded, .bond(.eth0, bulk: true)),
      ]
  }

  @Test("ends in the wanted mode, with the addresses that belong to it", arguments: Sequence.all)
  func follows(_ sequence: Sequence) throws {
    var lab = Lab()
    try lab.server("web1", mode: sequence.from)
    let old = lab["web1"].addresses
    for step in sequence.steps {
      try perform(step, on: &lab)
      #expect(lab.faults() == [], "after \(step)")
    }
    let server = lab["web1"]
    #expect(server.mode == sequence.to)
    #expect(server.addresses.isEmpty == (sequence.to.layer == 2))
    if sequence.from.layer == 3, sequence.to.layer == 3 { #expect(server.addresses == old) }
  }

  @Test("what is so already succeeds and changes nothing")
  func noOps() throws {
    let cases: [(NetworkMode, Step)] = [
      (.layer3, .bond(.bond0)), (.layer3, .bond(.eth0)), (.layer3, .bond(.eth1, bulk: true)),
      (.hybrid, .disbond(.eth1)), (.hybrid, .bond(.eth0)), (.layer2Bonded, .layer2()), (.layer2Bonded, .bond(.bond0)),
      (.layer2Individual, .layer2()), (.layer2Individual, .disbond(.bond0)), (.layer2Individual, .disbond(.eth0)),
    ]
    for (mode, step) in cases {
      var lab = Lab()
      try lab.server("web1", mode: mode)
      #expect(try !perform(step, on: &lab).changed, "\(step) in \(mode.rawValue)")
    }
  }

  @Test("layer 2 from hybrid keeps eth1 out, with its networks, and is a passing state")
  func hybridToLayer2KeepsNetworks() throws {
    var lab = Lab()
    try lab.server("web1", mode: .hybrid)
    try lab.network(1001)
    try lab.attach(1001, to: .eth1, of: "web1")
    try perform(.layer2(), on: &lab)
    #expect(lab["web1"].mode == .layer2Bonded)
    #expect(lab["web1"].members == [.eth0])
    #expect(lab.numbers(on: .eth1, of: "web1") == [1001])
  }

  @Test("a network on bond0 outlives breaking the bond, and can be taken off the broken bond")
  func disbondWithNetworks() throws {
    var lab = Lab()
    try lab.server("web1", mode: .layer2Bonded)
    for number in [1001, 1002] {
      try lab.network(number)
      try lab.attach(number, to: .bond0, of: "web1")
    }
    try perform(.disbond(.bond0), on: &lab)
    #expect(lab.numbers(on: .bond0, of: "web1") == [1001, 1002])
    #expect(lab["web1"].wiring.allSatisfy { $0.role == .dark && $0.name != .bond0 })
    try lab.detach(1001, from: .bond0, of: "web1")
    try lab.attach(1001, to: .eth0, of: "web1")
    #expect(lab.numbers(on: .bond0, of: "web1") == [1002])
    #expect(lab.faults() == [])
  }

  @Test("converting to layer 2 attaches a network in the same step, also when layer 2 is there already")
  func convertAttaching() throws {
    var lab = Lab()
    try lab.server("web1")
    let (one, two) = (try lab.network(1001), try lab.network(1002))
    let bond0 = lab.port(.bond0, of: "web1")
    try lab.perform(.convertToLayer2(bond0, attaching: .number(1001)))
    #expect(lab["web1"].bond0.networks == [one])
    try lab.perform(.convertToLayer2(bond0, attaching: .id(two)))
    #expect(lab["web1"].bond0.networks == [one, two])
    #expect(try !lab.perform(.convertToLayer2(bond0, attaching: .id(two))).changed)
  }

  @Test("a conversion whose network cannot be attached does not happen at all")
  func convertAttachingIsAtomic() throws {
    var lab = Lab()
    try lab.server("web1")
    let bond0 = lab.port(.bond0, of: "web1")
    #expect(throws: Refusal.self) { try lab.perform(.convertToLayer2(bond0, attaching: .number(1001))) }
    #expect(lab["web1"].mode == .layer3)
    try lab.perform(.disbond(lab.port(.eth1, of: "web1"), bulk: false))
    #expect(throws: Refusal.self) { try lab.perform(.convertToLayer2(bond0, attaching: .number(1001))) }
    #expect(lab["web1"].mode == .hybrid)
  }

  @Test(
    "packet-python: hybrid converted with a network, then bonded, is layer2-bonded with that network",
    arguments: [false, true])
  func hybridToLayer2WithNetwork(isOnEth1: Bool) throws {
    var lab = Lab()
    try lab.server("web1", mode: .hybrid)
    let network = try lab.network(1001)
    if isOnEth1 { try lab.attach(1001, to: .eth1, of: "web1") }
    try lab.perform(.convertToLayer2(lab.port(.bond0, of: "web1"), attaching: .number(1001)))
    #expect(lab["web1"].mode == .layer2Bonded && lab["web1"].bond0.bonded)
    #expect(
      lab["web1"].wiring.first
        == PortWiring(name: .bond0, members: [.eth0], role: .switched(untagged: network, tagged: [])))
    try perform(.bond(.bond0), on: &lab)
    #expect(lab["web1"].mode == .layer2Bonded && lab["web1"].members == PortName.nics)
    #expect(lab.numbers(on: .bond0, of: "web1") == [1001] && lab["web1"].eth1.networks.isEmpty)
    #expect(lab.faults() == [])
  }

  @Test("a NIC with a network that bond0 has not is not bonded, and nothing of it is lost")
  func bondKeepsOtherNetworks() throws {
    var lab = Lab()
    try lab.server("web1", mode: .hybrid)
    for number in [1001, 1002] {
      try lab.network(number)
      try lab.attach(number, to: .eth1, of: "web1")
    }
    try lab.perform(.convertToLayer2(lab.port(.bond0, of: "web1"), attaching: .number(1001)))
    #expect(throws: Refusal.self) { try perform(.bond(.eth1), on: &lab) }
    #expect(lab.numbers(on: .eth1, of: "web1") == [1001, 1002])
  }

  @Test("metal-cli 0.25: the same address requested several times is given once")
  func doubles() throws {
    var lab = Lab()
    try lab.server("web1", mode: .layer2Bonded)
    let (four, six) = (AddressRequest(family: 4, isPublic: true), AddressRequest(family: 6, isPublic: true))
    try lab.perform(.convertToLayer3(lab.port(.bond0, of: "web1"), requests: [four, four, six, four, six]))
    #expect(lab["web1"].addresses.map(\.kind) == [.publicIPv4, .publicIPv6])
    #expect(lab.faults() == [])
  }

  @Test("what clients compare with comes first, word for word, and what we have to say after it")
  func words() throws {
    func messages(_ attempt: () throws -> Void) -> [String] {
      do { try attempt() } catch let refusal as Refusal { return refusal.messages } catch {}
      return []
    }
    var lab = Lab()
    let network = try lab.network(1001)
    try lab.network(1002)
    try lab.server("web1", mode: .layer2Individual)
    let (eth0, bond0) = (lab.port(.eth0, of: "web1"), lab.port(.bond0, of: "web1"))
    // terraform-provider-equinix 2.11 goes on with its destroy only after a line that begins and ends so.
    for reference in [NetworkReference.number(1001), .id(network)] {
      let lines = messages { try lab.perform(.unassign(eth0, reference)) }
      #expect(lines.first == "Virtual network 1001 not assigned" && lines.count == 2, "\(lines)")
    }
    try lab.attach(1001, to: .eth0, of: "web1")
    #expect(messages { try lab.attach(1001, to: .eth0, of: "web1") }.first == "Virtual network 1001 already assigned")
    #expect(
      messages { try lab.perform(.deleteNetwork(network)) }.first
        == "Cannot delete Virtual Network when port is assigned")
    try lab.detach(1001, from: .eth0, of: "web1")
    try lab.perform(.convertToLayer3(bond0, requests: nil))
    #expect(messages { try lab.perform(.convertToLayer3(bond0, requests: nil)) }.first == "bond0 is already layer3")
    var update = ServerUpdate()
    update.isLocked = true
    try lab.perform(.updateServer(lab["web1"].id, update))
    #expect(messages { try lab.perform(.deleteServer(lab["web1"].id)) }.first == "Cannot delete a locked item")
  }

  @Test("converting to layer 3 gives exactly the addresses that are asked for; none asked for means all")
  func requestedAddresses() throws {
    let cases: [([AddressRequest]?, [Address.Kind])] = [
      (nil, Address.Kind.allCases), ([], Address.Kind.allCases),
      ([AddressRequest(family: 4, isPublic: false)], [.privateIPv4]),
      (
        [AddressRequest(family: 6, isPublic: true), AddressRequest(family: 4, isPublic: true)],
        [.publicIPv6, .publicIPv4]
      ),
    ]
    for (requests, kinds) in cases {
      var lab = Lab()
      try lab.server("web1", mode: .layer2Individual)
      try lab.perform(.convertToLayer3(lab.port(.bond0, of: "web1"), requests: requests))
      #expect(lab["web1"].mode == .layer3)
      #expect(lab["web1"].addresses.map(\.kind) == kinds)
      #expect(lab.faults() == [])
    }
  }

  @discardableResult
  private func perform(_ step: Step, on lab: inout Lab) throws -> Outcome {
    switch step {
    case .bond(let port, let bulk): try lab.perform(.bond(lab.port(port, of: "web1"), bulk: bulk))
    case .disbond(let port, let bulk): try lab.perform(.disbond(lab.port(port, of: "web1"), bulk: bulk))
    case .layer2(let port): try lab.perform(.convertToLayer2(lab.port(port, of: "web1"), attaching: nil))
    case .layer3(let port): try lab.perform(.convertToLayer3(lab.port(port, of: "web1"), requests: nil))
    }
  }
}
