import Net

extension Rack {
  /// Puts decided records in place, and keeps the indexes in step.
  ///
  /// Records that come from `decide` keep all invariants. After records from elsewhere (a file) call `checkInvariants`;
  /// whatever they are, this does not trap.
  public mutating func apply(_ changes: [Change]) {
    for change in changes {
      switch change {
      case .project(let project):
        let old = projects.updateValue(project, forKey: project.id)
        if let old { index.projectNames.remove(old.id, at: old.name) }
        index.count(project.id) { $0.text += project.textSize - (old?.textSize ?? 0) }
        index.projectNames[project.name, default: []].insert(project.id)
      case .projectDeleted(let id):
        guard let project = projects.removeValue(forKey: id) else { continue }
        index.projectNames.remove(id, at: project.name)
        index.count(id) { $0.text -= project.textSize }
        addressPools.remove(of: id)
      case .token(let token):
        tokens[token.id] = token
      case .tokenDeleted(let id):
        tokens[id] = nil
      case .sshKey(let key):
        replace(sshKeys[key.id], by: key)
      case .sshKeyDeleted(let id):
        for holder in index.keyHolders[id, default: []] {
          guard let old = servers[holder] else { continue }
          var new = old
          new.sshKeys.removeAll { $0 == id }
          replace(old, by: new)
        }
        replace(sshKeys[id], by: nil)
      case .server(let server, replacing: _):
        replace(servers[server.id], by: placed(server))
      case .serverDeleted(let id):
        replace(servers[id], by: nil)
      case .network(let network):
        let old = networks.updateValue(network, forKey: network.id)
        index.count(network.project) { usage in
          usage.networks += old == nil ? 1 : 0
          usage.text += network.textSize - (old?.textSize ?? 0)
        }
        index.numbers[network.scope, default: [:]][network.vxlan] = network.id
        if let membership = old?.membership { index.leave(membership, \.networks) }
        if let membership = network.membership { index.join(membership, network.id, \.networks) }
      case .networkDeleted(let id):
        guard let network = networks.removeValue(forKey: id) else { continue }
        index.count(network.project) { usage in
          usage.networks -= 1
          usage.text -= network.textSize
        }
        index.numbers[network.scope]?[network.vxlan] = nil
        if index.numbers[network.scope]?.isEmpty == true { index.numbers[network.scope] = nil }
        if let membership = network.membership { index.leave(membership, \.networks) }
      case .reservation(let reservation):
        replace(reservations[reservation.id], by: reservation)
      case .reservationDeleted(let id):
        replace(reservations[id], by: nil)
      case .pool(let pool):
        addressPools.put(pool)
      case .lab(let lab, replacing: _):
        replace(labs[lab.id], by: lab)
      case .labDeleted(let id):
        replace(labs[id], by: nil)
      case .mirror(let mirror):
        mirrors[mirror.id] = mirror
      case .mirrorDeleted(let id):
        mirrors[id] = nil
      case .aging(let seconds):
        aging = seconds
      case .lacpRate(let fast):
        lacpFast = fast
      case .failedSwitches(let facility, let switches):
        putFailedSwitches(switches, of: facility)
      }
    }
  }

  private mutating func replace(_ old: Reservation?, by new: Reservation?) {
    if let old {
      reservations[old.id] = nil
      index.count(old.project) { usage in
        usage.blocks -= 1
        usage.addresses -= Int(old.block.size)
        usage.text -= old.textSize
      }
      index.reservations[old.block] = nil
      if let membership = old.membership { index.leave(membership, \.reservations) }
      addressPools.giveBack(old.block)
    }
    if let new {
      reservations[new.id] = new
      index.count(new.project) { usage in
        usage.blocks += 1
        usage.addresses += Int(new.block.size)
        usage.text += new.textSize
      }
      index.reservations[new.block] = new.id
      if let membership = new.membership { index.join(membership, new.id, \.reservations) }
      addressPools.reserve(new.block)
    }
  }

  private mutating func replace(_ old: Lab?, by new: Lab?) {
    if let old {
      labs[old.id] = nil
      index.labNames[old.project]?[old.name] = nil
      if index.labNames[old.project]?.isEmpty == true { index.labNames[old.project] = nil }
      index.count(old.project) { $0.text -= old.textSize }
    }
    if let new {
      labs[new.id] = new
      index.labNames[new.project, default: [:]][new.name] = new.id
      index.count(new.project) { $0.text += new.textSize }
    }
  }

  private mutating func replace(_ old: SSHKey?, by new: SSHKey?) {
    if let old {
      sshKeys[old.id] = nil
      index.sshKeys.remove(old.id, at: old.owner)
      if let project = old.owner.project { index.count(project) { $0.sshKeys -= 1 } }
    }
    if let new {
      sshKeys[new.id] = new
      index.sshKeys[new.owner, default: []].insert(new.id)
      if let project = new.owner.project { index.count(project) { $0.sshKeys += 1 } }
    }
  }

  private mutating func replace(_ old: Server?, by new: Server?) {
    if let old { removeFromIndex(old, unlike: new) }
    if let new { addToIndex(new, unlike: old) }
    if let id = (new ?? old)?.id { servers[id] = new }
  }

  private mutating func removeFromIndex(_ server: Server, unlike new: Server?) {
    index.hostnames.remove(server.id, at: server.hostname.lowercased())
    index.count(server.project) { usage in
      usage.servers -= 1
      usage.text -= server.textSize
    }
    index.serverNumbers[server.number] = nil
    if let namespace = server.place.namespace { index.namespaces[namespace] = nil }
    if let membership = server.membership, membership != new?.membership { index.leave(membership, \.servers) }
    for address in server.addresses {
      index.addresses[address.id] = nil
      index.hosts[address.host] = nil
      addressPools.release(address.network)
    }
    for assignment in server.blocks {
      index.assignments[assignment.id] = nil
      index.hosts[assignment.block] = nil
      index.assigned[assignment.reservation]?.remove(assignment.id)
      if index.assigned[assignment.reservation]?.isEmpty == true { index.assigned[assignment.reservation] = nil }
    }
    if server.sshKeys != new?.sshKeys {
      for key in server.sshKeys { index.keyHolders.remove(server.id, at: key) }
    }
    for port in server.ports {
      index.ports[port.id] = nil
      if let mac = port.mac { index.macs.remove(mac) }
      guard port.networks != new?[port.name].networks else { continue }
      for network in port.networks {
        index.attachments[network]?.remove(port.id)
        if index.attachments[network]?.isEmpty == true { index.attachments[network] = nil }
      }
    }
  }

  private mutating func addToIndex(_ server: Server, unlike old: Server?) {
    index.hostnames[server.hostname.lowercased(), default: []].insert(server.id)
    index.count(server.project) { usage in
      usage.servers += 1
      usage.text += server.textSize
    }
    index.serverNumbers[server.number] = server.id
    if let namespace = server.place.namespace { index.namespaces[namespace] = server.id }
    if let membership = server.membership, membership != old?.membership {
      index.join(membership, server.id, \.servers)
    }
    for address in server.addresses {
      index.addresses[address.id] = server.id
      index.hosts[address.host] = server.id
      addressPools.hold(address.network)
    }
    for assignment in server.blocks {
      index.assignments[assignment.id] = server.id
      index.hosts[assignment.block] = server.id
      index.assigned[assignment.reservation, default: []].insert(assignment.id)
    }
    if server.sshKeys != old?.sshKeys {
      for key in server.sshKeys { index.keyHolders[key, default: []].insert(server.id) }
    }
    for port in server.ports {
      index.ports[port.id] = PortPlace(server: server.id, name: port.name)
      if let mac = port.mac { index.macs.insert(mac) }
      guard port.networks != old?[port.name].networks else { continue }
      for network in port.networks { index.attachments[network, default: []].insert(port.id) }
    }
  }
}

extension Rack.Index {
  /// Counts what a project has; one that has nothing is not kept.
  mutating func count(_ project: ProjectID, _ change: (inout Usage) -> Void) {
    var new = usage[project] ?? Usage()
    change(&new)
    usage[project] = new == Usage() ? nil : new
  }
}

extension Dictionary {
  /// Takes `element` out of the set at `key`; an empty set is not kept.
  fileprivate mutating func remove<Element: Hashable>(_ element: Element, at key: Key) where Value == Set<Element> {
    self[key]?.remove(element)
    if self[key]?.isEmpty == true { self[key] = nil }
  }
}

extension VirtualNetwork {
  var scope: Rack.Scope { Rack.Scope(project: project, place: place) }
}
