import FoundationEssentials
import Labs
import Net
import Rack

/// Repeatable entropy.
struct Dice: Entropy, RandomNumberGenerator {
  private var generator: SeededGenerator
  var now = Date(timeIntervalSince1970: 1_750_000_000)

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func next() -> UInt64 { generator.next() }
  mutating func bits48() -> UInt64 { next() >> 16 }
  mutating func identifier() -> UUID {
    let (a, b) = (next(), next())
    func octet(_ value: UInt64, _ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: value >> (8 * index)) }
    return UUID(
      uuid: (
        octet(a, 0), octet(a, 1), octet(a, 2), octet(a, 3), octet(a, 4), octet(a, 5), octet(a, 6), octet(a, 7),
        octet(b, 0), octet(b, 1), octet(b, 2), octet(b, 3), octet(b, 4), octet(b, 5), octet(b, 6), octet(b, 7)
      ))
  }

  mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &self) == 0 }
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &self)! }
  mutating func maybe<Element>(_ elements: [Element]) -> Element? { chance(2) ? nil : pick(elements) }
}

/// A rack, and short words for what tests do with labs on it.
struct World {
  var rack: Rack
  var dice: Dice

  init(seed: UInt64 = 1, hybridBonded: Bool? = nil) {
    dice = Dice(seed: seed)
    rack = Rack(with: &dice, hybridBonded: hybridBonded)
  }

  var project: ProjectID { rack.project(named: Project.defaultName)!.id }

  func lab(_ name: String) -> Lab { rack.lab(named: name, of: project)! }

  mutating func plan(
    _ file: LabFile, _ positions: LabPositions = LabPositions(), adopting: Bool = false,
    rules: LabRules = LabRules()
  ) throws(LabRefusal) -> LabPlan {
    var rules = rules
    rules.adopts = adopting
    return try LabPlanner.plan(file, positions, on: rack, project: project, rules: rules, with: &dice)
  }

  /// Plans and commits.
  @discardableResult
  mutating func apply(_ file: LabFile, adopting: Bool = false) throws(LabRefusal) -> LabPlan {
    let plan = try plan(file, adopting: adopting)
    rack.apply(plan.outcome.changes)
    return plan
  }

  @discardableResult
  mutating func destroy(_ name: String) throws(LabRefusal) -> LabPlan {
    let plan = try LabPlanner.destroy(lab(name).id, on: rack, with: &dice)
    rack.apply(plan.outcome.changes)
    return plan
  }

  @discardableResult
  mutating func restore(_ name: String, _ checkpoint: String = "a") throws(LabRefusal) -> LabPlan {
    let plan = try LabPlanner.restore(checkpoint, of: lab(name).id, on: rack, with: &dice)
    rack.apply(plan.outcome.changes)
    return plan
  }

  mutating func save(_ name: String, _ checkpoint: String = "a") throws {
    let lab = lab(name)
    try perform(.lab(.keep(lab.id, checkpoint: checkpoint, LabPlanner.save(lab.id, of: rack))))
  }

  @discardableResult
  mutating func perform(_ command: Command) throws(Refusal) -> Outcome {
    try rack.perform(command, with: &dice)
  }

  /// By hand, of no lab.
  @discardableResult
  mutating func server(_ name: String, facility: String = "ewr1", mode: NetworkMode? = nil) throws -> ServerID {
    let outcome = try perform(
      .createServer(
        ServerRequest(
          hostname: name, plan: "c3.small.x86", facility: facility, operatingSystem: "debian_12", project: project,
          place: .named)))
    guard case .server(let id) = outcome.subject else { fatalError("a created server is the subject") }
    if let mode { try perform(.setMode(id, mode)) }
    return id
  }

  @discardableResult
  mutating func network(_ number: Int, facility: String = "ewr1") throws -> NetworkID {
    let outcome = try perform(
      .createNetwork(NetworkRequest(project: project, facility: facility, vxlan: number, description: nil)))
    guard case .network(let id) = outcome.subject else { fatalError("a created network is the subject") }
    return id
  }

  subscript(_ name: String) -> Server { rack.server(named: name)! }
}

extension LabPlan {
  /// `~ server web1 mode`
  var lines: [String] { changes.map(\.line) }
}

extension LabChange {
  var line: String {
    let sign =
      switch op {
      case .create: "+"
      case .change: "~"
      case .recreate: "-/+"
      case .remove: "-"
      }
    return "\(sign) \(kind.rawValue) \(name)" + (key.map { " \($0)" } ?? "")
  }
}

/// What belongs to a lab, key by key, read from the records alone: the planner's own words are not used.
struct Facts: Hashable {
  struct Record: Hashable {
    var id: String
    var keys: [String: String] = [:]
  }

  var records: [String: Record] = [:]
  /// Management addresses and layer, by server.
  var addresses: [String: Set<IPPrefix>] = [:]
  var layers: [String: Int] = [:]
  /// Of elastic blocks.
  var blocks: [String: IPPrefix] = [:]

  init(_ rack: Rack, _ lab: LabID?, taken: [String: String] = [:]) {
    func networkName(_ id: NetworkID) -> String {
      let network = rack.networks[id]!
      return network.membership.flatMap { $0.lab == lab ? $0.name : nil } ?? taken["\(network.id)"]
        ?? "\(network.vxlan)"
    }
    func plain(_ tags: [String]) -> String { tags.filter { !$0.hasPrefix("lab=") }.joined(separator: ",") }
    for network in rack.networks.values {
      guard let name = network.membership.flatMap({ $0.lab == lab ? $0.name : nil }) ?? taken["\(network.id)"] else {
        continue
      }
      var keys = ["vxlan": "\(network.vxlan)", "description": network.description ?? "", "tags": plain(network.tags)]
      switch network.place {
      case .facility(let code): (keys["facility"], keys["metro"]) = (code, "")
      case .metro(let code): (keys["facility"], keys["metro"]) = ("", code)
      }
      if network.lab != nil { keys["lab"] = "yes" }
      records["network \(name)"] = Record(id: "\(network.id)", keys: keys)
    }
    for server in rack.servers.values {
      guard let name = server.membership.flatMap({ $0.lab == lab ? $0.name : nil }) ?? taken["\(server.id)"] else {
        continue
      }
      var keys = [
        "plan": server.plan, "facility": server.facility, "hostname": server.hostname,
        "mode": "\(server.mode) \(server.members)", "os": server.operatingSystem,
        "description": server.details.description ?? "", "tags": plain(server.details.tags),
        "userdata": server.details.userdata, "mtu": "\(server.mtu)",
        "place": server.place.namespace.map { $0.hasPrefix(name) ? "own" : $0 } ?? "",
        "nics": "\(server.nicNames)", "configure": "\(server.isConfigured)",
      ]
      if server.lab != nil { keys["lab"] = "yes" }
      records["server \(name)"] = Record(id: "\(server.id)", keys: keys)
      for port in server.ports {
        let native = port.networks.count > 1 ? port.native.map(networkName) ?? "" : ""
        records["port \(name) \(port.name.rawValue)"] = Record(
          id: "\(port.id)",
          keys: ["networks": port.networks.map(networkName).sorted().joined(separator: ",") + "/" + native])
      }
      for nic in PortName.nics {
        let link = server.links[nic]
        records["link \(name) \(nic.rawValue)"] = Record(
          id: "",
          keys: ["to-server": link.toServer.words, "from-server": link.fromServer.words, "down": "\(link.isDown)"])
      }
      addresses[name] = Set(server.addresses.map(\.network))
      layers[name] = server.layer
    }
    for reservation in rack.reservations.values {
      guard
        let name = reservation.membership.flatMap({ $0.lab == lab ? $0.name : nil }) ?? taken["\(reservation.id)"]
      else { continue }
      let names = rack.assignments(of: reservation.id).map { server, assignment in
        let name = server.membership.flatMap { $0.lab == lab ? $0.name : nil } ?? server.hostname
        return assignment.block == reservation.block ? name : "\(assignment.block) \(name)"
      }
      var keys = [
        "size": "\(reservation.block.length)", "facility": reservation.facility, "server": names.joined(separator: ","),
      ]
      if reservation.lab != nil { keys["lab"] = "yes" }
      records["address \(name)"] = Record(id: "\(reservation.id)", keys: keys)
      blocks[name] = reservation.block
    }
  }

  /// Without identifiers and addresses.
  var words: [String: [String: String]] { records.mapValues(\.keys) }

  private static let anew = ["plan", "vxlan", "metro", "size"]

  /// The lines that a plan from `self` to `other` must have.
  func lines(to other: Facts) -> Set<String> {
    var lines: Set<String> = []
    func isPort(_ name: String) -> Bool { name.hasPrefix("port ") || name.hasPrefix("link ") }
    for name in records.keys where other.records[name] == nil && !isPort(name) { lines.insert("- \(name)") }
    for (name, new) in other.records {
      guard let old = records[name] else {
        if !isPort(name) { lines.insert("+ \(name)") }
        continue
      }
      let isAnew = old.id != new.id && !isPort(name)
      var isNamed = false
      for key in Set(old.keys.keys).union(new.keys.keys) where old.keys[key] != new.keys[key] {
        // A network from a facility to a metro is one line, that of what it is in afterwards.
        if name.hasPrefix("network"), key == "facility" || key == "metro", new.keys[key] == "" { continue }
        let isCause = isAnew && (Self.anew + ["facility"]).contains(key)
        isNamed = isNamed || isCause
        lines.insert("\(isCause ? "-/+" : "~") \(name) \(key)")
      }
      if isAnew, !isNamed { lines.insert("-/+ \(name)" + (name.hasPrefix("address") ? " block" : "")) }
      if name.hasPrefix("server "), !isAnew {
        let server = String(name.dropFirst("server ".count))
        if layers[server] == other.layers[server], addresses[server] != other.addresses[server] {
          lines.insert("~ \(name) addresses")
        }
      }
    }
    return lines
  }
}
