import Cabling
import Dataplane
import Logging
import Host
import Net
import Ports
import Rack
import Store
import Switching

/// What others do to the NICs while the daemon runs, and what is done about it.
///
/// Reports of the watch, attempts to make a lost NIC again and repairs wait as chores and are done between two groups
/// of commands, so that a command never meets one half done. A command that needs a server's NICs looks at them first
/// itself (`attend`): nobody is told success about an interface that went a moment ago.
extension Control {
  /// Starts the watch. What was different by the time is told as everything else.
  func startWatching() {
    do {
      let watch = try HostWatch(dataplane) { [weak self] report in
        self?.begin { [weak self] in await self?.take(report) }
      }
      self.watch = watch
      for server in rack.servers.values { watchNICs(of: server) }
    } catch {
      problems.raise(Problem(kind: "watch", text: "nobody watches the NICs for changes by others: \(error)"))
    }
  }

  /// Has the watch look after a server's NICs and its namespace's name from now on.
  func watchNICs(of server: Server) {
    guard let watch, let slot = wires.slotOf[server.id] else { return }
    for (name, location) in host.locations[server.id, default: [:]] { watchNIC(name, location, slot) }
    if let name = server.place.namespace, let home = host.homes[server.id] {
      watch.watch(name: name, of: server.id, leadingTo: home)
    }
  }

  func watchNIC(_ name: PortName, _ location: NICLocation, _ slot: Int) {
    let nic = Wires.nic(name, slot: slot)
    guard let place = location.place else { return }
    watch?.watch(nic, ticket: host.ticket(for: nic), at: place)
  }

  func stopWatchingNICs(of server: ServerID, slot: Int) {
    for nic in PortName.nics { watch?.forget(Wires.nic(nic, slot: slot)) }
    watch?.forgetName(of: server)
  }

  private func take(_ report: HostWatch.Report) {
    host.report.merge(report)
    doChores()
  }

  /// Sees to it that what waits is done.
  func doChores() {
    guard !isStopped, host.hasWork, queue.begin() else { return }
    begin { await self.performGroups() }
  }

  // MARK: Chores

  /// All that waits now. Between two groups.
  func performChores() async {
    let report = host.report
    host.report = HostWatch.Report()
    for (nic, news) in report.nics where host.tickets[nic] == news.ticket {
      guard let key = wires.key(of: nic), let server = rack.servers[key.server] else { continue }
      switch news.sighting {
      case .gone: await lose(key, server)
      case .at(let place):
        let madeName = host.locations[key.server]?[key.nic]?.madeName ?? place.name
        await found(key, server, nics.locate(place, of: server, madeName: madeName))
      }
    }
    for (id, state) in report.names { if let server = rack.servers[id] { await nameChanged(server, state) } }
    let due = host.toHeal
    host.toHeal = []
    for key in due where host.lost[key] != nil {
      if let server = rack.servers[key.server] { await heal(key, server) }
    }
    // One, for all who have asked for it; then a group of commands has its turn.
    if let repair = host.repairs.first {
      let asked = host.repairs.filter { $0.server == repair.server }
      host.repairs.removeAll { $0.server == repair.server }
      do {
        let done = try await repairNow(repair.server, by: repair.requester)
        for one in asked { one.continuation.resume(returning: done) }
      } catch {
        for one in asked { one.continuation.resume(throwing: error) }
      }
    }
    await writePlaces()
  }

  /// A NIC is at `location` now.
  func found(_ key: NICKey, _ server: Server, _ location: NICLocation) async {
    guard let old = host.locations[key.server]?[key.nic] else { return }
    var location = location
    let mark = nics.marks.mark(key.server, key.nic)
    let home = host.homes[key.server]
    let incidents = NICCondition.incidents(of: key.nic, server, from: old, to: location, home: home, mark: mark)
    // Taken away, as netplan and ifupdown do: it is for people and for cleanup, and nobody else's.
    if location.alias == nil, let slot = wires.slotOf[key.server], mayHeal(key) {
      do {
        try await nics.mark(key.nic, of: server, slot: slot)
        location.alias = mark
      } catch {
        logger.warning(
          "mark not set",
          metadata: ["server": "\(server.hostname)", "nic": "\(key.nic.rawValue)", "error": "\(error)"])
      }
    }
    settle(key, server, location)
    if old.mtu != location.mtu, let slot = wires.slotOf[key.server] {
      await dataplane.setMTU(location.mtu, of: Wires.nic(key.nic, slot: slot))
    }
    if old.device != location.device || old.space != location.space || old.index != location.index {
      host.unwritten.insert(key)
    }
    for incident in incidents { await tell(key, incident.type, incident.body, server) }
    if old.alias == mark, incidents.contains(where: { $0.type == "port.alias" }), location.alias == mark {
      await tell(key, "port.restored", "\(key.nic.rawValue) of \(server.hostname) has its alias again", server)
    }
  }

  /// Notes where a NIC is, and what is not as it should be there.
  func settle(_ key: NICKey, _ server: Server, _ location: NICLocation) {
    host.locations[key.server, default: [:]][key.nic] = location
    host.lost[key] = nil
    judge(key, server)
  }

  /// The problems of a NIC that is there.
  func judge(_ key: NICKey, _ server: Server) {
    guard let location = host.locations[key.server]?[key.nic] else { return }
    let found = NICCondition.problems(
      of: key.nic, server, at: location, home: host.homes[key.server], mark: nics.marks.mark(key.server, key.nic))
    for kind in NICCondition.kinds {
      if let problem = found.first(where: { $0.kind == kind }) {
        problems.raise(problem)
      } else {
        problems.clear(kind: kind, server: key.server, port: key.nic)
      }
    }
  }

  /// A NIC's interface is gone.
  func lose(_ key: NICKey, _ server: Server) async {
    guard let last = host.locations[key.server]?[key.nic] else { return }
    host.locations[key.server]![key.nic] = nil
    host.lost[key] = HostState.Loss(last: last, reason: "")
    for kind in NICCondition.kinds { problems.clear(kind: kind, server: key.server, port: key.nic) }
    await tell(
      key, "port.lost",
      "\(key.nic.rawValue) of \(server.hostname) is gone: somebody removed \(words(last))",
      server)
    await heal(key, server)
  }

  /// Makes a lost NIC again where it was attached, or says why not and when it is tried again.
  /// `isAsked`: for somebody who waits; whatever the pace, but once a second. In between the last reason is the answer.
  private func heal(_ key: NICKey, _ server: Server, isAsked: Bool = false) async {
    guard let slot = wires.slotOf[key.server] else { return }
    var pace = host.healing[key, default: HealingPace()]
    if isAsked, !pace.mayAsk(at: Clock.milliseconds()) { return }
    let pause = isAsked ? 0 : pace.wait(at: Clock.milliseconds())
    host.healing[key] = pace
    if pause == 0 {
      do {
        try await makeAgain(key, server, slot)
        await tell(key, "port.restored", "\(key.nic.rawValue) of \(server.hostname) was made again", server)
        return
      } catch {
        host.lost[key]?.reason = "\(error)"
        host.lost[key]?.isTaken = error is Refusal
      }
    }
    await rewire(server)
    raiseLost(key, server)
    healSoon(key, in: max(pause, HealingPace.shortest))
  }

  /// Tries again in `pause` milliseconds.
  func healSoon(_ key: NICKey, in pause: Instant) {
    begin { [weak self] in
      try? await Task.sleep(for: .milliseconds(Int(pause)))
      await self?.healLater(key)
    }
  }

  private func healLater(_ key: NICKey) {
    guard host.lost[key] != nil else { return }
    host.toHeal.insert(key)
    doChores()
  }

  func raiseLost(_ key: NICKey, _ server: Server) {
    let loss = host.lost[key]
    let reason =
      loss.flatMap { $0.reason.isEmpty ? nil : $0.reason }
      ?? loss?.last.map { "\(words($0)) was removed more than once" } ?? "its interface is gone"
    problems.raise(
      Problem(
        kind: "nic-lost", server: key.server, port: key.nic,
        text: "\(key.nic.rawValue) of \(server.hostname) is lost: \(reason); it is tried again within a minute, and by "
          + "'toprack server repair \(server.hostname)'"))
  }

  /// Makes a NIC instead of one that is lost: in `space`, or where the lost one was attached, or in the server's own
  /// namespace.
  func makeAgain(_ key: NICKey, _ server: Server, _ slot: Int, in space: NamespaceHandle? = nil) async throws {
    let index = Wires.nic(key.nic, slot: slot)
    let location = try await nics.makeAgain(
      key.nic, of: server, slot: slot, in: space ?? dataplane.home(of: index), mtu: host.lost[key]?.last?.mtu,
      record: host.lost[key]?.record?.thisRun)
    settle(key, server, location)
    watchNIC(key.nic, location, slot)
    await rewire(server)
    host.unwritten.insert(key)
    host.writtenAt = 0
    await writePlaces()
  }

  /// The programs of a server's ports as its NICs are now.
  func rewire(_ server: Server) async {
    var change = WireChange()
    change.rewired[server.id] = ServerImage(of: server, gateway.plan)
    await dataplane.follow(change, wires, host, rack.id)
  }

  /// Whether something may be done about a NIC by itself; at the pace of healing.
  private func mayHeal(_ key: NICKey) -> Bool {
    var pace = host.healing[key, default: HealingPace()]
    defer { host.healing[key] = pace }
    return pace.wait(at: Clock.milliseconds()) == 0
  }

  /// The name of a server's namespace leads elsewhere, or to it again.
  private func nameChanged(_ server: Server, _ state: HostWatch.NameState) async {
    guard let name = server.place.namespace else { return }
    let isNew: Bool
    switch state {
    case .whole:
      guard problems.clear(kind: "namespace-lost", server: server.id) != nil else { return }
      await note(
        "namespace.restored", "network namespace \(name) of \(server.hostname) has its name again", of: server.id)
      for nic in PortName.nics { await refresh(NICKey(server.id, nic), server) }
      return
    case .missing, .taken: isNew = problems.raise(Self.namespaceLost(server, name, isTaken: state == .taken))
    }
    if isNew {
      await note(
        "namespace.lost",
        state == .taken
          ? "another network namespace has the name \(name) of \(server.hostname)'s"
          : "network namespace \(name) of \(server.hostname) has lost its name", of: server.id)
    }
    for nic in PortName.nics { await refresh(NICKey(server.id, nic), server) }
  }

  /// What a namespace is called shows in the places of its NICs.
  private func refresh(_ key: NICKey, _ server: Server) async {
    guard let slot = wires.slotOf[server.id], let old = host.locations[server.id]?[key.nic],
      let (location, _) = try? await nics.look(key.nic, of: server, slot: slot, madeName: old.madeName)
    else { return }
    // As seen by the watch: its MTU may be another one, too, by now.
    await found(key, server, location)
  }

  static func namespaceLost(_ server: Server, _ name: String, isTaken: Bool) -> Problem {
    if !isTaken, let target = NetworkNamespaces.deadLink(name) {
      return Problem(
        kind: "namespace-lost", server: server.id,
        text:
          "network namespace \(name) of \(server.hostname) is gone: \(NetworkNamespaces.deadLinkWords(name, target)); "
          + "then 'toprack server repair \(server.hostname)' brings its NICs there")
    }
    return Problem(
      kind: "namespace-lost", server: server.id,
      text: isTaken
        ? "network namespace \(name) is not the one of \(server.hostname) any more: its NICs live on in one without a name; "
          + "'toprack server repair \(server.hostname)' makes them anew in the one that has the name"
        : "network namespace \(name) of \(server.hostname) is gone from /run/netns; its NICs, and processes in it, live on, but "
          + "nothing finds it by that name: 'toprack server repair \(server.hostname)' gives it the name again")
  }

  /// An event of a NIC, if it has not had too many.
  private func tell(_ key: NICKey, _ type: String, _ body: String, _ server: Server) async {
    guard host.eventPace[key, default: EventPace()].allows(at: Clock.milliseconds()) else { return }
    await note(type, body, of: server.id, port: key.nic)
  }

  /// Writes where NICs are that have moved. A second apart: a name can change thousands of times in one.
  func writePlaces() async {
    host.isWriteDue = false
    guard !host.unwritten.isEmpty else { return }
    let now = Clock.milliseconds()
    guard now >= host.writtenAt + 1_000 else {
      let pause = host.writtenAt + 1_000 - now
      begin { [weak self] in
        try? await Task.sleep(for: .milliseconds(Int(pause)))
        await self?.writeLater()
      }
      return
    }
    host.writtenAt = now
    let changes = host.unwritten.compactMap { key in
      host.locations[key.server]?[key.nic]?.record.map {
        NICPlaceChange(server: key.server, nic: key.nic, place: $0)
      }
    }
    host.unwritten = []
    do { try await writeApart([], places: changes) } catch {
      logger.error("places not written", metadata: ["error": "\(error)"])
    }
  }

  private func writeLater() {
    host.isWriteDue = !host.unwritten.isEmpty
    doChores()
  }

  // MARK: Commands

  /// Looks at the NICs that a command is about before it is decided. Throws what it would otherwise say success about.
  func attend(to command: Command) async throws {
    let (id, needsBoth): (ServerID, Bool)
    switch command {
    case .setMTU(let server, _), .setPower(let server, on: _), .reboot(let server): (id, needsBoth) = (server, true)
    case .updateServer(let server, let update) where update.nicNames != nil: (id, needsBoth) = (server, true)
    case .setMode(let server, _): (id, needsBoth) = (server, false)
    default: return
    }
    try await attend(to: id, needsBoth: needsBoth)
  }

  /// The same for what several commands have come to.
  func attend(to change: WireChange) async throws {
    let needBoth = Set(change.mtus.keys).union(change.names.keys).union(change.carriers.keys)
    for id in needBoth { try await attend(to: id, needsBoth: true) }
    for id in change.rewired.keys where !needBoth.contains(id) { try await attend(to: id, needsBoth: false) }
  }

  private func attend(to id: ServerID, needsBoth: Bool) async throws {
    // One that is made in the same group has just been made.
    guard let server = rack.servers[id], let slot = wires.slotOf[id] else { return }
    for nic in PortName.nics {
      let key = NICKey(id, nic)
      guard let old = host.locations[id]?[nic] else {
        if host.lost[key] != nil { await heal(key, server, isAsked: true) }
        continue
      }
      if let (location, _) = try await nics.look(nic, of: server, slot: slot, madeName: old.madeName) {
        if location != old { await found(key, server, location) }
      } else {
        await lose(key, server)
      }
    }
    let missing = PortName.nics.filter { host.locations[id]?[$0] == nil }
    guard missing.count > (needsBoth ? 0 : 1), let first = missing.first else { return }
    let why = problems.all.first { $0.server == id && $0.port == first && $0.kind != "storm" }?.text
    let message =
      why
      ?? "\(first.rawValue) of \(server.hostname) is lost; 'toprack server repair \(server.hostname)' makes it again"
    if host.lost[NICKey(id, first)]?.isTaken == true { throw Refusal.invalid(message) }
    throw Unavailable(message: message)
  }
}

extension NICLocation {
  /// For the watch.
  fileprivate var place: TAPPlace? {
    space.map { space in
      TAPPlace(
        namespace: space, index: index, name: device, alternativeName: alternative, alias: alias, mtu: mtu)
    }
  }
}

/// `interface eth0 in network namespace lab`.
private func words(_ location: NICLocation) -> String { place(location.device, location.namespace) }

extension Wires {
  /// The server's NIC that `nic` is; `nil` of the rack's own, and of one that is no server's now.
  func key(of nic: NICIndex) -> NICKey? { owner(of: nic).map { NICKey($0.server, $0.nic) } }
}
