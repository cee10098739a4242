import FoundationEssentials

/// Mirrors: made and removed, and what else is refused or removed because of them.
///
/// A mirror's end is a NIC that carries nothing else, so that what is sent there never comes back into the switch. That
/// is kept by one look at what a command has come to (`mustKeepEnds`), whatever the command was. A mirror goes with its
/// source, and with the server at its end.
extension Rack {
  func createMirror(_ request: MirrorRequest, with source: inout some Entropy) throws(Refusal) -> Outcome {
    if let fault = Names.fault(ofName: request.name, "mirror") { throw .invalid(fault) }
    let project = try project(of: request.source)
    let filter = request.filter.flatMap { $0.isEmpty ? nil : $0 }
    if let fault = filter.flatMap({ Names.fault(ofText: $0, "filter") }) { throw .invalid(fault) }
    guard filter?.utf8.count ?? 0 <= Mirror.filterLimit else {
      throw .invalid("filter has \(filter?.utf8.count ?? 0) bytes; valid are up to \(Mirror.filterLimit)")
    }
    guard !mirrors(of: project).contains(where: { $0.name == request.name }) else {
      throw .invalid("there is a mirror named \(request.name.quoted) already; remove it, or choose another name")
    }
    guard mirrors.count < Self.mirrorLimit else {
      throw .invalid("the rack has \(Self.mirrorLimit) mirrors, which is its limit; remove one first")
    }
    let mirror = Mirror(
      id: MirrorID(source.identifier()), name: request.name, project: project, source: request.source,
      direction: try direction(request), filter: filter, end: request.end, createdAt: source.now)
    try mustBeAnEnd(mirror)
    return Outcome(subject: .mirror(mirror.id), changes: [.mirror(mirror)])
  }

  func deleteMirror(_ id: MirrorID) throws(Refusal) -> Outcome {
    guard mirrors[id] != nil else { throw .notFound("mirror \(id) does not exist") }
    return Outcome(subject: .nothing, changes: [.mirrorDeleted(id)])
  }

  private func project(of source: Mirror.Source) throws(Refusal) -> ProjectID {
    switch source {
    case .port(let id): return try serverAndPort(id).0.project
    case .network(let id):
      guard let network = networks[id] else { throw .notFound("virtual network \(id) does not exist") }
      return network.project
    }
  }

  private func direction(_ request: MirrorRequest) throws(Refusal) -> Mirror.Direction {
    guard case .network = request.source else { return request.direction ?? .both }
    if let direction = request.direction, direction != .in {
      throw .invalid(
        "direction \(direction.rawValue) is not valid for a virtual network, whose frames a mirror has once, as they came "
          + "in; valid is in")
    }
    return .in
  }

  private func mustBeAnEnd(_ mirror: Mirror) throws(Refusal) {
    switch mirror.end {
    case .device(let name):
      let isName =
        (1...Mirror.deviceLimit).contains(name.utf8.count) && name != "." && name != ".."
        && name.utf8.allSatisfy { (0x21..<0x7F).contains($0) && $0 != 0x2F && $0 != 0x3A }
      guard isName else {
        throw .invalid(
          "device \(name.quoted) is not valid; valid is the name of a network interface, 1 to \(Mirror.deviceLimit) "
            + "characters without \"/\" and \":\"")
      }
    case .port(let id):
      let (server, name) = try serverAndPort(id)
      let port = "\(name.rawValue) of \(server.hostname)"
      let rule = "a mirror's end is a NIC outside the bond without virtual networks"
      guard server.project == mirror.project else {
        throw .invalid("\(port) belongs to another project than what is mirrored; a mirror stays within its project")
      }
      guard name != .bond0 else {
        throw .invalid("bond0 of \(server.hostname) cannot be a mirror's end; \(rule): eth0 or eth1")
      }
      guard !server[name].bonded else {
        throw .invalid("\(port) is a member of bond0; \(rule): take it out of the bond first, or name another")
      }
      guard server[name].networks.isEmpty else {
        throw .invalid(
          "\(port) carries virtual network \(numbers(of: server[name].networks)); \(rule): detach first, or name another"
        )
      }
      guard !sourceNICs(of: mirror).contains(where: { $0.server == server.id && $0.nic == name }) else {
        throw .invalid("\(port) cannot be mirrored to itself; name another NIC")
      }
    }
  }

  // MARK: Other commands

  /// Refuses what gives a mirror's end something else to carry.
  func mustKeepEnds(_ changes: [Change]) throws(Refusal) {
    guard !mirrors.isEmpty else { return }
    let gone = Set(mirrorsThatGo(changes))
    for case .server(let server, replacing: _) in changes {
      for mirror in mirrors.values.sorted(by: { $0.name < $1.name }) where !gone.contains(mirror.id) {
        guard case .port(let id) = mirror.end, let port = server.ports.first(where: { $0.id == id }),
          port.bonded || !port.networks.isEmpty
        else { continue }
        throw .invalid(
          "\(port.name.rawValue) of \(server.hostname) is the end of mirror \(mirror.name.quoted), so it "
            + (port.bonded ? "stays outside the bond" : "carries no virtual network")
            + "; 'toprack mirror remove \(mirror.name)' first")
      }
    }
  }

  /// Mirrors whose source or end goes, by name.
  func mirrorsThatGo(_ changes: [Change]) -> [MirrorID] {
    guard !mirrors.isEmpty else { return [] }
    var ports: Set<PortID> = []
    var networks: Set<NetworkID> = []
    for change in changes {
      switch change {
      case .serverDeleted(let id): ports.formUnion(servers[id]?.ports.map(\.id) ?? [])
      case .networkDeleted(let id): networks.insert(id)
      default: break
      }
    }
    guard !ports.isEmpty || !networks.isEmpty else { return [] }
    return mirrors.values.sorted { $0.name < $1.name }.filter { mirror in
      if case .network(let id) = mirror.source, networks.contains(id) { return true }
      return mirror.ports.contains(where: ports.contains)
    }.map(\.id)
  }

  // MARK: Looking up

  /// By name.
  public func mirrors(of project: ProjectID) -> [Mirror] {
    mirrors.values.filter { $0.project == project }.sorted { $0.name < $1.name }
  }

  /// The NICs whose frames a mirror of a port has; none of a network's.
  public func sourceNICs(of mirror: Mirror) -> [(server: ServerID, nic: PortName)] {
    guard case .port(let id) = mirror.source, let (server, port) = port(id) else { return [] }
    return (port.name == .bond0 ? server.members : [port.name]).map { (server.id, $0) }
  }

  /// As people write it: `web1:eth0`, `vxlan:1001`.
  public func words(of source: Mirror.Source) -> String {
    switch source {
    case .port(let id): portWords(id)
    case .network(let id): "vxlan:\(networks[id].map { "\($0.vxlan)" } ?? "?")"
    }
  }

  /// As people write it: `probe:eth1`, `mon0`.
  public func words(of end: Mirror.End) -> String {
    switch end {
    case .port(let id): portWords(id)
    case .device(let name): name
    }
  }

  private func portWords(_ id: PortID) -> String {
    port(id).map { "\($0.server.hostname):\($0.port.name.rawValue)" } ?? "?"
  }

  // MARK: Events

  func storyOfMirror(_ mirror: Mirror?, isNew: Bool) -> Story {
    guard let mirror else { return Story(type: isNew ? "mirror.create" : "mirror.delete", body: "mirror removed") }
    let from = words(of: mirror.source) + (mirror.direction == .both ? "" : " \(mirror.direction.rawValue)")
    var story = Story(
      type: isNew ? "mirror.create" : "mirror.delete",
      body: isNew
        ? "mirror \(mirror.name) created: \(from) to \(words(of: mirror.end))"
          + (mirror.filter.map { ", \($0.quoted)" } ?? "")
        : "mirror \(mirror.name) removed", project: mirror.project)
    // An interface of the host is the host's, and for nobody else to know.
    if case .device = mirror.end {
      story.project = nil
      return story
    }
    switch mirror.source {
    case .port(let id): story.server = port(id)?.server.id
    case .network(let id): story.network = id
    }
    return story
  }

  // MARK: Invariants

  func mirrorViolations() -> [String] {
    var found: [String] = []
    if mirrors.count > Self.mirrorLimit { found.append("there are \(mirrors.count) mirrors") }
    for all in Dictionary(grouping: mirrors.values, by: \.project).values
    where Set(all.map(\.name)).count != all.count {
      found.append("two mirrors of a project have one name")
    }
    for mirror in mirrors.values {
      let name = "mirror \(mirror.name.quoted)"
      if let fault = Names.fault(ofName: mirror.name, "mirror") { found.append(fault) }
      if projects[mirror.project] == nil { found.append("\(name): unknown project") }
      do {
        if try project(of: mirror.source) != mirror.project {
          found.append("\(name): its source is of another project")
        }
        try mustBeAnEnd(mirror)
      } catch { found.append("\(name): \(error)") }
      if case .network = mirror.source, mirror.direction != .in { found.append("\(name): direction") }
    }
    return found
  }
}
