import FoundationEssentials
import Rack
import Testing

/// Virtual networks on bond0 in layer 3: where the rack offers it, and where it does not.
@Suite("Hybrid-bonded") struct HybridBondedTests {
  private static func lab(offered: Bool = true) throws -> Lab {
    var lab = Lab(hybridBonded: offered)
    try lab.server("web1")
    for number in [1001, 1002] { try lab.network(number) }
    return lab
  }

  /// `lab` as a daemon loads it that has the setting, or has not.
  private static func reloaded(_ lab: Lab, offered: Bool) -> Lab {
    var other = lab
    other.rack = Rack(empty: lab.rack.id, hybridBonded: offered)
    other.rack.apply(lab.rack.records)
    return other
  }

  private func refusal(_ attempt: () throws -> Void) -> String {
    do {
      try attempt()
      return "not refused"
    } catch { return "\(error)" }
  }

  @Test("the first VLAN on bond0 makes the mode, tagged as the only one too, and the last one's leaving ends it")
  func comesAndGoes() throws {
    var lab = try Self.lab()
    let before = lab["web1"]
    let (one, two) = (
      lab.rack.networks.values.first { $0.vxlan == 1001 }!.id, lab.rack.networks.values.first { $0.vxlan == 1002 }!.id
    )
    try lab.attach(1001, to: .bond0, of: "web1")
    #expect(lab["web1"].mode == .hybridBonded)
    #expect(lab["web1"].wiring == [PortWiring(name: .bond0, members: [.eth0, .eth1], role: .routed(tagged: [one]))])
    try lab.attach(1002, to: .bond0, of: "web1")
    #expect(lab["web1"].wiring.map(\.role) == [.routed(tagged: [one, two])])
    #expect(lab["web1"].addresses == before.addresses)
    try lab.detach(1001, from: .bond0, of: "web1")
    #expect(lab["web1"].mode == .hybridBonded)
    try lab.detach(1002, from: .bond0, of: "web1")
    #expect(lab["web1"].mode == .layer3)
    #expect(lab["web1"].wiring == before.wiring)
    #expect(lab.faults() == [])
  }

  @Test("a batch attaches and detaches on bond0 in layer 3 as on any port")
  func batch() throws {
    var lab = try Self.lab()
    let bond0 = lab.port(.bond0, of: "web1")
    func change(_ number: Int, _ isAssigned: Bool, native: Bool? = nil) -> AssignmentChange {
      AssignmentChange(network: .number(number), isAssigned: isAssigned, isNative: native)
    }
    try lab.perform(.changeAssignments(bond0, [change(1001, true), change(1002, true)]))
    #expect(lab["web1"].mode == .hybridBonded)
    #expect(
      refusal { try lab.perform(.changeAssignments(bond0, [change(1001, true, native: true)])) }.contains("native"))
    try lab.perform(.changeAssignments(bond0, [change(1001, false), change(1002, false)]))
    #expect(lab["web1"].mode == .layer3)
    #expect(lab.faults() == [])
  }

  @Test("none is native, and the bond stays whole, while VLANs are beside what is routed")
  func refused() throws {
    var lab = try Self.lab()
    try lab.attach(1001, to: .bond0, of: "web1")
    try lab.attach(1002, to: .bond0, of: "web1")
    #expect(refusal { try lab.native(1001, on: .bond0, of: "web1") }.contains("none can be native"))
    for port in [PortName.bond0, .eth0, .eth1] {
      let text = refusal { try lab.perform(.disbond(lab.port(port, of: "web1"), bulk: false)) }
      #expect(text.contains("carries virtual network 1001 and 1002") && text.contains("detach first"), "\(text)")
    }
    let id = lab["web1"].id
    #expect(
      refusal { try lab.perform(.convertToLayer3(lab.port(.bond0, of: "web1"), requests: nil)) }.contains(
        "already layer3"))
    for mode in [NetworkMode.layer3, .hybrid, .layer2Individual] {
      #expect(refusal { try lab.perform(.setMode(id, mode)) }.contains("detach first"), "\(mode)")
    }
    #expect(try !lab.perform(.bond(lab.port(.bond0, of: "web1"), bulk: false)).changed)
    #expect(try !lab.perform(.setMode(id, .hybridBonded)).changed, "it is so already")
    #expect(lab["web1"].mode == .hybridBonded)
    #expect(lab.faults() == [])
  }

  @Test("to layer 2 the VLANs stay on bond0 and the addresses go", arguments: [true, false])
  func toLayer2(byMode: Bool) throws {
    var lab = try Self.lab()
    try lab.attach(1001, to: .bond0, of: "web1")
    try lab.attach(1002, to: .bond0, of: "web1")
    if byMode {
      try lab.perform(.setMode(lab["web1"].id, .layer2Bonded))
    } else {
      try lab.perform(.convertToLayer2(lab.port(.bond0, of: "web1"), attaching: nil))
    }
    #expect(lab["web1"].mode == .layer2Bonded)
    #expect(lab.numbers(on: .bond0, of: "web1") == [1001, 1002])
    #expect(lab["web1"].addresses == [])
    #expect(lab.faults() == [])
  }

  @Test("only a whole bond of a plan with full layer 2 takes them")
  func whoCan() throws {
    var lab = try Self.lab()
    try lab.server("t1", plan: "t1.small.x86")
    try lab.server("x1", plan: "x1.small.x86")
    try lab.perform(.bond(lab.port(.bond0, of: "x1"), bulk: false))
    for name in ["t1", "x1"] {
      #expect(throws: Refusal.self) { try lab.attach(1001, to: .bond0, of: name) }
    }
    try lab.perform(.disbond(lab.port(.eth1, of: "web1"), bulk: false))
    #expect(refusal { try lab.attach(1001, to: .bond0, of: "web1") }.contains("both NICs in the bond"))
    try lab.attach(1001, to: .eth1, of: "web1")
    #expect(lab["web1"].mode == .hybrid)
    #expect(lab.faults() == [])
  }

  @Test("the mode is reached by attaching, and a request for it says so")
  func byAttaching() throws {
    var lab = try Self.lab()
    let text = refusal { try lab.perform(.setMode(lab["web1"].id, .hybridBonded)) }
    #expect(text.contains("attach one to bond0") && !text.contains("hybrid_bonded"), "\(text)")
  }

  @Test("where it is not offered nothing is as before, and the refusals name the setting")
  func notOffered() throws {
    var lab = try Self.lab(offered: false)
    let text = refusal { try lab.attach(1001, to: .bond0, of: "web1") }
    #expect(
      text.contains("is in layer 3 and carries no virtual network") && text.contains("hybrid_bonded: true"), "\(text)")
    #expect(refusal { try lab.perform(.setMode(lab["web1"].id, .hybridBonded)) }.contains("hybrid_bonded: true"))
    try lab.server("t1", plan: "t1.small.x86")
    #expect(!refusal { try lab.attach(1001, to: .bond0, of: "t1") }.contains("hybrid_bonded"))
  }

  @Test("what is attached stays when it is not offered any more: it can be detached, and no more can be attached")
  func withdrawn() throws {
    var lab = try Self.lab()
    try lab.attach(1001, to: .bond0, of: "web1")
    lab = Self.reloaded(lab, offered: false)
    #expect(lab["web1"].mode == .hybridBonded)
    #expect(lab.faults() == [])
    #expect(refusal { try lab.attach(1002, to: .bond0, of: "web1") }.contains("takes no further virtual network"))
    try lab.detach(1001, from: .bond0, of: "web1")
    #expect(lab["web1"].mode == .layer3)
    #expect(throws: Refusal.self) { try lab.attach(1001, to: .bond0, of: "web1") }
    #expect(lab.faults() == [])
  }

  @Test(
    "the setting overrules the facility, and without it the facility says so itself",
    arguments: [(nil, "ny5", true), (nil, "ewr1", false), (true, "ewr1", true), (false, "ny5", false)]
      as [(Bool?, String, Bool)])
  func facilities(_ setting: Bool?, _ facility: String, _ isOffered: Bool) throws {
    var lab = Lab(hybridBonded: setting)
    try lab.server("web1", facility: facility)
    try lab.network(1001, facility: facility)
    if isOffered {
      try lab.attach(1001, to: .bond0, of: "web1")
      #expect(lab["web1"].mode == .hybridBonded)
    } else {
      let text = refusal { try lab.attach(1001, to: .bond0, of: "web1") }
      #expect(text.contains("hybrid_bonded: true") && text.contains("in the facilities") == (setting == nil), "\(text)")
    }
    #expect(lab.faults() == [])
  }
}
