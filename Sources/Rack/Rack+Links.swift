import Impairments

/// Links of NICs, and switches that fail.
///
/// A switch of a facility that has failed takes the carrier of every eth0, or eth1, there: also of servers that are made
/// meanwhile, and whatever each link is set to. Which have failed is a record of its own; each server has a copy
/// (`Server.failedSwitches`), which `apply` keeps.
extension Server {
  /// As it is when these switches of its facility have failed, and no others.
  package func with(_ failed: Set<RackSwitch>) -> Server {
    var server = self
    server.failedSwitches = failed
    return server
  }
}

extension Rack {
  func setLink(of old: Server, _ nic: PortName, _ update: LinkUpdate) throws(Refusal) -> Outcome {
    guard nic != .bond0 else {
      throw .invalid(
        "bond0 of \(old.hostname) has no link of its own; valid are \(PortName.nics.map(\.rawValue).listed())")
    }
    var new = old
    new.links[nic] = update.applied(to: old.links[nic])
    for direction in LinkDirection.allCases {
      guard let fault = new.links[nic][direction].fault else { continue }
      throw .invalid("\(nic.rawValue) of \(old.hostname), \(direction.rawValue): \(fault)")
    }
    return outcome(of: old, to: new, subject: .server(old.id))
  }

  func setSwitches(_ switches: Set<RackSwitch>, of name: String, failed: Bool) throws(Refusal) -> Outcome {
    guard let facility = Catalogue.facility(name) else { throw .invalid(Self.unknownFacility(name)) }
    let old = failedSwitches[facility.code, default: []]
    let new = failed ? old.union(switches) : old.subtracting(switches)
    guard new != old else { return Outcome(subject: .nothing) }
    return Outcome(subject: .nothing, changes: [.failedSwitches(facility: facility.code, new)])
  }

  // MARK: Records

  mutating func putFailedSwitches(_ switches: Set<RackSwitch>, of facility: String) {
    failedSwitches[facility] = switches.isEmpty ? nil : switches
    for (id, server) in servers where server.facility == facility { servers[id]?.failedSwitches = switches }
  }

  /// A server with what its facility says of it.
  func placed(_ server: Server) -> Server {
    var server = server
    server.failedSwitches = failedSwitches[server.facility, default: []]
    return server
  }

  // MARK: Events

  func storyOfLink(_ old: Server?, _ new: Server?, _ nic: PortName) -> Story {
    let name = "\(nic.rawValue) of \(new?.hostname ?? "?")"
    let link = new?.links[nic] ?? NICLink()
    let words = link.words
    var body = words.isEmpty ? "link of \(name) as usual" : "link of \(name): \(words)"
    if old?.links[nic].isDown != link.isDown { body = "link of \(name) set \(link.isDown ? "down" : "up")" }
    return Story(type: "device.link", body: body, project: new?.project, server: new?.id)
  }

  func storyOfSwitches(_ switches: Set<RackSwitch>, of name: String, failed: Bool) -> Story {
    let facility = Catalogue.facility(name)?.code ?? name
    let sorted = switches.sorted { $0.rawValue < $1.rawValue }
    let nics = sorted.map(\.nic.rawValue).listed()
    let count = servers.values.count { $0.facility == facility }
    let names = "switch\(sorted.count == 1 ? "" : "es") \(sorted.map(\.rawValue).listed()) of \(facility)"
    let body =
      failed
      ? "\(names) failed: \(nics) of \(count) server\(count == 1 ? "" : "s") \(count == 1 ? "has" : "have") no carrier"
      : "\(names) healed: \(nics) of \(count) server\(count == 1 ? "" : "s") \(count == 1 ? "has" : "have") a switch again"
    return Story(type: failed ? "facility.fail" : "facility.heal", body: body)
  }

  // MARK: Invariants

  func linkViolations(of server: Server) -> [String] {
    var found: [String] = []
    for nic in PortName.nics {
      for direction in LinkDirection.allCases {
        if let fault = server.links[nic][direction].fault { found.append("link of \(nic.rawValue): \(fault)") }
      }
    }
    if server.failedSwitches != failedSwitches[server.facility, default: []] {
      found.append("has other failed switches than its facility")
    }
    return found
  }
}
