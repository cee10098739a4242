import Cabling
import Dataplane
import Gateway
import Host
import Net
public import Rack
import Switching
import Wire

/// What the wire does, in the rack's words: the tables of the forwarding plane, and the links of its NICs. Nothing in
/// it is taken from the rack but names, so it can be compared with the rack.
public struct Forwarding: Hashable, Sendable {
  public var ports: [Port]
  public var nics: [NIC]

  public init(ports: [Port], nics: [NIC]) { (self.ports, self.nics) = (ports, nics) }

  public enum Owner: Hashable, Sendable {
    case server(ServerID, hostname: String, port: PortName)
    /// An uplink's interface, or the metadata service.
    case own(String)
    /// Nobody's that the rack knows.
    case unknown(index: Int)
  }

  public struct Port: Hashable, Sendable {
    public var owner: Owner
    /// `eth0` and `eth1`, or the name of an interface of the rack's own.
    public var members: [String]
    public var role: Role
    public var untagged: Domain?
    /// By VID.
    public var tagged: [Domain]
    /// Bytes; 0 of a port that is absent.
    public var mtu: Int
    /// What is routed to it: addresses and elastic blocks, as text, sorted.
    public var routes: [String]
    /// Sentences; empty unless tables contradict each other.
    public var faults: [String]
  }

  public enum Role: String, Hashable, Sendable { case absent, dark, routed, switched }

  public struct Domain: Hashable, Sendable {
    /// `nil`: a domain that no network has.
    public var network: NetworkID?
    /// The VID by which the domain is tagged.
    public var vxlan: Int
  }

  public struct NIC: Hashable, Sendable {
    public var server: ServerID
    public var hostname: String
    public var name: PortName
    /// Name of the interface, and the namespace where it is; `nil` is the daemon's own.
    public var interface: String
    public var namespace: String?
    /// The cable is plugged, as the forwarding plane has it.
    public var carrier: Bool
    /// And the server's interface is up.
    public var linkUp: Bool
  }
}

extension Control {
  /// What the wire does now. A server has three ports in it, those that are absent too. While changes are made it can
  /// be of two moments.
  public func forwarding() async -> Forwarding {
    let states = Dictionary(uniqueKeysWithValues: await dataplane.ports().map { ($0.port, $0) })
    let interfaces = await dataplane.interfaces()
    var ports: [Forwarding.Port] = []
    var seen: Set<PortIndex> = []
    for server in rack.servers.values.sorted(by: { $0.hostname < $1.hostname }) {
      for (port, name) in zip(wires.ports(of: server.id), PortName.allCases) {
        seen.insert(port)
        let owner = Forwarding.Owner.server(server.id, hostname: server.hostname, port: name)
        ports.append(describe(owner, states[port], interfaces[port]))
      }
    }
    for (port, state) in states.sorted(by: { $0.key.value < $1.key.value }) where !seen.contains(port) {
      let owner = gateway.names[port].map(Forwarding.Owner.own) ?? .unknown(index: port.value)
      ports.append(describe(owner, state, interfaces[port]))
    }
    return Forwarding(ports: ports, nics: nicsInUse())
  }

  private func nicsInUse() -> [Forwarding.NIC] {
    rack.servers.values.sorted { $0.hostname < $1.hostname }.flatMap { server -> [Forwarding.NIC] in
      guard let slot = wires.slotOf[server.id] else { return [] }
      return PortName.nics.compactMap { name in
        guard let location = host.locations[server.id]?[name] else { return nil }
        let nic = Wires.nic(name, slot: slot)
        return Forwarding.NIC(
          server: server.id, hostname: server.hostname, name: name, interface: location.device,
          namespace: location.namespace, carrier: dataplane.hasCarrier(nic), linkUp: dataplane.isLinkUp(nic))
      }
    }
  }

  private func describe(
    _ owner: Forwarding.Owner, _ state: PortState?, _ interface: InterfaceState?
  ) -> Forwarding.Port {
    let routes = (interface?.prefixes ?? []).map { prefix in
      prefix.isOne ? prefix.base.description : prefix.description
    }
    var port = Forwarding.Port(
      owner: owner, members: [], role: .absent, untagged: nil, tagged: [], mtu: 0, routes: routes.sorted(), faults: [])
    guard let state else { return port }
    switch owner {
    case .server: port.members = state.members.map { Wires.name(of: $0).rawValue }
    case .own(let name): port.members = [name]
    case .unknown: port.members = state.members.map { "\($0.value)" }
    }
    port.role =
      switch state.role {
      case .dark: .dark
      case .routed: .routed
      case .switched: .switched
      }
    port.untagged = state.untagged.map(describe)
    port.tagged = state.tagged.map(describe)
    (port.mtu, port.faults) = (state.mtu, state.faults)
    return port
  }

  private func describe(_ domain: PortState.Domain) -> Forwarding.Domain {
    Forwarding.Domain(network: wires.network(of: domain.index), vxlan: Int(domain.vid))
  }
}
