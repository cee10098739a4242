// What things are called in differences: everybody is identified by identifier, and called by the name that the
// database has. Two things are never called the same, or the facts of one would hide those of the other.

import Net
import Rack

struct Names {
  private let rack: Rack

  init(_ rack: Rack) { self.rack = rack }

  /// The hostname; PROJECT/HOSTNAME where several have it, and the UUID behind it where that means several, too.
  func server(_ id: String) -> String {
    guard let server = ServerID(id).flatMap({ rack.servers[$0] }) else { return "server \(id)" }
    let others = rack.servers(named: server.hostname).filter { $0.id != server.id }
    if others.isEmpty { return server.hostname }
    let name = rack.projects[server.project]?.name ?? "no project"
    let isShared = others.contains { rack.projects[$0.project]?.name == name }
    return "\(name)/\(server.hostname)" + (isShared ? " (\(server.id))" : "")
  }

  /// The MAC address of a NIC in the database.
  func mac(_ server: String, _ nic: String) -> MACAddress? {
    guard let server = ServerID(server).flatMap({ rack.servers[$0] }) else { return nil }
    return PortName(rawValue: nic).flatMap { server[$0].mac }
  }

  /// "network 1001 of ewr1 in default"
  func network(_ id: String?) -> String {
    guard let id else { return "no network" }
    guard let network = NetworkID(id).flatMap({ rack.networks[$0] }) else { return "network \(id)" }
    return "network \(network.vxlan) of \(network.place.code) in \(name(of: network.project))"
  }

  func project(_ id: String) -> String { "project \(ProjectID(id).map(name) ?? id)" }

  /// A project's name; its UUID where it has none of its own.
  private func name(of id: ProjectID) -> String {
    guard let project = rack.projects[id], rack.project(named: project.name) != nil else { return "\(id)" }
    return project.name
  }

  /// "lab shop of default"
  func lab(_ id: String) -> String {
    guard let lab = LabID(id).flatMap({ rack.labs[$0] }) else { return "lab \(id)" }
    return "lab \(lab.name) of \(name(of: lab.project))"
  }

  func sshKey(_ id: String) -> String { "SSH key \(id)" }

  /// "mirror look of project default"
  func mirror(_ id: String) -> String {
    guard let mirror = MirrorID(id).flatMap({ rack.mirrors[$0] }) else { return "mirror \(id)" }
    return "mirror \(mirror.name) of project \(name(of: mirror.project))"
  }

  func block(_ id: String) -> String {
    ReservationID(id).flatMap { rack.reservations[$0] }.map { "elastic block \($0.block)" } ?? "elastic block \(id)"
  }
}

extension [String] {
  /// Sorted, with commas.
  var sortedList: String { sorted().joined(separator: ", ") }
}
