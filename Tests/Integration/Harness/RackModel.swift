import Foundation
import Net
import Synchronization

/// What a rack should be after a sequence of commands: networks, servers, their modes and VLANs. Compared with what the
/// daemon says after it was killed.
struct RackModel: Equatable, Sendable {
  struct Server: Equatable, Sendable {
    var id: String
    var mode: String
    var vlans: [String: Set<Int>]
  }
  var networks: Set<Int> = []
  var servers: [String: Server] = [:]

  static let names = ["k1", "k2", "k3"]
  private static let numbers = [101, 102, 103, 104]

  init() {}

  /// As the daemon has it.
  init(_ lab: Lab) throws {
    let list = try lab.toprack.json("network", "list")
    let numbers = (list.array ?? list["virtual_networks"].array ?? []).compactMap { network in
      network["vxlan"].int.map { (network["id"].string ?? "", $0) }
    }
    let byID = Dictionary(numbers, uniquingKeysWith: { $1 })
    networks = Set(byID.values)
    for name in Lab.names(try lab.toprack.json("server", "list")) {
      let device = try lab.toprack.json("server", "show", name)
      let ports = device["network_ports"].array ?? []
      var vlans: [String: Set<Int>] = [:]
      for port in ports {
        let attached = (port["virtual_networks"].array ?? []).compactMap {
          byID[$0["id"].string ?? ""] ?? $0["vxlan"].int
        }
        if !attached.isEmpty { vlans[port["name"].string ?? "?"] = Set(attached) }
      }
      servers[name] = Server(
        id: device["id"].string ?? "?",
        mode: ports.first { $0["name"].string == "bond0" }?["network_type"].string ?? "?",
        vlans: vlans)
    }
  }

  /// One command and the state that it leads to. The identity of a new server is the daemon's to give: "?" here.
  struct Step: Sendable {
    let command: [String]
    let result: RackModel
  }

  /// A command that this state allows, at random. `namespace` names the place of a new server.
  func randomStep(_ random: inout SeededGenerator, namespace: (String) -> String) -> Step {
    while true {
      var next = self
      let name = Self.names.randomElement(using: &random)!
      let number = Self.numbers.randomElement(using: &random)!
      switch Int.random(in: 0..<12, using: &random) {
      case 0, 1:
        guard next.networks.insert(number).inserted else { continue }
        return Step(command: ["network", "create", "--vxlan", "\(number)"], result: next)
      case 2:
        let inUse = servers.values.contains { $0.vlans.values.contains { $0.contains(number) } }
        guard !inUse, next.networks.remove(number) != nil else { continue }
        return Step(command: ["network", "delete", "\(number)"], result: next)
      case 3, 4:
        guard servers[name] == nil else { continue }
        next.servers[name] = Server(id: "?", mode: "layer3", vlans: [:])
        return Step(command: ["server", "create", name, "--netns=\(namespace(name))"], result: next)
      case 5:
        guard next.servers.removeValue(forKey: name) != nil else { continue }
        return Step(command: ["server", "delete", name], result: next)
      case 6, 7, 8:
        guard let server = servers[name], server.vlans.isEmpty else { continue }
        let mode = Mode.allCases.randomElement(using: &random)!.rawValue
        next.servers[name]?.mode = mode
        return Step(command: ["server", "mode", name, mode], result: next)
      case 9, 10:
        guard let server = servers[name], let port = server.portForVLANs, networks.contains(number),
          !server.vlans[port, default: []].contains(number)
        else { continue }
        next.servers[name]?.vlans[port, default: []].insert(number)
        return Step(command: ["port", "attach", name, port, "\(number)"], result: next)
      default:
        guard let (port, vlans) = servers[name]?.vlans.first, let number = vlans.min() else { continue }
        next.servers[name]?.vlans[port]?.remove(number)
        if vlans.count == 1 { next.servers[name]?.vlans[port] = nil }
        return Step(command: ["port", "detach", name, port, "\(number)"], result: next)
      }
    }
  }

  static func == (one: RackModel, other: RackModel) -> Bool {
    one.networks == other.networks && one.servers.keys == other.servers.keys
      && one.servers.allSatisfy { name, server in
        guard let same = other.servers[name] else { return false }
        return server.mode == same.mode && server.vlans == same.vlans
          && (server.id == same.id || server.id == "?" || same.id == "?")
      }
  }
}

extension RackModel.Server {
  fileprivate var portForVLANs: String? {
    switch mode {
    case "hybrid": "eth1"
    case "layer2-bonded": "bond0"
    case "layer2-individual": "eth0"
    default: nil
    }
  }
}

/// Gives a daemon one random command after the other until it does not answer any more.
final class CommandDriver: Sendable {
  private let toprack: Toprack
  private let places: [String: String]
  private let model: RackModel
  private let random: SeededGenerator
  private let stopping = Atomic(false)
  private let answer = Answer<(acknowledged: RackModel, inFlight: RackModel)>()

  init(lab: Lab, model: RackModel, random: SeededGenerator) {
    toprack = lab.toprack
    places = Dictionary(uniqueKeysWithValues: RackModel.names.map { ($0, lab.namespace($0).name) })
    self.model = model
    self.random = random
  }

  func start() {
    Thread { [self] in answer.give(Result { try drive() }) }.start()
  }

  /// Waits for the command that found nobody, and says what was acknowledged before and what that one would have made.
  func stop() throws -> (acknowledged: RackModel, inFlight: RackModel) {
    stopping.store(true, ordering: .relaxed)
    return try answer.take()
  }

  private func drive() throws -> (acknowledged: RackModel, inFlight: RackModel) {
    var random = random
    var state = model
    while true {
      let step = state.randomStep(&random) { places[$0]! }
      let finished = try toprack.attempt(step.command)
      guard finished.status == 0 else {
        // Refused commands do not occur here: the daemon is gone, and this one may or may not have been decided.
        if finished.status == 1 { throw CommandRefused(finished) }
        return (state, step.result)
      }
      state = step.result
      if stopping.load(ordering: .relaxed) { return (state, state) }
    }
  }
}
