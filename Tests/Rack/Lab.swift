import Cabling
import FoundationEssentials
import Net
import Rack
import Testing
import Wire

/// Repeatable entropy, and a clock that stands still until it is moved.
struct SeededEntropy: Entropy, RandomNumberGenerator {
  private var generator: SeededGenerator
  var now = Date(timeIntervalSince1970: 1_750_000_000)

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func next() -> UInt64 { generator.next() }
  mutating func identifier() -> UUID {
    let (a, b) = (next(), next())
    func octet(_ value: UInt64, _ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: value >> (8 * index)) }
    return UUID(
      uuid: (
        octet(a, 0), octet(a, 1), octet(a, 2), octet(a, 3), octet(a, 4), octet(a, 5), octet(a, 6), octet(a, 7),
        octet(b, 0), octet(b, 1), octet(b, 2), octet(b, 3), octet(b, 4), octet(b, 5), octet(b, 6), octet(b, 7)
      ))
  }
  mutating func bits48() -> UInt64 { next() >> 16 }
}

/// What of a server is never changed on the wire without need.
struct Routed: Hashable {
  var ports: [PortWiring] = []
  var addresses: [Address] = []
  var blocks: [IPPrefix] = []
  var boot: BootOptions?

  init() {}
  init(_ server: Server) {
    (ports, addresses, blocks) = (server.wiring, server.addresses, server.blocks.map(\.block))
    boot = server.bootOptions
  }
}

/// A rack with short words for what tests do to it. Each step checks the invariants, that a no-op is one, and that a
/// wire which only follows the differences looks as the rack says.
struct Lab {
  var rack: Rack
  var entropy: SeededEntropy
  private(set) var wire: WireImage
  /// What the last command did to the wire.
  private(set) var change = WireChange()

  static let plan = RoutingPlan(mac: MACAddress(0x0200_0000_0001))

  init(seed: UInt64 = 1, plan: AddressPlan = AddressPlan(), hybridBonded: Bool? = nil) {
    entropy = SeededEntropy(seed: seed)
    rack = Rack(with: &entropy, plan: plan, hybridBonded: hybridBonded)
    wire = WireImage(of: rack, Self.plan)
  }

  var project: ProjectID { rack.project(named: Project.defaultName)!.id }

  @discardableResult
  mutating func perform(_ command: Command) throws(Refusal) -> Outcome {
    let before = rack
    let outcome: Outcome
    do {
      outcome = try rack.perform(command, with: &entropy)
    } catch {
      #expect(rack == before, "a refused command changed the rack: \(command)")
      throw error
    }
    switch command {
    case .reboot: #expect(outcome.changed && rack == before)
    case .rescue, .reinstall: #expect(outcome.changed)
    case .changeAssignments: #expect(outcome.changed && outcome.changes.isEmpty == (rack == before))
    default: #expect(outcome.changed == (rack != before), "\(command) says changed: \(outcome.changed)")
    }
    #expect(outcome.changed == (outcome.event != nil), "\(command) has the event \(outcome.event?.body ?? "none")")
    follow(outcome, from: before)
    return outcome
  }

  /// The wire of somebody who takes the steps that a change makes, and no others.
  private mutating func follow(_ outcome: Outcome, from before: Rack) {
    let step = WireStep(outcome.changes, on: before, Self.plan)
    let old = wire
    change = step.change
    wire.apply(change)
    var back = wire
    back.apply(step.undo)
    #expect(back == old, "undone, the wire is another than it was")
    #expect(change == WireChange(from: old, to: wire), "the part that was looked at changed otherwise than the whole")
    for id in change.rewired.keys {
      #expect(before.servers[id].map(Routed.init) != Routed(rack.servers[id]!), "rewired without need")
    }
  }

  /// All that is wrong now.
  func faults() -> [String] {
    rack.checkInvariants()
      + (wire == WireImage(of: rack, Self.plan) ? [] : ["the wire does not agree with the rack"])
  }

  // MARK: Words

  @discardableResult
  mutating func server(
    _ name: String, plan: String = "c3.small.x86", facility: String = "ewr1", mode: NetworkMode? = nil,
    place: PlaceRequest = .host, nicNames: NICNames? = nil
  ) throws(Refusal) -> ServerID {
    let outcome = try perform(
      .createServer(
        ServerRequest(
          hostname: name, plan: plan, facility: facility, operatingSystem: "debian_12", project: project, place: place,
          nicNames: nicNames)))
    guard case .server(let id) = outcome.subject else { fatalError("a created server is the subject") }
    if let mode { try perform(.setMode(id, mode)) }
    return id
  }

  @discardableResult
  mutating func network(_ number: Int? = nil, facility: String = "ewr1") throws(Refusal) -> NetworkID {
    let request = NetworkRequest(project: project, facility: facility, vxlan: number, description: nil)
    guard case .network(let id) = try perform(.createNetwork(request)).subject else {
      fatalError("a created network is the subject")
    }
    return id
  }

  /// Reserves a block, and says which.
  @discardableResult
  mutating func reserve(_ length: Int, facility: String = "ewr1") throws(Refusal) -> Reservation {
    let request = BlockRequest(project: project, facility: facility, length: length)
    guard case .reservation(let id) = try perform(.reserveBlock(request)).subject else {
      fatalError("a reservation is the subject")
    }
    return rack.reservations[id]!
  }

  @discardableResult
  mutating func assign(_ block: IPPrefix, to server: String) throws(Refusal) -> AssignmentID {
    guard case .assignment(let id) = try perform(.assignBlock(self[server].id, block)).subject else {
      fatalError("an assignment is the subject")
    }
    return id
  }

  subscript(_ name: String) -> Server { rack.server(named: name)! }

  func blocks(of server: String) -> [String] { rack.blocks(of: self[server].id).map(\.description) }

  func port(_ name: PortName, of server: String) -> PortID { self[server][name].id }

  mutating func attach(_ number: Int, to port: PortName, of server: String) throws(Refusal) {
    try perform(.assign(self.port(port, of: server), .number(number)))
  }
  mutating func detach(_ number: Int, from port: PortName, of server: String) throws(Refusal) {
    try perform(.unassign(self.port(port, of: server), .number(number)))
  }
  mutating func native(_ number: Int?, on port: PortName, of server: String) throws(Refusal) {
    try perform(.setNative(self.port(port, of: server), number.map { .number($0) }))
  }

  /// Numbers of the networks on a port, in order of attachment.
  func numbers(on port: PortName, of server: String) -> [Int] {
    self[server][port].networks.map { rack.networks[$0]!.vxlan }
  }
}
