import Net
import Testing
import Wire

@testable import Switching

/// What the switch should do, written for reading: sets and dictionaries, no tables.
private struct Model {
  typealias VID = UInt16
  let vids: [Int: VID]
  var programs: [Int: PortProgram] = [:]
  var up: Set<Int> = []
  struct Key: Hashable { var domain: Int, mac: UInt64 }
  var stations: [Key: Int] = [:]

  func domains(of port: Int) -> [Int: Bool] {  // domain to "tagged here"
    var found: [Int: Bool] = [:]
    switch programs[port]?.role {
    case .routed(let tagged): for domain in tagged { found[domain.value] = true }
    case .switched(let untagged, let tagged):
      for domain in tagged { found[domain.value] = true }
      if let untagged { found[untagged.value] = false }
    case .absent, .dark, nil: break
    }
    return found
  }

  /// What the switch should say of itself.
  func states() -> [PortState] {
    programs.sorted { $0.key < $1.key }.map { port, program in
      let carried = domains(of: port).map {
        (PortState.Domain(index: DomainIndex($0.key), vid: vids[$0.key]!), $0.value)
      }
      let role: PortState.Role =
        switch program.role {
        case .absent, .dark: .dark
        case .routed: .routed
        case .switched: .switched
        }
      return PortState(
        port: PortIndex(port), members: program.members, isBond: program.aggregation != nil, role: role,
        untagged: carried.first { !$0.1 }?.0, tagged: carried.filter(\.1).map(\.0).sorted { $0.vid < $1.vid },
        mtu: program.members.isEmpty ? 0 : Switch.mtuLimit, faults: [])
    }
  }

  /// Of each bond, who carries when both links are up; the first member unless something has happened.
  var chosen: [Int: Int] = [:]
  struct Voice { var source: UInt64, heard: UInt64 }
  var voices: [Int: Voice] = [:]
  /// First broadcast by a NIC since the carrying one fell silent.
  var since: [Int: UInt64] = [:]
  var clock: UInt64 = 0

  func carrier(of port: Int) -> Int? {
    let live = (programs[port]?.members ?? []).map(\.value).filter(up.contains)
    if let choice = chosen[port], live.contains(choice) { return choice }
    return live.first
  }

  /// Whether a frame by a bond's member is taken, without a partner.
  mutating func takes(_ header: FrameHeader, from nic: Int, _ port: Int) -> Bool {
    guard let carrier = carrier(of: port) else { return false }
    let source = header.source.isValidSource ? header.source.value : 0
    guard nic != carrier else {
      voices[nic] = Voice(source: source, heard: clock)
      chosen[port] = nic
      return true
    }
    guard up.contains(nic), source != 0 else { return false }
    let silence = clock - (voices[carrier]?.heard ?? 0)
    var isUsed = false
    if source == voices[carrier]?.source {
      isUsed = silence >= 100
    } else if !header.destination.isGroup {
      isUsed = silence >= 1_000
    } else if header.destination.isBroadcast {
      if let first = since[nic], first > voices[carrier]?.heard ?? 0 {
        isUsed = silence >= 5_000 && clock - first >= 1_000
      } else {
        since[nic] = clock
      }
    }
    // What stands on another port was given back.
    if isUsed, !isElsewhere(header, port) {
      chosen[port] = nic
      voices[nic] = Voice(source: source, heard: clock)
    }
    return isUsed && !isElsewhere(header, port)
  }

  private func domain(of header: FrameHeader, at port: Int) -> Int? {
    let carried = domains(of: port)
    return header.vid == 0
      ? carried.first { !$0.value }?.key : carried.first { vids[$0.key] == header.vid }?.key
  }

  private func isElsewhere(_ header: FrameHeader, _ port: Int) -> Bool {
    guard let domain = domain(of: header, at: port),
      let home = stations[Key(domain: domain, mac: header.source.value)]
    else { return false }
    return home != port
  }

  func port(of nic: Int) -> Int? { programs.first { $0.value.members.contains(NICIndex(nic)) }?.key }

  mutating func set(_ port: Int, _ program: PortProgram) {
    let old = domains(of: port)
    let before = programs[port]?.members ?? []
    if program.members != before || program.aggregation == nil { chosen[port] = nil }
    for nic in before where program.aggregation == nil || !program.members.contains(nic) {
      voices[nic.value] = nil
      since[nic.value] = nil
    }
    programs[port] = program.role == .absent ? nil : program
    let new = domains(of: port)
    for domain in old.keys where new[domain] == nil {
      stations = stations.filter { !($0.key.domain == domain && $0.value == port) }
    }
  }

  mutating func setLink(_ nic: Int, up isUp: Bool) {
    if isUp { up.insert(nic) } else { up.remove(nic) }
    if !isUp, let port = port(of: nic), let members = programs[port]?.members.map(\.value), members.count == 2,
      programs[port]?.aggregation != nil
    {
      let other = members[0] == nic ? members[1] : members[0]
      chosen[port] = up.contains(other) ? other : members[0]
    }
    if !isUp, let port = port(of: nic), carrier(of: port) == nil { stations = stations.filter { $0.value != port } }
  }

  /// NIC to tag control field of what leaves; empty when the frame is dropped.
  mutating func receivers(of header: FrameHeader, from nic: Int) -> [Int: Int32] {
    guard !header.destination.isReserved, let port = port(of: nic), let program = programs[port],
      program.aggregation == nil || takes(header, from: nic, port), header.source.isValidSource
    else { return [:] }
    guard let domain = domain(of: header, at: port) else { return [:] }
    stations[Key(domain: domain, mac: header.source.value)] = port
    func form(_ port: Int) -> Int32 {
      domains(of: port)[domain] == true ? Int32(header.priority | (vids[domain] ?? 0)) : -1
    }
    if !header.destination.isGroup, let target = stations[Key(domain: domain, mac: header.destination.value)] {
      guard target != port else { return [:] }
      if let carrier = carrier(of: target) { return [carrier: form(target)] }
    }
    var found: [Int: Int32] = [:]
    for other in programs.keys where other != port && domains(of: other)[domain] != nil {
      if let carrier = carrier(of: other) { found[carrier] = form(other) }
    }
    return found
  }
}

@Suite("Switch against a model") struct SwitchModelTests {
  /// Domains 1 and 2 have the same VID, as two tenants' networks can.
  private static let vids: [Int: UInt16] = [1: 100, 2: 100, 3: 200, 4: 300, 5: 4_094]

  @Test("does what the model does, over random changes, links and frames", arguments: 1...12 as ClosedRange<UInt64>)
  func random(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let rig = Rig([], domains: Self.vids.map { ($0.key, Int($0.value)) })
    var model = Model(vids: Self.vids)
    for step in 0..<6_000 {
      let pause = [0, 0, 1, 50, 100, 999, 1_000, 5_000].randomElement(using: &random)!
      rig.pass(UInt64(pause))
      model.clock = rig.plane.clock
      switch Int.random(in: 0..<20, using: &random) {
      case 0:
        changeServer(rig, &model, &random)
        let (got, want) = (rig.states(), model.states())
        #expect(got == want, "seed \(seed), step \(step)")
        if got != want { return }
      case 1:
        let nic = Int.random(in: 0..<12, using: &random)
        let up = Bool.random(using: &random) || Bool.random(using: &random)
        rig.setLink(nic, up: up)
        model.setLink(nic, up: up)
      default:
        let header = randomHeader(&random)
        let nic = Int.random(in: 0..<12, using: &random)
        let got = rig.liveReceivers(of: header, from: nic)
        let want = model.receivers(of: header, from: nic)
        #expect(got == want, "seed \(seed), step \(step): \(header) from NIC \(nic)")
        if got != want { return }
      }
    }
    #expect(rig.stationCount == model.stations.count)
  }

  /// Server s has NICs 2s and 2s + 1, and ports 3s + 1 (bond), 3s + 2, 3s + 3; they change together.
  private func changeServer(_ rig: Rig, _ model: inout Model, _ random: inout SeededGenerator) {
    let server = Int.random(in: 0..<6, using: &random)
    let nics = [NICIndex(2 * server), NICIndex(2 * server + 1)]
    let lag = aggregation(2 * server, 2 * server + 1)
    let bond = 3 * server + 1
    var programs: [Int: PortProgram]
    switch Int.random(in: 0..<5, using: &random) {
    case 0:
      programs = [bond: .absent, bond + 1: .absent, bond + 2: .absent]
    case 1:
      programs = [
        bond: PortProgram(members: nics, role: role(&random), aggregation: lag), bond + 1: .absent,
        bond + 2: .absent,
      ]
    case 2:
      programs = [
        bond: PortProgram(
          members: nics, role: .routed(tagged: tagged(&random)), aggregation: lag), bond + 1: .absent,
        bond + 2: .absent,
      ]
    case 3:
      programs = [
        bond: PortProgram(members: [nics[0]], role: .routed(tagged: tagged(&random)), aggregation: lag),
        bond + 1: .absent,
        bond + 2: PortProgram(members: [nics[1]], role: role(&random)),
      ]
    default:
      programs = [
        bond: .absent, bond + 1: PortProgram(members: [nics[0]], role: role(&random)),
        bond + 2: PortProgram(members: [nics[1]], role: role(&random)),
      ]
    }
    rig.apply(programs)
    for (port, program) in programs { model.set(port, program) }
  }

  /// A role whose domains have different VIDs: one project has one network of a number.
  private func role(_ random: inout SeededGenerator) -> PortProgram.Role {
    let domains = tagged(&random)
    guard let first = domains.first else { return .dark }
    let rest = Array(domains.dropFirst())
    if rest.isEmpty || Bool.random(using: &random) { return .switched(untagged: first, tagged: rest) }
    return .switched(untagged: nil, tagged: domains)
  }

  private func tagged(_ random: inout SeededGenerator) -> [DomainIndex] {
    [Bool.random(using: &random) ? 1 : 2, 3, 4, 5].shuffled(using: &random)
      .prefix(Int.random(in: 0...4, using: &random)).map { DomainIndex($0) }
  }

  private func randomHeader(_ random: inout SeededGenerator) -> FrameHeader {
    func station() -> MACAddress {
      MACAddress(
        [0x0200_0000_0000, 0, 0x0100_5E00_0000][[0, 0, 0, 0, 0, 0, 0, 0, 1, 2].randomElement(using: &random)!]
          | UInt64.random(in: 0..<8, using: &random))
    }
    let destinations = [station(), station(), broadcast, MACAddress(0x0180_C200_0001)]
    let isTagged = Bool.random(using: &random)
    let vid = [0, 1, 100, 200, 300, 4_094].randomElement(using: &random)!
    return FrameHeader(
      destination: destinations.randomElement(using: &random)!, source: station(),
      tagControl: isTagged ? UInt16.random(in: 0..<16, using: &random) << 12 | UInt16(vid) : 0, isTagged: isTagged,
      etherType: 0x0800)
  }
}
