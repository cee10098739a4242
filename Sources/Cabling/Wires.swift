package import Gateway
package import Rack
package import Switching

/// The rack in the forwarding plane's terms: which small integers stand for a server's NICs and ports and for a
/// network, and what each port's program is.
///
/// A server has a slot s: NICs 2s and 2s+1, ports 3s+1 (bond0), 3s+2, 3s+3. The last NICs and ports are the rack's own:
/// its uplinks' and the metadata service's. The numbers mean nothing after a restart.
package struct Wires {
  /// NICs of the rack's own, and as many ports: an uplink for each facility at most, and the metadata service.
  package static let ownLimit = 16

  private var slots: IndexPool
  private var domains: IndexPool
  package private(set) var slotOf: [ServerID: Int] = [:]
  private var serverIn: [Int: ServerID] = [:]
  /// Of servers whose NICs are being made anew elsewhere: where those are that go.
  package private(set) var formerSlotOf: [ServerID: Int] = [:]
  package private(set) var domainOf: [NetworkID: DomainIndex] = [:]
  private var networkIn: [DomainIndex: NetworkID] = [:]

  private let limits: Switch.Limits

  package init(_ limits: Switch.Limits) {
    self.limits = limits
    slots = IndexPool(0..<min((limits.nics - Self.ownLimit) / 2, (limits.ports - 1 - Self.ownLimit) / 3))
    domains = IndexPool(1..<limits.domains)
  }

  package mutating func openSlot(for server: ServerID) throws(Unavailable) -> Int {
    guard let slot = slots.take() else { throw Unavailable(message: "the switch has no port left for another server") }
    slotOf[server] = slot
    serverIn[slot] = server
    return slot
  }

  package mutating func closeSlot(of server: ServerID) {
    guard let slot = slotOf.removeValue(forKey: server) else { return }
    serverIn[slot] = nil
    slots.giveBack(slot)
  }

  /// A second slot for the same server, which has its name from now on.
  package mutating func openNextSlot(for server: ServerID) throws(Unavailable) -> Int {
    let former = slotOf[server]
    let slot = try openSlot(for: server)
    formerSlotOf[server] = former
    return slot
  }

  /// The first of two is given up; or, with `isBack`, the second.
  package mutating func closeFormerSlot(of server: ServerID, isBack: Bool = false) {
    guard let former = formerSlotOf.removeValue(forKey: server) else { return }
    if isBack {
      closeSlot(of: server)
      slotOf[server] = former
    } else {
      serverIn[former] = nil
      slots.giveBack(former)
    }
  }

  package mutating func openDomain(for network: NetworkID) throws(Unavailable) {
    guard let value = domains.take() else {
      throw Unavailable(message: "the switch has no broadcast domain left for another virtual network")
    }
    domainOf[network] = DomainIndex(value)
    networkIn[DomainIndex(value)] = network
  }

  package mutating func closeDomain(of network: NetworkID) {
    guard let domain = domainOf.removeValue(forKey: network) else { return }
    networkIn[domain] = nil
    domains.giveBack(domain.value)
  }

  /// NIC and port number `number`, below `ownLimit`, of the rack's own.
  package func own(_ number: Int) -> (nic: NICIndex, port: PortIndex) {
    (NICIndex(limits.nics - 1 - number), PortIndex(limits.ports - 1 - number))
  }

  // MARK: Looking up

  package func ports(of server: ServerID) -> [PortIndex] {
    slotOf[server].map { slot in PortName.allCases.map { Self.port($0, slot: slot) } } ?? []
  }

  package func owner(of port: PortIndex) -> (server: ServerID, port: PortName)? {
    guard let server = serverIn[(port.value - 1) / 3] else { return nil }
    return (server, PortName.allCases[(port.value - 1) % 3])
  }

  /// The server's NIC that `nic` is; `nil` of the rack's own, and of one that is no server's now.
  package func owner(of nic: NICIndex) -> (server: ServerID, nic: PortName)? {
    serverIn[nic.value / 2].map { ($0, Self.name(of: nic)) }
  }

  package func network(of domain: DomainIndex) -> NetworkID? { networkIn[domain] }

  /// A server's NIC; not bond0.
  package static func nic(_ name: PortName, slot: Int) -> NICIndex { NICIndex(2 * slot + (name == .eth1 ? 1 : 0)) }
  package static func name(of nic: NICIndex) -> PortName { nic.value % 2 == 0 ? .eth0 : .eth1 }

  private static func port(_ name: PortName, slot: Int) -> PortIndex {
    PortIndex(3 * slot + 1 + PortName.allCases.firstIndex(of: name)!)
  }

  // MARK: Programs

  /// The transaction on the forwarding plane that follows a change: the domains, and what each port does. `attached`:
  /// the NICs of a server that are there.
  package func transaction(
    _ change: WireChange, attached: (ServerID) -> Set<PortName>
  ) -> (ForwardingChange, RoutingChange) {
    var (forwarding, routing) = (ForwardingChange(), RoutingChange())
    for id in change.moved.keys {
      if let slot = formerSlotOf[id] { silence(slot, &forwarding, &routing) }
    }
    for (id, image) in change.made.merging(change.moved, uniquingKeysWith: { $1 })
      .merging(change.rewired, uniquingKeysWith: { $1 })
    {
      guard let slot = slotOf[id] else { continue }
      let attached = attached(id)
      forwarding.ports.merge(programs(image.ports, slot: slot, attached)) { $1 }
      routing.interfaces[Self.port(.bond0, slot: slot)] = .some(interface(image, attached))
    }
    for id in change.removed {
      if let slot = slotOf[id] { silence(slot, &forwarding, &routing) }
    }
    for (id, vid) in change.opened { forwarding.domains.updateValue(vid, forKey: domainOf[id]!) }
    for id in change.closed { forwarding.domains.updateValue(nil, forKey: domainOf[id]!) }
    return (forwarding, routing)
  }

  /// The links whose impairments are others after a change. Of NICs that come only those that have one; of NICs that go
  /// all, so that whoever is there next has none.
  package func links(_ change: WireChange) -> [NICIndex: ServerImage.Link] {
    var links: [NICIndex: ServerImage.Link] = [:]
    func put(_ image: ServerImage.Links, _ slot: Int, all: Bool) {
      for name in PortName.nics where all || image[name] != ServerImage.Link() {
        links[Self.nic(name, slot: slot)] = image[name]
      }
    }
    for id in change.removed { if let slot = slotOf[id] { put(ServerImage.Links(), slot, all: true) } }
    for id in change.moved.keys { if let slot = formerSlotOf[id] { put(ServerImage.Links(), slot, all: true) } }
    for (id, image) in change.made.merging(change.moved, uniquingKeysWith: { $1 }) {
      if let slot = slotOf[id] { put(image.links, slot, all: false) }
    }
    for (id, image) in change.links { if let slot = slotOf[id] { put(image, slot, all: true) } }
    return links
  }

  private func silence(_ slot: Int, _ forwarding: inout ForwardingChange, _ routing: inout RoutingChange) {
    forwarding.ports.merge(Self.absence(slot: slot)) { $1 }
    routing.interfaces[Self.port(.bond0, slot: slot)] = .some(nil)
  }

  /// What each of the server's three ports does. A NIC that could not be attached is a member of nothing.
  private func programs(
    _ image: ServerImage.Ports, slot: Int, _ attached: Set<PortName>
  ) -> [PortIndex: PortProgram] {
    var programs = Self.absence(slot: slot)
    for port in image.wiring {
      let members = port.members.filter(attached.contains)
      guard !members.isEmpty else { continue }
      programs[Self.port(port.name, slot: slot)] = PortProgram(
        members: members.map { Self.nic($0, slot: slot) }, role: role(port.role),
        aggregation: port.name == .bond0 ? aggregation(image.bond, slot: slot) : nil)
    }
    return programs
  }

  private static func absence(slot: Int) -> [PortIndex: PortProgram] {
    Dictionary(uniqueKeysWithValues: PortName.allCases.map { (port($0, slot: slot), .absent) })
  }

  private func aggregation(_ bond: ServerImage.Bond, slot: Int) -> Aggregation {
    Aggregation(
      key: bond.key,
      places: [
        Aggregation.Place(nic: Self.nic(.eth0, slot: slot), portNumber: bond.eth0),
        Aggregation.Place(nic: Self.nic(.eth1, slot: slot), portNumber: bond.eth1),
      ],
      isStatic: bond.isStatic)
  }

  /// bond0's routed interface: nil while it is none.
  private func interface(_ image: ServerImage, _ attached: Set<PortName>) -> RoutedInterface? {
    guard image.ports.wiring.contains(where: { $0.role.isRouted && !attached.isDisjoint(with: $0.members) }) else {
      return nil
    }
    var interface = image.ports.interface
    interface?.mtu = image.mtu
    return interface
  }

  private func role(_ role: PortWiring.Role) -> PortProgram.Role {
    switch role {
    case .dark: .dark
    case .routed(let tagged): .routed(tagged: domains(tagged))
    case .switched(let untagged, let tagged):
      .switched(untagged: untagged.flatMap { domainOf[$0] }, tagged: domains(tagged))
    }
  }

  private func domains(_ networks: Set<NetworkID>) -> [DomainIndex] {
    networks.compactMap { domainOf[$0] }.sorted { $0.value < $1.value }
  }
}
