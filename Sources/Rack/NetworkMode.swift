/// How a server's two NICs hang on the network.
///
///                      bond0 has      VLANs attach to    addresses
///     layer3           eth0, eth1     nothing            yes
///     hybrid           eth0           eth1               yes
///     layer2-bonded    eth0, eth1     bond0              no
///     layer2-individual  nobody       eth0, eth1         no
///     hybrid-bonded    eth0, eth1     bond0, tagged      yes
///
/// hybrid-bonded is what layer3 is called while a VLAN is on bond0, which a facility offers or not
/// (`Rack.offersHybridBonded(in:)`).
public enum NetworkMode: String, Hashable, Sendable, CaseIterable, Codable {
  case layer3, hybrid
  case layer2Bonded = "layer2-bonded"
  case layer2Individual = "layer2-individual"
  case hybridBonded = "hybrid-bonded"

  /// Those to which a server can be taken; the other one comes about by attaching a VLAN.
  public static let settable: [NetworkMode] = [.layer3, .hybrid, .layer2Bonded, .layer2Individual]

  /// 2 or 3: whether bond0 is switched or routed.
  public var layer: Int {
    switch self {
    case .layer3, .hybrid, .hybridBonded: 3
    case .layer2Bonded, .layer2Individual: 2
    }
  }

  /// The NICs that are in the bond.
  public var members: [PortName] {
    switch self {
    case .layer3, .layer2Bonded, .hybridBonded: [.eth0, .eth1]
    case .hybrid: [.eth0]
    case .layer2Individual: []
    }
  }

  /// The ports to which VLANs attach.
  public var switchedPorts: [PortName] {
    switch self {
    case .layer3: []
    case .hybrid: [.eth1]
    case .layer2Bonded, .hybridBonded: [.bond0]
    case .layer2Individual: [.eth0, .eth1]
    }
  }
}
