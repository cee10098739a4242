import Net
import Rack
import Testing

/// Random commands, many of them wrong, against one rack: whatever is asked, the rack stays valid, a refusal changes
/// nothing, and whoever follows the differences sees what the rack says.
@Suite("Random sequences") struct RandomTests {
  @Test("never violate an invariant, and the wire follows the differences", arguments: 1...8 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    var lab = Lab(seed: seed, hybridBonded: seed % 2 == 0)
    var dice = SeededEntropy(seed: seed &* 7919)
    var done = 0
    var refused = 0
    var hybridBonded = 0
    for step in 0..<3000 {
      let command = Self.command(for: lab, &dice)
      do {
        if try lab.perform(command).changed { done += 1 }
      } catch {
        refused += 1
      }
      if lab.rack.servers.values.contains(where: { $0.mode == .hybridBonded }) { hybridBonded += 1 }
      let faults = lab.faults()
      guard faults.isEmpty else {
        Issue.record("seed \(seed), step \(step), \(command): \(faults)")
        return
      }
    }
    // The mixture must be one: neither all refused nor all accepted.
    #expect(done > 600 && refused > 300, "\(done) changes, \(refused) refusals")
    #expect((hybridBonded > 0) == (lab.rack.hybridBonded == true), "\(hybridBonded) steps with VLANs beside routing")
  }

  @Test("give a rack whose records make the same rack again", arguments: 11...14 as ClosedRange<UInt64>)
  func records(seed: UInt64) throws {
    var lab = Lab(seed: seed)
    var dice = SeededEntropy(seed: seed)
    var replica = lab.rack
    for _ in 0..<400 {
      if let outcome = try? lab.perform(Self.command(for: lab, &dice)) { replica.apply(outcome.changes) }
    }
    var fresh = Rack(empty: lab.rack.id)
    fresh.apply(lab.rack.records)
    #expect(fresh == lab.rack)
    #expect(replica == lab.rack)
    #expect(fresh.checkInvariants() == [])
  }

  @Test("deciding the same twice from the same entropy gives the same outcome, and applying it is performing it")
  func pure() throws {
    var lab = Lab(seed: 21)
    var dice = SeededEntropy(seed: 22)
    for _ in 0..<400 {
      let command = Self.command(for: lab, &dice)
      var (one, two) = (lab.entropy, lab.entropy)
      let first = Result { try lab.rack.decide(command, with: &one) }
      let second = Result { try lab.rack.decide(command, with: &two) }
      #expect((try? first.get()) == (try? second.get()))
      #expect((try? first.get()) == (try? lab.perform(command)))
    }
  }

  /// Where a new server is to be, by callers of all sorts.
  private static func place(_ number: Int, _ dice: inout SeededEntropy) -> PlaceRequest {
    let wishes: [PlaceRequest.Wish] = [.host, .host, .unstated, .named, .namespace("ns\(number / 2)")]
    var place = PlaceRequest(wishes.randomElement(using: &dice)!)
    place.exists = Bool.random(using: &dice)
    place.mustBeOwn = Int.random(in: 0..<4, using: &dice) == 0
    return place
  }

  private static let lines = [
    KeyVectors.ed25519, KeyVectors.rsa2048, KeyVectors.ecdsa256, KeyVectors.ecdsa384, KeyVectors.dsa,
  ]

  private static func owner(of lab: Lab, _ dice: inout SeededEntropy) -> SSHKey.Owner {
    let projects = lab.rack.projects.keys.sorted { $0.description < $1.description }
    return Int.random(in: 0..<3, using: &dice) == 0 ? .user : .project(projects.randomElement(using: &dice)!)
  }

  private static func keys(of lab: Lab, _ dice: inout SeededEntropy) -> SSHKeyChoice {
    var choice = SSHKeyChoice(
      hasUserKeys: Bool.random(using: &dice), isNoneByDefault: Int.random(in: 0..<4, using: &dice) == 0)
    if Int.random(in: 0..<3, using: &dice) == 0 {
      choice.named = lab.rack.sshKeys.keys.sorted { $0.description < $1.description }.prefix(1).map(\.self)
    }
    if Int.random(in: 0..<4, using: &dice) == 0 {
      choice.new = [SSHKeyChoice.New(label: "new", key: lines.randomElement(using: &dice)!)]
    }
    return choice
  }

  /// A small world, so that commands often meet: few names, few numbers, two facilities, all plans.
  static func command(for lab: Lab, _ dice: inout SeededEntropy) -> Command {
    let servers = lab.rack.servers.values.sorted { $0.number < $1.number }
    let networks = lab.rack.networks.values.sorted { ($0.place.code, $0.vxlan) < ($1.place.code, $1.vxlan) }
    let facility = ["ewr1", "ewr1", "ewr1", "sjc1"].randomElement(using: &dice)!
    func reference(_ dice: inout SeededEntropy) -> NetworkReference {
      switch Int.random(in: 0..<20, using: &dice) {
      case 0: .id(NetworkID(dice.identifier()))
      case 1...6: networks.randomElement(using: &dice).map { .id($0.id) } ?? .number(0)
      default: .number(Int.random(in: 1000...1006, using: &dice))
      }
    }
    let others = lab.rack.projects.keys.filter { $0 != lab.project }.sorted { $0.description < $1.description }
    guard let server = servers.randomElement(using: &dice), Int.random(in: 0..<12, using: &dice) > 0 else {
      let plans = Catalogue.plans.map(\.slug) + Array(repeating: "c3.small.x86", count: 20) + ["nonsense"]
      let number = Int.random(in: 0..<7, using: &dice)
      return .createServer(
        ServerRequest(
          hostname: "web\(number)", plan: plans.randomElement(using: &dice)!, facility: facility,
          operatingSystem: "debian_12",
          project: Int.random(in: 0..<6, using: &dice) == 0
            ? others.randomElement(using: &dice) ?? lab.project : lab.project,
          place: place(number, &dice), keys: keys(of: lab, &dice)))
    }
    let port = server[PortName.allCases.randomElement(using: &dice)!].id
    let reservations = lab.rack.reservations.values.sorted { $0.block.base < $1.block.base }
    switch Int.random(in: 0..<190, using: &dice) {
    case 0..<3: return .deleteServer(server.id)
    case 3..<15: return .setMode(server.id, NetworkMode.allCases.randomElement(using: &dice)!)
    case 15..<17: return .setMTU(server.id, [1500, 9000, 100].randomElement(using: &dice)!)
    case 17..<24:
      let number = Bool.random(using: &dice) ? nil : Int.random(in: 999...1006, using: &dice)
      return .createNetwork(
        NetworkRequest(
          project: lab.project, place: Bool.random(using: &dice) ? .facility(facility) : .metro("ny"), vxlan: number,
          description: nil))
    case 24..<29: return .deleteNetwork(networks.randomElement(using: &dice)?.id ?? NetworkID(dice.identifier()))
    case 29..<50: return .assign(port, reference(&dice))
    case 50..<62:
      return .unassign(
        port, server.ports.flatMap(\.networks).randomElement(using: &dice).map { .id($0) } ?? reference(&dice))
    case 62..<72: return .setNative(port, Int.random(in: 0..<4, using: &dice) == 0 ? nil : reference(&dice))
    case 72..<79: return .bond(port, bulk: Bool.random(using: &dice))
    case 79..<86: return .disbond(port, bulk: Bool.random(using: &dice))
    case 86..<91:
      return .convertToLayer2(port, attaching: Int.random(in: 0..<3, using: &dice) == 0 ? reference(&dice) : nil)
    case 91..<97:
      let requests = [
        nil, [], [AddressRequest(family: 4, isPublic: false)], [AddressRequest(family: 6, isPublic: false)],
      ]
      return .convertToLayer3(port, requests: requests.randomElement(using: &dice)!)
    case 180..<188:
      var update = LinkUpdate(isDown: [nil, true, false].randomElement(using: &dice)!)
      if Bool.random(using: &dice) {
        update.toServer = ImpairmentUpdate(startsOver: Bool.random(using: &dice))
        update.toServer?.delay = [nil, 1_000_000, 20_000_000_000].randomElement(using: &dice)!
        update.toServer?.seed = Bool.random(using: &dice) ? 7 : nil
      }
      return .setLink(server.id, PortName.allCases.randomElement(using: &dice)!, update)
    case 188..<190:
      let switches = [[.a], [.b], [.a, .b]].randomElement(using: &dice)! as Set<RackSwitch>
      return .setSwitches(switches, facility: facility, failed: Int.random(in: 0..<3, using: &dice) == 0)
    case 100..<109:
      return .reserveBlock(
        BlockRequest(project: lab.project, facility: facility, length: Int.random(in: 28...33, using: &dice)))
    case 109..<119:
      let block = reservations.randomElement(using: &dice)?.block ?? IPPrefix(.unspecified4)
      let length = Int.random(in: block.length...32, using: &dice)
      return .assignBlock(server.id, Array(block.parts(length)).randomElement(using: &dice)!)
    case 119..<123:
      return .unassignBlock(
        servers.flatMap(\.blocks).randomElement(using: &dice)?.id ?? AssignmentID(dice.identifier()))
    case 123:
      return .updateBlock(
        reservations.randomElement(using: &dice)?.id ?? ReservationID(dice.identifier()),
        BlockUpdate(details: ["a", ""].randomElement(using: &dice)!, tags: Bool.random(using: &dice) ? ["b"] : nil))
    case 124..<130:
      return .releaseBlock(reservations.randomElement(using: &dice)?.id ?? ReservationID(dice.identifier()))
    case 130..<138: return .setPower(server.id, on: Int.random(in: 0..<3, using: &dice) > 0)
    case 138: return .reboot(server.id)
    case 139:
      let systems = [nil, "debian_11", "custom_ipxe", "nonsense"]
      return Bool.random(using: &dice)
        ? .rescue(server.id)
        : .reinstall(server.id, Installation(operatingSystem: systems.randomElement(using: &dice)!))
    case 140..<154:
      let changes = (0..<Int.random(in: 0...3, using: &dice)).map { _ in
        AssignmentChange(
          network: reference(&dice), isAssigned: Int.random(in: 0..<3, using: &dice) > 0,
          isNative: [nil, nil, true, false].randomElement(using: &dice)!)
      }
      return .changeAssignments(port, changes)
    case 154..<159:
      var update = ServerUpdate()
      update.hostname = Bool.random(using: &dice) ? "web\(Int.random(in: 0..<9, using: &dice))" : nil
      update.tags = [nil, [], ["rack", "db"], [""]].randomElement(using: &dice)!
      update.isLocked = [nil, false, false, true].randomElement(using: &dice)!
      update.isNetworkFrozen = [nil, false, false, true].randomElement(using: &dice)!
      return .updateServer(server.id, update)
    case 159..<161:
      return .updateNetwork(
        networks.randomElement(using: &dice)?.id ?? NetworkID(dice.identifier()), description: "uplink", tags: ["a"])
    case 161..<163: return .createProject(name: "tenant\(Int.random(in: 0..<4, using: &dice))", customdata: "{}")
    case 163:
      return .updateProject(
        others.randomElement(using: &dice) ?? ProjectID(dice.identifier()), name: "tenant9", customdata: nil)
    case 164..<166: return .deleteProject(others.randomElement(using: &dice) ?? ProjectID(dice.identifier()))
    case 166..<168:
      return .createToken(
        TokenRequest(
          name: "token\(Int.random(in: 0..<4, using: &dice))", digest: Array(repeating: 7, count: 32),
          project: others.randomElement(using: &dice), isReadOnly: false))
    case 168..<170:
      return .revokeToken(
        lab.rack.tokens.keys.sorted { $0.description < $1.description }.randomElement(using: &dice)
          ?? TokenID(dice.identifier()))
    case 170..<176:
      return .createSSHKey(
        SSHKeyRequest(
          owner: owner(of: lab, &dice), label: "key", key: lines.randomElement(using: &dice)!,
          servers: [.none, .none, .all, .these([server.id])].randomElement(using: &dice)!))
    case 176..<178:
      return .deleteSSHKey(
        lab.rack.sshKeys.keys.sorted { $0.description < $1.description }.randomElement(using: &dice)
          ?? SSHKeyID(dice.identifier()))
    case 178..<180:
      return .updateSSHKey(
        lab.rack.sshKeys.keys.sorted { $0.description < $1.description }.randomElement(using: &dice)
          ?? SSHKeyID(dice.identifier()),
        SSHKeyUpdate(label: ["a", nil, ""].randomElement(using: &dice)!, key: lines.randomElement(using: &dice)!))
    case 97: return .setLACPRate(fast: Bool.random(using: &dice))
    default: return .setAging(seconds: [0, 10, 300].randomElement(using: &dice)!)
    }
  }
}
