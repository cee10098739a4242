import Dataplane
import Gateway
import Host
import Net
import Rack
import Switching
import Wire

/// The rack in the forwarding plane's terms: which small integers stand for a server's NICs and ports and for a
/// network, and what each port's program is.
///
/// A server has a slot s: NICs 2s and 2s+1, ports 3s+1 (bond0), 3s+2, 3s+3. The last NICs and ports are the rack's own:
/// its uplinks' and the metadata service's. The numbers mean nothing after a restart.
struct Wires {
  /// NICs of the rack's own, and as many ports: an uplink for each facility at most, and the metadata service.
  static let ownLimit = 16

  private var slots: IndexPool
  private var domains: IndexPool
  private(set) var slotOf: [ServerID: Int] = [:]
  private var serverIn: [Int: ServerID] = [:]
  private(set) var domainOf: [NetworkID: DomainIndex] = [:]
  private var networkIn: [DomainIndex: NetworkID] = [:]
  /// The NICs that are attached, and where they are.
  var locations: [ServerID: [PortName: NICLocation]] = [:]

  private let limits: Switch.Limits

  init(_ limits: Switch.Limits) {
    self.limits = limits
    slots = IndexPool(0..<min((limits.nics - Self.ownLimit) / 2, (limits.ports - 1 - Self.ownLimit) / 3))
    domains = IndexPool(1..<limits.domains)
  }

  mutating func openSlot(for server: ServerID) throws(Unavailable) -> Int {
    guard let slot = slots.take() else { throw Unavailable(message: "the switch has no port left for another server") }
    slotOf[server] = slot
    serverIn[slot] = server
    return slot
  }

  mutating func closeSlot(of server: ServerID) {
    locations[server] = nil
    guard let slot = slotOf.removeValue(forKey: server) else { return }
    serverIn[slot] = nil
    slots.giveBack(slot)
  }

  mutating func openDomain(for network: NetworkID) throws(Unavailable) {
    guard let value = domains.take() else {
      throw Unavailable(message: "the switch has no broadcast domain left for another virtual network")
    }
    domainOf[network] = DomainIndex(value)
    networkIn[DomainIndex(value)] = network
  }

  mutating func closeDomain(of network: NetworkID) {
    guard let domain = domainOf.removeValue(forKey: network) else { return }
    networkIn[domain] = nil
    domains.giveBack(domain.value)
  }

  /// NIC and port number `number`, below `ownLimit`, of the rack's own.
  func own(_ number: Int) -> (nic: NICIndex, port: PortIndex) {
    (NICIndex(limits.nics - 1 - number), PortIndex(limits.ports - 1 - number))
  }

  // MARK: Looking up

  func ports(of server: ServerID) -> [PortIndex] {
    slotOf[server].map { slot in PortName.allCases.map { Self.port($0, slot: slot) } } ?? []
  }

  func owner(of port: PortIndex) -> (server: ServerID, port: PortName)? {
    guard let server = serverIn[(port.value - 1) / 3] else { return nil }
    return (server, PortName.allCases[(port.value - 1) % 3])
  }

  /// The server's NIC that `nic` is; `nil` of the rack's own, and of one that is no server's now.
  func key(of nic: NICIndex) -> NICKey? { serverIn[nic.value / 2].map { NICKey($0, NICs.name(of: nic)) } }

  func network(of domain: DomainIndex) -> NetworkID? { networkIn[domain] }

  private static func port(_ name: PortName, slot: Int) -> PortIndex {
    PortIndex(3 * slot + 1 + PortName.allCases.firstIndex(of: name)!)
  }

  // MARK: Programs

  /// What each of the server's three ports does. A NIC that could not be attached is a member of nothing.
  func programs(for server: Server) -> [PortIndex: PortProgram] {
    guard let slot = slotOf[server.id] else { return [:] }
    var programs = absence(of: server.id)
    for port in server.wiring {
      let members = port.members.filter { locations[server.id]?[$0] != nil }
      guard !members.isEmpty else { continue }
      programs[Self.port(port.name, slot: slot)] = PortProgram(
        members: members.map { NICs.index($0, slot: slot) }, role: role(port.role),
        aggregation: port.name == .bond0 ? aggregation(of: server, slot: slot) : nil)
    }
    return programs
  }

  private func aggregation(of server: Server, slot: Int) -> Aggregation {
    Aggregation(
      key: UInt16(server.lacpKey),
      places: PortName.nics.map {
        Aggregation.Place(nic: NICs.index($0, slot: slot), portNumber: UInt16(server.lacpPort($0)))
      },
      isStatic: server.bondingMode != .lacp)
  }

  /// The programs of a server that is going.
  func absence(of server: ServerID) -> [PortIndex: PortProgram] {
    Dictionary(uniqueKeysWithValues: ports(of: server).map { ($0, .absent) })
  }

  /// bond0's routed interface: nil while it is none. Nothing for a server that has no slot.
  func interfaces(for server: Server, _ plan: RoutingPlan) -> [PortIndex: RoutedInterface?] {
    guard let slot = slotOf[server.id] else { return [:] }
    let isRouted = server.wiring.contains { port in
      port.role.isRouted && port.members.contains { locations[server.id]?[$0] != nil }
    }
    return [Self.port(.bond0, slot: slot): isRouted ? plan.interface(of: server) : nil]
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

extension VirtualNetwork {
  /// The number as a tag carries it. Networks are numbered 2...3999, which all are VIDs.
  var vid: VLANID { VLANID(vxlan)! }
}
