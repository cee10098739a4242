// What somebody waits for, and what is missing for it. Pure: the facts are given.

import Control
import Rack

/// What must be true of a server.
enum WaitCondition: Hashable, Sendable {
  /// It is switched on and installed, and both NICs are there. What is waited for when nothing else is said.
  case active
  /// Every NIC whose port is used has its link up; or the one that is named, used or not.
  case link(PortName?)
  /// A partner is in sync on every NIC of its bond, and frames go both ways.
  case lacp
  /// The gateway has heard it at each of its addresses.
  case address
  /// A host answers echo requests that are sent from the server.
  case ping(String)
  /// Its system has phoned home, or was heard, since it was installed.
  case phoneHome

  /// In answers.
  var name: String {
    switch self {
    case .active: "active"
    case .link: "link"
    case .lacp: "lacp"
    case .address: "address"
    case .ping: "ping"
    case .phoneHome: "phone_home"
    }
  }
}

/// What is known of a server at one moment, as far as it is waited for.
struct WaitFacts: Sendable {
  var server: Server
  /// NICs that are there.
  var attached: Set<PortName> = []
  var linksUp: Set<PortName> = []
  var members: [PortName: LACPMember] = [:]
  var neighbours: [NeighbourStatus] = []
  var hasPhonedHome = false
  /// What came of the last echo requests; `nil`: none were sent yet.
  var ping: (isAnswered: Bool, seen: String)?
  /// What is wrong with it, in sentences that say what to do.
  var problems: [Problem] = []
}

/// What keeps a condition from being true.
struct Missing: Hashable, Sendable {
  var condition: WaitCondition
  var nic: PortName?
  /// `no LACP partner on eth1`, without the server's name.
  var text: String
  /// What to do, or why; one or two sentences.
  var advice: String?

  init(_ condition: WaitCondition, _ nic: PortName? = nil, _ text: String, advice: String? = nil) {
    (self.condition, self.nic, self.text, self.advice) = (condition, nic, text, advice)
  }
}

extension WaitCondition {
  /// Empty: it is true.
  func missing(in facts: WaitFacts) -> [Missing] {
    switch self {
    case .active: Self.active(facts)
    case .link(let nic): link(facts, nic)
    case .lacp: Self.lacp(facts)
    case .address: Self.address(facts)
    case .ping(let address): ping(facts, address)
    case .phoneHome: Self.phoneHome(facts)
    }
  }

  private static func active(_ facts: WaitFacts) -> [Missing] {
    let (server, name) = (facts.server, facts.server.hostname)
    if let off = off(server, .active) { return [off] }
    var missing: [Missing] = []
    if server.isProvisioning {
      missing.append(
        Missing(
          .active, nil, "is being installed: its operating system was not heard yet",
          advice: "'toprack console \(name)' shows what it does"))
    }
    for nic in PortName.nics where !facts.attached.contains(nic) {
      missing.append(Missing(.active, nic, "\(nic.rawValue) is not there", advice: advice(facts, nic)))
    }
    return missing
  }

  private func link(_ facts: WaitFacts, _ named: PortName?) -> [Missing] {
    let server = facts.server
    if let off = Self.off(server, self) { return [off] }
    let used = named.map { [$0] } ?? Self.usedNICs(of: server)
    guard !used.isEmpty else {
      return [
        Missing(
          self, nil, "no port of it is used: none carries a network, and none is routed",
          advice: "'toprack port attach' puts a network on one; '--link=eth0' asks for a NIC whatever it carries")
      ]
    }
    return used.filter { !facts.linksUp.contains($0) }.map { nic in
      guard facts.attached.contains(nic) else {
        return Missing(self, nic, "\(nic.rawValue) is not there", advice: Self.advice(facts, nic))
      }
      return Missing(
        self, nic, "link of \(nic.rawValue) is down",
        advice: "set \(server.nicNames[nic]) up in the server: 'ip link set \(server.nicNames[nic]) up'")
    }
  }

  /// NICs whose port carries a network, or is routed.
  static func usedNICs(of server: Server) -> [PortName] {
    server.wiring.filter { $0.role != .dark }.flatMap(\.members).sorted { $0.rawValue < $1.rawValue }
  }

  private static func lacp(_ facts: WaitFacts) -> [Missing] {
    let server = facts.server
    if let off = off(server, .lacp) { return [off] }
    guard !server.members.isEmpty else {
      return [Missing(.lacp, nil, "has no NIC in a bond", advice: "its mode is \(server.mode.rawValue)")]
    }
    return server.members.compactMap { nic in
      let member = facts.members[nic]
      guard member?.isInSync != true else { return nil }
      if member?.partner == nil {
        return Missing(.lacp, nic, "no LACP partner on \(nic.rawValue)", advice: member?.problem)
      }
      return Missing(.lacp, nic, "the LACP partner on \(nic.rawValue) is not in sync", advice: member?.problem)
    }
  }

  private static func address(_ facts: WaitFacts) -> [Missing] {
    let server = facts.server
    if let off = off(server, .address) { return [off] }
    guard !server.addresses.isEmpty else {
      return [Missing(.address, nil, "has no addresses", advice: "its mode is \(server.mode.rawValue)")]
    }
    return server.addresses.map(\.address).compactMap { address in
      let neighbour = facts.neighbours.first { $0.address == address }
      if neighbour?.mac != nil { return nil }
      return Missing(
        .address, nil, "nobody answers at \(address)",
        advice: "'toprack server network-config \(server.hostname)' says what to set up in the server")
    }
  }

  private func ping(_ facts: WaitFacts, _ address: String) -> [Missing] {
    if let off = Self.off(facts.server, self) { return [off] }
    if facts.ping?.isAnswered == true { return [] }
    return [Missing(self, nil, "\(address) does not answer: \(facts.ping?.seen ?? "nothing was sent yet")")]
  }

  private static func phoneHome(_ facts: WaitFacts) -> [Missing] {
    if let off = off(facts.server, .phoneHome) { return [off] }
    if facts.hasPhonedHome, !facts.server.isProvisioning { return [] }
    return [
      Missing(
        .phoneHome, nil, "has not phoned home",
        advice: "a machine does by POST to http://169.254.169.254/phone-home; "
          + "'toprack console \(facts.server.hostname)' shows what it does")
    ]
  }

  // MARK: Words

  private static func off(_ server: Server, _ condition: WaitCondition) -> Missing? {
    if server.isPoweredOn { return nil }
    return Missing(condition, nil, "is switched off", advice: "'toprack server power \(server.hostname) on'")
  }

  private static func advice(_ facts: WaitFacts, _ nic: PortName) -> String? {
    facts.problems.first { $0.port == nic && $0.kind.hasPrefix("nic-") }?.text
      ?? "'toprack server repair \(facts.server.hostname)' makes it again"
  }
}

extension LACPMember {
  /// In the aggregate of a partner, and frames go both ways.
  var isInSync: Bool { partner != nil && selected && collecting && distributing && !fallback }
}
