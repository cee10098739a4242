// What things are called in differences: everybody is identified by identifier, and called by the name that the database has.

import Rack

struct Names {
  private let rack: Rack

  init(_ rack: Rack) { self.rack = rack }

  /// The hostname.
  func server(_ id: String) -> String {
    ServerID(id).flatMap { rack.servers[$0] }?.hostname ?? "server \(id)"
  }

  /// "network 1001 of ewr1 in default"
  func network(_ id: String?) -> String {
    guard let id else { return "no network" }
    guard let network = NetworkID(id).flatMap({ rack.networks[$0] }) else { return "network \(id)" }
    let project = rack.projects[network.project]?.name ?? "no project"
    return "network \(network.vxlan) of \(network.place.code) in \(project)"
  }

  func project(_ id: String) -> String {
    ProjectID(id).flatMap { rack.projects[$0] }.map { "project \($0.name)" } ?? "project \(id)"
  }

  func block(_ id: String) -> String {
    ReservationID(id).flatMap { rack.reservations[$0] }.map { "elastic block \($0.block)" } ?? "elastic block \(id)"
  }
}

extension [String] {
  /// Sorted, with commas.
  var sortedList: String { sorted().joined(separator: ", ") }
}
