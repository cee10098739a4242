import Labs
import Net
import Rack

/// Random files, most of them possible, in a small world: names and numbers often meet.
enum RandomLab {
  static let facilities = ["ewr1", "sjc1", "ny5"]

  static func file(_ name: String, _ dice: inout Dice, like old: LabFile? = nil) -> LabFile {
    // Often a little different from the one before.
    if var file = old, !dice.chance(4) {
      for _ in 0...Int.random(in: 0...2, using: &dice) { change(&file, &dice) }
      return file
    }
    var file = LabFile(name: name)
    file.defaults.facility = dice.maybe(facilities)
    file.defaults.plan = dice.maybe(["c3.small.x86", "c3.medium.x86"])
    file.defaults.place = dice.maybe([.netns, .host, .vm])
    for number in 1...Int.random(in: 1...5, using: &dice) {
      file.networks.append(LabEntry("n\(number)", network(&dice)))
    }
    for number in 1...Int.random(in: 1...6, using: &dice) {
      let name = dice.chance(10) ? "u\(number)" : "s\(number)"
      file.servers.append(LabEntry(name, server(file, &dice)))
    }
    for number in 1...Int.random(in: 1...3, using: &dice) {
      file.addresses.append(LabEntry("a\(number)", block(file, &dice)))
    }
    return file
  }

  private static func change(_ file: inout LabFile, _ dice: inout Dice) {
    switch Int.random(in: 0..<9, using: &dice) {
    case 0:
      let number = Int.random(in: 1...6, using: &dice)
      file.networks.removeAll { $0.name == "n\(number)" }
      for index in file.servers.indices {
        for port in PortName.allCases {
          file.servers[index].value.ports[port]?.networks.removeAll { $0 == "n\(number)" }
          if file.servers[index].value.ports[port]?.native == "n\(number)" {
            file.servers[index].value.ports[port]?.native = nil
          }
        }
      }
    case 1:
      let index = Int.random(in: 1...6, using: &dice)
      if !file.networks.contains(where: { $0.name == "n\(index)" }) {
        file.networks.append(LabEntry("n\(index)", network(&dice)))
      }
    case 2:
      if let index = file.networks.indices.randomElement(using: &dice) {
        let facility = file.networks[index].value.facility
        file.networks[index].value = network(&dice)
        if dice.chance(2) { (file.networks[index].value.facility, file.networks[index].value.metro) = (facility, nil) }
      }
    case 3:
      if let index = file.servers.indices.randomElement(using: &dice) {
        let name = file.servers.remove(at: index).name
        for index in file.addresses.indices where file.addresses[index].value.server == name {
          file.addresses[index].value.server = nil
        }
      }
    case 4:
      let name = "s\(Int.random(in: 1...8, using: &dice))"
      if !file.servers.contains(where: { $0.name == name }) {
        file.servers.append(LabEntry(name, server(file, &dice)))
      }
    case 5, 6:
      if let index = file.servers.indices.randomElement(using: &dice) {
        file.servers[index].value = server(file, &dice)
      }
    case 7:
      if let index = file.addresses.indices.randomElement(using: &dice) {
        file.addresses[index].value = block(file, &dice)
      }
    default:
      if dice.chance(2) || file.addresses.isEmpty {
        let name = "a\(Int.random(in: 1...4, using: &dice))"
        if !file.addresses.contains(where: { $0.name == name }) {
          file.addresses.append(LabEntry(name, block(file, &dice)))
        }
      } else {
        file.addresses.remove(at: Int.random(in: 0..<file.addresses.count, using: &dice))
      }
    }
  }

  private static func network(_ dice: inout Dice) -> LabNetwork {
    var network = LabNetwork(vxlan: dice.maybe(Array(1000...1012)))
    switch Int.random(in: 0..<4, using: &dice) {
    case 0: network.facility = dice.pick(facilities)
    case 1: network.metro = "ny"
    default: break
    }
    network.description = dice.maybe(["one", "two", ""])
    network.tags = dice.maybe([["a"], ["a", "b"], []])
    return network
  }

  private static func place(of network: LabNetwork, _ file: LabFile) -> NetworkPlace {
    network.metro.map { .metro($0) } ?? .facility(network.facility ?? file.defaults.facility ?? "ewr1")
  }

  private static func server(_ file: LabFile, _ dice: inout Dice) -> LabServer {
    var server = LabServer()
    server.facility = dice.chance(3) ? dice.pick(facilities) : nil
    let facility = server.facility ?? file.defaults.facility ?? "ewr1"
    server.plan = dice.chance(3) ? dice.pick(["c3.small.x86", "m3.small.x86"]) : nil
    if dice.chance(8), facility != "ny5" { server.plan = dice.pick(["x1.small.x86", "t1.small.x86"]) }
    let plan = Catalogue.plan(server.plan ?? file.defaults.plan ?? "c3.small.x86")!
    server.mode = dice.chance(5) ? nil : dice.pick(plan.modes)
    if server.mode == .layer3, facility == "ny5", plan.layer2 == .all, dice.chance(2) { server.mode = .hybridBonded }
    server.os = dice.chance(3) ? dice.pick(["debian_11", "ubuntu_24_04"]) : nil
    server.description = dice.maybe(["one", ""])
    server.tags = dice.maybe([["web"], ["lab=x", "y"]])
    server.userdata = dice.chance(3) ? "#!/bin/sh\ntrue\n" : nil
    server.mtu = dice.maybe([1500, 9000])
    server.place =
      dice.chance(3) ? dice.pick([.host, .netns, .vm, .namespace("ns\(dice.pick([1, 2, 3, 4, 5]))")]) : nil
    if (server.place ?? file.defaults.place ?? .netns) != .host {
      server.nics = dice.chance(4) ? LabNICNames(eth0: "lan0") : nil
      server.configure = dice.chance(4) ? true : nil
    }
    let reaching = file.networks.filter { place(of: $0.value, file).reaches(facility: facility) }
    for port in (server.mode ?? plan.initialMode).switchedPorts {
      if server.mode != .hybridBonded, dice.chance(3) { continue }
      var numbers: Set<Int> = []
      let names = reaching.shuffled(using: &dice).prefix(Int.random(in: 0...3, using: &dice)).filter { entry in
        entry.value.vxlan.map { numbers.insert($0).inserted } ?? true
      }.map(\.name)
      var entry = LabPort(networks: names)
      if names.count > 1, server.mode != .hybridBonded { entry.native = dice.maybe(names) }
      server.ports[port] = entry
    }
    if server.mode == .hybridBonded, server.ports[.bond0]?.networks.isEmpty != false {
      server.mode = .layer3
      server.ports = [:]
    }
    server.vm = dice.chance(5) ? LabMachine(kernel: "/k", memory: 1 << Int.random(in: 27...29, using: &dice)) : nil
    return server
  }

  private static func block(_ file: LabFile, _ dice: inout Dice) -> LabAddressBlock {
    let routed = file.servers.filter { $0.value.mode.map { $0.layer == 3 } ?? true }.map(\.name)
    return LabAddressBlock(
      size: Int.random(in: 29...32, using: &dice), server: dice.chance(3) ? nil : routed.randomElement(using: &dice))
  }

  /// What somebody does by hand to a server or a network, of a lab or not.
  static func command(_ rack: Rack, _ project: ProjectID, _ dice: inout Dice) -> Command {
    let servers = rack.servers.values.sorted { $0.number < $1.number }
    let networks = rack.networks.values.sorted { "\($0.id)" < "\($1.id)" }
    let blocks = rack.reservations.values.sorted { $0.block.base < $1.block.base }
    guard let server = servers.randomElement(using: &dice), let network = networks.randomElement(using: &dice),
      !dice.chance(6)
    else {
      if dice.chance(2) {
        return .createNetwork(
          NetworkRequest(
            project: project, facility: dice.pick(facilities), vxlan: dice.pick(Array(1000...1012)), description: nil))
      }
      return .createServer(
        ServerRequest(
          hostname: dice.pick(["u1", "u2", "u3", "s7", "s8"]), plan: "c3.small.x86", facility: dice.pick(facilities),
          operatingSystem: "debian_12", project: project, place: .named))
    }
    let port = dice.pick(server.ports)
    switch Int.random(in: 0..<20, using: &dice) {
    case 0: return .deleteServer(server.id)
    case 1: return .deleteNetwork(network.id)
    case 2...5: return .setMode(server.id, dice.pick(NetworkMode.settable))
    case 6...9: return .assign(port.id, .id(network.id))
    case 10, 11: return .unassign(port.id, .id(port.networks.randomElement(using: &dice) ?? network.id))
    case 12:
      var update = ServerUpdate()
      update.hostname = dice.maybe(["s1", "s2", "t1"])
      update.description = dice.maybe(["hand"])
      update.tags = dice.maybe([["hand"]])
      update.isLocked = dice.chance(6)
      return .updateServer(server.id, update)
    case 13: return .setMTU(server.id, dice.pick([1500, 3000]))
    case 14: return .updateNetwork(network.id, description: "hand", tags: nil)
    case 15:
      return .reserveBlock(
        BlockRequest(project: project, facility: server.facility, length: Int.random(in: 29...32, using: &dice)))
    case 16, 17:
      guard let block = blocks.randomElement(using: &dice) else { return .setAging(seconds: 300) }
      return .assignBlock(server.id, block.block)
    case 18: return dice.chance(2) ? .bond(port.id, bulk: false) : .disbond(port.id, bulk: false)
    default: return .setPower(server.id, on: !server.isPoweredOn)
    }
  }
}
