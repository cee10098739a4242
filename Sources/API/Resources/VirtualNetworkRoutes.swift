// Virtual networks.

import Control
import Rack

struct VirtualNetworkRoutes {
  let control: Control

  func register(on routes: inout Routes) {
    routes.post("/projects/:id/virtual-networks", create)
    routes.get("/projects/:id/virtual-networks", list)
    routes.get("/virtual-networks/:id", show)
    routes.delete("/virtual-networks/:id", delete)
  }

  private func create(_ call: Call) async throws -> Reply {
    let project = try await control.rack.known(project: call.identifier(of: "project"))
    let arguments = call.arguments
    if arguments.value("facility") != nil, arguments.value("metro") != nil {
      throw APIError.invalid("give facility or metro, not both")
    }
    // Clients that let the service choose the number send null, nothing, or 0.
    let number = try arguments.integer("vxlan")
    let request = NetworkRequest(
      project: project.id, facility: try arguments.facility().code, vxlan: number == 0 ? nil : number,
      description: try arguments.string("description"))
    let outcome = try await control.perform(.createNetwork(request))
    guard case .network(let id) = outcome.subject else { preconditionFailure("a created network is the subject") }
    let rack = await control.rack
    return .created(try Renderer(rack: rack, prefix: call.prefix).network(rack.known(network: id)))
  }

  private func list(_ call: Call) async throws -> Reply {
    let rack = await control.rack
    let project = try rack.known(project: call.identifier(of: "project"))
    let filter = try NetworkFilter(call.arguments)
    let networks = filter.networks(of: rack).filter { $0.project == project.id }
    return .ok(["virtual_networks": .array(Renderer(rack: rack, prefix: call.prefix).networks(networks))])
  }

  private func show(_ call: Call) async throws -> Reply {
    let rack = await control.rack
    let network = try rack.known(network: call.identifier(of: "virtual network"))
    return .ok(Renderer(rack: rack, prefix: call.prefix).network(network))
  }

  private func delete(_ call: Call) async throws -> Reply {
    let network = try await control.rack.known(network: call.identifier(of: "virtual network"))
    _ = try await control.perform(.deleteNetwork(network.id))
    return .noContent
  }
}

/// Filters of the network lists.
struct NetworkFilter {
  private let facility: String?
  private let metro: String?
  private let vxlan: Int?

  init(_ arguments: Arguments) throws(APIError) {
    facility = try arguments.facilityFilter()
    metro = try arguments.string("metro")
    vxlan = try arguments.integer("vxlan")
  }

  /// Those that match, by facility and number.
  func networks(of rack: Rack) -> [VirtualNetwork] {
    rack.networks.values.filter { network in
      if let facility, network.facility != facility { return false }
      if let metro, Catalogue.metro(metro)?.code != network.metro { return false }
      if let vxlan, network.vxlan != vxlan { return false }
      return true
    }
    .sorted { ($0.place.code, $0.vxlan, $0.id.description) < ($1.place.code, $1.vxlan, $1.id.description) }
  }
}
