// The members of the API's objects that tables show.

struct Device: Decodable {
  struct Plan: Decodable { let slug: String }
  struct Facility: Decodable { let code: String }
  struct Project: Decodable { let id: String, name: String }
  struct Address: Decodable, Block {
    let id: String, address: String, cidr: Int, gateway: String?
    let isPublic: Bool, management: Bool
    enum CodingKeys: String, CodingKey { case id, address, cidr, gateway, isPublic = "public", management }

    var kind: String { management ? (isPublic ? "public" : "private") : "elastic" }
  }
  struct Port: Decodable {
    struct Data: Decodable { let bonded: Bool, mac: String? }
    let id: String, name: String, data: Data
    let virtualNetworks: [Network.Brief]
    let nativeVirtualNetwork: Network.Brief?
    /// The server's mode; of bond0 only.
    let networkType: String?
  }
  struct Toprack: Decodable {
    let mode: String, place: String, namespace: String?, interfaces: [String: String], mtu: Int
  }

  let id: String, hostname: String, createdAt: String
  let plan: Plan, facility: Facility, project: Project
  let ipAddresses: [Address], networkPorts: [Port]
  let toprack: Toprack

  /// The port of that name; fails as a refusal that lists the ports.
  func port(_ name: String) throws -> Port {
    guard let port = networkPorts.first(where: { $0.name == name }) else {
      let valid = networkPorts.map(\.name).joined(separator: ", ")
      throw Failure.refused("\(hostname) has no port \"\(name)\"; valid are \(valid)")
    }
    return port
  }

  /// "host", or the namespace.
  var place: String { toprack.namespace.map { "netns \($0)" } ?? "host" }
}

struct DeviceList: Decodable { let devices: [Device] }

/// What a change of mode did, beside the device.
struct ModeChange: Decodable {
  struct Change: Decodable { let changed: Bool, released: [String], unassigned: [String], given: [String] }
  let change: Change
}

struct NetworkConfig: Decodable { let text: String }

/// Addresses as `198.18.24.0/30`.
protocol Block {
  var address: String { get }
  var cidr: Int { get }
}

extension Block {
  var text: String { "\(address)/\(cidr)" }
  /// Whether a user means it: a single address can be without a length.
  func isBlock(_ reference: String) -> Bool { text == reference || cidr == 32 && address == reference }
}

struct Reservation: Decodable, Block {
  let id: String, address: String, cidr: Int, facility: Device.Facility
}

/// An address of a server, elastic or its own, with the names of both.
struct NamedAddress: Decodable, Block {
  struct Toprack: Decodable { let server: String, project: String }
  struct Parent: Decodable, Block {
    let id: String, network: String, cidr: Int
    var address: String { network }
  }
  let id: String, address: String, cidr: Int, gateway: String?, facility: Device.Facility, toprack: Toprack
  let isPublic: Bool, management: Bool, parentBlock: Parent?
  enum CodingKeys: String, CodingKey {
    case id, address, cidr, gateway, facility, toprack, isPublic = "public", management, parentBlock
  }

  var kind: String { management ? (isPublic ? "public" : "private") : "elastic" }
}

struct NamedReservation: Decodable, Block {
  struct Toprack: Decodable { let servers: [String], project: String }
  let id: String, address: String, cidr: Int, facility: Device.Facility, toprack: Toprack
}

struct AddressList: Decodable {
  let ipAddresses: [NamedAddress], ipReservations: [NamedReservation]
}

struct Network: Decodable {
  struct Brief: Decodable { let id: String, vxlan: Int }
  struct Link: Decodable { let href: String }
  struct Project: Decodable { let id: String, name: String }

  let id: String, vxlan: Int, facilityCode: String, description: String?
  let assignedTo: Project, instances: [Link]
}

struct NetworkList: Decodable { let virtualNetworks: [Network] }

/// A port as the switch sees it.
struct WirePort: Decodable {
  struct VLAN: Decodable {
    let vxlan: Int, id: String, tagged: Bool, native: Bool

    var text: String { native ? "\(vxlan) native" : "\(vxlan) \(tagged ? "tagged" : "untagged")" }
  }
  struct Member: Decodable { let name: String, linkUp: Bool, carries: Bool }

  let name: String, server: String, mode: String, bonded: Bool, linkUp: Bool, mtu: Int
  let vlans: [VLAN]
  let rxPackets: Int, rxBytes: Int, txPackets: Int, txBytes: Int
  let drops: [String: Int]
  let mac: String?, interface: String?, namespace: String?
  let carries: Bool?
  let members: [Member]?
}

/// A NIC in a bond as LACP sees it.
struct LACPMember: Decodable {
  struct Counters: Decodable { let lacpdusReceived: Int, lacpdusSent: Int }

  let server: String, port: String, linkUp: Bool, collecting: Bool, distributing: Bool, fallback: Bool
  let actorSystem: String, actorKey: Int, actorState: [String]
  let partnerSystem: String?, partnerKey: Int?, partnerPort: Int?, partnerState: [String]?
  let muxState: String, counters: Counters, lastLacpduMs: Int?, problem: String?
}

/// A host behind a routed interface.
struct Neighbour: Decodable {
  let server: String?, interface: String?, address: String, mac: String?, state: String, ageS: Int
}

struct Station: Decodable {
  let facility: String, vxlan: Int, mac: String, server: String, port: String, ageS: Int
}

struct RackStatus: Decodable {
  struct Start: Decodable { let adopted: Int, made: Int, removed: Int }

  let version: String, rackId: String, startedAt: String
  let servers: Int, networks: Int, stations: Int, stationLimit: Int, stationsEvicted: Int, stationsRefused: Int
  let workers: Int, io: String, agingSeconds: Int, lacpRate: String
  let start: Start, problems: [String]
}

struct PlanList: Decodable {
  struct Plan: Decodable {
    struct Toprack: Decodable { let modes: [String] }
    let slug: String, description: String, toprack: Toprack
  }
  let plans: [Plan]
}

struct FacilityList: Decodable {
  struct Facility: Decodable {
    struct Metro: Decodable { let code: String }
    let code: String, name: String, metro: Metro?
  }
  let facilities: [Facility]
}

struct ProjectList: Decodable {
  struct Project: Decodable { let id: String, name: String }
  let projects: [Project]
}
