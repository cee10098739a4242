/// What `toprack lacp show` says of one link of a bond.
struct LACPMember: Equatable, Sendable {
  let server: String
  let port: String
  let isLinkUp: Bool
  let isSelected: Bool
  let isCollecting: Bool
  let isDistributing: Bool
  /// It carries alone, because no partner is in sync.
  let isFallback: Bool
  let actorSystem: String
  let actorKey: Int
  /// Nil while no partner is heard.
  let partnerSystem: String?
  let partnerKey: Int?
  /// How often its mux machine changed state, since it joined the bond.
  let muxTransitions: Int
  /// A sentence about what is wrong; nil when nothing is.
  let problem: String?

  /// In the aggregate of a partner, and carrying both ways.
  var isUp: Bool { isSelected && isCollecting && isDistributing && !isFallback && partnerSystem != nil }
}

extension Lab {
  /// The links that are in the bond of `server` now, by NIC.
  func lacp(_ server: String) throws -> [String: LACPMember] {
    let entries = try toprack.json("lacp", "show", server).array ?? []
    let members = entries.map { entry in
      LACPMember(
        server: entry["server"].string ?? "?", port: entry["port"].string ?? "?",
        isLinkUp: entry["link_up"].bool ?? false,
        isSelected: entry["selected"].bool ?? false, isCollecting: entry["collecting"].bool ?? false,
        isDistributing: entry["distributing"].bool ?? false, isFallback: entry["fallback"].bool ?? false,
        actorSystem: entry["actor_system"].string ?? "?", actorKey: entry["actor_key"].int ?? 0,
        partnerSystem: entry["partner_system"].string, partnerKey: entry["partner_key"].int,
        muxTransitions: entry["counters"]["mux_transitions"].int ?? -1, problem: entry["problem"].string)
    }
    return Dictionary(members.map { ($0.port, $0) }, uniquingKeysWith: { $1 })
  }

  /// The NICs of `server` that are up in an aggregate with a partner.
  func aggregated(_ server: String) throws -> Set<String> { Set(try lacp(server).filter(\.value.isUp).keys) }

  /// Frames that the ports of `nic` received from the machine and sent to it.
  func frames(_ nic: NIC) throws -> (received: Int, sent: Int) {
    let port = try toprack.json("port", "show", nic.machine, nic.port)
    return (port["rx_packets"].int ?? 0, port["tx_packets"].int ?? 0)
  }
}
