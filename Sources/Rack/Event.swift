public import FoundationEssentials

/// What happened, for people and for those who watch: one for each command that changed something.
public struct Event: Hashable, Sendable {
  public let id: EventID
  /// What changed and how: `device.create`, `port.assign`.
  public let type: String
  /// One sentence.
  public let body: String
  public let createdAt: Date
  /// `nil`: it concerns the rack as a whole.
  public let project: ProjectID?
  public let server: ServerID?
  public let network: NetworkID?
  /// Who asked for it: a user or the name of a token.
  public var by: String?

  public init(
    id: EventID, type: String, body: String, createdAt: Date, project: ProjectID?, server: ServerID? = nil,
    network: NetworkID? = nil, by: String? = nil
  ) {
    (self.id, self.type, self.body, self.createdAt) = (id, type, body, createdAt)
    (self.project, self.server, self.network, self.by) = (project, server, network, by)
  }

  /// Stages of an installation have types of their own: clients read a number behind this word.
  private static let stage = "provisioning."
  static let queued = (type: "\(stage)100", body: "Queued for provisioning")
  static let complete = (type: "\(stage)110", body: "Provision complete")

  /// It tells of a stage of an installation, in the words of the original service.
  public var isStage: Bool { type.hasPrefix(Self.stage) }
}

extension Rack {
  /// The events of a command that was decided on this rack and changes something, in order. An installation has its
  /// first and its last stage beside its own: who waits for the machine waits for that. Where the rack waits until the
  /// operating system is heard, the last comes then.
  func events(of command: Command, _ outcome: Outcome, with source: inout some Entropy) -> [Event] {
    let story = story(of: command, outcome)
    func event(_ type: String, _ body: String) -> Event {
      Event(
        id: EventID(source.identifier()), type: type, body: body, createdAt: source.now,
        project: story.project, server: story.server, network: story.network)
    }
    let own = event(story.type, story.body)
    let complete = event(Event.complete.type, Event.complete.body)
    let isAwaited = outcome.changes.contains {
      if case .server(let server, replacing: _) = $0 { server.isProvisioning } else { false }
    }
    switch command {
    case .createServer:
      let keys = outcome.changes.compactMap { change in
        if case .sshKey(let key) = change {
          event("ssh_key.create", "SSH key \(key.label) added")
        } else {
          nil as Event?
        }
      }
      return [event(Event.queued.type, Event.queued.body), own] + keys + (isAwaited ? [] : [complete])
    case .reinstall: return isAwaited ? [own] : [own, complete]
    case .heard: return [own, complete]
    case .deleteMirror: return [own]
    default: return [own] + mirrorEvents(outcome, event)
    }
  }

  /// Of mirrors that go with something else.
  private func mirrorEvents(_ outcome: Outcome, _ event: (String, String) -> Event) -> [Event] {
    outcome.changes.compactMap { change in
      guard case .mirrorDeleted(let id) = change else { return nil }
      let story = storyOfMirror(mirrors[id], isNew: false)
      return event(story.type, story.body)
    }
  }

  struct Story {
    var type: String
    var body: String
    var project: ProjectID?
    var server: ServerID?
    var network: NetworkID?
  }

  private func story(of command: Command, _ outcome: Outcome) -> Story {
    var (old, new): (Server?, Server?)
    for case .server(let after, replacing: let before) in outcome.changes { (old, new) = (before, after) }

    func server(_ type: String, _ id: ServerID? = nil, _ text: (Server) -> String) -> Story {
      let server = new ?? id.flatMap { servers[$0] }
      return Story(type: type, body: server.map(text) ?? type, project: server?.project, server: server?.id)
    }
    func port(_ type: String, _ id: PortID, _ text: (String) -> String) -> Story {
      let place = self.port(id)
      let name = place.map { "\($0.port.name.rawValue) of \($0.server.hostname)" } ?? ""
      return Story(
        type: type, body: text(name) + modes(old, new), project: place?.server.project, server: place?.server.id)
    }
    func project(_ type: String, _ id: ProjectID, _ text: (String) -> String) -> Story {
      var name = projects[id]?.name ?? ""
      for case .project(let project) in outcome.changes { name = project.name }
      return Story(type: type, body: text(name), project: id)
    }
    func network(_ type: String, _ id: NetworkID, _ text: (VirtualNetwork) -> String) -> Story {
      var network = networks[id]
      for case .network(let after) in outcome.changes { network = after }
      return Story(type: type, body: network.map(text) ?? type, project: network?.project, network: id)
    }

    func key(_ type: String, _ owner: SSHKey.Owner?, _ label: String?, _ word: String) -> Story {
      let whose = owner == .user ? " of the user" : ""
      return Story(type: type, body: "SSH key \(label ?? "?")\(whose) \(word)", project: owner?.project)
    }

    switch (command, outcome.subject) {
    case (.createProject, .project(let id)): return project("project.create", id) { "project \($0) created" }
    case (.updateProject(let id, _, _, _), _): return project("project.update", id) { "project \($0) changed" }
    case (.deleteProject(let id), _):
      var story = project("project.delete", id) { "project \($0) deleted" }
      story.project = nil
      return story

    case (.createServer, _):
      return server("device.create") { server in
        let lab = server.membership.flatMap { labs[$0.lab] }.map { ", of lab \($0.name)" } ?? ""
        return "\(server.hostname) created: \(server.plan) in \(server.facility)" + lab
      }
    case (.deleteServer(let id), _): return server("device.delete", id) { "\($0.hostname) deleted" }
    case (.updateServer, _):
      return server("device.update") { server in
        server.hostname == old?.hostname
          ? "\(server.hostname) changed" : "\(old?.hostname ?? "") is \(server.hostname) now"
      }
    case (.setPower(let id, let on), _):
      return server(on ? "device.power_on" : "device.power_off", id) { "\($0.hostname) switched \(on ? "on" : "off")" }
    case (.reboot(let id), _): return server("device.reboot", id) { "\($0.hostname) rebooted" }
    case (.rescue(let id), _): return server("device.rescue", id) { "\($0.hostname) booted into rescue" }
    case (.reinstall(let id, _), _):
      return server("device.reinstall", id) { "\($0.hostname) reinstalled with \($0.operatingSystem)" }
    case (.heard(let id), _):
      return server("device.active", id) { "\($0.hostname) is active: its operating system was heard" }
    case (.setMode(let id, _), _):
      return server("device.mode", id) { "\($0.hostname) converted" + modes(old, new) }
    case (.setLink(let id, let nic, _), _): return storyOfLink(servers[id], new ?? servers[id], nic)
    case (.setMTU, _): return server("device.mtu") { "\($0.hostname) has MTU \($0.mtu)" }

    case (.createNetwork, .network(let id)):
      return network("virtual_network.create", id) { "virtual network \($0.vxlan) created in \($0.place.words)" }
    case (.updateNetwork(let id, _, _), _):
      return network("virtual_network.update", id) { "virtual network \($0.vxlan) of \($0.place.words) changed" }
    case (.deleteNetwork(let id), _):
      return network("virtual_network.delete", id) { "virtual network \($0.vxlan) of \($0.place.words) deleted" }

    case (.assign(let id, let reference), _):
      return port("port.assign", id) { "virtual network \(number(reference)) attached to \($0)" }
    case (.unassign(let id, let reference), _):
      return port("port.unassign", id) { "virtual network \(number(reference)) detached from \($0)" }
    case (.setNative(let id, let reference), _):
      return port("port.native", id) { name in
        reference.map { "virtual network \(number($0)) is native on \(name)" }
          ?? "no virtual network is native on \(name)"
      }
    case (.changeAssignments(let id, _), _):
      let entries = outcome.batch?.entries ?? []
      func numbers(_ isAssigned: Bool) -> String {
        let list = entries.filter { $0.isAssigned == isAssigned }.map { String($0.vxlan) }
        return list.isEmpty ? "none" : list.listed()
      }
      return port("port.batch", id) { "batch on \($0): assigned \(numbers(true)), unassigned \(numbers(false))" }
    case (.bond(let id, _), _): return port("port.bond", id) { "\($0) bonded" }
    case (.disbond(let id, _), _): return port("port.disbond", id) { "\($0) taken out of the bond" }
    case (.convertToLayer2(let id, _), _): return port("port.convert", id) { "\($0) converted to layer 2" }
    case (.convertToLayer3(let id, _), _): return port("port.convert", id) { "\($0) converted to layer 3" }

    case (.reserveBlock(let request), _):
      var block = "?"
      for case .reservation(let reservation) in outcome.changes { block = "\(reservation.block)" }
      return Story(type: "ip.reserve", body: "elastic block \(block) reserved", project: request.project)
    case (.releaseBlock(let id), _):
      let reservation = reservations[id]
      return Story(
        type: "ip.release", body: "elastic block \(reservation.map { "\($0.block)" } ?? "?") released",
        project: reservation?.project)
    case (.updateBlock(let id, _), _):
      let reservation = reservations[id]
      return Story(
        type: "ip.update", body: "elastic block \(reservation.map { "\($0.block)" } ?? "?") changed",
        project: reservation?.project)
    case (.assignBlock(_, let block), _):
      return server("ip.assign") { "elastic block \(block) assigned to \($0.hostname)" }
    case (.unassignBlock(let id), _):
      let block = assignment(id).map { "\($0.assignment.block)" } ?? "?"
      return server("ip.unassign") { "elastic block \(block) unassigned from \($0.hostname)" }

    case (.createSSHKey(let request), _): return key("ssh_key.create", request.owner, request.label, "added")
    case (.updateSSHKey(let id, let update), _):
      return key("ssh_key.update", sshKeys[id]?.owner, update.label ?? sshKeys[id]?.label, "changed")
    case (.deleteSSHKey(let id), _):
      return key("ssh_key.delete", sshKeys[id]?.owner, sshKeys[id]?.label, "removed")

    case (.createToken(let request), _):
      return Story(type: "token.create", body: "token \(request.name) created", project: request.project)
    case (.revokeToken(let id), _):
      return Story(type: "token.revoke", body: "token \(tokens[id]?.name ?? "?") revoked", project: tokens[id]?.project)
    case (.createMirror, _):
      var new: Mirror?
      for case .mirror(let mirror) in outcome.changes { new = mirror }
      return storyOfMirror(new, isNew: true)
    case (.deleteMirror(let id), _): return storyOfMirror(mirrors[id], isNew: false)
    case (.lab(let command), _): return story(of: command, outcome)
    case (.setAging(let seconds), _):
      return Story(type: "settings.update", body: "ageing time set to \(seconds) s")
    case (.setLACPRate(let fast), _):
      return Story(type: "settings.update", body: "LACP rate set to \(fast ? "fast" : "slow")")
    case (.setSwitches(let switches, let facility, let failed), _):
      return storyOfSwitches(switches, of: facility, failed: failed)
    case (.createProject, _), (.createNetwork, _): preconditionFailure("what is created is the subject")
    }
  }

  /// `: layer3 to hybrid`, when the mode changed.
  func modes(_ old: Server?, _ new: Server?) -> String {
    guard let old, let new, old.mode != new.mode else { return "" }
    return ": \(old.mode.rawValue) to \(new.mode.rawValue)"
  }

  private func number(_ reference: NetworkReference) -> String {
    switch reference {
    case .number(let number): String(number)
    case .id(let id): networks[id].map { String($0.vxlan) } ?? "\(id)"
    }
  }
}
