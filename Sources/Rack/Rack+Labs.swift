import FoundationEssentials

/// Labs: what belongs to them, what only they do, and their generations.
///
/// Anybody may change what a lab owns. Its generation tells: whoever has planned on an older one plans again. So
/// `decide` adds the lab to each outcome that changes something of it, unless the command is a part of its own plan.
extension Rack {
  /// By name.
  public func labs(of project: ProjectID) -> [Lab] {
    index.labNames[project, default: [:]].values.compactMap { labs[$0] }.sorted { $0.name < $1.name }
  }

  /// The labs of all projects that have a name, by age.
  public func labs(named name: String) -> [Lab] {
    labs.values.filter { $0.name == name }.sorted { ($0.createdAt, "\($0.id)") < ($1.createdAt, "\($1.id)") }
  }

  public func lab(named name: String, of project: ProjectID) -> Lab? {
    index.labNames[project]?[name].flatMap { labs[$0] }
  }

  public func belongings(of lab: LabID) -> LabBelongings { index.belongings[lab] ?? LabBelongings() }

  // MARK: Commands

  func decision(_ command: LabCommand, with source: inout some Entropy) throws(Refusal) -> Outcome {
    switch command {
    case .create(let name, let project, let applied):
      return try createLab(named: name, of: project, applied, with: &source)
    case .update(let id, let applied):
      let old = try lab(id)
      var new = old
      new.applied = applied
      return outcome(of: old, to: new, at: source.now)
    case .delete(let id):
      let lab = try lab(id)
      let belongings = belongings(of: id)
      guard belongings.isEmpty else {
        let counts = [
          ("server", belongings.servers.count), ("virtual network", belongings.networks.count),
          ("elastic block", belongings.reservations.count),
        ].filter { $0.1 > 0 }.map { "\($0.1) \($0.0)\($0.1 == 1 ? "" : "s")" }
        throw .invalid("lab \(lab.name.quoted) has \(counts.listed()); destroy it first")
      }
      return Outcome(subject: .nothing, changes: [.labDeleted(id)])
    case .keep(let id, let name, let text): return try keep(text, as: name, of: try lab(id), at: source.now)
    case .take(let record, let membership): return try take(record, membership)
    case .giveAddresses(let id, let wanted): return try giveAddresses(wanted, of: try lab(id), with: &source)
    case .move(let id, let place, let names): return try move(try server(id), to: place, names)
    }
  }

  private func lab(_ id: LabID) throws(Refusal) -> Lab {
    guard let lab = labs[id] else { throw .notFound("lab \(id) does not exist") }
    return lab
  }

  private func createLab(
    named name: String, of project: ProjectID, _ applied: String, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    guard let owner = projects[project] else { throw .notFound("project \(project) does not exist") }
    if let fault = Names.fault(ofLab: name) { throw .invalid(fault) }
    guard lab(named: name, of: project) == nil else {
      throw .invalid("lab \(name.quoted) exists already in project \(owner.name.quoted)")
    }
    guard labs.count < Self.labLimit else {
      throw .invalid("the rack has \(Self.labLimit) labs, which is its limit; destroy one first")
    }
    let lab = Lab(
      id: LabID(source.identifier()), name: name, project: project, applied: applied, createdAt: source.now)
    return Outcome(subject: .lab(lab.id), changes: [.lab(lab, replacing: nil)])
  }

  private func outcome(of old: Lab, to lab: Lab, at now: Date) -> Outcome {
    var new = lab
    (new.generation, new.updatedAt) = (old.generation + 1, now)
    return Outcome(subject: .lab(old.id), changes: [.lab(new, replacing: old)])
  }

  private func keep(_ text: String?, as name: String, of old: Lab, at now: Date) throws(Refusal) -> Outcome {
    if let fault = Names.fault(ofName: name, "checkpoint") { throw .invalid(fault) }
    var new = old
    new.checkpoints[name] = text
    guard new.checkpoints.count <= Self.checkpointsPerLabLimit else {
      throw .invalid(
        "lab \(old.name.quoted) has \(Self.checkpointsPerLabLimit) checkpoints, which is the limit; "
          + "save under the name of one of them")
    }
    guard new != old else { return Outcome(subject: .lab(old.id)) }
    new.updatedAt = now
    return Outcome(subject: .lab(old.id), changes: [.lab(new, replacing: old)])
  }

  private func take(_ record: LabRecord, _ membership: LabMembership) throws(Refusal) -> Outcome {
    func mustBeNobodys(_ other: LabMembership?, _ what: String) throws(Refusal) {
      guard let other else { return }
      throw .invalid("\(what) belongs to lab \((labs[other.lab]?.name ?? "?").quoted); destroy that lab first")
    }
    switch record {
    case .server(let id):
      let old = try server(id)
      try mustBeNobodys(old.membership, "server \(old.hostname)")
      try mustFit(membership, old.project, \.servers)
      var new = old
      new.membership = membership
      return outcome(of: old, to: new, subject: .server(id))
    case .network(let id):
      guard var network = networks[id] else { throw .notFound("virtual network \(id) does not exist") }
      try mustBeNobodys(network.membership, "virtual network \(network.vxlan) of \(network.place.words)")
      try mustFit(membership, network.project, \.networks)
      network.membership = membership
      return Outcome(subject: .network(id), changes: [.network(network)])
    case .reservation(let id):
      guard var reservation = reservations[id] else { throw .notFound("reservation \(id) does not exist") }
      try mustBeNobodys(reservation.membership, "elastic block \(reservation.block)")
      try mustFit(membership, reservation.project, \.reservations)
      reservation.membership = membership
      return Outcome(subject: .reservation(id), changes: [.reservation(reservation)])
    }
  }

  /// A lab is of the project of what belongs to it, and has each name once.
  func mustFit<ID>(
    _ membership: LabMembership?, _ project: ProjectID, _ kind: KeyPath<LabBelongings, [String: ID]>
  ) throws(Refusal) {
    guard let membership else { return }
    guard let lab = labs[membership.lab] else { throw .notFound("lab \(membership.lab) does not exist") }
    guard lab.project == project else {
      throw .invalid("lab \(lab.name.quoted) is of another project; a lab has things of its own project only")
    }
    guard belongings(of: lab.id)[keyPath: kind][membership.name] == nil else {
      throw .invalid("lab \(lab.name.quoted) has \(membership.name.quoted) already; each name is there once")
    }
  }

  /// The NICs go, and come back elsewhere.
  private func move(_ old: Server, to request: PlaceRequest, _ names: NICNames?) throws(Refusal) -> Outcome {
    let (place, fault) = place(request, hostname: old.hostname, id: old.id, project: old.project)
    if let fault { throw .invalid(fault) }
    if let fault = Server.fault(of: names, in: place, hostname: old.hostname) { throw .invalid(fault) }
    var new = old
    new.place = place
    if place == .host { (new.nicNames, new.isConfigured) = (NICNames(), false) }
    if let names { new.nicNames = names }
    guard new != old else { return Outcome(subject: .server(old.id)) }
    return outcome(of: old, to: new, subject: .server(old.id))
  }

  // MARK: Generations

  /// New generations of the labs that own something that `changes` change.
  func generations(
    after command: Command, _ changes: [Change], partOf own: LabID?, at now: Date
  ) -> [Change] {
    // A system that is heard is the end of its installation, and nobody's doing.
    if case .heard = command { return [] }
    var touched: Set<LabID> = []
    for change in changes {
      switch change {
      case .server(let new, replacing: let old): touched.formUnion([new.lab, old?.lab].compactMap(\.self))
      case .serverDeleted(let id): if let lab = servers[id]?.lab { touched.insert(lab) }
      case .network(let new): touched.formUnion([new.lab, networks[new.id]?.lab].compactMap(\.self))
      case .networkDeleted(let id): if let lab = networks[id]?.lab { touched.insert(lab) }
      case .reservation(let new): touched.formUnion([new.lab, reservations[new.id]?.lab].compactMap(\.self))
      case .reservationDeleted(let id): if let lab = reservations[id]?.lab { touched.insert(lab) }
      case .project, .projectDeleted, .pool, .token, .tokenDeleted, .sshKey, .sshKeyDeleted, .lab, .labDeleted, .mirror,
        .mirrorDeleted, .aging, .lacpRate, .failedSwitches:
        break
      }
    }
    for case .labDeleted(let id) in changes { touched.remove(id) }
    if let own { touched.remove(own) }
    return touched.compactMap { labs[$0] }.sorted { $0.name < $1.name }.map { old in
      var new = old
      (new.generation, new.updatedAt) = (old.generation + 1, now)
      return .lab(new, replacing: old)
    }
  }

  // MARK: Events

  func story(of command: LabCommand, _ outcome: Outcome) -> Story {
    func lab(_ type: String, _ id: LabID?, _ text: (String) -> String) -> Story {
      let lab = id.flatMap { labs[$0] }
      return Story(type: "lab." + type, body: text("lab \(lab?.name ?? "?")"), project: lab?.project)
    }
    switch command {
    case .create(let name, let project, applied: _):
      return Story(type: "lab.create", body: "lab \(name) created", project: project)
    case .update(let id, let applied): return lab("apply", id) { $0 + (applied.isEmpty ? " destroyed" : " applied") }
    case .delete(let id): return lab("delete", id) { "\($0) deleted" }
    case .keep(let id, let name, let text):
      return lab(text == nil ? "forget" : "save", id) {
        "checkpoint \(name) of \($0) \(text == nil ? "forgotten" : "saved")"
      }
    case .take(let record, let membership):
      var story = lab("take", membership.lab) { "\(self.name(of: record)) taken into \($0)" }
      switch record {
      case .server(let id): story.server = id
      case .network(let id): story.network = id
      case .reservation: break
      }
      return story
    case .giveAddresses(let id, let wanted):
      let names = wanted.keys.compactMap { servers[$0]?.hostname }.sorted()
      return lab("addresses", id) { "servers of \($0) have addresses that they had before: \(names.listed())" }
    case .move(let id, _, _):
      var server = servers[id]
      for case .server(let after, replacing: _) in outcome.changes { server = after }
      let place = server?.place.namespace.map { "network namespace \($0)" } ?? "the host"
      return Story(
        type: "device.move", body: "\(server?.hostname ?? "?") moved to \(place)", project: server?.project, server: id)
    }
  }

  private func name(of record: LabRecord) -> String {
    switch record {
    case .server(let id): servers[id]?.hostname ?? "?"
    case .network(let id):
      networks[id].map { "virtual network \($0.vxlan) of \($0.place.words)" } ?? "?"
    case .reservation(let id): reservations[id].map { "elastic block \($0.block)" } ?? "?"
    }
  }

  // MARK: Invariants

  func labViolations() -> [String] {
    var found: [String] = []
    if labs.count > Self.labLimit { found.append("there are \(labs.count) labs") }
    if index.labNames.values.reduce(0, { $0 + $1.count }) != labs.count {
      found.append("two labs of a project have one name")
    }
    for lab in labs.values {
      if projects[lab.project] == nil { found.append("lab \(lab.name.quoted): unknown project") }
      if let fault = Names.fault(ofLab: lab.name) { found.append(fault) }
      if lab.generation < 1 { found.append("lab \(lab.name.quoted): generation \(lab.generation)") }
      if lab.checkpoints.count > Self.checkpointsPerLabLimit {
        found.append("lab \(lab.name.quoted) has \(lab.checkpoints.count) checkpoints")
      }
    }
    found += violations("server", servers.values.map { ($0.membership, $0.project) })
    found += violations("network", networks.values.map { ($0.membership, $0.project) })
    return found + violations("elastic block", reservations.values.map { ($0.membership, $0.project) })
  }

  private func violations(_ what: String, _ owned: [(LabMembership?, ProjectID)]) -> [String] {
    var found: [String] = []
    var seen: Set<LabMembership> = []
    for case (let membership?, let project) in owned {
      guard let lab = labs[membership.lab] else {
        found.append("\(what) \(membership.name.quoted): unknown lab")
        continue
      }
      if lab.project != project { found.append("\(what) \(membership.name.quoted) is of another project than its lab") }
      if !seen.insert(membership).inserted {
        found.append("lab \(lab.name.quoted) has \(what) \(membership.name.quoted) twice")
      }
    }
    return found
  }
}

extension Rack.Index {
  mutating func join<ID>(
    _ membership: LabMembership, _ id: ID, _ kind: WritableKeyPath<LabBelongings, [String: ID]>
  ) {
    belongings[membership.lab, default: LabBelongings()][keyPath: kind][membership.name] = id
  }

  mutating func leave<ID>(_ membership: LabMembership, _ kind: WritableKeyPath<LabBelongings, [String: ID]>) {
    belongings[membership.lab]?[keyPath: kind][membership.name] = nil
    if belongings[membership.lab]?.isEmpty == true { belongings[membership.lab] = nil }
  }
}
