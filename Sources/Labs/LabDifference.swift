import Net
import Rack

/// What differs of a lab between two racks, as people are told.
///
/// It knows nothing of commands: whatever was done, this is what came of it.
struct LabDifference {
  let before: LabView
  let after: LabView
  /// The lab, as it is or was.
  let lab: Lab
  private(set) var changes: [LabChange] = []

  /// `order`: names in the order in which they are told.
  init(_ before: LabView, _ after: LabView, lab: Lab, order: LabTarget) {
    (self.before, self.after, self.lab) = (before, after, lab)
    for name in names(before.belongings.reservations, not: after.belongings.reservations) { removeBlock(name) }
    for name in names(before.belongings.servers, not: after.belongings.servers) { removeServer(name) }
    for name in names(before.belongings.networks, not: after.belongings.networks) { removeNetwork(name) }
    for entry in order.networks { compareNetwork(entry.name) }
    for entry in order.servers { compareServer(entry.name) }
    for entry in order.blocks { compareBlock(entry.name) }
  }

  private func names<ID>(_ one: [String: ID], not other: [String: ID]) -> [String] {
    one.keys.filter { other[$0] == nil }.sorted()
  }

  // MARK: Networks

  private func words(_ network: VirtualNetwork) -> String { "\(network.vxlan) in \(network.place.words)" }

  private mutating func removeNetwork(_ name: String) {
    guard let network = before.network(name) else { return }
    changes.append(LabChange(.remove, .network, name, from: words(network)))
  }

  private mutating func compareNetwork(_ name: String) {
    guard let new = after.network(name) else { return }
    // Its own before; or one that was nobody's.
    guard let old = before.network(name) ?? before.rack.networks[new.id] else {
      changes.append(LabChange(.create, .network, name, to: words(new)))
      return
    }
    if old == new { return }
    var list = KeyList(.network, name)
    if old.lab != lab.id { list.add("lab", nil, lab.name) }
    let op: LabChange.Operation = old.id == new.id ? .change : .recreate
    list.add("vxlan", "\(old.vxlan)", "\(new.vxlan)", op)
    switch (old.place, new.place) {
    case (.facility(let one), .facility(let other)): list.add("facility", one, other, op)
    case (.metro(let one), .metro(let other)): list.add("metro", one, other, op)
    case (_, .facility): list.add("facility", old.place.words, new.place.words, op)
    case (_, .metro): list.add("metro", old.place.words, new.place.words, op)
    }
    list.add("description", old.description, new.description)
    list.add("tags", lab.plain(old.tags).words, lab.plain(new.tags).words)
    if op == .recreate { list.lose("virtual network \(words(old)) is given back") }
    changes += list.changes
  }

  // MARK: Servers

  private mutating func removeServer(_ name: String) {
    guard let server = before.server(name) else { return }
    changes.append(
      LabChange(
        .remove, .server, name, from: words(server, before),
        losing: Self.given(server.blockWords + foreignBlocks(of: server).map { "\($0)" })))
  }

  /// Elastic blocks that are not of the lab.
  private func foreignBlocks(of server: Server) -> [IPPrefix] {
    server.blocks.filter { before.rack.reservations[$0.reservation]?.lab != lab.id }.map(\.block)
  }

  /// `c3.small.x86 in ewr1, hybrid, eth1: web`
  private func words(_ server: Server, _ view: LabView) -> String {
    let ports = server.ports.compactMap { port in view.words(port).map { "\(port.name.rawValue): \($0)" } }
    return (["\(server.plan) in \(server.facility)", server.mode.rawValue] + ports).joined(separator: ", ")
  }

  static func given(_ blocks: [String]) -> String? {
    blocks.isEmpty ? nil : "\(blocks.listed()) \(blocks.count == 1 ? "is" : "are") given back for good"
  }

  private func former(_ name: String, _ new: Server) -> Server? {
    if let own = before.server(name) ?? before.rack.servers[new.id] { return own }
    // Somebody's that was taken and made anew.
    guard let other = before.rack.server(named: name, of: lab.project), after.rack.servers[other.id] == nil else {
      return nil
    }
    return other
  }

  private mutating func compareServer(_ name: String) {
    guard let new = after.server(name) else { return }
    guard let old = former(name, new) else {
      changes.append(LabChange(.create, .server, name, to: words(new, after)))
      for nic in PortName.nics { compareLink(name, nic, NICLink(), new.links[nic]) }
      return
    }
    if old == new, PortName.allCases.allSatisfy({ words(old[$0]) == after.words(new[$0]) }) { return }
    var list = KeyList(.server, name)
    if old.lab != lab.id { list.add("lab", nil, lab.name) }
    let isRecreated = old.id != new.id
    let op: LabChange.Operation = isRecreated ? .recreate : .change
    list.add("plan", old.plan, new.plan, op)
    list.add("facility", old.facility, new.facility, op)
    list.add("hostname", old.hostname, new.hostname)
    list.add("mode", old.modeWords, new.modeWords)
    list.add("os", old.operatingSystem, new.operatingSystem)
    list.add("description", old.details.description, new.details.description)
    list.add("tags", lab.plain(old.details.tags).words, lab.plain(new.details.tags).words)
    if old.details.userdata != new.details.userdata {
      list.put("userdata", old.details.userdata.firstLine, new.details.userdata.firstLine)
    }
    list.add("mtu", "\(old.mtu)", "\(new.mtu)")
    list.add("place", old.placeWords(name: name), new.placeWords(name: name))
    list.add("nics", old.nicWords, new.nicWords)
    list.add("configure", "\(old.isConfigured)", "\(new.isConfigured)")
    let kept = Set(new.blockWords)
    let losing = Self.given(old.blockWords.filter { !kept.contains($0) })
    if isRecreated {
      if list.changes.isEmpty || list.changes.allSatisfy({ $0.op != .recreate }) {
        list.put(nil, words(old, before), words(new, after), .recreate)
      }
      list.lose([losing, "what the file does not name is as usual"].compactMap(\.self).joined(separator: "; "))
    } else if old.layer != new.layer {
      let unrouted = foreignBlocks(of: old).filter { block in !new.blocks.contains { $0.block == block } }
      let rest = unrouted.isEmpty ? nil : "\(unrouted.map { "\($0)" }.listed()) is routed to it no more"
      let all = [losing, rest].compactMap(\.self)
      if !all.isEmpty { list.lose(all.joined(separator: "; "), at: "mode") }
    } else if Set(old.blockWords) != kept {
      list.put("addresses", old.blockWords.words, new.blockWords.words)
      if let losing { list.lose(losing, at: "addresses") }
    }
    changes += list.changes
    for port in PortName.allCases { comparePort(name, old[port], new[port]) }
    for nic in PortName.nics { compareLink(name, nic, old.links[nic], new.links[nic]) }
  }

  /// Of a port as it was.
  private func words(_ port: Port) -> String? { before.words(port, later: after) }

  private mutating func comparePort(_ server: String, _ old: Port, _ new: Port) {
    var list = KeyList(.port, "\(server) \(new.name.rawValue)")
    list.add("networks", words(old), after.words(new))
    changes += list.changes
  }

  private mutating func compareLink(_ server: String, _ nic: PortName, _ old: NICLink, _ new: NICLink) {
    var list = KeyList(.link, "\(server) \(nic.rawValue)")
    for direction in LinkDirection.allCases {
      let (one, other) = (old[direction].words, new[direction].words)
      list.add(direction.rawValue, one.isEmpty ? nil : one, other.isEmpty ? nil : other)
    }
    list.add("down", "\(old.isDown)", "\(new.isDown)")
    changes += list.changes
  }

  // MARK: Address blocks

  private func words(_ reservation: Reservation, _ view: LabView) -> String {
    "/\(reservation.block.length) in \(reservation.facility)"
      + (view.holder(of: reservation).map { " for \(view.name(of: $0))" } ?? "")
  }

  private mutating func removeBlock(_ name: String) {
    guard let block = before.block(name) else { return }
    changes.append(
      LabChange(.remove, .address, name, from: words(block, before), losing: Self.given(["\(block.block)"])))
  }

  private mutating func compareBlock(_ name: String) {
    guard let new = after.block(name) else { return }
    guard let old = before.block(name) ?? before.rack.reservations[new.id] else {
      changes.append(LabChange(.create, .address, name, to: words(new, after)))
      return
    }
    var list = KeyList(.address, name)
    if old.lab != lab.id { list.add("lab", nil, lab.name) }
    let op: LabChange.Operation = old.id == new.id ? .change : .recreate
    list.add("size", "\(old.block.length)", "\(new.block.length)", op)
    list.add("facility", old.facility, new.facility, op)
    if op == .recreate {
      if list.changes.isEmpty { list.put("block", "\(old.block)", "\(new.block)", .recreate) }
      list.lose(Self.given(["\(old.block)"]))
    }
    list.add("server", holders(of: old, before), holders(of: new, after))
    changes += list.changes
  }

  /// `web1`; with parts `198.18.24.0/32 web1, …`.
  private func holders(of reservation: Reservation, _ view: LabView) -> String? {
    if let holder = view.holder(of: reservation) { return view.name(of: holder) }
    return view.rack.assignments(of: reservation.id).map { "\($0.assignment.block) \(view.name(of: $0.server))" }.words
  }
}

/// The changes of one thing, a key each.
struct KeyList {
  let kind: LabChange.Kind
  let name: String
  private(set) var changes: [LabChange] = []

  init(_ kind: LabChange.Kind, _ name: String) { (self.kind, self.name) = (kind, name) }

  /// Nothing when it is the same.
  mutating func add(_ key: String, _ from: String?, _ to: String?, _ op: LabChange.Operation = .change) {
    if from != to { put(key, from, to, op) }
  }

  mutating func put(_ key: String?, _ from: String?, _ to: String?, _ op: LabChange.Operation = .change) {
    changes.append(LabChange(op, kind, name, key: key, from: from, to: to))
  }

  /// At the first change, or the one of a key.
  mutating func lose(_ text: String?, at key: String? = nil) {
    let index = key == nil ? changes.indices.first : changes.firstIndex { $0.key == key }
    if let index { changes[index].losing = text }
  }
}

extension [String] {
  /// nil: none.
  fileprivate var words: String? { isEmpty ? nil : joined(separator: ", ") }
}

extension String {
  /// As much of a long text as stands in a line; nil: there is none.
  fileprivate var firstLine: String? {
    if isEmpty { return nil }
    let line = prefix { $0 != "\n" }.prefix(40)
    return line.count == count ? String(line) : "\(line)… (\(utf8.count) bytes)"
  }
}

extension Server {
  /// With what is unusual about it: single steps of the API lead to states that no mode is.
  fileprivate var modeWords: String {
    members.count == mode.members.count && (mode != .hybrid || members == mode.members)
      ? mode.rawValue
      : "\(mode.rawValue) with \(members.isEmpty ? "no NIC" : members.map(\.rawValue).listed()) in the bond"
  }

  fileprivate var nicWords: String {
    "\(nicNames.eth0), \(nicNames.eth1)"
  }
}
