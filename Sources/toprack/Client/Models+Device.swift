// The members of servers and their ports that tables show.

/// A server.
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
    struct Toprack: Decodable { let virtualNetworks: [WirePort.VLAN] }
    let id: String, name: String, data: Data
    let virtualNetworks: [Network.Brief]
    let nativeVirtualNetwork: Network.Brief?
    let toprack: Toprack
  }
  struct Toprack: Decodable {
    let mode: String, place: String, namespace: String?, interfaces: [String: String], mtu: Int
    /// Where each NIC is, when they are not in one namespace; the host is null.
    let namespaces: [String: String?]?
    let problems: [String]?
    /// The console of a machine that runs by itself.
    let serial: String?
    /// What the interfaces are meant to be called in the namespace.
    let nics: [String: String]?
    /// The interfaces in the namespace are set up by the daemon, and what is set up now.
    let configure: Bool?
    let configured: String?
  }

  let id: String, hostname: String, description: String?, tags: [String], state: String, createdAt: String
  let locked: Bool, networkFrozen: Bool, operatingSystem: OperatingSystemList.System
  let plan: Plan, facility: Facility, metro: Facility?, project: Project
  /// The password is told for a day.
  let sshKeys: [Network.Link]?, rootPassword: String?, sos: String?
  let ipAddresses: [Address], networkPorts: [Port]
  let toprack: Toprack

  /// "on" or "off".
  var power: String { state == "inactive" || state == "powering_off" ? "off" : "on" }

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
