import Foundation
import Testing

/// web1 in layer2-bonded with VLANs 1001 and 1002, a virtual machine on its NICs, and peer in VLAN 1001 by eth0 and in
/// VLAN 1002 by eth1, untagged. The machine has 10.0.1.1 and 10.0.2.1, peer 10.0.1.2 and 10.0.2.2.
final class BondedGuest {
  let lab: Lab
  let web1: Machine
  let peer: Machine
  let guest: Guest
  private let fast: Bool

  /// `fast`: the rate that the switch and the guest's bonding driver ask for. The bond is made by `bond` or
  /// `team`. `speed`: whether the guest's NICs have one.
  init(fast: Bool = true, speed: Bool = true) throws {
    self.fast = fast
    lab = try Lab(settings: "lacp-rate: \(fast ? "fast" : "slow")\n")
    try lab.networks(1001, 1002)
    web1 = try lab.machine("web1", .layer2Bonded, vlans: [("bond0", 1001), ("bond0", 1002)])
    peer = try lab.machine("peer", .layer2Individual, vlans: [("eth0", 1001), ("eth1", 1002)])
    try peer.namespace.run("ip", "address", "add", "10.0.1.2/24", "dev", "eth0")
    try peer.namespace.run("ip", "address", "add", "10.0.2.2/24", "dev", "eth1")
    guest = try Guest(in: lab, on: web1, speed: speed)
  }

  /// Bonds the guest's NICs by the kernel's driver in mode 802.3ad, and puts VLANs on top when both carry. Returns how
  /// long that took them.
  @discardableResult
  func bond() throws -> Duration {
    try makeBond()
    let time = try expectBond(["eth0", "eth1"])
    try addVLANs(to: "bond0")
    return time
  }

  func makeBond() throws {
    try guest.run(
      """
      ip link add bond0 type bond mode 802.3ad lacp_rate \(fast ? "fast" : "slow") miimon 100 xmit_hash_policy layer3+4
      ip link set eth0 master bond0
      ip link set eth1 master bond0
      ip link set bond0 up
      """)
  }

  /// The same by the team driver and teamd.
  func team() throws -> Duration {
    let configuration = """
      {"device": "team0", "runner": {"name": "lacp", "active": true, "fast_rate": \(fast), "tx_hash": ["ipv4", "l4"]},
       "link_watch": {"name": "ethtool"}, "ports": {"eth0": {}, "eth1": {}}}
      """
    try guest.run("teamd --daemonize --config '\(configuration)'\nip link set team0 up")
    let time = try expectTeam(["eth0", "eth1"])
    try addVLANs(to: "team0")
    return time
  }

  private func addVLANs(to device: String) throws {
    for (number, vlan) in [(1, 1001), (2, 1002)] {
      try guest.run(
        """
        ip link add link \(device) name \(device).\(vlan) type vlan id \(vlan)
        ip address add 10.0.\(number).1/24 dev \(device).\(vlan)
        ip link set \(device).\(vlan) up
        """)
    }
  }

  /// Waits until just these NICs carry, as the switch and the bonding driver see it. Returns how long that took.
  @discardableResult
  func expectBond(_ nics: Set<String>, sourceLocation: SourceLocation = #_sourceLocation) throws -> Duration {
    try expect(nics, sourceLocation) {
      try BondingDriver(guest.run("cat /proc/net/bonding/bond0")).carrying
    }
  }

  /// The same as the switch and teamd see it.
  @discardableResult
  func expectTeam(_ nics: Set<String>, sourceLocation: SourceLocation = #_sourceLocation) throws -> Duration {
    try expect(nics, sourceLocation) {
      let ports = try JSON(Data(guest.run("teamdctl team0 state dump").utf8))["ports"].object ?? [:]
      return Set(ports.filter { $0.value["runner"]["state"].string == "current" }.keys)
    }
  }

  private func expect(
    _ nics: Set<String>, _ sourceLocation: SourceLocation, inGuest: () throws -> Set<String>
  ) throws -> Duration {
    let began = ContinuousClock.now
    var here = Set<String>()
    var there = Set<String>()
    try lab.poll(for: .seconds(60)) {
      here = try lab.aggregated("web1")
      there = try inGuest()
      return here == nics && there == nics
    }
    #expect(here == nics, "as the switch sees it", sourceLocation: sourceLocation)
    #expect(there == nics, "as the guest sees it", sourceLocation: sourceLocation)
    return began.duration(to: .now)
  }

  /// Both VLANs are reached through the bond, and no answer comes twice.
  func expectConnected(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for address in ["10.0.1.2", "10.0.2.2"] {
      let (status, output) = try guest.attempt("ping -c 5 -i 0.1 -W 2 \(address)")
      #expect(status == 0 && output.contains(" 0% packet loss"), "\(output)", sourceLocation: sourceLocation)
      #expect(!output.contains("DUP"), "\(output)", sourceLocation: sourceLocation)
    }
  }
}

/// What /proc/net/bonding/bond0 says of a bond in mode 802.3ad.
struct BondingDriver {
  struct Link {
    var aggregator = ""
    /// State bytes of the last LACPDUs sent and received: Activity, Timeout, Aggregation, Synchronization, Collecting,
    /// Distributing, Defaulted, Expired, from bit 0.
    var actorState = 0
    var partnerState = 0
    var partnerSystem = ""
    var partnerKey = 0
    var isUp = false
  }

  var aggregator = ""
  var partnerSystem = ""
  var links: [String: Link] = [:]

  init(_ text: String) {
    var name: String?
    var isPartner = false
    for line in text.split(separator: "\n").map({ $0.drop(while: \.isWhitespace) }) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = line[..<colon]
      let value = line[line.index(after: colon)...].drop(while: \.isWhitespace).description
      switch (key, name) {
      case ("Slave Interface", _):
        name = value
        links[value] = Link()
      case ("Aggregator ID", nil): aggregator = value
      case ("Aggregator ID", let name?): links[name]?.aggregator = value
      case ("Partner Mac Address", nil): partnerSystem = value
      case ("MII Status", let name?): links[name]?.isUp = value == "up"
      case ("details actor lacp pdu", _): isPartner = false
      case ("details partner lacp pdu", _): isPartner = true
      case ("system mac address", let name?) where isPartner: links[name]?.partnerSystem = value
      case ("oper key", let name?): links[name]?.partnerKey = Int(value) ?? 0
      case ("port state", let name?) where isPartner: links[name]?.partnerState = Int(value) ?? 0
      case ("port state", let name?): links[name]?.actorState = Int(value) ?? 0
      default: break
      }
    }
  }

  /// NICs in the active aggregate that collect and distribute, and whose partner is in sync and heard.
  var carrying: Set<String> {
    let working = links.filter { _, link in
      link.isUp && link.aggregator == aggregator && link.actorState & 0x30 == 0x30
        && link.actorState & 0xC0 == 0 && link.partnerState & 0x08 != 0
    }
    return Set(working.keys)
  }
}
