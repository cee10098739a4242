import Net
public import Rack

// Facts of a rack as a file. Applied where nothing is they come back, but for identifiers and addresses.

extension LabPlanner {
  /// A lab as a file, with the machines and checks of the one that was applied.
  public static func export(_ lab: LabID, of rack: Rack) -> LabFile? {
    guard let lab = rack.labs[lab] else { return nil }
    let view = LabView(rack, lab.id)
    let applied = LabFile(canonical: lab.applied)
    var machines: [String: LabMachine] = [:]
    for entry in applied?.servers ?? [] { machines[entry.name] = entry.value.vm }
    // In the order of the file, then what it does not have.
    func order<ID>(_ belongings: [String: ID], _ names: [String]) -> [String] {
      let known = Set(names)
      return names.filter { belongings[$0] != nil } + belongings.keys.filter { !known.contains($0) }.sorted()
    }
    let belongings = view.belongings
    return LabExport(view, lab, rack.projects[lab.project]).file(
      networks: order(belongings.networks, applied?.networks.map(\.name) ?? []).compactMap { name in
        view.network(name).map { (name, $0) }
      },
      servers: order(belongings.servers, applied?.servers.map(\.name) ?? []).compactMap { name in
        view.server(name).map { (name, $0) }
      },
      blocks: order(belongings.reservations, applied?.addresses.map(\.name) ?? []).compactMap { name in
        view.block(name).map { (name, $0) }
      }, machines: machines, checks: applied?.checks ?? [])
  }

  /// What belongs to no lab of a project, as lab `exported`.
  ///
  /// - Parameter machines: that run on servers, as far as somebody knows.
  public static func exportRest(
    of project: ProjectID, in rack: Rack, machines: [ServerID: LabMachine] = [:]
  ) -> LabFile? {
    guard let owner = rack.projects[project] else { return nil }
    let view = LabView(rack, nil)
    let networks = rack.networks.values.filter { $0.project == project && $0.membership == nil }
      .sorted { ($0.vxlan, $0.place.code) < ($1.vxlan, $1.place.code) }
    let servers = rack.servers.values.filter { $0.project == project && $0.membership == nil }
      .sorted { $0.hostname < $1.hostname }
    let blocks = rack.reservations.values.filter { $0.project == project && $0.membership == nil }
      .sorted { $0.block.base < $1.block.base }
    let numbers = Dictionary(grouping: networks, by: \.vxlan).mapValues(\.count)
    return LabExport(view, nil, owner).file(
      networks: networks.map { network in
        let isShared = numbers[network.vxlan, default: 0] > 1
        return ("vlan\(network.vxlan)" + (isShared ? "-\(network.place.code)" : ""), network)
      },
      servers: servers.map { ($0.hostname, $0) },
      blocks: blocks.enumerated().map { ("block\($0 + 1)", $1) },
      machines: Dictionary(
        servers.compactMap { server in machines[server.id].map { (server.hostname, $0) } }
      ) { one, _ in one },
      checks: [])
  }
}

/// Writes records as entries of a file: what most have in common stands in its defaults, what is usual nowhere.
private struct LabExport {
  let view: LabView
  let lab: Lab?
  let project: Project?

  init(_ view: LabView, _ lab: Lab?, _ project: Project?) { (self.view, self.lab, self.project) = (view, lab, project) }

  func file(
    networks: [(String, VirtualNetwork)], servers: [(String, Server)], blocks: [(String, Reservation)],
    machines: [String: LabMachine], checks: [LabCheck]
  ) -> LabFile {
    var file = LabFile(name: lab?.name ?? "exported", checks: checks)
    if let project, project.name != Project.defaultName || view.rack.project(named: project.name) == nil {
      file.project = view.rack.project(named: project.name) == nil ? "\(project.id)" : project.name
    }
    let serverNames = Dictionary(servers.map { ($0.1.id, $0.0) }) { one, _ in one }
    let facilities = servers.map(\.1.facility) + networks.compactMap(\.1.facility) + blocks.map(\.1.facility)
    // A block that is nobody's has no other way to say where it is from. Of several such facilities one is said.
    let unrouted = blocks.filter { view.holder(of: $0.1).flatMap { serverNames[$0.id] } == nil }.map(\.1.facility)
    let defaults = LabDefaults(
      facility: unrouted.mostCommon ?? facilities.mostCommon, plan: servers.map(\.1.plan).mostCommon,
      place: servers.map { $0.1.filePlace($0.0) }.mostCommon.flatMap { place in
        if case .namespace = place { nil } else { place }
      }, os: servers.map(\.1.operatingSystem).mostCommon)
    file.defaults = defaults
    let names = Dictionary(networks.map { ($0.1.id, $0.0) }) { one, _ in one }
    file.networks = networks.map { LabEntry($0.0, network($0.1, defaults)) }
    file.servers = servers.map { LabEntry($0.0, server($0.1, $0.0, defaults, names, machines[$0.0])) }
    file.addresses = blocks.map { name, block in
      LabEntry(
        name,
        LabAddressBlock(size: block.block.length, server: view.holder(of: block).flatMap { serverNames[$0.id] }))
    }
    return file
  }

  private func plain(_ tags: [String]) -> [String]? {
    let plain = lab?.plain(tags) ?? tags
    return plain.isEmpty ? nil : plain
  }

  private func network(_ network: VirtualNetwork, _ defaults: LabDefaults) -> LabNetwork {
    var entry = LabNetwork(
      vxlan: network.vxlan, description: network.description, tags: plain(network.tags))
    switch network.place {
    case .facility(let code): entry.facility = code == defaults.facility ? nil : code
    case .metro(let code): entry.metro = code
    }
    return entry
  }

  private func server(
    _ server: Server, _ name: String, _ defaults: LabDefaults, _ names: [NetworkID: String], _ machine: LabMachine?
  ) -> LabServer {
    func unusual<Value: Equatable>(_ value: Value, _ usual: Value?) -> Value? { value == usual ? nil : value }
    var entry = LabServer(
      plan: unusual(server.plan, defaults.plan), facility: unusual(server.facility, defaults.facility),
      mode: unusual(server.mode, Catalogue.plan(server.plan)?.initialMode),
      os: unusual(server.operatingSystem, defaults.os), description: server.details.description,
      tags: plain(server.details.tags), userdata: unusual(server.details.userdata, ""),
      mtu: unusual(server.mtu, Server.defaultMTU), vm: machine)
    let place = server.filePlace(name)
    entry.place = unusual(place, defaults.place ?? .netns)
    if server.nicNames != NICNames() {
      entry.nics = LabNICNames(
        eth0: unusual(server.nicNames.eth0, "eth0"), eth1: unusual(server.nicNames.eth1, "eth1"))
    }
    if server.isConfigured { entry.configure = true }
    for port in server.ports where server.mode.switchedPorts.contains(port.name) {
      let here = port.networks.compactMap { names[$0] }
      if here.isEmpty { continue }
      entry.ports[port.name] = LabPort(
        networks: here, native: here.count > 1 ? port.effectiveNative.flatMap { names[$0] } : nil)
    }
    for nic in PortName.nics {
      let link = LabLink(server.links[nic])
      if link != LabLink() { entry.links = (entry.links ?? [:]).merging([nic: link]) { $1 } }
    }
    // It comes by a network on bond0; without one of this file it is layer3.
    if server.mode == .hybridBonded, entry.ports[.bond0] == nil { entry.mode = nil }
    return entry
  }
}

extension [String] {
  fileprivate var mostCommon: String? { common }
}

extension [LabPlace] {
  fileprivate var mostCommon: LabPlace? { common }
}

extension Array where Element: Hashable {
  /// The first of those that are there most often.
  fileprivate var common: Element? {
    var counts: [Element: Int] = [:]
    for element in self { counts[element, default: 0] += 1 }
    guard let most = counts.values.max() else { return nil }
    return first { counts[$0] == most }
  }
}
