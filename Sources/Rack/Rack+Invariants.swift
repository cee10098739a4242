import Net

extension Rack {
  /// Everything that must hold and does not, as sentences; empty when all is well. Reads the whole rack.
  ///
  /// For tests, and for records that come from a file.
  public func checkInvariants() -> [String] {
    var found: [String] = []
    if !Self.agings.contains(aging) { found.append("ageing time \(aging) is out of range") }
    if servers.count > Self.serverLimit { found.append("there are \(servers.count) servers") }
    if networks.count > Self.networkLimit { found.append("there are \(networks.count) networks") }

    var numbers: [Scope: Set<Int>] = [:]
    for network in networks.values {
      found += violations(of: network)
      if !numbers[network.scope, default: []].insert(network.vxlan).inserted {
        found.append("network number \(network.vxlan) of \(network.place.words) is not unique")
      }
    }
    for server in servers.values {
      found += (violations(of: server) + linkViolations(of: server)).map { "server \(server.hostname): \($0)" }
    }
    found += addressPools.violations()
    if index != rebuiltIndex() { found.append("the indexes do not agree with the records") }
    let blocks = servers.values.flatMap { $0.addresses.map(\.network) }
    if Set(blocks).count != blocks.count { found.append("an address block has two owners") }
    if Set(blocks).count != addressPools.heldCount || !blocks.allSatisfy(addressPools.isHeld) {
      found.append("the address blocks in use do not agree with the servers")
    }
    return found + reservationViolations() + tokenViolations() + keyViolations() + labViolations()
      + mirrorViolations()
  }

  private func tokenViolations() -> [String] {
    var found: [String] = []
    if tokens.count > Self.tokenLimit { found.append("there are \(tokens.count) tokens") }
    if Set(tokens.values.map(\.name)).count != tokens.count { found.append("two tokens have one name") }
    for token in tokens.values {
      if token.digest.count != AccessToken.digestSize {
        found.append("token \(token.name.quoted): digest of the wrong size")
      }
      if let project = token.project, projects[project] == nil {
        found.append("token \(token.name.quoted): unknown project")
      }
    }
    return found
  }

  private func keyViolations() -> [String] {
    var found: [String] = []
    if sshKeys.count > Self.sshKeyLimit { found.append("there are \(sshKeys.count) SSH keys") }
    for key in sshKeys.values {
      let name = "SSH key \(key.label.quoted)"
      if let project = key.owner.project, projects[project] == nil { found.append("\(name): unknown project") }
      found += Self.faults(ofLabel: key.label, key.tags).map { "\(name): \($0)" }
    }
    for keys in Dictionary(grouping: sshKeys.values, by: \.owner).values
    where Set(keys.map(\.key.blob)).count != keys.count {
      found.append("an SSH key is at its owner twice")
    }
    return found
  }

  private func keyViolations(of server: Server) -> [String] {
    var found: [String] = []
    if Set(server.sshKeys).count != server.sshKeys.count { found.append("has an SSH key twice") }
    for id in server.sshKeys {
      guard let key = sshKeys[id] else {
        found.append("SSH key \(id) does not exist")
        continue
      }
      if let project = key.owner.project, project != server.project {
        found.append("SSH key \(id) is of another project")
      }
    }
    return found
  }

  /// Sentences about addresses and elastic blocks that are not in the ranges of the plan: somebody has changed the
  /// settings. Empty when all are.
  public func outsidePlan() -> [String] {
    func advice(_ kind: Address.Kind, _ facility: String) -> String {
      let range = addressPlan.range(of: kind, in: facility).map { ", \($0)" } ?? ""
      return "is not in \(AddressPlan.name(of: kind, in: facility))\(range): set a range that has it, and "
    }
    func isOutside(_ block: IPPrefix, _ kind: Address.Kind, _ facility: String) -> Bool {
      addressPlan.range(of: kind, in: facility)?.contains(block) != true
    }
    var found: [String] = []
    for server in servers.values.sorted(by: { $0.hostname < $1.hostname }) {
      for address in server.addresses where isOutside(address.network, address.kind, server.facility) {
        found.append(
          "address \(address.address) of server \(server.hostname) " + advice(address.kind, server.facility)
            + "convert the server to layer 2, or delete it, before the range is changed")
      }
    }
    for reservation in reservations.values.sorted(by: { $0.block.base < $1.block.base })
    where isOutside(reservation.block, .publicIPv4, reservation.facility) {
      found.append(
        "elastic block \(reservation.block) of project \(projects[reservation.project]?.name ?? "?") "
          + advice(.publicIPv4, reservation.facility) + "release the block before the range is changed")
    }
    return found
  }

  private func reservationViolations() -> [String] {
    var found: [String] = []
    if reservations.count > Self.reservationLimit { found.append("there are \(reservations.count) elastic blocks") }
    var addresses: Set<IPAddress> = []
    for reservation in reservations.values {
      let name = "elastic block \(reservation.block)"
      let block = reservation.block
      if projects[reservation.project] == nil { found.append("\(name): unknown project") }
      guard block.isV4, Reservation.lengths.contains(block.length) else {
        found.append("\(name) has the wrong size")
        continue
      }
      if addressPlan.range(of: .publicIPv4, in: reservation.facility)?.contains(block) != true {
        found.append("\(name) is not of its pool")
      }
      for part in block.parts(32) {
        if !addresses.insert(part.base).inserted { found.append("\(name): \(part.base) has two owners") }
        if addressPools.isHeld(part.prefix(31)) { found.append("\(name): \(part.base) is a server's") }
        if !addressPools.isReserved(part.base) { found.append("\(name) is not marked as reserved") }
      }
      var assigned: [IPPrefix] = []
      for (server, assignment) in assignments(of: reservation.id) {
        if !block.contains(assignment.block) || assigned.contains(where: assignment.block.overlaps) {
          found.append("\(name): assignment \(assignment.block) is not a part of its own")
        }
        assigned.append(assignment.block)
        if server.project != reservation.project || server.facility != reservation.facility {
          found.append("\(name) is assigned to \(server.hostname), of another project or facility")
        }
      }
    }
    if addresses.count != addressPools.reservedCount { found.append("the elastic blocks in use do not agree") }
    return found
  }

  private func violations(of network: VirtualNetwork) -> [String] {
    var found: [String] = []
    let name = "network \(network.vxlan) (\(network.id))"
    if !VirtualNetwork.numbers.contains(network.vxlan) { found.append("\(name): number out of range") }
    if Self.known(network.place) != network.place { found.append("\(name): unknown \(network.place.words)") }
    if projects[network.project] == nil { found.append("\(name): unknown project") }
    if let fault = network.description.flatMap(Names.fault(ofDescription:)) { found.append("\(name): \(fault)") }
    return found
  }

  private func violations(of server: Server) -> [String] {
    var found: [String] = []
    if let fault = Names.fault(ofHostname: server.hostname) { found.append(fault) }
    let isDouble = servers(named: server.hostname).contains { $0.project == server.project && $0.id != server.id }
    if isDouble { found.append("hostname is not unique in its project") }
    if !Server.numbers.contains(server.number) { found.append("number \(server.number) is out of range") }
    if index.serverNumbers[server.number] != server.id { found.append("number \(server.number) is not unique") }
    if let namespace = server.place.namespace {
      if let fault = Names.fault(ofNamespace: namespace) { found.append(fault) }
      if index.namespaces[namespace] != server.id { found.append("network namespace is not its own") }
      if let fault = server.nicNames.fault { found.append(fault) }
    } else if server.nicNames != NICNames() || server.isConfigured {
      found.append("interfaces on the host are called after the server, and set up by what is behind them")
    }
    if Catalogue.facility(server.facility)?.code != server.facility {
      found.append("facility \(server.facility) is not in the catalogue")
    }
    if Catalogue.operatingSystem(server.operatingSystem)?.slug != server.operatingSystem {
      found.append("operating system \(server.operatingSystem) is not in the catalogue")
    }
    if projects[server.project] == nil { found.append("unknown project") }
    if !Server.mtus.contains(server.mtu) { found.append("MTU out of range") }

    if let plan = Catalogue.plan(server.plan), plan.slug == server.plan {
      if !plan.allows(server.mode) { found.append("plan \(plan.slug) has no mode \(server.mode.rawValue)") }
      if plan.layer2 == .hybridOnly, server.members.isEmpty {
        found.append("plan \(plan.slug) keeps a NIC in the bond")
      }
    } else {
      found.append("plan \(server.plan) is not in the catalogue")
    }
    if server.layer != 2, server.layer != 3 { found.append("layer \(server.layer)") }
    if server.layer == 2, !server.addresses.isEmpty { found.append("has addresses in layer 2") }
    if server.layer == 3, server.addresses.isEmpty { found.append("has no address in layer 3") }
    if server.bond0.bonded == server.members.isEmpty { found.append("bond0 does not agree with its members") }
    if server.layer == 3, !server.bond0.networks.isEmpty {
      if server.members.count < 2 { found.append("bond0 has networks in layer 3 and is not whole") }
      if server.bond0.native != nil { found.append("bond0 has a native network in layer 3") }
    }
    for name in PortName.allCases { found += violations(of: server[name], named: name, of: server) }
    found += addressViolations(of: server)
    found += keyViolations(of: server)
    return found
  }

  private func violations(of port: Port, named name: PortName, of server: Server) -> [String] {
    var found: [String] = []
    let text = name.rawValue
    if port.name != name { found.append("\(text) is called \(port.name.rawValue)") }
    if name == .bond0 {
      if port.mac != nil { found.append("bond0 has a MAC address") }
    } else {
      if port.mac.map({ $0.isLocal && !$0.isGroup }) != true {
        found.append("\(text) has no local unicast MAC address")
      }
      if port.bonded, !port.networks.isEmpty { found.append("\(text) has networks in the bond") }
    }
    if Set(port.networks).count != port.networks.count { found.append("\(text) has a network twice") }
    if port.networks.count > Self.networksPerPortLimit { found.append("\(text) has \(port.networks.count) networks") }
    if let native = port.native, !port.networks.contains(native) {
      found.append("\(text): native network is not on it")
    }
    for id in port.networks {
      guard let network = networks[id] else {
        found.append("\(text): network \(id) does not exist")
        continue
      }
      if network.project != server.project || !network.place.reaches(facility: server.facility) {
        found.append("\(text): network \(network.vxlan) is of another project or place")
      }
    }
    let numbers = port.networks.compactMap { networks[$0]?.vxlan }
    if Set(numbers).count != numbers.count { found.append("\(text) has a network number twice") }
    if Set(port.attachedAt.keys) != Set(port.networks) { found.append("\(text): times of attachment do not agree") }
    return found
  }

  private func addressViolations(of server: Server) -> [String] {
    var found: [String] = []
    if Set(server.addresses.map(\.kind)).count != server.addresses.count { found.append("has two addresses of a kind") }
    for address in server.addresses
    where !addressPools.has(address.network, address.kind, in: server.facility, for: server.project) {
      found.append("address \(address.network) is not of its pool")
    }
    for assignment in server.blocks where reservations[assignment.reservation] == nil {
      found.append("elastic block \(assignment.block) is not reserved")
    }
    if !server.blocks.isEmpty, server.address(.publicIPv4) == nil {
      found.append("has elastic blocks and no public IPv4 address")
    }
    if server.blocks.count > Self.blocksPerServerLimit { found.append("has \(server.blocks.count) elastic blocks") }
    return found
  }

  private func rebuiltIndex() -> Index {
    var fresh = Rack(empty: id, plan: addressPlan)
    fresh.apply(records)
    return fresh.index
  }
}
