import Rack

// What a record of a lab says in the words of a file: what is compared, shown, exported and kept.

/// A lab in a rack: its records by the names that they have in it.
struct LabView {
  let rack: Rack
  let lab: LabID?
  let belongings: LabBelongings

  init(_ rack: Rack, _ lab: LabID?) {
    (self.rack, self.lab) = (rack, lab)
    belongings = lab.map(rack.belongings) ?? LabBelongings()
  }

  func server(_ name: String) -> Server? { belongings.servers[name].flatMap { rack.servers[$0] } }
  func network(_ name: String) -> VirtualNetwork? { belongings.networks[name].flatMap { rack.networks[$0] } }
  func block(_ name: String) -> Reservation? { belongings.reservations[name].flatMap { rack.reservations[$0] } }

  /// Its name in the lab; of another one its number.
  func name(of id: NetworkID) -> String {
    guard let network = rack.networks[id] else { return "?" }
    if let membership = network.membership, membership.lab == lab { return membership.name }
    return String(network.vxlan)
  }

  /// `web, db (native web)`; nil: none. `later`: a network that is taken is called as it is then.
  func words(_ port: Port, later: LabView? = nil) -> String? {
    guard !port.networks.isEmpty else { return nil }
    func name(of id: NetworkID) -> String {
      if let later, later.rack.networks[id]?.lab == later.lab { return later.name(of: id) }
      return self.name(of: id)
    }
    let names = port.networks.map(name).sorted().joined(separator: ", ")
    return names + (port.effectiveNative.map { " (native \(name(of: $0)))" } ?? "")
  }

  /// The one server that has all of a block; nil when nobody has it, or parts of it go elsewhere.
  func holder(of reservation: Reservation) -> Server? {
    let assignments = rack.assignments(of: reservation.id)
    guard assignments.count == 1, assignments[0].assignment.block == reservation.block else { return nil }
    return assignments[0].server
  }

  func name(of server: Server) -> String {
    server.lab == lab ? server.membership?.name ?? server.hostname : server.hostname
  }
}

/// Where `Server` is another one.
typealias RackServer = Server

extension Port {
  /// A single network is untagged whether it was chosen or not.
  var effectiveNative: NetworkID? { networks.count > 1 ? native : nil }
}

extension Server {
  /// `host`, `netns` in a namespace named after it, `netns:NAME`.
  func placeWords(name: String) -> String {
    guard let namespace = place.namespace else { return "host" }
    return isOwnNamespace(namespace, name) ? "netns" : "netns:\(namespace)"
  }

  /// Whether the namespace is called as one would be that is named after a server `name`, with or without the UUID
  /// behind it.
  func isOwnNamespace(_ namespace: String, _ name: String) -> Bool {
    namespace == name || namespace == "\(name)-\(id.short)" || namespace == "\(name)-\(id)"
  }

  func isPlaced(_ wanted: LabPlace, name: String) -> Bool {
    switch wanted {
    case .host: place == .host
    case .netns, .vm: place.namespace.map { isOwnNamespace($0, name) } ?? false
    case .namespace(let name): place.namespace == name
    }
  }

  var blockWords: [String] { addresses.map { "\($0.network)" } }
}

extension Lab {
  /// The tags that a file speaks of: without the mark of the lab.
  func plain(_ tags: [String]) -> [String] { tags.filter { $0 != tag } }
  /// With the mark.
  func marked(_ tags: [String]) -> [String] { plain(tags) + [tag] }
}

extension LabPlace {
  var words: String {
    switch self {
    case .host: "host"
    case .netns: "netns"
    case .namespace(let name): "netns:\(name)"
    case .vm: "vm"
    }
  }
}
