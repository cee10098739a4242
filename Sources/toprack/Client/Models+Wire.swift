// What the switch, its bonds and its gateway say of themselves.

/// A port as the switch sees it.
struct WirePort: Decodable {
  struct VLAN: Decodable {
    let vxlan: Int, id: String
    /// "untagged", "tagged" or "native".
    let form: String

    var text: String { "\(vxlan) \(form)" }
  }
  struct Member: Decodable { let name: String, linkUp: Bool, carries: Bool }

  let name: String, server: String, serverId: String, mode: String, bonded: Bool, linkUp: Bool, mtu: Int
  let vlans: [VLAN]
  let rxPackets: Int, rxBytes: Int, txPackets: Int, txBytes: Int
  struct Shut: Decodable { let reason: String, until: String, times: Int, text: String }

  let drops: [String: Int]
  let shut: Shut?
  let storm: Bool
  let mac: String?, interface: String?, namespace: String?
  let carries: Bool?
  let link: Link?
  let members: [Member]?
  let problems: [String]?
}

/// A NIC in a bond as LACP sees it.
struct LACPMember: Decodable {
  struct Counters: Decodable { let lacpdusReceived: Int, lacpdusSent: Int }

  let server: String, serverId: String, project: String?, port: String
  let linkUp: Bool, collecting: Bool, distributing: Bool, fallback: Bool
  let actorSystem: String, actorKey: Int, actorState: [String]
  let partnerSystem: String?, partnerKey: Int?, partnerPort: Int?, partnerState: [String]?
  let muxState: String, counters: Counters, lastLacpduMs: Int?, problem: String?
}

/// A host behind a routed interface.
struct Neighbour: Decodable {
  let server: String?, serverId: String?, project: String?, interface: String?
  let address: String, mac: String?, state: String, ageS: Int
}

struct Station: Decodable {
  let facility: String, vxlan: Int, mac: String, server: String, serverId: String, project: String?
  let port: String, ageS: Int, moves: Int
}
