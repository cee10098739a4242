import Rack

/// What is wrong between two servers, and how to cure it.
///
/// ## How it works
/// Facts in, findings out; nothing is asked. First what is wrong with a server as a whole, then what keeps the two from
/// having a way at all, then what is wrong on each way. What follows from something worse is not said: a NIC without
/// link makes its server silent, and the link is what to look at. A drop counts only while the rack is as it was when
/// the frame was dropped: what has been cured since is no finding.
public struct Diagnosis: Hashable, Sendable {
  public let findings: [Finding]
  /// One line for each direction of each way.
  public let path: [String]

  public var isWell: Bool { findings.isEmpty }

  public init(_ facts: DiagnosisFacts) {
    var found: [Finding] = []
    let pairs = facts.ends.map { end in (end, EndCheck(end, facts)) }
    for (_, check) in pairs { found += check.findings }
    if facts.ways.isEmpty { found += Self.separation(facts) }
    for way in facts.ways { found += WayCheck(way, facts).findings }
    if found.isEmpty { found = facts.ways.flatMap { Self.fates($0, facts) } }
    var seen: Set<Finding> = []
    let unique = found.filter { seen.insert($0).inserted }
    let order = Finding.Cause.allCases
    findings = unique.enumerated().sorted {
      (order.firstIndex(of: $0.element.cause)!, $0.offset) < (order.firstIndex(of: $1.element.cause)!, $1.offset)
    }.map(\.element)
    path = facts.ways.flatMap { [$0.from.path, $0.to.path] }.filter { !$0.isEmpty }
  }

  /// What the traces say, where nothing that is known of the two does.
  private static func fates(_ way: DiagnosisFacts.Way, _ facts: DiagnosisFacts) -> [Finding] {
    [(facts.from, way.from, facts.to), (facts.to, way.to, facts.from)].compactMap { end, side, other in
      guard let reason = side.fate, let cause = cause(of: reason) else { return nil }
      return Finding(
        cause, "a frame from \(end.name) to \(other.name) is dropped: \(reason)",
        cure: "toprack trace --in \(end.name):\(side.port.rawValue) --dst ff:ff:ff:ff:ff:ff")
    }
  }

  private static func cause(of reason: String) -> Finding.Cause? {
    switch reason {
    case "link-down": .nicDown
    case "loop-guard": .loop
    case "bond-standby": .bondOneMember
    case "mtu-exceeded", "packet-too-big": .mtu
    case "spoofed-source": .spoofedSource
    case "vlan-not-allowed", "untagged-not-allowed": .tagMismatch
    case "no-vlan", "no-receiver": .noCommonNetwork
    case "same-port": .duplicateMAC
    case "no-route", "neighbour-unreachable": .neighbourSilent
    default: nil
    }
  }

  /// Why there is no way at all.
  private static func separation(_ facts: DiagnosisFacts) -> [Finding] {
    let (a, b) = (facts.from, facts.to)
    guard a.project == b.project else {
      return [
        Finding(
          .otherProject,
          "\(a.name) is in project \(a.project) and \(b.name) in \(b.project), and no VLAN is of two projects: give both "
            + "a routed mode, and use their addresses",
          cure: "toprack server mode \(b.isRouted ? a.name : b.name) hybrid-bonded")
      ]
    }
    let ports = facts.ends.map { "\($0.name)\($0.port.map { " \($0.rawValue)" } ?? "")" }
    guard let number = facts.candidates.first else {
      if a.facility != b.facility {
        return [
          Finding(
            .otherFacility,
            "\(a.name) is in \(a.facility) and \(b.name) in \(b.facility), and no VLAN reaches both: use one of a metro "
              + "that has both, or put them into one facility",
            cure: "toprack network list")
        ]
      }
      return [
        Finding(
          .noCommonNetwork, "\(ports[0]) and \(ports[1]) have no VLAN in common, and there is none to attach",
          cure: "toprack network create --facility \(a.facility)")
      ]
    }
    let other = facts.ends.first { !$0.attached.contains(number) } ?? b
    let port = other.port ?? other.attachable
    return [
      Finding(
        .noCommonNetwork,
        "\(ports[0]) and \(ports[1]) have no VLAN in common: attach VLAN \(number) to \(other.name) \(port.rawValue)",
        cure: "toprack port attach \(other.name) \(port.rawValue) \(number)")
    ]
  }
}

extension DiagnosisFacts.End {
  /// Where a network can be put.
  fileprivate var attachable: PortName {
    if members.isEmpty || members == [.eth0] { return .eth1 }
    return members == [.eth1] ? .eth0 : .bond0
  }
}

/// What is wrong with a server, whatever it is to reach.
struct EndCheck {
  let findings: [Finding]

  init(_ end: DiagnosisFacts.End, _ facts: DiagnosisFacts) {
    let name = end.name
    guard end.isPoweredOn else {
      findings = [Finding(.poweredOff, "\(name) is switched off", cure: "toprack server power \(name) on")]
      return
    }
    var found: [Finding] = []
    let ports = Set(facts.ways.map { $0.port(of: end, in: facts) })
    let nics =
      ports.isEmpty
      ? [] : PortName.nics.filter { ports.contains($0) || ports.contains(.bond0) && end.members.contains($0) }
    for port in nics {
      guard let nic = end.nics[port] else {
        found.append(
          Finding(
            .nicDown, "\(name) \(port.rawValue) is not attached to the switch", cure: "toprack server repair \(name)"))
        continue
      }
      found += Self.findings(port, nic, end)
    }
    if ports.contains(.bond0) { found += Self.bond(end, found) }
    findings = found
  }

  private static func findings(
    _ port: PortName, _ nic: DiagnosisFacts.NIC, _ end: DiagnosisFacts.End
  ) -> [Finding] {
    var found: [Finding] = []
    let place = "\(end.name) \(port.rawValue)"
    // Of a bond with one link left, that is what is said.
    let isLast = !end.members.contains(port) || !end.members.contains { $0 != port && end.nics[$0]?.isLinkUp == true }
    if let cure = nic.removed {
      found.append(Finding(.linkRemoved, "the carrier of \(place) was taken away by a command", cure: cure))
    } else if !nic.isLinkUp, isLast {
      found.append(
        Finding(
          .nicDown, "\(place) is down: its own system has not brought it up",
          cure: "toprack server shell \(end.name) -- ip link set \(nic.interface) up"))
    }
    if let shut = nic.shut {
      let port: PortName = end.members.contains(port) ? .bond0 : port
      found.append(Finding(.loop, shut, cure: "toprack port reopen \(end.name) \(port.rawValue)"))
    }
    if nic.storms {
      found.append(
        Finding(
          .storm,
          "\(place) sends more broadcasts, multicasts and frames to unknown stations than it may: what is more "
            + "is dropped", cure: "toprack capture \(end.name):\(port.rawValue) --dropped --count 50"))
    }
    if let impairment = nic.impairment {
      found.append(
        Finding(
          .impaired, "the link of \(place) is impaired on purpose: \(impairment)",
          cure: "toprack link set \(end.name):\(port.rawValue) --clear"))
    }
    return found
  }

  private static func bond(_ end: DiagnosisFacts.End, _ found: [Finding]) -> [Finding] {
    let nics = end.members.compactMap { port in end.nics[port].map { (port, $0) } }
    if found.contains(where: { $0.cause == .nicDown || $0.cause == .loop }) { return [] }
    let show = "toprack lacp show \(end.name)"
    if !end.isStatic, !nics.isEmpty, !nics.contains(where: \.1.hasPartner) {
      let alone = nics.first(where: \.1.carries).map { ", and \($0.0.rawValue) carries alone" } ?? ""
      return [
        Finding(
          .bondNoPartner,
          "\(end.name) speaks no LACP on bond0\(alone): bond \(nics.map(\.0.rawValue).joined(separator: " and ")) with "
            + "802.3ad in it", cure: "toprack server network-config \(end.name)")
      ]
    }
    guard nics.count > 1 else { return [] }
    let (idle, busy) = (nics.filter { !$0.1.carries || !$0.1.isLinkUp }, nics.filter { $0.1.carries && $0.1.isLinkUp })
    guard let (port, nic) = idle.first, busy.count == 1, !found.contains(where: { $0.cause == .linkRemoved }) else {
      return []
    }
    let why =
      !nic.isLinkUp
      ? "is down" : nic.problem.map { "does not carry: \($0)" } ?? "speaks no LACP with the switch"
    let cure = nic.isLinkUp ? show : "toprack server shell \(end.name) -- ip link set \(nic.interface) up"
    return [
      Finding(
        .bondOneMember, "bond0 of \(end.name) carries by \(busy[0].0.rawValue) alone: \(port.rawValue) \(why)",
        cure: cure)
    ]
  }
}

extension DiagnosisFacts.Way {
  func side(of end: DiagnosisFacts.End, in facts: DiagnosisFacts) -> DiagnosisFacts.Side {
    end == facts.from ? from : to
  }

  func port(of end: DiagnosisFacts.End, in facts: DiagnosisFacts) -> PortName { side(of: end, in: facts).port }
}
