import FoundationEssentials
import Net
import Rack
import Store

/// A directory that ends with its owner.
struct TemporaryDirectory: ~Copyable {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.path + "/toprack-store-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The files as they are now; or with another log.
  func copyDatabase(from other: borrowing TemporaryDirectory, log: Data? = nil) {
    let files = FileManager.default
    for name in ["rack.sqlite", "rack.sqlite-wal"] {
      let contents = name.hasSuffix("-wal") && log != nil ? log : files.contents(atPath: other.path + "/" + name)
      _ = files.createFile(atPath: path + "/" + name, contents: contents)
    }
  }
}

/// Repeatable entropy.
struct Dice: Entropy, RandomNumberGenerator {
  private var generator: SeededGenerator
  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }
  mutating func next() -> UInt64 { generator.next() }
  mutating func identifier() -> UUID { UUID.random(using: &self) }
  mutating func bits48() -> UInt64 { next() >> 16 }
  var now: Date { Date(timeIntervalSince1970: 1_750_000_000) }
}

/// A rack to which random things happen, each of which is committed.
struct World {
  var rack: Rack
  var dice: Dice
  var changed = 0

  init(rack: Rack, seed: UInt64) { (self.rack, dice) = (rack, Dice(seed: seed)) }

  /// Performs a random command and commits it; refusals happen and are no step.
  mutating func step(_ store: Store) async throws { try await perform(next(), store) }

  mutating func perform(_ command: Command, _ store: Store) async throws {
    guard let outcome = try? rack.decide(command, with: &dice), outcome.changed else { return }
    try await store.commit(
      outcome.changes, events: outcome.events, batches: outcome.batch.map { [$0] } ?? [])
    rack.apply(outcome.changes)
    changed += 1
  }

  /// Made by ssh-keygen for these tests.
  static let keys = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGGHj0ogRnvWnHoVbJ0sKcB6sRYPAv8EsAIZDwHyDi/K anna@laptop",
    "sk-ssh-ed25519@openssh.com "
      + "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo=\n",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKQxn6XC5imdPM17wVSMidP+BRylnLa1"
      + "qgVmSOI7d2LEG6prA8ja/pksT6BQ+254KxYvh7kjAzWUWJ0K3SHFExc= ünï 日本",
  ]

  /// `project`: its name.
  static func create(
    _ name: String, in rack: Rack, place: PlaceRequest = .host, project: String = Project.defaultName,
    nicNames: NICNames? = nil
  ) -> Command {
    .createServer(
      ServerRequest(
        hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
        project: rack.project(named: project)!.id, place: place, nicNames: nicNames))
  }

  private mutating func next() -> Command {
    let servers = rack.servers.values.sorted { $0.hostname < $1.hostname }
    let networks = rack.networks.values.sorted { $0.vxlan < $1.vxlan }
    let reservations = rack.reservations.values.sorted { $0.block.base < $1.block.base }
    let keys = rack.sshKeys.values.sorted { $0.id.description < $1.id.description }
    let choice = Int.random(in: 0..<168, using: &dice)
    guard let server = servers.randomElement(using: &dice), let network = networks.randomElement(using: &dice),
      choice >= 15
    else {
      if choice % 2 == 0 {
        let project = rack.project(named: Project.defaultName)!.id
        let text = ["uplink", "", "it's; DROP TABLE server --", "ünï 日本"].randomElement(using: &dice)
        let place: NetworkPlace = Bool.random(using: &dice) ? .facility("ewr1") : .metro("ny")
        return .createNetwork(
          NetworkRequest(
            project: project, place: place, vxlan: Int.random(in: 1000...1010, using: &dice), description: text,
            tags: ["a", "\"b\", ü"]))
      }
      let number = Int.random(in: 0..<8, using: &dice)
      let place: PlaceRequest = number < 4 ? .host : .namespace("space \(number)", made: Bool.random(using: &dice))
      return Self.create("web\(number)", in: rack, place: place, nicNames: number == 5 ? .init(eth0: "e1-1") : nil)
    }
    let port = server.ports.randomElement(using: &dice)!
    switch choice {
    case 15..<20: return .deleteServer(server.id)
    case 20..<35: return .setMode(server.id, NetworkMode.allCases.randomElement(using: &dice)!)
    case 35..<38: return .deleteNetwork(network.id)
    case 38..<42: return .setMTU(server.id, Int.random(in: 1280...9216, using: &dice))
    case 42: return .setLACPRate(fast: Bool.random(using: &dice))
    case 43..<45: return .setAging(seconds: Int.random(in: 1...1000, using: &dice))
    case 45..<70: return .assign(port.id, .id(network.id))
    case 70..<80:
      return .unassign(port.id, port.networks.randomElement(using: &dice).map { .id($0) } ?? .id(network.id))
    case 80..<90: return .setNative(port.id, port.networks.randomElement(using: &dice).map { .id($0) })
    case 90..<94: return .bond(port.id, bulk: false)
    case 94..<98: return .disbond(port.id, bulk: false)
    case 162..<166:
      var update = LinkUpdate(isDown: Bool.random(using: &dice))
      update.fromServer = ImpairmentUpdate(startsOver: Bool.random(using: &dice))
      update.fromServer?.jitter = UInt64.random(in: 0...1_000, using: &dice)
      update.fromServer?.seed = Bool.random(using: &dice) ? UInt64.random(in: 0...9, using: &dice) : nil
      return .setLink(server.id, PortName.nics.randomElement(using: &dice)!, update)
    case 166..<168:
      return .setSwitches(
        [RackSwitch.allCases.randomElement(using: &dice)!], facility: "ewr1", failed: Bool.random(using: &dice))
    case 100..<106:
      let project = rack.project(named: Project.defaultName)!.id
      return .reserveBlock(
        BlockRequest(project: project, facility: "ewr1", length: Int.random(in: 29...32, using: &dice)))
    case 106..<114:
      guard let block = reservations.randomElement(using: &dice)?.block else { return .setAging(seconds: 7) }
      let length = Int.random(in: block.length...32, using: &dice)
      return .assignBlock(server.id, Array(block.parts(length)).randomElement(using: &dice)!)
    case 114..<116: return .unassignBlock(server.blocks.randomElement(using: &dice)?.id ?? AssignmentID(UUID()))
    case 116..<120: return .releaseBlock(reservations.randomElement(using: &dice)?.id ?? ReservationID(UUID()))
    case 120..<124: return .setPower(server.id, on: Bool.random(using: &dice))
    case 124..<134:
      let changes = networks.shuffled(using: &dice).prefix(3).map { network in
        AssignmentChange(
          network: .id(network.id), isAssigned: Int.random(in: 0..<3, using: &dice) > 0,
          isNative: Bool.random(using: &dice) ? nil : Bool.random(using: &dice))
      }
      return .changeAssignments(port.id, Array(changes))
    case 134..<140:
      var update = ServerUpdate()
      update.description = ["", "it's", "ünï"].randomElement(using: &dice)!
      update.tags = [["db"], []].randomElement(using: &dice)!
      update.userdata = "#!/bin/sh\necho 'hello'\n"
      update.customdata = #"{"a": [1, null]}"#
      update.ipxeScriptURL = ["", "http://198.18.0.1/boot"].randomElement(using: &dice)!
      update.alwaysPXE = Bool.random(using: &dice)
      update.isNetworkFrozen = Int.random(in: 0..<8, using: &dice) == 0
      update.serial = ["", "/run/vm/serial"].randomElement(using: &dice)!
      update.isLocked = Int.random(in: 0..<8, using: &dice) == 0
      if server.place.namespace != nil { update.isConfigured = Bool.random(using: &dice) }
      if server.place.namespace != nil, Bool.random(using: &dice) { update.nicNames = NICNames(eth0: "a", eth1: "b") }
      return .updateServer(server.id, update)
    case 140..<142: return .updateNetwork(network.id, description: "changed", tags: [])
    case 142..<144: return .createProject(name: "tenant \(Int.random(in: 0..<4, using: &dice))", customdata: "{}")
    case 144..<146:
      let others = rack.projects.values.filter { $0.name != Project.defaultName }.map(\.id)
      let id = others.sorted { $0.description < $1.description }.randomElement(using: &dice) ?? ProjectID(UUID())
      return Bool.random(using: &dice)
        ? .deleteProject(id) : .updateProject(id, name: nil, customdata: #"{"x": "y"}"#)
    case 146..<148:
      return .createToken(
        TokenRequest(
          name: "token \(Int.random(in: 0..<4, using: &dice))",
          digest: (0..<32).map { _ in UInt8.random(in: 0...255, using: &dice) }, project: server.project,
          isReadOnly: Bool.random(using: &dice)))
    case 148..<150:
      let ids = rack.tokens.keys.sorted { $0.description < $1.description }
      return .revokeToken(ids.randomElement(using: &dice) ?? TokenID(UUID()))
    case 150..<156:
      return .createSSHKey(
        SSHKeyRequest(
          owner: Bool.random(using: &dice) ? .user : .project(server.project), label: "it's ü",
          key: Self.keys.randomElement(using: &dice)!, tags: ["a", "\"b\""],
          servers: [.none, .all, .these([server.id])].randomElement(using: &dice)!))
    case 156..<159: return .deleteSSHKey(keys.randomElement(using: &dice)?.id ?? SSHKeyID(UUID()))
    case 159..<161:
      return .updateSSHKey(
        keys.randomElement(using: &dice)?.id ?? SSHKeyID(UUID()),
        SSHKeyUpdate(label: "changed", key: Self.keys.randomElement(using: &dice)!, tags: []))
    case 161:
      if server.isProvisioning { return .heard(server.id) }
      var installation = Installation()
      installation.isAwaited = Bool.random(using: &dice)
      return .reinstall(server.id, installation)
    default: return .convertToLayer3(server.bond0.id, requests: [AddressRequest(family: 4, isPublic: false)])
    }
  }
}
