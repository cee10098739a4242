import Net
import Rack

/// Makes a lab as a target says, by commands on a workbench.
///
/// ## Order
/// What gives back comes before what takes: a name, a number, a namespace or an address that one thing loses another
/// may get. So: servers that go, assignments, networks on ports, modes of layer 2, blocks and networks that go; then
/// names and places; then networks, servers with their modes and ports, blocks; at last addresses that a checkpoint asks
/// for.
///
/// ## Refusals
/// What is in the way by itself is found before anything is tried, all of it. What a command refuses then is collected
/// to the end of its step.
struct LabReconciler<Source: Entropy> {
  var bench: LabWorkbench<Source>
  let target: LabTarget
  let survey: LabSurvey
  let blocks: [String: LabSurvey.BlockSubject]
  let view: LabView
  let project: ProjectID
  let rules: LabRules
  let name: String
  private var lab: Lab?
  private var networks: [String: NetworkID] = [:]
  private var servers: [String: ServerID] = [:]
  /// Networks that are made anew and were on ports which the target does not name.
  private var reattached: [(server: String, port: PortName, network: String, wasNative: Bool)] = []
  private var freedNamespaces: Set<String> = []
  private var conflicts: [String] = []

  init(
    _ target: LabTarget, _ survey: LabSurvey, name: String, rules: LabRules, _ bench: LabWorkbench<Source>
  ) {
    (self.target, self.survey, self.name, self.rules, self.bench) = (target, survey, name, rules, bench)
    (view, project) = (survey.view, survey.project)
    blocks = survey.blocks()
    lab = bench.lab.flatMap { bench.rack.labs[$0] }
  }

  /// All of it but for the lab's own record, which has to be there.
  mutating func run() throws(LabRefusal) {
    conflicts = obstacles()
    try mustBeClear()
    lab = bench.lab.flatMap { bench.rack.labs[$0] }
    remove()
    try mustBeClear()
    bench.begin()
    take()
    rename()
    move()
    try mustBeClear()
    bench.begin()
    for entry in target.networks { attempt { this throws(Refusal) in try this.make(entry.name, entry.value) } }
    try mustBeClear()
    for entry in target.servers { attempt { this throws(Refusal) in try this.make(entry.name, entry.value) } }
    reattach()
    try mustBeClear()
    for entry in target.blocks { attempt { this throws(Refusal) in try this.make(entry.name, entry.value) } }
    try mustBeClear()
    bench.begin()
    giveAddresses()
    try mustBeClear()
  }

  private mutating func mustBeClear() throws(LabRefusal) {
    guard !conflicts.isEmpty else { return }
    throw .conflict(conflicts.count > 100 ? conflicts.prefix(100) + ["and \(conflicts.count - 100) more"] : conflicts)
  }

  private mutating func attempt(_ body: (inout Self) throws(Refusal) -> Void) {
    do { try body(&self) } catch { conflicts.append("\(error)") }
  }

  private mutating func run(_ command: Command) {
    attempt { this throws(Refusal) in try this.bench.run(command) }
  }

  // MARK: What is in the way

  private var goingServers: [(name: String, server: Server)] {
    let wanted = survey.servers
    let gone = view.belongings.servers.keys.filter { wanted[$0] == nil }.sorted()
    let anew = target.servers.map(\.name).filter { wanted[$0]?.isRecreated == true }
    return gone.compactMap { name in view.server(name).map { (name, $0) } }
      + anew.compactMap { name in wanted[name]?.existing.map { (name, $0) } }
  }

  private var goingNetworks: [(name: String, network: VirtualNetwork)] {
    let wanted = survey.networks
    let gone = view.belongings.networks.keys.filter { wanted[$0] == nil }.sorted()
    let anew = target.networks.map(\.name).filter { wanted[$0]?.isRecreated == true }
    return gone.compactMap { name in view.network(name).map { (name, $0) } }
      + anew.compactMap { name in wanted[name]?.existing.map { (name, $0) } }
  }

  private var goingBlocks: [(name: String, reservation: Reservation)] {
    let gone = view.belongings.reservations.keys.filter { blocks[$0] == nil }.sorted()
    let anew = target.blocks.map(\.name).filter { blocks[$0]?.isRecreated == true }
    return gone.compactMap { name in view.block(name).map { (name, $0) } }
      + anew.compactMap { name in blocks[name]?.existing.map { (name, $0) } }
  }

  private func obstacles() -> [String] {
    let rack = view.rack
    let taken = Set(survey.servers.values.filter(\.isTaken).compactMap { $0.existing?.id })
    func isOwn(_ server: Server) -> Bool { lab != nil && server.lab == lab?.id || taken.contains(server.id) }
    func whose(_ what: String, _ membership: LabMembership?) -> String {
      guard let membership else { return "\(what) exists and belongs to no lab; --adopt takes it into \(name)" }
      return "\(what) belongs to lab \((rack.labs[membership.lab]?.name ?? "?").quoted); a lab takes nothing of another"
    }
    var found: [String] = []
    for entry in target.networks {
      guard let subject = survey.networks[entry.name], subject.kept == nil, let number = entry.value.vxlan,
        let other = rack.network(numbered: number, in: subject.place, project: project),
        other.membership == nil || other.lab != lab?.id
      else { continue }
      found.append(whose("virtual network \(number) of \(subject.place.words)", other.membership))
    }
    for entry in target.servers where survey.servers[entry.name]?.existing == nil {
      guard let other = rack.server(named: entry.name, of: project), other.membership == nil || other.lab != lab?.id
      else { continue }
      found.append(whose("server \(other.hostname)", other.membership))
    }
    for (_, server) in goingServers where server.isLocked {
      found.append("\(server.hostname) is locked and cannot be deleted; unlock it first (locked: false)")
    }
    for (name, network) in goingNetworks {
      let strangers = rack.ports(carrying: network.id).filter { !isOwn($0.server) }
      if strangers.isEmpty { continue }
      found.append(
        "network \(name.quoted), virtual network \(network.vxlan) of \(network.place.words), is on "
          + LabWords.listed(strangers.map { "\($0.server.hostname) \($0.port.name.rawValue)" })
          + ", which is not of the lab; detach it there first")
    }
    let going = Set(goingBlocks.map(\.reservation.id))
    var changing = goingBlocks
    for entry in target.blocks where entry.value.server != nil {
      if let kept = blocks[entry.name]?.kept, !going.contains(kept.id) { changing.append((entry.name, kept)) }
    }
    for (name, reservation) in changing {
      let strangers = rack.assignments(of: reservation.id).filter { !isOwn($0.server) }
      if strangers.isEmpty { continue }
      found.append(
        "elastic block \(reservation.block), \(name.quoted), is assigned to "
          + LabWords.listed(strangers.map(\.server.hostname)) + ", which is not of the lab; unassign it there first")
    }
    return found
  }

  // MARK: What gives back

  private mutating func remove() {
    for (_, server) in goingServers {
      if case .namespace(let namespace, made: true) = server.place { freedNamespaces.insert(namespace) }
      run(.deleteServer(server.id))
    }
    let blocksGoing = goingBlocks
    for (_, reservation) in blocksGoing { unassign(reservation, but: nil) }
    for entry in target.blocks {
      guard let kept = blocks[entry.name]?.kept, let wanted = entry.value.server else { continue }
      unassign(kept, but: survey.servers[wanted]?.kept?.id)
    }
    for entry in target.servers {
      guard let server = survey.servers[entry.name]?.kept else { continue }
      detach(entry, server)
    }
    for entry in target.servers {
      guard let subject = survey.servers[entry.name], let server = subject.kept, let mode = subject.wanted,
        mode.layer == 2, server.mode != mode || server.members != mode.members
      else { continue }
      run(.setMode(server.id, mode))
    }
    for (_, reservation) in blocksGoing { run(.releaseBlock(reservation.id)) }
    for (_, network) in goingNetworks { run(.deleteNetwork(network.id)) }
  }

  private mutating func unassign(_ reservation: Reservation, but server: ServerID?) {
    for (holder, assignment) in bench.rack.assignments(of: reservation.id)
    where holder.id != server || assignment.block != reservation.block {
      run(.unassignBlock(assignment.id))
    }
  }

  /// Takes off ports what does not stay on them.
  private mutating func detach(_ entry: LabEntry<LabTarget.Server>, _ server: Server) {
    // From layer 2 one comes to hybrid-bonded by layer3, which has no networks on bond0; they are attached again then.
    let isEmptied = server.layer == 2 && survey.servers[entry.name]?.wanted == .hybridBonded
    for port in server.ports where !port.networks.isEmpty {
      var staying: Set<NetworkID>
      if isEmptied, port.name == .bond0, entry.value.ports[.bond0] != nil {
        staying = []
      } else if let wanted = entry.value.ports[port.name] {
        staying = Set(wanted.networks.compactMap { survey.networks[$0]?.kept?.id } + wanted.foreign)
      } else {
        staying = Set(port.networks)
        for network in port.networks {
          guard let membership = view.rack.networks[network]?.membership, membership.lab == lab?.id else { continue }
          guard let subject = survey.networks[membership.name] else {
            staying.remove(network)
            continue
          }
          guard subject.isRecreated else { continue }
          staying.remove(network)
          reattached.append((entry.name, port.name, membership.name, port.native == network))
        }
      }
      for network in port.networks where !staying.contains(network) { run(.unassign(port.id, .id(network))) }
    }
  }

  // MARK: Names and places

  private mutating func take() {
    guard let lab else { return }
    func membership(_ name: String) -> LabMembership { LabMembership(lab: lab.id, name: name) }
    for entry in target.networks {
      guard let subject = survey.networks[entry.name], subject.isTaken, let network = subject.kept else { continue }
      run(.lab(.take(.network(network.id), membership(entry.name))))
    }
    for entry in target.servers {
      guard let subject = survey.servers[entry.name], subject.isTaken, let server = subject.kept else { continue }
      run(.lab(.take(.server(server.id), membership(entry.name))))
    }
    for entry in target.blocks {
      guard let subject = blocks[entry.name], subject.isTaken, let block = subject.kept else { continue }
      run(.lab(.take(.reservation(block.id), membership(entry.name))))
    }
  }

  /// Hostnames that were changed by hand come back, in an order in which each is free when its turn comes.
  private mutating func rename() {
    var waiting = target.servers.compactMap { entry -> (name: String, id: ServerID)? in
      guard let server = survey.servers[entry.name]?.kept, server.hostname != entry.name else { return nil }
      return (entry.name, server.id)
    }
    while !waiting.isEmpty {
      let index = waiting.firstIndex { name, id in
        bench.rack.server(named: name, of: project).map { $0.id == id } ?? true
      }
      // Somebody's who is waiting, too: all are in a circle.
      let isCircle =
        index == nil
        && bench.rack.server(named: waiting[0].name, of: project).map { held in waiting.contains { $0.id == held.id } }
          == true
      let (name, id) = isCircle ? waiting[0] : waiting.remove(at: index ?? 0)
      if isCircle, let held = bench.rack.server(named: name, of: project) {
        set(held.id) { $0.hostname = "server-\(held.id.short)" }
      } else {
        set(id) { $0.hostname = name }
      }
      bench.begin()
      if !conflicts.isEmpty { return }
    }
  }

  private mutating func move() {
    var waiting = target.servers.filter { entry in
      guard let server = survey.servers[entry.name]?.kept, let place = entry.value.place else { return false }
      return !server.isPlaced(place, name: entry.name)
    }
    while !waiting.isEmpty {
      // First whoever goes where nobody is.
      let index = waiting.firstIndex { entry in
        switch entry.value.place {
        case .namespace(let namespace):
          !waiting.contains { survey.servers[$0.name]?.kept?.place.namespace == namespace }
        default: true
        }
      }
      let entry = waiting.remove(at: index ?? 0)
      guard let server = survey.servers[entry.name]?.kept, let place = entry.value.place else { continue }
      if case .namespace(let namespace, made: true) = server.place { freedNamespaces.insert(namespace) }
      let names =
        entry.value.eth0 == nil && entry.value.eth1 == nil || place == .host
        ? nil : NICNames(eth0: entry.value.eth0 ?? server.nicNames.eth0, eth1: entry.value.eth1 ?? server.nicNames.eth1)
      run(.lab(.move(server.id, request(place, hostname: entry.name), names)))
      bench.begin()
    }
  }

  private func request(_ place: LabPlace, hostname: String) -> PlaceRequest {
    var request =
      switch place {
      case .host: PlaceRequest.host
      case .netns, .vm: PlaceRequest.named
      case .namespace(let name): PlaceRequest.namespace(name)
      }
    request.mustBeOwn = rules.mustBeOwnPlace
    request.exists =
      request.namespace(hostname: hostname).map {
        rules.namespaces.contains($0) && !freedNamespaces.contains($0)
      } ?? false
    return request
  }

  private mutating func set(_ id: ServerID, _ change: (inout ServerUpdate) -> Void) {
    var update = ServerUpdate()
    change(&update)
    run(.updateServer(id, update))
  }

  // MARK: Networks

  private mutating func make(_ name: String, _ wanted: LabTarget.Network) throws(Refusal) {
    guard let lab, let subject = survey.networks[name] else { return }
    guard let old = subject.kept else {
      var request = NetworkRequest(
        project: project, place: subject.place, vxlan: wanted.vxlan,
        description: wanted.description.flatMap { $0.isEmpty ? nil : $0 }, tags: lab.marked(wanted.tags ?? []))
      request.membership = LabMembership(lab: lab.id, name: name)
      if case .network(let id) = try bench.run(.createNetwork(request)) { networks[name] = id }
      return
    }
    networks[name] = old.id
    let description = wanted.description.flatMap { $0 == old.description ?? "" ? nil : $0 }
    let tags = tags(wanted.tags, old.tags, isTaken: subject.isTaken, lab)
    if description != nil || tags != nil {
      try bench.run(.updateNetwork(old.id, description: description, tags: tags))
    }
  }

  /// nil: they are as they should be.
  private func tags(_ wanted: [String]?, _ old: [String], isTaken: Bool, _ lab: Lab) -> [String]? {
    guard let wanted else { return isTaken && !old.contains(lab.tag) ? old + [lab.tag] : nil }
    return lab.plain(old) == lab.plain(wanted) && old.contains(lab.tag) ? nil : lab.marked(wanted)
  }

  // MARK: Servers

  private mutating func make(_ name: String, _ wanted: LabTarget.Server) throws(Refusal) {
    guard let subject = survey.servers[name] else { return }
    let id = subject.kept == nil ? try create(name, wanted, subject) : try update(name, wanted, subject)
    servers[name] = id
    if let mode = subject.wanted { try setMode(of: id, to: mode) }
    for (nic, link) in (wanted.links ?? [:]).sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      try set(link, on: nic, of: id)
    }
    for port in PortName.allCases {
      if let port = wanted.ports[port].map({ (port, $0) }) { try attach(port.1, to: port.0, of: id) }
    }
  }

  private mutating func create(
    _ name: String, _ wanted: LabTarget.Server, _ subject: LabSurvey.Subject
  ) throws(Refusal) -> ServerID {
    guard let lab else { preconditionFailure("the lab is there before its servers") }
    let place = wanted.place ?? .netns
    var request = ServerRequest(
      hostname: name, plan: subject.plan, facility: subject.facility,
      operatingSystem: wanted.os ?? Catalogue.defaultOperatingSystem.slug, project: project,
      place: self.request(place, hostname: name))
    if place != .host {
      request.nicNames = NICNames(eth0: wanted.eth0 ?? "eth0", eth1: wanted.eth1 ?? "eth1")
      request.isConfigured = wanted.configure ?? false
    }
    request.details.description = wanted.description.flatMap { $0.isEmpty ? nil : $0 }
    request.details.tags = lab.marked(wanted.tags ?? [])
    request.details.userdata = wanted.userdata ?? ""
    request.isAwaited = rules.isAwaited
    request.membership = LabMembership(lab: lab.id, name: name)
    guard case .server(let id) = try bench.run(.createServer(request)) else {
      preconditionFailure("a created server is the subject")
    }
    if let mtu = wanted.mtu, mtu != Server.defaultMTU { try bench.run(.setMTU(id, mtu)) }
    return id
  }

  private mutating func update(
    _ name: String, _ wanted: LabTarget.Server, _ subject: LabSurvey.Subject
  ) throws(Refusal) -> ServerID {
    guard let lab, let id = subject.kept?.id, let old = bench.rack.servers[id] else {
      preconditionFailure("a server that stays is there")
    }
    var update = ServerUpdate()
    if let text = wanted.description, text != old.details.description ?? "" { update.description = text }
    update.tags = tags(wanted.tags, old.details.tags, isTaken: subject.isTaken, lab)
    if let text = wanted.userdata, text != old.details.userdata { update.userdata = text }
    if old.place != .host {
      let names = NICNames(eth0: wanted.eth0 ?? old.nicNames.eth0, eth1: wanted.eth1 ?? old.nicNames.eth1)
      if names != old.nicNames { update.nicNames = names }
      if let configure = wanted.configure, configure != old.isConfigured { update.isConfigured = configure }
    }
    if update != ServerUpdate() { try bench.run(.updateServer(id, update)) }
    if let mtu = wanted.mtu, mtu != old.mtu { try bench.run(.setMTU(id, mtu)) }
    if let os = wanted.os, os != old.operatingSystem {
      var installation = Installation(operatingSystem: os)
      installation.isAwaited = rules.isAwaited
      try bench.run(.reinstall(id, installation))
    }
    return id
  }

  private mutating func setMode(of id: ServerID, to mode: NetworkMode) throws(Refusal) {
    guard let server = bench.rack.servers[id] else { return }
    let isThere =
      switch mode {
      case .hybridBonded: server.layer == 3 && server.members == PortName.nics
      case .layer3, .hybrid, .layer2Bonded, .layer2Individual: server.mode == mode && server.members == mode.members
      }
    if isThere { return }
    if mode == .hybrid, server.mode == .hybrid, server.members == [.eth1] {
      try bench.run(.bond(server.eth0.id, bulk: false))
      try bench.run(.disbond(server.eth1.id, bulk: false))
    } else {
      try bench.run(.setMode(id, mode == .hybridBonded ? .layer3 : mode))
    }
  }

  private mutating func attach(_ wanted: LabTarget.Port, to name: PortName, of id: ServerID) throws(Refusal) {
    let wantedIDs = wanted.networks.compactMap { networks[$0] } + wanted.foreign
    guard let port = bench.rack.servers[id]?[name] else { return }
    let there = Set(port.networks)
    for network in wantedIDs where !there.contains(network) { try bench.run(.assign(port.id, .id(network))) }
    let native = wanted.native.flatMap { networks[$0] } ?? wanted.foreignNative
    guard let now = bench.rack.servers[id]?[name], now.networks.count > 1, now.native != native else { return }
    try bench.run(.setNative(port.id, native.map { .id($0) }))
  }

  /// Commands only what differs: a seed that is set once more would begin its sequence anew.
  private mutating func set(_ wanted: LabLink, on nic: PortName, of id: ServerID) throws(Refusal) {
    guard let old = bench.rack.servers[id]?.links[nic] else { return }
    let new = wanted.link
    var update = LinkUpdate()
    if new.isDown != old.isDown { update.isDown = new.isDown }
    if !new.toServer.isLike(old.toServer) { update.toServer = ImpairmentUpdate(from: old.toServer, to: new.toServer) }
    if !new.fromServer.isLike(old.fromServer) {
      update.fromServer = ImpairmentUpdate(from: old.fromServer, to: new.fromServer)
    }
    if update != LinkUpdate() { try bench.run(.setLink(id, nic, update)) }
  }

  private mutating func reattach() {
    for (server, port, network, wasNative) in reattached {
      guard let id = servers[server], let new = networks[network], let port = bench.rack.servers[id]?[port] else {
        continue
      }
      run(.assign(port.id, .id(new)))
      guard wasNative, let server = bench.rack.servers[id], server[port.name].networks.count > 1 else { continue }
      run(.setNative(port.id, .id(new)))
    }
  }

  // MARK: Address blocks

  private mutating func make(_ name: String, _ wanted: LabTarget.Block) throws(Refusal) {
    guard let lab, let subject = blocks[name] else { return }
    var reservation = subject.kept
    if reservation == nil {
      var request = BlockRequest(
        project: project, facility: subject.facility, length: wanted.size, note: Reservation.Note(tags: [lab.tag]))
      request.given = wanted.block.flatMap { try? IPPrefix(reading: $0) }
      request.membership = LabMembership(lab: lab.id, name: name)
      if case .reservation(let id) = try bench.run(.reserveBlock(request)) { reservation = bench.rack.reservations[id] }
    } else if subject.isTaken, let note = reservation?.note, !note.tags.contains(lab.tag) {
      try bench.run(.updateBlock(reservation!.id, BlockUpdate(tags: note.tags + [lab.tag])))
    }
    guard let reservation, let server = wanted.server.flatMap({ servers[$0] }),
      bench.rack.assignments(of: reservation.id).isEmpty
    else { return }
    try bench.run(.assignBlock(server, reservation.block))
  }

  private mutating func giveAddresses() {
    guard let lab else { return }
    var wanted: [ServerID: [Address.Kind: IPPrefix]] = [:]
    for entry in target.servers {
      guard let texts = entry.value.addresses, let id = servers[entry.name], let server = bench.rack.servers[id],
        server.layer == 3
      else { continue }
      var given: [Address.Kind: IPPrefix] = [:]
      for (kind, text) in texts {
        if let kind = Address.Kind(rawValue: kind), let block = try? IPPrefix(reading: text) { given[kind] = block }
      }
      let has = Dictionary(uniqueKeysWithValues: server.addresses.map { ($0.kind, $0.network) })
      if !given.isEmpty, given != has { wanted[id] = given }
    }
    if !wanted.isEmpty { run(.lab(.giveAddresses(lab.id, wanted))) }
  }
}
