import Net
import Rack

/// What is wrong on one way between two servers.
struct WayCheck {
  private let way: DiagnosisFacts.Way
  private let facts: DiagnosisFacts
  private(set) var findings: [Finding] = []

  private typealias End = DiagnosisFacts.End
  private typealias Side = DiagnosisFacts.Side

  init(_ way: DiagnosisFacts.Way, _ facts: DiagnosisFacts) {
    (self.way, self.facts) = (way, facts)
    guard facts.from.isPoweredOn, facts.to.isPoweredOn else { return }
    for (end, side) in [(facts.from, way.from), (facts.to, way.to)] where isUp(end, side) {
      switch way.kind {
      case .network(let number): check(number, end, side)
      case .routed: checkRouted(end)
      }
    }
    checkSilence()
    checkMTU()
  }

  /// A NIC of the port has a link, and no guard has shut it: what else is said of the end means something.
  private func isUp(_ end: End, _ side: Side) -> Bool {
    nics(end, side).contains { $0.isLinkUp && $0.shut == nil && $0.removed == nil }
  }

  private func nics(_ end: End, _ side: Side) -> [DiagnosisFacts.NIC] {
    side.port == .bond0 ? end.members.compactMap { end.nics[$0] } : [end.nics[side.port]].compactMap(\.self)
  }

  private func has(_ drop: DiagnosisFacts.Drop, _ end: End, _ side: Side) -> Bool {
    side.port == .bond0 ? end.members.contains(drop.nic) : drop.nic == side.port
  }

  // MARK: In a network

  private mutating func check(_ number: Int, _ end: End, _ side: Side) {
    let place = "\(end.name) \(side.port.rawValue)"
    for (mac, other) in side.elsewhere.sorted(by: { $0.key.value < $1.key.value }) {
      findings.append(
        Finding(
          .duplicateMAC,
          "\(mac) of \(place) was heard on \(other) in VLAN \(number): two machines have this MAC address",
          cure: "toprack fdb show --vxlan \(number)"))
    }
    // Once or twice is a machine that was moved.
    if side.elsewhere.isEmpty,
      let (mac, moves) = side.stations.filter({ $0.value > 2 }).min(by: { $0.key.value < $1.key.value })
    {
      findings.append(
        Finding(
          .duplicateMAC,
          "\(mac) on \(place) has moved \(moves) times between ports of VLAN \(number): two machines have this MAC "
            + "address, or it is a loop", cure: "toprack fdb show --vxlan \(number)"))
    }
    checkForm(number, end, side)
  }

  /// What the server sends against what its port takes.
  private mutating func checkForm(_ number: Int, _ end: End, _ side: Side) {
    let place = "\(end.name) \(side.port.rawValue)"
    let config = "toprack server network-config \(end.name)"
    let names = interfaces(end, side)
    let tagging = end.seen?.interfaces.first { $0.vlan == number && $0.parent.map(names.contains) == true }
    let plain = end.seen?.interfaces.first { names.contains($0.name) && !$0.addresses.isEmpty }
    if !side.isTagged {
      let isSeen = !side.sentTagged.isEmpty && side.sentUntagged.isDisjoint(with: side.sentTagged)
      let foreign = end.drops.first {
        $0.reason == "vlan-not-allowed" && $0.vlan != number && has($0, end, side) && side.stations.isEmpty
      }
      if isSeen || tagging?.isUp == true && plain == nil {
        findings.append(
          Finding(
            .tagMismatch,
            "\(end.name) tags its frames of VLAN \(number), which is \(side.isAlone ? "the only one of" : "native on") "
              + "\(place): they are taken, and answered untagged; send them untagged, by the interface itself",
            cure: config))
      } else if let vlan = foreign?.vlan {
        findings.append(
          Finding(
            .tagMismatch, "\(end.name) tags its frames with VLAN \(vlan), and \(place) has VLAN \(number) untagged",
            cure: config))
      }
      return
    }
    // Heard in the network, or seen to tag: it does so, whatever is seen inside.
    guard side.stations.isEmpty, side.sentTagged.isEmpty, tagging == nil || tagging?.isUp == false else { return }
    let isRoutedToo = end.isRouted && side.port == .bond0
    let untagged = end.drops.contains {
      $0.reason == "untagged-not-allowed" && has($0, end, side) && !$0.isChatter
    }
    if !isRoutedToo, untagged || plain != nil {
      findings.append(
        Finding(
          .tagMismatch,
          "\(end.name) sends its frames untagged, and VLAN \(number) is tagged on \(place): make it native there, or use "
            + "a VLAN interface in the server", cure: "toprack port native \(end.name) \(side.port.rawValue) \(number)")
      )
      return
    }
    if let foreign = end.drops.first(where: { $0.reason == "vlan-not-allowed" && has($0, end, side) })?.vlan {
      findings.append(
        Finding(
          .tagMismatch,
          "\(end.name) tags its frames with VLAN \(foreign), and \(place) has VLAN \(number) and not that one",
          cure: config))
      return
    }
    guard end.seen != nil, !hasOthers(end) else { return }
    let what = tagging.map { "its interface \($0.name) is down" } ?? "it has no interface for it"
    findings.append(
      Finding(
        .vlanInterfaceMissing, "VLAN \(number) is tagged on \(place), and \(what)",
        cure: tagging.map { "toprack server shell \(end.name) -- ip link set \($0.name) up" }
          ?? "toprack server shell \(end.name) -- ip link add link \(base(end, side)) name \(base(end, side)).\(number) "
          + "type vlan id \(number)"))
  }

  /// The interfaces inside that the port is, the one that carries addresses first: a bond's master, or the NICs.
  private func interfaces(_ end: End, _ side: Side) -> [String] {
    let own = nics(end, side).map(\.interface)
    let masters = own.compactMap { end.seen?[$0]?.master }
    return masters + own
  }

  /// Something else inside has addresses, as a switch in software has: what it does with frames cannot be seen.
  private func hasOthers(_ end: End) -> Bool {
    let nics = Set(end.nics.values.map(\.interface))
    let known = nics.union(end.seen?.interfaces.compactMap { nics.contains($0.name) ? $0.master : nil } ?? [])
    return end.seen?.interfaces.contains { interface in
      !interface.addresses.isEmpty && interface.name != "lo" && !known.contains(interface.name)
        && interface.parent.map(known.contains) != true
    } ?? false
  }

  private func base(_ end: End, _ side: Side) -> String { interfaces(end, side).first ?? side.port.rawValue }

  // MARK: By the gateway

  private mutating func checkRouted(_ end: End) {
    let spoofed = end.drops.last { drop in
      guard drop.reason == "spoofed-source", let sender = drop.sender else { return false }
      return !end.addresses.contains { $0.contains(sender) }
    }
    guard let sender = spoofed?.sender else { return }
    let own = end.addresses.map { "\($0.base)" }.joined(separator: ", ")
    findings.append(
      Finding(
        .spoofedSource, "\(end.name) sends from \(sender), which is not its own (\(own)): the gateway drops that",
        cure: "toprack server network-config \(end.name)"))
  }

  // MARK: Silence

  private static let quiet: Set<String> = ["failed", "incomplete"]

  /// Who is not there although its links and VLANs are right.
  private mutating func checkSilence() {
    let explained = Set(findings.map(\.cause))
    for (end, side, other) in [(facts.from, way.from, facts.to), (facts.to, way.to, facts.from)] {
      guard isUp(end, side), explained.isDisjoint(with: [.tagMismatch, .vlanInterfaceMissing, .duplicateMAC]) else {
        continue
      }
      switch way.kind {
      case .routed: checkSilentNeighbour(end)
      case .network(let number): checkSilentStation(number, end, side, other)
      }
    }
  }

  private mutating func checkSilentNeighbour(_ end: End) {
    guard !findings.contains(where: { $0.cause == .spoofedSource && $0.text.hasPrefix("\(end.name) ") }) else { return }
    let silent = end.neighbours.filter { address, state in
      Self.quiet.contains(state) && (end.asked.map { $0 == address } ?? true)
    }
    // One family that answers shows that the server is there; of the other nothing may have been wanted.
    let answers = end.neighbours.contains { $0.value == "reachable" && $0.key.isV4 }
    let address = silent.keys.min { ($0.isV4 ? 0 : 1, "\($0)") < ($1.isV4 ? 0 : 1, "\($1)") }
    guard let address, end.asked != nil || !answers else { return }
    findings.append(
      Finding(
        .neighbourSilent,
        "\(end.name) does not answer for \(address), neither ARP nor neighbour discovery: set its interface up with it",
        cure: "toprack server network-config \(end.name)"))
  }

  private mutating func checkSilentStation(_ number: Int, _ end: End, _ side: Side, _ other: End) {
    let place = "\(end.name) \(side.port.rawValue)"
    let own = addresses(end, side, number)
    let config = "toprack server shell \(end.name) -- ip address"
    if let asked = end.asked, other.seen?.unanswered.contains(asked) == true {
      findings.append(
        Finding(
          .neighbourSilent, "\(end.name) has not answered \(other.name), which asked for \(asked) in VLAN \(number)",
          cure: config))
      return
    }
    if let own, own.isEmpty, !hasOthers(end), isAddressed(other, number) {
      findings.append(
        Finding(
          .neighbourSilent, "\(end.name) has no address on \(base(end, side)) for VLAN \(number), so it answers nobody",
          cure: config))
      return
    }
    if let own, let silent = own.first(where: { other.seen?.unanswered.contains($0) == true }) {
      findings.append(
        Finding(
          .neighbourSilent, "\(end.name) has not answered \(other.name), which asked for \(silent) in VLAN \(number)",
          cure: config))
      return
    }
    guard side.stations.isEmpty, side.sentTagged.isEmpty, side.sentUntagged.isEmpty, own?.isEmpty ?? true else {
      return
    }
    findings.append(
      Finding(
        .neighbourSilent,
        "\(place) has not been heard in VLAN \(number): its system has nothing set up there, or says nothing",
        cure: config))
  }

  /// Those that it has on the way; nil: nobody can look.
  private func addresses(_ end: End, _ side: Side, _ number: Int) -> [IPAddress]? {
    guard let seen = end.seen else { return nil }
    let names = interfaces(end, side)
    // A bridge or a bond on top has them instead.
    return seen.interfaces.filter { interface in
      if side.isTagged { return interface.vlan == number && interface.parent.map(names.contains) == true }
      return names.contains(interface.name)
    }.flatMap { interface in
      interface.addresses + (interface.master.flatMap { seen[$0] }?.addresses ?? [])
    }
  }

  /// Whether the end has an address on this way.
  private func isAddressed(_ end: End, _ number: Int) -> Bool {
    let side = end == facts.from ? way.from : way.to
    return addresses(end, side, number)?.isEmpty == false
  }

  // MARK: Sizes

  private mutating func checkMTU() {
    let sides = [(facts.from, way.from), (facts.to, way.to)]
    guard case .network = way.kind else {
      guard let (end, _) = sides.first(where: { $0.0.drops.contains { $0.reason == "packet-too-big" } }),
        let small = sides.first(where: { $0.0.name != end.name }),
        mtu(small.0, small.1) < mtu(end, sides.first { $0.0.name == end.name }!.1)
      else { return }
      return add(small.0, small.1, mtu(end, sides.first { $0.0.name == end.name }!.1))
    }
    let sizes = sides.map { mtu($0.0, $0.1) }
    if sizes[0] != sizes[1] {
      let small = sizes[0] < sizes[1] ? 0 : 1
      return add(sides[small].0, sides[small].1, sizes[1 - small])
    }
  }

  private mutating func add(_ end: End, _ side: Side, _ larger: Int) {
    let other = end.name == facts.from.name ? facts.to.name : facts.from.name
    findings.append(
      Finding(
        .mtu,
        "\(end.name) \(side.port.rawValue) takes packets of \(mtu(end, side)) bytes and \(other) sends up to \(larger): "
          + "larger ones are dropped (mtu-exceeded)",
        cure: "toprack server shell \(end.name) -- ip link set \(base(end, side)) mtu \(larger)"))
  }

  private func mtu(_ end: End, _ side: Side) -> Int { nics(end, side).map(\.mtu).min() ?? 1_500 }
}
