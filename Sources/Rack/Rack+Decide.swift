import FoundationEssentials

extension Rack {
  /// What `command` would do. Nothing is changed; identifiers and the time come from `source`.
  ///
  /// - Parameter lab: whose plan it is a part of. What is changed of others' labs counts as changed by hand, which gives
  ///   those a new generation.
  public func decide(
    _ command: Command, partOf lab: LabID? = nil, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    try mustNotBeFrozen(command)
    var outcome = try decision(command, with: &source)
    guard outcome.changed else { return outcome }
    try mustHaveRoom(forTextOf: outcome.changes)
    try mustKeepEnds(outcome.changes)
    outcome.changes = mirrorsThatGo(outcome.changes).map { .mirrorDeleted($0) } + outcome.changes
    outcome.changes = outcome.changes.map { Self.stamped($0, at: source.now) }
    outcome.changes += generations(after: command, outcome.changes, partOf: lab, at: source.now)
    outcome.events = events(of: command, outcome, with: &source)
    return outcome
  }

  private func decision(_ command: Command, with source: inout some Entropy) throws(Refusal) -> Outcome {
    switch command {
    case .createProject(let name, let customdata, let backendTransfer):
      try createProject(named: name, customdata: customdata, backendTransfer: backendTransfer, with: &source)
    case .updateProject(let id, let name, let customdata, let backendTransfer):
      try updateProject(id, name: name, customdata: customdata, backendTransfer: backendTransfer, with: &source)
    case .deleteProject(let id): try deleteProject(id)

    case .createServer(let request): try createServer(request, with: &source)
    case .deleteServer(let id): try deleteServer(id)
    case .updateServer(let id, let update): try updateServer(try server(id), update)
    case .setPower(let id, let on): setPower(of: try server(id), on: on)
    case .reboot(let id): try reboot(try server(id))
    case .rescue(let id): rescue(try server(id))
    case .reinstall(let id, let installation): try reinstall(try server(id), installation, with: &source)
    case .heard(let id): heard(try server(id))
    case .setMode(let id, let mode): try setMode(of: try server(id), to: mode, with: &source)
    case .setMTU(let id, let mtu): try setMTU(of: try server(id), to: mtu)
    case .setLink(let id, let nic, let update): try setLink(of: try server(id), nic, update)

    case .createNetwork(let request): try createNetwork(request, with: &source)
    case .updateNetwork(let id, let description, let tags):
      try updateNetwork(id, description: description, tags: tags)
    case .deleteNetwork(let id): try deleteNetwork(id)

    case .assign(let port, let network):
      try onPort(port) { (server, name) throws(Refusal) in try assign(network, to: name, of: &server) }
    case .unassign(let port, let network):
      try onPort(port) { (server, name) throws(Refusal) in try unassign(network, from: name, of: &server) }
    case .setNative(let port, let network):
      try onPort(port) { (server, name) throws(Refusal) in try setNative(network, on: name, of: &server) }

    case .changeAssignments(let port, let changes): try changeAssignments(of: port, changes, with: &source)
    case .bond(let port, let bulk):
      try onPort(port) { (server, name) throws(Refusal) in
        try bond(name == .bond0 || bulk ? PortName.nics : [name], of: &server)
      }
    case .disbond(let port, let bulk):
      try onPort(port) { (server, name) throws(Refusal) in
        try disbond(name == .bond0 || bulk ? PortName.nics : [name], of: &server)
      }
    case .convertToLayer2(let port, let network):
      try onPort(port) { (server, name) throws(Refusal) in
        try convertToLayer2(name, attaching: network, of: &server)
      }
    case .convertToLayer3(let port, let requests):
      try convertToLayer3(port, requests: requests, with: &source)

    case .reserveBlock(let request): try reserveBlock(request, with: &source)
    case .assignBlock(let id, let block): try assignBlock(block, to: try server(id), with: &source)
    case .updateBlock(let id, let update): try updateBlock(id, update)
    case .unassignBlock(let id): try unassignBlock(id)
    case .releaseBlock(let id): try releaseBlock(id)

    case .createSSHKey(let request): try createSSHKey(request, with: &source)
    case .updateSSHKey(let id, let update): try updateSSHKey(id, update, with: &source)
    case .deleteSSHKey(let id): try deleteSSHKey(id)

    case .createToken(let request): try createToken(request, with: &source)
    case .revokeToken(let id): try revokeToken(id)

    case .createMirror(let request): try createMirror(request, with: &source)
    case .deleteMirror(let id): try deleteMirror(id)

    case .lab(let command): try decision(command, with: &source)

    case .setAging(let seconds): try setAging(seconds)
    case .setLACPRate(let fast): setLACPRate(fast: fast)
    case .setSwitches(let switches, let facility, let failed):
      try setSwitches(switches, of: facility, failed: failed)
    }
  }

  func server(_ id: ServerID) throws(Refusal) -> Server {
    guard let server = servers[id] else { throw .notFound("server \(id) does not exist") }
    return server
  }

  func serverAndPort(_ id: PortID) throws(Refusal) -> (Server, PortName) {
    guard let place = index.ports[id], let server = servers[place.server] else {
      throw .notFound("port \(id) does not exist")
    }
    return (server, place.name)
  }

  /// Times that a change carries: when a server changed last, and since when a network is on a port. A password that
  /// nobody is told any more is forgotten on this occasion.
  private static func stamped(_ change: Change, at now: Date) -> Change {
    guard case .server(var server, replacing: let old) = change else { return change }
    server.updatedAt = now
    if server.rootPassword?.isTold(at: now) == false { server.rootPassword = nil }
    for name in PortName.allCases where server[name].networks != old?[name].networks {
      let known = server[name].attachedAt
      server[name].attachedAt = Dictionary(
        uniqueKeysWithValues: server[name].networks.map { ($0, known[$0, default: now]) })
    }
    return .server(server, replacing: old)
  }

  /// Frozen: no step that changes the bond or the layer; `setMode` asks by itself.
  private func mustNotBeFrozen(_ command: Command) throws(Refusal) {
    let server: Server? =
      switch command {
      case .bond(let port, _), .disbond(let port, _), .convertToLayer2(let port, _), .convertToLayer3(let port, _):
        index.ports[port].flatMap { servers[$0.server] }
      default: nil
      }
    if let server { try mustNotBeFrozen(server) }
  }

  func mustNotBeFrozen(_ server: Server) throws(Refusal) {
    guard server.isNetworkFrozen else { return }
    throw .invalid(
      "the network of \(server.hostname) is frozen: its mode stays \(server.mode.rawValue) until network_frozen is false"
    )
  }

  /// A command on a port: `change` works on a copy of its server.
  private func onPort(
    _ id: PortID, _ change: (inout Server, PortName) throws(Refusal) -> Void
  ) throws(Refusal) -> Outcome {
    let (old, name) = try serverAndPort(id)
    var new = old
    try change(&new, name)
    return outcome(of: old, to: new, subject: .port(id))
  }

  /// The outcome of replacing one server.
  func outcome(of old: Server, to new: Server, pools: [AddressPool] = [], subject: Outcome.Subject) -> Outcome {
    guard new != old else { return Outcome(subject: subject) }
    return Outcome(subject: subject, changes: pools.map { .pool($0) } + [.server(new, replacing: old)])
  }

  private func setMTU(of old: Server, to mtu: Int) throws(Refusal) -> Outcome {
    guard Server.mtus.contains(mtu) else {
      throw .invalid("MTU \(mtu) is out of range; valid are \(Server.mtus.words)")
    }
    var new = old
    new.mtu = mtu
    return outcome(of: old, to: new, subject: .server(old.id))
  }

  private func setAging(_ seconds: Int) throws(Refusal) -> Outcome {
    guard Self.agings.contains(seconds) else {
      throw .invalid("ageing time \(seconds) is out of range; valid are \(Self.agings.words) seconds")
    }
    guard seconds != aging else { return Outcome(subject: .nothing) }
    return Outcome(subject: .nothing, changes: [.aging(seconds: seconds)])
  }

  private func setLACPRate(fast: Bool) -> Outcome {
    guard fast != lacpFast else { return Outcome(subject: .nothing) }
    return Outcome(subject: .nothing, changes: [.lacpRate(fast: fast)])
  }
}

extension ClosedRange<Int> {
  /// `2 to 3999`.
  package var words: String { "\(lowerBound) to \(upperBound)" }
}
