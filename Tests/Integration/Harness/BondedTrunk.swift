import Testing

/// The usual surroundings of a LACP test: web1 in layer2-bonded with VLANs 1001 and 1002 on its bond, Open vSwitch as its
/// operating system, and peer, whose eth0 is in VLAN 1001 and whose eth1 is in VLAN 1002, both untagged.
///
/// web1 has 10.0.1.1 in VLAN 1001 and 10.0.2.1 in VLAN 1002, peer has 10.0.1.2 and 10.0.2.2.
final class BondedTrunk {
  let lab: Lab
  let web1: Machine
  let peer: Machine
  let ovs: OpenVSwitch
  /// What web1's programs use.
  let inside1001: NIC
  let inside1002: NIC

  /// `fast`: which rate the switch asks for; Open vSwitch always asks for the fast one.
  init(fast: Bool = true, bonded: Bool = true) throws {
    lab = try Lab(settings: "lacp-rate: \(fast ? "fast" : "slow")\n")
    try lab.networks(1001, 1002)
    web1 = try lab.machine("web1", .layer2Bonded, vlans: [("bond0", 1001), ("bond0", 1002)])
    peer = try lab.machine("peer", .layer2Individual, vlans: [("eth0", 1001), ("eth1", 1002)])
    for (nic, address) in [("eth0", "10.0.1.2/24"), ("eth1", "10.0.2.2/24")] {
      try peer.namespace.run("ip", "address", "add", address, "dev", nic)
      try peer.namespace.stopOffloads(nic)
    }
    ovs = try OpenVSwitch(in: lab, on: web1)
    inside1001 = try ovs.addInterface("v1001", vlan: 1001, address: "10.0.1.1/24")
    inside1002 = try ovs.addInterface("v1002", vlan: 1002, address: "10.0.2.1/24")
    guard bonded else { return }
    try ovs.addBond()
    try expectBond(["eth0", "eth1"])
  }

  /// Waits until just these NICs carry, as both ends see it. Returns how long that took.
  @discardableResult
  func expectBond(
    _ nics: Set<String>, within limit: Duration = .seconds(10), sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Duration {
    let began = ContinuousClock.now
    var here = Set<String>()
    var there = Set<String>()
    try lab.poll(for: limit) {
      here = try lab.aggregated("web1")
      there = try ovs.enabled()
      return here == nics && there == nics
    }
    #expect(here == nics, "as the switch sees it", sourceLocation: sourceLocation)
    #expect(there == nics, "as Open vSwitch sees it", sourceLocation: sourceLocation)
    return began.duration(to: .now)
  }

  /// Makes the switch know where web1's address in VLAN 1001 is.
  func announce() throws {
    let hello = Frame(to: .broadcast, from: inside1001.mac, "hello from inside")
    try inside1001.send(hello)
    try peer.eth0.expect(hello)
  }

  /// A station behind peer's eth0 whose frames to web1 travel by `nic`. Web1 must be known.
  func station(travellingBy nic: NIC) throws -> MAC {
    for number in 1...64 {
      let frame = Frame(to: inside1001.mac, from: .station(number), "which way, \(number)")
      try peer.eth0.send(frame)
      try inside1001.expect(frame)
      // What is inside was on a link before.
      while let seen = try nic.next(within: .zero) {
        if seen.payload == frame.payload { return .station(number) }
      }
    }
    throw HarnessError("of 64 stations none travels by \(nic.name)")
  }
}
