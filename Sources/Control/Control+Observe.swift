import Cabling
import Dataplane
public import FoundationEssentials
public import Host
public import Net
public import Rack
import Store
import Switching

/// A NIC as it is now.
public struct NICStatus: Hashable, Sendable {
  /// Name of the interface; `alternative` is the long name of one whose own had to be short.
  public var interface: String
  public var alternative: String?
  /// `nil`: the daemon's own.
  public var namespace: String?
  /// As its own system has set it.
  public var mtu: Int
  /// Whether the interface is up on the server's side, and its cable plugged.
  public var linkUp: Bool
  /// Whether frames cross by it now. Of a bond those members do on which LACP has agreed with the partner, and one
  /// while there is no partner. True for a NIC outside the bond.
  public var carries: Bool
  /// Seen from the switch: received is what the server sent. Since the NIC was attached.
  public var rxPackets: UInt64, rxBytes: UInt64, txPackets: UInt64, txBytes: UInt64
  /// Name of the reason (`no-vlan`, `bond-standby`, …) to frames; only those that are not 0.
  public var drops: [String: UInt64]
  /// The port that it belongs to, when the loop guard has shut it.
  public var shut: ShutPort?
  /// It sends more broadcasts, multicasts and frames to unknown stations than it may.
  public var storms: Bool

  public init(
    interface: String, alternative: String? = nil, namespace: String?, mtu: Int = Server.defaultMTU, linkUp: Bool,
    carries: Bool, rxPackets: UInt64, rxBytes: UInt64, txPackets: UInt64, txBytes: UInt64, drops: [String: UInt64],
    shut: ShutPort? = nil, storms: Bool = false
  ) {
    (self.shut, self.storms) = (shut, storms)
    (self.interface, self.alternative, self.namespace, self.mtu) = (interface, alternative, namespace, mtu)
    (self.linkUp, self.carries, self.drops) = (linkUp, carries, drops)
    (self.rxPackets, self.rxBytes, self.txPackets, self.txBytes) = (rxPackets, rxBytes, txPackets, txBytes)
  }
}

/// A MAC address heard on a port.
public struct Station: Hashable, Sendable {
  public var facility: String
  public var vxlan: Int
  public var network: NetworkID
  public var mac: MACAddress
  public var server: ServerID
  public var hostname: String
  public var port: PortName
  /// Seconds since it was last heard.
  public var age: Int
  /// How often it went to another port, as far as the switch remembers.
  public var moves: Int

  public init(
    facility: String, vxlan: Int, network: NetworkID, mac: MACAddress, server: ServerID, hostname: String,
    port: PortName, age: Int, moves: Int
  ) {
    self.moves = moves
    (self.facility, self.vxlan, self.network, self.mac) = (facility, vxlan, network, mac)
    (self.server, self.hostname, self.port, self.age) = (server, hostname, port, age)
  }
}

/// The daemon as a whole.
public struct Status: Hashable, Sendable {
  public var version: String
  public var rackID: UUID
  /// Where the daemon's database is, as it calls the place; `nil`: not for this caller.
  public var stateDirectory: String?
  public var startedAt: Date
  public var servers: Int, networks: Int
  public var stations: Int, stationLimit: Int, stationsEvicted: UInt64, stationsRefused: UInt64
  /// Moves of stations from one port to another, since the start.
  public var stationMoves: UInt64
  /// Floods a second that a NIC may send; 0: as many as it likes.
  public var stormLimit: Int
  public var workers: Int
  /// `io_uring` or `read/write`.
  public var ioDriver: String
  /// NICs at the last start.
  public var adopted: Int, made: Int, removed: Int
  /// Empty when all is well.
  public var problems: [Problem]
}

extension Control {
  /// Where the NICs of all servers are. One that could not be attached is left out, and named by `status`.
  public var interfaces: [ServerID: [PortName: NICLocation]] { host.locations }

  /// `eth0` and `eth1` as they are now. A NIC that could not be attached is left out, and named by `status`.
  public func counters(of server: ServerID) async -> [PortName: NICStatus] {
    guard let slot = wires.slotOf[server] else { return [:] }
    var result: [PortName: NICStatus] = [:]
    for (nic, location) in host.locations[server, default: [:]] {
      let index = Wires.nic(nic, slot: slot)
      let counters = dataplane.counters(of: index)
      let marks = marks(of: nic, server, slot: slot)
      result[nic] = NICStatus(
        interface: location.device, alternative: location.alternative, namespace: location.namespace,
        mtu: location.mtu, linkUp: dataplane.isLinkUp(index), carries: await dataplane.carries(index),
        rxPackets: counters.rxPackets, rxBytes: counters.rxBytes, txPackets: counters.txPackets,
        txBytes: counters.txBytes, drops: counters.drops, shut: marks.shut, storms: marks.storms)
    }
    return result
  }

  /// Forgets those stations. Returns how many there were.
  public func flushStations(of server: ServerID?, vxlan: Int?, by requester: Requester? = nil) async -> Int {
    var count = 0
    for query in queries(server, vxlan) { count += await dataplane.flush(query) }
    let whose = server.map { " of \(rack.servers[$0]?.hostname ?? "\($0)")" } ?? ""
    let place = vxlan.map { " in virtual networks \($0)" } ?? ""
    logChange(
      "\(count) stations\(whose)\(place) forgotten", "fdb.flush", of: server,
      server.flatMap { rack.servers[$0]?.project }, by: requester)
    return count
  }

  /// One query, or one for each network of the number: it can be in use in several facilities and projects.
  private func queries(_ server: ServerID?, _ vxlan: Int?) -> [StationQuery] {
    let ports = server.map { Set(wires.ports(of: $0)) }
    if ports?.isEmpty == true { return [] }
    guard let vxlan else { return [StationQuery(domain: nil, ports: ports)] }
    return rack.networks.values.filter { $0.vxlan == vxlan }.compactMap { wires.domainOf[$0.id] }
      .map { StationQuery(domain: $0, ports: ports) }
  }

  public func status() async -> Status {
    let stations = await dataplane.stationStatistics()
    return Status(
      version: start.version, rackID: rack.id, stateDirectory: store.directoryPath, startedAt: start.at,
      servers: rack.servers.count, networks: rack.networks.count, stations: stations.count,
      stationLimit: stations.limit,
      stationsEvicted: stations.evicted, stationsRefused: stations.refused, stationMoves: stations.moved,
      stormLimit: dataplane.stormLimit, workers: dataplane.workers,
      ioDriver: dataplane.driver, adopted: start.adopted, made: start.made, removed: start.removed,
      problems: await allProblems())
  }

  /// What is wrong, as far as it is known without looking at each namespace: those of the start, those since, and the
  /// gateway's. The watch finds the others within a second.
  public var knownProblems: [Problem] {
    get async {
      let ofGateway = await gateway.problems().map { Problem(kind: "gateway", text: $0) }
      return ownProblems + ofGateway
    }
  }

  private var ownProblems: [Problem] {
    (start.problems.map { Problem(kind: "start", text: $0) } + problems.all + mirrorProblems())
      .sorted { $0.text < $1.text }
  }

  /// The same, and those that are looked for now.
  private func allProblems() async -> [Problem] {
    let ofGateway = await gateway.problems().map { Problem(kind: "gateway", text: $0) }
    return ownProblems + lostNamespaces() + ofGateway
  }

  /// Those that the watch has not told of yet.
  private func lostNamespaces() -> [Problem] {
    rack.servers.values.compactMap { server -> Problem? in
      guard let name = server.place.namespace, !problems.contains(kind: "namespace-lost", server: server.id) else {
        return nil
      }
      let file = NetworkNamespaces.file(of: name)
      if let home = host.homes[server.id], let file, file.isSame(as: home) { return nil }
      return Self.namespaceLost(server, name, isTaken: file != nil)
    }.sorted { $0.text < $1.text }
  }

  /// What is wrong with servers, as far as it is known without looking, by server.
  public var problemsOfServers: [ServerID: [Problem]] {
    Dictionary(grouping: problems.all.filter { $0.server != nil }.sorted { $0.text < $1.text }) { $0.server! }
  }
}
