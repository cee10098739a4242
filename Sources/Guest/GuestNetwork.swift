import Net
public import Rack

/// What a kernel can beside plain interfaces. Whether it can is found out by trying.
public struct KernelAbilities: Hashable, Sendable {
  public var bonding: Bool
  /// 8021q.
  public var vlans: Bool

  public init(bonding: Bool = true, vlans: Bool = true) { (self.bonding, self.vlans) = (bonding, vlans) }
}

/// How the interfaces in a server's namespace have to be set up for its mode now: a pure function of the rack, of what
/// the NICs are called, and of what the kernel can.
///
/// Without bonding the first NIC of bond0 is used alone, and the others stay down: as it then speaks no LACP, the
/// switch carries by it. Without 8021q tagged VLANs are left out. `summary` says so.
public struct GuestNetwork: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case nic
    case bond(BondingMode)
    case vlan(Int, on: String)

    /// Not one that is there anyway.
    var isMade: Bool { self != .nic }
  }

  public struct Interface: Hashable, Sendable {
    public var name: String
    public var kind: Kind
    /// Of what is made; a NIC's is its own system's.
    public var mtu: Int?
    public var mac: String?
    /// The bond that it is in.
    public var master: String?
    public var isUp = true
    /// With their lengths.
    public var addresses: [String] = []
    public var routes: [Route] = []
  }

  public struct Route: Hashable, Sendable {
    /// `default`, or a block.
    public var destination: String
    public var gateway: String
    public var isDefault: Bool { destination == "default" }
  }

  /// bond0, the NICs, VLANs: what is made comes after what it is made of, but the bond, which its NICs join.
  public var interfaces: [Interface] = []
  /// One line: what is set up, and what the kernel does not have for it.
  public var summary: String

  /// Nothing of ours.
  public static let none = GuestNetwork(interfaces: [], summary: "")

  init(interfaces: [Interface], summary: String) { (self.interfaces, self.summary) = (interfaces, summary) }

  /// - Parameter names: what the NICs are called now, whoever has named them.
  public init(of server: Server, in rack: Rack, names: NICNames, abilities: KernelAbilities = KernelAbilities()) {
    var (bonds, nics, vlans): ([Interface], [Interface], [Interface]) = ([], [], [])
    var words: [String] = []
    for wiring in server.wiring {
      let members = wiring.members.map { names[$0] }
      var port = Interface(name: members[0], kind: .nic)
      var stem = names.stem(of: wiring.members[0])
      if wiring.name == .bond0 {
        if abilities.bonding {
          let name = PortName.bond0.rawValue
          (port.name, port.kind, stem) = (name, .bond(server.bondingMode), name)
          (port.mtu, port.mac) = (server.mtu, server.eth0.mac?.description)
          nics += members.map { Interface(name: $0, kind: .nic, master: name) }
          words.append("bond0 of \(Self.list(members)) in \(server.bondingMode.name)")
        } else {
          words.append("the kernel has no bonding: \(port.name) alone is used")
          nics += members.dropFirst().map { Interface(name: $0, kind: .nic, isUp: false) }
        }
      }
      func numbers(_ ids: Set<NetworkID>) -> [Int] { ids.compactMap { rack.networks[$0]?.vxlan }.sorted() }
      var (untagged, tagged): (Int?, [Int]) = (nil, [])
      switch wiring.role {
      case .dark: break
      case .routed(let ids):
        tagged = numbers(ids)
        port.addresses = server.addresses.map { "\($0.address)/\($0.network.length)" }
        port.addresses += server.blocks.flatMap { Array($0.block.parts(32)) }.map { $0.description }
        port.routes = rack.guestRoutes(of: server).map { route in
          Route(destination: route.destination.map(\.description) ?? "default", gateway: route.gateway)
        }
      case .switched(let id, let ids): (untagged, tagged) = (id.flatMap { rack.networks[$0]?.vxlan }, numbers(ids))
      }
      words += Self.words(port.name, wiring.role.isRouted, untagged, abilities.vlans ? tagged : [])
      if abilities.vlans {
        vlans += tagged.map { Interface(name: "\(stem).\($0)", kind: .vlan($0, on: port.name), mtu: server.mtu) }
      } else if !tagged.isEmpty {
        words.append("the kernel has no 8021q: \(Self.count(tagged)) of \(port.name), tagged, not set up")
      }
      if port.kind == .nic { nics.append(port) } else { bonds.append(port) }
    }
    interfaces = bonds + nics + vlans
    summary = words.joined(separator: "; ")
  }

  private static func words(_ name: String, _ isRouted: Bool, _ untagged: Int?, _ tagged: [Int]) -> [String] {
    var words = isRouted ? ["routed"] : []
    if let untagged { words.append("VLAN \(untagged) untagged") }
    if !tagged.isEmpty { words.append("\(count(tagged)) tagged") }
    return words.isEmpty ? [] : ["\(name) \(words.joined(separator: ", "))"]
  }

  /// `VLAN 1001`, `VLANs 1001, 1002`, `12 VLANs`.
  private static func count(_ numbers: [Int]) -> String {
    guard numbers.count <= 8 else { return "\(numbers.count) VLANs" }
    return (numbers.count == 1 ? "VLAN " : "VLANs ") + numbers.map(String.init).joined(separator: ", ")
  }

  private static func list(_ names: [String]) -> String { names.joined(separator: " and ") }

  subscript(name: String) -> Interface? { interfaces.first { $0.name == name } }
}
