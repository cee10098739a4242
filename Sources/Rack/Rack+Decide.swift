extension Rack {
  /// What `command` would do. Nothing is changed; identifiers and the time come from `source`.
  public func decide(_ command: Command, with source: inout some Entropy) throws(Refusal) -> Outcome {
    switch command {
    case .createServer(let request): try createServer(request, with: &source)
    case .deleteServer(let id): try deleteServer(id)
    case .setMode(let id, let mode): try setMode(of: try server(id), to: mode, with: &source)
    case .setMTU(let id, let mtu): try setMTU(of: try server(id), to: mtu)

    case .createNetwork(let request): try createNetwork(request, with: &source)
    case .deleteNetwork(let id): try deleteNetwork(id)

    case .assign(let port, let network):
      try onPort(port) { (server, name) throws(Refusal) in try assign(network, to: name, of: &server) }
    case .unassign(let port, let network):
      try onPort(port) { (server, name) throws(Refusal) in try unassign(network, from: name, of: &server) }
    case .setNative(let port, let network):
      try onPort(port) { (server, name) throws(Refusal) in try setNative(network, on: name, of: &server) }

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
    case .unassignBlock(let id): try unassignBlock(id)
    case .releaseBlock(let id): try releaseBlock(id)

    case .setAging(let seconds): try setAging(seconds)
    case .setLACPRate(let fast): setLACPRate(fast: fast)
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

  /// A command on a port: `change` works on a copy of its server.
  private func onPort(
    _ id: PortID, _ change: (inout Server, PortName) throws(Refusal) -> Void
  ) throws(Refusal) -> Outcome {
    let (old, name) = try serverAndPort(id)
    var new = old
    try change(&new, name)
    return outcome(of: old, to: new, subject: .port(id))
  }

  /// The outcome of replacing one server: the wire is told only when it differs.
  func outcome(of old: Server, to new: Server, pools: [AddressPool] = [], subject: Outcome.Subject) -> Outcome {
    guard new != old else { return Outcome(subject: subject) }
    var effects: [Effect] = []
    if new.mtu != old.mtu { effects.append(.setMTU(new.id)) }
    if new.wiring != old.wiring || new.addresses != old.addresses || new.blocks != old.blocks {
      effects.append(.rewire(new.id))
    }
    return Outcome(
      subject: subject, effects: effects, changes: pools.map { .pool($0) } + [.server(new, replacing: old)])
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
    return Outcome(
      subject: .nothing, effects: [.setAging(seconds: seconds)], changes: [.aging(seconds: seconds)])
  }

  private func setLACPRate(fast: Bool) -> Outcome {
    guard fast != lacpFast else { return Outcome(subject: .nothing) }
    return Outcome(subject: .nothing, effects: [.setLACPRate(fast: fast)], changes: [.lacpRate(fast: fast)])
  }
}

extension ClosedRange<Int> {
  /// `2 to 3999`.
  var words: String { "\(lowerBound) to \(upperBound)" }
}
